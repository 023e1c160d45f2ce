/** What the tests of listpacks share: a listpack beside an array that must agree with it, and elements at every bound. */
import { expect } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { Slice } from "../../src/base/slice.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Listpack } from "../../src/structures/listpack.ts";
import { pick } from "../support/seed.ts";

/** Both ends of every integer form, and what lies just outside of 64 bits. */
export const INTEGERS = [
  "0 1 127 128 -1 4095 4096 -4096 -4097 32767 32768 -32768 -32769 8388607 8388608 -8388608 -8388609",
  "2147483647 2147483648 -2147483648 -2147483649 9007199254740991 9007199254740992 -9007199254740993",
  "9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809",
]
  .join(" ")
  .split(" ");

/** What looks like an integer and is none, since it would not be written back the same. */
export const LOOKALIKES = [
  "",
  "-",
  "-0",
  "00",
  "01",
  "+1",
  " 1",
  "1 ",
  "1.0",
  "12345678901234567890123",
];

/** Around every bound of string lengths and of backlens. */
export const LENGTHS = [
  0, 1, 23, 24, 25, 62, 63, 64, 65, 125, 126, 127, 128, 4094, 4095, 4096, 4097, 16377, 16378, 16379,
  16380, 70000,
];

/** A listpack beside an array of Buffers that must agree with it. */
export class Model {
  readonly arena: Arena;
  readonly pack: Listpack;
  ref: Ref;
  items: Buffer[] = [];
  readonly #out = new Slice();

  constructor(arena = new Arena(true)) {
    this.arena = arena;
    this.pack = new Listpack(arena);
    this.ref = this.pack.create();
  }

  bytes(): Buffer {
    this.pack.whole(this.ref, this.#out);
    return this.#out.copy();
  }

  text(ref: Ref, pos: number): Buffer {
    this.pack.read(ref, pos, this.#out);
    return this.#out.copy();
  }

  /** The elements, walked from the front, and walked from the back in a check. */
  list(ref: Ref = this.ref): Buffer[] {
    const forward: Buffer[] = [];
    const positions: number[] = [];
    for (let pos = this.pack.first(ref); pos !== 0; pos = this.pack.next(ref, pos)) {
      forward.push(this.text(ref, pos));
      positions.push(pos);
    }
    for (let pos = this.pack.last(ref); pos !== 0; pos = this.pack.prev(ref, pos)) {
      expect(pos).toBe(positions.pop()!);
    }
    expect(positions).toEqual([]);
    return forward;
  }

  push(item: Buffer | string): void {
    const bytes = Buffer.from(item as string);
    this.ref = this.pack.append(this.ref, bytes, 0, bytes.length);
    this.items.push(bytes);
  }

  find(item: Buffer, from: number, skip: number): number {
    const framed = Buffer.concat([Buffer.from("<<"), item, Buffer.from(">>")]);
    return this.pack.find(this.ref, framed, 2, 2 + item.length, from, skip);
  }

  check(): void {
    const list = this.list();
    if (list.length !== this.items.length) throw new Error(`${list.length} elements`);
    list.forEach((bytes, i) => {
      if (!bytes.equals(this.items[i]!))
        throw new Error(`element ${i} is ${bytes.toString("latin1")}`);
    });
    expect(this.pack.count(this.ref)).toBe(this.items.length);
    const bytes = this.bytes();
    expect(bytes.length).toBe(this.pack.byteLength(this.ref));
    expect(Listpack.validate(bytes, 0, bytes.length)).toBe(true);
    expect(this.arena.blocks).toBe(1);
  }
}

export function packOf(items: readonly (Buffer | string)[]): Model {
  const model = new Model();
  for (const item of items) model.push(item);
  return model;
}

export function randomItem(random: Random): Buffer {
  const kind = random.below(10);
  if (kind < 3) return Buffer.from(pick(random, INTEGERS));
  if (kind < 5) return Buffer.from(String(random.int32() >> random.below(32)));
  if (kind === 5) return Buffer.from(pick(random, LOOKALIKES));
  const length = kind === 6 ? pick(random, LENGTHS) : random.below(40);
  return Buffer.alloc(length, random.below(256));
}

/** One random change of both, of a kind that leaves the sizes in balance. */
export function change(model: Model, random: Random, target: number): void {
  const { pack, items } = model;
  const item = randomItem(random);
  // The bytes of an element stand somewhere in a larger buffer, as arguments do.
  const source = Buffer.concat([Buffer.from("123"), item, Buffer.from("456")]);
  const end = 3 + item.length;
  const index = random.below(items.length);
  const grows = items.length === 0 || random.below(2 * target) >= items.length;
  const pos = pack.at(model.ref, index);
  if (random.below(5) === 0 && items.length > 0) {
    model.ref = pack.replace(model.ref, pos, source, 3, end);
    items[index] = item;
  } else if (grows && (items.length === 0 || random.below(2) === 0)) {
    const front = random.below(2) === 0;
    if (front) model.ref = pack.prepend(model.ref, source, 3, end);
    else model.ref = pack.append(model.ref, source, 3, end);
    if (front) items.unshift(item);
    else items.push(item);
  } else if (grows) {
    const after = random.below(2);
    if (after === 1) model.ref = pack.insertAfter(model.ref, pos, source, 3, end);
    else model.ref = pack.insertBefore(model.ref, pos, source, 3, end);
    items.splice(index + after, 0, item);
  } else if (random.below(4) > 0) {
    model.ref = pack.remove(model.ref, pos);
    items.splice(index, 1);
    expect(pack.orNone(model.ref, pos)).toBe(pack.at(model.ref, index));
  } else {
    const count = random.below(5);
    model.ref = pack.removeRange(model.ref, pos, count);
    items.splice(index, count);
  }
}
