// topicd's guide with one client from npm, in its own folder.
//
//   node topicd.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade SCENARIO…
//
// Its scenarios are those of README.md; it prints one JSON object for each.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Client, TRANSPORTS, equal, load, reachTransport, report } from "./client.mjs";

const [folder, server, transport, ...chosen] = process.argv.slice(2);
const { io } = load(folder);
// The demo has a sensor that writes temperature and humidity; the scenarios keep to other keys.
const { sessionToken, thingToken } = await (await fetch(`${server}/dev.json`)).json();

const scenarios = {
  async golden(client) {
    await authenticate(client);
    await reachTransport(client.socket, transport);
    await exchange(client, "/me/resources/pressure", "pressure", "1013");

    client.emit("unsubscribe", { resource: "/me/resources/pressure" });
    const resource = "/me/resources/pressure";
    equal(await client.next("unsubscribe"), [{ status: "success", message: "unsubscribed", resource }]);
    // What is written now must not arrive; the value of another topic, written later, shows that it would have.
    await write("pressure", "1014");
    await exchange(client, "/me/resources/fence", "fence", "1");
    equal(client.unread("/me/resources/pressure"), []);

    client.socket.disconnect();
    const [reason] = await client.next("disconnect");
    equal(reason, "io client disconnect");
  },

  async "non-ascii"(client) {
    await authenticate(client);
    await exchange(client, "/me/resources/sky", "sky", "20,5 °C – 多云 😀");
  },

  async "wrong-token"(client) {
    await client.next("connect");
    client.emit("authenticate", { sessionToken: "x".repeat(43) });
    equal(await client.next("authenticate"), [{ status: "error", code: 401, message: "Invalid session token" }]);
    equal(client.socket.connected, true);
  },

  async "subscribe-before-authenticate"(client) {
    await client.next("connect");
    client.emit("subscribe", { resource: "/me/resources/pressure" });
    const [{ status, code, resource }] = await client.next("subscribe");
    equal([status, code, resource], ["error", 401, "/me/resources/pressure"]);
  },

  // The same attempt, once by who knows the authority and once by who does not.
  async "unknown-authority"(client) {
    await client.next("connect");
    equal(await attempt(process.env), { connected: true });
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    equal(await attempt(env), { connected: false, code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  },
};

await report(scenarios, chosen, async (scenario) => {
  const options = { transports: TRANSPORTS[transport], forceNew: true, reconnection: false };
  const client = new Client(io(`${server}/v2`, options), ["authenticate", "subscribe", "unsubscribe"]);
  try {
    await scenario(client);
  } finally {
    client.socket.disconnect();
  }
});

async function attempt(env) {
  const script = fileURLToPath(new URL("./stranger.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, folder, server, transport], { env });
  return JSON.parse(stdout);
}

async function authenticate(client) {
  await client.next("connect");
  client.emit("authenticate", { sessionToken });
  equal(await client.next("authenticate"), [{ status: "success" }]);
}

// Subscribes, writes one value over REST and gets it on the event named as the topic.
async function exchange(client, topic, key, value) {
  client.listen(topic);
  client.emit("subscribe", { resource: topic });
  equal(await client.next("subscribe"), [{ status: "success", message: "subscribed", resource: topic }]);
  await write(key, value);
  const [elements] = await client.next(topic);
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
