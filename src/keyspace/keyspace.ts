/** The databases of a server and their housekeeping. */
import type { Clock } from "../base/clock.ts";
import { nanoseconds } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { Database } from "./database.ts";
import { Eviction } from "./eviction.ts";
import { GuardedDatabase, KeyGuard } from "./key-guard.ts";
import { Defragmentation } from "./defragmentation.ts";
import { OverdueKeys } from "./overdue-keys.ts";
import { Reclaimer } from "./reclaim.ts";
import { Store } from "./store.ts";

/** Large values that wait to be freed, above which no further keys are expired: they would only wait as well. */
const ORPHANS_MAX = 1024;
/** Keys, buckets or entries that housekeeping handles before it looks at the time again. */
const SLICE = 256;

export class Keyspace {
  readonly store: Store;
  readonly databases: readonly Database[];
  readonly reclaimer: Reclaimer;
  readonly overdue: OverdueKeys = new OverdueKeys();
  readonly eviction: Eviction;
  readonly defragmentation: Defragmentation;
  /** Says which keys a command may look up, in verify mode. */
  readonly keyGuard: KeyGuard | null;
  /** False while DEBUG SET-ACTIVE-EXPIRE 0 holds: keys expire only when they are looked at. */
  activeExpiry = true;
  /** Time that active expiry has taken, in nanoseconds. */
  expiryNs = 0;
  #nextDatabase = 0;

  /** @param count how many databases @param verify runs the memory in verify mode, for tests */
  constructor(clock: Clock, random: Random, count: number, verify = false) {
    this.store = new Store(clock, random, verify);
    this.reclaimer = new Reclaimer(this.store);
    this.keyGuard = verify ? new KeyGuard() : null;
    this.databases = Array.from({ length: count }, (_, index) =>
      this.keyGuard === null
        ? new Database(index, this.store, this.reclaimer)
        : new GuardedDatabase(index, this.store, this.reclaimer, this.keyGuard),
    );
    this.eviction = new Eviction(this.store, this.databases);
    this.defragmentation = new Defragmentation(this.store, this.databases);
  }

  /**
   * Works for at most about `budgetNs` nanoseconds at what waits: keys that somebody waits for, keys and members whose time has come, dicts that are
   * resizing, memory of flushed databases, memory to give back to the system. Returns true when work is left.
   */
  housekeep(budgetNs: number): boolean {
    const deadline = nanoseconds() + budgetNs;
    let more = true;
    while (more) {
      more = this.reclaimer.step(SLICE);
      if (this.store.arena.trim()) more = true;
      if (this.overdue.count > 0 && this.overdue.step(SLICE)) more = true;
      for (let i = 0; i < this.databases.length; i++) {
        const database = this.databases[(this.#nextDatabase + i) % this.databases.length]!;
        const expires = this.activeExpiry && this.reclaimer.orphans < ORPHANS_MAX;
        if (expires && database.expiring + database.expiringMembers > 0) {
          const startNs = nanoseconds();
          if (database.due.expireKeys(SLICE)) more = true;
          if (database.due.expireMembers(SLICE)) more = true;
          this.expiryNs += nanoseconds() - startNs;
        }
        if (database.resizeStep(SLICE)) more = true;
        if (more && nanoseconds() > deadline) {
          // The next slice begins with those that this one did not come to.
          this.#nextDatabase = (this.#nextDatabase + i + 1) % this.databases.length;
          return true;
        }
      }
    }
    return false;
  }

  /** Keys of all databases. */
  get size(): number {
    let size = 0;
    for (const database of this.databases) size += database.size;
    return size;
  }

  /** Gives all memory back; nothing may be used afterwards. */
  release(): void {
    this.store.arena.release();
  }
}
