/** Sets as a client sees them, where redis-server 7.0 is no reference: chance, scans under changes, counts, memory. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RANDOM_REPEATS_MAX } from "../../src/base/limits.ts";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
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

beforeEach(async () => {
  await client.text("FLUSHALL");
});

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

async function list(...args: readonly string[]): Promise<string[]> {
  const reply = await client.call(...args);
  if (reply.type !== "array") throw new Error(`not an array: ${reply.type}`);
  return reply.items.map((item) => ("text" in item ? item.text : ""));
}

async function encoding(key: string): Promise<string> {
  const reply = await client.call("OBJECT", "ENCODING", key);
  return "text" in reply ? reply.text : reply.type;
}

async function addAll(key: string, members: readonly string[]): Promise<void> {
  await client.call("SADD", key, ...members);
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);
const words = (count: number): string[] => Array.from({ length: count }, (_, i) => `word:${i}`);

const ENCODINGS: readonly [string, (count: number) => string[], number][] = [
  ["intset", numbers, 200],
  ["listpack", words, 100],
  ["hashtable", words, 400],
];

for (const [name, membersOf, size] of ENCODINGS) {
  describe(`a set encoded as ${name}`, () => {
    const members = membersOf(size);

    test("is read, counted and scanned as a whole", async () => {
      await addAll("k", members);
      expect(await encoding("k")).toBe(name);
      expect(new Set(await list("SMEMBERS", "k"))).toEqual(new Set(members));
      expect(await run("SCARD k", `SISMEMBER k ${members[7]}`, "SISMEMBER k none")).toEqual([
        `:${size}`,
        ":1",
        ":0",
      ]);
      expect(await scanAll("k", 10)).toEqual(new Set(members));
      const some = members.filter((member) => member.endsWith("7"));
      expect(await scanAll("k", 10, "*7")).toEqual(new Set(some));
    });

    test("pops every number of members, and keeps the others", async () => {
      for (const count of [0, 1, 5, 17, size >> 1, size - 20, size - 1, size]) {
        await addAll("k", members);
        const popped = await list("SPOP", "k", `${count}`);
        expect(new Set(popped).size).toBe(count);
        const left = await list("SMEMBERS", "k");
        expect(new Set([...popped, ...left])).toEqual(new Set(members));
        expect(left.length).toBe(size - count);
        expect(await run("EXISTS k", "SCARD k")).toEqual([
          count === size ? ":0" : ":1",
          `:${size - count}`,
        ]);
        await client.text("DEL", "k");
      }
    });

    test("yields as many different members by chance as it has, and the same ones again when asked so", async () => {
      await addAll("k", members);
      for (const count of [1, 3, size >> 2, size >> 1, size - 1, size, size + 10]) {
        const chosen = await list("SRANDMEMBER", "k", `${count}`);
        expect(chosen.length).toBe(Math.min(count, size));
        expect(new Set(chosen).size).toBe(chosen.length);
        for (const member of chosen) expect(members).toContain(member);
      }
      const repeated = await list("SRANDMEMBER", "k", `${-3 * size}`);
      expect(repeated.length).toBe(3 * size);
      expect(new Set(repeated).size).toBeLessThanOrEqual(size);
      expect(await run("SCARD k")).toEqual([`:${size}`]);
    });

    test("gives each member about the same chance", async () => {
      await addAll("k", members);
      for (const count of [3, size - 3]) {
        const seen = new Map<string, number>();
        const calls = Math.ceil((60 * size) / count);
        const line = ["SRANDMEMBER", "k", `${count}`];
        for (const reply of await client.pipeline(Array.from({ length: calls }, () => line))) {
          if (reply.type !== "array") throw new Error("not an array");
          for (const item of reply.items) {
            const text = "text" in item ? item.text : "";
            seen.set(text, (seen.get(text) ?? 0) + 1);
          }
        }
        expect(seen.size).toBe(size);
        // A dict chooses a bucket first, so members that share one come less often.
        const least = name === "hashtable" ? 0 : 20;
        for (const times of seen.values()) expect(times).toBeGreaterThan(least);
      }
    });

    test("leaves no memory behind", async () => {
      const { store, reclaimer } = server.engine.keyspace;
      while (reclaimer.step(1000));
      const before = store.arena.blocks;
      await addAll("k", members);
      await addAll("l", [...membersOf(size >> 1), "x"]);
      await run("SUNION k l", "SDIFF k l", "SDIFF l k", "SINTER k l", "SUNIONSTORE k k l");
      await run("SINTERSTORE l k l", "SDIFFSTORE l k l", "SUNIONCARD 2 k l", "SDIFFCARD 2 k l");
      await run("SRANDMEMBER k 3", "SPOP k 3", "COPY k m", "SPOP m 5000", `SPOP k ${size - 20}`);
      await run("SMOVE k n 1", "SINTERSTORE m none", "DEL k l n");
      expect(await run("DBSIZE")).toEqual([":0"]);
      while (reclaimer.step(1000));
      expect(store.arena.blocks).toBe(before);
    });
  });
}

/** All that a full round of SSCAN yields. */
async function scanAll(key: string, count: number, pattern = "*"): Promise<Set<string>> {
  const found = new Set<string>();
  let cursor = "0";
  do {
    const line = ["SSCAN", key, cursor, "COUNT", `${count}`, "MATCH", pattern];
    cursor = await scanStep(line, found);
  } while (cursor !== "0");
  return found;
}

/** Adds what one call of SSCAN yields to `found`; returns the next cursor. */
async function scanStep(line: readonly string[], found: Set<string>): Promise<string> {
  const reply = await client.call(...line);
  if (reply.type !== "array") throw new Error("not an array");
  const [cursor, members] = reply.items;
  if (members?.type !== "array") throw new Error("no members");
  for (const item of members.items) if ("text" in item) found.add(item.text);
  return cursor !== undefined && "text" in cursor ? cursor.text : "";
}

describe("SSCAN", () => {
  test("yields what is there from first to last while the set grows, shrinks and is made anew", async () => {
    const random = seeded("SSCAN under changes");
    for (let round = 0; round < 20; round++) {
      await client.text("DEL", "k");
      const stable = words(pick(random, [20, 100, 300]));
      const first = pick(random, [0, 400]);
      await addAll("k", [...stable, ...numbers(first)]);
      const found = new Set<string>();
      let cursor = "0";
      let next = 1000;
      do {
        cursor = await scanStep(["SSCAN", "k", cursor, "COUNT", "7"], found);
        const change = random.below(4);
        if (change === 0) await addAll("k", numbers(first + 100));
        if (change === 1) await addAll("k", [`n${next++}`]);
        if (change === 2) await client.call("SREM", "k", ...numbers(500));
        // A small set that is stored anew is packed, whatever it was.
        if (change === 3) {
          await addAll("words", stable);
          await run("SINTERSTORE k k words");
        }
      } while (cursor !== "0");
      for (const member of stable) expect(found.has(member)).toBe(true);
    }
  });

  test("looks at a bounded part of a large set", async () => {
    await addAll("k", words(5000));
    const found = new Set<string>();
    await scanStep(["SSCAN", "k", "0", "COUNT", "10"], found);
    expect(found.size).toBeGreaterThanOrEqual(10);
    expect(found.size).toBeLessThan(40);
    const none = new Set<string>();
    expect(await scanStep(["SSCAN", "k", "0", "MATCH", "none"], none)).not.toBe("0");
    expect(none.size).toBe(0);
  });
});

describe("SUNIONCARD and SDIFFCARD", () => {
  beforeEach(async () => {
    await addAll("ints", numbers(100));
    await addAll("words", [...words(50), "1", "2"]);
    await addAll("big", [...words(1000), ...numbers(1000)]);
    await addAll("tiny", ["1"]);
    await client.text("SET", "string", "x");
  });

  test("count exactly", async () => {
    expect(
      await run(
        ...["SUNIONCARD 1 ints", "SUNIONCARD 2 ints words", "SUNIONCARD 3 ints words big"],
        ...["SUNIONCARD 2 none ints", "SUNIONCARD 1 none", "SUNIONCARD 2 ints ints"],
        ...["SDIFFCARD 1 ints", "SDIFFCARD 2 ints words", "SDIFFCARD 2 big words"],
        ...["SDIFFCARD 3 big ints words", "SDIFFCARD 2 none ints", "SDIFFCARD 2 ints none"],
        ...["SDIFFCARD 2 ints ints", "SDIFFCARD 6 big tiny tiny tiny tiny tiny"],
      ),
    ).toEqual(
      [100, 150, 2000, 100, 0, 100, 100, 98, 1948, 1850, 0, 100, 0, 1999].map((n) => `:${n}`),
    );
  });

  test("stop at the limit", async () => {
    expect(
      await run(
        ...["SUNIONCARD 2 ints words LIMIT 7", "SUNIONCARD 2 ints words LIMIT 0"],
        ...["SUNIONCARD 2 ints words LIMIT 1000", "SDIFFCARD 2 big words limit 7"],
        ...["SDIFFCARD 2 big words LIMIT 0", "SDIFFCARD 2 ints words LIMIT 1000"],
        ...["SDIFFCARD 6 big tiny tiny tiny tiny tiny LIMIT 3", "SUNIONCARD 1 ints APPROX LIMIT 9"],
        ...["SUNIONCARD 1 ints LIMIT 9 APPROX"],
      ),
    ).toEqual([7, 150, 150, 7, 1948, 98, 3, 9, 9].map((n) => `:${n}`));
  });

  test("estimate within a few percent", async () => {
    const [reply, none] = await run(
      "SUNIONCARD 3 ints words big APPROX",
      "SUNIONCARD 1 none APPROX",
    );
    expect(Math.abs(Number(reply!.slice(1)) - 2000)).toBeLessThan(100);
    expect(none).toBe(":0");
  });

  test("refuse what is wrong", async () => {
    for (const name of ["SUNIONCARD", "SDIFFCARD"]) {
      expect(
        await run(
          ...[`${name} 0 ints`, `${name} x ints`, `${name} 3 ints words`, `${name} 1 ints LIMIT`],
          ...[`${name} 1 ints LIMIT -1`, `${name} 1 ints LIMIT x`, `${name} 1 ints FOO`],
          ...[`${name} 2 none string`, `${name} 1`],
        ),
      ).toEqual([
        "-ERR numkeys should be greater than 0",
        "-ERR numkeys should be greater than 0",
        "-ERR Number of keys can't be greater than number of args",
        "-ERR syntax error",
        "-ERR LIMIT can't be negative",
        "-ERR LIMIT can't be negative",
        "-ERR syntax error",
        "-WRONGTYPE Operation against a key holding the wrong kind of value",
        `-ERR wrong number of arguments for '${name.toLowerCase()}' command`,
      ]);
    }
    expect(await run("SDIFFCARD 1 ints APPROX")).toEqual(["-ERR syntax error"]);
  });
});

test("a negative count beyond the limit is refused", async () => {
  await addAll("k", ["a"]);
  expect(
    await run(`SRANDMEMBER k ${-RANDOM_REPEATS_MAX - 1}`, "SRANDMEMBER k -9223372036854775807"),
  ).toEqual(["-ERR value is out of range", "-ERR value is out of range"]);
});

test("the memory of large sets comes back after they were flushed", async () => {
  const { store, reclaimer } = server.engine.keyspace;
  while (reclaimer.step(1000));
  const before = store.arena.blocks;
  for (const key of ["a", "b", "c"]) await addAll(key, words(3000));
  expect(store.arena.blocks).toBeGreaterThan(before + 9000);
  await client.text("FLUSHALL");
  while (reclaimer.step(1000));
  expect(store.arena.blocks).toBe(before);
});

test("only what changes something counts as a change", async () => {
  const { store } = server.engine.keyspace;
  const changes = async (...lines: readonly string[]): Promise<number[]> => {
    const counts: number[] = [];
    for (const line of lines) {
      const before = store.changes;
      await run(line);
      counts.push(store.changes - before);
    }
    return counts;
  };
  expect(
    await changes(
      ...["SADD k a b c", "SADD k a", "SADD k a d", "SREM k x", "SREM k a x b", "SMOVE k l x"],
      ...["SMOVE k l c", "SMOVE l l c", "SMEMBERS k", "SINTERSTORE t k l", "SUNIONSTORE t k l"],
      ...[
        "SDIFFSTORE t none",
        "SDIFFSTORE t none",
        "SADD k 1 2 3",
        "SPOP k",
        "SPOP k 2",
        "SPOP k 0",
      ],
      ...["SPOP none", "SSCAN k 0", "SRANDMEMBER k 2"],
    ),
  ).toEqual([3, 0, 1, 0, 2, 0, 2, 0, 0, 0, 1, 1, 0, 3, 1, 2, 0, 0, 0, 0]);
});

test("a set that becomes empty goes with its key", async () => {
  expect(
    await run(
      ...["SADD a x", "SREM a x", "EXISTS a", "SADD b x", "SMOVE b c x", "EXISTS b", "SPOP c"],
      ...[
        "EXISTS c",
        "SADD d 1 2",
        "SPOP d 2",
        "EXISTS d",
        "SADD e x",
        "SDIFFSTORE e e e",
        "EXISTS e",
      ],
    ),
  ).toEqual([
    ...[":1", ":1", ":0", ":1", ":1", ":0", '"x"', ":0", ":2"],
    ...['["1", "2"]', ":0", ":1", ":0", ":0"],
  ]);
});

test("the options say up to where sets stay packed", async () => {
  await run("CONFIG SET set-max-listpack-entries 3", "CONFIG SET set-max-listpack-value 5");
  await run(
    "SADD a x y z",
    "SADD b x y z w",
    "SADD c 12345",
    "SADD c x",
    "SADD d 123456",
    "SADD d x",
  );
  const shown = await Promise.all(["a", "b", "c", "d"].map(encoding));
  await run("CONFIG SET set-max-listpack-entries 128", "CONFIG SET set-max-listpack-value 64");
  expect(shown).toEqual(["listpack", "hashtable", "listpack", "hashtable"]);
});

test("an integer of a packed set that turns a union into a dict is the one that is added", async () => {
  const hundredFrom = (from: number): string[] =>
    Array.from({ length: 100 }, (_, i) => `${from + i}`);
  await client.call("SADD", "a", "x", ...hundredFrom(0));
  await client.call("SADD", "b", "x", ...hundredFrom(100));
  expect([await encoding("a"), await encoding("b")]).toEqual(["listpack", "listpack"]);
  expect(await run("SUNIONSTORE c a b")).toEqual([":201"]);
  expect(await encoding("c")).toBe("hashtable");
  const members = await list("SMEMBERS", "c");
  expect(members.toSorted()).toEqual(["x", ...hundredFrom(0), ...hundredFrom(100)].toSorted());
});
