/** node-redis (the package `redis`) as its users use it, with RESP2 and with RESP3. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BasicClientSideCache, createClient, RESP_TYPES, WatchError } from "redis";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { until } from "../support/until.ts";

describe.each([2, 3] as const)("node-redis with RESP%d", (RESP) => {
  let server: HutchProcess;
  const connect = async (options: Parameters<typeof createClient>[0] = {}) => {
    const socket = { port: server.port, reconnectStrategy: false as const };
    const client = createClient({ ...options, socket, RESP });
    client.on("error", () => {});
    return await client.connect();
  };
  let client: Awaited<ReturnType<typeof connect>>;

  beforeAll(async () => {
    server = await startHutch();
    client = await connect();
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  test("sets and gets strings", async () => {
    expect(await client.set("k", "värde")).toBe("OK");
    expect(await client.get("k")).toBe("värde");
    expect(await client.get("missing")).toBeNull();
    expect(await client.mSet({ a: "1", b: "2" })).toBe("OK");
    expect(await client.mGet(["a", "b", "c"])).toEqual(["1", "2", null]);
    expect(await client.getDel("a")).toBe("1");
  });

  test("gives bytes if asked to", async () => {
    const bytes = Buffer.from([0, 255, 13, 10]);
    await client.set("bytes", bytes);
    const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    expect(await buffers.get("bytes")).toEqual(bytes);
  });

  test("counts", async () => {
    expect(await client.incrBy("hits", 10)).toBe(10);
    expect(await client.incrByFloat("float", 0.25)).toBe("0.25");
  });

  test("sets with a condition and an expiry", async () => {
    const first = await client.set("lock", "me", {
      condition: "NX",
      expiration: { type: "PX", value: 60_000 },
    });
    expect(first).toBe("OK");
    expect(await client.set("lock", "you", { condition: "NX" })).toBeNull();
    expect(await client.pTTL("lock")).toBeWithin(1, 60_001);
    expect(await client.persist("lock")).toBe(1);
    expect(await client.ttl("lock")).toBe(-1);
  });

  test("iterates over keys", async () => {
    await Promise.all(Array.from({ length: 500 }, (_, i) => client.set(`user:${i}`, `${i}`)));
    const found = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: "user:*", COUNT: 100 })) {
      for (const key of keys) found.add(key);
    }
    expect(found.size).toBe(500);
  });

  test("pipelines the commands of one turn", async () => {
    const [one, two, three] = await Promise.all([
      client.set("p", "1"),
      client.incr("p"),
      client.get("p"),
    ]);
    expect([one, two, three]).toEqual(["OK", 2, "2"]);
  });

  test("rejects with the server's error", async () => {
    await client.set("text", "abc");
    await expect(client.incr("text")).rejects.toThrow(
      "ERR value is not an integer or out of range",
    );
  });

  test("names its connection, selects a database and shows both", async () => {
    const named = await connect({ name: "worker", database: 2 });
    try {
      const info = await named.clientInfo();
      expect(info.name).toBe("worker");
      expect(info.db).toBe(2);
      expect(info.libName).toContain("node-redis");
      expect(info.resp).toBe(RESP);
      await named.set("here", "2");
      expect(await client.exists("here")).toBe(0);
    } finally {
      named.destroy();
    }
  });

  test("reads the configuration as an object", async () => {
    const config = await client.configGet(["maxclients", "databases"]);
    expect({ ...config }).toEqual({ maxclients: "10000", databases: "16" });
  });

  test("lists clients and describes commands", async () => {
    const clients = await client.clientList();
    expect(clients.length).toBeGreaterThanOrEqual(1);
    expect(await client.commandCount()).toBeGreaterThan(50);
    const [get] = await client.commandInfo(["get"]);
    expect(get!.name).toBe("get");
    expect(get!.arity).toBe(2);
  });

  test("runs transactions, and tells which commands failed", async () => {
    const multi = client.multi().set("t", "1").incr("t").hSet("h", "f", "v").hGetAll("h");
    expect(await multi.exec()).toEqual(["OK", 2, 1, { f: "v" }] as never);
    const error = await client
      .multi()
      .set("text", "abc")
      .incr("text")
      .exec()
      .catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as { replies?: unknown[] }).replies).toHaveLength(2);
  });

  test("runs a transaction only if what it watches has not changed", async () => {
    const watcher = await connect();
    try {
      await watcher.watch(["balance", "other"]);
      await client.set("balance", "5");
      await expect(watcher.multi().set("balance", "1").exec()).rejects.toThrow(WatchError);
      await watcher.watch("balance");
      expect(await watcher.multi().incr("balance").exec()).toEqual([6] as never);
      await watcher.watch("balance");
      await client.set("balance", "7");
      await watcher.unwatch();
      expect(await watcher.multi().incr("balance").exec()).toEqual([8] as never);
    } finally {
      watcher.destroy();
    }
  });

  test.if(RESP === 3)("answers from its cache until a key changes", async () => {
    const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: "LRU" });
    const cached = await connect({ clientSideCache: cache });
    try {
      await client.set("cached", "1");
      expect(await cached.get("cached")).toBe("1");
      expect(await cached.get("cached")).toBe("1");
      expect(cache.stats().hitCount).toBe(1);
      await client.set("cached", "2");
      await until("the cache to hear of it", async () => (await cached.get("cached")) === "2");
      expect(await cached.get("cached")).toBe("2");
      expect(cache.stats().missCount).toBe(2);
      await client.flushAll();
      await until("the cache to be empty", async () => (await cached.get("cached")) === null);
    } finally {
      cached.destroy();
    }
  });

  test("closes after the answers that it waits for", async () => {
    const short = await connect();
    const answer = short.set("last", "words");
    await short.close();
    expect(await answer).toBe("OK");
    expect(await client.get("last")).toBe("words");
  });

  test("authenticates", async () => {
    const locked = await startHutch({ args: ["--requirepass", "secret"] });
    const socket = { port: locked.port, reconnectStrategy: false as const };
    const right = createClient({ socket, RESP, password: "secret" });
    const wrong = createClient({ socket, RESP, password: "guess" });
    for (const each of [right, wrong]) each.on("error", () => {});
    try {
      await right.connect();
      expect(await right.ping()).toBe("PONG");
      const refused = await wrong.connect().catch((error: Error) => error.message);
      expect(refused).toContain("WRONGPASS");
    } finally {
      right.destroy();
      if (wrong.isOpen) wrong.destroy();
      await locked.stop();
    }
  });

  test("subscribes to channels, patterns and shards", async () => {
    const subscriber = await connect();
    try {
      const got: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const note = (message: string, channel: string): void => {
        if (got.push(`${channel}: ${message}`) === 3) resolve();
      };
      await subscriber.subscribe("news", note);
      await subscriber.pSubscribe("n*", note);
      await subscriber.sSubscribe("shard", note);
      expect(await client.publish("news", "hello")).toBe(2);
      expect(await client.sPublish("shard", "there")).toBe(1);
      expect(await client.pubSubChannels()).toEqual(["news"]);
      expect({ ...(await client.pubSubNumSub(["news"])) }).toEqual({ news: 1 });
      await promise;
      expect(got.toSorted()).toEqual(["news: hello", "news: hello", "shard: there"]);
      // Only a connection of RESP3 goes on as before.
      if (RESP === 3) expect(await subscriber.get("missing")).toBeNull();
      await subscriber.unsubscribe();
      await subscriber.pUnsubscribe();
      await subscriber.sUnsubscribe();
      expect(await subscriber.get("missing")).toBeNull();
    } finally {
      subscriber.destroy();
    }
  });
});
