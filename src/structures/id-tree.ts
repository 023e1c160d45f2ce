/**
 * An ordered tree over 128-bit ids: a B+ tree in the arena, of nodes as id-node.ts describes them. Each id carries a fixed number
 * of words, the tree's width, whose meaning is the owner's.
 *
 *   tree (16 bytes)   0 root    Ref
 *                     4 height  levels above the leaves
 *                     8 count   ids
 *                    12 last    Ref of the last leaf
 *
 * Ids mostly come in order: one behind all others goes into the last leaf without a descent, and a full leaf at the right end is not
 * split in halves but followed by an empty one, so leaves that were filled in order are full. A leaf that becomes empty goes; one
 * that a quarter is left of is merged with a neighbour under the same parent if both fill no more than three quarters. Inner nodes are
 * not merged, they go when empty.
 *
 * A cursor names an entry. It is good until the tree changes.
 */
import { assert } from "../base/assert.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import {
  baseOf,
  CAPACITY,
  capacityOf,
  compareAt,
  COUNT,
  ENTRIES,
  ID_WORDS,
  INNER_STRIDE,
  moveUpper,
  NEXT,
  PREV,
  placeOf,
  putChild,
  writeId,
} from "./id-node.ts";
import type { StreamId } from "./stream-id.ts";

// Words of the tree's block.
export const ROOT = 0;
export const HEIGHT = 1;
const SIZE = 2;
export const LAST = 3;
const TREE_SIZE = 16;

const NODE_SIZE = 1024;
const NODE_SIZE_MIN = 64;
/** 50 children a node: 2^31 ids take six levels. */
const HEIGHT_MAX = 12;

/** Names an entry of a tree. */
export class IdCursor {
  leaf: Ref = NULL_REF;
  index = 0;
}

export class IdTree {
  readonly #arena: Arena;
  /** Words of a leaf's entry. */
  readonly #stride: number;
  // The way from the root to the leaf of the last descent: nodes, and the index of the child taken in each.
  readonly #path: Int32Array = new Int32Array(HEIGHT_MAX);
  readonly #indexes: Int32Array = new Int32Array(HEIGHT_MAX);
  #height = 0;

  /** @param width words that each id carries */
  constructor(arena: Arena, width: number) {
    this.#arena = arena;
    this.#stride = ID_WORDS + width;
  }

  create(): Ref {
    const root = this.#node(NODE_SIZE_MIN, this.#stride);
    const tree = this.#arena.allocate(TREE_SIZE);
    const words = this.#words(tree);
    const base = baseOf(tree);
    words[base + ROOT] = root;
    words[base + HEIGHT] = 0;
    words[base + SIZE] = 0;
    words[base + LAST] = root;
    return tree;
  }

  /** Frees a tree; takes as long as it has nodes. */
  destroy(tree: Ref): void {
    while (this.count(tree) > 0) this.dropLastLeaf(tree);
    this.#arena.free(this.#words(tree)[baseOf(tree) + ROOT] as Ref);
    this.#arena.free(tree);
  }

  /** Ids in the tree. */
  count(tree: Ref): number {
    return this.#words(tree)[baseOf(tree) + SIZE]! >>> 0;
  }

  /** Bytes of all nodes, of a large tree an estimate: as if all leaves were filled like the last one. */
  memory(tree: Ref): number {
    const words = this.#words(tree);
    const base = baseOf(tree);
    const root = words[base + ROOT] as Ref;
    const own = this.#arena.sizeOf(tree) + this.#arena.sizeOf(root);
    if (words[base + HEIGHT] === 0) return own;
    return own + Math.ceil(this.count(tree) / capacityOf(NODE_SIZE, this.#stride)) * NODE_SIZE;
  }

  // ---- finding ----

  /** Points the cursor at the id. Returns whether it is there. */
  find(tree: Ref, id: StreamId, cursor: IdCursor): boolean {
    const leaf = this.#descend(tree, id);
    const index = this.#lowerBound(leaf, id);
    cursor.leaf = leaf;
    cursor.index = index;
    return this.#isAt(leaf, index, id);
  }

  /** Points the cursor at the least id that is not less than `id`. Returns whether there is one. */
  seekAtLeast(tree: Ref, id: StreamId, cursor: IdCursor): boolean {
    cursor.leaf = this.#descend(tree, id);
    cursor.index = this.#lowerBound(cursor.leaf, id) - 1;
    return this.next(cursor);
  }

  /** Points the cursor at the greatest id that is not greater than `id`. Returns whether there is one. */
  seekAtMost(tree: Ref, id: StreamId, cursor: IdCursor): boolean {
    if (this.last(tree, cursor) && this.#compareAt(cursor, id) <= 0) return true;
    const leaf = this.#descend(tree, id);
    cursor.leaf = leaf;
    cursor.index = this.#lowerBound(leaf, id);
    return this.#isAt(leaf, cursor.index, id) || this.prev(cursor);
  }

  first(tree: Ref, cursor: IdCursor): boolean {
    let node = this.#words(tree)[baseOf(tree) + ROOT] as Ref;
    for (let level = this.#heightOf(tree); level > 0; level--) node = this.#child(node, 0);
    cursor.leaf = node;
    cursor.index = 0;
    return this.#countOf(node) > 0;
  }

  last(tree: Ref, cursor: IdCursor): boolean {
    cursor.leaf = this.#lastOf(tree);
    cursor.index = this.#countOf(cursor.leaf) - 1;
    return cursor.index >= 0;
  }

  /** Moves the cursor to the next id. Returns false if there is none. */
  next(cursor: IdCursor): boolean {
    if (++cursor.index < this.#countOf(cursor.leaf)) return true;
    const next = this.#words(cursor.leaf)[baseOf(cursor.leaf) + NEXT] as Ref;
    if (next === NULL_REF) return false;
    cursor.leaf = next;
    cursor.index = 0;
    return true;
  }

  /** Moves the cursor to the id before. Returns false if there is none. */
  prev(cursor: IdCursor): boolean {
    if (--cursor.index >= 0) return true;
    const prev = this.#words(cursor.leaf)[baseOf(cursor.leaf) + PREV] as Ref;
    if (prev === NULL_REF) return false;
    cursor.leaf = prev;
    cursor.index = this.#countOf(prev) - 1;
    return true;
  }

  /** Reads the id at the cursor. */
  id(cursor: IdCursor, out: StreamId): void {
    const words = this.#words(cursor.leaf);
    const at = this.#entryAt(cursor);
    out.set(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
  }

  /** The owner's word of an index, at the cursor. */
  get(cursor: IdCursor, word: number): number {
    return this.#words(cursor.leaf)[this.#entryAt(cursor) + ID_WORDS + word]!;
  }

  set(cursor: IdCursor, word: number, value: number): void {
    this.#words(cursor.leaf)[this.#entryAt(cursor) + ID_WORDS + word] = value;
  }

  // ---- changing ----

  /**
   * Adds an id, its words zero. Returns false if it is there already. The cursor points at it in both cases.
   */
  insert(tree: Ref, id: StreamId, cursor: IdCursor): boolean {
    if (!this.#isBehindAll(tree, id, cursor)) {
      const leaf = this.#descend(tree, id);
      cursor.leaf = leaf;
      cursor.index = this.#lowerBound(leaf, id);
      if (this.#isAt(leaf, cursor.index, id)) return false;
      if (this.#countOf(leaf) === this.#capacityOf(leaf)) this.#makeRoom(tree, id, cursor);
    }
    const words = this.#words(cursor.leaf);
    const base = baseOf(cursor.leaf);
    const at = this.#entryAt(cursor);
    const end = base + ENTRIES + words[base + COUNT]! * this.#stride;
    if (at < end) words.copyWithin(at + this.#stride, at, end);
    writeId(words, at, id);
    for (let i = ID_WORDS; i < this.#stride; i++) words[at + i] = 0;
    words[base + COUNT]!++;
    this.#counted(tree, 1);
    return true;
  }

  /** Whether the id is greater than all others and the last leaf has room; the cursor points there then. */
  #isBehindAll(tree: Ref, id: StreamId, cursor: IdCursor): boolean {
    const leaf = this.#lastOf(tree);
    const words = this.#words(leaf);
    const base = baseOf(leaf);
    const count = words[base + COUNT]!;
    if (count === 0 || count === words[base + CAPACITY]!) return false;
    if (compareAt(words, base + ENTRIES + (count - 1) * this.#stride, id) >= 0) return false;
    cursor.leaf = leaf;
    cursor.index = count;
    return true;
  }

  /** Makes room for one more id in the full leaf at the cursor, which was descended to last; the cursor goes where the id belongs. */
  #makeRoom(tree: Ref, id: StreamId, cursor: IdCursor): void {
    const { leaf, index } = cursor;
    if (this.#height === 0 && this.#arena.sizeOf(leaf) < NODE_SIZE) {
      cursor.leaf = this.#resizeRoot(tree, leaf, this.#arena.sizeOf(leaf) * 2);
      return;
    }
    const right = this.#splitLeaf(tree, leaf, index);
    const left = this.#countOf(leaf);
    if (index > left || this.#countOf(right) === 0) {
      cursor.leaf = right;
      cursor.index = index - left;
    }
    if (this.#countOf(right) === 0) this.#linkChild(tree, this.#height, id, right);
  }

  /** Takes an id out. Returns false if it is not there. */
  remove(tree: Ref, id: StreamId): boolean {
    const leaf = this.#descend(tree, id);
    const index = this.#lowerBound(leaf, id);
    if (!this.#isAt(leaf, index, id)) return false;
    this.#removeHere(tree, leaf, index);
    return true;
  }

  /** Takes the id out at which `find` has just pointed the cursor. */
  removeFound(tree: Ref, cursor: IdCursor): void {
    this.#removeHere(tree, cursor.leaf, cursor.index);
  }

  /** Takes an id out of the leaf that was descended to last. */
  #removeHere(tree: Ref, leaf: Ref, index: number): void {
    const words = this.#words(leaf);
    const base = baseOf(leaf);
    const stride = this.#stride;
    const at = base + ENTRIES + index * stride;
    const count = words[base + COUNT]! - 1;
    words.copyWithin(at, at + stride, base + ENTRIES + (count + 1) * stride);
    words[base + COUNT] = count;
    this.#counted(tree, -1);
    if (this.#height === 0) {
      const size = this.#arena.sizeOf(leaf);
      if (size > NODE_SIZE_MIN && count < words[base + CAPACITY]! / 4) {
        this.#resizeRoot(tree, leaf, size / 2);
      }
    } else if (count === 0) this.#dropLeaf(tree, leaf);
    else if (count < words[base + CAPACITY]! / 4) this.#merge(tree, leaf);
  }

  /** Frees the last leaf with all its ids, of which there must be some. @returns how many there were */
  dropLastLeaf(tree: Ref): number {
    const leaf = this.#descendLast(tree);
    const dropped = this.#countOf(leaf);
    this.#counted(tree, -dropped);
    if (this.#height > 0) this.#dropLeaf(tree, leaf);
    else this.#words(leaf)[baseOf(leaf) + COUNT] = 0;
    return dropped;
  }

  // ---- inside ----

  #words(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }

  #countOf(node: Ref): number {
    return this.#words(node)[baseOf(node) + COUNT]!;
  }

  #capacityOf(node: Ref): number {
    return this.#words(node)[baseOf(node) + CAPACITY]!;
  }

  #heightOf(tree: Ref): number {
    return this.#words(tree)[baseOf(tree) + HEIGHT]!;
  }

  #lastOf(tree: Ref): Ref {
    return this.#words(tree)[baseOf(tree) + LAST] as Ref;
  }

  #child(node: Ref, index: number): Ref {
    return this.#words(node)[baseOf(node) + ENTRIES + index * INNER_STRIDE + ID_WORDS] as Ref;
  }

  /** Word of the cursor's entry. */
  #entryAt(cursor: IdCursor): number {
    return baseOf(cursor.leaf) + ENTRIES + cursor.index * this.#stride;
  }

  #counted(tree: Ref, change: number): void {
    this.#words(tree)[baseOf(tree) + SIZE]! += change;
  }

  #node(size: number, stride: number): Ref {
    const node = this.#arena.allocate(size);
    const words = this.#words(node);
    const base = baseOf(node);
    words[base + COUNT] = 0;
    words[base + CAPACITY] = capacityOf(size, stride);
    words[base + PREV] = NULL_REF;
    words[base + NEXT] = NULL_REF;
    return node;
  }

  /** The leaf where the id is, or would be; leaves the way to it. */
  #descend(tree: Ref, id: StreamId): Ref {
    const top = this.#words(tree);
    const height = top[baseOf(tree) + HEIGHT]!;
    let node = top[baseOf(tree) + ROOT] as Ref;
    this.#height = height;
    for (let level = 0; level < height; level++) {
      const words = this.#words(node);
      const base = baseOf(node);
      const second = base + ENTRIES + INNER_STRIDE;
      const index = placeOf(words, second, INNER_STRIDE, words[base + COUNT]! - 1, id, 1);
      this.#path[level] = node;
      this.#indexes[level] = index;
      node = words[base + ENTRIES + index * INNER_STRIDE + ID_WORDS] as Ref;
    }
    return node;
  }

  #descendLast(tree: Ref): Ref {
    const height = this.#heightOf(tree);
    let node = this.#words(tree)[baseOf(tree) + ROOT] as Ref;
    this.#height = height;
    for (let level = 0; level < height; level++) {
      const index = this.#countOf(node) - 1;
      this.#path[level] = node;
      this.#indexes[level] = index;
      node = this.#child(node, index);
    }
    return node;
  }

  /** Entries of the leaf that are less than the id. */
  #lowerBound(leaf: Ref, id: StreamId): number {
    const words = this.#words(leaf);
    const base = baseOf(leaf);
    return placeOf(words, base + ENTRIES, this.#stride, words[base + COUNT]!, id, 0);
  }

  #isAt(leaf: Ref, index: number, id: StreamId): boolean {
    const words = this.#words(leaf);
    const base = baseOf(leaf);
    if (index >= words[base + COUNT]!) return false;
    return compareAt(words, base + ENTRIES + index * this.#stride, id) === 0;
  }

  /** Negative, 0 or positive, as the id at the cursor is less than `id`, equal or greater. */
  #compareAt(cursor: IdCursor, id: StreamId): number {
    return compareAt(this.#words(cursor.leaf), this.#entryAt(cursor), id);
  }

  /** Moves a root that is a leaf to a block of another size. */
  #resizeRoot(tree: Ref, leaf: Ref, size: number): Ref {
    const fresh = this.#node(size, this.#stride);
    const from = this.#words(leaf);
    const fromBase = baseOf(leaf);
    const to = this.#words(fresh);
    const toBase = baseOf(fresh);
    const count = from[fromBase + COUNT]!;
    const length = count * this.#stride;
    for (let i = 0; i < length; i++) to[toBase + ENTRIES + i] = from[fromBase + ENTRIES + i]!;
    to[toBase + COUNT] = count;
    this.#words(tree)[baseOf(tree) + ROOT] = fresh;
    this.#words(tree)[baseOf(tree) + LAST] = fresh;
    this.#arena.free(leaf);
    return fresh;
  }

  /**
   * Puts a new leaf behind a full one: empty, and not yet known to the parent, if ids are added at the end; else with the
   * upper half.
   */
  #splitLeaf(tree: Ref, leaf: Ref, index: number): Ref {
    const right = this.#node(NODE_SIZE, this.#stride);
    const words = this.#words(leaf);
    const base = baseOf(leaf);
    const to = this.#words(right);
    const toBase = baseOf(right);
    const next = words[base + NEXT] as Ref;
    to[toBase + PREV] = leaf;
    to[toBase + NEXT] = next;
    words[base + NEXT] = right;
    if (next !== NULL_REF) this.#words(next)[baseOf(next) + PREV] = right;
    else this.#words(tree)[baseOf(tree) + LAST] = right;
    const count = words[base + COUNT]!;
    if (next === NULL_REF && index === count) return right;
    moveUpper(words, base, to, toBase, this.#stride);
    this.#linkMoved(tree, this.#height, right);
    return right;
  }

  /** Makes a node that was split off known to the level above `level` by the id of its own first entry. */
  #linkMoved(tree: Ref, level: number, right: Ref): void {
    const words = this.#words(right);
    const at = baseOf(right) + ENTRIES;
    this.#link(tree, level, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!, right);
  }

  #linkChild(tree: Ref, level: number, id: StreamId, right: Ref): void {
    this.#link(tree, level, id.msHigh, id.msLow, id.seqHigh, id.seqLow, right);
  }

  /** Puts `right` behind the child that the way takes at the level above `level`. */
  #link(tree: Ref, level: number, a: number, b: number, c: number, d: number, right: Ref): void {
    if (level === 0) {
      const root = this.#node(NODE_SIZE, INNER_STRIDE);
      const top = this.#words(tree);
      const topBase = baseOf(tree);
      const words = this.#words(root);
      const base = baseOf(root);
      words[base + COUNT] = 1;
      words.fill(0, base + ENTRIES, base + ENTRIES + ID_WORDS);
      words[base + ENTRIES + ID_WORDS] = top[topBase + ROOT]!;
      top[topBase + ROOT] = root;
      top[topBase + HEIGHT]!++;
      assert(top[topBase + HEIGHT]! < HEIGHT_MAX, "id tree: too high");
      putChild(words, base, 1, a, b, c, d, right);
      return;
    }
    let node = this.#path[level - 1] as Ref;
    let index = this.#indexes[level - 1]! + 1;
    if (this.#countOf(node) === this.#capacityOf(node)) {
      const half = this.#node(NODE_SIZE, INNER_STRIDE);
      const from = this.#words(node);
      const left = moveUpper(from, baseOf(node), this.#words(half), baseOf(half), INNER_STRIDE);
      this.#linkMoved(tree, level - 1, half);
      if (index > left) {
        node = half;
        index -= left;
      }
    }
    putChild(this.#words(node), baseOf(node), index, a, b, c, d, right);
  }

  /** Merges a leaf with a neighbour under the same parent, if both are small enough. The way must lead to it. */
  #merge(tree: Ref, leaf: Ref): void {
    const level = this.#height - 1;
    const parent = this.#path[level] as Ref;
    const index = this.#indexes[level]!;
    const rightIndex = index + 1 < this.#countOf(parent) ? index + 1 : index;
    if (rightIndex === 0) return;
    const left = rightIndex === index ? this.#child(parent, index - 1) : leaf;
    const right = this.#child(parent, rightIndex);
    const to = this.#words(left);
    const toBase = baseOf(left);
    const from = this.#words(right);
    const fromBase = baseOf(right);
    const leftCount = to[toBase + COUNT]!;
    const rightCount = from[fromBase + COUNT]!;
    if (leftCount + rightCount > (to[toBase + CAPACITY]! * 3) / 4) return;
    const length = rightCount * this.#stride;
    const at = toBase + ENTRIES + leftCount * this.#stride;
    for (let i = 0; i < length; i++) to[at + i] = from[fromBase + ENTRIES + i]!;
    to[toBase + COUNT] = leftCount + rightCount;
    this.#indexes[level] = rightIndex;
    this.#dropLeaf(tree, right);
  }

  /** Frees a leaf, and what it leaves empty above it. The way must lead to it. */
  #dropLeaf(tree: Ref, leaf: Ref): void {
    const words = this.#words(leaf);
    const base = baseOf(leaf);
    const prev = words[base + PREV] as Ref;
    const next = words[base + NEXT] as Ref;
    if (prev !== NULL_REF) this.#words(prev)[baseOf(prev) + NEXT] = next;
    if (next !== NULL_REF) this.#words(next)[baseOf(next) + PREV] = prev;
    else this.#words(tree)[baseOf(tree) + LAST] = prev;
    this.#arena.free(leaf);
    for (let level = this.#height - 1; level >= 0; level--) {
      const node = this.#path[level] as Ref;
      const at = this.#words(node);
      const nodeBase = baseOf(node);
      const count = at[nodeBase + COUNT]! - 1;
      at[nodeBase + COUNT] = count;
      if (count > 0) {
        const from = nodeBase + ENTRIES + this.#indexes[level]! * INNER_STRIDE;
        const end = nodeBase + ENTRIES + (count + 1) * INNER_STRIDE;
        at.copyWithin(from, from + INNER_STRIDE, end);
        break;
      }
      // The leaf before was the only one: the tree begins anew.
      if (level === 0) {
        const root = this.#node(NODE_SIZE_MIN, this.#stride);
        const top = this.#words(tree);
        top[baseOf(tree) + ROOT] = root;
        top[baseOf(tree) + HEIGHT] = 0;
        top[baseOf(tree) + LAST] = root;
      }
      this.#arena.free(node);
    }
    this.#lowerRoot(tree);
  }

  /** A root with one child gives way to it. */
  #lowerRoot(tree: Ref): void {
    for (;;) {
      const top = this.#words(tree);
      const base = baseOf(tree);
      const root = top[base + ROOT] as Ref;
      if (top[base + HEIGHT] === 0 || this.#countOf(root) > 1) return;
      top[base + ROOT] = this.#child(root, 0);
      top[base + HEIGHT]!--;
      this.#arena.free(root);
    }
  }
}
