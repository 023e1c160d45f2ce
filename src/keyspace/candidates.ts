/**
 * Keys that may be evicted next: the best sixteen of all samples so far, in no order. What was sampled for one key and not taken
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
  // What stands from #count on is of no meaning.
  readonly #scores: Float64Array = new Float64Array(SIZE);
  readonly #entries: Int32Array = new Int32Array(SIZE);
  readonly #hashes: Int32Array = new Int32Array(SIZE);
  readonly #indexes: Int32Array = new Int32Array(SIZE);
  #count = 0;
  /** What is offered must score more than this: the least score of all where there is no room, else -Infinity. */
  #least = -Infinity;

  constructor(dict: Dict, databases: readonly Database[]) {
    this.#dict = dict;
    this.#databases = databases;
  }

  /** Forgets all. */
  clear(): void {
    this.#count = 0;
    this.#least = -Infinity;
  }

  /**
   * Adds a live entry, in the place of what was known of it, or of the worst if there is no other. Most entries are no better than
   * that one, and looked at no further: so what is known of one may be more than its score is now.
   * @param score the higher, the rather it goes
   */
  offer(database: Database, entry: Ref, score: number): void {
    if (score <= this.#least) return;
    let at = this.#placeOf(entry);
    if (at === this.#count) {
      if (at < SIZE) this.#count++;
      else at = this.#worst();
    }
    this.#scores[at] = score;
    this.#entries[at] = entry;
    this.#hashes[at] = this.#dict.hashOf(entry);
    this.#indexes[at] = database.index;
    if (this.#count === SIZE) this.#least = this.#scores[this.#worst()]!;
  }

  /** The database of the entry that `take` has returned. */
  database!: Database;
  /** The score that it had when it was offered. */
  score = 0;

  /** Takes out the best one that still lives, or returns NULL_REF. */
  take(): Ref {
    while (this.#count > 0) {
      const at = this.#best();
      const entry = this.#entries[at] as Ref;
      const hash = this.#hashes[at]!;
      this.database = this.#databases[this.#indexes[at]!]!;
      this.score = this.#scores[at]!;
      this.#remove(at);
      if (this.#lives(this.database, entry, hash)) return entry;
    }
    return NULL_REF;
  }

  /** Where an entry stands, or `#count`. */
  #placeOf(entry: Ref): number {
    const entries = this.#entries;
    let at = 0;
    while (at < this.#count && entries[at] !== entry) at++;
    return at;
  }

  #worst(): number {
    const scores = this.#scores;
    let worst = 0;
    for (let at = 1; at < this.#count; at++) if (scores[at]! < scores[worst]!) worst = at;
    return worst;
  }

  #best(): number {
    const scores = this.#scores;
    let best = 0;
    for (let at = 1; at < this.#count; at++) if (scores[at]! > scores[best]!) best = at;
    return best;
  }

  /** Puts the last one in the place. */
  #remove(at: number): void {
    const last = --this.#count;
    this.#least = -Infinity;
    this.#scores[at] = this.#scores[last]!;
    this.#entries[at] = this.#entries[last]!;
    this.#hashes[at] = this.#hashes[last]!;
    this.#indexes[at] = this.#indexes[last]!;
  }

  #lives(database: Database, entry: Ref, hash: number): boolean {
    let found = this.#dict.first(database.dict, hash);
    while (found !== NULL_REF && found !== entry) found = this.#dict.next(found, hash);
    return found !== NULL_REF;
  }
}
