/**
 * A walk over all keys that moves the blocks of their entries and values where that is worth it (memory/arena.ts), in steps.
 *
 * It goes through the dict of each database by the cursor of a scan, so that keys may come and go in between, and tables grow.
 * A value with many elements is put off, by its key, until the buckets at hand are done; then it is looked for again before each
 * step, since it may have changed, moved or gone.
 *
 * Between two steps nothing here names a block. Others that do are left alone: a snapshot says which entries it has an eye on
 * (`EntryGuard.holds`). Values that wait to be freed (reclaim.ts), and what is in no database at all, are not met.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ENCODING_BLOB, TYPE_STREAM, TYPE_STRING } from "../types/kinds.ts";
import type { Compacting } from "../types/value-compaction.ts";
import { ValueCompaction } from "../types/value-compaction.ts";
import type { Database } from "./database.ts";
import type { Store } from "./store.ts";

/** Buckets whose entries are fetched from memory together. */
const FETCHED_BUCKETS = 32;

/** A value that was put off. */
interface Large {
  readonly database: Database;
  readonly key: Buffer;
}

export class CompactionWalk {
  /** Elements from which a value is put off. */
  largeFrom = 1000;
  /** Keys of which something was moved, and others, that the walks have met. */
  keyHits = 0;
  keyMisses = 0;
  readonly #store: Store;
  readonly #databases: readonly Database[];
  readonly #values: ValueCompaction;
  #database = 0;
  #cursor = 0;
  /** Buckets until the next are fetched. */
  #fetched = 0;
  readonly #batch: Ref[] = [];
  readonly #collect = (entry: Ref): void => void this.#batch.push(entry);
  readonly #large: Large[] = [];
  /** The work on the first of them; null before it was begun. */
  #pieces: Compacting | null = null;
  #type = 0;
  #encoding = 0;

  constructor(store: Store, databases: readonly Database[]) {
    this.#store = store;
    this.#databases = databases;
    const { kit, hashes, sortedSets, streams } = store;
    this.#values = new ValueCompaction(kit, hashes, sortedSets, streams);
  }

  /** Goes to the beginning. */
  begin(): void {
    this.#database = 0;
    this.#cursor = 0;
    this.#fetched = 0;
    this.#large.length = 0;
    this.#pieces = null;
  }

  /**
   * Goes on until it has looked at about `limit` blocks, where one that was moved counts as two and an empty bucket as half of one.
   * Returns false at the end.
   */
  step(limit: number): boolean {
    const { arena } = this.#store;
    const until = arena.stays + 2 * arena.moves + limit;
    let left = until;
    for (let buckets = 0; left > 0; buckets++) {
      const large = this.#large[0];
      if (large !== undefined) this.#moveLarge(large);
      else if (!this.#nextBucket()) return false;
      left = until - arena.stays - 2 * arena.moves - buckets / 2;
    }
    return true;
  }

  #nextBucket(): boolean {
    const database = this.#databases[this.#database];
    if (database === undefined) return false;
    const { keys } = database;
    const { dict } = this.#store;
    if (this.#fetched === 0) {
      if (this.#cursor === 0) keys.compact();
      dict.prefetchScan(keys.dict, this.#cursor, FETCHED_BUCKETS);
      this.#fetched = FETCHED_BUCKETS;
    }
    this.#fetched--;
    const batch = this.#batch;
    batch.length = 0;
    this.#cursor = dict.walk.scan(keys.dict, this.#cursor, this.#collect);
    for (let i = 0; i < batch.length; i++) this.#moveKey(database, batch[i]!);
    if (this.#cursor === 0) {
      this.#database++;
      this.#fetched = 0;
    }
    return true;
  }

  #moveKey(database: Database, entry: Ref): void {
    const { arena, entries, collections, guard } = this.#store;
    if (guard !== null && guard.holds(entry)) return;
    const { moves } = arena;
    const at = database.keys.relocate(entry);
    const type = entries.type(at);
    if (type === TYPE_STRING) {
      if (entries.encoding(at) === ENCODING_BLOB) {
        entries.setBlock(at, arena.relocate(entries.block(at)));
      }
    } else {
      const { value } = this.#values;
      database.load(at, value);
      if (this.#values.movePacked()) entries.setBlock(at, value.block);
      else if (collections[type]!.length(value) + this.#pendingOf(type) > this.largeFrom) {
        this.#large.push({ database, key: database.keyOf(at) });
        return;
      } else {
        for (const _ of this.#values.begin(type));
        this.#save(at);
      }
    }
    this.#count(moves);
  }

  /** Entries that are pending in the groups of the stream at hand, which may be more than it has. */
  #pendingOf(type: number): number {
    return type === TYPE_STREAM ? this.#store.streams.groups.pending(this.#values.value.block) : 0;
  }

  #moveLarge({ database, key }: Large): void {
    const { arena, entries, guard } = this.#store;
    const { moves } = arena;
    const entry = database.locate(key, 0, key.length);
    if (entry === NULL_REF || entries.type(entry) === TYPE_STRING) return this.#endLarge();
    if (guard !== null && guard.holds(entry)) return this.#endLarge();
    const type = entries.type(entry);
    const { value } = this.#values;
    database.load(entry, value);
    if (this.#pieces === null) {
      this.#pieces = this.#values.begin(type);
      this.#type = type;
      this.#encoding = value.encoding;
    } else if (type !== this.#type || value.encoding !== this.#encoding) return this.#endLarge();
    const isDone = this.#pieces.next().done === true;
    this.#save(entry);
    this.#count(moves);
    if (isDone) this.#endLarge();
  }

  #endLarge(): void {
    this.#large.shift();
    this.#pieces = null;
  }

  /** Writes back where the value at hand is now. */
  #save(entry: Ref): void {
    const { value } = this.#values;
    if (value.timed === NULL_REF) this.#store.entries.setBlock(entry, value.block);
    else this.#store.kit.memberTimes.rewrap(value);
  }

  /** @param moves of the arena before something of a key was moved */
  #count(moves: number): void {
    if (this.#store.arena.moves > moves) this.keyHits++;
    else this.keyMisses++;
  }
}
