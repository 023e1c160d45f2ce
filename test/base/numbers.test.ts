import { describe, expect, test } from "bun:test";
import {
  digitCount,
  int64,
  isSafe,
  leadingInt32,
  parseInt64,
  parseSafeInteger,
  setInt64,
  toBigInt,
  toNumber,
  writeInt64,
  writeInteger,
} from "../../src/base/numbers.ts";
import type { Random } from "../../src/base/random.ts";
import { rounds, seeded } from "../support/seed.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** Around every power of two and of ten, and the ends of every range. */
const EDGES: readonly bigint[] = [
  ...Array.from({ length: 64 }, (_, i) => 2n ** BigInt(i)),
  ...Array.from({ length: 19 }, (_, i) => 10n ** BigInt(i)),
]
  .flatMap((power) => [power - 1n, power, power + 1n])
  .flatMap((value) => [value, -value])
  .concat([MIN, MIN + 1n, MAX, MAX - 1n, 0n]);

function someInteger(random: Random): bigint {
  const value = (BigInt(random.int32()) << 32n) | BigInt(random.int32() >>> 0);
  return value >> BigInt(random.below(64));
}

function parsed(text: string): bigint | null {
  // In the middle of other digits, which must not be looked at.
  const bytes = Buffer.from(`9${text}9`, "latin1");
  return parseInt64(bytes, 1, bytes.length - 1) ? toBigInt(int64.low, int64.high) : null;
}

/** What string2ll of Redis takes. */
function canonical(text: string): bigint | null {
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return null;
  const value = BigInt(text);
  return value >= MIN && value <= MAX ? value : null;
}

function written(write: (bytes: Buffer, pos: number) => number): string {
  const bytes = Buffer.alloc(40, "#");
  const end = write(bytes, 3);
  expect(bytes.toString("latin1", 0, 3)).toBe("###");
  expect(bytes.toString("latin1", end)).toBe("#".repeat(40 - end));
  return bytes.toString("latin1", 3, end);
}

describe("integers as bytes", () => {
  test("every 64-bit integer is parsed and written as BigInt does it", () => {
    const random = seeded("numbers");
    const values = [
      ...EDGES,
      ...Array.from({ length: 20_000 * rounds }, () => someInteger(random)),
    ];
    for (const value of values) {
      const text = value.toString();
      const expected = value >= MIN && value <= MAX ? value : null;
      expect(parsed(text)).toBe(expected);
      if (expected === null) continue;
      setInt64(value);
      const { low, high } = int64;
      expect(toBigInt(low, high)).toBe(value);
      expect(written((bytes, pos) => writeInt64(bytes, pos, low, high))).toBe(text);
      if (value > -(2n ** 53n) && value < 2n ** 53n) {
        expect(isSafe(high)).toBe(true);
        expect(toNumber(low, high)).toBe(Number(value));
        expect(written((bytes, pos) => writeInteger(bytes, pos, Number(value)))).toBe(text);
        expect(parseSafeInteger(Buffer.from(text), 0, text.length)).toBe(Number(value));
      } else if (value !== -(2n ** 53n)) {
        expect(isSafe(high)).toBe(false);
        expect(parseSafeInteger(Buffer.from(text), 0, text.length)).toBeNaN();
      }
    }
  });

  test("nothing but the one canonical form is an integer", () => {
    const wrong = [
      "",
      "-",
      "+1",
      " 1",
      "1 ",
      "01",
      "-01",
      "-0",
      "00",
      "1.0",
      "1e3",
      "0x10",
      "1_0",
      "١",
      "--1",
      "1-",
      "\0",
      "1\0",
      "9223372036854775808",
      "-9223372036854775809",
      "99999999999999999999",
      "100000000000000000000",
      "nan",
      "inf",
    ];
    for (const text of wrong) expect([text, parsed(text)]).toEqual([text, null]);
    const random = seeded("not numbers");
    const alphabet = "0123456789-+ ./:";
    for (let i = 0; i < 50_000 * rounds; i++) {
      let text = "";
      for (let left = random.below(23); left > 0; left--)
        text += alphabet[random.below(random.below(3) === 0 ? 16 : 10)]!;
      expect(parsed(text)).toBe(canonical(text));
    }
  });

  test("the number that a text begins with is read as C's atoi does it", () => {
    const read = (text: string): number => {
      // Behind a sign and before digits, which must not be looked at.
      const bytes = Buffer.from(`-${text}9`, "latin1");
      return leadingInt32(bytes, 1, bytes.length - 1);
    };
    const cases: readonly (readonly [string, number])[] = [
      ["", 0],
      ["-", 0],
      ["x1", 0],
      ["17", 17],
      ["-17x", -17],
      [" \t\n\v\f\r+017.5", 17],
      ["+-1", 0],
      ["1 2", 1],
      ["0x10", 0],
      ["9223372036854775807", -1],
      ["9223372036854775808", -1],
      ["-9223372036854775807", 1],
      ["-9223372036854775808", 0],
      ["9223372036854774783", -1025],
      ["-9223372036854777000", 0],
      ["-9223372036854775809", 0],
      ["1".repeat(400), -1],
    ];
    for (const [text, value] of cases) expect([text, read(text)]).toEqual([text, value]);
    const random = seeded("leading integers");
    for (let i = 0; i < 10_000 * rounds; i++) {
      const value = someInteger(random);
      expect(read(value.toString())).toBe(Number(BigInt.asIntN(32, value)));
    }
    for (const value of EDGES) {
      const bounded = value < MIN ? MIN : value > MAX ? MAX : value;
      expect(read(value.toString())).toBe(Number(BigInt.asIntN(32, bounded)));
    }
  });

  test("digits are counted right at every power of ten", () => {
    for (let digits = 1; digits <= 9; digits++) {
      expect(digitCount(10 ** (digits - 1))).toBe(digits);
      expect(digitCount(10 ** digits - 1)).toBe(digits);
    }
    expect(digitCount(2 ** 31 - 1)).toBe(10);
  });

  test("minus zero is written as zero", () => {
    expect(written((bytes, pos) => writeInteger(bytes, pos, -0))).toBe("0");
  });
});
