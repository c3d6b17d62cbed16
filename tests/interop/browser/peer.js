// The part of bundle.mjs that runs within the page, beside the client's bundle: what a scenario can do.

"use strict";

const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

// Runs while the transport asked for is in use, and again after an upgrade has happened.
async function withTransport(transport, run) {
  const socket = await connect(io, TRANSPORTS[transport]);
  const engine = socket.io.engine;
  const failure = new Promise((_, reject) => {
    socket.on("disconnect", (reason) => reject(new Error(`disconnected: ${reason}`)));
  });
  const upgraded = engine.transport.name === "websocket"
    ? Promise.resolve()
    : new Promise((resolve) => engine.once("upgrade", resolve));
  const work = async () => {
    await run(peer(socket));
    if (transport === "upgrade") {
      await upgraded;
      await run(peer(socket));
    }
    equal(engine.transport.name, TRANSPORTS[transport][TRANSPORTS[transport].length - 1]);
  };
  await Promise.race([work(), failure]);
}

function peer(socket) {
  return {
    async echo(args) {
      socket.emit("message", ...args);
      equal(await next(socket, "message-back"), args);
    },
    async acknowledge(args) {
      equal(await new Promise((resolve) => {
        socket.emit("message-with-ack", ...args, (...answer) => resolve(answer));
      }), args);
    },
    // An echo cannot tell that the client garbles both ways alike; another client can.
    async seenByWitness(text) {
      const other = await connect(witness, ["websocket"]);
      const room = `room ${Math.random()}`;
      other.emit("join", room);
      // Its answer comes after the join.
      await new Promise((resolve) => other.emit("message-with-ack", resolve));
      const news = next(other, "news");
      socket.emit("to-room", room, text);
      equal(await news, [text]);
      other.disconnect();
    },
  };
}

async function connect(client, transports) {
  const socket = client(location.origin, { transports, forceNew: true, reconnection: false });
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    for (const event of ["connect_error", "error"]) {
      socket.on(event, (error) => reject(new Error(`${event}: ${error && error.message || error}`)));
    }
  });
  return socket;
}

function next(socket, event) {
  return new Promise((resolve) => {
    const listener = (...args) => {
      socket.removeListener(event, listener);
      resolve(args);
    };
    socket.on(event, listener);
  });
}

function equal(actual, expected) {
  const [left, right] = [show(actual), show(expected)];
  if (left !== right) throw new Error(`expected ${right.slice(0, 200)}, got ${left.slice(0, 200)}`);
}

// As JSON, with bytes spelled out.
function show(value) {
  return JSON.stringify(value, (_, part) => part instanceof ArrayBuffer ? { bytes: [...new Uint8Array(part)] } : part);
}

function within(milliseconds, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no end within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]);
}
