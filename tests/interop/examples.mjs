// What clients do with the examples of socketio, an old client (ada) and a new one (bob) at once.
//
//   node examples.mjs EXAMPLE SERVER_URL OLD_CLIENT_FOLDER NEW_CLIENT_FOLDER
//
// `chat` is also the scenario of the program in the workspace's README. Prints one JSON object.

import { Client, equal, load, report } from "./client.mjs";

const [example, server, oldFolder, newFolder] = process.argv.slice(2);
const EVENTS = ["joined", "said", "thanks for", "stored", "told", "you are", "shouted", "came", "error", "connect_error"];
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

const scenarios = {
  async chat() {
    const room = crypto.randomUUID();
    const [ada, bob, carol] = [older(), newer(), newer()];
    await ada.ask("join", room, "ada");
    await carol.ask("join", "elsewhere", "carol");
    await bob.ask("join", room, "bob");
    equal(await ada.next("joined"), [room, "bob"]);

    equal(await ada.ask("say", room, "ada", "20 °C – 多云 😀"), [1]);
    equal(await bob.next("said"), [room, "ada", "20 °C – 多云 😀"]);
    equal(await bob.ask("say", room, "bob", "谢谢"), [1]);
    equal(await ada.next("said"), [room, "bob", "谢谢"]);
    equal(await carol.ask("say", "elsewhere", "carol", "anybody?"), [0]);
    equal(carol.unread("said"), []);
  },

  async acks() {
    const [ada, bob] = [older(), newer()];
    equal(await ada.ask("add", 1, 2.5), [3.5]);
    equal(await bob.ask("add", 40, 2), [42]);
    for (const client of [ada, bob]) {
      client.socket.on("question", (question, answer) => answer(`well – ${question}`));
      client.emit("ask me");
      equal(await client.next("thanks for"), ["well – how are you?"]);
    }
    equal(await ada.ask("ask everybody"), [2, 2]);
  },

  async binary() {
    const [ada, bob] = [older(), newer()];
    equal(await bob.ask("store", { name: "empty", content: Buffer.alloc(0) }), [0]);
    equal(await ada.next("stored"), [{ name: "empty", content: Buffer.alloc(0) }]);
    const file = { name: "bytes.bin", content: EVERY_BYTE };
    equal(await ada.ask("store", file), [256]);
    equal(await bob.next("stored"), [file]);
  },

  async auth() {
    const token = "open sesame";
    const ada = older("/members?token=open%20sesame&name=ada&team=red");
    const bob = newer("/members", { token, name: "bob", team: "red" });
    const carol = newer("/members", { token, name: "carol", team: "blue" });
    for (const [client, name] of [[ada, "ada"], [bob, "bob"], [carol, "carol"]]) {
      client.emit("who am I");
      equal(await client.next("you are"), [name]);
    }
    ada.emit("tell my team", "hello reds");
    equal(await bob.next("told"), ["ada", "hello reds"]);
    carol.emit("who am I");
    equal(await carol.next("you are"), ["carol"]);
    equal(carol.unread("told"), []);

    equal(await older("/members?token=guessed&team=red").next("error"), ["not authorized"]);
    const [refusal] = await newer("/members", {}).next("connect_error");
    equal([refusal.message, refusal.data], ["not authorized", { missing: "token" }]);
  },

  async embed_in_axum() {
    for (const client of [older(), newer()]) {
      const [peer] = await client.ask("where am I");
      equal(peer.startsWith("127.0.0.1:"), true);
    }
    equal(await (await fetch(`${server}/`)).text(), "hello from axum\n");
  },

  async embed_in_hyper() {
    for (const client of [older(), newer()]) {
      client.emit("shout", "é");
      equal(await client.next("shouted"), ["É"]);
    }
    equal(await (await fetch(`${server}/`)).text(), "hello from the rest of the server\n");
  },

  async mixed_generations() {
    const ada = older();
    await ada.next("connect");
    const bob = newer();
    equal(await ada.next("came"), ["3.x or 4.x"]);
    ada.emit("say", "多云", EVERY_BYTE);
    equal(await bob.next("said"), ["多云", EVERY_BYTE]);
    bob.emit("say", { nested: [EVERY_BYTE] }, "é");
    equal(await ada.next("said"), [{ nested: [EVERY_BYTE] }, "é"]);
  },
};

await report(scenarios, [example], (scenario) => scenario());

function older(namespace = "/") {
  return open(oldFolder, namespace);
}

function newer(namespace = "/", auth = undefined) {
  return open(newFolder, namespace, auth);
}

function open(folder, namespace, auth) {
  const options = { forceNew: true, reconnection: false, auth };
  return new Client(load(folder).io(`${server}${namespace}`, options), EVENTS);
}
