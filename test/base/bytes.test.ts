import { describe, expect, test } from "bun:test";
import { copyBytes, equalBytes, findByte, isWord } from "../../src/base/bytes.ts";
import { rounds, seeded } from "../support/seed.ts";

const LENGTHS = [0, 1, 2, 23, 24, 25, 26, 63, 64, 65, 95, 96, 97, 98, 300];

describe("bytes", () => {
  test("are copied whole and nowhere else, whatever the length", () => {
    for (const length of LENGTHS) {
      const source = Buffer.from(Array.from({ length: length + 10 }, (_, index) => index & 0xff));
      const target = Buffer.alloc(length + 20, 0xee);
      copyBytes(target, 7, source, 5, 5 + length);
      expect(target.subarray(7, 7 + length).equals(source.subarray(5, 5 + length))).toBe(true);
      expect(target.subarray(0, 7).every((byte) => byte === 0xee)).toBe(true);
      expect(target.subarray(7 + length).every((byte) => byte === 0xee)).toBe(true);
    }
  });

  test("are equal only if every one of them is", () => {
    for (const length of LENGTHS) {
      const a = Buffer.alloc(length + 4, 1);
      const b = Buffer.alloc(length + 9, 1);
      expect(equalBytes(a, 2, b, 5, length)).toBe(true);
      for (let i = 0; i < length; i++) {
        b[5 + i] = 2;
        expect(equalBytes(a, 2, b, 5, length)).toBe(false);
        b[5 + i] = 1;
      }
      // What stands around them does not count.
      b[4] = b[5 + length] = 9;
      expect(equalBytes(a, 2, b, 5, length)).toBe(true);
    }
  });

  test("are found where they first stand, and never beyond the end", () => {
    const random = seeded("find byte");
    for (let i = 0; i < 3000 * rounds; i++) {
      const bytes = Buffer.alloc(1 + random.below(200), 1);
      for (let left = random.below(3); left > 0; left--) bytes[random.below(bytes.length)] = 2;
      const start = random.below(bytes.length + 1);
      const end = start + random.below(bytes.length - start + 1);
      const at = bytes.subarray(start, end).indexOf(2);
      expect(findByte(bytes, 2, start, end)).toBe(at === -1 ? -1 : start + at);
    }
  });

  test("are a word in letters of either case", () => {
    const bytes = Buffer.from("xGeT-Set@`{[x");
    expect(isWord(bytes, 1, 4, "GET")).toBe(true);
    expect(isWord(bytes, 1, 4, "GETX")).toBe(false);
    expect(isWord(bytes, 1, 5, "GET")).toBe(false);
    expect(isWord(bytes, 4, 8, "-SET")).toBe(true);
    // Only letters have cases: "@" is not "`", "{" is not "[".
    expect(isWord(bytes, 9, 10, "@")).toBe(false);
    expect(isWord(bytes, 10, 11, "[")).toBe(false);
    expect(isWord(bytes, 5, 5, "")).toBe(true);
  });
});
