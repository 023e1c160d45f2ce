/**
 * The times of members that were read with a value, until the value stands under its key: only then does the keyspace know of
 * them. They are rare, and so they may be objects.
 */
import type { Slice } from "../base/slice.ts";
import type { Database } from "../keyspace/database.ts";
import type { Kit } from "../types/kit.ts";
import type { Ref } from "../memory/arena.ts";
import { MEMBER_TIME_MAX } from "../types/member-times.ts";
import { Value } from "../types/value.ts";

const value = new Value();

export class ReadTimes {
  readonly #times: [member: Buffer, dueMs: number][] = [];

  /** Keeps the time of a member. Returns false if it can't be one. @param dueMs Unix time in ms */
  add(member: Slice, dueMs: number): boolean {
    if (!(dueMs >= 0 && dueMs <= MEMBER_TIME_MAX)) return false;
    this.#times.push([member.copy(), dueMs]);
    return true;
  }

  /** Gives the members of an entry their times. */
  apply(kit: Kit, database: Database, entry: Ref): void {
    if (this.#times.length === 0) return;
    database.load(entry, value);
    for (const [member, dueMs] of this.#times)
      kit.memberTimes.put(value, member, 0, member.length, dueMs);
    database.save(entry, value);
  }
}
