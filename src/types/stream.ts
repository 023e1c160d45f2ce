/**
 * Streams: entries in the order of their ids, packed into nodes (stream-node.ts) that a tree names by the id of their first
 * entry.
 *
 *   stream (80 bytes)   0 nodes    Ref   tree: the id of a node's first entry, and the node's listpack
 *                       4 length   u32   entries
 *                       8 tail     Ref   the last node's listpack, or 0
 *                      12 gone     u32   nodes that went from it, modulo 2^32
 *                      16 tail id        the id beside the last node
 *                      32 last id        the greatest id that the stream ever had
 *                      48 max deleted    the greatest id that was deleted
 *                      64 added    u64   entries ever added
 *
 * A stream without entries is still one: it keeps its ids and its consumer groups (stream-groups.ts).
 */
import { int64 } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { IdCursor, IdTree } from "../structures/id-tree.ts";
import { StreamId } from "../structures/stream-id.ts";
import type { Collection } from "./collection.ts";
import { ENCODING_STREAM } from "./kinds.ts";
import type { Kit } from "./kit.ts";
import { StreamGroups } from "./stream-groups.ts";
import type { Pairs } from "./stream-node.ts";
import { bytesOf, entrySizeMax, NodeEntry, StreamNodes } from "./stream-node.ts";
import type { StreamPlace } from "./stream-place.ts";
import { StreamWalk } from "./stream-walk.ts";
import type { Value } from "./value.ts";

// Words of the stream's block.
export const NODES = 0;
const LENGTH = 1;
export const TAIL = 2;
const GONE = 3;
const TAIL_ID = 4;
const LAST_ID = 8;
const MAX_DELETED = 12;
const ADDED = 16;
const STREAM_SIZE = 80;

/** Nodes never grow beyond this, whatever the options say, and no entry may be larger. */
const NODE_SIZE_MAX: number = 1024 * 1024 * 1024;
/** The first block of a node; it grows with its entries. */
const NODE_SIZE_FIRST = 128;
/** Nodes and pending entries that are freed at once. */
const SMALL_NODES = 16;
const SMALL_PENDING = 100;
/** Nodes that a memory estimate looks at. */
const SAMPLES_PER_NODE = 1;

/** Which entries a trim removes. */
export class Trim {
  /** Entries that stay, or -1 if the least id decides. */
  maxLength = -1;
  readonly minId: StreamId = new StreamId();
  /** Removes whole nodes only. */
  approximate = false;
  /** Entries that are removed at most, or 0. */
  limit = 0;
}

export class Streams implements Collection {
  readonly groups: StreamGroups;
  /** For whoever walks a stream and calls nothing that walks one too. */
  readonly walk: StreamWalk;
  readonly #kit: Kit;
  readonly #tree: IdTree;
  readonly #nodes: StreamNodes;
  /** For walks inside this class. */
  readonly #own: StreamWalk;
  readonly #cursor: IdCursor = new IdCursor();
  readonly #id: StreamId = new StreamId();
  readonly #end: StreamId = new StreamId();
  readonly #master: StreamId = new StreamId();
  readonly #entry: NodeEntry = new NodeEntry();

  constructor(kit: Kit) {
    this.#kit = kit;
    this.#tree = new IdTree(kit.arena, 1);
    this.#nodes = new StreamNodes(kit.arena, kit.listpack);
    this.groups = new StreamGroups(kit.arena);
    this.walk = this.createWalk();
    this.#own = this.createWalk();
  }

  /** @param listpack reads the entries */
  createWalk(listpack = this.#kit.listpack): StreamWalk {
    return new StreamWalk(this.#tree, this.#nodes, listpack);
  }

  /** Makes an empty stream. */
  create(value: Value): void {
    const nodes = this.#tree.create();
    const stream = this.#kit.arena.allocateZeroed(STREAM_SIZE);
    this.#words(stream)[baseOf(stream) + NODES] = nodes;
    value.set(ENCODING_STREAM, stream);
  }

  // ---- what a stream knows of itself ----

  length(value: Value): number {
    return this.#words(value.block)[baseOf(value.block) + LENGTH]! >>> 0;
  }

  /** Nodes that the entries lie in. */
  nodeCount(value: Value): number {
    return this.#tree.count(this.nodes(value));
  }

  /** The tree of nodes, as `StreamWalk.begin` wants it. */
  nodes(value: Value): Ref {
    return this.#words(value.block)[baseOf(value.block) + NODES] as Ref;
  }

  /** The id of the last entry ever added, or what XSETID made it. */
  lastId(value: Value, out: StreamId): void {
    this.#readId(value, LAST_ID, out);
  }

  setLastId(value: Value, id: StreamId): void {
    this.#writeId(value, LAST_ID, id);
  }

  /** The greatest id that was deleted; 0-0 if none was. */
  maxDeletedId(value: Value, out: StreamId): void {
    this.#readId(value, MAX_DELETED, out);
  }

  setMaxDeletedId(value: Value, id: StreamId): void {
    this.#writeId(value, MAX_DELETED, id);
  }

  /** Leaves the number of entries ever added in `int64`. */
  readAdded(value: Value): void {
    const words = this.#words(value.block);
    const base = baseOf(value.block);
    int64.low = words[base + ADDED]!;
    int64.high = words[base + ADDED + 1]!;
  }

  setAdded(value: Value, low: number, high: number): void {
    const words = this.#words(value.block);
    const base = baseOf(value.block);
    words[base + ADDED] = low;
    words[base + ADDED + 1] = high;
  }

  /** The id of the first entry, or of the last; 0-0 if there is none. */
  edgeId(value: Value, last: boolean, out: StreamId): void {
    out.setMin();
    if (this.length(value) === 0) return;
    this.#id.setMin();
    this.#end.setMax();
    this.#own.begin(this.nodes(value), this.#id, this.#end, last);
    if (this.#own.next()) out.copy(this.#own.id);
  }

  /** Whether there is an entry of this id. */
  has(value: Value, id: StreamId): boolean {
    this.#own.begin(this.nodes(value), id, id, false);
    return this.#own.next();
  }

  /** The first node's listpack, its id in `id`; NULL_REF if there is none. The cursor is good until the stream changes. */
  firstNode(value: Value, cursor: IdCursor, id: StreamId): Ref {
    return this.#nodeAt(this.#tree.first(this.nodes(value), cursor), cursor, id);
  }

  /** The listpack of the node behind the cursor's, likewise. */
  nextNode(cursor: IdCursor, id: StreamId): Ref {
    return this.#nodeAt(this.#tree.next(cursor), cursor, id);
  }

  /** Begins the walk over all ids from `start` on. @param place that a reader has kept of this stream, if it stopped before `start` */
  beginFrom(value: Value, start: StreamId, place: StreamPlace): void {
    const nodes = this.nodes(value);
    if (
      place.offset > 0 &&
      place.gone === this.#words(value.block)[baseOf(value.block) + GONE]! &&
      place.next.compare(start) === 0
    ) {
      return this.walk.beginAt(nodes, place);
    }
    this.#end.setMax();
    this.walk.begin(nodes, start, this.#end, false);
  }

  /** Keeps the place behind the entry that the walk is at, for `beginFrom`. */
  keepPlace(value: Value, place: StreamPlace): void {
    this.walk.keep(place);
    place.gone = this.#words(value.block)[baseOf(value.block) + GONE]!;
  }

  // ---- changing ----

  /** Whether an entry of that size may be added at all. */
  fits(pairs: Pairs, from: number, count: number): boolean {
    return bytesOf(pairs, from, count) <= NODE_SIZE_MAX;
  }

  /** Adds an entry. @param id greater than the last id  @param from index of the first field */
  append(value: Value, id: StreamId, pairs: Pairs, from: number, count: number): void {
    const stream = value.block;
    const { streamNodeMaxBytes } = this.#kit.limits;
    const sizeMax =
      streamNodeMaxBytes === 0 ? NODE_SIZE_MAX : Math.min(streamNodeMaxBytes, NODE_SIZE_MAX);
    let words = this.#words(stream);
    const base = baseOf(stream);
    const tail = words[base + TAIL] as Ref;
    if (tail !== NULL_REF && this.#hasRoom(tail, pairs, from, count, sizeMax)) {
      this.#readId(value, TAIL_ID, this.#master);
      const node = this.#nodes.append(tail, this.#master, id, pairs, from, count, sizeMax);
      if (node !== tail) this.#setTail(value, node);
    } else {
      if (tail !== NULL_REF) {
        const fitting = this.#nodes.shrinkToFit(tail);
        if (fitting !== tail) this.#setTail(value, fitting);
      }
      const size = Math.max(NODE_SIZE_FIRST, 2 * entrySizeMax(pairs, from, count));
      const node = this.#nodes.create(pairs, from, count, Math.min(size, sizeMax));
      this.#tree.insert(this.nodes(value), id, this.#cursor);
      this.#tree.set(this.#cursor, 0, node);
      this.#words(stream)[base + TAIL] = node;
      this.#writeId(value, TAIL_ID, id);
    }
    this.#writeId(value, LAST_ID, id);
    words = this.#words(stream);
    words[base + LENGTH]!++;
    const added = ((words[base + ADDED]! >>> 0) + 1) | 0;
    words[base + ADDED] = added;
    if (added === 0) words[base + ADDED + 1]!++;
  }

  /**
   * Adds a node from outside: bytes that `NodeCheck` passes, with `live` entries that are not deleted. Neither the last id nor
   * the number of entries ever added changes.
   */
  appendNode(
    value: Value,
    id: StreamId,
    bytes: Buffer,
    start: number,
    end: number,
    live: number,
  ): void {
    const node = this.#kit.listpack.load(bytes, start, end);
    this.#tree.insert(this.nodes(value), id, this.#cursor);
    this.#tree.set(this.#cursor, 0, node);
    this.#writeId(value, TAIL_ID, id);
    const words = this.#words(value.block);
    const base = baseOf(value.block);
    words[base + TAIL] = node;
    words[base + LENGTH]! += live;
  }

  /** Deletes an entry. Returns whether there was one. */
  delete(value: Value, id: StreamId): boolean {
    const walk = this.#own;
    walk.begin(this.nodes(value), id, id, false);
    if (!walk.next()) return false;
    this.#words(value.block)[baseOf(value.block) + LENGTH]!--;
    if (this.#nodes.live(walk.node) === 1) {
      this.#dropNode(value, walk.cursor);
    } else {
      this.#nodes.mark(walk.node, walk.pos);
      this.#countMarked(value, walk.cursor, walk.node, 1);
    }
    this.maxDeletedId(value, this.#id);
    if (id.compare(this.#id) > 0) this.setMaxDeletedId(value, id);
    return true;
  }

  /** Whether a trim removes the whole node that the walk is in. */
  isNodeOutside(value: Value, walk: StreamWalk, trim: Trim): boolean {
    this.#tree.id(walk.cursor, this.#master);
    return this.#isOutside(walk.node, trim, this.length(value) - this.#nodes.live(walk.node));
  }

  /** Removes entries from the beginning. Returns how many. */
  trim(value: Value, trim: Trim): number {
    const cursor = this.#cursor;
    let deleted = 0;
    while (this.#tree.first(this.nodes(value), cursor)) {
      const length = this.length(value);
      if (trim.maxLength >= 0 && length <= trim.maxLength) break;
      const node = this.#tree.get(cursor, 0) as Ref;
      const live = this.#nodes.live(node);
      if (trim.limit > 0 && deleted + live > trim.limit) break;
      this.#tree.id(cursor, this.#master);
      if (this.#isOutside(node, trim, length - live)) {
        this.#words(value.block)[baseOf(value.block) + LENGTH] = length - live;
        this.#dropNode(value, cursor);
        deleted += live;
        continue;
      }
      if (!trim.approximate) deleted += this.#trimNode(value, node, trim);
      break;
    }
    return deleted;
  }

  // ---- for the keyspace ----

  freeSmall(value: Value): boolean {
    if (this.nodeCount(value) > SMALL_NODES) return false;
    if (this.groups.pending(value.block) > SMALL_PENDING) return false;
    while (this.freeSome(value, SMALL_PENDING));
    return true;
  }

  freeSome(value: Value, limit: number): boolean {
    if (this.groups.freeSome(value.block, limit)) return true;
    const nodes = this.nodes(value);
    const cursor = this.#cursor;
    for (let left = limit; left > 0;) {
      if (!this.#tree.last(nodes, cursor)) {
        this.#tree.destroy(nodes);
        this.#kit.arena.free(value.block);
        return false;
      }
      const node = this.#tree.get(cursor, 0) as Ref;
      const live = this.#nodes.live(node);
      this.#words(value.block)[baseOf(value.block) + LENGTH]! -= live;
      left -= 1 + live / 10;
      this.#tree.id(cursor, this.#id);
      this.#kit.arena.free(node);
      this.#tree.remove(nodes, this.#id);
    }
    return true;
  }

  duplicate(value: Value, copy: Value): void {
    this.create(copy);
    const { listpack } = this.#kit;
    const from = new IdCursor();
    let tail = NULL_REF;
    for (let more = this.#tree.first(this.nodes(value), from); more; more = this.#tree.next(from)) {
      this.#tree.id(from, this.#id);
      tail = listpack.duplicate(this.#tree.get(from, 0) as Ref);
      this.#tree.insert(this.nodes(copy), this.#id, this.#cursor);
      this.#tree.set(this.#cursor, 0, tail);
    }
    const source = this.#words(value.block);
    const target = this.#words(copy.block);
    const sourceBase = baseOf(value.block);
    const targetBase = baseOf(copy.block);
    target[targetBase + LENGTH] = source[sourceBase + LENGTH]!;
    target[targetBase + TAIL] = tail;
    for (let word = TAIL_ID; word < ADDED + 2; word++) {
      target[targetBase + word] = source[sourceBase + word]!;
    }
    this.groups.duplicate(value.block, copy.block);
  }

  memory(value: Value, samples: number): number {
    const { arena } = this.#kit;
    const nodes = this.nodes(value);
    const count = this.#tree.count(nodes);
    const wanted = samples === 0 ? count : Math.min(count, samples * SAMPLES_PER_NODE);
    let bytes = 0;
    let seen = 0;
    const cursor = new IdCursor();
    let more = this.#tree.first(nodes, cursor);
    for (; more && seen < wanted; seen++, more = this.#tree.next(cursor)) {
      bytes += arena.sizeOf(this.#tree.get(cursor, 0) as Ref);
    }
    if (seen > 0) bytes = Math.round((bytes / seen) * count);
    const own = arena.sizeOf(value.block) + this.#tree.memory(nodes);
    return own + bytes + this.groups.memory(value.block);
  }

  // ---- inside ----

  #nodeAt(found: boolean, cursor: IdCursor, id: StreamId): Ref {
    if (!found) return NULL_REF;
    this.#tree.id(cursor, id);
    return this.#tree.get(cursor, 0) as Ref;
  }

  #words(ref: Ref): Int32Array {
    return this.#kit.arena.words[ref >>> SEGMENT_SHIFT]!;
  }

  #readId(value: Value, word: number, out: StreamId): void {
    const words = this.#words(value.block);
    const at = baseOf(value.block) + word;
    out.set(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
  }

  #writeId(value: Value, word: number, id: StreamId): void {
    const words = this.#words(value.block);
    const at = baseOf(value.block) + word;
    words[at] = id.msHigh;
    words[at + 1] = id.msLow;
    words[at + 2] = id.seqHigh;
    words[at + 3] = id.seqLow;
  }

  /** Whether the node takes one more entry under the options. */
  #hasRoom(node: Ref, pairs: Pairs, from: number, count: number, sizeMax: number): boolean {
    const size = this.#kit.listpack.byteLength(node);
    if (size + bytesOf(pairs, from, count) >= sizeMax) return false;
    const { streamNodeMaxEntries } = this.#kit.limits;
    if (streamNodeMaxEntries === 0) return true;
    return this.#nodes.live(node) + this.#nodes.deleted(node) < streamNodeMaxEntries;
  }

  /** The last node has moved. */
  #setTail(value: Value, node: Ref): void {
    this.#words(value.block)[baseOf(value.block) + TAIL] = node;
    if (this.#tree.last(this.nodes(value), this.#cursor)) this.#tree.set(this.#cursor, 0, node);
  }

  /** Frees the cursor's node and takes it out of the tree. */
  #dropNode(value: Value, cursor: IdCursor): void {
    const node = this.#tree.get(cursor, 0) as Ref;
    this.#tree.id(cursor, this.#id);
    this.#tree.remove(this.nodes(value), this.#id);
    this.#kit.arena.free(node);
    this.#words(value.block)[baseOf(value.block) + GONE]!++;
    const at = baseOf(value.block) + TAIL;
    if (this.#words(value.block)[at] !== node) return;
    if (!this.#tree.last(this.nodes(value), this.#cursor)) {
      this.#words(value.block)[at] = NULL_REF;
      return;
    }
    this.#tree.id(this.#cursor, this.#id);
    this.#writeId(value, TAIL_ID, this.#id);
    this.#words(value.block)[at] = this.#tree.get(this.#cursor, 0);
  }

  #countMarked(value: Value, cursor: IdCursor, node: Ref, marked: number): void {
    const moved = this.#nodes.countMarked(node, marked);
    if (moved === node) return;
    this.#tree.set(cursor, 0, moved);
    const at = baseOf(value.block) + TAIL;
    const words = this.#words(value.block);
    if (words[at] === node) words[at] = moved;
  }

  /** Whether the whole node goes. @param rest entries of the other nodes; `#master` is the node's own id */
  #isOutside(node: Ref, trim: Trim, rest: number): boolean {
    if (trim.maxLength >= 0) return rest >= trim.maxLength;
    const last = this.#nodes.entryBefore(node, this.#nodes.endPos(node));
    this.#nodes.readEntry(node, last, this.#master, 0, this.#id, this.#entry);
    return this.#id.compare(trim.minId) < 0;
  }

  /** Marks the first node's entries that are outside. Returns how many. */
  #trimNode(value: Value, node: Ref, trim: Trim): number {
    const nodes = this.#nodes;
    const entry = this.#entry;
    this.#tree.first(this.nodes(value), this.#cursor);
    this.#tree.id(this.#cursor, this.#master);
    const length = this.length(value);
    let pos = nodes.fieldsPos(node);
    const masterFields = int64.low;
    pos = nodes.skip(node, pos, masterFields + 1);
    let marked = 0;
    while (!nodes.isEnd(node, pos)) {
      nodes.readEntry(node, pos, this.#master, masterFields, this.#id, entry);
      if (trim.maxLength >= 0 && length - marked <= trim.maxLength) break;
      if (trim.maxLength < 0 && this.#id.compare(trim.minId) >= 0) break;
      if (!entry.deleted) {
        nodes.mark(node, pos);
        marked++;
      }
      const elements = entry.sameFields ? entry.fields : 2 * entry.fields;
      pos = nodes.skip(node, entry.body, elements + 1);
    }
    if (marked === 0) return 0;
    this.#words(value.block)[baseOf(value.block) + LENGTH] = length - marked;
    this.#countMarked(value, this.#cursor, node, marked);
    return marked;
  }
}

/** Word index of a block in its segment. */
function baseOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) << 2;
}
