/** What the keyspace needs of every type but string: how to free, copy and weigh a value without knowing its elements. */
import type { Value } from "./value.ts";

export interface Collection {
  /** Elements: members, fields, items or stream entries. */
  length(value: Value): number;

  /** Frees a value if that is little work (about a hundred elements). Returns false, with nothing changed, if it is not. */
  freeSmall(value: Value): boolean;

  /**
   * Frees about `limit` elements of a value that nothing refers to any more, and with the last of them its own blocks.
   * Returns true while there are more.
   */
  freeSome(value: Value, limit: number): boolean;

  /** Makes `copy` an independent copy of the value. */
  duplicate(value: Value, copy: Value): void;

  /** Bytes of all blocks of the value; of a large one an estimate from `samples` elements (0: all). */
  memory(value: Value, samples: number): number;
}

/** What member expiry needs of hashes, sets and sorted sets. A member is bytes[start, end), of a hash a field. */
export interface MemberCollection extends Collection {
  has(value: Value, bytes: Buffer, start: number, end: number): boolean;

  /** Takes a member away, and the time at which it expires. Returns false if there is no such member. */
  remove(value: Value, bytes: Buffer, start: number, end: number): boolean;
}
