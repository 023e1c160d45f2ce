import { describe, expect, test } from "bun:test";
import { Random } from "../../src/base/random.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena, NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../../src/memory/arena.ts";
import { Dict } from "../../src/structures/dict.ts";
import { rounds, seeded } from "../support/seed.ts";

const ENTRY_SIZE = 16;
const KEY = 2;

/** A dict of integer keys beside a Map that must agree with it. */
class Model {
  readonly arena: Arena;
  readonly dict: Dict;
  readonly ref: Ref;
  readonly entries = new Map<number, Ref>();
  readonly hashOf: (key: number) => number;

  constructor(hashOf: (key: number) => number, arena = new Arena(true)) {
    this.arena = arena;
    this.dict = new Dict(arena);
    this.ref = this.dict.create();
    this.hashOf = hashOf;
  }

  key(entry: Ref): number {
    return this.arena.words[entry >>> SEGMENT_SHIFT]![((entry & SEGMENT_MASK) << 2) + KEY]!;
  }

  #allocate(key: number): Ref {
    const entry = this.arena.allocate(ENTRY_SIZE);
    this.arena.words[entry >>> SEGMENT_SHIFT]![((entry & SEGMENT_MASK) << 2) + KEY] = key;
    return entry;
  }

  find(key: number): Ref {
    const hash = this.hashOf(key);
    let entry = this.dict.first(this.ref, hash);
    while (entry !== NULL_REF && this.key(entry) !== key) entry = this.dict.next(entry, hash);
    return entry;
  }

  insert(key: number): void {
    const entry = this.#allocate(key);
    this.dict.insert(this.ref, entry, this.hashOf(key));
    this.entries.set(key, entry);
  }

  remove(key: number): void {
    const entry = this.entries.get(key)!;
    this.dict.remove(this.ref, entry);
    this.arena.free(entry);
    this.entries.delete(key);
  }

  replace(key: number): void {
    const entry = this.entries.get(key)!;
    const fresh = this.#allocate(key);
    this.dict.replace(this.ref, entry, fresh);
    this.arena.free(entry);
    this.entries.set(key, fresh);
  }

  /** All keys, by one whole scan. */
  keys(): number[] {
    const keys: number[] = [];
    let cursor = 0;
    do cursor = this.dict.walk.scan(this.ref, cursor, (entry) => keys.push(this.key(entry)));
    while (cursor !== 0);
    return keys;
  }

  check(): void {
    expect(this.dict.count(this.ref)).toBe(this.entries.size);
    for (const [key, entry] of this.entries) {
      if (this.find(key) !== entry) throw new Error(`key ${key} is not found`);
      if (this.dict.hashOf(entry) !== this.hashOf(key)) throw new Error(`hash of ${key} changed`);
    }
    const keys = this.keys();
    expect(new Set(keys).size).toBe(this.entries.size);
  }

  /** Ends the resizes that are under way or due. */
  settle(): void {
    while (this.dict.step(this.ref, 1000));
  }
}

/** A hash of good quality, as the keyspace's is. */
function mix(key: number): number {
  let h = Math.imul(key ^ (key >>> 16), 0x45d9f3b);
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b);
  return h ^ (h >>> 16);
}

describe("a dict", () => {
  for (const [kind, hashOf] of [
    ["a good hash", mix],
    ["a hash of 16 values", (key: number) => mix(key & 15)],
    ["a hash that differs in its top bits only", (key: number) => key << 24],
  ] as const) {
    test(`agrees with a Map under random use, with ${kind}`, () => {
      const random = seeded("dict");
      const model = new Model(hashOf);
      const top = kind === "a good hash" ? 3000 : 200;
      for (let round = 0; round < 40 * rounds; round++) {
        // Grows, shrinks and stays by turns, so that resizes of both directions are met in every state.
        const goal = random.below(top);
        for (let i = 0; i < top / 2; i++) {
          const key = random.below(top * 2);
          const known = model.entries.has(key);
          expect(model.find(key)).toBe(model.entries.get(key) ?? NULL_REF);
          if (known && random.below(3) === 0) model.replace(key);
          else if (known && model.entries.size > goal) model.remove(key);
          else if (!known && model.entries.size <= goal) model.insert(key);
          if (random.below(50) === 0) model.dict.step(model.ref, random.below(40));
        }
        model.check();
      }
      for (const key of [...model.entries.keys()]) model.remove(key);
      model.check();
      model.dict.destroy(model.ref);
      expect(model.arena.usedBytes).toBe(0);
    });
  }

  test("keeps several dicts of one arena apart", () => {
    const random = seeded("dicts");
    const arena = new Arena(true);
    const models = Array.from({ length: 4 }, () => new Model(mix, arena));
    // All work through one Dict, as the databases of a server do.
    const [first] = models;
    for (const model of models) Object.assign(model, { dict: first!.dict });
    for (let i = 0; i < 20_000; i++) {
      const model = models[random.below(models.length)]!;
      const key = random.below(2000);
      expect(model.find(key)).toBe(model.entries.get(key) ?? NULL_REF);
      if (!model.entries.has(key)) model.insert(key);
      else if (random.below(3) > 0) model.remove(key);
    }
    for (const model of models) model.check();
  });

  test("holds about one entry a bucket, and 1/8 at least once it is settled", () => {
    const model = new Model(mix);
    for (let key = 0; key < 20_000; key++) {
      model.insert(key);
      expect(model.entries.size).toBeLessThanOrEqual(model.dict.buckets(model.ref) + 1);
    }
    model.settle();
    expect(model.dict.buckets(model.ref)).toBe(32_768);
    for (let key = 0; key < 19_900; key++) model.remove(key);
    model.settle();
    expect(model.dict.buckets(model.ref)).toBeLessThanOrEqual(100 * 8);
    model.check();
  });

  test("shrinks to its smallest when it was emptied and housekeeping ran, without being touched again", () => {
    const model = new Model(mix);
    for (let key = 0; key < 50_000; key++) model.insert(key);
    model.settle();
    for (let key = 0; key < 50_000; key++) model.remove(key);
    model.settle();
    expect(model.dict.buckets(model.ref)).toBe(4);
  });

  test("moves a bounded number of buckets with each insertion and removal, and none with a lookup", () => {
    const arena = new Arena();
    const model = new Model(mix, arena);
    const { dict, ref } = model;
    // The rest of a resize, counted by moving it one bucket at a time in a twin is costly; instead each operation must leave
    // at least the buckets that were left before it, less its share.
    const left = (): number => {
      let steps = 0;
      while (dict.step(ref, 1)) steps++;
      return steps;
    };
    for (let key = 0; key < 4096; key++) model.insert(key);
    left();
    model.insert(4096);
    expect(dict.resizing(ref)).toBe(true);
    for (let i = 0; i < 100; i++) model.find(i);
    for (let i = 0; i < 50; i++) model.remove(i);
    for (let i = 0; i < 50; i++) model.insert(i);
    // 100 operations of 4 buckets each, of 4096.
    expect(left()).toBe(4096 - 400 - 1);
    expect(dict.resizing(ref)).toBe(false);
  });

  test("gives runs of neighbours that are in it, also while it is resizing", () => {
    const random = seeded("dict runs");
    const model = new Model(mix);
    const random32 = (): number => random.int32();
    for (let key = 0; key < 5000; key++) {
      model.insert(key);
      if (key > 2000 && key % 3 > 0) model.remove(key - 1000);
      const run: Ref[] = [];
      model.dict.walk.sampleRun(model.ref, random32, 5, run);
      expect(run.every((entry) => model.entries.get(model.key(entry)) === entry)).toBe(true);
      expect(new Set(run).size).toBe(run.length);
    }
    const seen = new Set<Ref>();
    for (let i = 0; i < 40_000; i++) {
      const run: Ref[] = [];
      model.dict.walk.sampleRun(model.ref, random32, 5, run);
      for (const entry of run) seen.add(entry);
    }
    expect(seen.size).toBe(model.entries.size);
  });

  test("holds up to four entries a bucket where there is no memory for a larger table", () => {
    const model = new Model(mix);
    const asked: number[] = [];
    model.dict.mayTake = (size) => {
      asked.push(size);
      return false;
    };
    for (let key = 0; key < 16; key++) model.insert(key);
    expect(model.dict.buckets(model.ref)).toBe(4);
    expect(asked[0]).toBe(32);
    model.insert(16);
    model.settle();
    expect(model.dict.buckets(model.ref)).toBe(8);
    model.dict.mayTake = null;
    for (let key = 17; key < 1000; key++) model.insert(key);
    model.settle();
    expect(model.dict.buckets(model.ref)).toBe(1024);
    model.check();
  });

  test("stays as large as it was made until something is taken out of it", () => {
    const arena = new Arena(true);
    const dict = new Dict(arena);
    const ref = dict.create(1000);
    const buckets = dict.buckets(ref);
    for (let hash = 0; hash < 20; hash++) {
      dict.insert(ref, arena.allocate(ENTRY_SIZE), hash);
      expect(dict.resizing(ref)).toBe(false);
    }
    expect(dict.buckets(ref)).toBe(buckets);
    dict.remove(ref, dict.first(ref, 0));
    expect(dict.resizing(ref)).toBe(true);
  });

  test("ends a resize by itself before the next one is due", () => {
    const model = new Model(mix);
    for (let key = 0; key < 100_000; key++) {
      model.insert(key);
      const { size } = model.entries;
      // Between a quarter above a power of two and the next one nothing moves.
      const power = 2 ** Math.floor(Math.log2(size));
      if (size > power * 1.26 && size < power * 2)
        expect(model.dict.resizing(model.ref)).toBe(false);
    }
  });

  test("a scan visits what stays from its first call to its last, whatever changes between calls", () => {
    const random = seeded("dict scan");
    for (let round = 0; round < 40 * rounds; round++) {
      const model = new Model(mix, new Arena());
      const top = 20 + random.below(2000);
      for (let key = 0; key < top; key++) if (random.below(2) === 0) model.insert(key);
      const lasting = new Set([...model.entries.keys()].filter(() => random.below(2) === 0));
      const seen = new Set<number>();
      let next = top;
      let cursor = 0;
      let calls = 0;
      // What happens between the calls: growth, shrinking, both by turns, or a little of each.
      const mood = random.below(4);
      do {
        cursor = model.dict.walk.scan(model.ref, cursor, (entry) => seen.add(model.key(entry)));
        const grow = mood === 0 || (mood === 2 && calls % 40 < 20);
        for (let i = random.below(mood === 3 ? 3 : 60); i > 0; i--) {
          if (grow && model.entries.size < 5000) model.insert(next++);
          else {
            const key = random.below(next);
            if (model.entries.has(key) && !lasting.has(key)) model.remove(key);
          }
        }
        if (random.below(4) === 0) model.dict.step(model.ref, random.below(200));
        if (random.below(20) === 0) model.settle();
        if (++calls > 100_000) throw new Error("the scan does not end");
      } while (cursor !== 0);
      for (const key of lasting) if (!seen.has(key)) throw new Error(`key ${key} was missed`);
    }
  });

  test("a scan of a dict that does not change visits every entry once", () => {
    for (const count of [0, 1, 4, 5, 100, 1000]) {
      const model = new Model(mix);
      for (let key = 0; key < count; key++) model.insert(key);
      expect(model.keys().sort((a, b) => a - b)).toEqual([...model.entries.keys()]);
      model.settle();
      expect(model.keys().sort((a, b) => a - b)).toEqual([...model.entries.keys()]);
    }
  });

  test("a scan ends from any cursor, the invented ones too", () => {
    const model = new Model(mix);
    for (let key = 0; key < 300; key++) model.insert(key);
    for (const start of [
      1,
      7,
      255,
      511,
      512,
      1023,
      4096,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 40,
    ]) {
      let cursor = start;
      let calls = 0;
      do cursor = model.dict.walk.scan(model.ref, cursor, () => {});
      while (cursor !== 0 && ++calls < 2000);
      expect(cursor).toBe(0);
    }
  });

  test("samples every entry about as often, in a table that rests and in one that moves", () => {
    const random = new Random(4711);
    for (const count of [40, 100, 130]) {
      const model = new Model(mix);
      for (let key = 0; key < count; key++) model.insert(key);
      const hits = new Map<number, number>();
      const draws = count * 400;
      for (let i = 0; i < draws; i++) {
        const entry = model.dict.walk.sample(model.ref, () => random.int32());
        hits.set(model.key(entry), (hits.get(model.key(entry)) ?? 0) + 1);
      }
      // An entry that shares its bucket with k others is drawn 1/(k + 1) as often; none may starve.
      expect(hits.size).toBe(count);
      expect(Math.min(...hits.values())).toBeGreaterThan(50);
      expect(Math.max(...hits.values())).toBeLessThan(1600);
    }
  });

  test("samples nothing from an empty dict and the one entry there is from others", () => {
    const random = new Random(1);
    const model = new Model(mix);
    expect(model.dict.walk.sample(model.ref, () => random.int32())).toBe(NULL_REF);
    model.insert(5);
    expect(model.key(model.dict.walk.sample(model.ref, () => random.int32()))).toBe(5);
  });

  test("sampling is quick in a dict that was just emptied", () => {
    const random = new Random(1);
    const model = new Model(mix, new Arena());
    for (let key = 0; key < 100_000; key++) model.insert(key);
    for (let key = 1; key < 100_000; key++) model.remove(key);
    let draws = 0;
    for (let i = 0; i < 10; i++) {
      model.dict.walk.sample(model.ref, () => {
        draws++;
        return random.int32();
      });
      model.dict.step(model.ref, 256);
    }
    // The table is up to twice as large as the last resize began with; housekeeping makes it small.
    model.settle();
    draws = 0;
    for (let i = 0; i < 100; i++)
      model.dict.walk.sample(model.ref, () => (draws++, random.int32()));
    expect(draws).toBeLessThan(100 * 20);
  });
});

describe("a dict as a whole", () => {
  // At rest, just beyond the beginning of a resize in either direction, and empty.
  const shapes: readonly (readonly [size: number, removed: number])[] = [
    [0, 0],
    [1, 1],
    [3000, 0],
    [4100, 0],
    [5000, 4600],
    [200, 199],
  ];

  function build(size: number, removed: number): Model {
    const model = new Model(mix);
    for (let key = 0; key < size; key++) model.insert(key);
    for (let key = 0; key < removed; key++) model.remove(key);
    return model;
  }

  test("is gone through without a cursor", () => {
    for (const [size, removed] of shapes) {
      const model = build(size, removed);
      const seen: number[] = [];
      model.dict.walk.each(model.ref, (entry) => seen.push(model.key(entry)));
      expect(seen.toSorted((a, b) => a - b)).toEqual(
        [...model.entries.keys()].toSorted((a, b) => a - b),
      );
    }
  });

  test("is emptied in steps, each entry released once, the count going down", () => {
    for (const [size, removed] of shapes) {
      const model = build(size, removed);
      const released: number[] = [];
      const release = (entry: Ref): void => {
        released.push(model.key(entry));
        model.arena.free(entry);
      };
      let more = true;
      while (more) {
        const before = released.length;
        more = model.dict.walk.drain(model.ref, 50, release);
        // A chain is released as a whole, so the last one may go beyond the limit.
        expect(released.length - before).toBeLessThan(70);
        expect(model.dict.count(model.ref)).toBe(size - removed - released.length);
      }
      expect(released.toSorted((a, b) => a - b)).toEqual(
        [...model.entries.keys()].toSorted((a, b) => a - b),
      );
      model.dict.destroy(model.ref);
      expect(model.arena.blocks).toBe(0);
    }
  });
});
