/**
 * Giving memory back: of one entry at once, of whole databases in slices. A database that was flushed leaves its dict
 * here, and each housekeeping slice empties some of its buckets, so that no turn pays for all keys.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { VisitEntry } from "../structures/dict.ts";
import type { Store } from "./store.ts";

/** A dict that waits to be emptied, and where to go on. */
interface Flushed {
  readonly dict: Ref;
  cursor: number;
  /** Entries not freed yet. */
  left: number;
}

export class Reclaimer {
  readonly #store: Store;
  readonly #waiting: Flushed[] = [];
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
    const block = this.#store.entries.block(entry);
    if (block !== NULL_REF) this.#store.blobs.free(block);
  }

  /** Takes over a dict with all its entries; they must be in no wheel that lives on. */
  freeDict(dict: Ref): void {
    this.#waiting.push({ dict, cursor: 0, left: this.#store.dict.count(dict) });
  }

  /** Entries that wait to be freed. */
  get pending(): number {
    let count = 0;
    for (const { left } of this.#waiting) count += left;
    return count;
  }

  /** Frees about `limit` entries, an empty bucket counting as one. Returns true while there are more. */
  step(limit: number): boolean {
    const { dict: dicts } = this.#store;
    let budget = limit;
    while (budget > 0) {
      const first = this.#waiting[0];
      if (first === undefined) return false;
      this.#batch.length = 0;
      first.cursor = dicts.scan(first.dict, first.cursor, this.#collect);
      // The dict itself goes as a whole at the end, so its entries need not be taken out of it one by one; the chain of
      // the bucket is not walked again before its table is freed.
      for (const entry of this.#batch) this.freeEntry(entry);
      first.left -= this.#batch.length;
      budget -= this.#batch.length + 1;
      if (first.cursor !== 0) continue;
      dicts.destroy(first.dict);
      this.#waiting.shift();
    }
    return this.#waiting.length > 0;
  }
}
