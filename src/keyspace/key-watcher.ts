/** Somebody who wants to know when keys come and go. A store has one only while there is something to wait for. */
import type { Ref } from "../memory/arena.ts";
import type { Database } from "./database.ts";

export interface KeyWatcher {
  /** A key that was not there holds a value now, which may still change before the command ends. */
  created(database: Database, key: Buffer, start: number, end: number): void;
  /** The entry is about to be deleted, or to hold a string instead of its value. */
  removed(database: Database, entry: Ref): void;
  /** All keys are gone. */
  emptied(database: Database): void;
  /** Two databases have exchanged their keys. */
  swapped(a: Database, b: Database): void;
}
