/**
 * Lists: short ones are one listpack, others a quicklist, changing over where Redis does. `list-max-listpack-size` says up to
 * where a list, and later each of its nodes, is one listpack: -1 to -5 in bytes, 4 to 64 KiB; else in elements, within 8 KiB.
 *
 *   grow     before elements are added: a listpack that they would not fit in becomes a quicklist
 *   shrink   after elements were removed: a quicklist of one node becomes a listpack, at half of the limits, so that a list
 *            that grows and shrinks by a little stays what it is
 *
 * An element is found through `cursor`, which is good until the list changes; functions that say so move it along.
 */
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Listpack } from "../structures/listpack.ts";
import { Cursor, Quicklist } from "../structures/quicklist.ts";
import { QuicklistTail } from "../structures/quicklist-tail.ts";
import type { Collection } from "./collection.ts";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST } from "./kinds.ts";
import type { Kit } from "./kit.ts";
import type { Value } from "./value.ts";

/** Bytes of a listpack by the negative values of the option, -1 first. */
const SIZES = [4096, 8192, 16384, 32768, 65536] as const;
/** Bytes of a listpack whose elements are counted. */
const COUNTED_SIZE_MAX = 8192;
/** Nodes that are freed at once. */
const FREE_AT_ONCE = 64;

export class Lists implements Collection {
  readonly cursor: Cursor = new Cursor();
  readonly #kit: Kit;
  readonly #listpack: Listpack;
  /** Lists that are no listpack: their nodes, for who reads or builds them whole. */
  readonly quicklist: Quicklist;
  readonly #tail: QuicklistTail;
  /** The option's value that the limits below were made from. */
  #fill = NaN;
  #threshold = NaN;
  readonly #slice: Slice = new Slice();

  constructor(kit: Kit) {
    this.#kit = kit;
    this.#listpack = kit.listpack;
    this.quicklist = new Quicklist(kit.arena, kit.listpack);
    this.#tail = new QuicklistTail(kit.arena, kit.listpack, this.quicklist);
  }

  // ---- the whole list ----

  /** Points `value` at an empty list, which must not stay one. */
  create(value: Value): void {
    value.set(ENCODING_LISTPACK, this.#listpack.create());
  }

  length(value: Value): number {
    if (value.encoding === ENCODING_LISTPACK) return this.#listpack.count(value.block);
    return this.quicklist.length(value.block);
  }

  freeSmall(value: Value): boolean {
    if (value.encoding === ENCODING_LISTPACK) this.#listpack.free(value.block);
    else if (this.quicklist.nodes(value.block) > FREE_AT_ONCE) return false;
    else this.quicklist.freeSome(value.block, Infinity);
    return true;
  }

  /** A node is freed as a whole and so counts as one element. */
  freeSome(value: Value, limit: number): boolean {
    if (value.encoding === ENCODING_QUICKLIST) return this.quicklist.freeSome(value.block, limit);
    this.#listpack.free(value.block);
    return false;
  }

  duplicate(value: Value, copy: Value): void {
    const { encoding, block } = value;
    copy.set(
      encoding,
      encoding === ENCODING_LISTPACK
        ? this.#listpack.duplicate(block)
        : this.quicklist.duplicate(block),
    );
  }

  memory(value: Value, samples: number): number {
    if (value.encoding === ENCODING_LISTPACK) return this.#kit.arena.sizeOf(value.block);
    return this.quicklist.memory(value.block, samples);
  }

  // ---- the encoding ----

  /** Readies the list for `count` more elements of `bytes` bytes together. */
  grow(value: Value, count: number, bytes: number): void {
    this.#refreshLimits();
    if (value.encoding !== ENCODING_LISTPACK) return;
    const { block } = value;
    const quicklist = this.quicklist;
    if (
      this.#listpack.byteLength(block) + bytes <= quicklist.bytesMax &&
      this.#listpack.count(block) + count <= quicklist.countMax
    ) {
      return;
    }
    value.become(ENCODING_QUICKLIST, quicklist.wrap(block));
  }

  /** Packs a list again that has become short. */
  shrink(value: Value): void {
    const quicklist = this.quicklist;
    if (value.encoding !== ENCODING_QUICKLIST || quicklist.nodes(value.block) !== 1) return;
    this.#refreshLimits();
    const counted = quicklist.countMax !== Infinity;
    const bytesMax = counted ? quicklist.bytesMax : quicklist.bytesMax / 2;
    const countMax = Math.floor(quicklist.countMax / 2);
    if (quicklist.headSize(value.block) > bytesMax || this.length(value) > countMax) return;
    value.become(ENCODING_LISTPACK, quicklist.unwrap(value.block));
  }

  /** Makes `value` a list of a quicklist that is not empty: packed, if it is one node within the limits. */
  settle(value: Value, list: Ref): void {
    const { quicklist } = this;
    value.set(ENCODING_QUICKLIST, list);
    if (quicklist.nodes(list) !== 1) return;
    this.#refreshLimits();
    const size = this.#listpack.byteLength(quicklist.pack(quicklist.head(list)));
    if (size > quicklist.bytesMax || quicklist.length(list) > quicklist.countMax) return;
    value.set(ENCODING_LISTPACK, quicklist.unwrap(list));
  }

  #refreshLimits(): void {
    const { listMaxListpackSize: fill, listPackedThreshold: threshold } = this.#kit.limits;
    if (fill === this.#fill && threshold === this.#threshold) return;
    this.#fill = fill;
    this.#threshold = threshold;
    const bytesMax = fill < 0 ? SIZES[Math.min(-fill, SIZES.length) - 1]! : COUNTED_SIZE_MAX;
    this.quicklist.bytesMax = Math.min(bytesMax, threshold);
    this.quicklist.countMax = fill < 0 ? Infinity : Math.max(1, fill);
  }

  // ---- finding ----

  /** Points the cursor at the element of an index, counted from the end where it is negative. Returns false if there is none. */
  seek(value: Value, index: number): boolean {
    const { cursor } = this;
    if (value.encoding === ENCODING_QUICKLIST) {
      return this.quicklist.seek(value.block, index, cursor);
    }
    cursor.set(NULL_REF, NULL_REF, value.block, this.#listpack.at(value.block, index));
    return cursor.pos !== 0;
  }

  /** Moves the cursor to the next element, or to the one before. Returns false if there is none. */
  step(forward: boolean): boolean {
    const { cursor } = this;
    const { pack, pos } = cursor;
    cursor.pos = forward ? this.#listpack.next(pack, pos) : this.#listpack.prev(pack, pos);
    if (cursor.pos !== 0) return true;
    return forward ? this.toNextPack() : this.#toPrevPack();
  }

  /** Moves the cursor to the first element of the next listpack. Returns false if there is none. */
  toNextPack(): boolean {
    return this.cursor.node !== NULL_REF && this.quicklist.toNextNode(this.cursor);
  }

  #toPrevPack(): boolean {
    return this.cursor.node !== NULL_REF && this.quicklist.toPrevNode(this.cursor);
  }

  /** Moves the cursor to the first element, its own one or behind it, that is source[start, end). Returns false if there is none. */
  find(source: Buffer, start: number, end: number): boolean {
    const { cursor } = this;
    do {
      cursor.pos = this.#listpack.find(cursor.pack, source, start, end, cursor.pos, 0);
      if (cursor.pos !== 0) return true;
    } while (this.toNextPack());
    return false;
  }

  /** Whether the element at the cursor is source[start, end). */
  equals(source: Buffer, start: number, end: number): boolean {
    return this.#listpack.equals(this.cursor.pack, this.cursor.pos, source, start, end);
  }

  /** The bytes of the element at the cursor, good until memory is next allocated or freed. */
  read(out: Slice): void {
    this.#listpack.read(this.cursor.pack, this.cursor.pos, out);
  }

  /** Whether the element at the cursor is stored as an integer; if so it is left in `int64`, without being formatted. */
  readInteger(): boolean {
    return this.#listpack.readInteger(this.cursor.pack, this.cursor.pos);
  }

  // ---- changing; the list was readied by `grow` before elements are added, and `shrink` comes after those removed ----

  /** Adds an element at the front or at the end. */
  push(value: Value, front: boolean, source: Buffer, start: number, end: number): void {
    if (value.encoding === ENCODING_QUICKLIST) {
      this.quicklist.push(value.block, front, source, start, end);
    } else {
      value.block = front
        ? this.#listpack.prepend(value.block, source, start, end)
        : this.#listpack.append(value.block, source, start, end);
    }
  }

  /**
   * Adds the elements of [from, to) at the end.
   * @param source does not lie in the arena
   * @param places where in it each element begins and where it ends, side by side
   */
  append(value: Value, source: Buffer, places: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      if (value.encoding === ENCODING_QUICKLIST) {
        i = this.#tail.append(value.block, source, places, i, to);
        if (i === to) return;
      }
      // The first of a node, or one that needs a larger block.
      this.push(value, false, source, places[2 * i]!, places[2 * i + 1]!);
    }
  }

  /** Readies the list and inserts an element before or behind the one at the cursor. */
  insert(value: Value, after: boolean, source: Buffer, start: number, end: number): void {
    this.#growAtCursor(value, end - start);
    const { cursor } = this;
    if (value.encoding === ENCODING_QUICKLIST) {
      this.quicklist.insert(value.block, cursor, after, source, start, end);
    } else {
      value.block = after
        ? this.#listpack.insertAfter(cursor.pack, cursor.pos, source, start, end)
        : this.#listpack.insertBefore(cursor.pack, cursor.pos, source, start, end);
    }
  }

  /** Readies the list and puts another element in the place of the one at the cursor. */
  replace(value: Value, source: Buffer, start: number, end: number): void {
    this.#growAtCursor(value, end - start);
    const { cursor } = this;
    if (value.encoding === ENCODING_QUICKLIST) {
      this.read(this.#slice);
      const { length } = this.#slice;
      this.quicklist.replace(value.block, cursor, length, source, start, end);
    } else {
      value.block = this.#listpack.replace(cursor.pack, cursor.pos, source, start, end);
    }
  }

  /** Removes the element at the cursor, which moves to the one behind it, or before it. Returns false if there is none. */
  remove(value: Value, forward: boolean): boolean {
    const { cursor } = this;
    if (value.encoding === ENCODING_QUICKLIST) {
      return this.quicklist.remove(value.block, cursor, forward);
    }
    const { pos } = cursor;
    const pack = this.#listpack.remove(cursor.pack, pos);
    value.block = pack;
    const next = forward ? this.#listpack.orNone(pack, pos) : this.#listpack.prev(pack, pos);
    cursor.set(NULL_REF, NULL_REF, pack, next);
    return next !== 0;
  }

  /** Removes `count` elements, all of which exist, from an index on. */
  removeRange(value: Value, index: number, count: number): void {
    if (value.encoding === ENCODING_QUICKLIST) {
      this.quicklist.removeRange(value.block, index, count);
    } else if (count > 0) {
      const from = this.#listpack.at(value.block, index);
      value.block = this.#listpack.removeRange(value.block, from, count);
    }
  }

  /** A listpack that becomes the first node of a quicklist keeps its elements where they are. */
  #growAtCursor(value: Value, bytes: number): void {
    this.grow(value, 1, bytes);
    const { cursor } = this;
    if (value.encoding === ENCODING_QUICKLIST && cursor.node === NULL_REF) {
      cursor.list = value.block;
      cursor.node = this.quicklist.head(value.block);
    }
  }
}
