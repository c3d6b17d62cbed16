// What an admin is told and does, with the server's side of @socket.io/admin-ui beside ours: the same
// steps against both, and what is told has to be the same.
//
//   node admin.mjs CLIENT_FOLDER SERVER_URL polling|websocket|upgrade [SCENARIO…]
//
// SERVER_URL is the example `admin` of socketio with the password below; the reference is started here,
// with the same handlers. Prints one JSON object per scenario.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const [folder, url, transport, ...chosen] = process.argv.slice(2);
const require = createRequire(new URL(`./${folder}/`, import.meta.url));
const { Server } = require("socket.io");
const { io } = require("socket.io-client");
const { instrument } = require("@socket.io/admin-ui");
const { hashSync } = require("bcryptjs");

const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const DEADLINE_MS = 15_000;
const CREDENTIALS = { username: "ops", password: "rosebud" };
const servers = { ours: url, reference: await startReference() };

const scenarios = {
  async credentials(server) {
    const said = [];
    for (const auth of [undefined, {}, { ...CREDENTIALS, password: "?" }, { ...CREDENTIALS, username: "?" }, { sessionId: "?" }]) {
      said.push(await refused(server, auth));
    }
    const first = await admin(server, CREDENTIALS);
    const [sessionId] = await first.next("session");
    said.push(typeof sessionId);
    first.close();
    const second = await admin(server, { sessionId });
    said.push(await second.next("config"));
    said.push(second.told.map(([event]) => event).includes("session"));
    second.close();
    return said;
  },

  // Sockets that were there before, and the admin itself.
  async sockets(server) {
    const client = await join(server);
    await client.ask("join", "red");
    const { watcher, sockets } = await watch(server);
    watcher.close();
    client.close();
    const names = { [client.id]: "<client>", [watcher.id]: "<admin>" };
    const shapes = sockets.filter(({ id }) => id in names).map((socket) => shapeOf(socket, names));
    // An upgrade may be under way.
    for (const shape of shapes) shape.transport = typeof shape.transport;
    return shapes.sort((one, other) => (one.nsp < other.nsp ? -1 : 1));
  },

  async events(server) {
    const { watcher } = await watch(server);
    const client = await join(server);
    await watcher.next("socket_connected");
    await client.ask("join", "red");
    await watcher.next("room_joined", ([, room]) => room === "red");
    await client.ask("say", "red", "°–云😀", { bytes: Buffer.from([0, 255]) });
    await watcher.next("event_sent");
    await client.ask("leave", "red");
    await watcher.next("room_left");
    await client.ask("join", "blue");
    client.close();
    await watcher.next("room_left", ([, room]) => room === "blue");
    watcher.close();
    return watcher.transcript({ [client.id]: "<client>" });
  },

  async commands(server) {
    const { watcher } = await watch(server);
    const [client, other] = [await join(server), await join(server)];
    await watcher.next("socket_connected", ([socket]) => socket.id === other.id);
    const from = watcher.told.length;
    watcher.socket.emit("emit", "/", undefined, "note", 1, { two: [3] });
    watcher.socket.emit("emit", "/", client.id, "you");
    watcher.socket.emit("join", "/", "red", client.id);
    watcher.socket.emit("join", "/", "blue", "red");
    watcher.socket.emit("leave", "/", "red");
    const heard = [await client.next("note"), await other.next("note"), await client.next("you")];
    await watcher.next("room_left");
    watcher.socket.emit("_disconnect", "/", false, client.id);
    heard.push(await client.next("disconnect"), client.socket.io.engine.readyState);
    watcher.socket.emit("_disconnect", "/", true);
    heard.push(await other.next("disconnect"));
    await watcher.next("room_left", ([, room]) => room === other.id);
    watcher.close();
    client.close();
    // Nobody knows in which order a broadcast reaches two sockets.
    const told = watcher
      .transcript({ [client.id]: "<client>", [other.id]: "<other>" }, from)
      .map((event) => JSON.stringify(event));
    return [heard, told.sort()];
  },

  async statistics(server) {
    const { watcher } = await watch(server);
    const client = await join(server);
    await client.ask("join", "red");
    client.close();
    const types = new Set();
    const wanted = ["rawConnection", "rawDisconnection", "packetsIn", "packetsOut", "bytesIn", "bytesOut"];
    let stats;
    while (!wanted.every((type) => types.has(type))) {
      [stats] = await watcher.next("server_stats");
      for (const { timestamp, type, subType, count } of stats.aggregatedEvents) {
        equal([timestamp % 1000, count > 0, typeof subType], [0, true, type === "rawDisconnection" ? "string" : "undefined"]);
        types.add(type);
      }
    }
    watcher.close();
    const { aggregatedEvents, namespaces, ...rest } = stats;
    const names = namespaces.map(({ name }) => name).sort();
    return [typesOf(rest), typesOf(namespaces[0]), names, [...types].sort()];
  },

  async upgrades(server) {
    const { watcher } = await watch(server);
    const client = await join(server);
    const [socket] = await watcher.next("socket_connected");
    const said = [socket.transport];
    // The reference tells a socket's data in updates of their own.
    const isUpgrade = ([change]) => change.id === client.id && "transport" in change;
    if (transport === "upgrade") {
      const [change] = await watcher.next("socket_updated", isUpgrade);
      said.push(shapeOf(change, { [client.id]: "<client>" }));
    }
    watcher.close();
    client.close();
    return said;
  },
};

for (const [scenario, run] of Object.entries(scenarios)) {
  if (chosen.length && !chosen.includes(scenario)) continue;
  const outcome = { client: folder, transport, scenario, ok: true };
  try {
    const reference = await within(DEADLINE_MS, run(servers.reference), "the reference");
    equal(await within(DEADLINE_MS, run(servers.ours), "ours"), reference);
  } catch (error) {
    outcome.ok = false;
    outcome.reason = error.message;
  }
  console.log(JSON.stringify(outcome));
}
process.exit(0);

// The handlers of the example `admin`, on the reference.
async function startReference() {
  const http = createServer();
  const server = new Server(http);
  const auth = { type: "basic", username: CREDENTIALS.username, password: hashSync(CREDENTIALS.password, 4) };
  instrument(server, { auth, mode: "development" });
  server.on("connection", (socket) => {
    socket.on("join", (room, answer) => {
      socket.join(room);
      answer();
    });
    socket.on("leave", (room, answer) => {
      socket.leave(room);
      answer();
    });
    socket.on("say", (room, text, _, answer) => {
      server.to(room).emit("said", text);
      answer();
    });
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${http.address().port}`;
}

// A socket whose events are kept, all in `told`, until somebody waits for one.
function Peer(address, auth) {
  const waiting = [];
  let read = 0;
  this.told = [];
  this.socket = io(address, { auth, transports: TRANSPORTS[transport], forceNew: true, reconnection: false });
  const hear = (...event) => {
    this.told.push(event);
    waiting.splice(0).forEach((wake) => wake());
  };
  this.socket.onAny(hear);
  for (const event of ["connect_error", "disconnect"]) this.socket.on(event, (reason) => hear(event, reason));
  // The next event of this name that fits.
  this.next = async (name, fits = () => true) => {
    for (;;) {
      while (read < this.told.length) {
        const [event, ...args] = this.told[read++];
        if (event === name && fits(args)) return args;
      }
      await new Promise((resolve) => waiting.push(resolve));
    }
  };
  this.ask = (...event) => this.socket.emitWithAck(...event);
  this.close = () => this.socket.disconnect();
  this.connected = () =>
    new Promise((resolve, reject) => {
      this.socket.once("connect", () => {
        this.id = this.socket.id;
        resolve(this);
      });
      this.socket.once("connect_error", reject);
    });
  // What was told about these sockets, without what comes at any time; others may be on their way out.
  this.transcript = (names, from = 0) => {
    const ids = Object.keys(names);
    const isMeant = ([event, ...args]) => event !== "socket_updated" && ids.some((id) => JSON.stringify(args).includes(id));
    const start = this.told.findIndex(([event]) => event === "all_sockets") + 1;
    return this.told.slice(Math.max(start, from)).filter(isMeant).map((event) => shapeOf(event, names));
  };
}

function admin(server, auth) {
  return new Peer(`${server}/admin`, auth).connected();
}

function join(server) {
  return new Peer(server).connected();
}

async function watch(server) {
  const watcher = await admin(server, CREDENTIALS);
  const [sockets] = await watcher.next("all_sockets");
  return { watcher, sockets };
}

async function refused(server, auth) {
  try {
    (await admin(server, auth)).close();
    return "let in";
  } catch (error) {
    return [error.message, error.data];
  }
}

// Ids have names, the time is the time, and of a handshake only the types are the same everywhere.
function shapeOf(value, names) {
  if (typeof value === "string") return names[value] ?? (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) ? "<time>" : value);
  if (Array.isArray(value)) return value.map((element) => shapeOf(element, names));
  if (value === null || typeof value !== "object" || Buffer.isBuffer(value)) return value;
  const { handshake, clientId, ...rest } = value;
  const shape = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, shapeOf(inner, names)]));
  if (handshake) shape.handshake = { ...typesOf(handshake), headers: Object.keys(handshake.headers).sort(), query: Object.keys(handshake.query).sort() };
  if (clientId) shape.clientId = typeof clientId;
  return sorted(shape);
}

function typesOf(object) {
  return sorted(Object.fromEntries(Object.entries(object).map(([key, value]) => [key, typeof value])));
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort());
}

function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, got ${left}`);
}

function within(milliseconds, promise, whose) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${whose}: not done within ${milliseconds} ms`)), milliseconds).unref();
  });
  return Promise.race([promise, late]);
}
