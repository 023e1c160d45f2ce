/**
 * Somebody who must see entries as they are before they change: a snapshot. A store has one only while it is being made, and
 * whoever changes an entry pays one comparison otherwise.
 */
import type { Ref } from "../memory/arena.ts";
import type { KeyTable } from "./key-table.ts";

export interface EntryGuard {
  /** The entry of the table is about to change, to move or to be deleted. */
  before(table: KeyTable, entry: Ref): void;
  /** Whether `before` would take long for this entry. */
  takesLong(table: KeyTable, entry: Ref): boolean;
  /**
   * Whether `before` would take long for this entry. Then it is seen next, in slices, and `goOn` is called when it has been, or
   * need not be any more.
   */
  postpones(table: KeyTable, entry: Ref, goOn: () => void): boolean;
  /** Whether somebody has an eye on this entry, by name or on the blocks of its value: it must not move. */
  holds(entry: Ref): boolean;
  /**
   * All entries of the table are about to be deleted. If it returns true, nothing happens to them: the guard gives the whole table
   * back when it has seen them.
   */
  keeps(table: KeyTable): boolean;
}
