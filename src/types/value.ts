/**
 * Where a value is: its encoding and the block that it lies in. Filled from an entry (`Database.load`), handed to the functions
 * of its type, which may change both as the value grows, and written back (`Database.save`). One object is used again and
 * again; it owns nothing.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";

export class Value {
  encoding = 0;
  block: Ref = NULL_REF;

  set(encoding: number, block: Ref): void {
    this.encoding = encoding;
    this.block = block;
  }
}
