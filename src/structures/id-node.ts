/**
 * A node of a tree over 128-bit ids (id-tree.ts): entries in order in one block of the arena.
 *
 *   node              0 count         entries
 *                     4 capacity
 *                     8 prev, 12 next  Ref of the neighbour leaves, or 0; unused in inner nodes
 *                    16 entries
 *
 *   entry of a leaf   0 id (ms high, ms low, seq high, seq low)   16 words of the owner
 *   entry of a node   0 id   16 child  Ref
 *
 * The id beside a child is not greater than any in it; that of the first child is not looked at. A node takes 1 KiB, only
 * the root of a small tree less: with 20 bytes an entry that is 50 entries, so a million ids are four levels deep.
 */
import type { Ref } from "../memory/arena.ts";
import { SEGMENT_MASK } from "../memory/arena.ts";
import type { StreamId } from "./stream-id.ts";

/** The sign bit of a word. */
const SIGN = 1 << 31;

export const COUNT = 0;
export const CAPACITY = 1;
export const PREV = 2;
export const NEXT = 3;
export const ENTRIES = 4;

export const ID_WORDS = 4;
/** Words of an inner node's entry. */
export const INNER_STRIDE: number = ID_WORDS + 1;

/** Word index of a block in its segment. */
export function baseOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) << 2;
}

/** Entries that fit a node. */
export function capacityOf(size: number, stride: number): number {
  return Math.floor((size / 4 - ENTRIES) / stride);
}

/**
 * How many of `count` entries in order are less than the id, or with `bound` 1 not greater.
 * @param first word of the first entry
 */
export function placeOf(
  words: Int32Array,
  first: number,
  stride: number,
  count: number,
  id: StreamId,
  bound: 0 | 1,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareAt(words, first + middle * stride, id) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Negative, 0 or positive, as the id in the words is less than `id`, equal or greater. */
export function compareAt(words: Int32Array, at: number, id: StreamId): number {
  let word = words[at]!;
  let other = id.msHigh;
  if (word === other) {
    word = words[at + 1]!;
    other = id.msLow;
    if (word === other) {
      word = words[at + 2]!;
      other = id.seqHigh;
      if (word === other) {
        word = words[at + 3]!;
        other = id.seqLow;
        if (word === other) return 0;
      }
    }
  }
  // Unsigned words, compared as signed ones.
  return (word ^ SIGN) < (other ^ SIGN) ? -1 : 1;
}

export function writeId(words: Int32Array, at: number, id: StreamId): void {
  words[at] = id.msHigh;
  words[at + 1] = id.msLow;
  words[at + 2] = id.seqHigh;
  words[at + 3] = id.seqLow;
}

/** Moves the upper half of a full node's entries to an empty node. @returns how many stay */
export function moveUpper(
  from: Int32Array,
  base: number,
  to: Int32Array,
  toBase: number,
  stride: number,
): number {
  const count = from[base + COUNT]!;
  const left = count >>> 1;
  const start = base + ENTRIES + left * stride;
  const length = (count - left) * stride;
  for (let i = 0; i < length; i++) to[toBase + ENTRIES + i] = from[start + i]!;
  from[base + COUNT] = left;
  to[toBase + COUNT] = count - left;
  return left;
}

/** Puts a child at an index of a node that has room. */
export function putChild(
  words: Int32Array,
  base: number,
  index: number,
  a: number,
  b: number,
  c: number,
  d: number,
  child: Ref,
): void {
  const at = base + ENTRIES + index * INNER_STRIDE;
  const end = base + ENTRIES + words[base + COUNT]! * INNER_STRIDE;
  if (at < end) words.copyWithin(at + INNER_STRIDE, at, end);
  words[at] = a;
  words[at + 1] = b;
  words[at + 2] = c;
  words[at + 3] = d;
  words[at + ID_WORDS] = child;
  words[base + COUNT]!++;
}
