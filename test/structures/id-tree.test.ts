/** The tree of ids against a sorted array, in verify mode. */
import { expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import { IdCursor, IdTree } from "../../src/structures/id-tree.ts";
import { parseUint64, StreamId } from "../../src/structures/stream-id.ts";
import { int64 } from "../../src/base/numbers.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

function idOf(value: bigint): StreamId {
  const id = new StreamId();
  const word = (shift: bigint) => Number(BigInt.asIntN(32, value >> shift));
  id.set(word(96n), word(64n), word(32n), word(0n));
  return id;
}

function valueOf(id: StreamId): bigint {
  const words = [id.msHigh, id.msLow, id.seqHigh, id.seqLow];
  return words.reduce((value, word) => (value << 32n) | BigInt(word >>> 0), 0n);
}

/** Ids that differ in each of the four words, on both sides of the sign bit. */
function randomId(random: Random, span: number): bigint {
  const word = () => BigInt(pick(random, [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]));
  if (random.below(4) === 0) return (word() << 96n) | (word() << 64n) | (word() << 32n) | word();
  return (1n << 64n) | BigInt(random.below(span));
}

class Model {
  readonly arena = new Arena(true);
  readonly tree: IdTree;
  readonly ref;
  readonly cursor = new IdCursor();
  readonly values = new Map<bigint, number>();
  readonly width: number;

  constructor(width: number) {
    this.width = width;
    this.tree = new IdTree(this.arena, width);
    this.ref = this.tree.create();
  }

  insert(value: bigint, payload: number): void {
    const added = this.tree.insert(this.ref, idOf(value), this.cursor);
    expect(added).toBe(!this.values.has(value));
    if (this.width === 0) return void this.values.set(value, 0);
    if (added) expect(this.tree.get(this.cursor, this.width - 1)).toBe(0);
    this.tree.set(this.cursor, this.width - 1, payload);
    this.values.set(value, payload);
  }

  remove(value: bigint): void {
    const there = this.values.delete(value);
    if (value % 2n === 0n) {
      expect(this.tree.remove(this.ref, idOf(value))).toBe(there);
    } else {
      expect(this.tree.find(this.ref, idOf(value), this.cursor)).toBe(there);
      if (there) this.tree.removeFound(this.ref, this.cursor);
    }
  }

  sorted(): bigint[] {
    return [...this.values.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  }

  /** What the cursor is at, checked against the model's value. */
  at(found: boolean): bigint | null {
    if (!found) return null;
    const id = new StreamId();
    this.tree.id(this.cursor, id);
    const value = valueOf(id);
    if (this.width > 0) {
      expect(this.tree.get(this.cursor, this.width - 1)).toBe(this.values.get(value)!);
    }
    return value;
  }

  check(random: Random, span: number): void {
    const { tree, ref, cursor } = this;
    const sorted = this.sorted();
    expect(tree.count(ref)).toBe(sorted.length);
    const forward: (bigint | null)[] = [];
    for (let more = tree.first(ref, cursor); more; more = tree.next(cursor)) {
      forward.push(this.at(true));
    }
    expect(forward).toEqual(sorted);
    const backward: (bigint | null)[] = [];
    for (let more = tree.last(ref, cursor); more; more = tree.prev(cursor)) {
      backward.push(this.at(true));
    }
    expect(backward).toEqual(sorted.toReversed());
    for (let i = 0; i < 20; i++) {
      const value = randomId(random, span);
      expect(tree.find(ref, idOf(value), cursor)).toBe(this.values.has(value));
      const least = this.at(tree.seekAtLeast(ref, idOf(value), cursor));
      expect(least).toBe(sorted.find((other) => other >= value) ?? null);
      const most = this.at(tree.seekAtMost(ref, idOf(value), cursor));
      expect(most).toBe(sorted.findLast((other) => other <= value) ?? null);
    }
  }
}

for (const width of [0, 1, 5]) {
  test(`a tree with ${width} words an id does what a sorted array does`, () => {
    const random = seeded(`id tree of width ${width}`);
    for (let round = 0; round < 6 * rounds; round++) {
      const model = new Model(width);
      const span = pick(random, [30, 500, 20_000]);
      // Grows, shrinks to little, grows again.
      for (const growing of [9, 2, 8, 1]) {
        const steps = pick(random, [50, 1200]);
        for (let step = 0; step < steps; step++) {
          const value = randomId(random, span);
          if (random.below(10) < growing) model.insert(value, random.int32());
          else
            model.remove(
              random.below(4) === 0 ? value : (pick(random, model.sorted().slice(0, 400)) ?? value),
            );
        }
        model.check(random, span);
      }
      model.tree.destroy(model.ref);
      expect(model.arena.usedBytes).toBe(0);
    }
  });

  test(`a tree with ${width} words an id is filled and emptied in order, from either end`, () => {
    const random = seeded(`id tree in order, width ${width}`);
    const model = new Model(width);
    for (let i = 0; i < 4000; i++) model.insert(BigInt(i) << 60n, i);
    model.check(random, 4000);
    // Leaves that were filled in order are full: no more than a tenth beyond the entries themselves.
    expect(model.arena.usedBytes).toBeLessThan(4000 * (16 + 4 * width) * 1.15 + 4096);
    expect(model.tree.memory(model.ref)).toBeLessThanOrEqual(model.arena.usedBytes * 1.1);
    for (let i = 0; i < 3990; i++) model.remove(BigInt(i) << 60n);
    model.check(random, 4000);
    for (let i = 3999; i >= 3990; i--) model.remove(BigInt(i) << 60n);
    model.check(random, 4000);
    for (let i = 3000; i > 0; i--) model.insert(BigInt(i) << 30n, i);
    model.check(random, 4000);
    let left = 3000;
    while (left > 0) left -= model.tree.dropLastLeaf(model.ref);
    expect(model.tree.count(model.ref)).toBe(0);
    model.tree.destroy(model.ref);
    expect(model.arena.usedBytes).toBe(0);
  });
}

test("an id counts up and down through all its words, and is written unsigned", () => {
  const bytes = Buffer.alloc(64);
  for (const value of [
    0n,
    1n,
    0xffffffffn,
    (1n << 64n) - 1n,
    1n << 64n,
    1n << 127n,
    (1n << 128n) - 2n,
  ]) {
    const id = idOf(value);
    const end = id.write(bytes, 0);
    expect(bytes.toString("latin1", 0, end)).toBe(`${value >> 64n}-${value & ((1n << 64n) - 1n)}`);
    expect(id.increment()).toBe(true);
    expect(valueOf(id)).toBe(value + 1n);
    expect(id.decrement()).toBe(true);
    expect(valueOf(id)).toBe(value);
  }
  const id = idOf((1n << 128n) - 1n);
  expect(id.increment()).toBe(false);
  expect(id.isMin()).toBe(true);
  expect(id.decrement()).toBe(false);
  expect(id.isMax()).toBe(true);
});

test("unsigned integers are read as the C library reads them", () => {
  const cases: [string, bigint | null][] = [
    ["0", 0n],
    ["18446744073709551615", (1n << 64n) - 1n],
    ["18446744073709551616", null],
    ["-1", null],
    ["-01", (1n << 64n) - 1n],
    ["+7", 7n],
    [" 007", 7n],
    ["7 ", null],
    ["", null],
    ["-", null],
    ["9223372036854775808", 1n << 63n],
  ];
  for (const [text, value] of cases) {
    const parsed = parseUint64(Buffer.from(text), 0, text.length);
    expect([text, parsed]).toEqual([text, value !== null]);
    if (value === null) continue;
    expect((BigInt(int64.high >>> 0) << 32n) | BigInt(int64.low >>> 0)).toBe(value);
  }
});
