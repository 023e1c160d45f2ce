/**
 * The entries of one database with members that expire, in a wheel of their own: the node of an entry lies in the wrapper of
 * its value (see types/member-times.ts) and is due when the earliest of the members is.
 *
 * What lies in the wheel is exactly what is wrapped. `save` keeps it so, after whatever was done to a value: it wraps an entry
 * whose value has got its first time, moves the node when another member has become the earliest, and unwraps the entry when
 * the last time has gone.
 */
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Wheel } from "../structures/wheel.ts";
import { ENCODING_TIMED, TYPE_HASH } from "../types/kinds.ts";
import type { MemberTimes } from "../types/member-times.ts";
import { Value } from "../types/value.ts";
import type { Database } from "./database.ts";
import type { Store } from "./store.ts";

export class MemberExpiry {
  readonly #store: Store;
  readonly #times: MemberTimes;
  readonly #value: Value = new Value();
  readonly #member: Slice = new Slice();
  /** Made with the first entry. */
  #wheel: Wheel | null = null;
  /** Time of the clock when `mayBeDue` looked last, and what it found. */
  #askedMs = -1;
  #mayBeDue = false;
  /** Hashes among the entries: their files need a version of their own. */
  hashes = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#times = store.kit.memberTimes;
  }

  /** Entries with members that expire. */
  get count(): number {
    return this.#wheel === null ? 0 : this.#wheel.count;
  }

  /** Bytes of the wheel, without the nodes inside the wrappers. */
  get bytes(): number {
    return this.#wheel === null ? 0 : this.#wheel.bytes;
  }

  /** Frees the wheel, of whose nodes nothing is used any more. */
  abandon(): void {
    this.#store.timedKeys -= this.count;
    this.#wheel?.destroy();
    this.#wheel = null;
  }

  // ---- values ----

  /** Points `out` at the value of a wrapped entry. */
  load(entry: Ref, out: Value): void {
    out.set(ENCODING_TIMED, this.#store.entries.block(entry));
    this.#times.unwrap(out);
  }

  /** Writes back where a wrapped value is now; the entry may not know yet that it is wrapped. */
  save(entry: Ref, value: Value): void {
    const { timed } = value;
    const times = this.#times;
    const { entries } = this.#store;
    const isNew = times.owner(timed) !== entry;
    if (times.count(timed) === 0) {
      if (!isNew) this.leave(entry);
      times.dissolve(value);
      entries.setEncoding(entry, value.encoding);
      entries.setBlock(entry, value.block);
      return;
    }
    times.rewrap(value);
    const dueMs = times.firstMs(timed);
    if (isNew) {
      entries.setEncoding(entry, ENCODING_TIMED);
      entries.setBlock(entry, timed);
      this.join(entry);
    } else if (this.#wheel!.dueMs(timed) !== dueMs) {
      this.#wheel!.remove(timed);
      this.#wheel!.insert(timed, dueMs);
    }
  }

  // ---- entries that move ----

  /** A wrapped entry has moved here, in the same database. */
  adopt(entry: Ref): void {
    this.#times.setOwner(this.#store.entries.block(entry), entry);
  }

  /** Moves the wrapper of an entry's value if that is worth it. */
  relocate(entry: Ref): void {
    const { arena, entries } = this.#store;
    const timed = entries.block(entry);
    const fresh = arena.relocate(timed);
    if (fresh === timed) return;
    entries.setBlock(entry, fresh);
    this.#wheel!.relink(fresh);
  }

  /** Takes a wrapped entry out of the wheel, because it goes or changes the database. */
  leave(entry: Ref): void {
    const { entries } = this.#store;
    this.#wheel!.remove(entries.block(entry));
    this.#store.timedKeys--;
    if (entries.type(entry) === TYPE_HASH) this.hashes--;
  }

  /** Takes in a wrapped entry that has left another database, and is another block of memory now. */
  join(entry: Ref): void {
    const { entries } = this.#store;
    const timed = entries.block(entry);
    if (entries.type(entry) === TYPE_HASH) this.hashes++;
    this.#times.setOwner(timed, entry);
    this.#ownWheel().insert(timed, this.#times.firstMs(timed));
    this.#store.timedKeys++;
  }

  // ---- members whose time has come ----

  /** False if no entry has members whose time has come. Asked once a turn, it costs one comparison after that. */
  get mayBeDue(): boolean {
    const { nowMs } = this.#store.clock;
    if (nowMs !== this.#askedMs) {
      this.#askedMs = nowMs;
      this.#mayBeDue = this.#wheel !== null && this.#wheel.nextMs() <= nowMs;
    }
    return this.#mayBeDue;
  }

  /** Whether a wrapped entry has members whose time has come. */
  isDue(entry: Ref): boolean {
    return this.#wheel!.dueMs(this.#store.entries.block(entry)) <= this.#store.clock.nowMs;
  }

  /** Whether the time of all members of a wrapped entry has come. */
  isAllDue(entry: Ref): boolean {
    if (!this.isDue(entry)) return false;
    const { entries, collections, clock } = this.#store;
    const value = this.#value;
    this.load(entry, value);
    const length = collections[entries.type(entry)]!.length(value);
    return this.#times.countDue(value.timed, clock.nowMs) === length;
  }

  /** Members of a wrapped entry whose time has come. */
  countDue(entry: Ref): number {
    return this.#times.countDue(this.#store.entries.block(entry), this.#store.clock.nowMs);
  }

  /**
   * Removes up to `limit` members whose time has come from an entry; some of another must stay: see `isAllDue`.
   * @param database the one of this wheel
   * @returns how many were removed
   */
  removeDue(database: Database, entry: Ref, limit: number): number {
    const { entries, memberCollections, clock, onMemberExpire } = this.#store;
    const value = this.#value;
    const member = this.#member;
    const times = this.#times;
    this.load(entry, value);
    const { timed } = value;
    const count = Math.min(limit, times.countDue(timed, clock.nowMs));
    const collection = memberCollections[entries.type(entry)]!;
    for (let left = count; left > 0; left--) {
      times.readFirst(timed, member);
      onMemberExpire?.(database, entry, member);
      // The time goes by its place in the order: that is cheaper than to have the type look for it.
      value.timed = NULL_REF;
      collection.remove(value, member.bytes, member.start, member.end);
      value.timed = timed;
      times.forgetFirst(timed);
    }
    this.save(entry, value);
    this.#store.expiredMembers += count;
    this.#store.membersExpired(database, entry);
    return count;
  }

  /**
   * An entry that has members whose time has come, or NULL_REF if there is none, or `moves` nodes were moved within the wheel
   * without finding one: see `Wheel.pop`. It goes to the end of those that are due.
   */
  nextDue(moves: number): Ref {
    const wheel = this.#wheel!;
    const timed = wheel.pop(this.#store.clock.nowMs, moves);
    if (timed === NULL_REF) return NULL_REF;
    wheel.insert(timed, wheel.dueMs(timed));
    return this.#times.owner(timed);
  }

  /** Nodes that the last `nextDue` moved. */
  get moved(): number {
    return this.#wheel!.moved;
  }

  /** Whether the last `nextDue` stopped at its bound. */
  get exhausted(): boolean {
    return this.#wheel!.exhausted;
  }

  #ownWheel(): Wheel {
    this.#wheel ??= new Wheel(this.#store.arena, this.#store.clock.nowMs);
    return this.#wheel;
  }
}
