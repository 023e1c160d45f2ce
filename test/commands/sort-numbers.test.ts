import { expect, test } from "bun:test";
import { Random } from "../../src/base/random.ts";
import { sortIntegers } from "../../src/commands/sort-numbers.ts";

test("integers are sorted with their indexes, equal ones as the caller says, in both directions", () => {
  const random = new Random(1618);
  for (const [length, bound] of [
    [0, 1],
    [1, 5],
    [2, 2],
    [100, 10],
    [1000, 1e9],
  ] as const) {
    const numbers = Float64Array.from({ length }, () => random.below(2 * bound) - bound);
    for (const sign of [1, -1]) {
      // Equal numbers in descending order of their indexes.
      const compare = (a: number, b: number): number => b - a;
      const order = new Uint32Array(length);
      expect(sortIntegers(order, numbers, sign, compare)).toBe(true);
      const expected = Array.from({ length }, (_, i) => i).sort(
        (a, b) => sign * (numbers[a]! - numbers[b]!) || b - a,
      );
      expect([...order]).toEqual(expected);
    }
  }
});

test("both zeros are the same number", () => {
  const order = new Uint32Array(3);
  expect(sortIntegers(order, Float64Array.of(0, -0, -1), 1, (a, b) => b - a)).toBe(true);
  expect([...order]).toEqual([2, 1, 0]);
});

test("what is no integer, or too large to stand beside an index, is left to others", () => {
  const order = new Uint32Array(2).fill(7);
  for (const number of [0.5, Infinity, -Infinity, NaN, 2 ** 52, -(2 ** 53)]) {
    expect(sortIntegers(order, Float64Array.of(1, number), 1, () => 0)).toBe(false);
  }
  expect([...order]).toEqual([7, 7]);
});
