/**
 * Keys by chance, for eviction: of all keys of a database, or of those with a time to live.
 *
 * The latter stand in the same dict as all others. Where they are not rare they are what is left of a larger sample; where they are,
 * the wheel that orders them by time gives some, less evenly (`Wheel.sample`). Nothing is made per key: what is drawn are numbers,
 * in an array that is used again.
 */
import type { Random } from "../base/random.ts";
import type { Ref } from "../memory/arena.ts";
import type { Database } from "./database.ts";
import type { Store } from "./store.ts";

/** Keys with a time to live are rare if fewer than one in so many is one. */
const RARE = 8;

export class KeySampler {
  /** What was drawn last. */
  readonly entries: Ref[] = [];
  readonly #store: Store;
  readonly #random32: () => number;

  constructor(store: Store, random: Random) {
    this.#store = store;
    this.#random32 = () => random.int32();
  }

  /** Draws about `wanted` keys of a database that has some: one at least, how many is chance. @param volatile only those with a time to live */
  draw(database: Database, wanted: number, volatile: boolean): void {
    const { entries } = this;
    entries.length = 0;
    if (volatile) this.#drawVolatile(database, wanted);
    else this.#drawAny(database, wanted);
  }

  #drawAny({ dict }: Database, wanted: number): void {
    const { walk } = this.#store.dict;
    if (wanted > 1) walk.sampleRun(dict, this.#random32, wanted, this.entries);
    if (this.entries.length === 0) this.entries.push(walk.sample(dict, this.#random32));
  }

  #drawVolatile(database: Database, wanted: number): void {
    const { entries } = this;
    const { expiring, size } = database;
    if (expiring * RARE >= size) {
      this.#drawAny(database, Math.ceil((wanted * size) / expiring));
      let kept = 0;
      for (const entry of entries) {
        if (this.#store.entries.expires(entry)) entries[kept++] = entry;
      }
      entries.length = kept;
      if (kept > 0) return;
    }
    database.keys.sampleExpiring(this.#random32, wanted, entries);
  }
}
