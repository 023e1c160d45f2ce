/**
 * The keys and members of one database whose time has come: deletes them, one by one when somebody looks at them, or a few of
 * them in each slice of housekeeping. Whoever wants to know of it is told before.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Value } from "../types/value.ts";
import type { Database } from "./database.ts";
import type { Reclaimer } from "./reclaim.ts";
import type { Store } from "./store.ts";

const loaded = new Value();

export class DueKeys {
  readonly #database: Database;
  readonly #store: Store;
  readonly #reclaimer: Reclaimer;
  /** A snapshot has to see a large value first that is due, or members of it: housekeeping waits. */
  #isPostponed = false;

  constructor(database: Database, store: Store, reclaimer: Reclaimer) {
    this.#database = database;
    this.#store = store;
    this.#reclaimer = reclaimer;
  }

  /** Deletes an entry whose time has come, or that of all its members. */
  expire(entry: Ref): void {
    const store = this.#store;
    const database = this.#database;
    store.expiring(database, entry);
    const dueMs = database.expiryMs(entry);
    if (dueMs >= 0 && dueMs <= store.clock.nowMs) {
      store.expired++;
    } else {
      database.load(entry, loaded);
      store.expiredMembers += store.collections[store.entries.type(entry)]!.length(loaded);
    }
    database.remove(entry);
  }

  /** Deletes up to `limit` keys whose time has come. Returns true while there may be more. */
  expireKeys(limit: number): boolean {
    const store = this.#store;
    const database = this.#database;
    const { keys } = database;
    if (keys.expiring === 0 || !store.expires || this.#isPostponed) return false;
    // A node that is moved within the wheel counts as one that is handed out: both cost about the same.
    let left = limit;
    while (left > 0) {
      const entry = keys.popDue(left, store.guard);
      left -= keys.moved + 1;
      if (entry === NULL_REF) {
        if (keys.awaited === NULL_REF) return keys.exhausted;
        this.#postpones(keys.awaited);
        return false;
      }
      // It is in no dict any more, and all that is known of it can still be read.
      database.willChange(entry);
      store.expiring(database, entry);
      store.watcher?.removed(database, entry);
      this.#reclaimer.freeEntry(entry);
      store.expired++;
    }
    return true;
  }

  /**
   * Removes up to `limit` members of an entry whose time has come, of an entry that has not expired as a whole. Returns how
   * many.
   */
  removeMembers(entry: Ref, limit: number): number {
    const store = this.#store;
    const { members } = this.#database.keys;
    if (!store.entries.isTimed(entry) || !members.isDue(entry) || !store.expires) return 0;
    this.#database.willChange(entry);
    return members.removeDue(this.#database, entry, limit);
  }

  /**
   * The same for housekeeping, and for an entry that has expired as a whole too. It waits where a snapshot has to see a large value
   * first.
   * @returns how many members were removed, or 1 for the entry; 0 while it has to wait
   */
  removeWhenSeen(entry: Ref, limit: number): number {
    if (this.#isPostponed || this.#postpones(entry)) return 0;
    if (!this.#database.hasExpired(entry)) return this.removeMembers(entry, limit);
    this.expire(entry);
    return 1;
  }

  /** Whether a snapshot has to see the value first, which takes long. */
  #postpones(entry: Ref): boolean {
    const { guard } = this.#store;
    if (guard === null) return false;
    const goOn = (): void => void (this.#isPostponed = false);
    this.#isPostponed = guard.postpones(this.#database.keys, entry, goOn);
    return this.#isPostponed;
  }

  /** Removes up to about `limit` members whose time has come, and keys that have no others. Returns true while there may be more. */
  expireMembers(limit: number): boolean {
    const { members } = this.#database.keys;
    if (members.count === 0 || !this.#store.expires || this.#isPostponed) return false;
    let left = limit;
    while (left > 0 && members.count > 0) {
      const entry = members.nextDue(left);
      left -= members.moved + 1;
      if (entry === NULL_REF) return members.exhausted;
      left -= this.removeWhenSeen(entry, Math.max(left, 1));
      if (this.#isPostponed) return false;
    }
    return members.count > 0;
  }
}
