/** DEBUG DIGEST and DEBUG DIGEST-VALUE against redis-server: values of every type in every encoding. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { formatDouble17 } from "../../src/base/doubles.ts";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import type { Argument } from "../support/resp-client.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { pick, seeded } from "../support/seed.ts";

const many = (count: number, text: (n: number) => readonly Argument[]): Argument[] =>
  Array.from({ length: count }, (_, n) => text(n)).flat();

const SCORES = [
  "0",
  "-0",
  "1.1",
  "0.1",
  "1e300",
  "-inf",
  "inf",
  "5e-324",
  "1e17",
  "123456789012345680",
];

const VALUES: Readonly<Record<string, readonly Argument[]>> = {
  string: ["SET", "string", "text"],
  integer: ["SET", "integer", "-12"],
  list: ["RPUSH", "list", "a", "1", "", "-7", "x".repeat(100)],
  quicklist: ["RPUSH", "quicklist", ...many(2000, (n) => [`element ${n}`])],
  intset: ["SADD", "intset", "3", "-1", "9223372036854775807"],
  packedSet: ["SADD", "packedSet", "a", "", "7"],
  set: ["SADD", "set", ...many(600, (n) => [`m${n}`])],
  packedHash: ["HSET", "packedHash", "f", "v", "1", "2", "", ""],
  hash: ["HSET", "hash", ...many(600, (n) => [`f${n}`, n])],
  packedZset: ["ZADD", "packedZset", ...SCORES.flatMap((score, n) => [score, `m${n}`])],
  zset: ["ZADD", "zset", ...many(600, (n) => [n / 7, `m${n}`])],
  stream: ["XADD", "stream", "18446744073709551615-1", "f", "v", "f", "w"],
};

describe.skipIf(redisMissing !== null)("the digest", () => {
  let hutch: Instance;
  let redis: RedisServer;
  let ours: RespClient;
  let theirs: RespClient;
  beforeAll(async () => {
    hutch = startInProcess({ "enable-debug-command": "yes" });
    redis = await startRedis();
    ours = await RespClient.connect(hutch.port);
    theirs = await RespClient.connect(redis.port);
  });
  afterAll(async () => {
    ours.close();
    theirs.close();
    await hutch.stop();
    await redis.stop();
  });

  async function both(...args: readonly Argument[]): Promise<readonly [string, string]> {
    return [show(await ours.call(...args)), show(await theirs.call(...args))];
  }

  test("of each value, and of all together, is that of redis-server", async () => {
    const digests = new Set<string>();
    for (const [key, command] of Object.entries(VALUES)) {
      const [our, their] = await both(...command);
      expect(`${key} ${our}`).toBe(`${key} ${their}`);
      const [ourDigest, theirDigest] = await both("DEBUG", "DIGEST-VALUE", key);
      expect(`${key} ${ourDigest}`).toBe(`${key} ${theirDigest}`);
      digests.add(ourDigest);
    }
    expect(digests.size).toBe(Object.keys(VALUES).length);
    await both("XADD", "stream", "18446744073709551615-*", "g", "1");
    await both("EXPIRE", "zset", 1000);
    const [our, their] = await both("DEBUG", "DIGEST");
    expect(our).toBe(their);
  });

  test("of a score has its 17 digits", async () => {
    const random = seeded("digests of scores");
    const bits = new DataView(new ArrayBuffer(8));
    await both("DEL", "scores");
    for (let round = 0; round < 300; round++) {
      bits.setUint32(0, random.int32());
      bits.setUint32(4, random.int32());
      const whole = random.int32() * 2 ** random.below(70);
      const score = pick(random, [bits.getFloat64(0), whole, whole / 1000, random.below(100) / 8]);
      if (Number.isNaN(score)) continue;
      await both("ZADD", "scores", String(score), "m");
      const [our, their] = await both("DEBUG", "DIGEST-VALUE", "scores");
      expect(`${score} as ${formatDouble17(score)} ${our}`).toBe(
        `${score} as ${formatDouble17(score)} ${their}`,
      );
    }
  });
});
