import { describe, expect, test } from "bun:test";
import { Random } from "../../src/base/random.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { rounds, seed } from "../support/seed.ts";
import { compareWithRedis } from "./targets/compare-redis.ts";
import { checkInput } from "./targets/requests.ts";

/** Inputs that once went wrong, with what went wrong. */
const FOUND: readonly (readonly [what: string, input: string, native: boolean])[] = [
  [
    "two inline commands were taken for one after a header that came in pieces",
    "*2\r\n$4\r\nECHO\r\n$10\r\n0123456789\r\nPING\r\nPING\r\n",
    false,
  ],
  ["an empty string at the end of a chunk lost its place", "\0\0\x01\0\0\0\0\0\0\0\x02ab", true],
  ["a vertical tab ended an unquoted word", "ECHO a\vb\r\n", false],
  [
    "a count below -2^53 was refused, which Redis takes for no arguments",
    "*-9223372036854775808\r\n",
    false,
  ],
];

describe("both request parsers (S2)", () => {
  for (const [what, input, native] of FOUND) {
    test(`stand by the reference where ${what}`, () => {
      const bytes = Buffer.from(input, "latin1");
      const random = new Random(1);
      for (let i = 0; i < 2000; i++) checkInput(bytes, native, random);
    });
  }

  test.skipIf(redisMissing !== null)(
    "accept and refuse what redis-server does",
    async () => {
      const redis = await startRedis();
      try {
        const { compared, skipped } = await compareWithRedis(redis.port, seed, 1000 * rounds);
        expect(compared).toBeGreaterThanOrEqual(1000);
        expect(skipped).toBeLessThan(compared);
      } finally {
        await redis.stop();
      }
    },
    60_000 * rounds,
  );
});
