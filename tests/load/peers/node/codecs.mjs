// The reference's parsers on the inputs of ../codecs: one JSON line per operation, in nanoseconds.
import { createRequire } from "node:module";
import { Decoder, Encoder, PacketType } from "socket.io-parser";
import { decodePayload } from "engine.io-parser";

const require = createRequire(import.meta.url);
const { decodePayload: decodePayloadV3 } = require("./node_modules/engine.io/build/parser-v3/index.js");

const event = (size) => `2["echo","${"x".repeat(size)}"]`;
const object = `2["values",[${Array.from({ length: 20 }, (_, number) => `{"key":"k${number}","value":"${number}.5","ok":true}`)}]]`;
const packet = `4${event(16)}`;
const payloadV4 = Array(10).fill(packet).join("\x1e");
const payloadV3 = `${packet.length}:${packet}`.repeat(10);

function read(text) {
  const decoder = new Decoder();
  let decoded;
  decoder.on("decoded", (packet) => (decoded = packet));
  return () => {
    decoder.add(text);
    return decoded.data.length;
  };
}

const encoder = new Encoder();
const payload = "x".repeat(64);

// Its decoder always makes values, so what ours finds without parsing is compared with that.
const operations = {
  "read event, 64 B": read(event(64)),
  "read event, 1 KiB": read(event(1024)),
  "read event, object": read(object),
  "read value, 64 B": read(event(64)),
  "read value, object": read(object),
  "write event, 64 B": () =>
    encoder.encode({ type: PacketType.EVENT, nsp: "/", data: ["echo", payload] })[0].length,
  "read payload, 10 packets, EIO 4": () => decodePayload(payloadV4, "nodebuffer").length,
  "read payload, 10 packets, EIO 3": () => {
    let count = 0;
    decodePayloadV3(payloadV3, "nodebuffer", () => void count++);
    return count;
  },
};

/** The best of several rounds, each of a fifth of a second. */
function nanoseconds(operation) {
  let best = Infinity;
  let sum = 0;
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    let count = 0;
    let elapsed = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += operation();
      count += 1000;
      elapsed = Number(process.hrtime.bigint() - start);
    } while (elapsed < 2e8);
    best = Math.min(best, elapsed / count);
  }
  if (!sum) throw new Error("an operation has done nothing");
  return best;
}

for (const [work, operation] of Object.entries(operations)) {
  console.log(JSON.stringify({ work, ns: nanoseconds(operation) }));
}
