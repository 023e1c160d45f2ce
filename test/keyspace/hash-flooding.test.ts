/**
 * Keys, fields and members that were chosen to have like hashes (S25): they do only for who knows the server's secret. Where it is
 * known, in this test, they cost many times as much.
 */
import { expect, test } from "bun:test";
import type { HashSeed } from "../../src/base/hash.ts";
import { hashBytes, HASH_WORDS } from "../../src/base/hash.ts";
import { nanoseconds } from "../../src/base/clock.ts";
import { TestEngine } from "../support/test-engine.ts";

const COUNT = 4000;
/** Bits in which the hashes are alike. */
const BITS = 12;
const SLOWER_MAX = 5;
const ATTEMPTS = 2;

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

/** Nanoseconds that a server takes for these texts, the least of a few attempts. */
function timeOf(
  server: TestEngine,
  texts: readonly string[],
  line: (text: string) => string[],
): number {
  let least = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    server.run("FLUSHALL");
    const start = nanoseconds();
    for (const text of texts) server.run(...line(text));
    least = Math.min(least, nanoseconds() - start);
  }
  return least;
}

const known = new TestEngine({}, 1);
const attacked = new TestEngine({}, 2);
const chosen = colliding(known.engine.keyspace.store.seed);
const others = chosen.map((_, i) => i.toString(36).padStart(8, "x"));

test.each(Object.entries(WAYS))(
  "%s that collide elsewhere are as quick as others (S25)",
  (what, line) => {
    const ordinary = timeOf(attacked, others, line);
    const slower = timeOf(attacked, chosen, line) / ordinary;
    const slowerHere = timeOf(known, chosen, line) / ordinary;
    console.log(
      `${what}: ${slower.toFixed(2)}, where the secret is known ${slowerHere.toFixed(1)}`,
    );
    expect(slower).toBeLessThan(SLOWER_MAX);
    // They do collide.
    expect(slowerHere).toBeGreaterThan(2 * slower);
  },
);
