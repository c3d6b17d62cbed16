// Runs the scenarios of README.md with one Engine.IO client from npm, in its own folder.
//
//   node engine.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade SCENARIO…
//
// The server is the Engine.IO fixture of siospec, which echoes. Prints one JSON object per scenario.

import { createRequire } from "node:module";

const [folder, server, transport, ...chosen] = process.argv.slice(2);
const client = createRequire(new URL(`./${folder}/`, import.meta.url))("engine.io-client");
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const DEADLINE_MS = 15_000;
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const TEXTS = ["20,5 °C", "多云 – ☁", "😀 é€", "é", "\u{10ffff}\u2028\uffff"];

const scenarios = {
  text: (socket) => echo(socket, ["hello", "", "b4AQID", "[1,\"\\u001e\"]", "x".repeat(100_000)]),
  binary: (socket) => echo(socket, [EVERY_BYTE, Buffer.from([4]), Buffer.alloc(100_000, 0x80)]),
  async "non-ascii"(socket) {
    await echo(socket, TEXTS);
    await readByAnother(socket, "20,5°C–多云😀é");
  },
  // All of them in as few payloads as the client makes of it.
  batch: (socket) => echo(socket, [...TEXTS, EVERY_BYTE, "plain", ...TEXTS, EVERY_BYTE].flatMap((x) => [x, x])),
};

for (const [scenario, run] of Object.entries(scenarios)) {
  if (!chosen.includes(scenario)) continue;
  const socket = new client.Socket(server, { transports: TRANSPORTS[transport] });
  const outcome = { client: folder, transport, scenario, ok: true };
  try {
    await within(DEADLINE_MS, withTransport(socket, run));
  } catch (error) {
    outcome.ok = false;
    outcome.reason = error.message;
  }
  socket.close();
  console.log(JSON.stringify(outcome));
}
process.exit(0);

// Runs while the transport asked for is in use, and again after an upgrade has happened.
async function withTransport(socket, run) {
  const failure = new Promise((_, reject) => {
    socket.once("close", (reason, cause) => reject(new Error(`closed: ${reason} ${cause?.message ?? ""}`)));
  });
  const upgraded = new Promise((resolve) => socket.once("upgrade", resolve));
  const work = async () => {
    await new Promise((resolve) => socket.once("open", resolve));
    equal(socket.transport.name, TRANSPORTS[transport][0]);
    // What is sent at once meets the upgrade on its way.
    await run(socket);
    if (transport === "upgrade") {
      await upgraded;
      equal(socket.transport.name, "websocket");
      await run(socket);
    }
    equal(socket.transport.name, TRANSPORTS[transport].at(-1));
  };
  await Promise.race([work(), failure]);
}

// Sends all messages at once and wants them back in order, each as the kind it was.
async function echo(socket, messages) {
  const received = [];
  const complete = new Promise((resolve) => {
    // An empty text is given as nothing.
    const listener = (data = "") => {
      received.push(typeof data === "string" ? data : Buffer.from(data));
      if (received.length < messages.length) return;
      socket.off("message", listener);
      resolve();
    };
    socket.on("message", listener);
  });
  for (const message of messages) socket.send(message);
  await complete;
  received.forEach((data, index) => {
    equal(typeof data, typeof messages[index]);
    equal(data, messages[index]);
  });
}

// An echo cannot tell that both ways garble alike; a session on WebSocket, whose text is exact, can.
async function readByAnother(socket, word) {
  const key = crypto.randomUUID();
  socket.send(`!note ${key} ${word}`);
  await echo(socket, ["noted"]);
  const other = new client.Socket(server, { transports: ["websocket"] });
  await new Promise((resolve) => other.once("open", resolve));
  const notes = new Promise((resolve) => other.once("message", resolve));
  other.send(`!notes ${key}`);
  equal(await notes, word);
  other.close();
}

function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, got ${left}`);
}

function within(milliseconds, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds).unref();
  });
  return Promise.race([promise, late]);
}
