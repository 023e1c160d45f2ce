/**
 * A counted, ordered tree: a B+ tree over entries in the arena, ordered by score and then by the bytes of the member. Finds
 * the rank of an entry and the entry of a rank in O(log n), and walks from any entry in both directions.
 *
 *   tree              0 root      Ref     a leaf if the height is 0
 *                     4 height            inner nodes above each leaf
 *                     8 count             entries
 *                    12 ...               the owner's, as many words as it asked for
 *
 * The nodes are laid out as ordered-tree-nodes.ts says: leaves hold entries, inner nodes count what is below them. Entries are laid
 * out as ordered-tree-entries.ts says, and have keys of 32 bits in the order of their scores. Most comparisons end there, without a
 * look at the entry, which is a line of memory of its own; only where keys are equal do score and member decide.
 *
 * A split halves a node, or leaves it whole if the new entry comes last of all: what is added in order fills leaves to the
 * brim. So 62 entries take 512 bytes at best, 750 when added at random (8 and 12 bytes each), inner nodes a twentieth more. A
 * node that falls below a third is merged with a neighbour if both fit into three quarters of one; only an empty one must
 * go. Every step allocates at most one node a level; none of it is on the JavaScript heap.
 */
import { assert } from "../base/assert.ts";
import { compareBytes } from "../base/bytes.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import { MEMBER_AT, TreeEntries } from "./ordered-tree-entries.ts";
import {
  CHILDREN,
  ENTRIES,
  FIRSTS,
  INNER_MAX,
  INNER_SIZE,
  KEYS,
  LEAF_MAX,
  LEAF_SIZE,
  NEXT,
  PREV,
  TOTALS,
  TreeNodes,
  wordOf,
} from "./ordered-tree-nodes.ts";

// Words of a tree.
export const ROOT = 0;
export const HEIGHT = 1;
const COUNT = 2;
/** The first word of the tree's block that is the owner's. */
export const OWNER_WORD = 3;

/** Inner nodes above a leaf: more than 2^32 entries need, were every node a third full. */
export const HEIGHT_MAX = 12;

// What a search looks for.
const EXACT = 0;
const BY_SCORE = 1;
const BY_MEMBER = 2;

/** A place in a tree. Good until the tree changes. */
export class TreeCursor {
  leaf: Ref = NULL_REF;
  index = 0;
}

export class OrderedTree {
  readonly #arena: Arena;
  readonly #nodes: TreeNodes;
  readonly entries: TreeEntries;

  // The target of the search that is under way.
  #mode = EXACT;
  #score = 0;
  #key = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** What a bound answers for an entry equal to it: -1 counts it as before the bound. */
  #tie = 0;

  // The way from the root to the leaf that was found last: nodes and the index taken in each, by their height.
  readonly #path: Int32Array = new Int32Array(HEIGHT_MAX);
  readonly #taken: Int32Array = new Int32Array(HEIGHT_MAX);
  #leaf: Ref = NULL_REF;
  #index = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#nodes = new TreeNodes(arena);
    this.entries = new TreeEntries(arena);
  }

  // ---- the tree ----

  /** Makes an empty tree. @param ownerWords words that the owner wants in its block, from OWNER_WORD on; they are zero */
  create(ownerWords: number): Ref {
    const tree = this.#arena.allocateZeroed((OWNER_WORD + ownerWords) * 4);
    const leaf = this.#nodes.createLeaf();
    this.#wordsOf(tree)[wordOf(tree) + ROOT] = leaf;
    return tree;
  }

  count(tree: Ref): number {
    return this.#wordsOf(tree)[wordOf(tree) + COUNT]!;
  }

  /** Adds an entry whose score and member are in it already, and equal to none in the tree. */
  insert(tree: Ref, entry: Ref): void {
    this.#seekEntry(tree, entry, this.entries.score(entry));
    this.#insertHere(tree, entry);
  }

  /** Takes an entry of the tree out of it. The entry itself is the caller's to free. */
  remove(tree: Ref, entry: Ref): void {
    this.#seekEntry(tree, entry, this.entries.score(entry));
    this.#assertHere(entry);
    this.#removeHere(tree);
  }

  /** Takes the entry out that is equal to `probe`, an entry in no tree. Returns it, or NULL_REF if there is none. */
  take(tree: Ref, probe: Ref): Ref {
    this.#seekEntry(tree, probe, this.entries.score(probe));
    const words = this.#wordsOf(this.#leaf);
    const base = wordOf(this.#leaf);
    if (this.#index >= words[base]!) return NULL_REF;
    const entry = words[base + ENTRIES + this.#index] as Ref;
    if (this.#compare(words[base + KEYS + this.#index]!, entry) !== 0) return NULL_REF;
    this.#removeHere(tree);
    return entry;
  }

  /** Takes the entry of a rank out of the tree, and returns it. @param rank 0 to count - 1 */
  removeAt(tree: Ref, rank: number): Ref {
    const words = this.#wordsOf(tree);
    const base = wordOf(tree);
    let node = words[base + ROOT] as Ref;
    let left = rank;
    for (let height = words[base + HEIGHT]!; height > 0; height--) {
      const nodeWords = this.#wordsOf(node);
      const at = wordOf(node);
      let i = 0;
      for (; left >= nodeWords[at + TOTALS + i]!; i++) left -= nodeWords[at + TOTALS + i]!;
      this.#path[height] = node;
      this.#taken[height] = i;
      node = nodeWords[at + CHILDREN + i] as Ref;
    }
    this.#leaf = node;
    this.#index = left;
    const entry = this.#wordsOf(node)[wordOf(node) + ENTRIES + left] as Ref;
    this.#removeHere(tree);
    return entry;
  }

  /** Gives an entry of the tree another score. */
  update(tree: Ref, entry: Ref, score: number): void {
    this.#seekEntry(tree, entry, this.entries.score(entry));
    this.#assertHere(entry);
    const index = this.#index;
    const words = this.#wordsOf(this.#leaf);
    const base = wordOf(this.#leaf);
    // Often it stays between its neighbours. At either end of a leaf the neighbours are not at hand.
    if (index > 0 && index + 1 < words[base]!) {
      this.#target(entry, score);
      const before = base + index - 1;
      if (
        this.#compare(words[before + KEYS]!, words[before + ENTRIES] as Ref) < 0 &&
        this.#compare(words[before + 2 + KEYS]!, words[before + 2 + ENTRIES] as Ref) > 0
      ) {
        words[base + KEYS + index] = this.#key;
        this.entries.setScore(entry, score);
        return;
      }
    }
    this.#removeHere(tree);
    this.entries.setScore(entry, score);
    this.insert(tree, entry);
  }

  /** Entries before an entry of the tree. */
  rank(tree: Ref, entry: Ref): number {
    this.#seekEntry(tree, entry, this.entries.score(entry));
    this.#assertHere(entry);
    return this.#rankHere(tree);
  }

  /** Entries with a score below `score`; with `inclusive` those of the score itself too. */
  rankOfScore(tree: Ref, score: number, inclusive: boolean): number {
    this.#seekScore(tree, score, inclusive);
    return this.#rankHere(tree);
  }

  /** Entries whose member is below bytes[start, end), or `inclusive` equal to it, where all scores are the same. */
  rankOfMember(tree: Ref, bytes: Buffer, start: number, end: number, inclusive: boolean): number {
    this.#mode = BY_MEMBER;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#tie = inclusive ? -1 : 1;
    this.#seek(tree);
    return this.#rankHere(tree);
  }

  // ---- walking ----

  /** Points the cursor at the entry of a rank, and returns it. @param rank 0 to count - 1 */
  select(tree: Ref, rank: number, cursor: TreeCursor): Ref {
    const words = this.#wordsOf(tree);
    const base = wordOf(tree);
    let node = words[base + ROOT] as Ref;
    let left = rank;
    for (let height = words[base + HEIGHT]!; height > 0; height--) {
      const nodeWords = this.#wordsOf(node);
      const at = wordOf(node);
      let i = 0;
      for (
        let total = nodeWords[at + TOTALS]!;
        left >= total;
        total = nodeWords[at + TOTALS + i]!
      ) {
        left -= total;
        i++;
      }
      node = nodeWords[at + CHILDREN + i] as Ref;
    }
    cursor.leaf = node;
    cursor.index = left;
    return this.current(cursor);
  }

  /** Points the cursor at the first entry whose score is not below `score`, and returns it; NULL_REF if there is none. */
  selectScore(tree: Ref, score: number, cursor: TreeCursor): Ref {
    this.#seekScore(tree, score, false);
    cursor.leaf = this.#leaf;
    cursor.index = this.#index - 1;
    return this.next(cursor);
  }

  /** The entry that the cursor points at, or NULL_REF beyond either end. */
  current(cursor: TreeCursor): Ref {
    if (cursor.leaf === NULL_REF) return NULL_REF;
    return this.#wordsOf(cursor.leaf)[wordOf(cursor.leaf) + ENTRIES + cursor.index] as Ref;
  }

  /** Moves the cursor to the next entry, and returns it. */
  next(cursor: TreeCursor): Ref {
    const words = this.#wordsOf(cursor.leaf);
    const base = wordOf(cursor.leaf);
    if (++cursor.index < words[base]!) return words[base + ENTRIES + cursor.index] as Ref;
    cursor.leaf = words[base + NEXT] as Ref;
    cursor.index = 0;
    return this.current(cursor);
  }

  /** Moves the cursor to the entry before, and returns it. */
  prev(cursor: TreeCursor): Ref {
    const words = this.#wordsOf(cursor.leaf);
    const base = wordOf(cursor.leaf);
    if (--cursor.index >= 0) return words[base + ENTRIES + cursor.index] as Ref;
    const leaf = words[base + PREV] as Ref;
    cursor.leaf = leaf;
    if (leaf === NULL_REF) return NULL_REF;
    cursor.index = this.#wordsOf(leaf)[wordOf(leaf)]! - 1;
    return this.current(cursor);
  }

  // ---- taking it apart ----

  /**
   * Frees the first leaf, after calling `visit` with each of its entries, and the inner nodes that become empty. For trees that
   * go as a whole: ranks are no longer right. Returns whether entries are left; with the last of them the nodes are gone, and
   * the tree's block is the caller's to free.
   */
  dropLeaf(tree: Ref, visit: (entry: Ref) => void): boolean {
    const words = this.#wordsOf(tree);
    const base = wordOf(tree);
    const height = words[base + HEIGHT]!;
    let node = words[base + ROOT] as Ref;
    for (let level = height; level > 0; level--) {
      this.#path[level] = node;
      node = this.#wordsOf(node)[wordOf(node) + CHILDREN] as Ref;
    }
    const count = this.#wordsOf(node)[wordOf(node)]!;
    for (let i = 0; i < count; i++) visit(this.#wordsOf(node)[wordOf(node) + ENTRIES + i] as Ref);
    this.#arena.free(node);
    this.#wordsOf(tree)[wordOf(tree) + COUNT]! -= count;
    for (let level = 1; level <= height; level++) {
      const inner = this.#path[level] as Ref;
      this.#nodes.removeChild(inner, 0);
      if (this.#wordsOf(inner)[wordOf(inner)]! > 0) return true;
      this.#arena.free(inner);
    }
    return false;
  }

  /** Bytes of the nodes, estimated from how full they usually are. */
  static nodeBytes(count: number): number {
    return Math.ceil(count / (LEAF_MAX * 0.7)) * (LEAF_SIZE + INNER_SIZE / (INNER_MAX * 0.7));
  }

  // ---- searching ----

  /** Aims at the score and the member of an entry. */
  #target(entry: Ref, score: number): void {
    this.#mode = EXACT;
    this.#score = score;
    this.#key = this.entries.keyOf(score);
    this.#bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    this.#start = (wordOf(entry) << 2) + MEMBER_AT;
    this.#end = this.#start + this.entries.length(entry);
    this.#tie = 0;
  }

  #seekEntry(tree: Ref, entry: Ref, score: number): void {
    this.#target(entry, score);
    this.#seek(tree);
  }

  #seekScore(tree: Ref, score: number, inclusive: boolean): void {
    this.#mode = BY_SCORE;
    this.#score = score;
    this.#key = this.entries.keyOf(score);
    this.#tie = inclusive ? -1 : 1;
    this.#seek(tree);
  }

  /** Leaves the way to the first entry that is not before the target; its index may be one behind a leaf's last. */
  #seek(tree: Ref): void {
    const words = this.#wordsOf(tree);
    const base = wordOf(tree);
    let node = words[base + ROOT] as Ref;
    for (let height = words[base + HEIGHT]!; height > 0; height--) {
      const nodeWords = this.#wordsOf(node);
      const at = wordOf(node);
      // The last child whose smallest entry is not behind the target: the first child's is not looked at.
      const index = this.#before(nodeWords, at + KEYS, at + FIRSTS, 1, nodeWords[at]!, 1) - 1;
      this.#path[height] = node;
      this.#taken[height] = index;
      node = nodeWords[at + CHILDREN + index] as Ref;
    }
    const leafWords = this.#wordsOf(node);
    const at = wordOf(node);
    this.#leaf = node;
    this.#index = this.#before(leafWords, at + KEYS, at + ENTRIES, 0, leafWords[at]!, 0);
  }

  /** Where the entries of a node end that are before the target in an order less than `below`: 0, or 1 for those equal to it too. */
  #before(
    words: Int32Array,
    keys: number,
    entries: number,
    from: number,
    count: number,
    below: number,
  ): number {
    let low = from;
    let high = count;
    if (this.#mode !== BY_MEMBER) {
      const key = this.#key;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (words[keys + middle]! < key) low = middle + 1;
        else high = middle;
      }
      // Most often that was all.
      if (low === count || words[keys + low] !== key) return low;
      high = count;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(words[keys + middle]!, words[entries + middle] as Ref);
      if (order < below) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Entries before the place that was found. */
  #rankHere(tree: Ref): number {
    const words = this.#wordsOf(tree);
    const base = wordOf(tree);
    let rank = this.#index;
    let total = words[base + COUNT]!;
    for (let height = words[base + HEIGHT]!; height > 0; height--) {
      const node = this.#path[height] as Ref;
      const nodeWords = this.#wordsOf(node);
      const totals = wordOf(node) + TOTALS;
      const count = nodeWords[wordOf(node)]!;
      const taken = this.#taken[height]!;
      // From the nearer end.
      if (taken * 2 < count) {
        for (let i = 0; i < taken; i++) rank += nodeWords[totals + i]!;
      } else {
        rank += total;
        for (let i = taken; i < count; i++) rank -= nodeWords[totals + i]!;
      }
      total = nodeWords[totals + taken]!;
    }
    return rank;
  }

  /** How an entry stands to the target: negative before it, positive behind it, 0 if it is the same. */
  #compare(key: number, entry: Ref): number {
    if (this.#mode !== BY_MEMBER) {
      if (key !== this.#key) return key < this.#key ? -1 : 1;
      const score = this.entries.score(entry);
      if (score !== this.#score) return score < this.#score ? -1 : 1;
      if (this.#mode === BY_SCORE) return this.#tie;
    }
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const start = (wordOf(entry) << 2) + MEMBER_AT;
    const end = start + this.entries.length(entry);
    const order = compareBytes(bytes, start, end, this.#bytes, this.#start, this.#end);
    return order === 0 ? this.#tie : order;
  }

  #assertHere(entry: Ref): void {
    const words = this.#wordsOf(this.#leaf);
    const base = wordOf(this.#leaf);
    const found = this.#index < words[base]! && words[base + ENTRIES + this.#index] === entry;
    assert(found, "ordered tree: the entry is not in it");
  }

  // ---- changing, at the place that the last search found ----

  #insertHere(tree: Ref, entry: Ref): void {
    const words = this.#wordsOf(tree);
    const base = wordOf(tree);
    const height = words[base + HEIGHT]!;
    words[base + COUNT]!++;
    for (let level = 1; level <= height; level++) {
      const inner = this.#path[level] as Ref;
      this.#wordsOf(inner)[wordOf(inner) + TOTALS + this.#taken[level]!]!++;
    }
    const leaf = this.#leaf;
    const index = this.#index;
    if (this.#wordsOf(leaf)[wordOf(leaf)] === LEAF_MAX) {
      const right = this.#nodes.splitLeaf(leaf, index);
      const kept = this.#wordsOf(leaf)[wordOf(leaf)]!;
      // Between the halves it goes to the left one, so that the smallest of the right one is known already.
      const stays = index <= kept && kept < LEAF_MAX;
      this.#nodes.insertEntry(stays ? leaf : right, stays ? index : index - kept, this.#key, entry);
      this.#linkChild(tree, height, leaf, right);
      return;
    }
    this.#nodes.insertEntry(leaf, index, this.#key, entry);
  }

  /** Enters `right`, which was split from the leaf `left` of the path, into the inner nodes above, which may split too. */
  #linkChild(tree: Ref, height: number, left: Ref, right: Ref): void {
    let leftTotal = this.#wordsOf(left)[wordOf(left)]!;
    let rightTotal = this.#wordsOf(right)[wordOf(right)]!;
    let child = right;
    let lower = left;
    let key = this.#wordsOf(right)[wordOf(right) + KEYS]!;
    let first = this.#wordsOf(right)[wordOf(right) + ENTRIES]!;
    for (let level = 1; level <= height; level++) {
      const inner = this.#path[level] as Ref;
      const index = this.#taken[level]! + 1;
      this.#wordsOf(inner)[wordOf(inner) + TOTALS + index - 1] = leftTotal;
      if (this.#wordsOf(inner)[wordOf(inner)]! < INNER_MAX) {
        this.#nodes.insertChild(inner, index, key, first, child, rightTotal);
        return;
      }
      const fresh = this.#nodes.splitInner(inner, index);
      const kept = this.#nodes.count(inner);
      // The first child of a node must not be the new one of a half that is not empty: its smallest entry is known above.
      if (index <= kept && kept < INNER_MAX) {
        this.#nodes.insertChild(inner, index, key, first, child, rightTotal);
      } else {
        this.#nodes.insertChild(fresh, index - kept, key, first, child, rightTotal);
      }
      leftTotal = this.#nodes.total(inner);
      rightTotal = this.#nodes.total(fresh);
      key = this.#wordsOf(fresh)[wordOf(fresh) + KEYS]!;
      first = this.#wordsOf(fresh)[wordOf(fresh) + FIRSTS]!;
      child = fresh;
      lower = inner;
    }
    assert(height + 1 < HEIGHT_MAX, "ordered tree: higher than it can become");
    const root = this.#nodes.createInner();
    this.#nodes.insertChild(root, 0, 0, 0, lower, leftTotal);
    this.#nodes.insertChild(root, 1, key, first, child, rightTotal);
    const words = this.#wordsOf(tree);
    words[wordOf(tree) + ROOT] = root;
    words[wordOf(tree) + HEIGHT] = height + 1;
  }

  #removeHere(tree: Ref): void {
    const words = this.#wordsOf(tree);
    const base = wordOf(tree);
    const height = words[base + HEIGHT]!;
    words[base + COUNT]!--;
    for (let level = 1; level <= height; level++) {
      const inner = this.#path[level] as Ref;
      this.#wordsOf(inner)[wordOf(inner) + TOTALS + this.#taken[level]!]!--;
    }
    const leaf = this.#leaf;
    const leafWords = this.#wordsOf(leaf);
    const leafBase = wordOf(leaf);
    const left = this.#nodes.removeEntry(leaf, this.#index);
    if (height === 0) return;
    if (left === 0) {
      this.#nodes.unlinkLeaf(leaf);
      this.#dropChild(tree, height, leaf);
      return;
    }
    if (this.#index === 0) {
      this.#setFirst(1, height, leafWords[leafBase + KEYS]!, leafWords[leafBase + ENTRIES]!);
    }
    if (left < LEAF_MAX / 3) this.#mergeUp(tree, 1, height);
  }

  /** The smallest entry below the child that the path takes at `level` is another one now. */
  #setFirst(level: number, height: number, key: number, first: number): void {
    for (let at = level; at <= height; at++) {
      const index = this.#taken[at]!;
      if (index === 0) continue;
      const inner = this.#path[at] as Ref;
      this.#wordsOf(inner)[wordOf(inner) + KEYS + index] = key;
      this.#wordsOf(inner)[wordOf(inner) + FIRSTS + index] = first;
      return;
    }
  }

  /** Removes the empty leaf of the path from its parent, and what becomes empty above it. */
  #dropChild(tree: Ref, height: number, leaf: Ref): void {
    this.#arena.free(leaf);
    for (let level = 1; level <= height; level++) {
      const inner = this.#path[level] as Ref;
      const index = this.#taken[level]!;
      this.#nodes.removeChild(inner, index);
      const words = this.#wordsOf(inner);
      const base = wordOf(inner);
      if (words[base]! > 0) {
        if (index === 0) {
          this.#setFirst(level + 1, height, words[base + KEYS]!, words[base + FIRSTS]!);
        }
        this.#mergeUp(tree, level + 1, height);
        return;
      }
      this.#arena.free(inner);
    }
    // Everything is gone: an empty leaf is the root again.
    const root = this.#nodes.createLeaf();
    this.#wordsOf(tree)[wordOf(tree) + ROOT] = root;
    this.#wordsOf(tree)[wordOf(tree) + HEIGHT] = 0;
  }

  /** Merges small nodes of the path with a neighbour where both fit into one: the children at `level` and those above. */
  #mergeUp(tree: Ref, level: number, height: number): void {
    for (let at = level; at <= height; at++) {
      const parent = this.#path[at] as Ref;
      const words = this.#wordsOf(parent);
      const base = wordOf(parent);
      const index = this.#taken[at]!;
      const max = at === 1 ? LEAF_MAX : INNER_MAX;
      const count = this.#nodes.count(words[base + CHILDREN + index] as Ref);
      if (count >= max / 3) continue;
      const room = max * 0.75 - count;
      const children = base + CHILDREN;
      if (
        index + 1 < words[base]! &&
        this.#nodes.count(words[children + index + 1] as Ref) <= room
      ) {
        this.#nodes.merge(parent, index, at === 1);
      } else if (index > 0 && this.#nodes.count(words[children + index - 1] as Ref) <= room) {
        this.#nodes.merge(parent, index - 1, at === 1);
      }
    }
    this.#lowerRoot(tree);
  }

  /** A root with one child gives way to it. */
  #lowerRoot(tree: Ref): void {
    for (;;) {
      const words = this.#wordsOf(tree);
      const base = wordOf(tree);
      const root = words[base + ROOT] as Ref;
      if (words[base + HEIGHT] === 0 || this.#nodes.count(root) > 1) return;
      words[base + ROOT] = this.#wordsOf(root)[wordOf(root) + CHILDREN]!;
      words[base + HEIGHT]!--;
      this.#arena.free(root);
    }
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}
