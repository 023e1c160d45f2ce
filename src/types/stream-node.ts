/**
 * A node of a stream: some entries with neighbouring ids in one listpack, in the form that Redis gives them, so that a node can
 * be written to an RDB file as it is.
 *
 *   master entry   count, deleted, number of fields, field..., 0
 *   entry          flags, ms, seq, [number of fields,] field, value..., size
 *
 * An entry's ms and seq are differences to the node's own id, which stands beside it in the stream's tree and was that of the
 * first entry. An entry that has the master entry's fields in the same order says so by a flag and has values only, without
 * their number. Its size, the number of elements before it, is for walking backwards. An entry that is deleted is only
 * marked; it goes with its node when that has no other left.
 *
 * A position is an offset in the listpack, as in structures/listpack.ts.
 */
import { int64 } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";
import { HEADER_SIZE } from "../structures/listpack-check.ts";
import {
  decodeInteger,
  END,
  entryBefore,
  entrySize,
  putBytes,
  putInteger,
  STRING6,
} from "../structures/listpack-entry.ts";
import type { Listpack } from "../structures/listpack.ts";
import type { StreamId } from "../structures/stream-id.ts";

// Flags of an entry.
export const FLAG_DELETED = 1;
export const FLAG_SAME_FIELDS = 2;

/** Elements of an entry beside fields and values, without its size: flags, ms, seq. */
const ENTRY_ELEMENTS = 3;
/** No element takes more bytes beside those of its string. */
const ELEMENT_OVERHEAD_MAX = 10;
/** The greatest integer whose head is the integer itself. */
const COUNT_SHORT_MAX: number = STRING6 - 1;
/** Where a listpack's first element stands. */
const COUNT_POS = HEADER_SIZE;

/** The fields and values of an entry that is added: slices of a command's bytes, by index. */
export interface Pairs {
  readonly bytes: Buffer;
  start(index: number): number;
  end(index: number): number;
}

/** What `StreamNodes.readEntry` found. */
export class NodeEntry {
  deleted = false;
  /** Pairs of a field and a value. */
  fields = 0;
  /** The fields are those of the master entry. */
  sameFields = false;
  /** Where the first value stands, or if the entry has its own fields, the first field. */
  body = 0;
}

export class StreamNodes {
  readonly #arena: Arena;
  readonly #listpack: Listpack;

  constructor(arena: Arena, listpack: Listpack) {
    this.#arena = arena;
    this.#listpack = listpack;
  }

  /** Makes a node with one entry. @param from index of the first field. */
  create(pairs: Pairs, from: number, count: number, sizeHint: number): Ref {
    const { bytes } = pairs;
    const listpack = this.#listpack;
    let node = listpack.create(sizeHint);
    node = listpack.appendInteger(node, 1, 0);
    node = listpack.appendInteger(node, 0, 0);
    node = listpack.appendInteger(node, count, 0);
    for (let i = 0, at = from; i < count; i++, at += 2) {
      node = listpack.append(node, bytes, pairs.start(at), pairs.end(at));
    }
    node = listpack.appendInteger(node, 0, 0);
    node = listpack.appendInteger(node, FLAG_SAME_FIELDS, 0);
    node = listpack.appendInteger(node, 0, 0);
    node = listpack.appendInteger(node, 0, 0);
    for (let i = 0, at = from + 1; i < count; i++, at += 2) {
      node = listpack.append(node, bytes, pairs.start(at), pairs.end(at));
    }
    return listpack.appendInteger(node, ENTRY_ELEMENTS + count, 0);
  }

  /** Adds an entry at the end. @param sizeMax the node is not expected to grow beyond that. */
  append(
    node: Ref,
    master: StreamId,
    id: StreamId,
    pairs: Pairs,
    from: number,
    count: number,
    sizeMax: number,
  ): Ref {
    const listpack = this.#listpack;
    const same = this.#hasFields(node, pairs, from, count);
    const at = this.#reserve(node, pairs, from, count, sizeMax);
    // All elements are written in one go, into the room that was made for them.
    const bytes = this.#bytes(at);
    const base = baseOf(at);
    let pos = base + this.endPos(at);
    pos = putInteger(bytes, pos, same ? FLAG_SAME_FIELDS : 0, 0);
    subtract(id.msLow, id.msHigh, master.msLow, master.msHigh);
    pos = putInteger(bytes, pos, int64.low, int64.high);
    subtract(id.seqLow, id.seqHigh, master.seqLow, master.seqHigh);
    pos = putInteger(bytes, pos, int64.low, int64.high);
    if (!same) pos = putInteger(bytes, pos, count, 0);
    const { bytes: source } = pairs;
    const step = same ? 2 : 1;
    const end = from + 2 * count;
    for (let i = from + step - 1; i < end; i += step) {
      pos = putBytes(bytes, pos, source, pairs.start(i), pairs.end(i));
    }
    const size = ENTRY_ELEMENTS + (same ? count : 2 * count + 1);
    pos = putInteger(bytes, pos, size, 0);
    listpack.extend(at, pos - base, size + 1);
    const live = bytes[base + COUNT_POS]!;
    if (live >= COUNT_SHORT_MAX) {
      return listpack.replaceInteger(at, COUNT_POS, this.live(at) + 1, 0);
    }
    // It stays in the same form.
    bytes[base + COUNT_POS] = live + 1;
    return at;
  }

  /** Entries that are not deleted. */
  live(node: Ref): number {
    this.#listpack.readInteger(node, COUNT_POS);
    return int64.low;
  }

  /** Entries marked as deleted. */
  deleted(node: Ref): number {
    this.#listpack.readInteger(node, this.#deletedPos(node));
    return int64.low;
  }

  /** Where the master entry's fields begin; leaves their number in `int64.low`. */
  fieldsPos(node: Ref): number {
    const bytes = this.#bytes(node);
    const base = baseOf(node);
    let at = base + COUNT_POS;
    at += entrySize(bytes, at);
    at += entrySize(bytes, at);
    decodeInteger(bytes, at);
    return at + entrySize(bytes, at) - base;
  }

  /** Where the first entry begins. */
  firstPos(node: Ref): number {
    const pos = this.fieldsPos(node);
    return this.skip(node, pos, int64.low + 1);
  }

  /** Where the elements end. */
  endPos(node: Ref): number {
    return this.#listpack.byteLength(node) - 1;
  }

  isEnd(node: Ref, pos: number): boolean {
    return this.#bytes(node)[baseOf(node) + pos] === END;
  }

  /** The position `count` elements on. */
  skip(node: Ref, pos: number, count: number): number {
    const bytes = this.#bytes(node);
    const base = baseOf(node);
    let at = base + pos;
    for (let left = count; left > 0; left--) at += entrySize(bytes, at);
    return at - base;
  }

  /** Where the entry begins that ends before `pos`, or 0 if the master entry does. */
  entryBefore(node: Ref, pos: number): number {
    const bytes = this.#bytes(node);
    const base = baseOf(node);
    let at = entryBefore(bytes, base + pos);
    decodeInteger(bytes, at);
    if (int64.low === 0) return 0;
    for (let left = int64.low; left > 0; left--) at = entryBefore(bytes, at);
    return at - base;
  }

  /** Reads the beginning of the entry at `pos` and its id. @param masterFields the number of the master entry's fields */
  readEntry(
    node: Ref,
    pos: number,
    master: StreamId,
    masterFields: number,
    id: StreamId,
    out: NodeEntry,
  ): void {
    const bytes = this.#bytes(node);
    const base = baseOf(node);
    let at = base + pos;
    decodeInteger(bytes, at);
    const flags = int64.low;
    out.deleted = (flags & FLAG_DELETED) !== 0;
    out.sameFields = (flags & FLAG_SAME_FIELDS) !== 0;
    at += entrySize(bytes, at);
    decodeInteger(bytes, at);
    let low = (master.msLow >>> 0) + (int64.low >>> 0);
    id.msHigh = (master.msHigh + int64.high + (low > 0xffffffff ? 1 : 0)) | 0;
    id.msLow = low | 0;
    at += entrySize(bytes, at);
    decodeInteger(bytes, at);
    low = (master.seqLow >>> 0) + (int64.low >>> 0);
    id.seqHigh = (master.seqHigh + int64.high + (low > 0xffffffff ? 1 : 0)) | 0;
    id.seqLow = low | 0;
    at += entrySize(bytes, at);
    if (out.sameFields) {
      out.fields = masterFields;
    } else {
      decodeInteger(bytes, at);
      out.fields = int64.low;
      at += entrySize(bytes, at);
    }
    out.body = at - base;
  }

  /** Marks the entry at `pos`, which is not deleted yet. Counts nothing; nothing moves, in whatever form the flags are. */
  mark(node: Ref, pos: number): void {
    const bytes = this.#bytes(node);
    const at = baseOf(node) + pos;
    // The lowest bits are in the head itself, or in the byte behind it.
    bytes[bytes[at]! < STRING6 ? at : at + 1]! |= FLAG_DELETED;
  }

  /** Moves entries that were marked from the count of live ones to that of deleted ones. */
  countMarked(node: Ref, marked: number): Ref {
    const live = this.live(node) - marked;
    const at = this.#listpack.replaceInteger(node, COUNT_POS, live, 0);
    return this.#listpack.replaceInteger(at, this.#deletedPos(at), this.deleted(at) + marked, 0);
  }

  /** Moves the node to the smallest block that holds it. */
  shrinkToFit(node: Ref): Ref {
    const listpack = this.#listpack;
    if (Arena.blockSize(listpack.byteLength(node)) === this.#arena.sizeOf(node)) return node;
    const fitting = listpack.duplicate(node);
    listpack.free(node);
    return fitting;
  }

  #bytes(node: Ref): Buffer {
    return this.#arena.bytes[node >>> SEGMENT_SHIFT]!;
  }

  #deletedPos(node: Ref): number {
    return COUNT_POS + entrySize(this.#bytes(node), baseOf(node) + COUNT_POS);
  }

  /** Whether the master entry has the same fields in the same order. */
  #hasFields(node: Ref, pairs: Pairs, from: number, count: number): boolean {
    let pos = this.fieldsPos(node);
    if (int64.low !== count) return false;
    const { bytes } = pairs;
    for (let i = 0, at = from; i < count; i++, at += 2) {
      if (!this.#listpack.equals(node, pos, bytes, pairs.start(at), pairs.end(at))) return false;
      pos = this.skip(node, pos, 1);
    }
    return true;
  }

  /** Makes room for an entry, and some for those that follow, so that a node is not moved with each. */
  #reserve(node: Ref, pairs: Pairs, from: number, count: number, sizeMax: number): Ref {
    const needed = entrySizeMax(pairs, from, count);
    const size = this.#listpack.byteLength(node);
    if (size + needed <= this.#arena.sizeOf(node)) return node;
    const spare = Math.min(size, Math.max(0, sizeMax - size - needed));
    return this.#listpack.reserve(node, needed + spare);
  }
}

/** No entry of these pairs takes more bytes in a node. */
export function entrySizeMax(pairs: Pairs, from: number, count: number): number {
  return bytesOf(pairs, from, count) + (2 * count + ENTRY_ELEMENTS + 2) * ELEMENT_OVERHEAD_MAX;
}

/** Bytes of all fields and values. */
export function bytesOf(pairs: Pairs, from: number, count: number): number {
  let size = 0;
  for (let at = from; at < from + 2 * count; at++) size += pairs.end(at) - pairs.start(at);
  return size;
}

/** Leaves the difference of two unsigned integers, which wraps, in `int64`. */
function subtract(lowA: number, highA: number, lowB: number, highB: number): void {
  int64.low = (lowA - lowB) | 0;
  int64.high = (highA - highB - (lowA >>> 0 < lowB >>> 0 ? 1 : 0)) | 0;
}

/** Index of the block's first byte in its segment. */
function baseOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) * UNIT;
}
