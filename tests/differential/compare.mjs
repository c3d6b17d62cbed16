// The loop of a comparison: makes inputs, asks both sides, judges every difference.
//
//   node SCRIPT DECODE_LINES SEED INPUTS_PER_FORM
//
// An answer is `{ packets, error }`. A form has a `reference` and a `predict`; the latter's `rules` are rows of README.md, all of which have
// to occur.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Random } from "./random.mjs";

const README = readFileSync(new URL("README.md", import.meta.url), "utf8");

export function compare(section, forms, input) {
  const listed = listedRules(section);
  const met = new Set();
  const [decoder, seed, count] = process.argv.slice(2);
  for (const [form, rules] of Object.entries(forms)) {
    const random = new Random(Number(seed));
    const inputs = Array.from({ length: Number(count) }, () => input(random, rules));
    const outcome = { scenario: form, ok: true, inputs: inputs.length, equal: 0, differences: {} };
    try {
      const ours = decodeAll(decoder, form, inputs);
      const { normal = (answer) => answer } = rules;
      inputs.forEach((bytes, index) => judge(outcome, rules, bytes, normal(ours[index]), listed));
    } catch (error) {
      Object.assign(outcome, { ok: false, reason: error.message });
    }
    Object.keys(outcome.differences).forEach((rule) => met.add(rule));
    console.log(JSON.stringify(outcome));
  }
  const unmet = listed.filter((rule) => !met.has(rule));
  const reason = `no input meets ${unmet.join(", ")}`;
  console.log(JSON.stringify({ scenario: "rules", ok: unmet.length === 0, reason }));
}

// The first column of the table below a heading that begins so.
function listedRules(section) {
  const part = README.split("\n## ").find((text) => text.startsWith(section));
  return [...part.matchAll(/^\| `([^`]+)` \|/gm)].map(([, rule]) => rule);
}

function decodeAll(decoder, form, inputs) {
  const lines = inputs.map((bytes) => JSON.stringify({ form, hex: bytes.toString("hex") }));
  const { status, stdout, stderr } = spawnSync(decoder, { input: lines.join("\n"), maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`the decoder ended with ${status}: ${stderr}`);
  const answers = stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line));
  if (answers.length !== inputs.length) throw new Error(`${answers.length} answers to ${inputs.length} inputs`);
  return answers;
}

function judge(outcome, { reference, predict }, bytes, ours, listed) {
  const theirs = reference(bytes);
  if (same(ours, theirs)) {
    outcome.equal += 1;
    return;
  }
  const { rules, ...predicted } = predict(bytes);
  const unlisted = [...rules].filter((rule) => !listed.includes(rule));
  if (!same(ours, predicted) || rules.size === 0 || unlisted.length) {
    const details = { text: bytes.toString(), hex: bytes.toString("hex"), ours, theirs, rules: [...rules] };
    throw new Error(`a difference that README.md does not list: ${JSON.stringify(details)}`);
  }
  for (const rule of rules) outcome.differences[rule] = (outcome.differences[rule] ?? 0) + 1;
}

function same(one, other) {
  return one.error === other.error && JSON.stringify(one.packets) === JSON.stringify(other.packets);
}
