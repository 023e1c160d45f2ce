import { describe, expect, test } from "bun:test";
import { formatDouble, parseDouble } from "../../src/base/doubles.ts";
import { rounds, seeded } from "../support/seed.ts";
import { cpuMs } from "../support/cpu-time.ts";

function parse(text: string): number {
  // Parsed from the middle of a buffer, so that bytes around the number would be noticed.
  const bytes = Buffer.from(`9${text}9`, "latin1");
  return parseDouble(bytes, 1, bytes.length - 1);
}

/** A double of any magnitude, or now and then a special one. */
function anyDouble(random: { int32(): number }): number {
  const words = new Int32Array([random.int32(), random.int32()]);
  return new Float64Array(words.buffer)[0]!;
}

describe("formatDouble", () => {
  test.each([
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [-17, "-17"],
    [0.1, "0.1"],
    [3.375, "3.375"],
    [0.1 + 0.2, "0.30000000000000004"],
    [1e17, "100000000000000000"],
    [2 ** 53 + 2, "9007199254740994"],
    [2 ** 62, "4611686018427387904"],
    [-(2 ** 62), "-4611686018427387904"],
    [9e18, "9e+18"],
    [1e20, "1e+20"],
    [-1e20, "-1e+20"],
    [12345678901234567000, "12345678901234567000"],
    [1e-6, "0.000001"],
    [1e-7, "1e-7"],
    [1.5e-7, "1.5e-7"],
    [0.00012345, "1.2345e-4"],
    [0.0012345678, "0.0012345678"],
    [123456.123456789, "1.23456123456789e+5"],
    [1234.123456789, "1234.123456789"],
    [1689000000.123, "1689000000.123"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [5e-324, "5e-324"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [NaN, "nan"],
  ])("writes %p as %s", (value, text) => {
    expect(formatDouble(value)).toBe(text);
  });

  test("writes nothing that does not read back as the same number", () => {
    const random = seeded("formatDouble reads back");
    for (let i = 0; i < 20_000 * rounds; i++) {
      const value = anyDouble(random);
      if (Number.isNaN(value)) continue;
      expect(parse(formatDouble(value))).toBe(value);
    }
  });
});

describe("parseDouble", () => {
  test.each([
    ["1", 1],
    ["-1.5", -1.5],
    ["+5", 5],
    ["007", 7],
    [".5", 0.5],
    ["5.", 5],
    ["-.5e1", -5],
    ["1e5", 100000],
    ["1E+5", 100000],
    ["0.1", 0.1],
    ["0.30000000000000004", 0.30000000000000004],
    ["123456789012345680", 123456789012345680],
    ["-0", -0],
    ["5e-324", 5e-324],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["0e99999999999", 0],
    ["0x10", 16],
    ["-0X1.8p3", -12],
    ["0x.8", 0.5],
    ["0x1p-1074", 5e-324],
    ["0x1.8p-1075", 5e-324],
    ["0x1.fffffffffffff7p0", 1.9999999999999998],
    ["0x1.fffffffffffff8p0", 2],
    ["inf", Infinity],
    ["-INF", -Infinity],
    ["+Infinity", Infinity],
  ])("reads %p", (text, value) => {
    expect(parse(text)).toBe(value);
  });

  test.each([
    ...["", " 1", "1 ", "1\n", "-", "+", ".", "e5", "1e", "1e+", "1..2", "1.2.3", "1,5", "abc"],
    ...["nan", "NaN", "-nan", "nan(1)", "infi", "0x", "0xg", "0x1p", "1x", "--1", "1\0", "1_000"],
    ...["1e309", "-1e400", "1e-400", "2e-324", "0x1p1024", "0x1p-1075", "1e99999999999999999999"],
  ])("refuses %p", (text) => {
    expect(parse(text)).toBeNaN();
  });

  test("reads short decimals as exactly as the language does", () => {
    const random = seeded("parseDouble short");
    for (let i = 0; i < 20_000 * rounds; i++) {
      const digits = String(random.below(10 ** (1 + random.below(14))));
      const at = random.below(digits.length + 1);
      const text = `${random.below(2) ? "-" : ""}${digits.slice(0, at)}.${digits.slice(at)}`;
      expect(parse(text)).toBe(Number(text));
    }
  });

  test("an empty text is no number, whatever stands around it", () => {
    for (const around of ["-", "-1", "1", "--", "inf", " "]) {
      const bytes = Buffer.from(around + around, "latin1");
      expect(parseDouble(bytes, around.length, around.length)).toBeNaN();
    }
  });

  test("takes no noticeable time for a hostile number", () => {
    const started = cpuMs();
    expect(parse(`${"9".repeat(4000)}e-999999999`)).toBeNaN();
    expect(parse(`0x${"f".repeat(4000)}p-999999999`)).toBeNaN();
    expect(parse("9".repeat(5000))).toBeNaN();
    expect(cpuMs() - started).toBeLessThan(100);
  });
});
