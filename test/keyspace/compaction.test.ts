/**
 * Blocks are moved while commands go on. Two engines with the same seed run the same random commands; one of them moves blocks
 * after each, as many as there can be. Nobody may see a difference: not in replies, not in the data, not in the memory used.
 */
import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { Evacuation } from "../../src/memory/evacuation.ts";
import { fill, traffic } from "../persistence/traffic.ts";
import { show } from "../support/resp-value.ts";
import { rounds, seed, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { Random as Generator } from "../../src/base/random.ts";

const NOW_MS = 1_700_000_000_000;
const COMMANDS = 3000;
/** Elements of large values. */
const LARGE = 3000;

function frozen(): TestEngine {
  const server = new TestEngine();
  server.engine.clock.freeze(NOW_MS);
  server.engine.beginTurn();
  return server;
}

/** Moves blocks for a random while, going round and round. */
function compactSome(random: Random, server: TestEngine): void {
  const { walk } = server.engine.keyspace.defragmentation;
  server.engine.beginTurn();
  for (let left = random.below(30); left > 0; left--) if (!walk.step(1)) walk.begin();
}

function digest(server: TestEngine): string {
  server.engine.keyspace.store.expires = false;
  const text = show(server.run("DEBUG", "DIGEST"));
  server.engine.keyspace.store.expires = true;
  return text;
}

function expectSame(moving: TestEngine, still: TestEngine): void {
  for (const { engine } of [moving, still]) while (engine.keyspace.housekeep(1e9));
  expect(digest(moving)).toBe(digest(still));
  const a = moving.engine.keyspace.store.arena;
  const b = still.engine.keyspace.store.arena;
  expect(a.blocks).toBe(b.blocks);
  expect(a.usedBytes).toBe(b.usedBytes);
}

function releaseAll(...servers: TestEngine[]): void {
  for (const server of servers) server.engine.keyspace.release();
}

/** Makes values of several thousand elements, which have to be moved in many pieces. */
function fillLarge(server: TestEngine): void {
  const many = (make: (index: number) => string[]): string[] =>
    Array.from({ length: 500 }, (_, index) => make(index)).flat();
  for (let at = 0; at < LARGE; at += 500) {
    server.run("HSET", "hash", ...many((i) => [`field ${at + i}`, "v".repeat((at + i) % 90)]));
    server.run("SADD", "set", ...many((i) => [`member ${at + i}`]));
    server.run("ZADD", "zset", ...many((i) => [String((at + i) % 700), `member ${at + i}`]));
    server.run("RPUSH", "list", ...many((i) => [`${at + i} ${"x".repeat((at + i) % 90)}`]));
    for (let i = 0; i < 500; i++) server.run("XADD", "stream", `${1 + at + i}-1`, "f", "v");
  }
  server.run("HSET", "hash", "apart", "a".repeat(3000), "far", "b".repeat(20_000));
  for (const group of ["g1", "g2"]) {
    server.run("XGROUP", "CREATE", "stream", group, "0");
    for (const consumer of ["a", "b", "c"]) {
      server.run("XREADGROUP", "GROUP", group, consumer, "COUNT", "800", "STREAMS", "stream", ">");
    }
  }
  server.run("XREADGROUP", "GROUP", "g1", "d", "CLAIM", "100000", "STREAMS", "stream", ">");
  for (let i = 0; i < LARGE; i += 3) {
    const times = [String(400 + i), "FIELDS", "1", `field ${i}`];
    server.run("HPEXPIRE", "hash", ...times);
    server.run("ZPEXPIRE", "zset", String(300 + i), "MEMBERS", "1", `member ${i}`);
  }
}

/** A random change of one of those, or a look at them. */
function largeTraffic(random: Random, server: TestEngine): string {
  const at = String(random.below(LARGE));
  const to = String(random.below(LARGE));
  const run = (line: string): string => show(server.run(...line.split(",")));
  switch (random.below(24)) {
    case 0:
      return run(`HSET,hash,field ${at},${"w".repeat(random.below(300))}`);
    case 1:
      return run(`HSET,hash,apart,${"c".repeat(1100 + random.below(9000))}`);
    case 2:
      return run(`HDEL,hash,field ${at}`);
    case 3:
      return run(`SADD,set,another ${at}`);
    case 4:
      return run("SPOP,set,3");
    case 5:
      return run(`ZADD,zset,${at},member ${to}`);
    case 6:
      return run(`ZREM,zset,member ${at}`);
    case 7:
      return run(`ZREMRANGEBYRANK,zset,${at},${Number(at) + 20}`);
    case 8:
      return run(`ZRANGE,zset,${at},${Number(at) + 50},WITHSCORES`);
    case 9:
      return run(`ZRANK,zset,member ${at}`);
    case 10:
      return run(`LPUSH,list,${"p".repeat(random.below(2000))}`);
    case 11:
      return run(`LREM,list,1,${at} ${"x".repeat(Number(at) % 90)}`);
    case 12:
      return run("LPOP,list,40");
    case 13:
      return run(`LRANGE,list,${at},${Number(at) + 30}`);
    case 14:
      return run("XADD,stream,*,f,v");
    case 15:
      return run(`XDEL,stream,${at}-1`);
    case 16:
      return run(`XACK,stream,g1,${at}-1,${to}-1`);
    case 17:
      return run(`XCLAIM,stream,g${1 + random.below(2)},b,0,${at}-1`);
    case 18:
      return run(`XTRIM,stream,MINID,${random.below(300)}`);
    case 19:
      return run("XREADGROUP,GROUP,g1,d,COUNT,20,CLAIM,50,STREAMS,stream,>");
    case 20:
      return run(`XPENDING,stream,g${1 + random.below(2)},${at}-0,+,10`);
    case 21:
      return run(`XRANGE,stream,${at}-0,+,COUNT,30`);
    case 22:
      return run(`LINSERT,list,BEFORE,${at} ${"x".repeat(Number(at) % 90)},new`);
    default:
      server.engine.clock.advance(random.below(4));
      server.engine.beginTurn();
      server.engine.keyspace.housekeep(1e6);
      return run("HLEN,hash");
  }
}

describe("compaction under random commands", () => {
  test("of every block, at every step, changes nothing that anybody sees", () => {
    seeded("compaction");
    for (let round = 0; round < 3 * rounds; round++) {
      const moving = frozen();
      const still = frozen();
      const { walk } = moving.engine.keyspace.defragmentation;
      const { arena } = moving.engine.keyspace.store;
      walk.largeFrom = round % 3 === 0 ? 1000 : 10;
      const lines = [new Generator(seed + round), new Generator(seed + round)] as const;
      const random = new Generator(seed - round);
      const keys = fill(lines[0], moving);
      fill(lines[1], still);
      expectSame(moving, still);
      arena.movesAll = true;
      for (let i = 0; i < COMMANDS; i++) {
        compactSome(random, moving);
        const reply = show(traffic(lines[0], moving, keys));
        const wanted = show(traffic(lines[1], still, keys));
        if (reply !== wanted) throw new Error(`command ${i}: ${reply} instead of ${wanted}`);
        if (i % 300 === 0) expectSame(moving, still);
      }
      expectSame(moving, still);
      expect(arena.moves).toBeGreaterThan(10_000);
      expect(moving.blocksWhenEmpty()).toBe(still.blocksWhenEmpty());
      releaseAll(moving, still);
    }
  });

  test("of large values, a piece after each command, changes nothing that anybody sees", () => {
    seeded("compaction of large values");
    for (let round = 0; round < rounds; round++) {
      const moving = frozen();
      const still = frozen();
      const { walk } = moving.engine.keyspace.defragmentation;
      walk.largeFrom = 100;
      const lines = [new Generator(seed + round), new Generator(seed + round)] as const;
      const random = new Generator(seed - round);
      fillLarge(moving);
      fillLarge(still);
      moving.engine.keyspace.store.arena.movesAll = true;
      for (let i = 0; i < COMMANDS; i++) {
        compactSome(random, moving);
        const reply = largeTraffic(lines[0], moving);
        const wanted = largeTraffic(lines[1], still);
        if (reply !== wanted) throw new Error(`command ${i}: ${reply} instead of ${wanted}`);
        if (i % 500 === 0) expectSame(moving, still);
      }
      expectSame(moving, still);
      expect(moving.blocksWhenEmpty()).toBe(still.blocksWhenEmpty());
      releaseAll(moving, still);
    }
  });

  test("of the spans that an evacuation chooses, changes nothing either", () => {
    const random = seeded("compaction of spans");
    for (let round = 0; round < 2 * rounds; round++) {
      const server = frozen();
      const { arena } = server.engine.keyspace.store;
      const { walk } = server.engine.keyspace.defragmentation;
      const evacuation = new Evacuation(arena);
      const keys = fill(random, server);
      for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 100; j++) traffic(random, server, keys);
        const before = digest(server);
        const { blocks, usedBytes } = arena;
        evacuation.begin();
        while (evacuation.step());
        walk.begin();
        while (walk.step(100));
        while (arena.stay(7));
        expect(digest(server)).toBe(before);
        expect(arena.blocks).toBe(blocks);
        expect(arena.usedBytes).toBe(usedBytes);
      }
      releaseAll(server);
    }
  });
});
