// The common scenario with one version of socket.io-client, against the Socket.IO fixture of siospec.
//
//   node scenario.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade STEP…
//
// What the fixture's events do is written in crates/siospec/README.md; what no client of a version can
// do is in cannot.tsv. `POST /cut` at the server's address cuts all connections, and `POST /mend` lets new
// ones through.

import { Client, DEADLINE_MS, TRANSPORTS, equal, load, reachTransport, report } from "./client.mjs";

const [folder, server, transport, ...chosen] = process.argv.slice(2);
const { io, protocol, parser } = load(folder);

const WORDS = ["hello", "", "20,5 °C – 多云 😀", "é\u2028\u{10ffff}"];
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const REFUSED = protocol === 5 ? "connect_error" : "error";
const EVENTS = ["auth", "message-back", "answered", "news", "journal", REFUSED];

const steps = {
  async connect() {
    const client = open("/");
    await client.next("connect");
    await reachTransport(client.socket, transport);
  },

  async auth() {
    const client = open("/custom", { tag: "ada" });
    equal(await client.next("auth"), [{ tag: "ada" }]);
  },

  async namespaces() {
    const root = open("/");
    await root.next("connect");
    const custom = beside(root, "/custom");
    await custom.next("connect");
    equal(custom.socket.io === root.socket.io, true); // one connection
    custom.emit("message", "in /custom");
    root.emit("message", "in /");
    equal(await root.next("message-back"), ["in /"]);
    equal(await custom.next("message-back"), ["in /custom"]);
    custom.socket.disconnect();
    root.emit("message", "still here");
    equal(await root.next("message-back"), ["still here"]);
    equal(custom.unread("message-back"), []);
  },

  async refusal() {
    equal(message(await open("/refused").next(REFUSED)), "not authorized");
    equal(message(await open("/nowhere").next(REFUSED)), "Invalid namespace");
  },

  async events() {
    const client = open("/");
    // What is sent at once meets the upgrade on its way.
    await echo(client, ...WORDS, { nested: WORDS });
    await reachTransport(client.socket, transport);
    await echo(client, ...WORDS, { nested: WORDS });
    await readByAnother(client, WORDS[2]);
  },

  async binary() {
    const client = open("/");
    await echo(client, EVERY_BYTE);
    await echo(client, { name: "é.bin", parts: [EVERY_BYTE, Buffer.from([0])] }, "多云", Buffer.alloc(0));
    await readByAnother(client, EVERY_BYTE);
  },

  async acks() {
    const client = open("/");
    equal(await client.ask("message-with-ack", 1, "多云", { three: [null] }), [1, "多云", { three: [null] }]);
    equal(await client.ask("message-with-ack", EVERY_BYTE), [EVERY_BYTE]);
    equal(await client.ask("message-with-ack"), []);
  },

  async asks() {
    const client = open("/");
    client.socket.on("answer-me", (...args) => args.pop()("the answer to", ...args));
    client.emit("emit-with-ack", "多云", EVERY_BYTE);
    equal(await client.next("answered"), ["the answer to", "多云", EVERY_BYTE]);
  },

  async rooms() {
    const room = crypto.randomUUID();
    const [inside, outside] = [open("/"), open("/")];
    inside.emit("join", room);
    await echo(inside, "has joined");
    outside.emit("to-room", room, "for members", EVERY_BYTE);
    equal(await inside.next("news"), ["for members", EVERY_BYTE]);
    await echo(outside, "a fence");
    equal(outside.unread("news"), []);
  },

  // What the server sees.
  async leaving() {
    const leaves = await besideRoot();
    const tag = await tagged(leaves);
    leaves.socket.disconnect();
    await journalHas(tag, "client namespace disconnect");

    const thrownOut = await besideRoot();
    const other = await tagged(thrownOut);
    thrownOut.emit("leave-namespace");
    await journalHas(other, "server namespace disconnect");
  },

  // What the client sees.
  async reasons() {
    const leaves = open("/");
    await leaves.next("connect");
    leaves.socket.disconnect();
    equal(reason(await leaves.next("disconnect")), "io client disconnect");

    const thrownOut = open("/");
    thrownOut.emit("leave-namespace");
    equal(reason(await thrownOut.next("disconnect")), "io server disconnect");

    const lost = open("/");
    await lost.next("connect");
    await reachTransport(lost.socket, transport);
    await line("cut");
    const expected = transport === "polling" ? "transport error" : "transport close";
    equal(reason(await lost.next("disconnect")), expected);
    await line("mend");
  },

  async reconnect() {
    const client = open("/", undefined, { reconnection: true, reconnectionDelay: 50 });
    await client.next("connect");
    await reachTransport(client.socket, transport);
    await echo(client, "before");
    await line("cut");
    await client.next("disconnect");
    client.emit("message", "sent while offline");
    await line("mend");
    await client.next("connect");
    equal(await client.next("message-back"), ["sent while offline"]);
    await reachTransport(client.socket, transport);
    await echo(client, "after");
  },
};

let opened = [];

await report(steps, chosen, async (step) => {
  try {
    await step();
  } finally {
    for (const client of opened) client.socket.disconnect();
    opened = [];
  }
});

// Clients of protocol 4 have no auth; they bring a query to their namespace.
function open(namespace, auth, options) {
  const query = auth && protocol === 4 ? `?${new URLSearchParams(auth)}` : "";
  const common = { transports: TRANSPORTS[transport], forceNew: true, reconnection: false, parser };
  return keep(io(`${server}${namespace}${query}`, { ...common, auth, ...options }));
}

function beside(client, namespace) {
  return keep(client.socket.io.socket(namespace));
}

// Its connection outlives its stay: the last to leave closes the connection, too, and client 1.0
// sends both at the same time by polling, so that the server hears them in any order.
async function besideRoot() {
  const root = open("/");
  await root.next("connect");
  return beside(root, "/custom");
}

function keep(socket) {
  const client = new Client(socket, EVENTS);
  opened.push(client);
  return client;
}

async function echo(client, ...args) {
  client.emit("message", ...args);
  equal(await client.next("message-back"), args);
}

// An echo cannot tell that both ways garble alike; a socket on WebSocket, whose text is exact, can.
async function readByAnother(client, content) {
  const room = crypto.randomUUID();
  const other = open("/", undefined, { transports: ["websocket"] });
  other.emit("join", room);
  await echo(other, "has joined");
  client.emit("to-room", room, content);
  equal(await other.next("news"), [content]);
}

// The name under which the journal knows a client, which not every client could bring with it.
async function tagged(client) {
  const tag = crypto.randomUUID();
  equal(await client.ask("tag", tag), []);
  return tag;
}

// Leaving is no answer to anything, so the journal is asked again until it tells.
async function journalHas(tag, entry) {
  const reader = open("/");
  const deadline = Date.now() + DEADLINE_MS;
  let entries = [];
  while (entries.length < 2 && Date.now() < deadline) {
    reader.emit("journal", tag);
    [entries] = await reader.next("journal");
  }
  equal(entries, [["/custom", "connect"], ["/custom", entry]]);
}

async function line(action) {
  equal((await fetch(`${server}/${action}`, { method: "POST" })).status, 204);
}

// Clients of protocol 4 are told a text, later ones get an Error.
function message([error]) {
  return error.message ?? error;
}

function reason([text]) {
  return text;
}
