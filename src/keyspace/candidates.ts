/**
 * Keys that may be evicted next: the best sixteen of all samples so far, best last. What was sampled for one key and not taken
 * is so not lost for the next; Redis has such a pool since 3.0, and it makes five samples a key as good as ten.
 *
 * A candidate is an entry and its hash, numbers only. Its entry may be gone when its turn comes, and other bytes may lie there:
 * it counts only if the dict of its database still has that entry under that hash.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Dict } from "../structures/dict.ts";
import type { Database } from "./database.ts";

const SIZE = 16;

export class Candidates {
  readonly #dict: Dict;
  readonly #databases: readonly Database[];
  // By rank, the best last; what stands from #count on is of no meaning.
  readonly #scores: Float64Array = new Float64Array(SIZE);
  readonly #entries: Int32Array = new Int32Array(SIZE);
  readonly #hashes: Int32Array = new Int32Array(SIZE);
  readonly #indexes: Int32Array = new Int32Array(SIZE);
  #count = 0;

  constructor(dict: Dict, databases: readonly Database[]) {
    this.#dict = dict;
    this.#databases = databases;
  }

  /** Forgets all. */
  clear(): void {
    this.#count = 0;
  }

  /** Adds a live entry if it is better than the worst that there is. @param score the higher, the rather it goes */
  offer(database: Database, entry: Ref, score: number): void {
    let at = this.#count;
    while (at > 0 && this.#scores[at - 1]! > score) at--;
    if (this.#count < SIZE) {
      this.#shift(at, at + 1, this.#count);
      this.#count++;
    } else {
      if (at === 0) return;
      // The worst makes way: those below the place move down.
      at--;
      this.#shift(1, 0, at + 1);
    }
    this.#scores[at] = score;
    this.#entries[at] = entry;
    this.#hashes[at] = this.#dict.hashOf(entry);
    this.#indexes[at] = database.index;
  }

  /** The database of the entry that `take` has returned. */
  database!: Database;
  /** The score that it had when it was offered. */
  score = 0;

  /** Takes out the best one that still lives, or returns NULL_REF. */
  take(): Ref {
    while (this.#count > 0) {
      const at = --this.#count;
      const entry = this.#entries[at] as Ref;
      const database = this.#databases[this.#indexes[at]!]!;
      if (!this.#lives(database, entry, this.#hashes[at]!)) continue;
      this.database = database;
      this.score = this.#scores[at]!;
      return entry;
    }
    return NULL_REF;
  }

  #lives(database: Database, entry: Ref, hash: number): boolean {
    let found = this.#dict.first(database.dict, hash);
    while (found !== NULL_REF && found !== entry) found = this.#dict.next(found, hash);
    return found !== NULL_REF;
  }

  /** Moves the ranks [from, end) to where `to` says. */
  #shift(from: number, to: number, end: number): void {
    this.#scores.copyWithin(to, from, end);
    this.#entries.copyWithin(to, from, end);
    this.#hashes.copyWithin(to, from, end);
    this.#indexes.copyWithin(to, from, end);
  }
}
