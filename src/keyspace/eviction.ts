/**
 * Eviction: which key goes when memory is full, by the policy of the option `maxmemory-policy`.
 *
 *   *-random   any
 *   *-lru      the one of a sample that was used longest ago
 *   *-lfu      the one of a sample that is used least
 *   *-ttl      the one that expires next, of a sample and of the first few that the wheel has: it tells times apart by slots, the
 *              wider the further away, and within a slot keys stand in the order of their coming
 *
 * What was sampled and not taken stays a candidate (`Candidates`). volatile-* looks only at keys with a time to live. Who wants to know of it is told before: the log gets a deletion, WATCH and
 * client-side caches learn that the key has changed. A key whose time has come expires instead.
 *
 * While a snapshot is made, a large value that it has not written yet is passed over, since writing it takes long. If there are
 * no others it is written next, in slices, and `evict` says that it has to wait.
 */
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Candidates } from "./candidates.ts";
import type { Database } from "./database.ts";
import { EVICTED } from "./key-events.ts";
import { KeySampler } from "./key-sampler.ts";
import type { Store } from "./store.ts";
import { COUNTER_MAX } from "./use-frequency.ts";

/** What `evict` has done. */
export const KEY_GONE = 0;
/** There is no key that the policy lets go. */
export const NO_KEY = 1;
/** A snapshot has to write a large value first. */
export const KEY_AWAITED = 2;
export type Evicted = typeof KEY_GONE | typeof NO_KEY | typeof KEY_AWAITED;

/**
 * Evictions for which one sample will do, so many times as large: entries that are read together wait for memory together. Of more
 * than two the last ones would have to take what others have left.
 */
const SAMPLE_USES = 2;
/** Keys that the wheel says are next, which are looked at beside samples; and the samples for which these will do. */
const SOONEST = 12;
const SOONEST_SAMPLES = 4;
/** Samples after which there seem to be only values that a snapshot has to write first. */
const ROUNDS_MAX = 16;

const key = new Slice();

export class Eviction {
  /** The option `maxmemory-samples`. */
  samples = 5;
  /** Keys evicted so far. */
  evicted = 0;
  readonly #store: Store;
  readonly #databases: readonly Database[];
  readonly #sampler: KeySampler;
  readonly #candidates: Candidates;
  #order = "noeviction";
  #isVolatile = false;
  /** The database that was the last one to lose a key by chance: they take turns. */
  #turn = 0;
  /** Evictions until the next sample, and samples until the wheel is asked again. */
  #sampleLeft = 0;
  #soonestLeft = 0;
  /** A value that was passed over, and where it is; NULL_REF if there was none. */
  #large: Ref = NULL_REF;
  #largeIn: Database | null = null;
  /** A snapshot has been asked to write one. */
  #isAwaited = false;

  constructor(store: Store, databases: readonly Database[]) {
    this.#store = store;
    this.#databases = databases;
    this.#sampler = new KeySampler(store, store.random);
    this.#candidates = new Candidates(store.dict, databases);
  }

  /** Takes a policy. @param policy as the option has it */
  setPolicy(policy: string): void {
    const [keys, order = keys!] = policy.split("-");
    this.#isVolatile = keys === "volatile";
    this.#order = order;
    // Scores of two policies can't be compared.
    this.#candidates.clear();
    this.#sampleLeft = 0;
    this.#soonestLeft = 0;
  }

  /** Whether any key may go. */
  get isAllowed(): boolean {
    return this.#order !== "noeviction";
  }

  /** Evicts a key. @param force does so even if that takes long because of a snapshot */
  evict(force: boolean): Evicted {
    this.#large = NULL_REF;
    const entry = this.#find();
    if (entry !== NULL_REF) {
      this.#remove(this.#database, entry);
      return KEY_GONE;
    }
    if (this.#large === NULL_REF) return NO_KEY;
    const database = this.#largeIn!;
    if (force) {
      this.#remove(database, this.#large);
      return KEY_GONE;
    }
    if (!this.#isAwaited) {
      const goOn = (): void => void (this.#isAwaited = false);
      this.#isAwaited = this.#store.guard!.postpones(database.keys, this.#large, goOn);
    }
    return KEY_AWAITED;
  }

  // ---- finding ----

  /** The database of the key that was found. */
  #database!: Database;

  #find(): Ref {
    switch (this.#order) {
      case "random":
        return this.#findAny();
      case "lru":
      case "lfu":
      case "ttl":
        return this.#findBest();
      default:
        return NULL_REF;
    }
  }

  #findAny(): Ref {
    const databases = this.#databases;
    // Each with keys once, as long as no snapshot is in the way.
    const rounds = this.#store.guard === null ? 1 : ROUNDS_MAX;
    for (let tries = rounds * databases.length; tries > 0; tries--) {
      this.#turn = (this.#turn + 1) % databases.length;
      const database = databases[this.#turn]!;
      if (this.#eligible(database) === 0) continue;
      this.#sampler.draw(database, 1, this.#isVolatile);
      const entry = this.#sampler.entries[0]!;
      if (this.#isPassedOver(database, entry)) continue;
      this.#database = database;
      return entry;
    }
    return NULL_REF;
  }

  #findBest(): Ref {
    const candidates = this.#candidates;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (this.#sampleLeft-- === 0 && !this.#sample()) return NULL_REF;
      for (let entry = candidates.take(); entry !== NULL_REF; entry = candidates.take()) {
        const { database } = candidates;
        // It was used, or a snapshot has begun, since it became a candidate.
        if (this.#score(database, entry) < candidates.score) continue;
        if (this.#isPassedOver(database, entry)) continue;
        this.#database = database;
        return entry;
      }
      this.#sampleLeft = 0;
    }
    return NULL_REF;
  }

  /** Draws keys of all databases and makes the best of them candidates. Returns false if there are none. */
  #sample(): boolean {
    const { entries } = this.#sampler;
    const isSoon = this.#order === "ttl" && this.#soonestLeft-- === 0;
    if (isSoon) this.#soonestLeft = SOONEST_SAMPLES - 1;
    this.#sampleLeft = SAMPLE_USES - 1;
    let found = false;
    for (const database of this.#databases) {
      if (this.#eligible(database) === 0) continue;
      found = true;
      this.#sampler.draw(database, SAMPLE_USES * this.samples, this.#isVolatile);
      if (isSoon) database.keys.soonest(SOONEST, entries);
      for (const entry of entries) {
        if (this.#isPassedOver(database, entry)) continue;
        this.#candidates.offer(database, entry, this.#score(database, entry));
      }
    }
    return found;
  }

  /** The higher, the rather a key goes. */
  #score(database: Database, entry: Ref): number {
    const store = this.#store;
    if (this.#order === "lru") return store.idleSeconds(entry);
    if (this.#order === "ttl") return -database.expiryMs(entry);
    return COUNTER_MAX - store.frequency.counter(store.entries.access(entry));
  }

  /** Keys of a database that may go. */
  #eligible(database: Database): number {
    return this.#isVolatile ? database.expiring : database.size;
  }

  /** Whether a snapshot has to see the entry first, which would take long. */
  #isPassedOver(database: Database, entry: Ref): boolean {
    const { guard } = this.#store;
    if (guard === null || !guard.takesLong(database.keys, entry)) return false;
    this.#large = entry;
    this.#largeIn = database;
    return true;
  }

  // ---- removing ----

  #remove(database: Database, entry: Ref): void {
    const store = this.#store;
    if (database.hasExpired(entry)) return database.due.expire(entry);
    store.onEvict?.(database, entry);
    if (store.observer !== null) {
      database.readKey(entry, key);
      store.observer.happened(EVICTED, database, key.bytes, key.start, key.end);
    }
    database.remove(entry);
    this.evicted++;
  }
}
