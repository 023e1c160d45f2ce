/**
 * How good the choice of eviction is (L6): a cache is asked for keys by several patterns, a key that is missing is set, and the
 * share of hits is compared with that of the policy's exact form, which knows all keys, at the same number of keys.
 */
import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { rounds, seeded } from "../support/seed.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";

/** Keys that are asked for. */
const KEYS = 20_000;
/** Bytes for about an eighth of them, entries of 128 bytes and a table. */
const LIMIT: number = 2500 * 128 + 16_384;
const REQUESTS: number = 120_000 * Math.min(rounds, 5);
/**
 * Requests a second. The clock of uses counts seconds: few enough that the keys of the cache are not all used within one. Counters of
 * uses lose one a minute: so many that this does not level them.
 */
const LRU_RATE = 40;
const LFU_RATE = 400;
/** A share of the requests during which the caches fill. */
const WARM_UP = 0.2;
/** Share of the exact policy's hits that are wanted. */
const WANTED = 0.9;

const VALUE = "v".repeat(90);

/** The number of the key that is asked for next. @param at share of all requests so far */
type Pattern = (at: number) => number;

/** Keys by rank, the n-th asked for in proportion to n^-exponent. */
function zipf(random: Random, exponent: number): Pattern {
  const sums = new Float64Array(KEYS);
  let sum = 0;
  for (let i = 0; i < KEYS; i++) sums[i] = sum += (i + 1) ** -exponent;
  return () => {
    const wanted = random.fraction() * sum;
    let low = 0;
    let high = KEYS - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const PATTERNS: readonly (readonly [string, (random: Random) => Pattern])[] = [
  ["a steep distribution", (random) => zipf(random, 1)],
  ["a flat distribution", (random) => zipf(random, 0.7)],
  [
    "a part of the keys that moves on",
    (random) => (at) => {
      const isHot = random.below(10) < 8;
      return isHot
        ? (Math.floor(at * KEYS * 0.6) + random.below(KEYS / 16)) % KEYS
        : random.below(KEYS);
    },
  ],
];

/** A cache with an exact policy. */
interface Exact {
  /** Whether the key is there; puts it in if it is not, for another. */
  ask(key: number): boolean;
}

class ExactLru implements Exact {
  readonly #keys = new Set<number>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  ask(key: number): boolean {
    const isHit = this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size > this.#size) this.#keys.delete(this.#keys.values().next().value!);
    return isHit;
  }
}

/** Keeps those that were asked for most often since they came; what is gone is forgotten. */
class ExactLfu implements Exact {
  readonly #keys = new Set<number>();
  readonly #uses = new Uint32Array(KEYS);
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  ask(key: number): boolean {
    this.#uses[key]!++;
    if (this.#keys.has(key)) return true;
    if (this.#keys.size >= this.#size) {
      let least = -1;
      for (const one of this.#keys) {
        if (least === -1 || this.#uses[one]! < this.#uses[least]!) least = one;
      }
      this.#keys.delete(least);
      this.#uses[least] = 0;
    }
    this.#keys.add(key);
    return false;
  }
}

/** Shares of hits behind the warm-up: the server's, and those of an exact policy with as many keys. */
function compare(
  policy: string,
  rate: number,
  random: Random,
  patternOf: (random: Random) => Pattern,
  exactOf: (size: number) => Exact,
): { readonly ours: number; readonly exact: number } {
  const server = new TestEngine({ "maxmemory-policy": policy, maxmemory: `${LIMIT}` });
  const { clock } = server.engine;
  clock.freeze(1_700_000_000_000);
  server.engine.beginTurn();
  const pattern = patternOf(random);
  const asked: number[] = [];
  const warm = Math.floor(REQUESTS * WARM_UP);
  const expires = policy.startsWith("volatile");
  let hits = 0;
  let keys = 0;
  for (let i = 0; i < REQUESTS; i++) {
    const key = pattern(i / REQUESTS);
    asked.push(key);
    if (i % rate === 0) {
      clock.advance(1000);
      server.engine.beginTurn();
    }
    if (i >= warm) keys += server.engine.keyspace.size;
    if (server.run("GET", `key:${key}`).type === "bulk") {
      if (i >= warm) hits++;
      continue;
    }
    const set = ["SET", `key:${key}`, VALUE, ...(expires ? ["EX", "1000000"] : [])];
    expect(show(server.run(...set))).toBe("+OK");
  }
  const exact = exactOf(Math.round(keys / (REQUESTS - warm)));
  let exactHits = 0;
  asked.forEach((key, i) => {
    if (exact.ask(key) && i >= warm) exactHits++;
  });
  return { ours: hits / (REQUESTS - warm), exact: exactHits / (REQUESTS - warm) };
}

describe.each(PATTERNS)("with %s", (name, pattern) => {
  test.each([["allkeys-lru"], ["volatile-lru"]])(
    "%s has at least nine tenths of the hits of the exact policy (L6)",
    (policy) => {
      const random = seeded(`${policy}, ${name}`);
      const { ours, exact } = compare(
        policy,
        LRU_RATE,
        random,
        pattern,
        (size) => new ExactLru(size),
      );
      console.log(`${policy}, ${name}: ${ours.toFixed(3)} of ${exact.toFixed(3)}`);
      expect(ours / exact).toBeGreaterThan(WANTED);
    },
  );
});

describe.each(PATTERNS.slice(0, 2))("with %s", (name, pattern) => {
  test("allkeys-lfu has at least nine tenths of the hits of the exact policy (L6)", () => {
    const random = seeded(`allkeys-lfu, ${name}`);
    const { ours, exact } = compare(
      "allkeys-lfu",
      LFU_RATE,
      random,
      pattern,
      (size) => new ExactLfu(size),
    );
    console.log(`allkeys-lfu, ${name}: ${ours.toFixed(3)} of ${exact.toFixed(3)}`);
    expect(ours / exact).toBeGreaterThan(WANTED);
  });
});
