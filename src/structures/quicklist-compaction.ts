/**
 * Moves the blocks of quicklists where that is worth it: a node at a time, with its listpack.
 *
 * Where it goes on is marked in the list itself, which keeps the mark right when nodes go; so a list may change in between.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { HEAD, MARK, NEXT, PACK, PREV, TAIL } from "./quicklist.ts";

export class QuicklistCompaction {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Goes to the first node. */
  begin(list: Ref): void {
    this.#set(list, MARK, this.#get(list, HEAD));
  }

  /** Moves the next node. Returns whether there are more. The list's own block is its owner's to move. */
  moveNode(list: Ref): boolean {
    const node = this.#get(list, MARK) as Ref;
    if (node === NULL_REF) return false;
    const fresh = this.#arena.relocate(node);
    const prev = this.#get(fresh, PREV) as Ref;
    const next = this.#get(fresh, NEXT) as Ref;
    if (fresh !== node) {
      if (prev === NULL_REF) this.#set(list, HEAD, fresh);
      else this.#set(prev, NEXT, fresh);
      if (next === NULL_REF) this.#set(list, TAIL, fresh);
      else this.#set(next, PREV, fresh);
    }
    this.#set(fresh, PACK, this.#arena.relocate(this.#get(fresh, PACK) as Ref));
    this.#set(list, MARK, next);
    return next !== NULL_REF;
  }

  #get(ref: Ref, word: number): number {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]![((ref & SEGMENT_MASK) << 2) + word]!;
  }

  #set(ref: Ref, word: number, value: number): void {
    this.#arena.words[ref >>> SEGMENT_SHIFT]![((ref & SEGMENT_MASK) << 2) + word] = value;
  }
}
