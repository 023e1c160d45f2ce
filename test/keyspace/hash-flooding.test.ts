/**
 * Keys, fields and members that were chosen to have like hashes (S25): they do only for who knows the server's secret. Where it is
 * known, in this test, they cost many times as much. And names that have one hash in the engine's own tables of strings, which have no
 * secret: a Map by such names would take a hundred times as long.
 */
import { expect, test } from "bun:test";
import type { HashSeed } from "../../src/base/hash.ts";
import { hashBytes, HASH_WORDS } from "../../src/base/hash.ts";
import { nanoseconds } from "../../src/base/clock.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { TestEngine } from "../support/test-engine.ts";

const COUNT = 4000;
/** Bits in which the hashes are alike. */
const BITS = 12;
const SLOWER_MAX = 5;
const ATTEMPTS = 3;

/** Texts of eight bytes whose hashes end in the same bits. */
function colliding(seed: HashSeed): string[] {
  const words = new Int32Array(HASH_WORDS);
  const bytes = Buffer.alloc(8);
  const found: string[] = [];
  for (let i = 0; found.length < COUNT; i++) {
    bytes.write(i.toString(36).padStart(8, "0"), "latin1");
    const hash = hashBytes(bytes, 0, 8, seed, words);
    if ((hash & ((1 << BITS) - 1)) === 0) found.push(bytes.toString("latin1"));
  }
  return found;
}

const WAYS: Readonly<Record<string, (text: string) => string[]>> = {
  keys: (text) => ["SET", text, "v"],
  fields: (text) => ["HSET", "h", text, "v"],
  members: (text) => ["SADD", "s", text],
  "scored members": (text) => ["ZADD", "z", "1", text],
};

/** Nanoseconds that a server takes for these texts. */
function timeOf(
  server: TestEngine,
  texts: readonly string[],
  line: (text: string) => string[],
): number {
  server.run("FLUSHALL");
  const start = nanoseconds();
  for (const text of texts) server.run(...line(text));
  return nanoseconds() - start;
}

const known = new TestEngine({}, 1);
const attacked = new TestEngine({}, 2);
const chosen = colliding(known.engine.keyspace.store.seed);
const others = chosen.map((_, i) => i.toString(36).padStart(8, "x"));

test.each(Object.entries(WAYS))(
  "%s that collide elsewhere are as quick as others (S25)",
  (what, line) => {
    let [ordinary, elsewhere, here] = [Infinity, Infinity, Infinity];
    // By turns, the least of each: other work on the machine, and code that is not compiled yet, do not count.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      ordinary = Math.min(ordinary, timeOf(attacked, others, line));
      elsewhere = Math.min(elsewhere, timeOf(attacked, chosen, line));
      here = Math.min(here, timeOf(known, chosen, line));
    }
    const slower = elsewhere / ordinary;
    const slowerHere = here / ordinary;
    console.log(
      `${what}: ${slower.toFixed(2)}, where the secret is known ${slowerHere.toFixed(1)}`,
    );
    expect(slower).toBeLessThan(SLOWER_MAX);
    // They do collide.
    expect(slowerHere).toBeGreaterThan(2 * slower);
  },
);

/**
 * Texts of 16 bytes that JavaScriptCore gives one hash, whatever stands in eight of them: it multiplies these by the others, from
 * which a constant is taken before, and so by 0 (rapidhash).
 */
const ENGINE_COLLIDING: readonly string[] = Array.from({ length: COUNT }, (_, i) => {
  const bytes = Buffer.from("934bb88b0000000000000000c9ac2e96", "hex");
  bytes.writeUInt32LE(i, 4);
  bytes.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, 8);
  return bytes.toString("latin1");
});
const ENGINE_OTHERS: readonly string[] = ENGINE_COLLIDING.map((text) => `x${text.slice(1)}`);

test("the texts do collide in a Map of the engine's", () => {
  const timeOfMap = (texts: readonly string[]): number => {
    // Texts of their own, whose hashes nobody has asked for.
    const fresh = texts.map((text) => Buffer.from(text, "latin1").toString("latin1"));
    const start = nanoseconds();
    const map = new Map<string, number>();
    for (const text of fresh) map.set(text, 1);
    return nanoseconds() - start;
  };
  timeOfMap(ENGINE_OTHERS);
  expect(timeOfMap(ENGINE_COLLIDING)).toBeGreaterThan(SLOWER_MAX * timeOfMap(ENGINE_OTHERS));
});

/** What makes the server keep many names, how many replies that has, and what ends it. */
const NAMED: Readonly<
  Record<string, (names: readonly string[]) => readonly [string[], number, string[]]>
> = {
  "watched keys": (names) => [["WATCH", ...names], 1, ["UNWATCH"]],
  "keys that a client waits for": (names) => [["BLPOP", ...names, "0.001"], 1, ["PING"]],
  channels: (names) => [["SUBSCRIBE", ...names], COUNT, ["RESET"]],
  "patterns of channels": (names) => [["PSUBSCRIBE", ...names], COUNT, ["RESET"]],
  "shard channels": (names) => [["SSUBSCRIBE", ...names], COUNT, ["RESET"]],
  "prefixes that a client tracks": (names) => [
    ["CLIENT", "TRACKING", "ON", "BCAST", ...names.flatMap((name) => ["PREFIX", name])],
    1,
    ["CLIENT", "TRACKING", "OFF"],
  ],
};

test.each(Object.entries(NAMED))(
  "%s with names that collide in the engine are as quick as others (S25)",
  async (_what, linesOf) => {
    // In verify mode the names of keys that a command may touch stand in such a table.
    const hutch = startInProcess({}, false);
    const client = await RespClient.connect(hutch.port);
    try {
      const timeOfNames = async (names: readonly string[]): Promise<number> => {
        const [line, replies, end] = linesOf(names);
        let least = Infinity;
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          const start = nanoseconds();
          client.write(encodeCommand(line));
          await client.readMany(replies);
          least = Math.min(least, nanoseconds() - start);
          await client.call(...end);
        }
        return least;
      };
      const ordinary = await timeOfNames(ENGINE_OTHERS);
      expect(await timeOfNames(ENGINE_COLLIDING)).toBeLessThan(SLOWER_MAX * ordinary);
    } finally {
      client.close();
      await hutch.stop();
    }
  },
  30_000,
);
