/** redlock's locks and rate-limiter-flexible's limits: small scripts whose answers decide who may go on. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Redis } from "ioredis";
import { RateLimiterRedis, RLWrapperBlackAndWhite } from "rate-limiter-flexible";
import type { RateLimiterRes } from "rate-limiter-flexible";
import Redlock from "redlock";
import { createClient } from "redis";
import type { FrameworkServer } from "./framework-server.ts";
import { startServer } from "./framework-server.ts";

let server: FrameworkServer;
let redis: Redis;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  redis = new Redis(server.port);
  await redis.flushall();
});
afterEach(() => redis.disconnect());

describe("redlock", () => {
  function makeLocks(): Redlock {
    // Its types know of callbacks only, where ioredis gives promises too.
    return new Redlock([redis as unknown as Redlock.CompatibleRedisClient], { retryCount: 0 });
  }

  /** Its promises are Bluebird's, which `rejects` does not know. */
  async function refused(attempt: PromiseLike<unknown>): Promise<boolean> {
    try {
      await attempt;
      return false;
    } catch (error) {
      expect((error as Error).name).toBe("LockError");
      return true;
    }
  }

  test("lets one in at a time, and the next when it is released", async () => {
    const locks = makeLocks();
    const held = await locks.lock("door", 10_000);
    expect(await refused(locks.lock("door", 10_000))).toBe(true);
    await held.unlock();
    const next = await locks.lock("door", 10_000);
    await next.unlock();
    expect(await redis.exists("door")).toBe(0);
  });

  test("extends a lock, and fails to extend one that was lost", async () => {
    const locks = makeLocks();
    const held = await locks.lock("door", 1000);
    const extended = await held.extend(60_000);
    expect(await redis.pttl("door")).toBeGreaterThan(50_000);
    await redis.set("door", "somebody else's");
    expect(await refused(extended.extend(1000))).toBe(true);
    expect(await redis.get("door")).toBe("somebody else's");
  });

  test("locks several resources together or none", async () => {
    const locks = makeLocks();
    const one = await locks.lock("b", 10_000);
    expect(await refused(locks.lock(["a", "b"], 10_000))).toBe(true);
    expect(await redis.exists("a")).toBe(0);
    await one.unlock();
    const both = await locks.lock(["a", "b"], 10_000);
    expect(await redis.exists("a", "b")).toBe(2);
    await both.unlock();
  });
});

describe("rate-limiter-flexible", () => {
  test("lets so many through in a period, and says when to come again", async () => {
    const limiter = new RateLimiterRedis({ storeClient: redis, points: 3, duration: 60 });
    for (const left of [2, 1, 0]) {
      expect((await limiter.consume("client")).remainingPoints).toBe(left);
    }
    const refused: RateLimiterRes = await limiter.consume("client").catch((error) => error);
    expect(refused.remainingPoints).toBe(0);
    expect(refused.msBeforeNext).toBeWithin(1, 60_001);
    expect((await limiter.consume("another")).remainingPoints).toBe(2);
    await limiter.reward("client", 2);
    expect((await limiter.get("client"))!.consumedPoints).toBe(2);
    expect(await limiter.delete("client")).toBe(true);
  });

  test("blocks who goes on trying, with node-redis", async () => {
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
    await client.connect();
    try {
      const limiter = new RateLimiterRedis({
        storeClient: client,
        useRedisPackage: true,
        points: 1,
        duration: 1,
        blockDuration: 100,
      });
      const listed = new RLWrapperBlackAndWhite({ limiter, whiteList: ["friend"] });
      await listed.consume("client");
      const refused: RateLimiterRes = await listed.consume("client").catch((error) => error);
      expect(refused.msBeforeNext).toBeGreaterThan(90_000);
      for (let i = 0; i < 5; i++) await listed.consume("friend");
    } finally {
      client.destroy();
    }
  });

  test("counts right when fifty come at once", async () => {
    const limiter = new RateLimiterRedis({ storeClient: redis, points: 20, duration: 60 });
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => limiter.consume("crowd")),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
  });
});
