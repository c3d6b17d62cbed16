// A client loses its connection and comes back, against the fixture of socketio with the option `recovery`.
//
//   node recovery.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade
//
// Prints one JSON object per scenario.

import { createRequire } from "node:module";

const [folder, server, transport] = process.argv.slice(2);
const require = createRequire(new URL(`./${folder}/`, import.meta.url));
const { io } = require("socket.io-client");
const parser = folder.startsWith("socket.io-msgpack-parser-") ? require("socket.io-msgpack-parser") : undefined;
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const DEADLINE_MS = 15_000;

const scenarios = {
  // The transport is closed, the server knows at once.
  recovers: (client, witness) => lose(client, witness, (engine) => engine.transport.close()),

  async "recovers-twice"(client, witness) {
    await lose(client, witness, (engine) => engine.transport.close());
    await lose(client, witness, (engine) => engine.transport.close());
  },

  // The client gives its connection up, and the server is not told.
  async "half-dead"(client, witness) {
    await lose(client, witness, (engine) => {
      engine.transport.close = () => engine.transport;
      engine._onClose("transport close");
    });
  },

  async "not-after-leaving"(client) {
    const { id } = client.socket;
    client.socket.disconnect().connect();
    await client.next("connect");
    equal([client.socket.recovered, client.socket.id === id], [false, false]);
  },
};

for (const [scenario, run] of Object.entries(scenarios)) {
  const [client, witness] = [new Client(), new Client()];
  const outcome = { scenario, ok: true };
  try {
    await Promise.all([client.next("connect"), witness.next("connect")]);
    await reachTransport(client.socket);
    equal(client.socket.recovered, false);
    await run(client, witness);
  } catch (error) {
    outcome.ok = false;
    outcome.reason = error.message;
  }
  for (const { socket } of [client, witness]) socket.disconnect();
  console.log(JSON.stringify(outcome));
}
process.exit(0);

// What a room is told while the client is away comes once, then the client is who it was.
async function lose(client, witness, cut) {
  const { id } = client.socket;
  const room = `room of ${id}`;
  client.socket.emit("join", room);
  await client.ask("message-with-ack");
  await tell(witness, room, "before");
  equal(await client.news(), "before");

  cut(client.socket.io.engine);
  await client.next("disconnect");
  await tell(witness, room, "missed");
  await client.next("connect");
  equal([client.socket.recovered, client.socket.id], [true, id]);
  equal(await client.news(), "missed");
  await tell(witness, room, "after");
  equal(await client.news(), "after");
  equal(client.waiting("news"), 0);
}

// Returns when the server has sent it.
async function tell(witness, room, value) {
  witness.socket.emit("to-room", room, value);
  await witness.ask("message-with-ack");
}

// A socket whose events are kept until they are asked for.
function Client() {
  const [kept, askers] = [new Map(), new Map()];
  this.socket = io(server, { transports: TRANSPORTS[transport], forceNew: true, parser, reconnectionDelay: 700, randomizationFactor: 0 });
  for (const event of ["connect", "disconnect", "news"]) {
    kept.set(event, []);
    askers.set(event, []);
    this.socket.on(event, (argument) => {
      const asker = askers.get(event).shift();
      if (asker) asker(argument);
      else kept.get(event).push(argument);
    });
  }
  this.waiting = (event) => kept.get(event).length;
  this.next = (event) => {
    if (kept.get(event).length) return Promise.resolve(kept.get(event).shift());
    return within(new Promise((resolve) => askers.get(event).push(resolve)), event);
  };
  this.news = () => this.next("news");
  this.ask = (event, ...args) => within(new Promise((resolve) => this.socket.emit(event, ...args, resolve)), `answer to ${event}`);
}

// The transport asked for is really in use; an upgrade is waited for.
async function reachTransport(socket) {
  const engine = socket.io.engine;
  const wanted = TRANSPORTS[transport].at(-1);
  if (engine.transport.name !== wanted && transport === "upgrade") {
    await within(new Promise((resolve) => engine.once("upgrade", resolve)), "upgrade");
  }
  equal(engine.transport.name, wanted);
}

function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, got ${left}`);
}

function within(promise, name) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no ${name} within ${DEADLINE_MS} ms`)), DEADLINE_MS).unref();
  });
  return Promise.race([promise, late]);
}
