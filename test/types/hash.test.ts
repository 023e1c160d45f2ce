/** Hashes against a Map, in both encodings and while they change from one to the other; the memory is in verify mode. */
import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { Slice } from "../../src/base/slice.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { Store } from "../../src/keyspace/store.ts";
import { Hashes } from "../../src/types/hash.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from "../../src/types/kinds.ts";
import { Value } from "../../src/types/value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

/** A hash beside a Map that must agree with it. Bytes are one character each. */
class Model {
  readonly store: Store = new Store(new Clock(), new Random(1), true);
  readonly hashes: Hashes = new Hashes(this.store.kit);
  readonly value: Value = new Value();
  readonly fields = new Map<string, string>();
  readonly #out = new Slice();

  constructor(entriesMax: number) {
    this.store.kit.limits.hashMaxListpackEntries = entriesMax;
    this.hashes.create(this.value);
  }

  set(field: string, content: string): void {
    const name = Buffer.from(field, "latin1");
    const bytes = Buffer.from(content, "latin1");
    const isNew = this.hashes.set(this.value, name, 0, name.length, bytes, 0, bytes.length);
    expect(isNew).toBe(!this.fields.has(field));
    this.fields.set(field, content);
  }

  get(field: string): string | undefined {
    const name = Buffer.from(field, "latin1");
    const found = this.hashes.get(this.value, name, 0, name.length, this.#out);
    expect(this.hashes.has(this.value, name, 0, name.length)).toBe(found);
    return found ? this.#out.copy().toString("latin1") : undefined;
  }

  delete(field: string): void {
    const name = Buffer.from(field, "latin1");
    const deleted = this.hashes.remove(this.value, name, 0, name.length);
    expect(deleted).toBe(this.fields.delete(field));
  }

  contentOf(value: Value): Map<string, string> {
    const content = new Map<string, string>();
    this.hashes.forEach(value, (field, bytes) => {
      content.set(field.copy().toString("latin1"), bytes.copy().toString("latin1"));
    });
    return content;
  }

  check(): void {
    expect(this.hashes.length(this.value)).toBe(this.fields.size);
    expect(sorted(this.contentOf(this.value))).toEqual(sorted(this.fields));
    expect(this.hashes.memory(this.value, 0)).toBe(this.store.arena.usedBytes);
  }

  free(): void {
    if (!this.hashes.freeSmall(this.value)) while (this.hashes.freeSome(this.value, 10));
    expect(this.store.arena.blocks).toBe(0);
  }
}

function sorted(map: Map<string, string>): [string, string][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const LENGTHS = [0, 1, 2, 10, 63, 64, 65, 254, 255, 256, 1000, 1024, 1025, 3000, 70_000];

function text(random: Random): string {
  if (random.below(4) === 0) return String(random.below(100_000) - 50_000);
  const length = random.below(4) === 0 ? pick(random, LENGTHS) : random.below(40);
  return String.fromCharCode(random.below(256)).repeat(length);
}

describe.each([
  ["that stays a listpack", 1000, ENCODING_LISTPACK, 64],
  ["that is a hashtable from its first field", 0, ENCODING_HASHTABLE, 64],
  ["that turns into a hashtable when it has grown", 20, ENCODING_HASHTABLE, 64],
  ["that turns into a hashtable for a long value", 1000, ENCODING_HASHTABLE, 64],
])("a hash %s", (name, entriesMax, encoding) => {
  test("holds what a map holds after random changes", () => {
    const random = seeded(`hash ${name}`);
    for (let round = 0; round < 6 * rounds; round++) {
      const model = new Model(entriesMax);
      if (encoding === ENCODING_LISTPACK) model.store.kit.limits.hashMaxListpackValue = 100_000;
      if (name.endsWith("long value")) model.set("long", "x".repeat(65));
      const names = Array.from({ length: 60 }, () => text(random));
      for (let i = 0; i < 600; i++) {
        const field = pick(random, names);
        if (random.below(3) > 0) model.set(field, text(random));
        else model.delete(field);
        const asked = pick(random, names);
        expect(model.get(asked)).toBe(model.fields.get(asked));
        if (i % 50 === 0) model.check();
      }
      model.set("last", "one");
      for (let i = 0; i < 25; i++) model.set(`more ${i}`, "x");
      model.check();
      expect(model.value.encoding).toBe(encoding);
      model.free();
    }
  });

  test("has copies that do not change with it", () => {
    const random = seeded(`hash ${name}, copies`);
    const model = new Model(entriesMax);
    for (let i = 0; i < 150; i++) model.set(text(random), text(random));
    const copy = new Value();
    model.hashes.duplicate(model.value, copy);
    const before = sorted(model.fields);
    expect(copy.encoding).toBe(model.value.encoding);
    for (const field of [...model.fields.keys()]) model.set(field, "changed");
    expect(sorted(model.contentOf(copy))).toEqual(before);
    while (model.hashes.freeSome(copy, 7));
    model.check();
    model.free();
  });

  test("gives fields by chance, each of them, and different ones where asked", () => {
    const model = new Model(entriesMax);
    if (name.endsWith("long value")) model.set("long", "x".repeat(65));
    for (let i = 0; i < 40; i++) model.set(`field ${i}`, `${i}`);
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      model.hashes.random(model.value, (field) => seen.add(field.copy().toString("latin1")));
    }
    expect(seen).toEqual(new Set(model.fields.keys()));
    for (const count of [0, 1, 5, 12, 13, 14, 30, model.fields.size, 100]) {
      const drawn: string[] = [];
      for (let i = 0; i < 50; i++) {
        drawn.length = 0;
        model.hashes.randomDistinct(model.value, count, (field, content) => {
          const key = field.copy().toString("latin1");
          expect(content.copy().toString("latin1")).toBe(model.fields.get(key)!);
          drawn.push(key);
        });
        expect(drawn.length).toBe(Math.min(count, model.fields.size));
        expect(new Set(drawn).size).toBe(drawn.length);
      }
    }
    model.free();
  });
});

test("an iteration sees every field that stays, whatever happens to the others and to the encoding", () => {
  const random = seeded("hash iteration");
  for (let round = 0; round < 30 * rounds; round++) {
    const model = new Model(pick(random, [0, 30, 100]));
    const staying = Array.from({ length: 1 + random.below(60) }, (_, i) => `stays ${i}`);
    for (const field of staying) model.set(field, "x");
    const seen = new Set<string>();
    let cursor = 0;
    do {
      const from = cursor;
      const end = model.hashes.scanEnd(model.value, from, 1 + random.below(5));
      do {
        cursor = model.hashes.scan(model.value, cursor, (field) => {
          seen.add(field.copy().toString("latin1"));
        });
      } while (cursor !== end);
      const growing = random.below(2) === 0;
      for (let i = random.below(60); i > 0; i--) {
        if (growing) model.set(`goes ${random.below(400)}`, "y");
        else model.delete(`goes ${random.below(400)}`);
      }
    } while (cursor !== 0);
    expect(staying.filter((field) => !seen.has(field))).toEqual([]);
    model.free();
  }
});

test.each([101, 129, 4100, 6000])(
  "a hash of %d fields is freed in bounded steps and counts down meanwhile",
  (size) => {
    const model = new Model(0);
    for (let i = 0; i < size; i++) model.set(`field ${i}`, "z".repeat(i % 300));
    // 129 and 4100 fields are one step or a few beyond the beginning of a resize.
    expect(model.store.kit.dict.resizing(model.value.block)).toBe([129, 4100].includes(size));
    expect(model.hashes.freeSmall(model.value)).toBe(false);
    let before: number = size;
    let steps = 1;
    while (model.hashes.freeSome(model.value, 100)) {
      const left = model.hashes.length(model.value);
      expect(before - left).toBeLessThan(120);
      before = left;
      steps++;
    }
    expect(steps).toBeGreaterThan(size / 120);
    expect(steps).toBeLessThan(size / 25);
    expect(model.store.arena.blocks).toBe(0);
  },
);

test("a value that fits where the old one lay leaves the memory as it is", () => {
  const model = new Model(0);
  model.set("field", "x".repeat(20));
  const { blocks, usedBytes } = model.store.arena;
  model.set("field", "y".repeat(22));
  model.set("field", "z".repeat(15));
  expect([model.store.arena.blocks, model.store.arena.usedBytes]).toEqual([blocks, usedBytes]);
  expect(model.get("field")).toBe("z".repeat(15));
  expect(model.value.block).not.toBe(NULL_REF);
  model.free();
});

test("a field of 12 bytes with a value of 10 takes 32 bytes and its share of the table", () => {
  const model = new Model(0);
  for (let i = 0; i < 4096; i++) {
    model.set(`field:${String(i).padStart(6, "0")}`, "0123456789");
  }
  expect(model.hashes.memory(model.value, 0)).toBe(4096 * (32 + 4) + 32);
  const estimate = model.hashes.memory(model.value, 5);
  expect(estimate).toBe(model.hashes.memory(model.value, 0));
  model.free();
});
