/**
 * Where a value is: its encoding and the block that it lies in, and where the times of its members are, if any expire. Filled from an entry (`Database.load`), handed to the functions
 * of its type, which may change both as the value grows, and written back (`Database.save`). One object is used again and
 * again; it owns nothing.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";

export class Value {
  encoding = 0;
  block: Ref = NULL_REF;
  /** The wrapper with the times of members (see member-times.ts); NULL_REF where no member expires. */
  timed: Ref = NULL_REF;

  /** Names a value none of whose members expires. */
  set(encoding: number, block: Ref): void {
    this.encoding = encoding;
    this.block = block;
    this.timed = NULL_REF;
  }

  /** The same members are laid out in another way now. */
  become(encoding: number, block: Ref): void {
    this.encoding = encoding;
    this.block = block;
  }
}
