/**
 * Giving memory back: of what is small at once, of whole databases and large collections in slices. A database that was
 * flushed leaves its dict here, and a large collection that was deleted its block; each housekeeping slice frees some of
 * their elements, so that no turn pays for all of them.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { VisitEntry } from "../structures/dict.ts";
import type { Collection } from "../types/collection.ts";
import { Value } from "../types/value.ts";
import type { Store } from "./store.ts";

/** A large value that nothing refers to any more. */
interface Orphan {
  readonly collection: Collection;
  readonly value: Value;
}

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
  readonly #orphans: Orphan[] = [];
  readonly #value = new Value();
  readonly #batch: Ref[] = [];
  readonly #collect: VisitEntry = (entry) => this.#batch.push(entry);

  constructor(store: Store) {
    this.#store = store;
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
    this.#value.set(entries.encoding(entry), block);
    this.freeCollection(collection, this.#value);
  }

  /** Frees a value that stands in no entry: at once if it is small, else in slices. */
  freeCollection(collection: Collection, value: Value): void {
    if (collection.freeSmall(value)) return;
    const orphan = new Value();
    orphan.set(value.encoding, value.block);
    this.#orphans.push({ collection, value: orphan });
  }

  /** Takes over a dict with all its entries; they must be in no wheel that lives on. */
  freeDict(dict: Ref): void {
    this.#waiting.push({ dict, cursor: 0, left: this.#store.dict.count(dict) });
  }

  /** Entries and elements that wait to be freed. */
  get pending(): number {
    let count = 0;
    for (const { left } of this.#waiting) count += left;
    for (const { collection, value } of this.#orphans) count += collection.length(value);
    return count;
  }

  /** Frees about `limit` entries, an empty bucket counting as one. Returns true while there are more. */
  step(limit: number): boolean {
    const orphan = this.#orphans[0];
    if (orphan !== undefined) {
      if (!orphan.collection.freeSome(orphan.value, limit)) {
        this.#orphans.shift();
        this.freed++;
      }
      return true;
    }
    const { dict: dicts } = this.#store;
    let budget = limit;
    while (budget > 0) {
      const first = this.#waiting[0];
      if (first === undefined) break;
      this.#batch.length = 0;
      first.cursor = dicts.scan(first.dict, first.cursor, this.#collect);
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
    return this.#waiting.length > 0 || this.#orphans.length > 0;
  }
}
