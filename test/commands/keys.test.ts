import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { pick, seeded } from "../support/seed.ts";

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

async function run(line: string): Promise<string> {
  return await client.text(...line.split(" "));
}

describe("keys", () => {
  test("deleting counts what was there, and every deletion is a change", async () => {
    await run("MSET a 1 b 2 c 3");
    const { store } = server.engine.keyspace;
    const { changes } = store;
    expect(await run("DEL a a b nokey")).toBe(":2");
    expect(await run("UNLINK c c")).toBe(":1");
    expect(store.changes).toBe(changes + 3);
  });

  test("names of JavaScript's own properties are keys like any other", async () => {
    const names = [
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "__defineGetter__",
      "",
    ];
    for (const name of names) expect(await client.text("SET", name, name)).toBe("+OK");
    expect(await client.text("EXISTS", ...names)).toBe(`:${names.length}`);
    for (const name of names) {
      expect(await client.text("COPY", name, `${name}2`)).toBe(":1");
      expect(await client.text("RENAME", `${name}2`, `${name}3`)).toBe("+OK");
      expect(await client.text("GET", `${name}3`)).toBe(JSON.stringify(name));
      expect(await client.text("DEL", name)).toBe(":1");
    }
  });

  test("keys of 64 KiB and more are renamed, copied and moved", async () => {
    for (const length of [65_534, 65_535, 65_536, 300_000]) {
      const long = "k".repeat(length);
      const other = `${long}!`;
      await client.text("SET", "v", "value");
      expect(await client.text("RENAME", "v", long)).toBe("+OK");
      expect(await client.text("EXPIRE", long, 1000)).toBe(":1");
      expect(await client.text("COPY", long, other)).toBe(":1");
      expect(await client.text("MOVE", long, 2)).toBe(":1");
      expect(await client.text("RENAME", other, "v")).toBe("+OK");
      expect(await client.text("TTL", "v")).toBe(":1000");
      expect(await client.text("GET", "v")).toBe('"value"');
    }
  });

  test("a copy shares nothing with its original", async () => {
    for (const length of [0, 10, 44, 45, 1024, 1025, 100_000]) {
      const value = "x".repeat(length);
      await client.text("SET", "a", value);
      await client.text("COPY", "a", "b", "REPLACE");
      await client.text("APPEND", "b", "tail");
      expect(await client.text("GET", "a")).toBe(JSON.stringify(value));
      await client.text("DEL", "a");
      expect(await client.text("GET", "b")).toBe(JSON.stringify(`${value}tail`));
    }
  });

  test("RANDOMKEY finds the one live key among expired ones, and nothing among those alone", async () => {
    server.engine.keyspace.activeExpiry = false;
    for (let n = 0; n < 500; n++) await run(`SET gone:${n} v PX 1`);
    await run("SET stays v");
    server.engine.clock.advance(10);
    expect(await run("RANDOMKEY")).toBe('"stays"');
    for (let n = 0; n < 500; n++) await run(`SET gone:${n} v PX 1`);
    await run("DEL stays");
    server.engine.clock.advance(10);
    expect(await run("RANDOMKEY")).toBe("null bulk");
    while ((await run("DBSIZE")) !== ":0") expect(await run("RANDOMKEY")).toBe("null bulk");
    server.engine.keyspace.activeExpiry = true;
  });

  test("RANDOMKEY does not delete all expired keys that there are to find a live one", async () => {
    const database = server.engine.keyspace.databases[0]!;
    server.engine.keyspace.activeExpiry = false;
    try {
      for (let n = 0; n < 100_000; n += 10_000) {
        await client.pipeline(
          Array.from({ length: 10_000 }, (_, i) => ["SET", `gone:${n + i}`, "v", "PX", "1"]),
        );
      }
      server.engine.clock.advance(10);
      const began = database.size;
      // There is no live one in reach, so it is one of the others, as with a replica of Redis.
      expect(await client.text("RANDOMKEY")).toMatch(/^"gone:\d+"$/);
      expect(began - database.size).toBe(100);
    } finally {
      server.engine.keyspace.activeExpiry = true;
    }
  });

  test("random renames, copies, moves and deletions leave what a plain model has", async () => {
    const random = seeded("keys");
    const model: Map<string, string>[] = [new Map(), new Map()];
    const ours = server.engine.keyspace.databases;
    const names = ["a", "b", "c", "d", "longer name", "k".repeat(70_000)];
    const zero = model[0]!;
    for (let step = 0; step < 3000; step++) {
      const a = pick(random, names);
      const b = pick(random, names);
      const value = "v".repeat(pick(random, [0, 3, 50, 2000])) + step;
      const draw = random.below(6);
      if (draw === 0) {
        await client.call("SET", a, value);
        zero.set(a, value);
      } else if (draw === 1) {
        const reply = await client.text("RENAME", a, b);
        expect(reply).toBe(zero.has(a) ? "+OK" : "-ERR no such key");
        const taken = zero.get(a);
        if (taken !== undefined) {
          zero.delete(a);
          zero.set(b, taken);
        }
      } else if (draw === 2) {
        const reply = await client.text("COPY", a, b, "DB", 1, "REPLACE");
        expect(reply).toBe(zero.has(a) ? ":1" : ":0");
        if (zero.has(a)) model[1]!.set(b, zero.get(a)!);
      } else if (draw === 3) {
        const moves = zero.has(a) && !model[1]!.has(a);
        expect(await client.text("MOVE", a, 1)).toBe(moves ? ":1" : ":0");
        if (moves) {
          model[1]!.set(a, zero.get(a)!);
          zero.delete(a);
        }
      } else if (draw === 4) {
        expect(await client.text("DEL", a, b)).toBe(
          `:${Number(zero.delete(a)) + Number(zero.delete(b))}`,
        );
      } else {
        const held = zero.get(a);
        const expected = held === undefined ? "null bulk" : JSON.stringify(held);
        expect(await client.text("GET", a)).toBe(expected);
      }
      expect(ours[0]!.size).toBe(zero.size);
      expect(ours[1]!.size).toBe(model[1]!.size);
      // Database 1 would fill up, and MOVE find no room.
      if (random.below(20) === 0) {
        ours[1]!.clear();
        model[1]!.clear();
      }
    }
  });
});
