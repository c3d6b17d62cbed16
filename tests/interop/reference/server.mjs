// The conformance fixture on the reference implementation.
//
//   node server.mjs [--engine] [--port 3000] [--with cors,cookie,…]
//
// What the fixture does is described in crates/siospec/README.md; the two have to agree.

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server as EngineServer } from "engine.io";
import { Server as SocketServer } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const { values } = parseArgs({
  options: {
    engine: { type: "boolean", default: false },
    port: { type: "string", default: "3000" },
    with: { type: "string", default: "" },
  },
});
const enabled = new Set(values.with.split(",").filter(Boolean));

const engineOptions = {
  pingInterval: 300,
  pingTimeout: 200,
  upgradeTimeout: 500,
  maxHttpBufferSize: 1_000_000,
  allowEIO3: !enabled.has("eio3-off"),
  allowUpgrades: !enabled.has("no-upgrades"),
  transports: enabled.has("no-upgrades") ? ["polling"] : ["polling", "websocket"],
  cookie: enabled.has("cookie"),
  httpCompression: enabled.has("compression") && { threshold: 1024 },
};
if (enabled.has("cors")) engineOptions.cors = { origin: "*" };
if (enabled.has("cors-origin")) engineOptions.cors = { origin: ["http://allowed.example"] };
if (enabled.has("cors-legacy")) engineOptions.cors = { origin: true, credentials: true };
if (enabled.has("initial-packet")) engineOptions.initialPacket = "ready";
if (enabled.has("no-trailing-slash")) engineOptions.addTrailingSlash = false;
if (enabled.has("hook")) {
  engineOptions.allowRequest = (request, done) => {
    const refused = new URL(request.url, "http://host").searchParams.has("refuse");
    done(refused ? "refused" : null, !refused);
  };
}

// A handler that throws must not take the other clients with it.
process.on("uncaughtException", (error) => console.error(error.message));

const http = createServer((_request, response) => {
  response.writeHead(404, { "content-type": "text/plain" }).end("host");
});
if (values.engine) {
  serveEngine();
} else {
  serveSockets();
}
http.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`listening on 127.0.0.1:${http.address().port}`);
});

function serveEngine() {
  const engine = new EngineServer(engineOptions);
  engine.attach(http, { ...engineOptions, path: "/engine.io" });
  addHeaderHooks(engine);
  engine.on("connection", (session) => {
    session.on("message", (data) => {
      const command = typeof data === "string" && /^!(\w+) ?(.*)$/.exec(data);
      if (command) {
        obey(session, command[1], command[2]);
      } else {
        session.send(data);
      }
    });
  });
}

// Words that sessions left by key, to be read by other sessions.
const notes = new Map();

function obey(session, command, argument) {
  switch (command) {
    case "close":
      return session.close();
    case "bye":
      session.send("bye");
      return session.close();
    case "burst": {
      const [count, size] = argument.split(" ").map(Number);
      for (let n = 0; n < count; n++) session.send(`${n}:`.padEnd(size, "x"));
      return;
    }
    case "note": {
      const [key, word] = argument.split(" ");
      notes.set(key, [...(notes.get(key) ?? []), word]);
      return;
    }
    case "notes":
      return session.send((notes.get(argument) ?? []).join(" "));
    case "request":
      return session.send(JSON.stringify({ query: { ...session.request._query } }));
  }
}

function addHeaderHooks(engine) {
  if (!enabled.has("header-hooks")) return;
  engine.on("initial_headers", (headers) => (headers["x-initial"] = "1"));
  engine.on("headers", (headers) => (headers["x-every"] = "1"));
}

function serveSockets() {
  const options = { ...engineOptions, connectTimeout: 1000 };
  if (enabled.has("recovery")) options.connectionStateRecovery = {};
  if (enabled.has("msgpack")) options.parser = msgpack;
  const io = new SocketServer(http, options);
  addHeaderHooks(io.engine);

  io.of("/refused").use((_socket, next) => next(new Error("not authorized")));
  io.of("/refused-with-data").use((_socket, next) => {
    next(Object.assign(new Error("not authorized"), { data: { retry: false } }));
  });
  io.of("/slow").use((_socket, next) => setTimeout(next, 200));
  for (const name of ["/", "/custom", "/slow", /^\/dynamic-\d+$/]) {
    io.of(name).on("connection", welcome);
  }
}

// Connects and disconnects of clients that brought a tag, or said one later.
const journal = new Map();

function record(socket, entry) {
  const { tag } = socket.data;
  if (tag) journal.set(tag, [...(journal.get(tag) ?? []), [socket.nsp.name, entry]]);
}

function welcome(socket) {
  socket.data.tag = socket.handshake.auth.tag;
  record(socket, "connect");
  socket.emit("auth", socket.handshake.auth);
  socket.on("disconnect", (reason) => record(socket, reason));

  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => args.pop()(...args));
  socket.on("ack-twice", (ack) => (ack("first"), ack("second")));
  socket.on("emit-with-ack", (...args) => {
    socket.emit("answer-me", ...args, (...answer) => socket.emit("answered", ...answer));
  });
  socket.on("burst-binary", (count) => {
    for (let n = 0; n < count; n++) setImmediate(() => socket.emit("item", Buffer.from([n])));
  });
  socket.on("handshake", () => {
    const { query, headers, address } = socket.handshake;
    socket.emit("handshake", { query, headers, address });
  });
  socket.on("id", () => socket.emit("id", socket.id));
  socket.on("tag", (tag, ack) => {
    if (!socket.data.tag) {
      socket.data.tag = tag;
      record(socket, "connect");
    }
    ack();
  });
  socket.on("journal", (tag) => socket.emit("journal", journal.get(tag) ?? []));
  socket.on("join", (room) => socket.join(room));
  socket.on("to-room", (room, ...args) => socket.nsp.to(room).emit("news", ...args));
  socket.on("ask-room", (room, timeout) => {
    socket.nsp.to(room).timeout(timeout).emit("answer-me", (error, answers) => {
      socket.emit("answers", Boolean(error), answers);
    });
  });
  socket.on("leave-namespace", () => socket.disconnect());
  socket.on("close-session", () => socket.disconnect(true));
  socket.on("panic", () => {
    throw new Error("as asked");
  });
}
