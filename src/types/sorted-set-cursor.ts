/** A place in a sorted set, for walking over it in either direction. Good until the set changes. */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { TreeCursor } from "../structures/ordered-tree.ts";

export class SortedSetCursor {
  /** True while it stands at a member. */
  valid = false;
  /** The listpack, or NULL_REF in a set that has a tree. */
  block: Ref = NULL_REF;
  /** Where the member is in the listpack. */
  pos = 0;
  /** The entry of the member. */
  entry: Ref = NULL_REF;
  readonly tree: TreeCursor = new TreeCursor();
}
