// Compares the decoders of engineio-proto with engine.io-parser 2.2.1 and 5.2.3.
//
//   node engineio.mjs DECODE_LINES SEED INPUTS_PER_FORM
//
// DECODE_LINES is the built example of engineio-proto. Prints one JSON object per form. A difference
// has to be one that README.md lists: then our answer is the reference's with exactly that corrected.

import { createRequire } from "node:module";
import { compare } from "./compare.mjs";
import { BAD, Rule, predict } from "./predict.mjs";
import { damage, noise } from "./random.mjs";

const load = (version) => createRequire(new URL(`./engine.io-parser-${version}/`, import.meta.url))("engine.io-parser");
const parser3 = load("2.2.1");
const parser4 = load("5.2.3");
const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];
const SEPARATOR = "\u001e";

// What each form is: a whole input, the reference's answer, and ours as the rules predict it.
const forms = {
  "packet-3": { make: (random) => encode3(packet(random)), reference: read3, predict: text(single(packet3)) },
  "packet-4": { make: (random) => encode4(packet(random)), reference: read4, predict: text(single(packet4)) },
  "frame-3": { make: frame3, reference: readFrame3, predict: predictFrame3 },
  "frame-4": { make: (random) => random.bytes(20), reference: readFrame4, predict: readFrame4 },
  "text-3": { make: (random) => payload3(packets(random), false), reference: readText3, predict: text(predictText3) },
  "binary-3": { make: (random) => payload3(packets(random), true), reference: readBinary3, predict: whole(predictBinary3) },
  "text-4": { make: (random) => payload4(packets(random)), reference: readText4, predict: text(predictText4) },
};

const ALPHABET = [
  ..."0123456789b:= /+-_ex.AQ", SEPARATOR, "\n", "\0", "é", "€", "😀", "\ufeff", "4a", "b4AQI=", "bAQI=", "2:4a", "10:",
].map((word) => Buffer.from(word)).concat([
  [0xff], [0xc3], [0xed, 0xa0, 0x80], [0, 1, 0xff], [0, 2, 0xff, 0x34], [1, 2, 0xff, 4], [1, 1, 0xff], [1, 0, 0xff, 2],
].map((bytes) => Buffer.from(bytes)));

compare("Engine.IO", forms, (random, { make }) => {
  const kind = random.below(10);
  if (kind < 4) return make(random);
  return kind < 8 ? damage(random, make(random), ALPHABET) : noise(random, ALPHABET);
});

// Whole packets and payloads, written by the reference.

function packet(random) {
  const data = () => random.pick([
    () => "",
    () => random.some(6, () => random.pick(["a", "b", "4", ":", "é", "€", "😀", "\n", "{}"])).join(""),
    () => "probe",
  ])();
  const type = random.pick([...TYPES, "message", "message", "message"]);
  if (type === "message" && random.below(2)) return { type, data: random.bytes(12) };
  return { type, data: data() };
}

function packets(random) {
  return [packet(random), ...random.some(4, () => packet(random))];
}

function encode3(one) {
  let result;
  parser3.encodePacket(one, false, false, (encoded) => (result = encoded));
  return Buffer.from(result);
}

function encode4(one) {
  let result;
  parser4.encodePacket(one, false, (encoded) => (result = encoded));
  return Buffer.from(result);
}

function frame3(random) {
  return Buffer.concat([Buffer.from([random.pick([4, 4, 4, random.below(8)])]), random.bytes(12)]);
}

function payload3(list, supportsBinary) {
  let result;
  const encode = supportsBinary ? parser3.encodePayloadAsBinary : (some, done) => parser3.encodePayload(some, false, done);
  encode(list, (encoded) => (result = encoded));
  return Buffer.from(result);
}

function payload4(list) {
  let result;
  parser4.encodePayload(list, (encoded) => (result = encoded));
  return Buffer.from(result);
}

// The reference's answers.

function read3(bytes) {
  return answer([parser3.decodePacket(bytes.toString())]);
}

function read4(bytes) {
  return answer([parser4.decodePacket(bytes.toString(), "nodebuffer")]);
}

function readFrame3(bytes) {
  const { type, data } = parser3.decodePacket(bytes);
  // Its transports emit a packet without a type, which nobody handles.
  return type === undefined ? { packets: [], error: false } : answer([{ type, data }]);
}

function readFrame4(bytes) {
  return answer([parser4.decodePacket(bytes, "nodebuffer")]);
}

function readText3(bytes) {
  return readPayload3(bytes.toString());
}

function readBinary3(bytes) {
  return readPayload3(bytes);
}

function readPayload3(payload) {
  const list = [];
  parser3.decodePayload(payload, (one) => void list.push(one));
  return answer(list);
}

function readText4(bytes) {
  return answer(parser4.decodePayload(bytes.toString(), "nodebuffer"));
}

// Everything up to the first error, at which its servers close the session.
function answer(list) {
  const bad = list.findIndex(({ type }) => type === "error" || type === undefined);
  const good = bad < 0 ? list : list.slice(0, bad);
  return { packets: good.map(({ type, data }) => show(type, data)), error: bad >= 0 };
}

function show(type, data) {
  if (Buffer.isBuffer(data)) return [type, "bytes", data.toString("hex")];
  const carries = ["open", "ping", "pong", "message"].includes(type);
  return data || carries ? [type, "text", data ?? ""] : [type];
}

// Our answers as the rules of README.md predict them: the reference's of each part that is well-formed.
function whole(read) {
  return (bytes) => predict((put, note) => read(bytes, put, note));
}

function text(read) {
  return whole((bytes, put, note) => read(utf8(bytes), put, note));
}

function single(read) {
  return (element, put, note) => put(read(element, note));
}

function utf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Rule("utf-8");
  }
}

function packet3(element, note) {
  if (element[0] !== "b") return checked(parser3.decodePacket(element), note);
  if (!/^b[0-6]/.test(element)) throw new Rule("base64-type");
  canonical(element.slice(2));
  return checked(parser3.decodePacket(element), note);
}

function packet4(element, note) {
  if (element[0] === "b") canonical(element.slice(1));
  return checked(parser4.decodePacket(element, "nodebuffer"), note);
}

function canonical(base64) {
  const again = Buffer.from(base64, "base64").toString("base64");
  if (base64 !== again && base64 !== again.replace(/=+$/, "")) throw new Rule("base64");
}

function bytes3(bytes, note) {
  if (!(bytes[0] <= 6)) throw new Rule("type-byte");
  return checked(parser3.decodePacket(bytes), note);
}

function checked({ type, data }, note) {
  if (type === "error") throw BAD;
  if (type !== "message" && Buffer.isBuffer(data)) {
    note("bytes-as-text");
    data = utf8(data);
  }
  if (data && ["close", "upgrade", "noop"].includes(type)) {
    note("no-data");
    data = undefined;
  }
  return show(type, data);
}

function predictFrame3(bytes) {
  if (!(bytes[0] <= 6)) return { ...readFrame3(bytes), rules: new Set() };
  return whole(single(bytes3))(bytes);
}

function predictText4(payload, put, note) {
  for (const element of payload.split(SEPARATOR)) put(packet4(element, note));
}

function predictText3(payload, put, note) {
  if (payload === "") throw BAD;
  for (let at = 0; at < payload.length; ) {
    const length = /^([^:]*):/.exec(payload.slice(at));
    if (!length) throw BAD;
    if (!/^\d{1,15}$/.test(length[1])) throw new Rule("length-digits");
    at += length[0].length;
    const element = payload.slice(at, at + Number(length[1]));
    if (element.length !== Number(length[1])) throw BAD;
    if (!element.isWellFormed()) throw new Rule("surrogate");
    at += element.length;
    if (element) put(packet3(element, note));
  }
}

function predictBinary3(bytes, put, note) {
  const { elements, broken } = split(bytes);
  // The reference splits everything before it reads anything.
  if (broken) note("framing");
  for (const [kind, element] of elements) put(kind === 1 ? bytes3(element, note) : packet3(utf8(element), note));
  if (broken) throw BAD;
}

function split(bytes) {
  const elements = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0xff, at);
    const digits = [...bytes.subarray(at + 1, Math.max(end, 0))];
    const strict = bytes[at] <= 1 && digits.length >= 1 && digits.length <= 15 && digits.every((digit) => digit <= 9);
    const next = end + 1 + Number(digits.join(""));
    if (!strict || next > bytes.length) return { elements, broken: true };
    elements.push([bytes[at], bytes.subarray(end + 1, next)]);
    at = next;
  }
  return { elements, broken: false };
}
