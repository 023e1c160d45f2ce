import { describe, expect, test } from "bun:test";
import { compress, decompress, decompressedMax } from "../../src/persistence/lzf.ts";
import { rounds, seeded } from "../support/seed.ts";

/** Bytes that repeat themselves more or less. */
function text(random: ReturnType<typeof seeded>): Buffer {
  const letters = 1 + random.below(random.below(2) === 0 ? 4 : 256);
  const bytes = Buffer.from(
    Array.from({ length: random.below(2000) }, () => random.below(letters)),
  );
  for (let copies = random.below(5); copies > 0 && bytes.length > 0; copies--) {
    bytes.copy(bytes, random.below(bytes.length), random.below(bytes.length));
  }
  return bytes;
}

describe("LZF", () => {
  test("gives back what was compressed, and leaves everything else alone", () => {
    const random = seeded("lzf");
    for (let round = 0; round < 2000 * rounds; round++) {
      const bytes = text(random);
      const packed = Buffer.alloc(bytes.length + 200, 0xee);
      const size = compress(bytes, 0, bytes.length, packed, 50, packed.length - 50);
      expect(size).toBeGreaterThan(0);
      expect(packed.subarray(size).every((byte) => byte === 0xee)).toBe(true);
      expect(bytes.length).toBeLessThanOrEqual(decompressedMax(size - 50));
      const back = Buffer.alloc(bytes.length + 2, 0xdd);
      expect(decompress(packed, 50, size, back, 1, bytes.length + 1)).toBe(true);
      expect(back.subarray(1, -1).equals(bytes)).toBe(true);
      expect([back[0], back.at(-1)]).toEqual([0xdd, 0xdd]);
    }
  });

  test("says so where the room does not suffice, and does not write beyond it", () => {
    const random = seeded("lzf room");
    for (let round = 0; round < 2000; round++) {
      const bytes = text(random);
      const room = random.below(bytes.length + 1);
      const packed = Buffer.alloc(bytes.length + 50, 0xee);
      const size = compress(bytes, 0, bytes.length, packed, 0, room);
      expect(size).toBeLessThanOrEqual(room);
      expect(packed.subarray(room).every((byte) => byte === 0xee)).toBe(true);
    }
  });

  test("refuses what is damaged without reading or writing outside", () => {
    const random = seeded("lzf damage");
    for (let round = 0; round < 20_000 * rounds; round++) {
      const packed = Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)));
      const back = Buffer.alloc(300, 0xdd);
      decompress(packed, 0, packed.length, back, 100, 100 + random.below(100));
      expect(back.subarray(0, 100).every((byte) => byte === 0xdd)).toBe(true);
      expect(back.subarray(200).every((byte) => byte === 0xdd)).toBe(true);
    }
  });

  test("compresses a run of one byte into references of the greatest length", () => {
    const bytes = Buffer.alloc(10_000, 7);
    const packed = Buffer.alloc(10_000);
    expect(compress(bytes, 0, bytes.length, packed, 0, packed.length)).toBeLessThan(130);
  });
});
