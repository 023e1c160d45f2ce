/**
 * Giving memory back: of what is small at once, of whole databases and large collections in slices. A database that was
 * flushed leaves its dict here, and a large collection that was deleted its block; each housekeeping slice frees some of
 * their elements, so that no turn pays for all of them.
 *
 * Collections that wait are a list in the arena, as many may be deleted at once:
 *
 *   orphan (16 bytes)   0 next Ref    4 type u32    8 encoding u32    12 block Ref
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import type { VisitEntry } from "../structures/dict-walk.ts";
import type { Collection } from "../types/collection.ts";
import { ENCODING_TIMED } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { KeyTable } from "./key-table.ts";
import type { Store } from "./store.ts";

const ORPHAN_SIZE = 16;

// Words of an orphan.
const NEXT = 0;
const TYPE = 1;
const ENCODING = 2;
const BLOCK = 3;

/** A dict that waits to be emptied, and where to go on. */
interface Flushed {
  readonly dict: Ref;
  cursor: number;
  /** Entries not freed yet. */
  left: number;
}

export class Reclaimer {
  /** Entries and collections freed in slices so far. */
  freed = 0;
  readonly #store: Store;
  readonly #waiting: Flushed[] = [];
  readonly #arena: Arena;
  /** The large value that was deleted last, of those that nothing refers to any more. */
  #orphan: Ref = NULL_REF;
  /** Large values that wait to be freed. */
  orphans = 0;
  readonly #value = new Value();
  readonly #times = new Value();
  readonly #batch: Ref[] = [];
  readonly #collect: VisitEntry = (entry) => this.#batch.push(entry);

  constructor(store: Store) {
    this.#store = store;
    this.#arena = store.arena;
  }

  /** Frees an entry that is in no dict and no wheel, with all that it holds. */
  freeEntry(entry: Ref): void {
    this.freeValue(entry);
    this.#store.arena.free(entry);
  }

  /** Frees what an entry's value holds outside the entry: for a string one block, whatever its length. */
  freeValue(entry: Ref): void {
    const { entries } = this.#store;
    const block = entries.block(entry);
    if (block === NULL_REF) return;
    const collection = this.#store.collections[entries.type(entry)];
    if (collection === undefined) {
      this.#store.blobs.free(block);
      return;
    }
    const value = this.#value;
    value.set(entries.encoding(entry), block);
    if (value.encoding === ENCODING_TIMED) this.#freeTimes(value);
    this.freeCollection(collection, value);
  }

  /** Frees what a wrapped value has beside the collection, which it names then. */
  #freeTimes(value: Value): void {
    const { kit, sortedSets } = this.#store;
    kit.memberTimes.unwrap(value);
    kit.memberTimes.release(value, this.#times);
    this.freeCollection(sortedSets, this.#times);
  }

  /** Frees a value that stands in no entry: at once if it is small, else in slices. */
  freeCollection(collection: Collection, value: Value): void {
    if (collection.freeSmall(value)) return;
    const orphan = this.#arena.allocate(ORPHAN_SIZE);
    const words = this.#arena.words[orphan >>> SEGMENT_SHIFT]!;
    const base = (orphan & SEGMENT_MASK) << 2;
    words[base + NEXT] = this.#orphan;
    words[base + TYPE] = this.#store.collections.indexOf(collection);
    words[base + ENCODING] = value.encoding;
    words[base + BLOCK] = value.block;
    this.#orphan = orphan;
    this.orphans++;
  }

  /** Takes over a table with all its entries. */
  freeTable(table: KeyTable): void {
    table.abandon();
    const { dict } = table;
    this.#waiting.push({ dict, cursor: 0, left: this.#store.dict.count(dict) });
  }

  /** Whether something waits to be freed. */
  get isBusy(): boolean {
    return this.#orphan !== NULL_REF || this.#waiting.length > 0;
  }

  /** Entries and elements that wait to be freed. */
  get pending(): number {
    let count = 0;
    for (const { left } of this.#waiting) count += left;
    for (let orphan = this.#orphan; orphan !== NULL_REF; orphan = this.#word(orphan, NEXT) as Ref) {
      count += this.#loadOrphan(orphan).length(this.#value);
    }
    return count;
  }

  /** Frees about `limit` entries, an empty bucket counting as one. Returns true while there are more. */
  step(limit: number): boolean {
    if (this.#orphan !== NULL_REF) {
      this.#freeSome(limit);
      return true;
    }
    const { dict: dicts } = this.#store;
    let budget = limit;
    while (budget > 0) {
      const first = this.#waiting[0];
      if (first === undefined) break;
      this.#batch.length = 0;
      first.cursor = dicts.walk.scan(first.dict, first.cursor, this.#collect);
      // The dict itself goes as a whole at the end, so its entries need not be taken out of it one by one; the chain of
      // the bucket is not walked again before its table is freed.
      for (const entry of this.#batch) this.freeEntry(entry);
      first.left -= this.#batch.length;
      this.freed += this.#batch.length;
      budget -= this.#batch.length + 1;
      if (first.cursor !== 0) continue;
      dicts.destroy(first.dict);
      this.#waiting.shift();
    }
    // Entries of a flushed database may have left large collections behind.
    return this.#waiting.length > 0 || this.orphans > 0;
  }

  /** Frees about `limit` elements of the first orphan. */
  #freeSome(limit: number): void {
    const orphan = this.#orphan;
    const next = this.#word(orphan, NEXT) as Ref;
    if (this.#loadOrphan(orphan).freeSome(this.#value, limit)) return;
    this.#arena.free(orphan);
    this.#orphan = next;
    this.orphans--;
    this.freed++;
  }

  /** Points `#value` at an orphan's value, and returns what frees it. */
  #loadOrphan(orphan: Ref): Collection {
    this.#value.set(this.#word(orphan, ENCODING), this.#word(orphan, BLOCK) as Ref);
    return this.#store.collections[this.#word(orphan, TYPE)]!;
  }

  #word(orphan: Ref, word: number): number {
    return this.#arena.words[orphan >>> SEGMENT_SHIFT]![((orphan & SEGMENT_MASK) << 2) + word]!;
  }
}
