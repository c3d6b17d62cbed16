// Repeatable random inputs: whole ones, ones with damage, and noise.

export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  // Mulberry32.
  below(limit) {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick(choices) {
    return choices[this.below(choices.length)];
  }

  // Up to so many results of a function.
  some(limit, make) {
    return Array.from({ length: this.below(limit + 1) }, () => make());
  }

  bytes(limit) {
    return Buffer.from(this.some(limit, () => this.below(256)));
  }
}

// One to three changes of the kinds that happen: a part lost, doubled, exchanged, bits turned.
export function damage(random, whole, alphabet) {
  let bytes = Buffer.from(whole);
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) {
    const at = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + 1 + random.below(4));
    const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    bytes = random.pick([
      () => Buffer.concat([before, after]),
      () => Buffer.concat([before, part, part, after]),
      () => Buffer.concat([before, random.pick(alphabet), part, after]),
      () => Buffer.concat([before, random.pick(alphabet), after]),
      () => Buffer.concat([before, part.map((byte) => byte ^ (1 << random.below(8))), after]),
      () => before,
      () => after,
    ])();
  }
  return bytes;
}

// Words of an alphabet in any order.
export function noise(random, alphabet) {
  return Buffer.concat(random.some(12, () => random.pick(alphabet)));
}
