/**
 * The elements of a value, one after another and some at a time, for whoever writes it down while commands go on. Between two
 * pieces other values may change, this one must not.
 *
 * A snapshot writes in the middle of commands: nothing here disturbs what these have at hand, so it has a scratch of its own.
 */
import { INT64_DIGITS_MAX, int64, writeInt64 } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Store } from "../keyspace/store.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Listpack } from "../structures/listpack.ts";
import type { VisitField } from "../types/hash.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from "../types/kinds.ts";
import { SortedSetCursor } from "../types/sorted-set-cursor.ts";
import { Value } from "../types/value.ts";

/** Goes on with every `next`, until it is done. */
export type Pieces = Generator<undefined, undefined>;

/** Gets an element; good until it returns. */
export type VisitElement = (element: Slice) => void;
export type VisitScored = (member: Slice, score: number) => void;

/** Elements of a piece: some microseconds. */
export const PIECE = 32;

const digits = Buffer.alloc(INT64_DIGITS_MAX);

export class ElementWalk {
  readonly #store: Store;
  readonly #listpack: Listpack;
  readonly #first: Slice = new Slice();
  readonly #second: Slice = new Slice();

  /** @param listpack with a scratch of its own */
  constructor(store: Store, listpack: Listpack) {
    this.#store = store;
    this.#listpack = listpack;
  }

  /** All elements of a listpack, at once. */
  packed(pack: Ref, visit: VisitElement): void {
    const listpack = this.#listpack;
    const element = this.#first;
    for (let at = listpack.first(pack); at !== 0; at = listpack.next(pack, at)) {
      listpack.read(pack, at, element);
      visit(element);
    }
  }

  /** The elements of a list in their order. */
  *elements({ encoding, block }: Value, visit: VisitElement): Pieces {
    if (encoding === ENCODING_LISTPACK) return void this.packed(block, visit);
    const { quicklist } = this.#store.lists;
    for (let node = quicklist.head(block); node !== NULL_REF; node = quicklist.next(node)) {
      this.packed(quicklist.pack(node), visit);
      yield;
    }
  }

  /** The members of a set. */
  *members({ encoding, block }: Value, visit: VisitElement): Pieces {
    if (encoding === ENCODING_LISTPACK) return void this.packed(block, visit);
    const { sets } = this.#store;
    const member = this.#first;
    if (encoding === ENCODING_HASHTABLE) {
      yield* this.#entries(block, (entry) => {
        sets.entries.read(entry, member);
        visit(member);
      });
      return;
    }
    const count = sets.intset.count(block);
    for (let i = 0; i < count; i++) {
      sets.intset.read(block, i);
      member.set(digits, 0, writeInt64(digits, 0, int64.low, int64.high));
      visit(member);
      if (i % PIECE === PIECE - 1) yield;
    }
  }

  /** The fields of a hash with their values. */
  *pairs({ encoding, block }: Value, visit: VisitField): Pieces {
    const field = this.#first;
    const content = this.#second;
    if (encoding !== ENCODING_LISTPACK) {
      const { entries } = this.#store.hashes;
      yield* this.#entries(block, (entry) => {
        entries.readField(entry, field);
        entries.readValue(entry, content);
        visit(field, content);
      });
      return;
    }
    const listpack = this.#listpack;
    for (let at = listpack.first(block); at !== 0; at = listpack.next(block, at)) {
      listpack.read(block, at, field);
      at = listpack.next(block, at);
      listpack.read(block, at, content);
      visit(field, content);
    }
  }

  /** The members of a sorted set, the greatest first: whoever inserts them in this order has nothing to search for. */
  *scored(value: Value, visit: VisitScored): Pieces {
    const { sortedSets } = this.#store;
    const cursor = new SortedSetCursor();
    sortedSets.seek(value, sortedSets.length(value) - 1, cursor);
    while (cursor.valid) {
      this.#scoredPiece(cursor, visit);
      yield;
    }
  }

  #scoredPiece(cursor: SortedSetCursor, visit: VisitScored): void {
    const { sortedSets } = this.#store;
    const member = this.#first;
    for (let left = PIECE; left > 0 && cursor.valid; left--) {
      sortedSets.readMember(cursor, member);
      visit(member, sortedSets.scoreAt(cursor));
      sortedSets.prev(cursor);
    }
  }

  /** The entries of a dict. */
  *#entries(dict: Ref, visit: (entry: Ref) => void): Pieces {
    const batch: Ref[] = [];
    for (let bucket = 0; bucket !== -1;) {
      batch.length = 0;
      bucket = this.#store.kit.dict.walk.collect(dict, bucket, PIECE, batch);
      for (let i = 0; i < batch.length; i++) visit(batch[i]!);
      yield;
    }
  }
}

/** What goes on for several pieces outlives the object that is used again for the next value. */
export function copyOf({ encoding, block }: Value): Value {
  const copy = new Value();
  copy.set(encoding, block);
  return copy;
}
