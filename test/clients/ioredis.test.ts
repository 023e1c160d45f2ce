/** ioredis as its users use it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Redis } from "ioredis";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { until } from "../support/until.ts";

describe("ioredis", () => {
  let server: HutchProcess;
  let redis: Redis;

  beforeAll(async () => {
    server = await startHutch();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    redis = new Redis(server.port);
    await redis.flushall();
  });
  afterEach(() => redis.disconnect());

  test("connects, becomes ready and says what it is", async () => {
    const named = new Redis({ port: server.port, connectionName: "worker", db: 3 });
    try {
      expect(await named.ping()).toBe("PONG");
      expect(named.status).toBe("ready");
      const info = (await named.client("INFO")) as string;
      expect(info).toContain("name=worker");
      expect(info).toContain("db=3");
      expect(info).toContain("lib-name=ioredis");
    } finally {
      named.disconnect();
    }
  });

  test("sets and gets strings, text and bytes", async () => {
    expect(await redis.set("k", "värde")).toBe("OK");
    expect(await redis.get("k")).toBe("värde");
    const bytes = Buffer.from([0, 255, 13, 10, 0]);
    await redis.set("bytes", bytes);
    expect(await redis.getBuffer("bytes")).toEqual(bytes);
    expect(await redis.get("missing")).toBeNull();
    expect(await redis.mset({ a: 1, b: 2 })).toBe("OK");
    expect(await redis.mget("a", "b", "c")).toEqual(["1", "2", null]);
  });

  test("counts", async () => {
    expect(await redis.incr("hits")).toBe(1);
    expect(await redis.incrby("hits", 41)).toBe(42);
    expect(await redis.decr("hits")).toBe(41);
    expect(await redis.incrbyfloat("float", 1.5)).toBe("1.5");
  });

  test("sets only if absent, for a time: a lock", async () => {
    expect(await redis.set("lock", "me", "PX", 60_000, "NX")).toBe("OK");
    expect(await redis.set("lock", "you", "PX", 60_000, "NX")).toBeNull();
    expect(await redis.pttl("lock")).toBeWithin(1, 60_001);
    expect(await redis.del("lock")).toBe(1);
  });

  test("expires keys", async () => {
    await redis.set("session", "x");
    expect(await redis.ttl("session")).toBe(-1);
    expect(await redis.expire("session", 100)).toBe(1);
    expect(await redis.ttl("session")).toBeWithin(99, 101);
    expect(await redis.persist("session")).toBe(1);
    expect(await redis.pexpire("session", 0)).toBe(1);
    expect(await redis.exists("session")).toBe(0);
  });

  test("runs a pipeline, errors in their places", async () => {
    const results = await redis
      .pipeline()
      .set("text", "abc")
      .incr("text")
      .append("text", "def")
      .get("text")
      .exec();
    expect(results!.map(([error, value]) => error?.message ?? value)).toEqual([
      "OK",
      "ERR value is not an integer or out of range",
      6,
      "abcdef",
    ]);
  });

  test("sends the commands of one turn together, with auto-pipelining", async () => {
    const automatic = new Redis({ port: server.port, enableAutoPipelining: true });
    try {
      const numbers = Array.from({ length: 500 }, (_, index) => index);
      await Promise.all(numbers.map((number) => automatic.set(`n:${number}`, number)));
      const values = await Promise.all(numbers.map((number) => automatic.get(`n:${number}`)));
      expect(values).toEqual(numbers.map(String));
    } finally {
      automatic.disconnect();
    }
  });

  test("streams a scan that finds every key", async () => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1000; i++) pipeline.set(`user:${i}`, i);
    pipeline.set("other", "x");
    await pipeline.exec();
    const found = new Set<string>();
    for await (const keys of redis.scanStream({ match: "user:*", count: 50 })) {
      for (const key of keys as string[]) found.add(key);
    }
    expect(found.size).toBe(1000);
  });

  test("prefixes keys", async () => {
    const prefixed = new Redis({ port: server.port, keyPrefix: "app:" });
    try {
      await prefixed.set("k", "v");
      expect(await redis.keys("*")).toEqual(["app:k"]);
      expect(await prefixed.del("k")).toBe(1);
    } finally {
      prefixed.disconnect();
    }
  });

  test("selects databases and moves keys between them", async () => {
    await redis.set("k", "v");
    expect(await redis.move("k", 1)).toBe(1);
    expect(await redis.dbsize()).toBe(0);
    expect(await redis.select(1)).toBe("OK");
    expect(await redis.get("k")).toBe("v");
  });

  test("reads and changes the configuration", async () => {
    expect(await redis.config("GET", "databases")).toEqual(["databases", "16"]);
    expect(await redis.config("SET", "timeout", "0")).toBe("OK");
  });

  test("copies, renames, and tells types apart", async () => {
    await redis.set("a", "1");
    expect(await redis.copy("a", "b")).toBe(1);
    expect(await redis.rename("b", "c")).toBe("OK");
    expect(await redis.type("c")).toBe("string");
    expect(await redis.unlink("a", "c", "d")).toBe(2);
  });

  test("runs transactions, pipelined and not, with errors in their places", async () => {
    const results = await redis.multi().set("text", "abc").incr("text").get("text").exec();
    expect(results!.map(([error, value]) => error?.message ?? value)).toEqual([
      "OK",
      "ERR value is not an integer or out of range",
      "abc",
    ]);
    await redis.multi({ pipeline: false });
    expect(await redis.call("SET", "a", "1")).toBe("QUEUED");
    expect(await redis.call("INCR", "a")).toBe("QUEUED");
    expect((await redis.exec())!.map(([, value]) => value)).toEqual(["OK", 2]);
    await redis.multi({ pipeline: false });
    await redis.set("a", "9");
    expect(await redis.discard()).toBe("OK");
    expect(await redis.get("a")).toBe("2");
    const refused = await redis
      .multi()
      .call("SET", "a")
      .exec()
      .catch((error: Error) => error.message);
    expect(refused).toContain("EXECABORT");
  });

  test("runs a transaction only if what it watches has not changed", async () => {
    const other = new Redis(server.port);
    try {
      await redis.watch("balance");
      await other.set("balance", "5");
      expect(await redis.multi().set("balance", "1").exec()).toBeNull();
      await redis.watch("balance");
      const [[, answer] = []] = (await redis.multi().incr("balance").exec())!;
      expect(answer).toBe(6);
    } finally {
      other.disconnect();
    }
  });

  test("is told of changes on a second connection that listens", async () => {
    const listener = new Redis({ port: server.port, protocol: 2 });
    const other = new Redis(server.port);
    try {
      const told: unknown[] = [];
      const id = await listener.client("ID");
      listener.on("message", (channel, keys) => told.push([channel, keys]));
      await listener.subscribe("__redis__:invalidate");
      await redis.client("TRACKING", "ON", "REDIRECT", id);
      await redis.mget("a", "b");
      await other.set("a", "1");
      await until("the message", () => told.length === 1);
      expect(told.map(String)).toEqual(["__redis__:invalidate,a"]);
    } finally {
      listener.disconnect();
      other.disconnect();
    }
  });

  test("comes back by itself after its connection was killed", async () => {
    const id = await redis.client("ID");
    const other = new Redis(server.port);
    try {
      const reconnected = new Promise<void>((resolve) => redis.once("ready", resolve));
      expect(await other.client("KILL", "ID", id)).toBe(1);
      await reconnected;
      expect(await redis.client("ID")).not.toBe(id);
      expect(await redis.ping()).toBe("PONG");
    } finally {
      other.disconnect();
    }
  });

  test("ends its connection after the last answer", async () => {
    const short = new Redis(server.port);
    expect(await short.set("last", "words")).toBe("OK");
    expect(await short.quit()).toBe("OK");
    expect(await redis.get("last")).toBe("words");
  });

  test("authenticates, and says when the password is wrong", async () => {
    const locked = await startHutch({ args: ["--requirepass", "secret"] });
    const right = new Redis({ port: locked.port, password: "secret" });
    const wrong = new Redis({ port: locked.port, password: "guess", retryStrategy: () => null });
    try {
      const refused = new Promise<Error>((resolve) => wrong.once("error", resolve));
      expect((await refused).message).toContain("WRONGPASS");
      expect(await right.set("k", "v")).toBe("OK");
    } finally {
      right.disconnect();
      wrong.disconnect();
      await locked.stop();
    }
  });

  test("subscribes to channels and patterns, text and bytes", async () => {
    const subscriber = redis.duplicate();
    try {
      const got: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const note = (text: string): void => {
        if (got.push(text) === 3) resolve();
      };
      subscriber.on("message", (channel, message) => note(`${channel}: ${message}`));
      subscriber.on("pmessage", (pattern, channel, message) =>
        note(`${pattern} ${channel}: ${message}`),
      );
      subscriber.on("smessageBuffer", (channel: Buffer, message: Buffer) =>
        note(`shard ${channel.toString()}: ${message.toString("hex")}`),
      );
      expect(await subscriber.subscribe("news", "other")).toBe(2);
      expect(await subscriber.psubscribe("n*")).toBe(3);
      expect(await subscriber.ssubscribe("shard")).toBe(1);
      expect(await redis.publish("news", "hello")).toBe(2);
      expect(await redis.spublish("shard", Buffer.from([0, 255]))).toBe(1);
      await promise;
      expect(got.toSorted()).toEqual(["n* news: hello", "news: hello", "shard shard: 00ff"]);
      expect(await subscriber.unsubscribe("other", "news")).toBe(1);
      expect(await subscriber.punsubscribe()).toBe(0);
      expect(await subscriber.sunsubscribe()).toBe(0);
      expect(await subscriber.get("usable again")).toBeNull();
    } finally {
      subscriber.disconnect();
    }
  });

  test("hears of keys that expire", async () => {
    const subscriber = redis.duplicate();
    try {
      await redis.config("SET", "notify-keyspace-events", "Ex");
      const heard = new Promise((resolve) =>
        subscriber.on("message", (_channel, key) => resolve(key)),
      );
      await subscriber.subscribe("__keyevent@0__:expired");
      await redis.set("short", "v", "PX", 10);
      expect(await heard).toBe("short");
    } finally {
      await redis.config("SET", "notify-keyspace-events", "");
      subscriber.disconnect();
    }
  });
});
