/**
 * An intset: a set of 64-bit integers in one block, sorted, without a pointer.
 *
 *   0  encoding  u32   bytes of an integer: 2, 4 or 8
 *   4  length    u32   integers
 *   8                  the integers, least significant byte first, in growing order
 *
 * These are the bytes of Redis's intset: a block goes into an RDB file, and comes from one, as it is.
 *
 * All integers have the width of the widest that was ever added: n integers take 8 + 2n, 8 + 4n or 8 + 8n bytes. An integer is
 * given and read as two words, since JavaScript numbers are exact to 2^53 only. What changes an intset returns the block's
 * ref, which may be a new one: the old one is free then. A block grows into the room that its size class leaves before it
 * moves, and moves to a smaller one when more than half of it is unused.
 *
 * Nothing is allocated on the JavaScript heap. Looking for an integer takes logarithmic time, a change as long as moving
 * the bytes behind it.
 */
import { copyBytes } from "../base/bytes.ts";
import { int64 } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { BLOCK_SIZE_MAX, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { CLASS_SIZE_MAX, UNIT } from "../memory/size-classes.ts";

const HEADER_SIZE = 8;

// Words of the block.
const WIDTH = 0;
const COUNT = 1;
const FIRST = 2;

/** The least width: that of an intset which never held an integer beyond 16 bits. */
const WIDTH_MIN = 2;

export class Intset {
  readonly #arena: Arena;
  /** Where the last `#search` found the integer, or where it belongs. */
  #index = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Whether bytes from outside are an intset; only then `load` may take them. Never throws, reads nothing else. */
  static validate(bytes: Buffer, start: number, end: number): boolean {
    const size = end - start;
    if (size < HEADER_SIZE || size > BLOCK_SIZE_MAX) return false;
    const width = bytes.readUInt32LE(start);
    const count = bytes.readUInt32LE(start + 4);
    if (width !== 2 && width !== 4 && width !== 8) return false;
    if (count === 0 || size !== HEADER_SIZE + count * width) return false;
    let low = 0;
    let high = 0;
    for (let at = start + HEADER_SIZE; at < end; at += width) {
      const nextLow = width === 2 ? bytes.readInt16LE(at) : bytes.readInt32LE(at);
      const nextHigh = width === 8 ? bytes.readInt32LE(at + 4) : nextLow >> 31;
      if (at > start + HEADER_SIZE && compare(low, high, nextLow, nextHigh) >= 0) return false;
      low = nextLow;
      high = nextHigh;
    }
    return true;
  }

  // ---- the block ----

  /** Makes an empty intset. */
  create(): Ref {
    const ref = this.#arena.allocate(HEADER_SIZE);
    const words = this.#wordsOf(ref);
    const base = wordOf(ref);
    words[base + WIDTH] = WIDTH_MIN;
    words[base + COUNT] = 0;
    return ref;
  }

  /** Makes an intset of bytes that `validate` passes. */
  load(bytes: Buffer, start: number, end: number): Ref {
    const ref = this.#arena.allocate(end - start);
    copyBytes(this.#bytesOf(ref), baseOf(ref), bytes, start, end);
    return ref;
  }

  /** Makes a copy, without its room to grow. */
  duplicate(ref: Ref): Ref {
    const base = baseOf(ref);
    return this.load(this.#bytesOf(ref), base, base + this.byteLength(ref));
  }

  free(ref: Ref): void {
    this.#arena.free(ref);
  }

  /** Bytes of the intset with its header; the block may be larger. */
  byteLength(ref: Ref): number {
    const words = this.#wordsOf(ref);
    const base = wordOf(ref);
    return HEADER_SIZE + words[base + COUNT]! * words[base + WIDTH]!;
  }

  /** All bytes of the intset, as they go into a dump. */
  whole(ref: Ref, out: Slice): void {
    const base = baseOf(ref);
    out.set(this.#bytesOf(ref), base, base + this.byteLength(ref));
  }

  /** Integers in the set. */
  count(ref: Ref): number {
    return this.#wordsOf(ref)[wordOf(ref) + COUNT]!;
  }

  // ---- reading ----

  /** Leaves the integer of an index in `int64`; index 0 is the least. @param index below the count */
  read(ref: Ref, index: number): void {
    this.#read(this.#wordsOf(ref), wordOf(ref), index);
  }

  /** Whether the integer of the two words is in the set. */
  has(ref: Ref, low: number, high: number): boolean {
    return this.#search(ref, low, high);
  }

  // ---- changing ----

  /** Adds the integer of the two words, unless it is there: `count` tells. */
  add(ref: Ref, low: number, high: number): Ref {
    const words = this.#wordsOf(ref);
    const base = wordOf(ref);
    const width = words[base + WIDTH]!;
    const count = words[base + COUNT]!;
    const needed = widthOf(low, high);
    if (needed > width) return this.#widen(ref, needed, low, high);
    if (this.#search(ref, low, high)) return ref;
    const index = this.#index;
    const total = HEADER_SIZE + (count + 1) * width;
    const at = total <= this.#arena.sizeOf(ref) ? ref : this.#move(ref, roomyCapacity(total));
    const bytes = this.#bytesOf(at);
    const place = baseOf(at) + HEADER_SIZE + index * width;
    if (index < count) bytes.copyWithin(place + width, place, baseOf(at) + total - width);
    writeInteger(bytes, place, width, low, high);
    this.#wordsOf(at)[wordOf(at) + COUNT] = count + 1;
    return at;
  }

  /** Removes the integer of the two words, if it is there: `count` tells. */
  remove(ref: Ref, low: number, high: number): Ref {
    return this.#search(ref, low, high) ? this.removeAt(ref, this.#index) : ref;
  }

  /** Removes the integer of an index. @param index below the count */
  removeAt(ref: Ref, index: number): Ref {
    const words = this.#wordsOf(ref);
    const base = wordOf(ref);
    const width = words[base + WIDTH]!;
    const count = words[base + COUNT]! - 1;
    const bytes = this.#bytesOf(ref);
    const place = baseOf(ref) + HEADER_SIZE + index * width;
    if (index < count) {
      bytes.copyWithin(place, place + width, place + width * (count - index + 1));
    }
    words[base + COUNT] = count;
    const total = HEADER_SIZE + count * width;
    return total < this.#arena.sizeOf(ref) / 2 ? this.#move(ref, total) : ref;
  }

  // ---- inside ----

  /** Looks for an integer; leaves its index, or the one at which it would stand, in `#index`. */
  #search(ref: Ref, low: number, high: number): boolean {
    const words = this.#wordsOf(ref);
    const base = wordOf(ref);
    const width = words[base + WIDTH]!;
    const data = base + FIRST;
    let from = 0;
    let to = words[base + COUNT]!;
    if (width < 8) {
      if (high !== low >> 31) {
        this.#index = high < 0 ? 0 : to;
        return false;
      }
      while (from < to) {
        const middle = (from + to) >>> 1;
        const value = width === 4 ? words[data + middle]! : shortAt(words, data, middle);
        if (value === low) {
          this.#index = middle;
          return true;
        }
        if (value < low) from = middle + 1;
        else to = middle;
      }
      this.#index = from;
      return false;
    }
    while (from < to) {
      const middle = (from + to) >>> 1;
      const at = data + middle * 2;
      const order = compare(words[at]!, words[at + 1]!, low, high);
      if (order === 0) {
        this.#index = middle;
        return true;
      }
      if (order < 0) from = middle + 1;
      else to = middle;
    }
    this.#index = from;
    return false;
  }

  #read(words: Int32Array, base: number, index: number): void {
    const width = words[base + WIDTH]!;
    const data = base + FIRST;
    if (width === 8) {
      int64.low = words[data + index * 2]!;
      int64.high = words[data + index * 2 + 1]!;
      return;
    }
    const value = width === 4 ? words[data + index]! : shortAt(words, data, index);
    int64.low = value;
    int64.high = value >> 31;
  }

  /** Makes every integer as wide as one that is added, which is therefore the least or the greatest of all. */
  #widen(ref: Ref, width: number, low: number, high: number): Ref {
    const count = this.count(ref);
    const result = this.#arena.allocate(roomyCapacity(HEADER_SIZE + (count + 1) * width));
    const words = this.#wordsOf(ref);
    const base = wordOf(ref);
    const bytes = this.#bytesOf(result);
    const start = baseOf(result) + HEADER_SIZE;
    const shift = high < 0 ? 1 : 0;
    for (let index = 0; index < count; index++) {
      this.#read(words, base, index);
      writeInteger(bytes, start + (index + shift) * width, width, int64.low, int64.high);
    }
    writeInteger(bytes, start + (high < 0 ? 0 : count) * width, width, low, high);
    const resultWords = this.#wordsOf(result);
    resultWords[wordOf(result) + WIDTH] = width;
    resultWords[wordOf(result) + COUNT] = count + 1;
    this.#arena.free(ref);
    return result;
  }

  /** The same in another block, of `capacity` bytes. */
  #move(ref: Ref, capacity: number): Ref {
    const result = this.#arena.allocate(capacity);
    const base = baseOf(ref);
    const end = base + this.byteLength(ref);
    copyBytes(this.#bytesOf(result), baseOf(result), this.#bytesOf(ref), base, end);
    this.#arena.free(ref);
    return result;
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }

  #bytesOf(ref: Ref): Buffer {
    return this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
  }
}

/** Bytes that an integer needs. */
function widthOf(low: number, high: number): number {
  if (high !== low >> 31) return 8;
  return low === (low << 16) >> 16 ? 2 : 4;
}

/** The 16-bit integer of an index, two of which share a word. */
function shortAt(words: Int32Array, data: number, index: number): number {
  const word = words[data + (index >>> 1)]!;
  return (index & 1) === 0 ? (word << 16) >> 16 : word >> 16;
}

/** Negative, zero or positive as the first integer is less than, equal to or greater than the second. */
function compare(lowA: number, highA: number, lowB: number, highB: number): number {
  if (highA !== highB) return highA < highB ? -1 : 1;
  if (lowA === lowB) return 0;
  return lowA >>> 0 < lowB >>> 0 ? -1 : 1;
}

function writeInteger(bytes: Buffer, at: number, width: number, low: number, high: number): void {
  for (let i = 0; i < width && i < 4; i++) bytes[at + i] = low >> (8 * i);
  for (let i = 4; i < width; i++) bytes[at + i] = high >> (8 * (i - 4));
}

/** Size of the block to move to for `total` bytes. */
function roomyCapacity(total: number): number {
  // The steps of the size classes make growing geometric; above the largest class it takes a reserve.
  if (total <= CLASS_SIZE_MAX) return total;
  return Math.max(total, Math.min(total + (total >>> 3), BLOCK_SIZE_MAX));
}

/** Index of the block's first byte in its segment's byte view. */
function baseOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) * UNIT;
}

/** Index of the block's first word in its segment's word view. */
function wordOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) << 2;
}
