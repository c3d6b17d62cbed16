// Compares the packet decoder of socketio-proto with socket.io-parser 3.3.6 and 4.2.7.
//
//   node socketio.mjs DECODE_PACKETS SEED INPUTS_PER_FORM
//
// As engineio.mjs; the forms are packets without attachments.

import { createRequire } from "node:module";
import { compare } from "./compare.mjs";
import { Rule, predict } from "./predict.mjs";
import { damage, noise } from "./random.mjs";

const load = (version) => createRequire(new URL(`./socket.io-parser-${version}/`, import.meta.url))("socket.io-parser");
const parser4 = load("3.3.6");
const parser5 = load("4.2.7");
const WORDS = [
  ..."01234567 /,[]{}\"-.e\t\n\\", "é", "😀", "\u00a0", "null", "true", '["a"]', '["a",{"b":[1.50,-0,1e3]}]', "[1.0]",
  '["connect"]', "9007199254740993", "99999999999999999999", "/n,", "{}", '"\\ud800"',
];
const DEEP = JSON.parse("[".repeat(64) + "]".repeat(64));
const ALPHABET = WORDS.map((word) => Buffer.from(word));
const forms = {
  "packet-4": { reference: reference(decode4), predict: predicted(decode4), normal },
  "packet-5": { reference: reference(decode5), predict: predicted(decode5), normal },
};

compare("Socket.IO", forms, (random) => {
  const kind = random.below(10);
  const whole = () => (kind < 8 ? make(random) : noise(random, ALPHABET));
  const bytes = kind < 4 || kind >= 8 ? whole() : damage(random, whole(), ALPHABET);
  // Attachments follow behind 5 and 6; another decoder of ours waits for them.
  return Buffer.from(bytes.toString().replace(/^[56]/, "2"));
});

// A whole packet, written by the reference.
function make(random) {
  const value = () => random.pick([null, true, 1.5, -7, "x", "é😀\u2028\"", [], [1, ["y"]], DEEP, { a: { b: null } }]);
  const type = random.below(5);
  const data = [
    () => random.pick([undefined, {}, { token: "x", deep: [value()] }]),
    () => undefined,
    () => [random.pick(["a", "news", "é", 7, "", "connect"]), ...random.some(3, value)],
    () => random.some(3, value),
    () => random.pick([{ message: "no" }, "no"]),
  ][type]();
  const id = type === 3 || (type === 2 && random.below(2)) ? random.below(1000) : undefined;
  const nsp = random.pick(["/", "/", "/n", "/é", "/a/b?c=d"]);
  return Buffer.from(new parser5.Encoder().encode({ type, data, id, nsp })[0]);
}

function reference(decode) {
  return (bytes) => {
    try {
      return { packets: [show(decode(bytes.toString()))], error: false };
    } catch {
      return { packets: [], error: true };
    }
  };
}

// Tells of an unknown type by a packet of its own, which its servers drop.
function decode4(text) {
  let packet;
  const decoder = new parser4.Decoder();
  decoder.on("decoded", (decoded) => (packet = decoded));
  decoder.add(text);
  if (/^parser error/.test(packet.data)) throw new Error(packet.data);
  return packet;
}

function decode5(text) {
  return new parser5.Decoder().decodeString(text);
}

// Our decoder leaves JSON as it came; here it is written as JavaScript writes it.
function normal({ packets, error }) {
  const json = (raw) => JSON.stringify(JSON.parse(raw));
  const part = (value) => (Array.isArray(value) ? value.map(json) : value);
  const whole = (packet) => (packet[0] === "connect" && packet[2] ? [...packet.slice(0, 2), json(packet[2])] : packet);
  return { packets: packets.map((packet) => whole(packet).map(part)), error };
}

function show({ type, nsp, id, data }) {
  const ack = id === undefined ? null : String(id);
  const json = (value) => JSON.stringify(value);
  return [
    () => ["connect", nsp, data === undefined ? null : json(data)],
    () => ["disconnect", nsp],
    () => ["event", nsp, ack, data ? String(data[0]) : null, data ? data.slice(1).map(json) : null],
    () => ["ack", nsp, ack, data === undefined ? null : data.map(json)],
    () => ["connect_error", nsp],
  ][type]();
}

function predicted(decode) {
  return (bytes) => predict((put, note) => put(packet(decode, bytes.toString(), note)));
}

function packet(decode, text, note) {
  if (!/^[0-4]/.test(text)) throw new Rule("blank");
  const [, head, digits, payload] = /^(.(?:\/[^,]*,?)?)([0-9]*)(.*)$/su.exec(text);
  if (digits > "" && BigInt(digits) > 2n ** 64n - 1n) throw new Rule("ack-id");
  if (head[0] === "4") {
    note("connect-error");
    return show(decode(`${head}""`));
  }
  if (decode === decode4 && /^[01]/.test(head)) {
    note("unused-payload");
    return show(decode(head));
  }
  const blank = /^\s/u.test(payload);
  if (blank) note("blank");
  const rest = payload.replace(/^[ \t\n\r]+/, "");
  // Behind a blank no other part of a header begins.
  if (blank && !/^[^\s\d/]/u.test(rest)) throw new Rule("blank");
  const checked = json(decode, text, head + digits + rest);
  if (head[0] === "2" && checked.data === undefined) throw new Rule("empty-event");
  if (nesting(rest) > 64) throw new Rule("depth");
  const shown = show(checked);
  if ("23".includes(head[0]) && digits && !Number.isSafeInteger(Number(digits))) {
    note("ack-id");
    shown[2] = String(BigInt(digits));
  }
  return head[0] === "2" ? named(shown, checked.data[0], rest, note) : shown;
}

function json(decode, text, repaired) {
  try {
    return decode(repaired);
  } catch {
    throw new Rule(text === repaired ? undefined : "blank");
  }
}

function named(shown, name, rest, note) {
  if (typeof name === "string" && !name.isWellFormed()) throw new Rule("name");
  if (typeof name === "number") {
    const [raw] = /[-0-9][-+.0-9eE]*/.exec(rest);
    if (raw !== String(name)) note("name");
    shown[3] = raw;
  }
  return shown;
}

function nesting(text) {
  let [depth, most] = [0, 0];
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/gs)) {
    if (part === "[" || part === "{") most = Math.max(most, ++depth);
    else if (part === "]" || part === "}") depth -= 1;
  }
  return most;
}
