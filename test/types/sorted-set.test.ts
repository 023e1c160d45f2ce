/** Sorted sets in both encodings beside a Map, in memory that is verified. */
import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { Slice } from "../../src/base/slice.ts";
import { Store } from "../../src/keyspace/store.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "../../src/types/kinds.ts";
import { SortedSetCursor } from "../../src/types/sorted-set-cursor.ts";
import { Value } from "../../src/types/value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

const SCORES = [0, 1, -1, 1.5, 0.1, 1e20, -1e-20, Infinity, -Infinity, 2 ** 53, 123456789.125, 7];

class Model {
  readonly store = new Store(new Clock(), new Random(1), true);
  readonly sets = this.store.sortedSets;
  readonly value = new Value();
  readonly scores = new Map<string, number>();
  readonly #member = new Slice();
  readonly #cursor = new SortedSetCursor();
  readonly #blocksBefore: number;

  constructor(entriesMax: number) {
    this.store.kit.limits.zsetMaxListpackEntries = entriesMax;
    this.#blocksBefore = this.store.arena.blocks;
    this.sets.create(this.value);
  }

  put(member: string, score: number): void {
    const bytes = Buffer.from(member, "latin1");
    this.sets.put(this.value, bytes, 0, bytes.length, score);
    this.scores.set(member, score);
  }

  remove(member: string): void {
    const bytes = Buffer.from(member, "latin1");
    const found = this.sets.find(this.value, bytes, 0, bytes.length);
    expect(found).toBe(this.scores.delete(member));
    if (found) this.sets.removeFound(this.value);
  }

  /** Members and scores in their order. */
  get sorted(): [string, number][] {
    return [...this.scores].toSorted(
      ([a, x], [b, y]) =>
        (x < y ? -1 : x > y ? 1 : 0) || Buffer.from(a, "latin1").compare(Buffer.from(b, "latin1")),
    );
  }

  read(value = this.value): [string, number][] {
    const members: [string, number][] = [];
    const { sets } = this;
    for (sets.seek(value, 0, this.#cursor); this.#cursor.valid; sets.next(this.#cursor)) {
      sets.readMember(this.#cursor, this.#member);
      members.push([this.#member.copy().toString("latin1"), sets.scoreAt(this.#cursor)]);
    }
    return members;
  }

  check(random: Random): void {
    const { sets, value, sorted } = this;
    expect(this.read()).toEqual(sorted);
    expect(sets.length(value)).toBe(sorted.length);
    const score = pick(random, SCORES);
    expect(sets.rankOfScore(value, score, false)).toBe(sorted.filter(([, s]) => s < score).length);
    expect(sets.rankOfScore(value, score, true)).toBe(sorted.filter(([, s]) => s <= score).length);
    if (sorted.length === 0) return;
    const rank = random.below(sorted.length);
    const [member, own] = sorted[rank]!;
    const bytes = Buffer.from(member, "latin1");
    expect(sets.find(value, bytes, 0, bytes.length)).toBe(true);
    expect(sets.score).toBe(own);
    expect(sets.rankFound(value)).toBe(rank);
    // Backwards from there.
    const back: string[] = [];
    for (sets.seek(value, rank, this.#cursor); this.#cursor.valid; sets.prev(this.#cursor)) {
      sets.readMember(this.#cursor, this.#member);
      back.push(this.#member.copy().toString("latin1"));
    }
    expect(back).toEqual(
      sorted
        .slice(0, rank + 1)
        .map(([name]) => name)
        .toReversed(),
    );
  }

  /** Frees the value as the keyspace does; nothing may stay. */
  free(value: Value): void {
    if (this.sets.freeSmall(value)) return;
    const length = this.sets.length(value);
    let steps = 1;
    while (this.sets.freeSome(value, 64)) steps++;
    // A step frees what it was told, and at most a leaf more.
    expect(steps).toBeGreaterThanOrEqual(Math.floor(length / 128));
  }

  end(): void {
    this.free(this.value);
    expect(this.store.arena.blocks).toBe(this.#blocksBefore);
  }
}

function randomMember(random: Random): string {
  switch (random.below(4)) {
    case 0:
      return `${random.below(200) - 100}`;
    case 1:
      return "\xff\x00".repeat(random.below(8));
    default:
      return `member:${random.below(150)}`;
  }
}

const ENCODINGS = [
  { name: "listpack", entriesMax: 1e6, encoding: ENCODING_LISTPACK },
  { name: "skiplist", entriesMax: 0, encoding: ENCODING_SKIPLIST },
] as const;

for (const { name, entriesMax, encoding } of ENCODINGS) {
  describe(`a sorted set as ${name}`, () => {
    test("agrees with a Map through every kind of change", () => {
      const random = seeded("sorted set");
      for (let round = 0; round < 3 * rounds; round++) {
        const model = new Model(entriesMax);
        for (let step = 0; step < 1200; step++) {
          const member = randomMember(random);
          if (random.below(3) > 0) model.put(member, pick(random, SCORES));
          else model.remove(member);
          if (step % 300 === 299) {
            const { length } = model.sorted;
            const from = random.below(length);
            const count = random.below(length - from + 1);
            for (const [gone] of model.sorted.slice(from, from + count)) model.scores.delete(gone);
            model.sets.removeRange(model.value, from, count);
          }
          if (step % 20 === 0) model.check(random);
          if (model.scores.size > 0) expect(model.value.encoding).toBe(encoding);
        }
        model.check(random);
        model.end();
      }
    });

    test("is copied whole, and the copy lives on its own", () => {
      const random = seeded("sorted set");
      const model = new Model(entriesMax);
      for (let i = 0; i < 500; i++) model.put(`m${i}`, pick(random, SCORES));
      const copy = new Value();
      model.sets.duplicate(model.value, copy);
      expect(copy.encoding).toBe(encoding);
      const before = model.sorted;
      for (let i = 0; i < 250; i++) model.remove(`m${i}`);
      expect(model.read(copy)).toEqual(before);
      expect(model.read()).toEqual(model.sorted);
      model.free(copy);
      model.end();
    });

    test("finds members by their bytes where scores are the same", () => {
      const random = seeded("sorted set");
      const model = new Model(entriesMax);
      for (let i = 0; i < 300; i++) model.put(randomMember(random), 5);
      for (let i = 0; i < 200; i++) {
        const wanted = Buffer.from(randomMember(random), "latin1");
        const below = (inclusive: boolean): number =>
          model.sorted.filter(([member]) => {
            const order = Buffer.from(member, "latin1").compare(wanted);
            return inclusive ? order <= 0 : order < 0;
          }).length;
        for (const inclusive of [false, true]) {
          const { length } = wanted;
          expect(model.sets.rankOfMember(model.value, wanted, 0, length, inclusive)).toBe(
            below(inclusive),
          );
        }
      }
      model.end();
    });

    test("weighs about what it takes", () => {
      const model = new Model(entriesMax);
      const before = model.store.arena.usedBytes;
      for (let i = 0; i < 2000; i++) model.put(`m${(i * 7919) % 2000}`, (i * 31) % 1000);
      const taken = model.store.arena.usedBytes - before;
      for (const samples of [0, 5]) {
        const weighed = model.sets.memory(model.value, samples);
        expect(Math.abs(weighed - taken) / taken).toBeLessThan(0.1);
      }
      model.end();
    });
  });
}

describe("a sorted set that outgrows a listpack", () => {
  test("keeps members and scores, with one member too many", () => {
    const model = new Model(100);
    for (let i = 0; i < 100; i++) model.put(`${i}`, SCORES[i % SCORES.length]!);
    expect(model.value.encoding).toBe(ENCODING_LISTPACK);
    model.put("50", 3);
    expect(model.value.encoding).toBe(ENCODING_LISTPACK);
    model.put("more", 3);
    expect(model.value.encoding).toBe(ENCODING_SKIPLIST);
    expect(model.read()).toEqual(model.sorted);
    model.end();
  });

  test("keeps members and scores, with a member too long", () => {
    const model = new Model(100);
    for (let i = 0; i < 50; i++) model.put(`${i}`, SCORES[i % SCORES.length]!);
    model.put("x".repeat(64), 1);
    expect(model.value.encoding).toBe(ENCODING_LISTPACK);
    model.put("y".repeat(65), 1);
    expect(model.value.encoding).toBe(ENCODING_SKIPLIST);
    expect(model.read()).toEqual(model.sorted);
    model.end();
  });
});

test("a big sorted set of 16-byte members takes at most 72 bytes a member", () => {
  const random = seeded("sorted set");
  const model = new Model(0);
  const before = model.store.arena.usedBytes;
  const count = 20_000;
  const bytes = Buffer.alloc(16);
  for (let i = 0; i < count; i++) {
    bytes.write(`member:${`${i}`.padStart(9, "0")}`);
    model.sets.find(model.value, bytes, 0, 16);
    model.sets.insert(model.value, bytes, 0, 16, random.below(1e9));
  }
  expect((model.store.arena.usedBytes - before) / count).toBeLessThan(72);
  model.end();
});

test("an integer that was read from a packed set goes into another one as it is, also where that unpacks for it", () => {
  const store = new Store(new Clock(), new Random(1), true);
  const { sortedSets: sets, kit } = store;
  const source = new Value();
  sets.create(source);
  for (let i = 0; i < 20; i++) {
    const bytes = Buffer.from(String(i));
    sets.put(source, bytes, 0, bytes.length, 5);
  }
  kit.limits.zsetMaxListpackEntries = 12;
  const target = new Value();
  sets.create(target);
  const cursor = new SortedSetCursor();
  const member = new Slice();
  const wanted: string[] = [];
  for (sets.seek(source, 0, cursor); cursor.valid; sets.next(cursor)) {
    sets.readMember(cursor, member);
    wanted.push(member.bytes.toString("latin1", member.start, member.end));
    sets.put(target, member.bytes, member.start, member.end, 5);
  }
  expect(target.encoding).toBe(ENCODING_SKIPLIST);
  const found: string[] = [];
  for (sets.seek(target, 0, cursor); cursor.valid; sets.next(cursor)) {
    sets.readMember(cursor, member);
    found.push(member.bytes.toString("latin1", member.start, member.end));
  }
  expect(found).toEqual(wanted);
  expect(wanted.length).toBe(20);
});
