import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";
import { cpuMs } from "../support/cpu-time.ts";

let server: Instance;
let client: RespClient;

beforeAll(async () => {
  server = startInProcess();
  client = await RespClient.connect(server.port);
});

afterAll(async () => {
  client.close();
  await server.stop();
});

beforeEach(() => {
  emptyAll(server);
});

interface Step {
  readonly cursor: string;
  readonly keys: string[];
}

async function scan(cursor: string, ...options: (string | number)[]): Promise<Step> {
  const reply = await client.call("SCAN", cursor, ...options);
  if (reply.type !== "array") throw new Error(`SCAN answered ${reply.type}`);
  const [next, found] = reply.items;
  if (next?.type !== "bulk" || found?.type !== "array") throw new Error("not a cursor and keys");
  return {
    cursor: next.text,
    keys: found.items.map((item) => (item.type === "bulk" ? item.text : "?")),
  };
}

async function walk(...options: (string | number)[]): Promise<string[]> {
  const keys: string[] = [];
  let cursor = "0";
  do {
    const step = await scan(cursor, ...options);
    keys.push(...step.keys);
    cursor = step.cursor;
  } while (cursor !== "0");
  return keys;
}

async function setAll(names: readonly string[]): Promise<void> {
  await client.pipeline(names.map((name) => ["SET", name, "v"]));
}

describe("SCAN", () => {
  test("finds every key once when nothing changes, whatever the count", async () => {
    const names = Array.from({ length: 2000 }, (_, n) => `key:${n}`);
    await setAll(names);
    for (const count of [1, 10, 333, 5000]) {
      const keys = await walk("COUNT", count);
      expect(keys.toSorted()).toEqual(names.toSorted());
    }
    expect((await walk("MATCH", "key:1?", "COUNT", 100)).length).toBe(10);
    expect((await walk("TYPE", "string", "COUNT", 100)).length).toBe(2000);
    expect(await walk("TYPE", "list", "COUNT", 100)).toEqual([]);
  });

  test("keys that stay are found, however the table grows and shrinks between the calls", async () => {
    const random = seeded("SCAN");
    for (let round = 0; round < 6; round++) {
      emptyAll(server);
      const stay = Array.from({ length: 300 }, (_, n) => `stay:${n}`);
      await setAll(stay);
      let extra: string[] = [];
      const found = new Set<string>();
      let cursor = "0";
      do {
        const step = await scan(cursor, "COUNT", 1 + random.below(20));
        for (const key of step.keys) found.add(key);
        cursor = step.cursor;
        if (random.below(3) === 0 && extra.length < 8000) {
          const more = Array.from({ length: 1000 }, () => `extra:${random.int32()}`);
          await setAll(more);
          extra.push(...more);
        } else if (random.below(3) === 0) {
          if (extra.length > 0) await client.call("DEL", ...extra);
          extra = [];
        }
      } while (cursor !== "0");
      expect(stay.filter((key) => !found.has(key))).toEqual([]);
    }
  });

  test("one call looks at no more than ten empty buckets for a key it was asked for", async () => {
    // Housekeeping would shrink the table meanwhile.
    server.engine.beatPaused = true;
    const names = Array.from({ length: 4000 }, (_, n) => `key:${n}`);
    await setAll(names);
    await client.call("DEL", ...names.slice(1));
    let calls = 0;
    let cursor = "0";
    do {
      cursor = (await scan(cursor, "COUNT", 1)).cursor;
      calls++;
    } while (cursor !== "0");
    const { dict } = server.engine.keyspace.store;
    const buckets = dict.buckets(server.engine.keyspace.databases[0]!.dict);
    expect(buckets).toBeGreaterThan(4000);
    // With two tables, one half as large as the other, a step looks at a bucket of the small one and two of the large one.
    expect(calls).toBeGreaterThanOrEqual(Math.floor(buckets / 3 / 11));
    server.engine.beatPaused = false;
  });

  test("expired keys are not shown, and those that match are deleted", async () => {
    server.engine.keyspace.activeExpiry = false;
    await setAll(Array.from({ length: 100 }, (_, n) => `stays:${n}`));
    for (let n = 0; n < 50; n++) await client.call("SET", `gone:${n}`, "v", "PX", 1);
    server.engine.clock.advance(10);
    const database = server.engine.keyspace.databases[0]!;
    expect((await walk("MATCH", "stays:*")).length).toBe(100);
    expect((await walk("TYPE", "list")).length).toBe(0);
    expect(database.size).toBe(150);
    expect((await client.call("KEYS", "*")) as unknown).toHaveProperty("items.length", 100);
    expect((await walk()).length).toBe(100);
    expect(database.size).toBe(100);
    server.engine.keyspace.activeExpiry = true;
  });

  test("a count of 2^63 - 1 is everything", async () => {
    await setAll(Array.from({ length: 1000 }, (_, n) => `key:${n}`));
    const step = await scan("0", "COUNT", "9223372036854775807");
    expect(step.cursor).toBe("0");
    expect(step.keys.length).toBe(1000);
  });
});

describe("KEYS", () => {
  test("answers keys of any bytes", async () => {
    const names = Array.from({ length: 256 }, (_, byte) => `${String.fromCharCode(byte)}\r\n\0`);
    await setAll(names);
    const reply = await client.call("KEYS", "?\r\n\0");
    if (reply.type !== "array") throw new Error(reply.type);
    const keys = reply.items.map((item) => (item.type === "bulk" ? item.text : ""));
    expect(keys.toSorted()).toEqual(names.toSorted());
  });

  test("thirty stars on a long key answer at once", async () => {
    await client.call("SET", "a".repeat(100_000), "v");
    const begin = cpuMs();
    expect(await client.text("KEYS", `${"*a".repeat(30)}b`)).toBe("[]");
    expect(cpuMs() - begin).toBeLessThan(500);
  });
});
