/**
 * A snapshot: all data as it is at one moment, written in slices while commands go on changing it, as an RDB file (rdb-records.ts)
 * or as commands (command-records.ts).
 *
 * The walk goes through the dict of every database bucket by bucket. What makes it a moment and not a time is the epoch that
 * every entry carries: the snapshot begins a new one, and an entry of an older one is still to be written. Entries that are
 * made from then on are born into the new epoch, so they are not in the snapshot. An entry that is about to change and was not
 * written yet is written first (`before`), as it stands.
 *
 * A large value is written in pieces, over several slices. If an entry must be written meanwhile, its bytes go aside and
 * follow when the value is whole. Who wants to change a large value that is not written yet waits for it (`postpones`), and it
 * comes next; if it is changed all the same, since nobody can wait, it is written at once. That is the one thing that takes a
 * turn longer than a slice.
 *
 * FLUSHALL and FLUSHDB leave the entries that were not written yet to the snapshot, which gives them back in the end. SWAPDB
 * changes nothing: the walk knows tables, and which number each had.
 *
 * Memory: what was set aside, and what a flush left behind; else a buffer.
 */
import { assert } from "../base/assert.ts";
import { nanoseconds } from "../base/clock.ts";
import { int64 } from "../base/numbers.ts";
import type { Engine } from "../commands/engine.ts";
import { EPOCH_MAX } from "../keyspace/entry.ts";
import type { EntryGuard } from "../keyspace/entry-guard.ts";
import type { KeyTable } from "../keyspace/key-table.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Value } from "../types/value.ts";
import type { ByteSink } from "./byte-sink.ts";
import { CommandRecords } from "./command-records.ts";
import type { Pieces } from "./element-walk.ts";
import type { RdbHeader } from "./rdb-records.ts";
import { RdbRecords } from "./rdb-records.ts";
import type { SnapshotRecords } from "./snapshot-records.ts";

/** Entries, or pieces of a value, between two looks at the time. */
const STRIDE = 16;
/** A slice: what every request that comes meanwhile waits for. Longer ones save little, a turn takes some 20 µs. */
const SLICE_NS = 250_000;
/** A slice while somebody waits for a value. */
const AWAITED_SLICE_NS = 1_000_000;
/** Elements from which a value is large: writing them takes about a slice. */
const LARGE_LENGTH = 4096;
/** Buckets whose entries are fetched from memory together: all of them are looked at in one step. */
const BATCH_BUCKETS = 32;
const NOT_SCANNED = -1;
export interface SnapshotSetup extends RdbHeader {
  /** It is written as commands, as the base of an append-only file without a snapshot. */
  readonly asCommands?: boolean;
}

/** Somebody who waits for an entry to be written. */
interface Waiting {
  readonly part: Part;
  readonly entry: Ref;
  readonly goOn: () => void;
}

/** A table that is walked. */
interface Part {
  readonly table: KeyTable;
  /** The number of the database that it was in. */
  readonly index: number;
  /** It is in no database any more, and is to be freed. */
  abandoned: boolean;
}

/**
 * Begins a snapshot; there is none under way. Whoever begins it calls `step` until it returns false.
 * @param done is told once: null, or why the snapshot is not whole
 */
export function startSnapshot(
  engine: Engine,
  sink: ByteSink,
  done: (error: string | null) => void,
  setup: SnapshotSetup = {},
): Snapshot {
  return new Snapshot(engine, sink, done, setup);
}

export class Snapshot implements EntryGuard {
  readonly #engine: Engine;
  readonly #sink: ByteSink;
  readonly #done: (error: string | null) => void;
  readonly #records: SnapshotRecords;
  readonly #parts: Part[];
  #part = 0;
  #cursor = 0;
  /** Entries of the buckets from the cursor to `next` that are not written yet. */
  readonly #batch: Ref[] = [];
  /** The cursor behind the batch; NOT_SCANNED if there is no batch of the cursor. */
  #next: number = NOT_SCANNED;
  /** The entry whose value is being written, and what writes the rest. */
  #current: Ref = NULL_REF;
  #rest: Pieces | null = null;
  readonly #value: Value = new Value();
  #over = false;
  /** Those who wait for entries to be written, which are large and come next. */
  #waiting: Waiting[] = [];
  /** Entries written, and entries that there were at the beginning. */
  keys = 0;
  readonly total: number;

  readonly #collect = (entry: Ref): void => {
    if (!this.#engine.keyspace.store.entries.isCurrent(entry)) this.#batch.push(entry);
  };

  constructor(
    engine: Engine,
    sink: ByteSink,
    done: (error: string | null) => void,
    setup: SnapshotSetup,
  ) {
    const { keyspace } = engine;
    const { store } = keyspace;
    assert(store.guard === null, "snapshot: there is one under way");
    this.#engine = engine;
    this.#sink = sink;
    this.#done = done;
    this.#parts = keyspace.databases
      .filter(({ size }) => size > 0)
      .map(({ keys, index }) => ({ table: keys, index, abandoned: false }));
    this.total = keyspace.size;
    beginEpoch(engine);
    engine.setGuard(this);
    // Times of fields are known to 7.4 only.
    const isTimed = this.#parts.some(({ table }) => table.members.hashes > 0);
    this.#records =
      setup.asCommands === true
        ? new CommandRecords(engine, sink)
        : new RdbRecords(engine, sink, isTimed, setup);
  }

  /**
   * Works for about so long, a slice if not told otherwise. Returns false when the snapshot has ended.
   * @param budgetNs Infinity: to the end
   */
  step(budgetNs: number = this.#waiting.length > 0 ? AWAITED_SLICE_NS : SLICE_NS): boolean {
    if (this.#over) return false;
    const deadline = nanoseconds() + budgetNs;
    do {
      for (let left = STRIDE; left > 0; left--) {
        if (!this.#advance()) {
          this.#finish();
          return false;
        }
      }
      if (this.#sink.error !== null) {
        this.#end();
        this.#done(this.#sink.error);
        return false;
      }
    } while (nanoseconds() < deadline);
    // Entries of the batch may be gone with the next slice: their buckets are looked at again.
    if (this.#batch.length > 0) this.#next = NOT_SCANNED;
    this.#batch.length = 0;
    return true;
  }

  /** Ends it, whatever was written. Nobody is told. */
  cancel(): void {
    if (this.#over) return;
    unfinished.set(this.#engine, (unfinished.get(this.#engine) ?? 0) + 1);
    this.#end();
  }

  // ---- the guard ----

  before(table: KeyTable, entry: Ref): void {
    // A command that is about to change something may have an integer there.
    const { low, high } = int64;
    if (entry === this.#current) {
      for (const _ of this.#rest!);
      this.#settle();
    } else this.#writeFirst(table, entry);
    int64.low = low;
    int64.high = high;
  }

  #writeFirst(table: KeyTable, entry: Ref): void {
    const part = this.#parts.find((candidate) => candidate.table === table);
    // A table that is younger than the snapshot has only entries that are, too.
    if (part === undefined) return;
    const rest = this.#record(part, entry, this.#rest !== null);
    if (rest !== null) for (const _ of rest);
    this.#engine.keyspace.store.entries.makeCurrent(entry);
    this.#release((one) => one.entry === entry);
  }

  takesLong(table: KeyTable, entry: Ref): boolean {
    if (this.#engine.keyspace.store.entries.isCurrent(entry)) return false;
    return this.#parts.some((part) => part.table === table) && this.#isLarge(entry);
  }

  postpones(table: KeyTable, entry: Ref, goOn: () => void): boolean {
    if (!this.takesLong(table, entry)) return false;
    const part = this.#parts.find((candidate) => candidate.table === table)!;
    this.#waiting.push({ part, entry, goOn });
    return true;
  }

  holds(entry: Ref): boolean {
    return entry === this.#current || this.#waiting.some((one) => one.entry === entry);
  }

  #isLarge(entry: Ref): boolean {
    const { databases, store } = this.#engine.keyspace;
    const collection = store.collections[store.entries.type(entry)];
    if (collection === undefined) return false;
    databases[0]!.load(entry, this.#value);
    return collection.length(this.#value) > LARGE_LENGTH;
  }

  /** Lets those go on who wait for something that is done. */
  #release(isDone: (waiting: Waiting) => boolean): void {
    if (this.#waiting.length === 0) return;
    const done = this.#waiting.filter(isDone);
    this.#waiting = this.#waiting.filter((one) => !isDone(one));
    // Not inside a command that may be running: no command runs within another.
    queueMicrotask(() => {
      for (const { goOn } of done) goOn();
    });
  }

  keeps(table: KeyTable): boolean {
    const at = this.#parts.findIndex((candidate) => candidate.table === table);
    if (at < this.#part) return false;
    this.#parts[at]!.abandoned = true;
    return true;
  }

  // ---- the walk ----

  /** Writes an entry, or a piece of one. Returns false when there is nothing left. */
  #advance(): boolean {
    if (this.#rest !== null) {
      if (this.#rest.next().done === true) this.#settle();
      return true;
    }
    const wanted = this.#waiting[0];
    if (wanted !== undefined) {
      this.#start(wanted.part, wanted.entry);
      return true;
    }
    const entry = this.#batch.pop();
    if (entry === undefined) return this.#nextBatch();
    // It may have been written since it was put there, being about to change.
    if (this.#engine.keyspace.store.entries.isCurrent(entry)) return true;
    this.#start(this.#parts[this.#part]!, entry);
    return true;
  }

  /** Begins to write an entry; the value may be whole then. */
  #start(part: Part, entry: Ref): void {
    this.#rest = this.#record(part, entry, false);
    this.#current = entry;
    if (this.#rest === null) this.#settle();
  }

  /** The value under way is whole: what had to wait for it follows. */
  #settle(): void {
    const entry = this.#current;
    this.#engine.keyspace.store.entries.makeCurrent(entry);
    this.#current = NULL_REF;
    this.#rest = null;
    this.#records.takeAside();
    this.#release((one) => one.entry === entry);
  }

  /** Fills the batch from the next buckets. The cursor moves on only when the batch is done. */
  #nextBatch(): boolean {
    const part = this.#parts[this.#part];
    if (part === undefined) return false;
    if (this.#next === 0) {
      this.#part++;
      this.#cursor = 0;
      this.#next = NOT_SCANNED;
      if (part.abandoned) this.#engine.keyspace.reclaimer.freeTable(part.table);
      return true;
    }
    if (this.#next !== NOT_SCANNED) this.#cursor = this.#next;
    const { dict } = this.#engine.keyspace.store;
    const table = part.table.dict;
    let next = this.#cursor;
    dict.prefetchScan(table, next, BATCH_BUCKETS);
    for (let left = BATCH_BUCKETS; left > 0; left--) {
      next = dict.walk.scan(table, next, this.#collect);
      if (next === 0) break;
    }
    this.#next = next;
    return true;
  }

  // ---- inside ----

  /** Writes an entry with all that is known of it. Returns what writes the rest of its value, or null. */
  #record({ table, index }: Part, entry: Ref, aside: boolean): Pieces | null {
    this.keys++;
    return this.#records.write(table, index, entry, aside);
  }

  #finish(): void {
    this.#records.end();
    const { error } = this.#sink;
    if (error === null) unfinished.set(this.#engine, 0);
    this.#end();
    this.#done(error);
  }

  #end(): void {
    this.#over = true;
    this.#rest = null;
    const { reclaimer } = this.#engine.keyspace;
    this.#engine.setGuard(null);
    this.#release(() => true);
    for (let at = this.#part; at < this.#parts.length; at++) {
      const { abandoned, table } = this.#parts[at]!;
      if (abandoned) reclaimer.freeTable(table);
    }
  }
}

/** Snapshots in a row that did not come to their end, and so left entries of older epochs, by engine. */
const unfinished = new WeakMap<Engine, number>();

/** Begins a new epoch, of which no entry is yet. */
function beginEpoch(engine: Engine): void {
  const { databases, store } = engine.keyspace;
  const { entries } = store;
  if ((unfinished.get(engine) ?? 0) >= EPOCH_MAX - 2) {
    // The number could have been used before: everything is put into the present epoch.
    for (const database of databases) {
      let cursor = 0;
      do cursor = database.scan(cursor, (entry) => entries.makeCurrent(entry));
      while (cursor !== 0);
    }
    unfinished.set(engine, 0);
  }
  entries.epoch = (entries.epoch % EPOCH_MAX) + 1;
}
