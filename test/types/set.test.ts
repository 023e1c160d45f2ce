/** Sets below the commands: every encoding against a plain Set, walks, choices, algebra, copies, freeing. */
import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { Store } from "../../src/keyspace/store.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } from "../../src/types/kinds.ts";
import type { SetWalk } from "../../src/types/set-walk.ts";
import { Value } from "../../src/types/value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

const EDGES = [
  ...["", "0", "-0", "01", "-1", "32767", "32768", "2147483648", "-9223372036854775808"],
  ...["9223372036854775807", "9223372036854775808", "\x00\xff"],
];
const LENGTHS = [0, 1, 3, 4, 7, 8, 23, 24, 63, 64, 65, 253, 254, 255, 256, 1000, 200_000];

function newStore(): Store {
  return new Store(new Clock(), new Random(7), true);
}

/** A set beside a plain Set of one-byte characters that must agree with it. */
class Model {
  readonly store: Store;
  readonly value = new Value();
  readonly items = new Set<string>();

  constructor(store: Store) {
    this.store = store;
  }

  add(text: string, hint = 1): void {
    const bytes = framed(text);
    const { sets } = this.store;
    const { value, items } = this;
    const end = bytes.length - 1;
    if (value.block === NULL_REF) sets.create(value, bytes, 1, end, hint);
    expect(sets.add(value, bytes, 1, end)).toBe(!items.has(text));
    items.add(text);
  }

  remove(text: string): void {
    const bytes = framed(text);
    expect(this.store.sets.remove(this.value, bytes, 1, bytes.length - 1)).toBe(
      this.items.delete(text),
    );
  }

  has(text: string): boolean {
    const bytes = framed(text);
    return this.store.sets.has(this.value, bytes, 1, bytes.length - 1);
  }

  list(): string[] {
    return listOf(this.store, this.value);
  }

  check(): void {
    const list = this.list();
    expect(list.length).toBe(this.items.size);
    expect(this.store.sets.length(this.value)).toBe(this.items.size);
    expect(new Set(list)).toEqual(this.items);
  }

  free(): void {
    freeAll(this.store, this.value);
    this.value.set(0, NULL_REF);
    this.items.clear();
  }
}

function freeAll(store: Store, value: Value): void {
  if (store.sets.freeSmall(value)) return;
  while (store.sets.freeSome(value, 50));
}

/** The text with a byte on either side, which must not be looked at. */
function framed(text: string): Buffer {
  return Buffer.from(`<${text}>`, "latin1");
}

function textOf(walk: SetWalk): string {
  const { bytes, start, end } = walk.member;
  return bytes.toString("latin1", start, end);
}

function listOf(store: Store, value: Value): string[] {
  const list: string[] = [];
  const walk = store.sets.newWalk();
  walk.begin(value);
  while (walk.next()) list.push(textOf(walk));
  return list;
}

/** Members that make a set of the encoding, about `count` of them. */
const MEMBERS: readonly [string, number, (count: number) => string[]][] = [
  ["intset", ENCODING_INTSET, (count) => Array.from({ length: count }, (_, i) => `${i * 7 - 50}`)],
  [
    "listpack",
    ENCODING_LISTPACK,
    (count) => Array.from({ length: count }, (_, i) => (i % 2 === 0 ? `${i}` : `m${i}`)),
  ],
  [
    "dict",
    ENCODING_HASHTABLE,
    (count) => [...Array.from({ length: count - 1 }, (_, i) => `${i}`), "x".repeat(65)],
  ],
];

for (const [name, encoding, membersOf] of MEMBERS) {
  describe(`a set that is ${name === "intset" ? "an" : "a"} ${name}`, () => {
    function make(store: Store, count = 100): Model {
      const model = new Model(store);
      for (const text of membersOf(count)) model.add(text);
      expect(model.value.encoding).toBe(encoding);
      return model;
    }

    test("has its members and no others", () => {
      const model = make(newStore());
      model.check();
      for (const text of model.items) expect(model.has(text)).toBe(true);
      for (const text of [...EDGES, "m0", "999", "x", "x".repeat(64)]) {
        expect(model.has(text)).toBe(model.items.has(text));
      }
    });

    test("has an independent copy", () => {
      const store = newStore();
      const model = make(store);
      const copy = new Value();
      store.sets.duplicate(model.value, copy);
      expect(copy.encoding).toBe(encoding);
      model.remove([...model.items][3]!);
      model.add("12345");
      expect(new Set(listOf(store, copy))).toEqual(new Set(membersOf(100)));
      model.free();
      expect(listOf(store, copy).length).toBe(100);
      store.sets.freeSmall(copy);
      expect(store.arena.blocks).toBe(0);
    });

    test("yields each member by chance", () => {
      const store = newStore();
      const model = make(store, 20);
      const { walk } = store.sets;
      const seen = new Map<string, number>();
      for (let i = 0; i < 4000; i++) {
        walk.random(model.value);
        const text = textOf(walk);
        seen.set(text, (seen.get(text) ?? 0) + 1);
      }
      expect(new Set(seen.keys())).toEqual(model.items);
      for (const count of seen.values()) expect(count).toBeGreaterThan(40);
    });

    test("loses the members at which a walk stands", () => {
      const store = newStore();
      const model = make(store, 50);
      const { walk } = store.sets;
      while (model.items.size > 0) {
        walk.random(model.value);
        model.items.delete(textOf(walk));
        store.sets.removeAt(model.value, walk);
        model.check();
      }
      model.free();
      expect(store.arena.blocks).toBe(0);
    });

    test("weighs what its blocks take", () => {
      const store = newStore();
      const model = make(store);
      expect(store.sets.memory(model.value, 0)).toBe(store.arena.usedBytes);
    });

    test("meets sets of every encoding", () => {
      const store = newStore();
      const { setAlgebra: algebra } = store;
      for (const [, , othersOf] of MEMBERS) {
        const a = make(store, 60);
        const b = new Model(store);
        for (const text of othersOf(90)) b.add(text);
        const found = (begin: () => void, next: () => boolean): Set<string> => {
          const list: string[] = [];
          begin();
          while (next()) list.push(textOf(algebra.walk));
          expect(new Set(list).size).toBe(list.length);
          return new Set(list);
        };
        const open = (...models: Model[]): void => {
          algebra.clear();
          for (const model of models) algebra.push(model.value);
        };
        open(a, b, a);
        const common = () => algebra.nextCommon();
        expect(found(() => algebra.beginIntersection(), common)).toEqual(
          a.items.intersection(b.items),
        );
        open(a, b);
        const alone = () => algebra.nextAlone();
        expect(found(() => algebra.beginDifference(), alone)).toEqual(a.items.difference(b.items));
        for (const stored of [false, true]) {
          const rest = new Value();
          open(a, b);
          algebra.subtract(rest, stored);
          expect(new Set(listOf(store, rest))).toEqual(a.items.difference(b.items));
          freeAll(store, rest);
        }
        const union = new Value();
        open(a, b);
        algebra.createUnion(union);
        let added = 0;
        for (let i = 0; i < 2; i++) {
          algebra.beginSource(i);
          while (algebra.nextAdded(union)) added++;
        }
        expect(added).toBe(a.items.union(b.items).size);
        expect(new Set(listOf(store, union))).toEqual(a.items.union(b.items));
        for (const value of [union, a.value, b.value]) freeAll(store, value);
        expect(store.arena.blocks).toBe(0);
      }
    });
  });
}

test("a set turns to what can hold its members, and never back", () => {
  const store = newStore();
  const model = new Model(store);
  const encoding = (): number => model.value.encoding;
  for (let i = 0; i < 128; i++) model.add(`${i}`);
  expect(encoding()).toBe(ENCODING_INTSET);
  model.remove("127");
  model.add("word");
  expect(encoding()).toBe(ENCODING_LISTPACK);
  model.add("one too many");
  expect(encoding()).toBe(ENCODING_HASHTABLE);
  model.check();
  for (const text of model.items) if (text !== "1") model.remove(text);
  expect(encoding()).toBe(ENCODING_HASHTABLE);
  model.free();
  for (let i = 0; i < 512; i++) model.add(`${i}`);
  expect(encoding()).toBe(ENCODING_INTSET);
  model.add("1000");
  expect(encoding()).toBe(ENCODING_HASHTABLE);
  model.free();
  model.add("1");
  model.add("x".repeat(65));
  expect(encoding()).toBe(ENCODING_HASHTABLE);
  model.free();
  store.kit.limits.setMaxListpackValue = 3;
  model.add("1000");
  model.add("a");
  expect(encoding()).toBe(ENCODING_HASHTABLE);
  model.free();
  model.add("a");
  expect(encoding()).toBe(ENCODING_LISTPACK);
  model.add("abcd");
  expect(encoding()).toBe(ENCODING_HASHTABLE);
  model.free();
  expect(store.arena.blocks).toBe(0);
});

test("members of every length are kept in a dict", () => {
  const store = newStore();
  const model = new Model(store);
  for (let i = 0; i < 200; i++) model.add(`m${i}`);
  for (const length of LENGTHS) {
    model.add("a".repeat(length));
    if (length > 0) model.add(`${"a".repeat(length - 1)}b`);
  }
  model.check();
  for (const text of model.items) expect(model.has(text)).toBe(true);
  for (const length of LENGTHS) expect(model.has("c".repeat(length))).toBe(length === 0);
  for (const length of LENGTHS) model.remove("a".repeat(length));
  model.check();
  model.free();
  expect(store.arena.blocks).toBe(0);
});

test("a large set is freed in slices that count down", () => {
  const store = newStore();
  const model = new Model(store);
  for (let i = 0; i < 5000; i++) model.add(`member ${i}`);
  expect(store.sets.freeSmall(model.value)).toBe(false);
  expect(store.sets.length(model.value)).toBe(5000);
  let slices = 0;
  while (store.sets.freeSome(model.value, 100)) {
    slices++;
    expect(store.sets.length(model.value)).toBeGreaterThan(5000 - 130 * slices);
  }
  expect(slices).toBeGreaterThan(40);
  expect(store.arena.blocks).toBe(0);
});

test("a walk sees each member once while other blocks come and go", () => {
  const store = newStore();
  const model = new Model(store);
  for (let i = 0; i < 3000; i++) model.add(`member ${i}`);
  const copy = new Value();
  store.sets.createIntset(copy);
  const walk = store.sets.newWalk();
  walk.begin(model.value);
  while (walk.next()) expect(store.sets.addWalked(copy, walk)).toBe(true);
  expect(new Set(listOf(store, copy))).toEqual(model.items);
});

test("a walk sees each member once wherever a resize of the dict stands", () => {
  const store = newStore();
  const model = new Model(store);
  const isWhole = (): boolean => new Set(model.list()).size === model.items.size;
  const resizing = new Set<boolean>();
  const look = (): void => {
    expect(isWhole()).toBe(true);
    expect(model.list().length).toBe(model.items.size);
    if (model.value.encoding === ENCODING_HASHTABLE) {
      resizing.add(store.dict.resizing(model.value.block));
    }
  };
  for (let i = 0; i < 700; i++) {
    model.add(`member ${i}`);
    look();
  }
  for (let i = 0; i < 699; i++) {
    model.remove(`member ${i}`);
    look();
  }
  expect(resizing.size).toBe(2);
});

test("dicts have the same in common wherever a resize of one of them stands", () => {
  const store = newStore();
  const { setAlgebra: algebra } = store;
  const models = [new Model(store), new Model(store), new Model(store)];
  for (let i = 0; i < 200; i++) for (const model of models) model.add(`member ${i}`, 1000);
  const [growing, shrinking, rest] = models as [Model, Model, Model];
  const resizing = new Set<string>();
  for (let i = 0; i < 400; i++) {
    growing.add(`member ${200 + i}`);
    if (i < 195) shrinking.remove(`member ${i}`);
    else shrinking.add(`member ${100 + i}`);
    rest.add(`member ${150 + i * 2}`.padEnd(i));
    resizing.add(models.map(({ value }) => store.dict.resizing(value.block)).join());
    for (const some of [models, [growing, rest], [growing, shrinking, growing]]) {
      algebra.clear();
      for (const model of some) algebra.push(model.value);
      algebra.beginIntersection();
      const list: string[] = [];
      while (algebra.nextCommon()) list.push(textOf(algebra.walk));
      const expected = some.map(({ items }) => items).reduce((a, b) => a.intersection(b));
      expect(list.toSorted()).toEqual([...expected].toSorted());
    }
  }
  expect(resizing.size).toBeGreaterThan(3);
});

test("random changes agree with a plain set", () => {
  const random = seeded("sets");
  for (let round = 0; round < 12 * rounds; round++) {
    const store = newStore();
    store.kit.limits.setMaxIntsetEntries = pick(random, [0, 5, 512]);
    store.kit.limits.setMaxListpackEntries = pick(random, [0, 5, 128]);
    const model = new Model(store);
    const range = pick(random, [10, 100, 1000]);
    const words = random.below(3);
    for (let step = 0; step < 1500; step++) {
      let text = `${random.below(range)}`;
      if (random.below(50) < words) text = pick(random, EDGES);
      else if (random.below(10) < words) text = `word ${text}`;
      if (random.below(3) > 0 || model.value.block === NULL_REF) model.add(text);
      else model.remove(text);
      expect(model.has(text)).toBe(model.items.has(text));
      if (step % 100 === 0) model.check();
    }
    model.check();
    model.free();
    expect(store.arena.blocks).toBe(0);
  }
});
