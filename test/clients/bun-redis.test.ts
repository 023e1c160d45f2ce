/** The client that Bun has built in, as its users use it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";

describe("Bun's RedisClient", () => {
  let server: HutchProcess;
  let client: RedisClient;

  beforeAll(async () => {
    server = await startHutch();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    client = new RedisClient(`redis://127.0.0.1:${server.port}`);
    await client.send("FLUSHALL", []);
  });
  afterEach(() => client.close());

  test("sets and gets strings", async () => {
    expect(await client.set("k", "värde")).toBe("OK");
    expect(await client.get("k")).toBe("värde");
    expect(await client.get("missing")).toBeNull();
    expect(await client.exists("k")).toBe(true);
    expect(await client.del("k")).toBe(1);
    expect(await client.exists("k")).toBe(false);
  });

  test("keeps every byte", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await client.set("bytes", bytes);
    expect(Buffer.from((await client.getBuffer("bytes"))!)).toEqual(Buffer.from(bytes));
  });

  test("counts, and expires keys", async () => {
    expect(await client.incr("hits")).toBe(1);
    expect(await client.decr("hits")).toBe(0);
    expect(await client.ttl("hits")).toBe(-1);
    expect(await client.expire("hits", 100)).toBe(1);
    expect(await client.ttl("hits")).toBeWithin(99, 101);
  });

  test("pipelines by itself", async () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    await Promise.all(numbers.map((number) => client.set(`n:${number}`, `${number}`)));
    const values = await Promise.all(numbers.map((number) => client.get(`n:${number}`)));
    expect(values).toEqual(numbers.map(String));
  });

  test("sends any command, and gives maps as objects", async () => {
    await client.send("MSET", ["a", "1", "b", "2"]);
    expect(await client.send("MGET", ["a", "b", "c"])).toEqual(["1", "2", null]);
    expect(await client.send("CONFIG", ["GET", "databases"])).toEqual({ databases: "16" });
  });

  test("scans", async () => {
    for (let i = 0; i < 100; i++) await client.set(`user:${i}`, "x");
    const found = new Set<string>();
    let cursor = "0";
    do {
      const [next, keys] = (await client.send("SCAN", [cursor, "MATCH", "user:*"])) as [
        string,
        string[],
      ];
      for (const key of keys) found.add(key);
      cursor = next;
    } while (cursor !== "0");
    expect(found.size).toBe(100);
  });

  test("rejects with the server's error", async () => {
    await client.set("text", "abc");
    await expect(client.incr("text")).rejects.toThrow("value is not an integer or out of range");
  });

  test("takes the password and the database from its address", async () => {
    const locked = await startHutch({ args: ["--requirepass", "secret"] });
    const address = `redis://:secret@127.0.0.1:${locked.port}/5`;
    const right = new RedisClient(address);
    try {
      await right.set("k", "v");
      expect(await right.send("CLIENT", ["INFO"])).toContain("db=5");
    } finally {
      right.close();
      await locked.stop();
    }
  });
});
