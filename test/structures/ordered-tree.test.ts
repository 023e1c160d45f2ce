/** The ordered tree beside a sorted array: every operation, at sizes where nodes split, merge and go. */
import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena, NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../../src/memory/arena.ts";
import { entrySize, MEMBER_AT } from "../../src/structures/ordered-tree-entries.ts";
import { OrderedTree, TreeCursor } from "../../src/structures/ordered-tree.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

interface Item {
  readonly entry: Ref;
  readonly member: Buffer;
  score: number;
}

/** A tree beside an array that must agree with it. */
class Model {
  readonly arena = new Arena(true);
  readonly tree = new OrderedTree(this.arena);
  readonly ref = this.tree.create(0);
  readonly items: Item[] = [];
  readonly #cursor = new TreeCursor();
  #next = 0;

  #place(score: number, member: Buffer): number {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.items[middle]!;
      const order = item.score === score ? item.member.compare(member) : item.score - score;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(score: number, text = `m${this.#next++}`): void {
    const member = Buffer.from(text);
    const entry = this.#entry(score, member);
    this.tree.insert(this.ref, entry);
    this.items.splice(this.#place(score, member), 0, { entry, member, score });
  }

  #entry(score: number, member: Buffer): Ref {
    const entry = this.arena.allocate(entrySize(member.length));
    this.tree.entries.setScore(entry, score);
    this.tree.entries.setLength(entry, member.length);
    const start = (entry & SEGMENT_MASK) * 16 + MEMBER_AT;
    member.copy(this.arena.bytes[entry >>> SEGMENT_SHIFT]!, start);
    return entry;
  }

  removeAt(index: number): void {
    const { entry } = this.items[index]!;
    this.tree.remove(this.ref, entry);
    this.arena.free(entry);
    this.items.splice(index, 1);
  }

  /** Takes out the entry that is equal to another one in no tree, if there is such an entry. */
  take(score: number, member: Buffer): void {
    const index = this.items.findIndex(
      (item) => item.score === score && item.member.equals(member),
    );
    const probe = this.#entry(score, member);
    const taken = this.tree.take(this.ref, probe);
    expect(taken).toBe(this.items[index]?.entry ?? NULL_REF);
    this.arena.free(probe);
    if (taken === NULL_REF) return;
    this.arena.free(taken);
    this.items.splice(index, 1);
  }

  update(index: number, score: number): void {
    const item = this.items[index]!;
    this.tree.update(this.ref, item.entry, score);
    this.items.splice(index, 1);
    item.score = score;
    this.items.splice(this.#place(score, item.member), 0, item);
  }

  /** Compares what can be asked about one place. */
  probe(random: Random, scores: readonly number[]): void {
    const { items, tree, ref } = this;
    expect(tree.count(ref)).toBe(items.length);
    if (items.length > 0) {
      const rank = random.below(items.length);
      expect(tree.select(ref, rank, this.#cursor)).toBe(items[rank]!.entry);
      expect(tree.rank(ref, items[rank]!.entry)).toBe(rank);
      expect(tree.entries.score(items[rank]!.entry)).toBe(items[rank]!.score);
    }
    const score = pick(random, scores);
    const below = items.filter((item) => item.score < score).length;
    const upTo = items.filter((item) => item.score <= score).length;
    expect(tree.rankOfScore(ref, score, false)).toBe(below);
    expect(tree.rankOfScore(ref, score, true)).toBe(upTo);
  }

  /** Walks over everything in both directions. */
  walk(): void {
    const { items, tree, ref } = this;
    if (items.length === 0) return;
    let entry = tree.select(ref, 0, this.#cursor);
    for (const item of items) {
      expect(entry).toBe(item.entry);
      entry = tree.next(this.#cursor);
    }
    expect(entry).toBe(NULL_REF);
    entry = tree.select(ref, items.length - 1, this.#cursor);
    for (const item of items.toReversed()) {
      expect(entry).toBe(item.entry);
      entry = tree.prev(this.#cursor);
    }
    expect(entry).toBe(NULL_REF);
  }

  /** Frees everything leaf by leaf: nothing may stay. */
  destroy(): void {
    let seen = 0;
    const free = (entry: Ref): void => {
      expect(entry).toBe(this.items[seen++]!.entry);
      this.arena.free(entry);
    };
    while (this.tree.dropLeaf(this.ref, free));
    expect(seen).toBe(this.items.length);
    this.arena.free(this.ref);
    expect(this.arena.blocks).toBe(0);
  }
}

const SOME = [0, -0, 1, -1, 1.5, Infinity, -Infinity, 16777216, 16777217, 1e300, 1.1e300, 5e-324];

/** What scores are drawn from: all alike, few, such that round to one key, many. */
const DRAWS: Readonly<Record<string, (random: Random) => number>> = {
  "all the same": () => 0,
  few: (random) => pick(random, SOME),
  "equal in 32 bits": (random) => 1e15 + random.below(50),
  many: (random) => (random.fraction() - 0.5) * 1e6,
};

describe("an ordered tree", () => {
  for (const [name, draw] of Object.entries(DRAWS)) {
    test(`agrees with an array while it grows and shrinks, scores ${name}`, () => {
      const random = seeded("ordered tree");
      for (let round = 0; round < 2 * rounds; round++) {
        const model = new Model();
        const scores = [...SOME, ...Array.from({ length: 20 }, () => draw(random))];
        for (let phase = 0; phase < 6; phase++) {
          // Growing, shrinking, and to nothing at last.
          const growing = phase % 2 === 0;
          const steps = phase === 5 ? model.items.length + 5 : 2500;
          for (let step = 0; step < steps; step++) {
            const { length } = model.items;
            const kind = random.below(10);
            if (length === 0 || (growing ? kind < 7 : kind < 1)) {
              if (phase < 5) model.add(draw(random), `${random.below(1e9)}-${step}-${phase}`);
            } else if (kind < 6) model.removeAt(random.below(length));
            else if (kind < 8) {
              const { score, member } = pick(random, model.items);
              const other = random.below(3) === 0;
              model.take(other ? draw(random) : score, other ? Buffer.from("m") : member);
            } else model.update(random.below(length), draw(random));
            if (step % 25 === 0) model.probe(random, scores);
          }
          model.walk();
        }
        model.destroy();
      }
    });
  }

  test("agrees while ranges go from either end and from the middle", () => {
    const random = seeded("ordered tree");
    for (const from of [() => 0, (n: number) => n - 1, (n: number) => n >> 1]) {
      const model = new Model();
      for (let i = 0; i < 9000; i++) model.add(i);
      while (model.items.length > 0) {
        model.removeAt(from(model.items.length));
        if (model.items.length % 500 === 0) {
          model.probe(random, [random.below(9000)]);
          model.walk();
        }
      }
      model.add(1);
      model.walk();
      model.destroy();
    }
  });

  test("fills its leaves where entries come in order", () => {
    const model = new Model();
    const before = model.arena.usedBytes;
    for (let i = 0; i < 62 * 100; i++) model.add(i);
    const nodes = model.arena.usedBytes - before - model.items.length * 32;
    expect(nodes).toBeLessThan(100 * 512 + 4 * 1024);
    model.walk();
    model.destroy();
  });

  test("gives memory back when most entries go at random", () => {
    const random = seeded("ordered tree");
    const model = new Model();
    for (let i = 0; i < 20_000; i++) model.add(random.below(1e6));
    while (model.items.length > 1000) model.removeAt(random.below(model.items.length));
    const nodes = model.arena.usedBytes - model.items.length * 32;
    expect(nodes).toBeLessThan(1000 * 40);
    model.walk();
    model.destroy();
  });

  test("finds members by their bytes where scores are the same", () => {
    const random = seeded("ordered tree");
    const model = new Model();
    const members = new Set(Array.from({ length: 3000 }, () => random.below(1e6).toString(36)));
    for (const member of members) model.add(3, member);
    for (let i = 0; i < 500; i++) {
      const wanted = Buffer.from(
        random
          .below(1e6)
          .toString(36)
          .slice(0, 1 + random.below(5)),
      );
      const below = model.items.filter((item) => item.member.compare(wanted) < 0).length;
      const upTo = model.items.filter((item) => item.member.compare(wanted) <= 0).length;
      const { tree, ref } = model;
      expect(tree.rankOfMember(ref, wanted, 0, wanted.length, false)).toBe(below);
      expect(tree.rankOfMember(ref, wanted, 0, wanted.length, true)).toBe(upTo);
    }
    model.destroy();
  });
});
