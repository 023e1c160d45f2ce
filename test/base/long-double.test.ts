import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LongDouble } from "../../src/base/long-double.ts";
import {
  add,
  compare,
  formatLongDouble,
  fromInteger,
  isFinite,
  LARGEST,
  negate,
  parseLongDouble,
} from "../../src/base/long-double.ts";
import type { Random } from "../../src/base/random.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { cpuMs } from "../support/cpu-time.ts";

function parse(text: string): LongDouble | null {
  const bytes = Buffer.from(`7${text}7`, "latin1");
  return parseLongDouble(bytes, 1, bytes.length - 1);
}

/** The number as it is printed, or null. */
function reprint(text: string): string | null {
  const value = parse(text);
  return value === null ? null : formatLongDouble(value);
}

/** A text that mostly is a number. */
function anyNumber(random: Random): string {
  const digits = (most: number): string =>
    Array.from({ length: random.below(most + 1) }, () => random.below(10)).join("");
  const sign = pick(random, ["", "", "-", "+"]);
  switch (random.below(8)) {
    case 0:
      return `${sign}0x${random.below(2 ** 40).toString(16)}p${random.below(200) - 100}`;
    case 1:
      return `${sign}${digits(25)}.${digits(40)}e${random.below(9900) - 4950}`;
    case 2:
      return `${sign}${digits(30)}`;
    case 3:
      return `${sign}${digits(6)}.5`;
    default:
      return `${sign}${digits(20)}.${digits(30)}`;
  }
}

describe("long doubles", () => {
  test.each([
    ["0", "0"],
    ["-0", "0"],
    ["3.0", "3"],
    ["0.1", "0.1"],
    ["-1.50", "-1.5"],
    ["+.5", "0.5"],
    ["0x10", "16"],
    ["1e-17", "0.00000000000000001"],
    ["-1e-18", "0"],
    ["0x1p-18", "0.00000381469726562"],
    ["0x3p-18", "0.00001144409179688"],
    ["9223372036854775807", "9223372036854775807"],
    ["18446744073709551615", "18446744073709551615"],
    ["18446744073709551617", "18446744073709551616"],
    ["18446744073709551619", "18446744073709551620"],
    ["123456789012345678901234567890", "123456789012345678899921813504"],
    ["inf", "inf"],
    ["-Infinity", "-inf"],
  ])("%s is printed as %s", (text, printed) => {
    expect(reprint(text)).toBe(printed);
  });

  test.each([
    ...[
      "",
      " 1",
      "1 ",
      "nan",
      "0x",
      "1e",
      ".",
      "abc",
      "1e4933",
      "1e-4951",
      "0x1p16384",
      "0x1p-16446",
    ],
    `${"1".repeat(5120)}`,
  ])("%p is no number", (text) => {
    expect(parse(text)).toBeNull();
  });

  test("the largest and the smallest number are numbers, what rounds beyond them is none", () => {
    expect(parse("1.18973149535723176502e4932")).toEqual(LARGEST);
    expect(parse("1.18973149535723176509e4932")).toBeNull();
    expect(parse("0x1p-16445")!.mantissa).toBe(1n);
    expect(parse("0x1.00000001p-16446")!.mantissa).toBe(1n);
  });

  test("sums are rounded to 64 bits, to nearest, ties to even", () => {
    const sum = (a: bigint, b: bigint): string => {
      return formatLongDouble(add(fromInteger(a), fromInteger(b)));
    };
    expect(sum(2n ** 63n - 1n, 1n)).toBe("9223372036854775808");
    const even = add(fromInteger(2n ** 62n), fromInteger(2n ** 62n));
    const doubled = add(even, even);
    expect(formatLongDouble(add(doubled, fromInteger(1n)))).toBe("18446744073709551616");
    expect(formatLongDouble(add(doubled, fromInteger(3n)))).toBe("18446744073709551620");
    expect(formatLongDouble(add(LARGEST, fromInteger(1n)))).toBe(formatLongDouble(LARGEST));
    expect(isFinite(add(LARGEST, LARGEST))).toBe(false);
    expect(add(parse("inf")!, parse("-inf")!).exponent).toBeNaN();
    expect(formatLongDouble(add(parse("-inf")!, fromInteger(5n)))).toBe("-inf");
  });

  test("numbers are in order", () => {
    const inOrder = [
      "-inf",
      "-1e4000",
      "-1",
      "-1e-4000",
      "0",
      "1e-4000",
      "0.5",
      "1",
      "1e4000",
      "inf",
    ];
    for (const [i, left] of inOrder.entries()) {
      for (const [j, right] of inOrder.entries()) {
        expect(Math.sign(compare(parse(left)!, parse(right)!))).toBe(Math.sign(i - j));
      }
    }
    expect(compare(negate(LARGEST), parse("-inf")!)).toBeGreaterThan(0);
  });

  test("a hostile number takes no noticeable time", () => {
    const started = cpuMs();
    expect(parse(`${"9".repeat(5000)}e-999999999`)).toBeNull();
    expect(parse(`0x${"f".repeat(5000)}p999999999`)).toBeNull();
    expect(formatLongDouble(LARGEST)).toHaveLength(4932 + 1);
    expect(cpuMs() - started).toBeLessThan(200);
  });
});

describe.skipIf(redisMissing !== null)("long doubles against redis-server", () => {
  let redis: RedisServer;
  let client: RespClient;
  beforeAll(async () => {
    redis = await startRedis();
    client = await RespClient.connect(redis.port);
  });
  afterAll(async () => {
    client.close();
    await redis.stop();
  });

  test("random sums are printed as INCRBYFLOAT prints them", async () => {
    const random = seeded("sums as INCRBYFLOAT");
    for (let round = 0; round < 20 * rounds; round++) {
      const pairs = Array.from(
        { length: 50 },
        () => [anyNumber(random), anyNumber(random)] as const,
      );
      const replies = await client.pipeline(
        pairs.flatMap(([a, b]) => [
          ["SET", "k", a],
          ["INCRBYFLOAT", "k", b],
        ]),
      );
      for (const [i, [a, b]] of pairs.entries()) {
        const left = parse(a);
        const right = parse(b);
        const sum = left === null || right === null ? null : add(left, right);
        const reply = replies[i * 2 + 1]!;
        const shown = reply.type === "bulk" ? reply.text : null;
        expect({ a, b, sum: sum !== null && isFinite(sum) ? formatLongDouble(sum) : null }).toEqual(
          {
            a,
            b,
            sum: shown,
          },
        );
      }
    }
  });
});
