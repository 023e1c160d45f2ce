/** Counting and finding bits against looking at each bit. */
import { expect, test } from "bun:test";
import { countBitRange, countBits, findBit } from "../../src/types/bitmap.ts";
import { pick, seeded } from "../support/seed.ts";

const SIZE = 2048;

const bytes = Buffer.alloc(SIZE);
const words = new Int32Array(bytes.buffer, bytes.byteOffset, SIZE / 4);

function bitAt(start: number, index: number): number {
  return (bytes[start + (index >> 3)]! >> (7 - (index & 7))) & 1;
}

function naiveCount(start: number, first: number, last: number): number {
  let count = 0;
  for (let i = first; i <= last; i++) count += bitAt(start, i);
  return count;
}

function naiveFind(start: number, first: number, last: number, bit: number): number {
  for (let i = first; i <= last; i++) if (bitAt(start, i) === bit) return i;
  return -1;
}

test("bits are counted and found at every alignment, in noise and in long runs", () => {
  const random = seeded("bitmap");
  for (let round = 0; round < 600; round++) {
    const fill = pick(random, [0, 255, 85, -1]);
    for (let i = 0; i < SIZE; i++) bytes[i] = fill === -1 ? random.below(256) : fill;
    for (let i = random.below(4); i > 0; i--) bytes[random.below(SIZE)] = random.below(256);
    const start = random.below(9);
    const length = random.below(3) === 0 ? 1 + random.below(SIZE - 9) : 1 + random.below(80);
    expect(countBits(bytes, start, start + length)).toBe(naiveCount(start, 0, length * 8 - 1));
    const first = random.below(length * 8);
    const last = first + random.below(length * 8 - first);
    const range = [start, first, last] as const;
    expect([...range, countBitRange(bytes, ...range)]).toEqual([...range, naiveCount(...range)]);
    for (const bit of [0, 1]) {
      expect([...range, bit, findBit(bytes, words, ...range, bit)]).toEqual([
        ...range,
        bit,
        naiveFind(...range, bit),
      ]);
    }
  }
});

test("bits of a string of many windows are counted", () => {
  const random = seeded("long bitmap");
  for (const length of [32_767, 32_768, 32_769, 65_536, 300_001]) {
    const long = Buffer.alloc(length + 20);
    for (let i = 0; i < long.length; i++) long[i] = random.below(256);
    const start = random.below(10);
    let count = 0;
    for (let i = start; i < start + length; i++) {
      for (let left = long[i]!; left > 0; left &= left - 1) count++;
    }
    expect(countBits(long, start, start + length)).toBe(count);
  }
});
