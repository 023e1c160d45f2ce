import { describe, expect, test } from "bun:test";
import { Random } from "../../src/base/random.ts";

describe("the generator", () => {
  test("gives the same numbers for the same seed, and others for another", () => {
    const take = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 20 }, () => random.int32());
    };
    expect(take(5)).toEqual(take(5));
    for (const other of [0, 4, 6, -5, 2 ** 31, 2 ** 32 - 1])
      expect(take(other)).not.toEqual(take(5));
  });

  test("keeps secrets that do not follow from its numbers, but repeat where a seed was given", () => {
    const [one, other] = [new Random(5), new Random(5)];
    expect([one.secret(), one.secret()]).toEqual([other.secret(), other.secret()]);
    const [free, another] = [new Random(), new Random()];
    expect([free.int32(), free.int32()]).not.toEqual([another.int32(), another.int32()]);
    expect([free.secret(), free.secret()]).not.toEqual([free.secret(), free.secret()]);
  });

  test("gives every bit and every number below a bound as often", () => {
    const random = new Random(99);
    const draws = 64_000;
    const bits = new Int32Array(32);
    const counts = new Int32Array(7);
    for (let i = 0; i < draws; i++) {
      const value = random.int32();
      expect(value | 0).toBe(value);
      for (let bit = 0; bit < 32; bit++) bits[bit]! += (value >>> bit) & 1;
      counts[random.below(7)]!++;
    }
    for (const count of bits) expect(Math.abs(count - draws / 2)).toBeLessThan(1000);
    for (const count of counts) expect(Math.abs(count - draws / 7)).toBeLessThan(600);
  });

  test("stays within its bounds, up to 2^53", () => {
    const random = new Random(1);
    let highest = 0;
    for (let i = 0; i < 10_000; i++) {
      const fraction = random.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
      const large = random.below(2 ** 53);
      expect(Number.isSafeInteger(large) && large >= 0).toBe(true);
      highest = Math.max(highest, large);
      expect(random.below(1)).toBe(0);
    }
    expect(highest).toBeGreaterThan(2 ** 52.9);
  });
});
