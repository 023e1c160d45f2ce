/**
 * A quicklist: a long list of byte strings as a chain of listpacks, each small enough to be changed in its middle.
 *
 *   header   0  head    first node            node   0  prev
 *            4  tail    last node                    4  next
 *            8  nodes   u32                          8  count    elements of its listpack, u32
 *           12  count   elements, u32               12  pack     the listpack
 *           16  gap     u32
 *           20  mark    where a compaction goes on, or 0
 *
 * A node takes elements up to `bytesMax` bytes and `countMax` elements. An element larger than `bytesMax` stands in a node
 * of its own, the only one that may be larger. No node is empty.
 *
 * The arithmetic: with nodes of 8 KiB, a list of 10-byte elements has 680 in a node, whose 16 bytes are shared by all of
 * them; each takes its bytes and two more.
 *
 * The first node alone may have a gap in front of its elements (listpack-gap.ts), `gap` bytes of it: the room that pushing and
 * popping at the front need to leave the others where they are. It is made by them, and closed by whoever else comes
 * near, `head` included; so the listpack of a node that was found here is one.
 *
 * Pushing and popping at the ends take constant time; getting at an index takes a step for each node on the way from the nearer
 * end. Sources of bytes must not lie in the list itself.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import type { Listpack } from "./listpack.ts";
import { HEADER_SIZE as PACK_HEADER_SIZE } from "./listpack-check.ts";
import { ListpackGap } from "./listpack-gap.ts";

// Words of the header.
export const HEAD = 0;
export const TAIL = 1;
const NODES = 2;
export const LENGTH = 3;
export const GAP = 4;
export const MARK = 5;
const HEADER_SIZE = 24;

// Words of a node.
export const PREV = 0;
export const NEXT = 1;
export const COUNT = 2;
export const PACK = 3;
const NODE_SIZE = 16;

/** What an element may take beside its bytes, estimated as Redis does. */
export const ENTRY_OVERHEAD = 8;
/** What it takes beside its bytes at most, and the byte of a gap that stays. */
export const ENTRY_OVERHEAD_MAX = 11;
/** Bytes of the shortest integer. */
const INTEGER_SIZE_MIN = 1;
/** Bytes of two listpacks that one of them needs only once. */
const PACK_OVERHEAD = 7;

/** Where an element is: its list and node, the node's listpack, the position in it. Good until the list changes. */
export class Cursor {
  /** Both NULL_REF where a listpack stands by itself. */
  list: Ref = NULL_REF;
  node: Ref = NULL_REF;
  pack: Ref = NULL_REF;
  pos = 0;

  set(list: Ref, node: Ref, pack: Ref, pos: number): void {
    this.list = list;
    this.node = node;
    this.pack = pack;
    this.pos = pos;
  }
}

export class Quicklist {
  /** Bytes that a node's listpack may have; nodes that are larger already stay so. */
  bytesMax = 8192;
  /** Elements that a node may have. */
  countMax = Infinity;
  readonly #arena: Arena;
  readonly #listpack: Listpack;
  readonly #gaps: ListpackGap;
  /** Index within its node of the element that `#locate` found. */
  #offset = 0;

  constructor(arena: Arena, listpack: Listpack) {
    this.#arena = arena;
    this.#listpack = listpack;
    this.#gaps = new ListpackGap(arena);
  }

  // ---- the whole list ----

  create(): Ref {
    return this.#arena.allocateZeroed(HEADER_SIZE);
  }

  /** Makes a list whose one node is the listpack, which belongs to it from then on; of an empty one, an empty list. */
  wrap(pack: Ref): Ref {
    const list = this.create();
    if (this.#listpack.count(pack) === 0) this.#listpack.free(pack);
    else this.#link(list, NULL_REF, pack);
    return list;
  }

  /** Takes the only listpack out of a list of one node, and frees the rest. */
  unwrap(list: Ref): Ref {
    const head = this.head(list);
    const pack = this.pack(head);
    this.#arena.free(head);
    this.#arena.free(list);
    return pack;
  }

  length(list: Ref): number {
    return this.#get(list, LENGTH) >>> 0;
  }

  nodes(list: Ref): number {
    return this.#get(list, NODES) >>> 0;
  }

  /** The first node, for a walk over all of them. */
  head(list: Ref): Ref {
    this.#closeGap(list);
    return this.#get(list, HEAD) as Ref;
  }

  /** Bytes of the first node's listpack. */
  headSize(list: Ref): number {
    const pack = this.pack(this.#get(list, HEAD) as Ref);
    return this.#listpack.byteLength(pack) - this.#get(list, GAP);
  }

  next(node: Ref): Ref {
    return this.#get(node, NEXT) as Ref;
  }

  pack(node: Ref): Ref {
    return this.#get(node, PACK) as Ref;
  }

  /** Frees up to `limit` nodes, and the list with its last node. Returns whether there are more. */
  freeSome(list: Ref, limit: number): boolean {
    for (let left = limit; left > 0; left--) {
      const head = this.#get(list, HEAD) as Ref;
      if (head === NULL_REF) break;
      this.#unlink(list, head);
    }
    if (this.nodes(list) > 0) return true;
    this.#arena.free(list);
    return false;
  }

  duplicate(list: Ref): Ref {
    const copy = this.create();
    for (let node = this.head(list); node !== NULL_REF; node = this.next(node)) {
      this.#link(copy, this.#get(copy, TAIL) as Ref, this.#listpack.duplicate(this.pack(node)));
    }
    return copy;
  }

  /** Bytes of all blocks, reckoned from the first `samples` nodes (0: all). */
  memory(list: Ref, samples: number): number {
    const nodes = this.nodes(list);
    const looked = samples === 0 ? nodes : Math.min(nodes, samples);
    let bytes = 0;
    let node = this.#get(list, HEAD) as Ref;
    for (let left = looked; left > 0; left--, node = this.next(node)) {
      bytes += this.#arena.sizeOf(node) + this.#arena.sizeOf(this.pack(node));
    }
    const own = this.#arena.sizeOf(list);
    return looked === 0 ? own : own + Math.round((bytes / looked) * nodes);
  }

  // ---- walking ----

  /** Points the cursor at the element of an index, counted from the end where it is negative. Returns false if there is none. */
  seek(list: Ref, index: number, cursor: Cursor): boolean {
    const length = this.length(list);
    const at = index < 0 ? length + index : index;
    if (at < 0 || at >= length) return false;
    if (at === 0) {
      const head = this.#get(list, HEAD) as Ref;
      cursor.set(list, head, this.pack(head), PACK_HEADER_SIZE + this.#get(list, GAP));
      return true;
    }
    const isLast = at === length - 1;
    const node = isLast ? (this.#get(list, TAIL) as Ref) : this.#locate(list, at);
    this.#closeGapOf(list, node);
    const pack = this.pack(node);
    const pos = isLast ? this.#listpack.last(pack) : this.#listpack.at(pack, this.#offset);
    cursor.set(list, node, pack, pos);
    return true;
  }

  /** Moves the cursor to the first element of the node behind its own. Returns false if there is none. */
  toNextNode(cursor: Cursor): boolean {
    const node = this.next(cursor.node);
    if (node === NULL_REF) return false;
    const pack = this.pack(node);
    cursor.set(cursor.list, node, pack, this.#listpack.first(pack));
    return true;
  }

  /** Moves the cursor to the last element of the node before its own. Returns false if there is none. */
  toPrevNode(cursor: Cursor): boolean {
    const node = this.#get(cursor.node, PREV) as Ref;
    if (node === NULL_REF) return false;
    this.#closeGapOf(cursor.list, node);
    const pack = this.pack(node);
    cursor.set(cursor.list, node, pack, this.#listpack.last(pack));
    return true;
  }

  // ---- changing ----

  push(list: Ref, front: boolean, source: Buffer, start: number, end: number): void {
    if (this.#pushInPlace(list, front, source, start, end)) return;
    const node = this.#get(list, front ? HEAD : TAIL) as Ref;
    if (node !== NULL_REF && this.#fits(list, node, end - start)) {
      if (front) this.#pushToHead(list, node, source, start, end);
      else this.#pushToNode(list, node, false, source, start, end);
      return;
    }
    if (front) this.#closeGap(list);
    else if (node !== NULL_REF) this.#set(node, PACK, this.#listpack.fit(this.pack(node)));
    this.#link(list, front ? NULL_REF : node, this.#packOf(source, start, end));
  }

  /** Inserts an element before or behind the one at the cursor, which is good no more. */
  insert(
    list: Ref,
    cursor: Cursor,
    after: boolean,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    this.#closeGapAt(list, cursor);
    const { node, pack, pos } = cursor;
    const listpack = this.#listpack;
    const size = end - start;
    if (this.#fits(list, node, size)) {
      const grown = after
        ? listpack.insertAfter(pack, pos, source, start, end)
        : listpack.insertBefore(pack, pos, source, start, end);
      this.#set(node, PACK, grown);
      this.#addCount(list, node, 1);
      return;
    }
    const cut = after ? listpack.next(pack, pos) : pos;
    if (cut === 0) {
      const next = this.next(node);
      if (next !== NULL_REF && this.#fits(list, next, size)) {
        return this.#pushToNode(list, next, true, source, start, end);
      }
      this.#link(list, node, this.#packOf(source, start, end));
      return;
    }
    const prev = this.#get(node, PREV) as Ref;
    if (cut === listpack.first(pack)) {
      if (prev !== NULL_REF && this.#fits(list, prev, size)) {
        return this.#pushToNode(list, prev, false, source, start, end);
      }
      this.#link(list, prev, this.#packOf(source, start, end));
      return;
    }
    const right = this.#split(list, node, cut);
    if (this.#fits(list, node, size)) this.#pushToNode(list, node, false, source, start, end);
    else if (this.#fits(list, right, size)) this.#pushToNode(list, right, true, source, start, end);
    else this.#link(list, node, this.#packOf(source, start, end));
    // The halves may go together with what was beside the node before.
    const next = this.next(right);
    if (next !== NULL_REF) this.#merge(list, right, next);
    if (prev !== NULL_REF) this.#merge(list, prev, node);
  }

  /**
   * Puts another element in the place of the one at the cursor, which is good no more.
   * @param oldSize bytes of the element that stands there
   */
  replace(
    list: Ref,
    cursor: Cursor,
    oldSize: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    this.#closeGapAt(list, cursor);
    const { node, pack, pos } = cursor;
    const listpack = this.#listpack;
    const size = end - start;
    // An integer takes fewer bytes than its digits.
    const freed = listpack.isInteger(pack, pos) ? INTEGER_SIZE_MIN : oldSize;
    const bytes = listpack.byteLength(pack) - freed + size + ENTRY_OVERHEAD;
    if (size <= freed || this.#get(node, COUNT) === 1 || bytes <= this.bytesMax) {
      this.#set(node, PACK, listpack.replace(pack, pos, source, start, end));
      return;
    }
    // The node has others, so it stays when the element leaves it.
    const before = listpack.prev(pack, pos);
    const rest = listpack.remove(pack, pos);
    this.#set(node, PACK, rest);
    this.#addCount(list, node, -1);
    cursor.set(list, node, rest, before === 0 ? listpack.first(rest) : before);
    this.insert(list, cursor, before !== 0, source, start, end);
  }

  /**
   * Removes the element at the cursor, which moves to the one behind it, or before it.
   * @returns whether there is one
   */
  remove(list: Ref, cursor: Cursor, forward: boolean): boolean {
    const { node } = cursor;
    if (this.#get(node, COUNT) === 1) {
      const more = forward ? this.toNextNode(cursor) : this.toPrevNode(cursor);
      this.#unlink(list, node);
      return more;
    }
    const isFirst = node === this.#get(list, HEAD);
    if (isFirst && forward && cursor.pos === PACK_HEADER_SIZE + this.#get(list, GAP)) {
      const gap = this.#gaps.pop(cursor.pack, cursor.pos);
      this.#set(list, GAP, gap);
      this.#addCount(list, node, -1);
      cursor.pos = PACK_HEADER_SIZE + gap;
      return true;
    }
    this.#closeGapAt(list, cursor);
    const { pack, pos } = cursor;
    const listpack = this.#listpack;
    const rest = listpack.remove(pack, pos);
    this.#set(node, PACK, rest);
    this.#addCount(list, node, -1);
    cursor.set(list, node, rest, forward ? listpack.orNone(rest, pos) : listpack.prev(rest, pos));
    if (cursor.pos !== 0) return true;
    return forward ? this.toNextNode(cursor) : this.toPrevNode(cursor);
  }

  /** Removes `count` elements, all of which exist, from an index on. */
  removeRange(list: Ref, index: number, count: number): void {
    if (count === 0) return;
    const listpack = this.#listpack;
    let node = this.#locate(list, index);
    let offset = this.#offset;
    this.#closeGapOf(list, node);
    for (let left = count; left > 0; offset = 0) {
      const next = this.next(node);
      const held = this.#get(node, COUNT);
      const taken = Math.min(left, held - offset);
      if (taken === held) {
        this.#unlink(list, node);
      } else {
        const pack = this.pack(node);
        this.#set(node, PACK, listpack.removeRange(pack, listpack.at(pack, offset), taken));
        this.#addCount(list, node, -taken);
      }
      left -= taken;
      node = next;
    }
  }

  /** Adds a listpack that is not empty as the last node, whatever its size; it belongs to the list from then on. */
  appendPack(list: Ref, pack: Ref): void {
    this.#link(list, this.#get(list, TAIL) as Ref, pack);
  }

  // ---- inside ----

  /** The node of an index that exists; leaves in `#offset` which of its elements it is. */
  #locate(list: Ref, index: number): Ref {
    const length = this.length(list);
    if (index < length / 2) {
      let node = this.head(list);
      let left = index;
      for (let held = this.#get(node, COUNT); left >= held; held = this.#get(node, COUNT)) {
        left -= held;
        node = this.next(node);
      }
      this.#offset = left;
      return node;
    }
    let node = this.#get(list, TAIL) as Ref;
    let first = length - this.#get(node, COUNT);
    while (index < first) {
      node = this.#get(node, PREV) as Ref;
      first -= this.#get(node, COUNT);
    }
    this.#offset = index - first;
    return node;
  }

  #fits(list: Ref, node: Ref, size: number): boolean {
    if (this.#get(node, COUNT) + 1 > this.countMax) return false;
    const gap = node === this.#get(list, HEAD) ? this.#get(list, GAP) : 0;
    const bytes = this.#listpack.byteLength(this.pack(node)) - gap;
    return bytes + size + ENTRY_OVERHEAD <= this.bytesMax;
  }

  #packOf(source: Buffer, start: number, end: number): Ref {
    return this.#listpack.append(this.#listpack.create(), source, start, end);
  }

  /**
   * Adds an element at an end of the list if the block there has room for it. Returns false if not. Nearly all elements come
   * this way, which takes a third of the time of doing it in steps.
   */
  #pushInPlace(list: Ref, front: boolean, source: Buffer, start: number, end: number): boolean {
    const words = this.#arena.words[list >>> SEGMENT_SHIFT]!;
    const at = (list & SEGMENT_MASK) << 2;
    const node = words[at + (front ? HEAD : TAIL)]! as Ref;
    if (node === NULL_REF) return false;
    const nodeWords = this.#arena.words[node >>> SEGMENT_SHIFT]!;
    const nodeAt = (node & SEGMENT_MASK) << 2;
    const pack = nodeWords[nodeAt + PACK]! as Ref;
    const count = nodeWords[nodeAt + COUNT]!;
    const gap = front || node === words[at + HEAD] ? words[at + GAP]! : 0;
    const total = this.#listpack.byteLength(pack);
    const size = end - start;
    if (count >= this.countMax || total - gap + size + ENTRY_OVERHEAD > this.bytesMax) return false;
    if (front) {
      const left = this.#gaps.push(pack, gap, source, start, end);
      if (left === -1) return false;
      words[at + GAP] = left;
    } else {
      if (total + size + ENTRY_OVERHEAD_MAX > this.#arena.sizeOf(pack)) return false;
      this.#listpack.append(pack, source, start, end);
    }
    words[at + LENGTH]!++;
    nodeWords[nodeAt + COUNT] = count + 1;
    return true;
  }

  #pushToNode(
    list: Ref,
    node: Ref,
    front: boolean,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    let pack = this.pack(node);
    const total = this.#listpack.byteLength(pack);
    const added = end - start + ENTRY_OVERHEAD_MAX;
    if (total + added > this.#arena.sizeOf(pack)) {
      // An append may stand behind a gap, but there is no sense in moving both.
      this.#closeGapOf(list, node);
      // Twice as much each time, up to what the node may ever hold.
      const room = Math.max(added, Math.min(total, this.bytesMax - total));
      pack = this.#listpack.reserve(this.pack(node), room);
      this.#set(node, PACK, pack);
    }
    const grown = front
      ? this.#listpack.prepend(pack, source, start, end)
      : this.#listpack.append(pack, source, start, end);
    if (grown !== pack) this.#set(node, PACK, grown);
    this.#addCount(list, node, 1);
  }

  /** Adds an element in front of all others, in the gap of the first node, which has room for it within its limits. */
  #pushToHead(list: Ref, head: Ref, source: Buffer, start: number, end: number): void {
    const pack = this.pack(head);
    const gap = this.#get(list, GAP);
    let left = this.#gaps.push(pack, gap, source, start, end);
    if (left === -1) {
      const total = this.#listpack.byteLength(pack);
      const held = total - gap;
      // Twice as much each time, up to what the node may ever hold.
      const room = Math.max(end - start + ENTRY_OVERHEAD_MAX, Math.min(held, this.bytesMax - held));
      const wider = this.#gaps.open(pack, gap, room);
      this.#set(head, PACK, wider);
      const wide = this.#listpack.byteLength(wider) - total + gap;
      left = this.#gaps.push(wider, wide, source, start, end);
    }
    this.#set(list, GAP, left);
    this.#addCount(list, head, 1);
  }

  /** Makes the first node's block a listpack. */
  #closeGap(list: Ref): void {
    const gap = this.#get(list, GAP);
    if (gap === 0) return;
    const head = this.#get(list, HEAD) as Ref;
    this.#set(head, PACK, this.#gaps.close(this.pack(head), gap, this.#get(head, COUNT)));
    this.#set(list, GAP, 0);
  }

  /** The same, if it is the node's block. */
  #closeGapOf(list: Ref, node: Ref): void {
    if (node === this.#get(list, HEAD)) this.#closeGap(list);
  }

  /** The same for a cursor that stays at its element. */
  #closeGapAt(list: Ref, cursor: Cursor): void {
    const gap = this.#get(list, GAP);
    if (gap === 0) return;
    this.#closeGap(list);
    if (cursor.node !== this.#get(list, HEAD)) return;
    cursor.pack = this.pack(cursor.node);
    cursor.pos -= gap;
  }

  /** Makes a node of a listpack that is not empty. @param prev the node to put it behind, or NULL_REF: at the head */
  #link(list: Ref, prev: Ref, pack: Ref): Ref {
    const node = this.#arena.allocate(NODE_SIZE);
    const next = this.#get(prev === NULL_REF ? list : prev, prev === NULL_REF ? HEAD : NEXT);
    const count = this.#listpack.count(pack);
    this.#set(node, PREV, prev);
    this.#set(node, NEXT, next);
    this.#set(node, COUNT, count);
    this.#set(node, PACK, pack);
    if (prev === NULL_REF) this.#set(list, HEAD, node);
    else this.#set(prev, NEXT, node);
    if (next === NULL_REF) this.#set(list, TAIL, node);
    else this.#set(next as Ref, PREV, node);
    this.#set(list, NODES, this.#get(list, NODES) + 1);
    this.#set(list, LENGTH, this.#get(list, LENGTH) + count);
    return node;
  }

  /** Frees a node with its listpack. */
  #unlink(list: Ref, node: Ref): void {
    this.#listpack.free(this.pack(node));
    this.#set(list, LENGTH, this.#get(list, LENGTH) - this.#get(node, COUNT));
    this.#unlinkEmpty(list, node);
  }

  /** Frees a node whose listpack went elsewhere. */
  #unlinkEmpty(list: Ref, node: Ref): void {
    const prev = this.#get(node, PREV) as Ref;
    const next = this.next(node);
    if (prev === NULL_REF) {
      this.#set(list, HEAD, next);
      this.#set(list, GAP, 0);
    } else {
      this.#set(prev, NEXT, next);
    }
    if (next === NULL_REF) this.#set(list, TAIL, prev);
    else this.#set(next, PREV, prev);
    if (node === this.#get(list, MARK)) this.#set(list, MARK, next);
    this.#set(list, NODES, this.#get(list, NODES) - 1);
    this.#arena.free(node);
  }

  /** Moves the elements of a node from the one at `pos` on to a node of their own. Both have some afterwards. */
  #split(list: Ref, node: Ref, pos: number): Ref {
    const pack = this.pack(node);
    const tail = this.#listpack.split(pack, pos);
    const rest = this.#listpack.shrink(pack);
    this.#set(node, PACK, rest);
    this.#addCount(list, node, -this.#listpack.count(tail));
    return this.#link(list, node, tail);
  }

  /** Puts the elements of a node, which is freed, into the one before it, if there is room for all. */
  #merge(list: Ref, node: Ref, next: Ref): void {
    const listpack = this.#listpack;
    const added = this.#get(next, COUNT);
    const pack = this.pack(node);
    const other = this.pack(next);
    const bytes = listpack.byteLength(pack) + listpack.byteLength(other) - PACK_OVERHEAD;
    if (bytes > this.bytesMax || this.#get(node, COUNT) + added > this.countMax) return;
    this.#set(node, PACK, listpack.concat(pack, other));
    this.#set(node, COUNT, this.#get(node, COUNT) + added);
    this.#unlinkEmpty(list, next);
  }

  #addCount(list: Ref, node: Ref, change: number): void {
    this.#set(node, COUNT, this.#get(node, COUNT) + change);
    this.#set(list, LENGTH, this.#get(list, LENGTH) + change);
  }

  #get(ref: Ref, word: number): number {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]![((ref & SEGMENT_MASK) << 2) + word]!;
  }

  #set(ref: Ref, word: number, value: number): void {
    this.#arena.words[ref >>> SEGMENT_SHIFT]![((ref & SEGMENT_MASK) << 2) + word] = value;
  }
}
