/**
 * Keys that clients watch, so that a transaction runs only if none of them has changed since.
 *
 * Who watches has a `Watch`. The first change of one of its keys makes it touched and takes it out of all queues: nothing more
 * can come of it. So all who stand in the queue of a key have seen it as it is now, and whether it is there is noted once for all
 * of them.
 *
 * A change of the data is one comparison as long as nobody watches. While somebody does, it is a hash of the key and a look
 * at a counter; only keys that may be among those that are watched are looked for.
 */
import type { HashSeed } from "../base/hash.ts";
import { HASH_WORDS, hashBytes } from "../base/hash.ts";
import type { Named } from "../base/name-map.ts";
import { NameMap } from "../base/name-map.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Database } from "./database.ts";
import type { KeyEvent, KeyObserver } from "./key-events.ts";
import { EXPIRED } from "./key-events.ts";
import type { Store } from "./store.ts";

/** Counters of the filter; a power of two. */
const FILTER_SIZE = 4096;

/** Bytes that a watched key takes without its name, measured over two hundred thousand of them. */
const KEY_SIZE = 768;

/** What one client watches. */
export class Watch {
  /** One of the keys has changed since. */
  touched = false;
  readonly keys: Set<WatchedKey> = new Set();
  /** Bytes that the keys take, as if nobody else watched them. */
  memory = 0;
}

/** A key that somebody watches. */
interface WatchedKey extends Named {
  readonly database: Database;
  /** Its counter in the filter. */
  readonly slot: number;
  /** It was there when it was watched, and is unless its time has come. */
  readonly exists: boolean;
  readonly watches: Set<Watch>;
}

const words = new Int32Array(HASH_WORDS);

export class WatchedKeys implements KeyObserver {
  readonly #store: Store;
  readonly #seed: HashSeed;
  /** By index of the database and by key. */
  readonly #keys: readonly NameMap<WatchedKey>[];
  /** How many of the keys have a hash. */
  readonly #filter: Int32Array = new Int32Array(FILTER_SIZE);
  #count = 0;

  constructor(store: Store, databases: number) {
    this.#store = store;
    this.#seed = store.seed;
    this.#keys = Array.from({ length: databases }, () => new NameMap(store.seed));
  }

  /** Keys that somebody watches. */
  get count(): number {
    return this.#count;
  }

  /** Lets a client watch key[start, end). */
  watch(watch: Watch, database: Database, key: Buffer, start: number, end: number): void {
    // This may be the end of a key whose time has come, which does not concern those who watch it from now on.
    const exists = database.peek(key, start, end) !== NULL_REF;
    const keys = this.#keys[database.index]!;
    let watched = keys.get(key, start, end);
    if (watched === undefined) {
      const slot = this.#slotOf(key, start, end);
      const name = Buffer.from(key.subarray(start, end));
      watched = { database, name, slot, exists, watches: new Set() };
      keys.add(watched);
      this.#filter[slot]!++;
      if (this.#count++ === 0) this.#store.observe(this);
    }
    if (watch.keys.has(watched)) return;
    watched.watches.add(watch);
    watch.keys.add(watched);
    watch.memory += KEY_SIZE + watched.name.length;
  }

  /** Ends the watching of all keys of a client. */
  forget(watch: Watch): void {
    for (const watched of watch.keys) {
      watched.watches.delete(watch);
      if (watched.watches.size > 0) continue;
      this.#keys[watched.database.index]!.delete(watched);
      this.#filter[watched.slot]!--;
      if (--this.#count === 0) this.#store.unobserve(this);
    }
    watch.keys.clear();
    watch.memory = 0;
  }

  /** Whether one of the client's keys has changed, those included whose time has come by now. */
  isTouched(watch: Watch): boolean {
    for (const { exists, database, name } of watch.keys) {
      if (watch.touched) break;
      if (exists !== database.holds(name, 0, name.length)) watch.touched = true;
    }
    return watch.touched;
  }

  // ---- what happens to keys ----

  happened(event: KeyEvent, database: Database, key: Buffer, start: number, end: number): void {
    if (!event.changes) return;
    if (this.#filter[this.#slotOf(key, start, end)] === 0) return;
    const watched = this.#keys[database.index]!.get(key, start, end);
    if (watched === undefined) return;
    // Its time had come before it was watched, or in the database that it came from: it has been absent all the time.
    if (event === EXPIRED && !watched.exists) return;
    this.#touch(watched);
  }

  emptied(database: Database): void {
    for (const watched of this.#keys[database.index]!.values()) {
      if (watched.exists) this.#touch(watched);
    }
  }

  swapped(a: Database, b: Database): void {
    if (a === b) return;
    for (const database of [a, b]) {
      for (const watched of this.#keys[database.index]!.values()) {
        const { exists, name } = watched;
        if (exists || database.holds(name, 0, name.length)) this.#touch(watched);
      }
    }
  }

  /** All who watch the key have seen it as it is no more. */
  #touch(watched: WatchedKey): void {
    for (const watch of watched.watches) {
      watch.touched = true;
      this.forget(watch);
    }
  }

  #slotOf(key: Buffer, start: number, end: number): number {
    return hashBytes(key, start, end, this.#seed, words) & (FILTER_SIZE - 1);
  }
}
