/**
 * The pending entries of a consumer group in the order of their last delivery, the oldest first, and of one millisecond by id.
 * XREADGROUP's CLAIM looks for those that have waited long enough; a group that nobody claims from in this way has no such
 * index, and none of its cost.
 *
 * An index is a sorted tree (structures/ordered-tree.ts): its scores are times, its members ids, big-endian so that bytes are
 * ordered as ids are.
 *
 *   entry   8 score    f64   Unix time in ms
 *          16 length   16
 *          20 id       ms, seq: u64 big-endian
 *
 * That is 48 bytes a pending entry, and about 12 in the tree.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";
import { entrySize, MEMBER_AT } from "../structures/ordered-tree-entries.ts";
import { OrderedTree, TreeCursor } from "../structures/ordered-tree.ts";
import type { StreamId } from "../structures/stream-id.ts";

const ID_SIZE = 16;
const ENTRY_SIZE: number = entrySize(ID_SIZE);

export class StreamIdle {
  readonly #arena: Arena;
  readonly #tree: OrderedTree;
  readonly #cursor: TreeCursor = new TreeCursor();

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#tree = new OrderedTree(arena);
  }

  /** Makes an empty index. */
  create(): Ref {
    return this.#tree.create(0);
  }

  count(index: Ref): number {
    return this.#tree.count(index);
  }

  /** Adds an id that is not in the index. @param ms time of its delivery, Unix ms */
  add(index: Ref, ms: number, id: StreamId): void {
    this.#tree.insert(index, this.#entry(ms, id));
  }

  /** Takes an id out that was added with the same time. Returns whether it was there. */
  remove(index: Ref, ms: number, id: StreamId): boolean {
    const probe = this.#entry(ms, id);
    const entry = this.#tree.take(index, probe);
    this.#arena.free(probe);
    if (entry === NULL_REF) return false;
    this.#arena.free(entry);
    return true;
  }

  /** Moves an id to another time. */
  move(index: Ref, fromMs: number, toMs: number, id: StreamId): void {
    const entry = this.#entry(fromMs, id);
    const old = this.#tree.take(index, entry);
    if (old !== NULL_REF) this.#arena.free(old);
    this.#tree.entries.setScore(entry, toMs);
    this.#tree.insert(index, entry);
  }

  /** Time of the oldest delivery, Unix ms; Infinity if the index is empty. */
  oldestMs(index: Ref): number {
    if (this.#tree.count(index) === 0) return Infinity;
    return this.#tree.entries.score(this.#tree.select(index, 0, this.#cursor));
  }

  /** Ids that were delivered at that time, Unix ms, or before. */
  countUntil(index: Ref, ms: number): number {
    return this.#tree.rankOfScore(index, ms, true);
  }

  /** Copies the ids of the oldest deliveries, four words each. @param count not more than there are */
  copyOldest(index: Ref, count: number, out: Int32Array): void {
    if (count === 0) return;
    let entry = this.#tree.select(index, 0, this.#cursor);
    for (let at = 0; at < 4 * count; at += 4) {
      const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
      const start = idAt(entry);
      for (let word = 0; word < 4; word++) out[at + word] = bytes.readInt32BE(start + 4 * word);
      entry = this.#tree.next(this.#cursor);
    }
  }

  /** Frees the index, or about `limit` of its ids. Returns true while there is something left. */
  freeSome(index: Ref, limit: number): boolean {
    const until = this.#tree.count(index) - limit;
    while (this.#tree.dropLeaf(index, this.#freeEntry)) {
      if (this.#tree.count(index) <= until) return true;
    }
    this.#arena.free(index);
    return false;
  }

  /** Bytes of the index, an estimate. */
  memory(index: Ref): number {
    const count = this.#tree.count(index);
    return this.#arena.sizeOf(index) + count * ENTRY_SIZE + OrderedTree.nodeBytes(count);
  }

  readonly #freeEntry = (entry: Ref): void => {
    this.#arena.free(entry);
  };

  #entry(ms: number, id: StreamId): Ref {
    const entry = this.#arena.allocate(ENTRY_SIZE);
    this.#tree.entries.setScore(entry, ms);
    this.#tree.entries.setLength(entry, ID_SIZE);
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    let at = idAt(entry);
    at = bytes.writeInt32BE(id.msHigh, at);
    at = bytes.writeInt32BE(id.msLow, at);
    at = bytes.writeInt32BE(id.seqHigh, at);
    bytes.writeInt32BE(id.seqLow, at);
    return entry;
  }
}

/** Index of the id's first byte in the entry's segment. */
function idAt(entry: Ref): number {
  return (entry & SEGMENT_MASK) * UNIT + MEMBER_AT;
}
