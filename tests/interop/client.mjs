// What the scripts for socket.io-client share: loading one version, a socket whose events are kept, the
// report. Written the way a page of 2015 does it, so that the same lines run with every version.

import { createRequire } from "node:module";

export const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

// For one thing that is waited for.
export const DEADLINE_MS = 15_000;

// The package's function, the protocol that it speaks, and the parser if the folder is that of one.
export function load(folder) {
  const require = createRequire(new URL(`./${folder}/`, import.meta.url));
  const [, name, version] = /^(.+)-(\d+)\./.exec(folder);
  return {
    io: require("socket.io-client"),
    protocol: version < 3 ? 4 : 5,
    parser: name === "socket.io-msgpack-parser" ? require(name) : undefined,
  };
}

// A socket whose events are kept until they are asked for.
export class Client {
  #kept = new Map();
  #askers = new Map();

  constructor(socket, events) {
    this.socket = socket;
    this.listen("connect", "disconnect", ...events);
  }

  listen(...events) {
    for (const event of events) {
      if (this.#kept.has(event)) continue;
      this.#kept.set(event, []);
      this.#askers.set(event, []);
      this.socket.on(event, (...args) => {
        const asker = this.#askers.get(event).shift();
        if (asker) asker(args);
        else this.#kept.get(event).push(args);
      });
    }
  }

  // The arguments of the first event of this name that nobody has asked for yet.
  next(event) {
    const kept = this.#kept.get(event);
    if (kept.length) return Promise.resolve(kept.shift());
    const arrival = new Promise((resolve) => this.#askers.get(event).push(resolve));
    return within(arrival, event);
  }

  // The arguments of the events of this name that nobody has asked for.
  unread(event) {
    return this.#kept.get(event);
  }

  emit(event, ...args) {
    this.socket.emit(event, ...args);
  }

  // The arguments of the answer.
  ask(event, ...args) {
    return within(new Promise((resolve) => this.socket.emit(event, ...args, (...answer) => resolve(answer))), "answer");
  }
}

// The transport asked for is really in use; an upgrade is waited for.
export async function reachTransport(socket, transport) {
  const engine = socket.io.engine;
  const wanted = TRANSPORTS[transport].at(-1);
  if (engine.transport.name !== wanted && transport === "upgrade") {
    await within(new Promise((resolve) => engine.once("upgrade", resolve)), "upgrade");
  }
  equal(engine.transport.name, wanted);
}

// Compares as JSON, with bytes as what they are.
export function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${short(right)}, got ${short(left)}`);
}

// Runs the chosen parts one after the other and prints one JSON object for each: `{"scenario", "ok", "reason"}`.
export async function report(parts, chosen, run) {
  for (const [scenario, part] of Object.entries(parts)) {
    if (!chosen.includes(scenario)) continue;
    const outcome = { scenario, ok: true };
    try {
      await run(part);
    } catch (error) {
      outcome.ok = false;
      outcome.reason = error.message;
    }
    console.log(JSON.stringify(outcome));
  }
  process.exit(0);
}

function short(json) {
  return json?.length > 200 ? `${json.slice(0, 200)}…` : json;
}

function within(promise, name) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no ${name} within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]);
}
