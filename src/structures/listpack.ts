/**
 * A listpack: a short list of byte strings and integers in one block, without a pointer. Small hashes, sets and sorted
 * sets, the nodes of lists and those of streams are made of it.
 *
 *   0  total     u32   bytes from here to the end byte, which is counted
 *   4  count     u16   elements, or 65535 where they are not counted
 *   6  entries         one after another, see listpack-entry.ts
 *      FF              the end byte
 *
 * These are the bytes of Redis's listpack: a block goes into an RDB file, and comes from one, as it is.
 *
 * An element is named by its position, the offset of its entry in the block; 0 names none. A position stays good while
 * nothing before it changes, also when the block moves. What changes a listpack returns the block's ref, which may be a new
 * one: the old one is free then. A block grows into the room that its size class leaves before it moves, and moves to a
 * smaller one when more than half of it is unused.
 *
 * Nothing is allocated on the JavaScript heap. A step to a neighbour takes constant time, a change as long as moving the
 * bytes behind it; `at`, `find`, `removeRange` and `split` walk, and so does `count` where the header does not know.
 */
import { assert } from "../base/assert.ts";
import { copyBytes, equalBytes, moveBytes } from "../base/bytes.ts";
import { INT64_DIGITS_MAX, int64, writeInt64 } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { Arena, BLOCK_SIZE_MAX, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { CLASS_SIZE_MAX, UNIT } from "../memory/size-classes.ts";
import { COUNT_AT, COUNT_UNKNOWN, EMPTY_SIZE, HEADER_SIZE, isListpack } from "./listpack-check.ts";
import {
  END,
  INT13,
  SHORT_MAX,
  SHORT_OVERHEAD,
  STRING6,
  backSize,
  beginsAsText,
  bodySize,
  decodeInteger,
  entryBefore,
  entrySize,
  formOf,
  formSize,
  integerForm,
  isIntegerHead,
  parseCanonical,
  putShort,
  stringHeadSize,
  writeInteger,
  writeString,
} from "./listpack-entry.ts";

/** Owners turn to another encoding instead of growing a listpack beyond this, as in Redis. */
const SAFE_SIZE_MAX: number = 1024 * 1024 * 1024;

/** Integers that are being looked at as bytes at one time. */
const SCRATCH_SLOTS = 4;
const SCRATCH_SLOT_SIZE = 32;

assert(SCRATCH_SLOT_SIZE >= INT64_DIGITS_MAX, "a slot holds any integer");

export class Listpack {
  readonly #arena: Arena;
  readonly #scratch: Buffer = Buffer.alloc(SCRATCH_SLOTS * SCRATCH_SLOT_SIZE);
  #scratchAt = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Whether bytes from outside are a listpack; only then `load` may take them. Never throws, reads nothing else. */
  static validate(bytes: Buffer, start: number, end: number): boolean {
    return end - start <= BLOCK_SIZE_MAX && isListpack(bytes, start, end);
  }

  // ---- the block ----

  /** Makes an empty listpack. @param capacityHint bytes that it will soon have */
  create(capacityHint = 0): Ref {
    const ref = this.#arena.allocate(Math.max(capacityHint, EMPTY_SIZE));
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    this.#setTotal(ref, EMPTY_SIZE);
    setCount(bytes, base, 0);
    bytes[base + HEADER_SIZE] = END;
    return ref;
  }

  /** Makes a listpack of bytes that `validate` passes. */
  load(bytes: Buffer, start: number, end: number): Ref {
    const ref = this.#arena.allocate(end - start);
    copyBytes(this.#arena.bytes[ref >>> SEGMENT_SHIFT]!, baseOf(ref), bytes, start, end);
    return ref;
  }

  /** Makes a copy, without its room to grow. */
  duplicate(ref: Ref): Ref {
    const total = this.byteLength(ref);
    const copy = this.#arena.allocate(total);
    const from = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const to = this.#arena.bytes[copy >>> SEGMENT_SHIFT]!;
    copyBytes(to, baseOf(copy), from, baseOf(ref), baseOf(ref) + total);
    return copy;
  }

  free(ref: Ref): void {
    this.#arena.free(ref);
  }

  /** Bytes of the listpack, header and end byte included; the block may be larger. */
  byteLength(ref: Ref): number {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]![(ref & SEGMENT_MASK) << 2]! >>> 0;
  }

  /** All bytes of the listpack, as they go into a dump. */
  whole(ref: Ref, out: Slice): void {
    const base = baseOf(ref);
    out.set(this.#arena.bytes[ref >>> SEGMENT_SHIFT]!, base, base + this.byteLength(ref));
  }

  /** Whether elements of `bytes` bytes may be added. To be asked first where sizes are not limited otherwise. */
  fits(ref: Ref, bytes: number): boolean {
    return this.byteLength(ref) + bytes <= SAFE_SIZE_MAX;
  }

  /** Moves the listpack to a smaller block if more than half of this one is unused. */
  shrink(ref: Ref): Ref {
    const total = this.byteLength(ref);
    return this.#isWasteful(ref, total) ? this.#move(ref, total, 0, 0, total) : ref;
  }

  /** Moves the listpack to a smaller block if one of another size class is enough. */
  fit(ref: Ref): Ref {
    const total = this.byteLength(ref);
    return Arena.blockSize(total) < this.#arena.sizeOf(ref)
      ? this.#move(ref, total, 0, 0, total)
      : ref;
  }

  /** Makes room for `bytes` more at once, for a caller that adds many elements: entries take up to 10 bytes beside a string. */
  reserve(ref: Ref, bytes: number): Ref {
    const total = this.byteLength(ref);
    if (total + bytes <= this.#arena.sizeOf(ref)) return ref;
    return this.#move(ref, total, 0, 0, total + bytes);
  }

  // ---- walking ----

  /** Elements of the listpack. Counts them if there may be too many for the header. */
  count(ref: Ref): number {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    const known = countOf(bytes, base);
    if (known !== COUNT_UNKNOWN) return known;
    const count = entriesFrom(bytes, base + HEADER_SIZE);
    if (count < COUNT_UNKNOWN) setCount(bytes, base, count);
    return count;
  }

  first(ref: Ref): number {
    return this.orNone(ref, HEADER_SIZE);
  }

  last(ref: Ref): number {
    return this.prev(ref, this.byteLength(ref) - 1);
  }

  /** The element after the one at `pos`. */
  next(ref: Ref, pos: number): number {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    const at = pos + entrySize(bytes, base + pos);
    return bytes[base + at] === END ? 0 : at;
  }

  /** The element before the one at `pos`. */
  prev(ref: Ref, pos: number): number {
    if (pos === HEADER_SIZE) return 0;
    const base = baseOf(ref);
    return entryBefore(this.#arena.bytes[ref >>> SEGMENT_SHIFT]!, base + pos) - base;
  }

  /** `pos` if an element stands there, 0 if the listpack ends there: what follows a removed element is at its position. */
  orNone(ref: Ref, pos: number): number {
    return this.#arena.bytes[ref >>> SEGMENT_SHIFT]![baseOf(ref) + pos] === END ? 0 : pos;
  }

  /** The element of an index, counted from the end where it is negative: -1 is the last. */
  at(ref: Ref, index: number): number {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    const count = countOf(bytes, base);
    let steps = index;
    if (count !== COUNT_UNKNOWN) {
      if (index >= count || index < -count) return 0;
      // From the nearer end.
      if (index < 0 && -index > count / 2) steps = count + index;
      else if (index > count / 2) steps = index - count;
    }
    const first = base + HEADER_SIZE;
    if (steps >= 0) {
      let at = first;
      for (; bytes[at] !== END; at += entrySize(bytes, at)) if (steps-- === 0) return at - base;
      return 0;
    }
    let at = base + this.byteLength(ref) - 1;
    for (; at !== first && steps < 0; steps++) at = entryBefore(bytes, at);
    return steps === 0 ? at - base : 0;
  }

  // ---- reading ----

  /**
   * The bytes of an element. Those of a string are the arena's and good until it next allocates or frees; an integer is
   * written in decimal to a scratch that the fourth integer read after it takes again.
   */
  read(ref: Ref, pos: number, out: Slice): void {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const at = baseOf(ref) + pos;
    const head = bytes[at]!;
    if (head >= STRING6 && head < INT13) {
      out.set(bytes, at + 1, at + 1 + head - STRING6);
    } else if (isIntegerHead(head)) {
      decodeInteger(bytes, at);
      const start = this.#scratchAt;
      this.#scratchAt = (start + SCRATCH_SLOT_SIZE) % this.#scratch.length;
      out.set(this.#scratch, start, writeInt64(this.#scratch, start, int64.low, int64.high));
    } else {
      out.set(bytes, at + stringHeadSize(head), at + bodySize(bytes, at));
    }
  }

  /**
   * Like `read`, but an integer is written to `digits` from `at` on (INT64_DIGITS_MAX bytes). For whoever walks over many elements
   * while somebody else may still look at one that `read` gave out.
   */
  readApart(ref: Ref, pos: number, out: Slice, digits: Buffer, at: number): void {
    if (!this.readInteger(ref, pos)) return this.read(ref, pos, out);
    out.set(digits, at, writeInt64(digits, at, int64.low, int64.high));
  }

  isInteger(ref: Ref, pos: number): boolean {
    return isIntegerHead(this.#arena.bytes[ref >>> SEGMENT_SHIFT]![baseOf(ref) + pos]!);
  }

  /** Whether an element is stored as an integer; if so it is left in `int64`, without being formatted. */
  readInteger(ref: Ref, pos: number): boolean {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const at = baseOf(ref) + pos;
    if (!isIntegerHead(bytes[at]!)) return false;
    decodeInteger(bytes, at);
    return true;
  }

  /** Whether an element is source[start, end). */
  equals(ref: Ref, pos: number, source: Buffer, start: number, end: number): boolean {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const at = baseOf(ref) + pos;
    const head = bytes[at]!;
    if (!isIntegerHead(head)) {
      const data = at + stringHeadSize(head);
      const length = at + bodySize(bytes, at) - data;
      return length === end - start && equalBytes(bytes, data, source, start, length);
    }
    if (!parseCanonical(source, start, end)) return false;
    const low = int64.low;
    const high = int64.high;
    decodeInteger(bytes, at);
    return int64.low === low && int64.high === high;
  }

  /**
   * The first element that is source[start, end), looking at the one at `from`, and at every one that comes `skip` elements
   * after one that was looked at: 1 looks at the fields of a hash only.
   * @param from where to begin; 0 finds nothing
   */
  find(ref: Ref, source: Buffer, start: number, end: number, from: number, skip: number): number {
    if (from === 0) return 0;
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    const length = end - start;
    const shortHead = length < 64 ? STRING6 + length : -1;
    // Whether the wanted bytes are an integer is asked when the first integer is met.
    let parsed = false;
    let wantedInteger = false;
    let low = 0;
    let high = 0;
    let at = base + from;
    for (;;) {
      const head = bytes[at]!;
      if (head >= STRING6 && head < INT13) {
        if (head === shortHead && sameBytes(bytes, at + 1, source, start, length)) return at - base;
        at += head - STRING6 + 2;
      } else if (head === END) {
        return 0;
      } else if (isIntegerHead(head)) {
        if (!parsed) {
          parsed = true;
          wantedInteger = parseCanonical(source, start, end);
          low = int64.low;
          high = int64.high;
        }
        if (wantedInteger) {
          decodeInteger(bytes, at);
          if (int64.low === low && int64.high === high) return at - base;
        }
        at += entrySize(bytes, at);
      } else {
        const body = bodySize(bytes, at);
        const data = at + stringHeadSize(head);
        if (at + body - data === length && equalBytes(bytes, data, source, start, length)) {
          return at - base;
        }
        at += body + backSize(body);
      }
      for (let left = skip; left > 0 && bytes[at] !== END; left--) at += entrySize(bytes, at);
    }
  }

  // ---- changing; source bytes must not lie in the block that is changed ----

  append(ref: Ref, source: Buffer, start: number, end: number): Ref {
    const words = this.#arena.words[ref >>> SEGMENT_SHIFT]!;
    const at = (ref & SEGMENT_MASK) << 2;
    const total = words[at]! >>> 0;
    if (this.#isShort(ref, total, source, start, end)) {
      const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
      const next = putShort(bytes, baseOf(ref) + total - 1, source, start, end);
      bytes[next] = END;
      words[at] = next + 1 - baseOf(ref);
      // The count is the low half of the second word. One that reaches 65535 says from then on that it is unknown.
      if ((words[at + 1]! & COUNT_UNKNOWN) !== COUNT_UNKNOWN) words[at + 1]!++;
      return ref;
    }
    return this.#put(ref, total - 1, 0, source, start, end);
  }

  prepend(ref: Ref, source: Buffer, start: number, end: number): Ref {
    const total = this.byteLength(ref);
    if (this.#isShort(ref, total, source, start, end)) {
      const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
      const first = baseOf(ref) + HEADER_SIZE;
      const added = end - start + SHORT_OVERHEAD;
      moveBytes(bytes, first + added, first, baseOf(ref) + total);
      putShort(bytes, first, source, start, end);
      this.#setTotal(ref, total + added);
      this.#addCount(ref, 1);
      return ref;
    }
    return this.#put(ref, HEADER_SIZE, 0, source, start, end);
  }

  /** Inserts an element that takes the position `pos`; the one that stood there comes next. */
  insertBefore(ref: Ref, pos: number, source: Buffer, start: number, end: number): Ref {
    return this.#put(ref, pos, 0, source, start, end);
  }

  /** Inserts an element behind the one at `pos`. */
  insertAfter(ref: Ref, pos: number, source: Buffer, start: number, end: number): Ref {
    return this.#put(ref, pos + this.#sizeAt(ref, pos), 0, source, start, end);
  }

  /** Puts another element in the place of the one at `pos`, at the same position. */
  replace(ref: Ref, pos: number, source: Buffer, start: number, end: number): Ref {
    return this.#put(ref, pos, this.#sizeAt(ref, pos), source, start, end);
  }

  /** Appends the integer of the two words. */
  appendInteger(ref: Ref, low: number, high: number): Ref {
    return this.#putInteger(ref, this.byteLength(ref) - 1, 0, low, high);
  }

  /**
   * Counts elements that the caller has written behind the last one, into room that it had reserved.
   * @param end where the last of them ends @param count how many they are
   */
  extend(ref: Ref, end: number, count: number): void {
    this.#arena.bytes[ref >>> SEGMENT_SHIFT]![baseOf(ref) + end] = END;
    this.#setTotal(ref, end + 1);
    this.#addCount(ref, count);
  }

  /** Inserts the integer of the two words; it takes the position `pos`. */
  insertIntegerBefore(ref: Ref, pos: number, low: number, high: number): Ref {
    return this.#putInteger(ref, pos, 0, low, high);
  }

  /** Puts the integer of the two words in the place of the element at `pos`. */
  replaceInteger(ref: Ref, pos: number, low: number, high: number): Ref {
    return this.#putInteger(ref, pos, this.#sizeAt(ref, pos), low, high);
  }

  /** Removes an element; the one after it, if any, is at `pos` then. */
  remove(ref: Ref, pos: number): Ref {
    const words = this.#arena.words[ref >>> SEGMENT_SHIFT]!;
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const at = (ref & SEGMENT_MASK) << 2;
    const end = baseOf(ref) + pos;
    const size = entrySize(bytes, end);
    // The last one is only cut off, unless the block becomes too large.
    if (pos + size + 1 === words[at]! >>> 0 && !this.#isWasteful(ref, pos + 1)) {
      bytes[end] = END;
      words[at] = pos + 1;
      if ((words[at + 1]! & COUNT_UNKNOWN) !== COUNT_UNKNOWN) words[at + 1]!--;
      return ref;
    }
    this.#addCount(ref, -1);
    return this.#splice(ref, pos, size, 0);
  }

  /** Removes up to `count` elements, beginning with the one at `pos`; the one after them, if any, is at `pos` then. */
  removeRange(ref: Ref, pos: number, count: number): Ref {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const start = baseOf(ref) + pos;
    let at = start;
    let removed = 0;
    for (; removed < count && bytes[at] !== END; removed++) at += entrySize(bytes, at);
    if (removed === 0) return ref;
    this.#addCount(ref, -removed);
    return this.#splice(ref, pos, at - start, 0);
  }

  /** Appends all elements of `other` to those of `ref`. The block of `other` is freed. */
  concat(ref: Ref, other: Ref): Ref {
    assert(ref !== other, "listpack: a block can't be appended to itself");
    const added = this.byteLength(other) - EMPTY_SIZE;
    const pos = this.byteLength(ref) - 1;
    const count = countOf(this.#arena.bytes[ref >>> SEGMENT_SHIFT]!, baseOf(ref));
    const from = this.#arena.bytes[other >>> SEGMENT_SHIFT]!;
    const fromBase = baseOf(other);
    const total = count + countOf(from, fromBase);
    const result = this.#splice(ref, pos, 0, added);
    const to = this.#arena.bytes[result >>> SEGMENT_SHIFT]!;
    const base = baseOf(result);
    const start = fromBase + HEADER_SIZE;
    copyBytes(to, base + pos, from, start, start + added);
    setCount(to, base, Math.min(total, COUNT_UNKNOWN));
    this.#arena.free(other);
    return result;
  }

  /**
   * Moves the elements from `pos` on to a listpack of their own and returns its block. What stays is in the block that it
   * was in: `shrink` gives back what it no longer needs.
   */
  split(ref: Ref, pos: number): Ref {
    const total = this.byteLength(ref);
    const other = this.create(total - pos + HEADER_SIZE);
    const from = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const to = this.#arena.bytes[other >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    const otherBase = baseOf(other);
    copyBytes(to, otherBase + HEADER_SIZE, from, base + pos, base + total);
    this.#setTotal(other, total - pos + HEADER_SIZE);
    const moved = entriesFrom(to, otherBase + HEADER_SIZE);
    setCount(to, otherBase, Math.min(moved, COUNT_UNKNOWN));
    from[base + pos] = END;
    this.#setTotal(ref, pos + 1);
    this.#addCount(ref, -moved);
    return other;
  }

  // ---- inside ----

  #sizeAt(ref: Ref, pos: number): number {
    return entrySize(this.#arena.bytes[ref >>> SEGMENT_SHIFT]!, baseOf(ref) + pos);
  }

  #setTotal(ref: Ref, total: number): void {
    this.#arena.words[ref >>> SEGMENT_SHIFT]![(ref & SEGMENT_MASK) << 2] = total;
  }

  /**
   * Whether source[start, end) is a short string, no integer, that the block has room for: most of what is added to lists, and
   * a third less work without asking what else it might be.
   */
  #isShort(ref: Ref, total: number, source: Buffer, start: number, end: number): boolean {
    const length = end - start;
    return (
      length > 0 &&
      length <= SHORT_MAX &&
      beginsAsText(source[start]!) &&
      total + length + SHORT_OVERHEAD <= this.#arena.sizeOf(ref) &&
      source !== this.#arena.bytes[ref >>> SEGMENT_SHIFT]
    );
  }

  /** Corrects the header's count, if it is one. */
  #addCount(ref: Ref, change: number): void {
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    const count = countOf(bytes, base);
    // A count that reaches 65535 says from then on that it is unknown.
    if (count !== COUNT_UNKNOWN) setCount(bytes, base, Math.min(count + change, COUNT_UNKNOWN));
  }

  /** Writes an element over the `removed` bytes at `pos`. With none removed it is one more. */
  #put(ref: Ref, pos: number, removed: number, source: Buffer, start: number, end: number): Ref {
    const form = formOf(source, start, end);
    if (isIntegerHead(form)) return this.#putInteger(ref, pos, removed, int64.low, int64.high);
    const base = baseOf(ref);
    assert(
      source !== this.#arena.bytes[ref >>> SEGMENT_SHIFT] ||
        end <= base ||
        start >= base + this.byteLength(ref),
      "listpack: an element can't be copied within its block",
    );
    const size = formSize(form, end - start);
    const result = this.#room(ref, pos, removed, size + backSize(size));
    const bytes = this.#arena.bytes[result >>> SEGMENT_SHIFT]!;
    writeString(bytes, baseOf(result) + pos, form, size, source, start, end);
    return result;
  }

  #putInteger(ref: Ref, pos: number, removed: number, low: number, high: number): Ref {
    const form = integerForm(low, high);
    const result = this.#room(ref, pos, removed, formSize(form, 0) + 1);
    const bytes = this.#arena.bytes[result >>> SEGMENT_SHIFT]!;
    writeInteger(bytes, baseOf(result) + pos, form, low, high);
    return result;
  }

  /** Makes `added` bytes of room for one element in the place of `removed` bytes. */
  #room(ref: Ref, pos: number, removed: number, added: number): Ref {
    if (removed === added) return ref;
    if (removed === 0) this.#addCount(ref, 1);
    return this.#splice(ref, pos, removed, added);
  }

  /** Puts `added` undefined bytes in the place of the `removed` bytes at `pos`. */
  #splice(ref: Ref, pos: number, removed: number, added: number): Ref {
    const total = this.byteLength(ref);
    const newTotal = total + added - removed;
    const fits =
      added > removed ? newTotal <= this.#arena.sizeOf(ref) : !this.#isWasteful(ref, newTotal);
    if (!fits) return this.#move(ref, pos, removed, added, roomyCapacity(newTotal));
    const base = baseOf(ref);
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const tail = base + pos + removed;
    if (tail + 1 === base + total) bytes[base + pos + added] = END;
    else moveBytes(bytes, base + pos + added, tail, base + total);
    this.#setTotal(ref, newTotal);
    return ref;
  }

  /** The same in another block, of `capacity` bytes. */
  #move(ref: Ref, pos: number, removed: number, added: number, capacity: number): Ref {
    const result = this.#arena.allocate(capacity);
    const from = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const to = this.#arena.bytes[result >>> SEGMENT_SHIFT]!;
    const base = baseOf(ref);
    const toBase = baseOf(result);
    const end = base + this.byteLength(ref);
    copyBytes(to, toBase, from, base, base + pos);
    copyBytes(to, toBase + pos + added, from, base + pos + removed, end);
    this.#setTotal(result, end - base + added - removed);
    this.#arena.free(ref);
    return result;
  }

  #isWasteful(ref: Ref, total: number): boolean {
    return total < this.#arena.sizeOf(ref) / 2;
  }
}

/** Size of the block to move to for `total` bytes. */
function roomyCapacity(total: number): number {
  // The steps of the size classes make growing geometric; above the largest class it takes a reserve.
  if (total <= CLASS_SIZE_MAX) return total;
  return Math.max(total, Math.min(total + (total >>> 3), BLOCK_SIZE_MAX));
}

/** Index of the block's first byte in its segment's byte view. */
export function baseOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) * UNIT;
}

function countOf(bytes: Buffer, base: number): number {
  return bytes[base + COUNT_AT]! | (bytes[base + COUNT_AT + 1]! << 8);
}

function setCount(bytes: Buffer, base: number, count: number): void {
  bytes[base + COUNT_AT] = count & 255;
  bytes[base + COUNT_AT + 1] = count >>> 8;
}

/** Entries from the one at index `at` to the end. */
function entriesFrom(bytes: Buffer, at: number): number {
  let count = 0;
  for (let entry = at; bytes[entry] !== END; entry += entrySize(bytes, entry)) count++;
  return count;
}

/** Whether runs of equal length are the same; the last byte first, since names often differ in it only. */
function sameBytes(a: Buffer, aStart: number, b: Buffer, bStart: number, length: number): boolean {
  for (let i = length - 1; i >= 0; i--) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}
