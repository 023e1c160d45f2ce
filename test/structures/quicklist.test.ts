import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { Slice } from "../../src/base/slice.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Listpack } from "../../src/structures/listpack.ts";
import { Cursor, Quicklist } from "../../src/structures/quicklist.ts";
import { QuicklistTail } from "../../src/structures/quicklist-tail.ts";
import { rounds, seeded } from "../support/seed.ts";

/** A quicklist beside an array of Buffers that must agree with it. */
class Model {
  readonly arena = new Arena(true);
  readonly listpack = new Listpack(this.arena);
  readonly quicklist = new Quicklist(this.arena, this.listpack);
  readonly tail = new QuicklistTail(this.arena, this.listpack, this.quicklist);
  readonly cursor = new Cursor();
  readonly #out = new Slice();
  list: Ref = this.quicklist.create();
  items: Buffer[] = [];

  constructor(bytesMax: number, countMax: number) {
    this.quicklist.bytesMax = bytesMax;
    this.quicklist.countMax = countMax;
  }

  at(cursor: Cursor): Buffer {
    this.listpack.read(cursor.pack, cursor.pos, this.#out);
    return this.#out.copy();
  }

  seek(index: number): void {
    expect(this.quicklist.seek(this.list, index, this.cursor)).toBe(true);
  }

  push(front: boolean, item: Buffer): void {
    const framed = Buffer.concat([Buffer.from("<<"), item, Buffer.from(">>")]);
    this.quicklist.push(this.list, front, framed, 2, 2 + item.length);
    if (front) this.items.unshift(item);
    else this.items.push(item);
  }

  /** Pushes at the end, as many at once as the last node takes. @returns how many came so */
  append(items: readonly Buffer[]): number {
    const source = Buffer.concat(items);
    let end = 0;
    const places = Int32Array.from(items.flatMap(({ length }) => [end, (end += length)]));
    let together = 0;
    for (let i = 0; i < items.length; i++) {
      const to = this.tail.append(this.list, source, places, i, items.length);
      this.items.push(...items.slice(i, to));
      together += to - i;
      i = to;
      if (i < items.length) this.push(false, items[i]!);
    }
    return together;
  }

  insert(index: number, after: boolean, item: Buffer): void {
    this.seek(index);
    this.quicklist.insert(this.list, this.cursor, after, item, 0, item.length);
    this.items.splice(index + (after ? 1 : 0), 0, item);
  }

  replace(index: number, item: Buffer): void {
    this.seek(index);
    const old = this.items[index]!.length;
    this.quicklist.replace(this.list, this.cursor, old, item, 0, item.length);
    this.items[index] = item;
  }

  /** Removes an element and checks where the cursor goes. */
  remove(index: number, forward: boolean): void {
    this.seek(index);
    const next = forward ? this.items[index + 1] : this.items[index - 1];
    const more = this.quicklist.remove(this.list, this.cursor, forward);
    expect(more).toBe(next !== undefined);
    if (next !== undefined) expect(this.at(this.cursor).equals(next)).toBe(true);
    this.items.splice(index, 1);
  }

  removeRange(index: number, count: number): void {
    this.quicklist.removeRange(this.list, index, count);
    this.items.splice(index, count);
  }

  /** Walks all nodes and compares; every node is sound, not empty, and within the limits unless it has one element. */
  check(): void {
    const { quicklist, listpack } = this;
    let at = 0;
    let nodes = 0;
    for (let node = quicklist.head(this.list); node !== 0; node = quicklist.next(node), nodes++) {
      const pack = quicklist.pack(node);
      const count = listpack.count(pack);
      if (count === 0) throw new Error("a node is empty");
      if (count > 1 && listpack.byteLength(pack) > quicklist.bytesMax) {
        throw new Error(`a node of ${count} elements has ${listpack.byteLength(pack)} bytes`);
      }
      if (count > quicklist.countMax) throw new Error(`a node has ${count} elements`);
      for (let pos = listpack.first(pack); pos !== 0; pos = listpack.next(pack, pos), at++) {
        this.cursor.set(this.list, node, pack, pos);
        if (!this.at(this.cursor).equals(this.items[at]!)) throw new Error(`element ${at} differs`);
      }
    }
    expect(at).toBe(this.items.length);
    expect(quicklist.length(this.list)).toBe(at);
    expect(quicklist.nodes(this.list)).toBe(nodes);
    // The header, and of each node its own block and its listpack.
    expect(this.arena.blocks).toBe(1 + 2 * nodes);
    let more = this.items.length > 0 && quicklist.seek(this.list, -1, this.cursor);
    for (let left = nodes; left > 1; left--) expect(quicklist.toPrevNode(this.cursor)).toBe(true);
    if (more) more = quicklist.toPrevNode(this.cursor);
    expect(more).toBe(false);
  }
}

function randomItem(random: Random, bytesMax: number): Buffer {
  const kind = random.below(12);
  if (kind < 3) return Buffer.from(String(random.int32() >> random.below(32)));
  if (kind === 3) return Buffer.alloc(bytesMax - 20 + random.below(40), random.below(256));
  if (kind === 4) return Buffer.alloc(random.below(bytesMax), random.below(256));
  return Buffer.alloc(random.below(20), random.below(256));
}

describe("a quicklist", () => {
  const limits = [
    [256, Infinity],
    [512, 3],
    [256, 1],
    [4096, Infinity],
  ] as const;
  for (const [bytesMax, countMax] of limits) {
    test(`agrees with an array, with nodes of ${bytesMax} bytes and ${countMax} elements`, () => {
      const random = seeded("quicklist");
      for (let round = 0; round < 20 * rounds; round++) {
        const model = new Model(bytesMax, countMax);
        const growing = 1 + random.below(4);
        // A walk over the list closes its gap, so half of the rounds look at it seldom and work at its ends.
        const stride = round % 2 === 0 ? 1 : 25;
        for (let step = 0; step < 150; step++) {
          const { length } = model.items;
          const item = randomItem(random, bytesMax);
          const atEnd = stride > 1 && random.below(2) === 0;
          const end = random.below(2) * Math.max(0, length - 1);
          const index = atEnd ? end : random.below(Math.max(1, length));
          const forward = random.below(2) === 0;
          const action = length === 0 ? 0 : random.below(6 + growing);
          if (action === 1) model.insert(index, forward, item);
          else if (action === 2) model.replace(index, item);
          else if (action === 3) model.remove(index, forward);
          else if (action === 4 && random.below(4) === 0) {
            model.removeRange(index, random.below(length - index + 1));
          } else if (action === 5 && random.below(4) === 0) {
            const count = random.below(40);
            model.append(Array.from({ length: count }, () => randomItem(random, bytesMax)));
          } else model.push(forward, item);
          if (step % stride === 0) model.check();
        }
        model.check();
        for (let i = 0; i < 10 && model.items.length > 0; i++) {
          const index = random.below(model.items.length);
          for (const signed of [index, index - model.items.length]) {
            model.seek(signed);
            expect(model.at(model.cursor).equals(model.items[index]!)).toBe(true);
          }
        }
        const { length } = model.items;
        for (const outside of [length, -length - 1, 2 ** 53, -(2 ** 53)]) {
          expect(model.quicklist.seek(model.list, outside, model.cursor)).toBe(false);
        }
        const copy = model.quicklist.duplicate(model.list);
        const { items } = model;
        expect(model.quicklist.freeSome(model.list, Infinity)).toBe(false);
        model.list = copy;
        model.items = items;
        model.check();
        while (model.quicklist.freeSome(copy, 1));
        expect(model.arena.blocks).toBe(0);
      }
    });
  }

  test("keeps to its limit when digits are replaced by as many letters, which take more", () => {
    const model = new Model(256, Infinity);
    for (let i = 0; i < 100; i++) model.push(false, Buffer.from("-1234567"));
    for (let i = 0; i < 100; i++) model.replace(i, Buffer.from("abcdefgh"));
    model.check();
  });

  test("takes as much memory whichever end it grew from, but for its first node", () => {
    const sizes = [true, false].map((front) => {
      const model = new Model(8192, Infinity);
      for (let i = 0; i < 10_000; i++) model.push(front, Buffer.from(`element:${i}`));
      expect(model.quicklist.memory(model.list, 0)).toBe(model.arena.usedBytes);
      return model.arena.usedBytes;
    });
    expect(Math.abs(sizes[0]! - sizes[1]!)).toBeLessThan(8192);
  });

  test("is the same whether elements came one by one or together", () => {
    const random = seeded("quicklist together");
    const items = Array.from({ length: 3000 }, () => randomItem(random, 256));
    const one = new Model(256, Infinity);
    for (const item of items) one.push(false, item);
    const together = new Model(256, Infinity);
    let added = 0;
    for (let i = 0; i < items.length; i += 100) added += together.append(items.slice(i, i + 100));
    // It was no test if the last node hardly ever had room.
    expect(added).toBeGreaterThan(items.length / 4);
    together.check();
    expect(together.quicklist.nodes(together.list)).toBe(one.quicklist.nodes(one.list));
    expect(together.arena.usedBytes).toBe(one.arena.usedBytes);
  });

  test("is a queue either way, and a stack at its front, without losing track of its gap", () => {
    for (const [pushFront, popIndex] of [
      [true, -1],
      [false, 0],
      [true, 0],
    ] as const) {
      const model = new Model(256, Infinity);
      const random = seeded("quicklist queue");
      for (let i = 0; i < 3000; i++) {
        const { length } = model.items;
        if (length < 5 || random.below(100) < (i % 1000 < 500 ? 70 : 30)) {
          model.push(pushFront, Buffer.from(`job:${i}`));
        } else {
          model.remove(popIndex === 0 ? 0 : length - 1, true);
        }
        expect(model.quicklist.length(model.list)).toBe(model.items.length);
      }
      model.check();
    }
  });

  test("keeps an element that is larger than a node in one of its own", () => {
    const model = new Model(256, Infinity);
    const large = Buffer.alloc(1000, 1);
    for (const item of ["a", "b", "c"]) model.push(false, Buffer.from(item));
    model.insert(1, true, large);
    model.check();
    expect(model.quicklist.nodes(model.list)).toBe(3);
    model.replace(2, Buffer.from("d"));
    model.replace(0, large);
    model.check();
    expect(model.items.map((item) => item.length)).toEqual([1000, 1, 1, 1]);
  });

  test("puts nodes together again that an insertion has split", () => {
    const model = new Model(256, Infinity);
    const random = seeded("quicklist merges");
    model.push(true, Buffer.alloc(10));
    for (let i = 1; i < 2000; i++) {
      model.insert(random.below(model.items.length), true, Buffer.alloc(10));
    }
    model.check();
    // Elements of 10 bytes take 12, so that 20 fill a node.
    expect(model.quicklist.nodes(model.list)).toBeLessThan(2000 / 8);
  });

  test("frees its nodes in slices", () => {
    const model = new Model(64, Infinity);
    for (let i = 0; i < 100; i++) model.push(i % 2 === 0, Buffer.alloc(40));
    const nodes = model.quicklist.nodes(model.list);
    let slices = 1;
    for (; model.quicklist.freeSome(model.list, 10); slices++) {
      expect(model.quicklist.nodes(model.list)).toBe(nodes - slices * 10);
    }
    expect(slices).toBe(Math.ceil(nodes / 10));
    expect(model.arena.blocks).toBe(0);
  });

  test("wraps a listpack and gives it back", () => {
    const model = new Model(256, Infinity);
    const { quicklist, listpack } = model;
    quicklist.freeSome(model.list, 1);
    const pack = listpack.append(listpack.create(), Buffer.from("abc"), 0, 3);
    model.list = quicklist.wrap(pack);
    model.items = [Buffer.from("abc")];
    model.check();
    expect(quicklist.unwrap(model.list)).toBe(pack);
    expect(model.arena.blocks).toBe(1);
    model.list = quicklist.wrap(listpack.remove(pack, listpack.first(pack)));
    model.items = [];
    model.check();
  });

  test("reckons its memory from some nodes", () => {
    const model = new Model(256, Infinity);
    for (let i = 0; i < 1000; i++) model.push(false, Buffer.from("element"));
    expect(model.quicklist.memory(model.list, 0)).toBe(model.arena.usedBytes);
    const estimate = model.quicklist.memory(model.list, 5);
    expect(Math.abs(estimate / model.arena.usedBytes - 1)).toBeLessThan(0.1);
  });
});
