/**
 * Moves the blocks of collections where that is worth it (see memory/arena.ts), some at a time.
 *
 * `begin` gives the work on a value as pieces. Between two of them anything may happen to the value: whoever goes on has
 * `value` name it again first, as it is then, and writes back afterwards where it is. If it has another type or encoding, or is
 * gone, the work is given up. Each piece knows by itself where to go on: by the cursor of a scan, a rank, an id, or a mark in
 * the list. Elements that were there all the time are met once, but where the value was changed some may be passed over.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { OrderedTreeCompaction } from "../structures/ordered-tree-compaction.ts";
import { QuicklistCompaction } from "../structures/quicklist-compaction.ts";
import type { Hashes } from "./hash.ts";
import {
  ENCODING_HASHTABLE,
  ENCODING_QUICKLIST,
  ENCODING_SKIPLIST,
  ENCODING_STREAM,
  TYPE_HASH,
} from "./kinds.ts";
import type { Kit } from "./kit.ts";
import type { SortedSets } from "./sorted-set.ts";
import { StreamCompaction } from "./stream-compaction.ts";
import type { Streams } from "./stream.ts";
import { Value } from "./value.ts";

/** Does some of the work with every `next`, until it is done. */
export type Compacting = Generator<undefined, undefined>;

/** Entries of a dict in a piece, and buckets at most. */
const ENTRIES = 16;
const BUCKETS = 64;

export class ValueCompaction {
  /** The value at hand. */
  readonly value: Value = new Value();
  readonly #kit: Kit;
  readonly #hashes: Hashes;
  readonly #sortedSets: SortedSets;
  readonly #tree: OrderedTreeCompaction;
  readonly #quicklist: QuicklistCompaction;
  readonly #stream: StreamCompaction;
  /** The times of the members of `value`. */
  readonly #times: Value = new Value();
  /** The dict of the entries that `#moveScored` is called with. */
  #members: Ref = NULL_REF;
  readonly #batch: Ref[] = [];
  readonly #collect = (entry: Ref): void => void this.#batch.push(entry);

  readonly #moveScored = (entry: Ref): Ref => {
    const fresh = this.#kit.arena.relocate(entry);
    if (fresh !== entry) this.#kit.dict.moved(this.#members, entry, fresh);
    return fresh;
  };

  constructor(kit: Kit, hashes: Hashes, sortedSets: SortedSets, streams: Streams) {
    this.#kit = kit;
    this.#hashes = hashes;
    this.#sortedSets = sortedSets;
    this.#tree = new OrderedTreeCompaction(kit.arena);
    this.#quicklist = new QuicklistCompaction(kit.arena);
    this.#stream = new StreamCompaction(kit.arena, streams);
  }

  /** Moves a value that is one block, and has no times, at once. Returns false, with nothing done, if it is more. */
  movePacked(): boolean {
    const { value } = this;
    const { encoding } = value;
    const isTree = encoding === ENCODING_HASHTABLE || encoding === ENCODING_SKIPLIST;
    if (isTree || encoding === ENCODING_QUICKLIST || encoding === ENCODING_STREAM) return false;
    if (value.timed !== NULL_REF) return false;
    value.block = this.#kit.arena.relocate(value.block);
    return true;
  }

  /** The work on `value`. The wrapper of a value with times is the keyspace's. @param type of the value */
  *begin(type: number): Compacting {
    const { value } = this;
    switch (value.encoding) {
      case ENCODING_HASHTABLE:
        yield* this.#dict(type === TYPE_HASH);
        break;
      case ENCODING_SKIPLIST:
        yield* this.#scored(value, () => true);
        break;
      case ENCODING_QUICKLIST:
        yield* this.#list();
        break;
      case ENCODING_STREAM:
        yield* this.#stream.run(value);
        break;
      default:
        value.block = this.#kit.arena.relocate(value.block);
    }
    yield;
    yield* this.#timesOfMembers();
  }

  *#dict(isHash: boolean): Compacting {
    const { value } = this;
    value.block = this.#kit.dict.compact(value.block);
    let cursor = 0;
    do {
      cursor = this.#moveEntries(value.block, cursor, isHash);
      yield;
    } while (cursor !== 0);
  }

  /** Moves the entries of the next buckets. Returns the next cursor, 0 at the end. */
  #moveEntries(dict: Ref, cursor: number, isHash: boolean): number {
    const { arena, dict: dicts } = this.#kit;
    const batch = this.#batch;
    batch.length = 0;
    let next = cursor;
    for (let left = BUCKETS; left > 0 && batch.length < ENTRIES; left--) {
      next = dicts.walk.scan(dict, next, this.#collect);
      if (next === 0) break;
    }
    for (const entry of batch) {
      const fresh = arena.relocate(entry);
      if (fresh !== entry) dicts.moved(dict, entry, fresh);
      if (isHash) this.#hashes.entries.relocateValue(fresh);
    }
    return next;
  }

  /** A sorted set that has a tree. @param goOn is asked before each piece but the first, and gets the set ready */
  *#scored(set: Value, goOn: () => boolean): Compacting {
    const { arena } = this.#kit;
    set.block = arena.relocate(set.block);
    this.#sortedSets.compactDict(set.block);
    for (let rank = 0; rank < this.#sortedSets.length(set);) {
      this.#members = this.#sortedSets.dictOf(set.block);
      rank = this.#tree.moveLeaf(set.block, rank, this.#moveScored);
      yield;
      if (!goOn()) return;
    }
  }

  *#list(): Compacting {
    const { value } = this;
    value.block = this.#kit.arena.relocate(value.block);
    this.#quicklist.begin(value.block);
    while (this.#quicklist.moveNode(value.block)) yield;
  }

  *#timesOfMembers(): Compacting {
    const { memberTimes } = this.#kit;
    const { value } = this;
    if (value.timed === NULL_REF) return;
    const times = this.#times;
    memberTimes.readTimes(value.timed, times);
    const { encoding } = times;
    if (encoding === ENCODING_SKIPLIST) {
      const pieces = this.#scored(times, () => {
        if (value.timed === NULL_REF) return false;
        memberTimes.readTimes(value.timed, times);
        return times.encoding === encoding;
      });
      for (const _ of pieces) {
        memberTimes.setTimes(value.timed, times);
        yield;
      }
      return;
    }
    times.block = this.#kit.arena.relocate(times.block);
    memberTimes.setTimes(value.timed, times);
  }
}
