// What our answer must be: the rules of README.md, in the form that a script applies.

// A rule that ends reading throws itself.
export class Rule {
  constructor(name) {
    this.name = name;
  }
}

// Malformed for the reference as well.
export const BAD = new Rule(undefined);

// Reads until the end or a rule that ends it. `read` puts packets and notes rules that only change one.
export function predict(read) {
  const packets = [];
  const rules = new Set();
  try {
    read((packet) => packets.push(packet), (rule) => rules.add(rule));
    return { packets, error: false, rules };
  } catch (rule) {
    if (!(rule instanceof Rule)) throw rule;
    if (rule.name) rules.add(rule.name);
    return { packets, error: true, rules };
  }
}
