/**
 * The times of members that were read with a value, until the value stands under its key: only then does the keyspace know of
 * them. They are rare, and so they may be objects.
 */
import { int64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Database } from "../keyspace/database.ts";
import type { Kit } from "../types/kit.ts";
import type { Ref } from "../memory/arena.ts";
import type { MemberCollection } from "../types/collection.ts";
import { MEMBER_TIME_MAX } from "../types/member-times.ts";
import { Value } from "../types/value.ts";
import { RdbInput } from "./rdb-input.ts";

const value = new Value();

export class ReadTimes {
  readonly #times: [member: Buffer, dueMs: number][] = [];

  /**
   * Adds times of a value's members, which stand in the form of AUX_MEMBER_TIMES. Returns false if they are damaged, or one
   * of them is of no member.
   */
  read(bytes: Buffer, collection: MemberCollection, of: Value): boolean {
    const input = RdbInput.of(bytes, 0, bytes.length);
    const member = new Slice();
    while (input.left > 0) {
      input.string(member);
      const isMember = collection.has(of, member.bytes, member.start, member.end);
      if (input.failed || !isMember) return false;
      const copy = member.copy();
      member.set(copy, 0, copy.length);
      input.int64();
      if (input.failed || !this.add(member, toNumber(int64.low, int64.high))) return false;
    }
    return true;
  }

  /** Keeps the time of a member. Returns false if it can't be one. @param dueMs Unix time in ms */
  add(member: Slice, dueMs: number): boolean {
    if (!(dueMs >= 0 && dueMs <= MEMBER_TIME_MAX)) return false;
    this.#times.push([member.copy(), dueMs]);
    return true;
  }

  /** Calls `visit` with every member and its time, Unix ms. */
  forEach(visit: (member: Buffer, dueMs: number) => void): void {
    for (const [member, dueMs] of this.#times) visit(member, dueMs);
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
