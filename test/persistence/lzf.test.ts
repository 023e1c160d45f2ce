import { describe, expect, test } from "bun:test";
import { decompressedMax } from "../../src/persistence/lzf-format.ts";
import { compressLong, WINDOW } from "../../src/persistence/lzf-long.ts";
import { compressShort, SHORT_MAX } from "../../src/persistence/lzf-short.ts";
import { unpack } from "../../src/persistence/lzf-unpacker.ts";
import { compress, decompress } from "../../src/persistence/lzf.ts";
import { rounds, seeded } from "../support/seed.ts";

/** Bytes that repeat themselves more or less. */
function text(random: ReturnType<typeof seeded>, sizeMax = 2000): Buffer {
  const letters = 1 + random.below(random.below(2) === 0 ? 4 : 256);
  const bytes = Buffer.from(
    Array.from({ length: random.below(sizeMax) }, () => random.below(letters)),
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

  test("takes the same for sound and for damaged, whoever takes it apart", () => {
    const random = seeded("lzf unpacking");
    let sound = 0;
    for (let round = 0; round < 5000 * rounds; round++) {
      const bytes = text(random, 250);
      const packed = Buffer.alloc(bytes.length * 2 + 10);
      let size = compress(bytes, 0, bytes.length, packed, 0, packed.length);
      if (random.below(2) === 0) packed[random.below(size)] = random.below(256);
      if (random.below(8) === 0) size = random.below(size + 1);
      const length = bytes.length + (random.below(8) === 0 ? random.below(3) - 1 : 0);
      if (length < 0) continue;
      const [one, other] = [Buffer.alloc(300), Buffer.alloc(300)];
      const isSound = decompress(packed, 0, size, one, 0, length);
      expect(unpack(packed, 0, size, other, 0, length)).toBe(isSound);
      if (!isSound) continue;
      sound++;
      expect(other.equals(one)).toBe(true);
    }
    expect(sound).toBeGreaterThan(1000);
  });

  test("compresses a run of one byte into references of the greatest length", () => {
    const bytes = Buffer.alloc(10_000, 7);
    const packed = Buffer.alloc(10_000);
    expect(compress(bytes, 0, bytes.length, packed, 0, packed.length)).toBeLessThan(130);
  });

  test("gives back what is larger than a window, whatever lies at a window's end", () => {
    const random = seeded("lzf windows");
    for (let round = 0; round < 30 * rounds; round++) {
      const bytes = text(random, 5 * WINDOW);
      const packed = Buffer.alloc(bytes.length * 1.1 + 100, 0xee);
      const size = compress(bytes, 0, bytes.length, packed, 0, packed.length);
      const back = Buffer.alloc(bytes.length);
      expect(decompress(packed, 0, size, back, 0, back.length)).toBe(true);
      expect(back.equals(bytes)).toBe(true);
      expect(compress(bytes, 0, bytes.length, packed, 0, size - 1)).toBe(-1);
    }
  });

  test("writes the same bytes of a short string, whoever compresses it", () => {
    const random = seeded("lzf short");
    let compressed = 0;
    for (let round = 0; round < 5000 * rounds; round++) {
      const bytes = text(random, SHORT_MAX + 1);
      const room = random.below(2) === 0 ? bytes.length - 4 : bytes.length + 10;
      const [short, long] = [Buffer.alloc(200), Buffer.alloc(200)];
      const size = compressShort(bytes, 0, bytes.length, short, 0, room);
      expect(compressLong(bytes, 0, bytes.length, long, 0, room)).toBe(size);
      if (size === -1) continue;
      compressed++;
      expect(long.equals(short)).toBe(true);
    }
    expect(compressed).toBeGreaterThan(1000);
  });

  test("finds what repeats behind bytes that do not compress", () => {
    const random = seeded("lzf skipping");
    const noise = Buffer.from(Array.from({ length: 5000 }, () => random.below(256)));
    const bytes = Buffer.concat([noise, noise]);
    const packed = Buffer.alloc(bytes.length);
    const size = compress(bytes, 0, bytes.length, packed, 0, packed.length);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThan(5300);
  });

  test("has compressed two gigabytes and goes on", () => {
    // Places are numbered up to 2^31: then the table begins anew.
    const bytes = Buffer.alloc(64 * 1024 * 1024, "a run of what repeats itself. ");
    const packed = Buffer.alloc(4 * 1024 * 1024);
    const sizes = Array.from({ length: 34 }, () =>
      compress(bytes, 0, bytes.length, packed, 0, packed.length),
    );
    expect(new Set(sizes).size).toBe(1);
  });
});
