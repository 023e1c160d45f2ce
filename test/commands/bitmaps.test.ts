/** Bits, fields and operations on them as a client sees them, where redis-server 7.0 is no reference. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
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

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

async function get(key: string): Promise<Buffer | null> {
  const reply = await client.call("GET", key);
  return reply.type === "bulk" ? Buffer.from(reply.text, "latin1") : null;
}

/** Changes that the lines make, as INFO counts them. */
async function changesOf(...lines: readonly string[]): Promise<number> {
  const { store } = server.engine.keyspace;
  const before = store.changes;
  await run(...lines);
  return store.changes - before;
}

describe("BITOP", () => {
  type Combine = (bits: readonly number[]) => boolean;

  const sum = (bits: readonly number[]): number => bits.reduce((a, b) => a + b, 0);
  const OPERATIONS: Readonly<Record<string, Combine>> = {
    AND: (bits) => sum(bits) === bits.length,
    OR: (bits) => sum(bits) > 0,
    XOR: (bits) => sum(bits) % 2 === 1,
    DIFF: (bits) => bits[0] === 1 && sum(bits) === 1,
    DIFF1: (bits) => bits[0] === 0 && sum(bits) > 0,
    ANDOR: (bits) => bits[0] === 1 && sum(bits) > 1,
    ONE: (bits) => sum(bits) === 1,
  };

  function combine(sources: readonly (Buffer | null)[], operation: Combine): Buffer {
    const length = Math.max(...sources.map((source) => source?.length ?? 0));
    const result = Buffer.alloc(length);
    for (let i = 0; i < length * 8; i++) {
      const shift = 7 - (i & 7);
      const bits = sources.map((source) => ((source?.[i >> 3] ?? 0) >> shift) & 1);
      if (operation(bits)) result[i >> 3]! |= 1 << shift;
    }
    return result;
  }

  function randomValue(random: Random): Buffer {
    const sizes = [1, 3, 20, 40, 100, 1023, 1024, 1025, 1027, 3000, 8190, 8192, 8193, 17_000];
    const density = random.below(3);
    return Buffer.from(
      Array.from({ length: pick(random, sizes) + random.below(3) }, () => {
        const byte = random.below(256);
        return density === 0 ? byte & random.below(256) : byte;
      }),
    );
  }

  test("combines strings of every form and length as one bit after another would", async () => {
    const random = seeded("BITOP");
    const keys = ["a", "b", "c", "number", "none"];
    for (let round = 0; round < 25; round++) {
      for (const key of ["a", "b", "c"]) await client.call("SET", key, randomValue(random));
      await run(`SET number ${random.int32()}`);
      for (const [name, operation] of Object.entries(OPERATIONS)) {
        const names = Array.from({ length: 2 + random.below(3) }, () => pick(random, keys));
        const sources = await Promise.all(names.map(get));
        const target = pick(random, ["a", "c", "d"]);
        const expected = combine(sources, operation);
        const reply = await client.text("BITOP", name, target, ...names);
        const line = `${name} ${target} ${names.join(" ")}`;
        expect([line, reply]).toEqual([line, `:${expected.length}`]);
        const found = await get(target);
        if (expected.length === 0) expect(found).toBeNull();
        else expect(`${line} ${found!.compare(expected)}`).toBe(`${line} 0`);
      }
    }
  });

  test("takes more sources than it remembers without taking memory", async () => {
    const names = Array.from({ length: 100 }, (_, index) => `k${index}`);
    for (const [index, name] of names.entries()) await run(`SETBIT ${name} ${index} 1`);
    expect(await client.text("BITOP", "OR", "all", ...names)).toBe(":13");
    expect(await run("BITCOUNT all", "BITPOS all 0")).toEqual([":100", ":100"]);
    expect(await client.text("BITOP", "ONE", "one", ...names, "k3", "none")).toBe(":13");
    expect(await run("BITCOUNT one", "GETBIT one 3")).toEqual([":99", ":0"]);
  });

  test("wants two sources for DIFF, DIFF1 and ANDOR, one is enough for ONE", async () => {
    for (const name of ["DIFF", "diff1", "AndOr"]) {
      expect(await client.text("BITOP", name, "d", "a")).toBe(
        `-ERR BITOP ${name.toUpperCase()} must be called with at least two source keys.`,
      );
    }
    expect(await run("SET a abc", "BITOP ONE d a", "GET d")).toEqual(["+OK", ":3", '"abc"']);
  });

  test("leaves the exact room that a large result needs", async () => {
    const { arena } = server.engine.keyspace.store;
    await client.call("SET", "a", Buffer.alloc(600_000, 1));
    const before = arena.usedBytes;
    await run("BITOP NOT b a", "BITOP NOT b b", "BITOP AND b a b");
    expect(arena.usedBytes - before).toBeLessThan(700_000);
    await run("DEL b");
    expect(arena.usedBytes).toBeLessThanOrEqual(before);
  });
});

describe("changes are counted", () => {
  test("for what differs afterwards only", async () => {
    expect(await changesOf("SETBIT k 7 0")).toBe(1);
    expect(await changesOf("SETBIT k 7 0", "SETBIT k 0 0")).toBe(0);
    expect(await changesOf("SETBIT k 7 1")).toBe(1);
    expect(await changesOf("SETBIT k 8 0")).toBe(1);
    expect(await changesOf("BITFIELD k GET u8 0")).toBe(0);
    expect(await changesOf("BITFIELD k SET u8 0 1 SET u8 0 1 INCRBY u8 0 0")).toBe(0);
    expect(await changesOf("BITFIELD k SET u8 0 2 INCRBY u8 0 1")).toBe(2);
    expect(await changesOf("BITOP AND none none none")).toBe(0);
    expect(await changesOf("BITOP AND k none", "BITOP AND k none")).toBe(1);
  });

  test("for a string that only grew", async () => {
    expect(await changesOf("BITFIELD new OVERFLOW FAIL SET u8 100 300")).toBe(1);
    expect(await run("STRLEN new")).toEqual([":14"]);
  });
});

test("BITCOUNT and BITPOS check their arguments before they look at the key", async () => {
  const integer = "-ERR value is not an integer or out of range";
  expect(await run("BITCOUNT none x 1", "BITCOUNT none 0", "BITCOUNT none 0 1 FOO")).toEqual([
    integer,
    "-ERR syntax error",
    "-ERR syntax error",
  ]);
  expect(await run("BITPOS none 1 x", "BITPOS none 1 0 1 FOO", "BITPOS none 0 0 1")).toEqual([
    integer,
    "-ERR syntax error",
    ":0",
  ]);
});

test("a position whose product with the width overflows is refused", async () => {
  const error = "-ERR bit offset is not an integer or out of range";
  for (const position of ["#2305843009213693952", "#-9223372036854775808", "#288230376151711744"]) {
    expect(await client.text("BITFIELD", "k", "SET", "i64", position, "1")).toBe(error);
  }
  expect(await run("EXISTS k")).toEqual([":0"]);
});

test("proto-max-bulk-len bounds how far a bit may lie", async () => {
  await run("CONFIG SET proto-max-bulk-len 1048576");
  const error = "-ERR bit offset is not an integer or out of range";
  expect(await run("SETBIT k 8388607 1", "SETBIT k 8388608 1", "GETBIT k 8388608")).toEqual([
    ":0",
    error,
    error,
  ]);
  expect(await run("STRLEN k", "BITCOUNT k", "BITPOS k 1")).toEqual([":1048576", ":1", ":8388607"]);
  await run("CONFIG SET proto-max-bulk-len 536870912");
});

test("one field after another is seen by the next operation of the same BITFIELD", async () => {
  const line = "BITFIELD k SET i64 3 -5 INCRBY i64 3 -1 GET i8 59 OVERFLOW SAT INCRBY u8 0 300";
  expect(await run(line)).toEqual(["[:0, :-6, :-6, :255]"]);
});
