// Runs the scenarios of README.md with one client from npm, in its own folder.
//
//   node scenario.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade
//
// Prints one JSON object per scenario. Written the way a page of 2015 does it, so that the same lines
// run with every generation of the client.

import { createRequire } from "node:module";

const [folder, server, transport] = process.argv.slice(2);
const io = createRequire(new URL(`./${folder}/`, import.meta.url))("socket.io-client");
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const DEADLINE_MS = 15_000;
const { sessionToken, thingToken } = await (await fetch(`${server}/dev.json`)).json();

const scenarios = {
  async golden(client) {
    await authenticate(client);
    await reachTransport(client.socket);
    await exchange(client, "/me/resources/temperature", "temperature", "21.5");

    client.socket.emit("unsubscribe", { resource: "/me/resources/temperature" });
    equal(await client.next("unsubscribe"), {
      status: "success",
      message: "unsubscribed",
      resource: "/me/resources/temperature",
    });
    // What is written now must not arrive; the value of another topic, written later, shows that it would have.
    await write("temperature", "22");
    await exchange(client, "/me/resources/fence", "fence", "1");
    equal(client.waiting("/me/resources/temperature"), 0);

    client.socket.disconnect();
    equal(await client.next("disconnect"), "io client disconnect");
  },

  async "non-ascii"(client) {
    await authenticate(client);
    await exchange(client, "/me/resources/sky", "sky", "20,5 °C – 多云 😀");
  },

  async "wrong-token"(client) {
    await client.next("connect");
    client.socket.emit("authenticate", { sessionToken: "x".repeat(43) });
    equal(await client.next("authenticate"), {
      status: "error",
      code: 401,
      message: "Invalid session token",
    });
    equal(client.socket.connected, true);
  },

  async "subscribe-before-authenticate"(client) {
    await client.next("connect");
    client.socket.emit("subscribe", { resource: "/me/resources/temperature" });
    const { status, code, resource } = await client.next("subscribe");
    equal([status, code, resource], ["error", 401, "/me/resources/temperature"]);
  },
};

for (const [scenario, run] of Object.entries(scenarios)) {
  const client = new Client();
  const outcome = { client: folder, transport, scenario, ok: true };
  try {
    await within(DEADLINE_MS, run(client), client);
  } catch (error) {
    outcome.ok = false;
    outcome.reason = error.message;
  }
  client.socket.disconnect();
  console.log(JSON.stringify(outcome));
}
process.exit(0);

// A socket whose events are kept until they are asked for.
function Client() {
  const kept = new Map();
  const askers = new Map();
  const queue = (map, event) => map.get(event) ?? map.set(event, []).get(event);
  const listen = (event) => {
    if (kept.has(event)) return;
    queue(kept, event);
    this.socket.on(event, (argument) => {
      const asker = queue(askers, event).shift();
      if (asker) asker(argument);
      else queue(kept, event).push(argument);
    });
  };
  this.socket = io(`${server}/v2`, { transports: TRANSPORTS[transport], forceNew: true, reconnection: false });
  for (const event of ["connect", "authenticate", "subscribe", "unsubscribe", "disconnect"]) listen(event);
  this.listen = listen;
  this.waiting = (event) => queue(kept, event).length;
  this.next = (event) => {
    this.expected = event;
    if (kept.get(event).length) return Promise.resolve(kept.get(event).shift());
    return new Promise((resolve) => queue(askers, event).push(resolve));
  };
}

async function authenticate(client) {
  await client.next("connect");
  client.socket.emit("authenticate", { sessionToken });
  equal(await client.next("authenticate"), { status: "success" });
}

// Subscribes, writes one value over REST and gets it on the event named as the topic.
async function exchange(client, topic, key, value) {
  client.listen(topic);
  client.socket.emit("subscribe", { resource: topic });
  equal(await client.next("subscribe"), { status: "success", message: "subscribed", resource: topic });
  await write(key, value);
  const elements = await client.next(topic);
  equal(elements.map((element) => [element.key, element.value]), [[key, value]]);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(elements[0].datetime)) {
    throw new Error(`datetime is ${elements[0].datetime}`);
  }
}

async function write(key, value) {
  const answer = await fetch(`${server}/v2/things/${thingToken}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ values: [{ key, value }] }),
  });
  equal(answer.status, 201);
}

// The transport asked for is really in use; an upgrade is waited for.
async function reachTransport(socket) {
  const engine = socket.io.engine;
  const wanted = transport === "polling" ? "polling" : "websocket";
  if (transport === "upgrade" && engine.transport.name !== wanted) {
    await new Promise((resolve) => engine.once("upgrade", resolve));
  }
  equal(engine.transport.name, wanted);
}

function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, got ${left}`);
}

function within(milliseconds, promise, client) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no ${client.expected} within ${milliseconds} ms`)), milliseconds).unref();
  });
  return Promise.race([promise, late]);
}
