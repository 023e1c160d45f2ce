/**
 * The only source of randomness below the composition root: sfc32 by Chris Doty-Humphrey (PractRand), small, fast
 * and of good statistical quality. One generator a server, seeded from the operating system or, in tests, by hand.
 * Not for secrets: those come from `crypto`, see `secret`.
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  readonly #repeats: boolean;

  /** @param seed makes the numbers repeat; without one they follow from 96 bits of the operating system's */
  constructor(seed?: number) {
    this.#repeats = seed !== undefined;
    if (seed === undefined) {
      const [a, b, c] = crypto.getRandomValues(new Int32Array(3));
      this.#a = a!;
      this.#b = b!;
      this.#c = c!;
    } else {
      this.#a = seed | 0;
      this.#b = (seed ^ 0x9e3779b9) | 0;
      this.#c = (seed * 0x85ebca6b) | 0;
    }
    for (let i = 0; i < 12; i++) this.int32();
  }

  /**
   * 32 bits of a key that clients must not find out: from the operating system, since clients see what the generator gives
   * (RANDOMKEY) and could reckon back from it. Of a generator with a seed they repeat as all its numbers do.
   */
  secret(): number {
    return this.#repeats ? this.int32() : crypto.getRandomValues(new Int32Array(1))[0]!;
  }

  /** A signed 32-bit integer. */
  int32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }

  /** An integer in [0, bound), bound at most 2^53. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** A double in [0, 1) with 53 random bits. */
  fraction(): number {
    return ((this.int32() >>> 5) * 67108864 + (this.int32() >>> 6)) / 9007199254740992;
  }
}

/** Hexadecimal digits for a secret that is given away: from the operating system. */
export function secretHex(digits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)));
  return Buffer.from(bytes).toString("hex").slice(0, digits);
}
