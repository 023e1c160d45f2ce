/** The form in which a snapshot is written down: it goes through the entries, this makes bytes of them. */
import type { KeyTable } from "../keyspace/key-table.ts";
import type { Ref } from "../memory/arena.ts";
import type { Pieces } from "./element-walk.ts";

export interface SnapshotRecords {
  /**
   * Writes an entry with all that is known of it.
   * @param index number of the database that the table was in
   * @param aside another value is not whole yet: the bytes wait until `takeAside`
   * @returns null if that was all, else what writes the rest
   */
  write(table: KeyTable, index: number, entry: Ref, aside: boolean): Pieces | null;

  /** The value under way is whole: what had to wait for it follows. */
  takeAside(): void;

  /** Everything is written. */
  end(): void;
}
