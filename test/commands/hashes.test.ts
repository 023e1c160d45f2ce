/** Hashes as a client sees them, where redis-server 7.0 is no reference: newer commands, changes, memory, iterations. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";

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

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

/** Changes that the line makes, as INFO counts them. */
async function changesOf(line: string): Promise<number> {
  const { store } = server.engine.keyspace;
  const before = store.changes;
  await run(line);
  return store.changes - before;
}

/** Makes a hash of `count` fields f0, f1, ... */
async function fill(key: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1000) {
    const fields = Array.from({ length: Math.min(1000, count - from) }, (_, i) => [
      `f${from + i}`,
      `${from + i}`,
    ]);
    await client.call("HSET", key, ...fields.flat());
  }
}

/** The cursor and the elements that one call of HSCAN answers. */
async function hscan(...args: readonly string[]): Promise<[string, string[]]> {
  const reply = await client.call("HSCAN", ...args);
  if (reply.type !== "array") throw new Error(`HSCAN answered a ${reply.type}`);
  const [cursor, elements] = reply.items;
  if (cursor?.type !== "bulk" || elements?.type !== "array") throw new Error("not what HSCAN says");
  return [cursor.text, elements.items.map((item) => ("text" in item ? item.text : item.type))];
}

describe.each([
  ["listpack", "512"],
  ["hashtable", "0"],
])("in a %s", (encoding, entriesMax) => {
  beforeAll(async () => {
    await run(`CONFIG SET hash-max-listpack-entries ${entriesMax}`);
  });
  afterAll(async () => {
    await run("CONFIG SET hash-max-listpack-entries 512");
  });

  test("HGETDEL returns values and deletes their fields, and the hash with the last", async () => {
    await run("HSET k a 1 b 2 c 3");
    expect(await run("OBJECT ENCODING k")).toEqual([`"${encoding}"`]);
    expect(await run("HGETDEL k FIELDS 3 a nothing a")).toEqual(['["1", null bulk, null bulk]']);
    expect(await run("HMGET k a b c")).toEqual(['[null bulk, "2", "3"]']);
    expect(await run("HGETDEL k fields 2 b c", "EXISTS k")).toEqual(['["2", "3"]', ":0"]);
    expect(await run("HGETDEL k FIELDS 2 b c")).toEqual(["[null bulk, null bulk]"]);
  });

  test("HSCAN leaves the values out with NOVALUES", async () => {
    await run("HSET k a 1 b 2");
    const [cursor, fields] = await hscan("k", "0", "NOVALUES", "MATCH", "*", "COUNT", "100");
    expect([cursor, fields.toSorted()]).toEqual(["0", ["a", "b"]]);
    expect(await hscan("k", "0", "match", "a", "novalues")).toEqual(["0", ["a"]]);
    expect(await hscan("k", "0", "MATCH", "a", "COUNT", "100")).toEqual(["0", ["a", "1"]]);
  });

  test("every write counts the fields that it changed", async () => {
    expect(await changesOf("HSET k a 1 b 2")).toBe(2);
    expect(await changesOf("HSET k a 1")).toBe(1);
    expect(await changesOf("HMSET k a 1 b 2 c 3")).toBe(3);
    expect(await changesOf("HSETNX k a 1")).toBe(0);
    expect(await changesOf("HSETNX k d 1")).toBe(1);
    expect(await changesOf("HINCRBY k a 1")).toBe(1);
    expect(await changesOf("HINCRBYFLOAT k a 1.5")).toBe(1);
    expect(await changesOf("HINCRBY k a 1")).toBe(0);
    expect(await changesOf("HDEL k a x b")).toBe(2);
    expect(await changesOf("HGETDEL k FIELDS 2 c x")).toBe(1);
    expect(await changesOf("HGETALL k")).toBe(0);
    expect(await changesOf("HGET k d")).toBe(0);
  });

  test("HRANDFIELD does not answer more fields than a reply can hold", async () => {
    await run("HSET k a 1");
    expect(await run("HRANDFIELD k -9223372036854775807")).toEqual(["-ERR value is out of range"]);
    expect((await client.call("HRANDFIELD", "k", "-1000")).type).toBe("array");
  });
});

test("HGETDEL checks the type, then its arguments, before it deletes", async () => {
  await run("HSET k a 1", "SET s 1");
  expect(
    await run(
      ...["HGETDEL s FIELD 1 a", "HGETDEL k FIELD 1 a", "HGETDEL k FIELDS 0 a"],
      ...["HGETDEL k FIELDS x a", "HGETDEL k FIELDS 2 a", "HGETDEL k FIELDS 9223372036854775807 a"],
    ),
  ).toEqual([
    "-WRONGTYPE Operation against a key holding the wrong kind of value",
    "-ERR Mandatory argument FIELDS is missing or not at the right position",
    "-ERR Number of fields must be a positive integer",
    "-ERR Number of fields must be a positive integer",
    "-ERR The `numfields` parameter must match the number of arguments",
    "-ERR The `numfields` parameter must match the number of arguments",
  ]);
  expect(await run("HLEN k")).toEqual([":1"]);
});

test("an iteration by HSCAN sees every field that stays, while the hash outgrows the listpack", async () => {
  const random = seeded("HSCAN");
  await run("CONFIG SET hash-max-listpack-entries 128");
  await fill("k", 100);
  const seen = new Set<string>();
  let cursor = "0";
  let extra = 100;
  do {
    const [next, elements] = await hscan("k", cursor, "COUNT", "7", "NOVALUES");
    for (const field of elements) seen.add(field);
    cursor = next;
    const fields = Array.from({ length: 1 + random.below(40) }, () => [`f${extra++}`, "x"]);
    await client.call("HSET", "k", ...fields.flat());
    await client.call("HDEL", "k", `f${100 + random.below(extra - 100)}`);
  } while (cursor !== "0");
  expect(Array.from({ length: 100 }, (_, i) => `f${i}`).filter((name) => !seen.has(name))).toEqual(
    [],
  );
  await run("CONFIG SET hash-max-listpack-entries 512");
});

test("MEMORY USAGE grows with the fields, and a deleted large hash gives its memory back in steps", async () => {
  const { store } = server.engine.keyspace;
  await until("earlier data to go", () => store.arena.blocks < 50);
  const before = store.arena.usedBytes;
  await fill("k", 20_000);
  const usage = Number((await run("MEMORY USAGE k SAMPLES 0"))[0]!.slice(1));
  expect(Math.abs(store.arena.usedBytes - before - usage)).toBeLessThan(2000);
  expect(await run("OBJECT ENCODING k", "DEL k")).toEqual(['"hashtable"', ":1"]);
  // Not all of it is gone with the command.
  expect(store.arena.usedBytes - before).toBeGreaterThan(0);
  await until("the memory to come back", () => store.arena.usedBytes - before < 2000);
});
