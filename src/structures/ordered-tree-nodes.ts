/**
 * The nodes of an ordered tree: leaves, which hold entries and know their neighbours, and inner nodes, which hold other nodes.
 *
 *   leaf (512 bytes)  0 count, 4 previous leaf, 8 next leaf, 12 unused
 *                    16 keys      i32[62]
 *                   264 entries   Ref[62]
 *
 *   inner (1 KiB)     0 count, 4-15 unused
 *                    16 keys      i32[63]
 *                   268 firsts    Ref[63] the smallest entry below a child; of the first child never looked at
 *                   520 children  Ref[63]
 *                   772 totals    u32[63] entries below a child
 *
 * A column is all words of one kind, one a child or entry, from the start of its place in the node.
 */
import { assert } from "../base/assert.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";

// Words of a node. The first is its count.
export const PREV = 1;
export const NEXT = 2;
export const KEYS = 4;

export const LEAF_SIZE = 512;
export const LEAF_MAX = 62;
export const ENTRIES: number = KEYS + LEAF_MAX;

export const INNER_SIZE = 1024;
export const INNER_MAX = 63;
export const FIRSTS: number = KEYS + INNER_MAX;
export const CHILDREN: number = FIRSTS + INNER_MAX;
export const TOTALS: number = CHILDREN + INNER_MAX;

assert(ENTRIES + LEAF_MAX === LEAF_SIZE / 4, "a leaf fills its block");
assert(TOTALS + INNER_MAX === INNER_SIZE / 4, "an inner node fills its block");

export class TreeNodes {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  // ---- leaves ----

  createLeaf(): Ref {
    const leaf = this.#arena.allocate(LEAF_SIZE);
    this.#wordsOf(leaf).fill(0, wordOf(leaf), wordOf(leaf) + KEYS);
    return leaf;
  }

  /** Adds an entry to a leaf that has room. */
  insertEntry(leaf: Ref, index: number, key: number, entry: Ref): void {
    const words = this.#wordsOf(leaf);
    const base = wordOf(leaf);
    const count = words[base]!;
    words[base] = count + 1;
    openSlot(words, base + KEYS, index, count);
    openSlot(words, base + ENTRIES, index, count);
    words[base + KEYS + index] = key;
    words[base + ENTRIES + index] = entry;
  }

  /** Takes an entry out of a leaf; returns how many are left. */
  removeEntry(leaf: Ref, index: number): number {
    const words = this.#wordsOf(leaf);
    const base = wordOf(leaf);
    const left = words[base]! - 1;
    words[base] = left;
    closeSlot(words, base + KEYS, index, left);
    closeSlot(words, base + ENTRIES, index, left);
    return left;
  }

  /** Moves the upper half of a full leaf, or nothing if the new entry comes last of all, to a new leaf behind it. */
  splitLeaf(leaf: Ref, index: number): Ref {
    const right = this.createLeaf();
    const words = this.#wordsOf(leaf);
    const base = wordOf(leaf);
    const rightWords = this.#wordsOf(right);
    const rightBase = wordOf(right);
    const next = words[base + NEXT] as Ref;
    const kept = index === LEAF_MAX && next === NULL_REF ? LEAF_MAX : LEAF_MAX >> 1;
    const moved = LEAF_MAX - kept;
    copyWords(rightWords, rightBase + KEYS, words, base + KEYS + kept, moved);
    copyWords(rightWords, rightBase + ENTRIES, words, base + ENTRIES + kept, moved);
    words[base] = kept;
    rightWords[rightBase] = moved;
    rightWords[rightBase + PREV] = leaf;
    rightWords[rightBase + NEXT] = next;
    words[base + NEXT] = right;
    if (next !== NULL_REF) this.#wordsOf(next)[wordOf(next) + PREV] = right;
    return right;
  }

  /** Makes the neighbours of a leaf each other's. */
  unlinkLeaf(leaf: Ref): void {
    const words = this.#wordsOf(leaf);
    const prev = words[wordOf(leaf) + PREV] as Ref;
    const next = words[wordOf(leaf) + NEXT] as Ref;
    if (prev !== NULL_REF) this.#wordsOf(prev)[wordOf(prev) + NEXT] = next;
    if (next !== NULL_REF) this.#wordsOf(next)[wordOf(next) + PREV] = prev;
  }

  // ---- inner nodes ----

  createInner(): Ref {
    const inner = this.#arena.allocate(INNER_SIZE);
    this.#wordsOf(inner)[wordOf(inner)] = 0;
    return inner;
  }

  /** Adds a child to an inner node that has room. */
  insertChild(
    inner: Ref,
    index: number,
    key: number,
    first: number,
    child: Ref,
    total: number,
  ): void {
    const words = this.#wordsOf(inner);
    const base = wordOf(inner);
    const count = words[base]!;
    words[base] = count + 1;
    openSlot(words, base + KEYS, index, count);
    openSlot(words, base + FIRSTS, index, count);
    openSlot(words, base + CHILDREN, index, count);
    openSlot(words, base + TOTALS, index, count);
    words[base + KEYS + index] = key;
    words[base + FIRSTS + index] = first;
    words[base + CHILDREN + index] = child;
    words[base + TOTALS + index] = total;
  }

  /** Takes a child out of an inner node. */
  removeChild(inner: Ref, index: number): void {
    const words = this.#wordsOf(inner);
    const base = wordOf(inner);
    const left = words[base]! - 1;
    words[base] = left;
    closeSlot(words, base + KEYS, index, left);
    closeSlot(words, base + FIRSTS, index, left);
    closeSlot(words, base + CHILDREN, index, left);
    closeSlot(words, base + TOTALS, index, left);
  }

  /** Moves the upper half of a full inner node, or nothing if the new child comes last, to a new node. */
  splitInner(inner: Ref, index: number): Ref {
    const fresh = this.createInner();
    const words = this.#wordsOf(inner);
    const base = wordOf(inner);
    const freshWords = this.#wordsOf(fresh);
    const freshBase = wordOf(fresh);
    const kept = index === INNER_MAX ? INNER_MAX : (INNER_MAX + 1) >> 1;
    copyColumns(freshWords, freshBase, 0, words, base, kept, INNER_MAX - kept);
    words[base] = kept;
    freshWords[freshBase] = INNER_MAX - kept;
    return fresh;
  }

  /** Entries below an inner node. */
  total(inner: Ref): number {
    const words = this.#wordsOf(inner);
    const base = wordOf(inner);
    let total = 0;
    for (let i = 0; i < words[base]!; i++) total += words[base + TOTALS + i]!;
    return total;
  }

  // ---- both ----

  /** Entries of a leaf, or children of an inner node. */
  count(node: Ref): number {
    return this.#wordsOf(node)[wordOf(node)]!;
  }

  /** Moves what the child behind the one at `index` has into that one. */
  merge(parent: Ref, index: number, ofLeaves: boolean): void {
    const words = this.#wordsOf(parent);
    const base = wordOf(parent);
    const left = words[base + CHILDREN + index] as Ref;
    const right = words[base + CHILDREN + index + 1] as Ref;
    const leftWords = this.#wordsOf(left);
    const leftBase = wordOf(left);
    const rightWords = this.#wordsOf(right);
    const rightBase = wordOf(right);
    const count = leftWords[leftBase]!;
    const moved = rightWords[rightBase]!;
    if (ofLeaves) {
      copyWords(leftWords, leftBase + KEYS + count, rightWords, rightBase + KEYS, moved);
      copyWords(leftWords, leftBase + ENTRIES + count, rightWords, rightBase + ENTRIES, moved);
      this.unlinkLeaf(right);
    } else {
      copyColumns(leftWords, leftBase, count, rightWords, rightBase, 0, moved);
      // What was the first child there has a neighbour before it now: its smallest entry stands in the parent.
      leftWords[leftBase + KEYS + count] = words[base + KEYS + index + 1]!;
      leftWords[leftBase + FIRSTS + count] = words[base + FIRSTS + index + 1]!;
    }
    leftWords[leftBase] = count + moved;
    words[base + TOTALS + index]! += words[base + TOTALS + index + 1]!;
    this.removeChild(parent, index + 1);
    this.#arena.free(right);
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}

/** Index of the first word of a block in its segment's word view. */
export function wordOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) << 2;
}

/** Makes room at `index` of a column that has `count` words. */
function openSlot(words: Int32Array, column: number, index: number, count: number): void {
  if (index < count) words.copyWithin(column + index + 1, column + index, column + count);
}

/** Closes the gap at `index` of a column that has `left` words beside it. */
function closeSlot(words: Int32Array, column: number, index: number, left: number): void {
  if (index < left) words.copyWithin(column + index, column + index + 1, column + left + 1);
}

function copyWords(
  to: Int32Array,
  at: number,
  from: Int32Array,
  start: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}

/** Copies `count` children of an inner node, from the one at `start` on, to the slots from `at` on of another. */
function copyColumns(
  to: Int32Array,
  toBase: number,
  at: number,
  from: Int32Array,
  fromBase: number,
  start: number,
  count: number,
): void {
  for (const column of [KEYS, FIRSTS, CHILDREN, TOTALS]) {
    copyWords(to, toBase + column + at, from, fromBase + column + start, count);
  }
}
