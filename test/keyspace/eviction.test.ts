/** Which keys go when memory is full, and who is told. */
import { describe, expect, test } from "bun:test";
import { KEY_AWAITED, KEY_GONE, NO_KEY } from "../../src/keyspace/eviction.ts";
import { Candidates } from "../../src/keyspace/candidates.ts";
import { KeySampler } from "../../src/keyspace/key-sampler.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { startSnapshot } from "../../src/persistence/snapshot.ts";
import { loadBytes, MemorySink } from "../persistence/memory-file.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { show } from "../support/resp-value.ts";

const SECOND = 1000;

/** An engine whose time stands still. */
function frozenEngine(policy: string, more: Readonly<Record<string, string>> = {}): TestEngine {
  const server = new TestEngine({ "maxmemory-policy": policy, ...more });
  server.engine.clock.freeze(1_700_000_000_000);
  server.engine.beginTurn();
  return server;
}

function advance({ engine }: TestEngine, ms: number): void {
  engine.clock.advance(ms);
  engine.beginTurn();
}

function evict({ engine }: TestEngine, count: number): void {
  for (let i = 0; i < count; i++) expect(engine.keyspace.eviction.evict(false)).toBe(KEY_GONE);
}

/** Which of `keys` are still there. */
function left(server: TestEngine, keys: readonly string[]): string[] {
  return keys.filter((name) => show(server.run("EXISTS", name)) === ":1");
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}:${i}`);
}

describe("eviction", () => {
  test("without a policy that lets keys go none goes", () => {
    const server = frozenEngine("noeviction");
    server.run("SET", "k", "v");
    expect(server.engine.keyspace.eviction.evict(true)).toBe(NO_KEY);
  });

  test.each([["volatile-lru"], ["volatile-lfu"], ["volatile-random"], ["volatile-ttl"]])(
    "%s takes only keys with a time to live, of all databases, and all of them",
    (policy) => {
      for (const share of [1, 20]) {
        const server = frozenEngine(policy);
        const random = seeded("volatile keys");
        for (const index of ["0", "3"]) {
          server.run("SELECT", index);
          for (const name of names("stays", 200 * share)) server.run("SET", name, "v");
          for (const name of names("goes", 200)) {
            server.run("SET", name, "v", "PX", `${1 + random.below(1e9)}`);
          }
        }
        evict(server, 400);
        expect(server.engine.keyspace.eviction.evict(false)).toBe(NO_KEY);
        for (const index of ["0", "3"]) {
          server.run("SELECT", index);
          expect(show(server.run("DBSIZE"))).toBe(`:${200 * share}`);
          expect(left(server, names("goes", 200))).toEqual([]);
        }
      }
    },
  );

  test.each([["allkeys-lru"], ["allkeys-lfu"], ["allkeys-random"]])(
    "%s takes keys of all databases, whatever they hold",
    (policy) => {
      const server = frozenEngine(policy);
      for (const index of ["0", "7"]) {
        server.run("SELECT", index);
        for (const name of names("list", 100)) server.run("RPUSH", name, "a", "b");
        for (const name of names("string", 100)) server.run("SET", name, "v", "EX", "100");
      }
      evict(server, 400);
      expect(server.engine.keyspace.eviction.evict(false)).toBe(NO_KEY);
      expect(server.engine.keyspace.size).toBe(0);
      expect(server.engine.keyspace.eviction.evicted).toBe(400);
    },
  );

  test("volatile-ttl takes what expires next, or what expires soon", () => {
    const random = seeded("volatile-ttl");
    for (const spanMs of [
      1000,
      60 * SECOND,
      3600 * SECOND,
      86_400 * SECOND,
      86_400 * SECOND * 365,
    ]) {
      const server = frozenEngine("volatile-ttl");
      const dues = names("k", 1000).map((name) => ({ name, ms: 1 + random.below(spanMs) }));
      for (const { name, ms } of dues) server.run("SET", name, "v", "PX", `${ms}`);
      evict(server, 300);
      const sorted = dues.toSorted((a, b) => a.ms - b.ms).map(({ name }) => name);
      // By chance 210 would stay.
      expect(left(server, sorted.slice(0, 300)).length).toBeLessThan(100);
      expect(left(server, sorted.slice(600)).length).toBeGreaterThan(395);
    }
  });

  test("volatile-ttl takes keys that live equally long in the order of their coming", () => {
    for (const ttlMs of [1000, 3600 * SECOND, 86_400 * SECOND * 365]) {
      const server = frozenEngine("volatile-ttl");
      const all = names("k", 1000);
      for (const name of all) {
        advance(server, 1);
        server.run("SET", name, "v", "PX", `${ttlMs}`);
      }
      evict(server, 300);
      expect(left(server, all)).toEqual(all.slice(300));
    }
  });

  test("lru takes what was used longest ago", () => {
    const server = frozenEngine("allkeys-lru", { "maxmemory-samples": "10" });
    const old = names("old", 1000);
    const used = names("used", 1000);
    for (const name of [...old, ...used]) server.run("SET", name, "v");
    advance(server, 100 * SECOND);
    for (const name of used) server.run("GET", name);
    evict(server, 900);
    expect(left(server, used).length).toBeGreaterThan(980);
  });

  test("lru forgets a candidate that was used since", () => {
    const server = frozenEngine("allkeys-lru", { "maxmemory-samples": "64" });
    const all = names("k", 64);
    for (const name of all) server.run("SET", name, "v");
    advance(server, 100 * SECOND);
    server.run("SET", "new", "v");
    evict(server, 1);
    // Sixteen of them are candidates.
    const before = left(server, all);
    for (const name of before) server.run("GET", name);
    server.run("DEL", "new");
    advance(server, SECOND);
    server.run("SET", "fresh", "v");
    evict(server, 1);
    expect(left(server, ["fresh"])).toEqual(["fresh"]);
  });

  test("lfu takes what is used least", () => {
    const server = frozenEngine("allkeys-lfu", {
      "maxmemory-samples": "10",
      "lfu-log-factor": "0",
    });
    const rare = names("rare", 1000);
    const often = names("often", 1000);
    for (const name of [...rare, ...often]) server.run("SET", name, "v");
    for (let i = 0; i < 10; i++) for (const name of often) server.run("GET", name);
    evict(server, 900);
    expect(left(server, often).length).toBeGreaterThan(980);
  });

  test("a key whose time has come expires instead", () => {
    const server = frozenEngine("allkeys-lru");
    server.run("SET", "k", "v", "PX", "1");
    advance(server, SECOND);
    evict(server, 1);
    const { eviction, store } = server.engine.keyspace;
    expect([store.expired, eviction.evicted]).toEqual([1, 0]);
  });

  test("a policy that is changed begins anew", () => {
    const server = frozenEngine("allkeys-lru");
    for (const name of names("k", 100)) server.run("SET", name, "v");
    server.run("SET", "timed", "v", "EX", "100");
    evict(server, 10);
    server.run("CONFIG", "SET", "maxmemory-policy", "volatile-lfu");
    evict(server, left(server, ["timed"]).length);
    expect(server.engine.keyspace.eviction.evict(false)).toBe(NO_KEY);
  });

  test("gives all memory back", () => {
    const server = frozenEngine("allkeys-random");
    const blocks = server.blocksWhenEmpty();
    for (const name of names("k", 100)) {
      server.run("SET", name, "v".repeat(2000), "EX", "100");
      server.run("ZADD", `z${name}`, "1", "a");
    }
    evict(server, 200);
    // An empty database keeps what finds keys by their time.
    server.run("SET", "k", "v");
    expect(server.blocksWhenEmpty()).toBe(blocks);
  });
});

describe("eviction while a snapshot is made", () => {
  test("passes over large values that it has not written, and has them written", async () => {
    const server = frozenEngine("allkeys-lru");
    const members = Array.from({ length: 5000 }, (_, i) => `member:${i}`);
    server.run("SADD", "large", ...members);
    for (const name of names("k", 300)) server.run("SET", name, "v");
    const sink = new MemorySink();
    let error: string | null = "not yet";
    const snapshot = startSnapshot(server.engine, sink, (result) => (error = result));
    evict(server, 300);
    expect(left(server, ["large"])).toEqual(["large"]);
    const { eviction } = server.engine.keyspace;
    expect(eviction.evict(false)).toBe(KEY_AWAITED);
    expect(eviction.evict(false)).toBe(KEY_AWAITED);
    while (snapshot.step(1e9));
    expect(error).toBeNull();
    await Promise.resolve();
    evict(server, 1);
    const copy = frozenEngine("noeviction");
    loadBytes(copy, sink.bytes);
    expect(copy.engine.keyspace.size).toBe(301);
  });

  test("takes a large value at once where it is forced to", () => {
    const server = frozenEngine("volatile-ttl");
    server.run("SADD", "large", ...Array.from({ length: 5000 }, (_, i) => `member:${i}`));
    server.run("EXPIRE", "large", "1000");
    const sink = new MemorySink();
    const snapshot = startSnapshot(server.engine, sink, () => {});
    expect(server.engine.keyspace.eviction.evict(false)).toBe(KEY_AWAITED);
    expect(server.engine.keyspace.eviction.evict(true)).toBe(KEY_GONE);
    while (snapshot.step(1e9));
    const copy = frozenEngine("noeviction");
    loadBytes(copy, sink.bytes);
    expect(show(copy.run("SCARD", "large"))).toBe(":5000");
  });
});

describe("the sampler", () => {
  test.each([
    ["all keys", 1, false],
    ["keys with a time to live that are common", 0.5, true],
    ["keys with a time to live that are rare", 0.02, true],
  ] as const)("draws %s, each sooner or later", (_, share, volatile) => {
    const server = frozenEngine("allkeys-lru");
    const random = seeded("sampler");
    const { store, databases } = server.engine.keyspace;
    let wanted = 0;
    for (const name of names("k", 3000)) {
      const expires = random.fraction() < share;
      if (expires || !volatile) wanted++;
      const args = expires ? ["PX", `${1 + random.below(1e9)}`] : [];
      server.run("SET", name, "v", ...args);
    }
    const sampler = new KeySampler(store, store.random);
    const seen = new Map<Ref, number>();
    for (let i = 0; i < 40 * wanted; i++) {
      sampler.draw(databases[0]!, 5, volatile);
      expect(sampler.entries.length).toBeGreaterThan(0);
      for (const entry of sampler.entries) {
        if (volatile) expect(store.entries.expires(entry)).toBe(true);
        seen.set(entry, (seen.get(entry) ?? 0) + 1);
      }
    }
    expect(seen.size).toBe(wanted);
  });

  test("finds the few keys of a table that was made for many", () => {
    const server = frozenEngine("allkeys-random");
    const all = names("k", 5000);
    for (const name of all) server.run("SET", name, "v");
    server.engine.keyspace.store.dict.mayResize = false;
    for (const name of all.slice(3)) server.run("DEL", name);
    evict(server, 3);
    expect(server.engine.keyspace.size).toBe(0);
  });
});

describe("candidates", () => {
  test("are the best that were offered and still live, best first", () => {
    const random = seeded("candidates");
    for (let round = 0; round < 200 * rounds; round++) {
      const server = frozenEngine("allkeys-lru");
      const { store, databases } = server.engine.keyspace;
      const database = databases[0]!;
      const candidates = new Candidates(store.dict, databases);
      let model: { readonly entry: Ref; readonly name: string; readonly score: number }[] = [];
      const living = new Set<string>();
      for (let step = 0; step < 200; step++) {
        const action = random.below(10);
        if (action < 7) {
          const name = `k:${step}`;
          server.run("SET", name, "v");
          living.add(name);
          const entry = database.peek(Buffer.from(name), 0, name.length);
          // No two are equal: which of them comes first is open.
          const score = random.below(50) * 1000 + step;
          candidates.offer(database, entry, score);
          // One that is gone may have lain where this one does.
          model = model.filter((one) => one.entry !== entry);
          model.push({ entry, name, score });
          model = model.toSorted((a, b) => b.score - a.score).slice(0, 16);
        } else if (action < 9 && living.size > 0) {
          const name = pick(random, [...living]);
          server.run("DEL", name);
          living.delete(name);
        } else {
          while (model.length > 0 && !living.has(model[0]!.name)) model.shift();
          const best = model.shift();
          expect(candidates.take()).toBe(best?.entry ?? NULL_REF);
          if (best !== undefined) expect(candidates.score).toBe(best.score);
        }
      }
    }
  });
});
