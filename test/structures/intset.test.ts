import { describe, expect, test } from "bun:test";
import { int64, setInt64, toBigInt } from "../../src/base/numbers.ts";
import type { Random } from "../../src/base/random.ts";
import { Slice } from "../../src/base/slice.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Intset } from "../../src/structures/intset.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

/** Both ends of every width, and their neighbours. */
const EDGES = [16n, 32n, 64n].flatMap((bits) => {
  const half = 1n << (bits - 1n);
  return [-half - 1n, -half, -half + 1n, half - 2n, half - 1n, half];
});
const IN_RANGE = EDGES.filter((value) => BigInt.asIntN(64, value) === value);

/** An intset beside a Set of BigInts that must agree with it. */
class Model {
  readonly arena: Arena;
  readonly intset: Intset;
  ref: Ref;
  readonly items = new Set<bigint>();
  readonly #out = new Slice();

  constructor(arena = new Arena(true)) {
    this.arena = arena;
    this.intset = new Intset(arena);
    this.ref = this.intset.create();
  }

  add(value: bigint): void {
    setInt64(value);
    this.ref = this.intset.add(this.ref, int64.low, int64.high);
    this.items.add(value);
  }

  remove(value: bigint): void {
    setInt64(value);
    this.ref = this.intset.remove(this.ref, int64.low, int64.high);
    this.items.delete(value);
  }

  has(value: bigint): boolean {
    setInt64(value);
    return this.intset.has(this.ref, int64.low, int64.high);
  }

  at(index: number): bigint {
    this.intset.read(this.ref, index);
    return toBigInt(int64.low, int64.high);
  }

  sorted(): bigint[] {
    return [...this.items].toSorted((a, b) => (a < b ? -1 : 1));
  }

  list(): bigint[] {
    return Array.from({ length: this.intset.count(this.ref) }, (_, index) => this.at(index));
  }

  bytes(): Buffer {
    this.intset.whole(this.ref, this.#out);
    return this.#out.copy();
  }

  check(): void {
    expect(this.list()).toEqual(this.sorted());
    const bytes = this.bytes();
    expect(bytes.length).toBe(this.intset.byteLength(this.ref));
    expect(Intset.validate(bytes, 0, bytes.length)).toBe(bytes.length > 8);
    expect(this.arena.blocks).toBe(1);
  }
}

describe("the bytes", () => {
  // The intsets in what redis-server 7.0.15 answers to DUMP.
  const cases: [string, bigint[], string][] = [
    ["two bytes each", [3n, -1n, 200n], "0200000003000000ffff0300c800"],
    ["four bytes each", [3n, 70000n], "04000000020000000300000070110100"],
    ["eight bytes each", [3n, -4294967297n], "0800000002000000fffffffffeffffff0300000000000000"],
  ];
  for (const [name, values, hex] of cases) {
    test(name, () => {
      const model = new Model();
      for (const value of values) model.add(value);
      expect(model.bytes().toString("hex")).toBe(hex);
      const bytes = Buffer.from(hex, "hex");
      const loaded = model.intset.load(bytes, 0, bytes.length);
      model.intset.free(model.ref);
      model.ref = loaded;
      model.check();
    });
  }

  test("what is no intset is refused", () => {
    const good = Buffer.from("0200000003000000ffff0300c800", "hex");
    expect(Intset.validate(good, 0, good.length)).toBe(true);
    for (let end = 0; end < good.length; end++) expect(Intset.validate(good, 0, end)).toBe(false);
    for (const bad of [
      "0300000003000000ffff0300c800",
      "0200000002000000ffff0300c800",
      "0200000003000000ffffc8000300",
      "0200000003000000ffff03000300",
      "0200000000000000",
    ]) {
      const bytes = Buffer.from(bad, "hex");
      expect(Intset.validate(bytes, 0, bytes.length)).toBe(false);
    }
  });
});

test("integers at the ends of every width, added in any order", () => {
  const arena = new Arena(true);
  for (const first of IN_RANGE) {
    for (const second of IN_RANGE) {
      const model = new Model(arena);
      model.add(first);
      model.add(second);
      model.add(first);
      model.check();
      for (const value of IN_RANGE) expect(model.has(value)).toBe(model.items.has(value));
      model.intset.free(model.ref);
    }
  }
});

test("a copy is independent", () => {
  const model = new Model();
  for (let i = 0n; i < 100n; i++) model.add(i);
  const copy = model.intset.duplicate(model.ref);
  model.remove(50n);
  model.add(1n << 40n);
  expect(model.intset.count(copy)).toBe(100);
  model.intset.free(copy);
  model.check();
});

test("a block that lost most of its integers becomes smaller", () => {
  const model = new Model();
  for (let i = 0n; i < 5000n; i++) model.add(i);
  const full = model.arena.usedBytes;
  for (let i = 0n; i < 4990n; i++) model.remove(i);
  expect(model.arena.usedBytes).toBeLessThan(full / 50);
  model.check();
});

function randomValue(random: Random): bigint {
  const kind = random.below(20);
  if (kind === 0) return pick(random, IN_RANGE);
  if (kind === 1) return toBigInt(random.int32(), random.int32());
  if (kind < 4) return BigInt(random.int32());
  return BigInt(random.below(600) - 300);
}

test("random changes agree with a plain set", () => {
  const random = seeded("intset");
  for (let round = 0; round < 40 * rounds; round++) {
    const model = new Model();
    for (let step = 0; step < 400; step++) {
      const value = randomValue(random);
      expect(model.has(value)).toBe(model.items.has(value));
      if (random.below(5) < 3) model.add(value);
      else if (random.below(3) > 0 || model.items.size === 0) model.remove(value);
      else {
        const index = random.below(model.items.size);
        model.items.delete(model.at(index));
        model.ref = model.intset.removeAt(model.ref, index);
      }
      if (step % 20 === 0) model.check();
    }
    model.check();
  }
});
