import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";

let server: Instance;
let client: RespClient;

beforeAll(async () => {
  server = startInProcess({ "enable-debug-command": "yes" });
  client = await RespClient.connect(server.port);
});

afterAll(async () => {
  client.close();
  await server.stop();
});

beforeEach(() => {
  emptyAll(server);
});

async function run(line: string): Promise<string> {
  return await client.text(...line.split(" "));
}

describe("DEBUG", () => {
  test("is refused unless the option allows it, to everybody or to local clients", async () => {
    for (const [allowed, expected] of [
      ["no", /^-ERR DEBUG command not allowed\. If the enable-debug-command option/],
      ["local", /^\+OK$/],
      ["yes", /^\+OK$/],
    ] as const) {
      const other = startInProcess({ "enable-debug-command": allowed });
      const there = await RespClient.connect(other.port);
      expect(await there.text("DEBUG", "SLEEP", "0")).toMatch(expected);
      there.close();
      await other.stop();
    }
  });

  test("SET-ACTIVE-EXPIRE 0 leaves expired keys to those who ask for them", async () => {
    const database = server.engine.keyspace.databases[0]!;
    await run("DEBUG SET-ACTIVE-EXPIRE 0");
    await run("SET k v PX 1");
    server.engine.clock.advance(1000);
    while (server.engine.keyspace.housekeep(1e6));
    expect(database.size).toBe(1);
    await run("DEBUG SET-ACTIVE-EXPIRE 1");
    server.engine.clock.refresh();
    while (server.engine.keyspace.housekeep(1e6));
    expect(database.size).toBe(0);
  });

  test("SLEEP holds everything up for its time", async () => {
    const begin = performance.now();
    expect(await run("DEBUG SLEEP 0.05")).toBe("+OK");
    expect(performance.now() - begin).toBeGreaterThanOrEqual(45);
  });

  test("the digest depends on the data alone, not on its order or history", async () => {
    const random = seeded("DEBUG DIGEST");
    expect(await run("DEBUG DIGEST")).toBe(`+${"0".repeat(40)}`);
    const names = Array.from({ length: 300 }, (_, n) => `key:${n}`);
    for (const name of names) await run(`SET ${name} v${name}`);
    const digest = await run("DEBUG DIGEST");
    expect(digest).not.toBe(`+${"0".repeat(40)}`);
    emptyAll(server);
    for (let n = 0; n < 5000; n++) await run(`SET other:${n} x`);
    for (let n = 0; n < 5000; n++) await run(`DEL other:${n}`);
    for (const name of names.toSorted(() => random.int32())) await run(`SET ${name} v${name}`);
    expect(await run("DEBUG DIGEST")).toBe(digest);
    await run("APPEND key:7 x");
    expect(await run("DEBUG DIGEST")).not.toBe(digest);
    await run("SET key:7 vkey:7");
    await run("EXPIRE key:7 1000");
    expect(await run("DEBUG DIGEST")).not.toBe(digest);
    await run("PERSIST key:7");
    await run("MOVE key:7 1");
    expect(await run("DEBUG DIGEST")).not.toBe(digest);
  });

  test("HTSTATS counts buckets and elements, also while the table grows", async () => {
    for (let n = 0; n < 70; n++) await run(`SET key:${n} v`);
    const text = await run("DEBUG HTSTATS 0 FULL");
    const elements = [...text.matchAll(/number of elements: (\d+)/g)].map((match) =>
      Number(match[1]),
    );
    // The last one counts keys that expire.
    expect(elements.slice(0, -1).reduce((sum, count) => sum + count, 0)).toBe(70);
    expect(text).toContain("Chain length distribution");
    expect(await run("DEBUG HTSTATS 3")).toContain("No stats available for empty dictionaries");
  });

  test("OBJECT shows encoding, length in a file and idle time without using the key", async () => {
    server.engine.clock.advance(0);
    const rows = [
      ["12", "int", 2],
      ["1234", "int", 3],
      ["123456", "int", 5],
      ["123456789012", "int", 13],
      ["hello", "embstr", 6],
      ["x".repeat(64), "raw", 66],
    ] as const;
    for (const [value, encoding, length] of rows) {
      await client.call("SET", "k", value);
      const text = await run("DEBUG OBJECT k");
      expect(text).toMatch(/^\+Value at:0x[0-9a-f]+ refcount:1 /);
      expect(text).toContain(` encoding:${encoding} serializedlength:${length} lru:`);
    }
    server.engine.clock.advance(40_000);
    await run("PING");
    expect(await run("DEBUG OBJECT k")).toEndWith("lru_seconds_idle:40");
    expect(await run("OBJECT IDLETIME k")).toBe(":40");
    await run("TOUCH k");
    expect(await run("OBJECT IDLETIME k")).toBe(":0");
  });

  test("STRINGMATCH-LEN matches as KEYS does", async () => {
    expect(await run("DEBUG STRINGMATCH-LEN h*[lo] hello")).toBe(":1");
    expect(await run("DEBUG STRINGMATCH-LEN h*[lo] help")).toBe(":0");
  });

  test("DICT-RESIZING 0 leaves the table of a database as large as it is", async () => {
    const { dict } = server.engine.keyspace.store;
    const table = server.engine.keyspace.databases[0]!.dict;
    const before = dict.buckets(table);
    await run("DEBUG DICT-RESIZING 0");
    await run("DEBUG POPULATE 1000");
    expect(dict.buckets(table)).toBe(before);
    expect(await run("DBSIZE")).toBe(":1000");
    await run("DEBUG DICT-RESIZING 1");
    await run("DEBUG POPULATE 3000");
    expect(dict.buckets(table)).toBeGreaterThan(1000);
    expect(await run("GET key:2999")).toBe('"value:2999"');
  });

  test("HTSTATS-KEY shows the table of a large set or hash", async () => {
    await run("SADD s a b");
    await run("SET k v");
    const fields = Array.from({ length: 1000 }, (_, index) => `${index} v`);
    await run(`HSET h ${fields.join(" ")}`);
    const refused =
      "-ERR The value stored at the specified key is not represented using an hash table";
    for (const key of ["s", "k"]) expect(await run(`DEBUG HTSTATS-KEY ${key}`)).toBe(refused);
    expect(await run("DEBUG HTSTATS-KEY none")).toBe("-ERR no such key");
    const text = await run("DEBUG HTSTATS-KEY h full");
    expect(text).toContain("Hash table 0 stats (main hash table)");
    expect(text).toContain("number of elements: 1000");
    expect(text).toContain("Chain length distribution");
  });

  test("LISTPACK writes the elements of a packed value to the log", async () => {
    const lines: string[] = [];
    const { logger } = server.engine;
    logger.level = "warning";
    logger.write = (line) => void lines.push(line);
    await run("RPUSH l 12 word");
    expect(await run("DEBUG LISTPACK l")).toBe("+Listpack structure printed on stdout");
    logger.level = "nothing";
    expect(lines.map((line) => line.replace(/^.*# /, ""))).toEqual([
      expect.stringMatching(/^listpack of \d+ bytes, 2 elements$/),
      expect.stringMatching(/^0: at \d+, int 12$/),
      expect.stringMatching(/^1: at \d+, str word$/),
    ]);
  });

  test("QUICKLIST-PACKED-THRESHOLD gives elements of that size nodes of their own", async () => {
    await run("DEBUG QUICKLIST-PACKED-THRESHOLD 20b");
    const large = "x".repeat(20);
    await run(`RPUSH l a ${large} b ${large} ${large}`);
    expect(await run("OBJECT ENCODING l")).toBe('"quicklist"');
    expect(await run("LRANGE l 0 -1")).toBe(`["a", "${large}", "b", "${large}", "${large}"]`);
    await run("DEBUG QUICKLIST-PACKED-THRESHOLD 0");
    await run("DEL l");
    await run(`RPUSH l a ${large} b`);
    expect(await run("OBJECT ENCODING l")).toBe('"listpack"');
  });

  test("CHANGE-REPL-ID names the history of the data set anew", async () => {
    const before = server.engine.replicationId;
    expect(await run("DEBUG CHANGE-REPL-ID")).toBe("+OK");
    expect(server.engine.replicationId).not.toBe(before);
    expect(server.engine.replicationId).toMatch(/^[0-9a-f]{40}$/);
  });
});

describe("MEMORY", () => {
  test("USAGE tells what the arena gives for a key", async () => {
    const { arena } = server.engine.keyspace.store;
    while (server.engine.keyspace.housekeep(1e6));
    for (const length of [1, 100, 1000, 5000, 200_000, 3_000_000]) {
      const before = arena.usedBytes;
      await client.call("SET", "k", "x".repeat(length));
      const taken = arena.usedBytes - before;
      const reply = await client.call("MEMORY", "USAGE", "k");
      const usage = Number(reply.type === "integer" ? reply.value : -1);
      // Beside its blocks a key has a share of the table, here of the smallest one.
      expect(usage).toBeGreaterThanOrEqual(taken);
      expect(usage).toBeLessThanOrEqual(taken + 32);
      await run("DEL k");
    }
  });

  test("STATS adds up", async () => {
    for (let n = 0; n < 1000; n++) await run(`SET key:${n} value`);
    const reply = await client.call("MEMORY", "STATS");
    if (reply.type !== "array") throw new Error(reply.type);
    const fields = new Map<string, number>();
    for (let i = 0; i < reply.items.length; i += 2) {
      const [name, item] = reply.items.slice(i, i + 2);
      if (name?.type !== "bulk" || item === undefined) throw new Error("not a name and a value");
      fields.set(
        name.text,
        Number("value" in item ? item.value : "text" in item ? item.text : NaN),
      );
    }
    const field = (name: string): number => fields.get(name)!;
    expect(field("keys.count")).toBe(1000);
    expect(fields.has("db.0")).toBe(true);
    expect(fields.has("db.1")).toBe(false);
    expect(field("peak.allocated")).toBeGreaterThanOrEqual(field("total.allocated"));
    expect(field("overhead.total") + field("dataset.bytes")).toBe(field("total.allocated"));
    expect(field("allocator.active")).toBeGreaterThanOrEqual(field("allocator.allocated"));
    expect(field("keys.bytes-per-key")).toBeGreaterThan(30);
  });
});
