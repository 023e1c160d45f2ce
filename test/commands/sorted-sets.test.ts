/** Sorted sets as a client sees them, where redis-server 7.0 is no reference. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { seeded } from "../support/seed.ts";

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
  emptyAll(server);
  await run("HELLO 2", "CONFIG SET zset-max-listpack-entries 128");
});

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

/** Changes that the lines make, as INFO counts them. */
async function changesOf(...lines: readonly string[]): Promise<number> {
  const { store } = server.engine.keyspace;
  const before = store.changes;
  await run(...lines);
  return store.changes - before;
}

function items(value: RespValue): readonly RespValue[] {
  if (value.type !== "array") throw new Error(`not an array but ${value.type}`);
  return value.items;
}

function text(value: RespValue | undefined): string {
  if (value === undefined || !("text" in value)) throw new Error("not a string");
  return value.text;
}

/** Adds m0 to m<count - 1> with their numbers for scores. */
async function fill(key: string, count: number, from = 0): Promise<void> {
  const pairs: string[] = [];
  for (let i = from; i < from + count; i++) pairs.push(`${i}`, `m${i}`);
  await client.call("ZADD", key, ...pairs);
}

for (const entriesMax of [128, 0]) {
  describe(`sorted sets with at most ${entriesMax} members in a listpack`, () => {
    beforeEach(async () => {
      await run(`CONFIG SET zset-max-listpack-entries ${entriesMax}`);
    });

    test("ZRANK and ZREVRANK give the score too when they are asked for it", async () => {
      await run("ZADD z 1.5 a 2 b 3 c");
      expect(await client.call("ZRANK", "z", "a", "WITHSCORE")).toEqual({
        type: "array",
        items: [
          { type: "integer", value: 0n },
          { type: "bulk", text: "1.5" },
        ],
      } as unknown as RespValue);
      expect(items(await client.call("ZREVRANK", "z", "a", "withscore"))[0]).toEqual(
        await client.call("ZREVRANK", "z", "a"),
      );
      expect((await client.call("ZRANK", "z", "none", "WITHSCORE")).type).toBe("null array");
      expect((await client.call("ZRANK", "none", "a", "WITHSCORE")).type).toBe("null array");
      const [wrongWord, tooMany] = await run("ZRANK z a WITHSCORES", "ZRANK z a WITHSCORE x");
      expect([wrongWord, tooMany]).toEqual(["-ERR syntax error", "-ERR syntax error"]);
    });

    test("scores are written with the fewest digits that read back as the same number", async () => {
      await run("ZADD z 0.1 a 1e20 b 3 c 1e-7 d 123456789.125 e 4611686018427387904 f");
      expect(await run(..."abcdef".split("").map((member) => `ZSCORE z ${member}`))).toEqual([
        '"0.1"',
        '"1e+20"',
        '"3"',
        '"1e-7"',
        '"123456789.125"',
        '"4611686018427387904"',
      ]);
    });

    test("each member that is added, changed or removed counts as a change", async () => {
      expect(await changesOf("ZADD z 1 a 2 b 3 c")).toBe(3);
      expect(await changesOf("ZADD z 1 a 5 b")).toBe(1);
      expect(await changesOf("ZADD z NX 9 a", "ZADD z GT 0 a", "ZADD none XX 1 a")).toBe(0);
      expect(await changesOf("ZADD z x a", "ZADD z INCR nan a", "ZREM z none")).toBe(0);
      expect(await changesOf("ZREM z a none")).toBe(1);
      expect(await changesOf("ZPOPMIN z")).toBe(1);
      expect(await changesOf("ZRANGESTORE to z 0 -1", "ZRANGESTORE to none 0 -1")).toBe(2);
      expect(await changesOf("ZRANGESTORE to none 0 -1")).toBe(0);
      expect(await changesOf("ZUNIONSTORE to 1 z", "ZREMRANGEBYRANK to 0 -1")).toBe(2);
      expect(await changesOf("ZRANGE z 0 -1", "ZSCORE z b", "ZUNION 1 z", "ZSCAN z 0")).toBe(0);
    });

    test("commands that only read leave no memory behind", async () => {
      await fill("a", 200);
      await fill("b", 200, 100);
      const { store } = server.engine.keyspace;
      const reads = [
        "ZUNION 2 a b",
        "ZINTER 2 a b WITHSCORES",
        "ZDIFF 2 a b",
        "ZINTERCARD 2 a b",
        "ZRANDMEMBER a 50",
      ];
      const settle = (): number => {
        while (server.engine.keyspace.housekeep(1e6));
        return store.arena.blocks;
      };
      const before = settle();
      await run(...reads);
      expect(settle()).toBe(before);
    });

    test("ZRANDMEMBER gives distinct members for a positive count, and any for a negative one", async () => {
      await fill("z", 100);
      for (const count of [1, 5, 12, 13, 50, 99]) {
        const members = items(await client.call("ZRANDMEMBER", "z", `${count}`)).map(text);
        expect(new Set(members).size).toBe(count);
        for (const member of members) expect(member).toMatch(/^m\d\d?$/);
      }
      const seen = new Set<string>();
      for (let i = 0; i < 40 && seen.size < 100; i++) {
        for (const item of items(await client.call("ZRANDMEMBER", "z", "-100")))
          seen.add(text(item));
      }
      expect(seen.size).toBe(100);
    });
  });
}

describe("ZSCAN", () => {
  async function scan(key: string, between: () => Promise<void>): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    let cursor = "0";
    do {
      const [next, page] = items(await client.call("ZSCAN", key, cursor, "COUNT", "7"));
      const flat = items(page!).map(text);
      for (let i = 0; i < flat.length; i += 2) found.set(flat[i]!, flat[i + 1]!);
      cursor = text(next);
      await between();
    } while (cursor !== "0");
    return found;
  }

  test("finds every member that is there from first to last, while others come and go", async () => {
    const random = seeded("ZSCAN");
    await fill("z", 1000);
    let next = 1000;
    const found = await scan("z", async () => {
      if (next < 3000) await fill("z", 1 + random.below(60), next);
      next = Math.min(3000, next + 60);
      await client.call("ZREM", "z", `m${500 + random.below(next - 500)}`);
      await client.call("ZINCRBY", "z", "1000", `m${random.below(100)}`);
    });
    for (let i = 0; i < 500; i++) expect(found.has(`m${i}`)).toBe(true);
    for (let i = 100; i < 500; i++) expect(found.get(`m${i}`)).toBe(`${i}`);
  });

  test("finds every member while a set is emptied but for a few", async () => {
    await fill("z", 3000);
    let low = 50;
    const found = await scan("z", async () => {
      const gone = Array.from({ length: 100 }, () => `m${low++}`);
      if (low < 3000) await client.call("ZREM", "z", ...gone);
    });
    for (let i = 0; i < 50; i++) expect(found.has(`m${i}`)).toBe(true);
  });
});

test("a large set that is deleted is gone at once, and its memory comes back in slices", async () => {
  const { keyspace } = server.engine;
  while (keyspace.housekeep(1e6));
  const before = keyspace.store.arena.blocks;
  for (let i = 0; i < 20; i++) await fill("z", 500, i * 500);
  server.engine.beatPaused = true;
  expect(await run("DEL z", "EXISTS z")).toEqual([":1", ":0"]);
  while (keyspace.housekeep(1e6));
  server.engine.beatPaused = false;
  expect(keyspace.reclaimer.pending).toBe(0);
  expect(keyspace.store.arena.blocks).toBe(before);
});

test("the union of large sets is in order where scores are the same, close to each other, infinite or zero", async () => {
  const random = seeded("large union");
  // Those in the middle are one number in 32 bits.
  const scores = [-Infinity, -1, -0, 0, 1, 1 + 1e-12, 1 + 2e-12, 7, Infinity];
  const sums = new Map<string, number>();
  for (const key of ["a", "b", "c"]) {
    const members: string[] = [];
    for (let i = 0; i < 400; i++) {
      const name = `m${i + random.below(3) * 400}`;
      if (members.includes(name)) continue;
      const score = scores[random.below(scores.length)]!;
      members.push(String(score).replace("Infinity", "inf"), name);
      sums.set(name, Math.max(sums.get(name) ?? -Infinity, score));
    }
    await client.call("ZADD", key, ...members);
  }
  const inOrder = [...sums].toSorted(([a, x], [b, y]) => {
    if (x !== y) return x - y;
    return a < b ? -1 : 1;
  });
  expect(await run("ZUNIONSTORE to 3 a b c AGGREGATE MAX")).toEqual([`:${sums.size}`]);
  expect(await client.call("ZRANGE", "to", "0", "-1")).toEqual(
    (await client.call("ZUNION", "3", "a", "b", "c", "AGGREGATE", "MAX")) as RespValue,
  );
  const listed = await client.text("ZRANGE", "to", "0", "-1");
  expect([...listed.matchAll(/m\d+/g)].map(([name]) => name)).toEqual(
    inOrder.map(([name]) => name),
  );
  for (const [rank, [name]] of inOrder.entries()) {
    if (rank % 50 === 0) expect(await run(`ZRANK to ${name}`)).toEqual([`:${rank}`]);
  }
});
