/**
 * Moves the nodes of trees whose leaves are linked with each other, where that is worth it: what the compaction of ordered trees and
 * that of trees over ids have in common.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";

export class NodeMover {
  readonly #arena: Arena;
  /** Words of a leaf that name its neighbours. */
  readonly #prev: number;
  readonly #next: number;

  constructor(arena: Arena, prev: number, next: number) {
    this.#arena = arena;
    this.#prev = prev;
    this.#next = next;
  }

  /** Moves the node that a word of the segment of `owner` names. @returns where it is then */
  moveNode(owner: Ref, word: number): Ref {
    const words = this.#arena.words[owner >>> SEGMENT_SHIFT]!;
    const node = this.#arena.relocate(words[word] as Ref);
    words[word] = node;
    return node;
  }

  /** The same for a leaf: its neighbours name it from then on. */
  moveLeaf(owner: Ref, word: number): Ref {
    const leaf = this.#arena.words[owner >>> SEGMENT_SHIFT]![word] as Ref;
    const fresh = this.moveNode(owner, word);
    if (fresh === leaf) return fresh;
    const prev = this.#get(fresh, this.#prev);
    const next = this.#get(fresh, this.#next);
    if (prev !== NULL_REF) this.#set(prev, this.#next, fresh);
    if (next !== NULL_REF) this.#set(next, this.#prev, fresh);
    return fresh;
  }

  #get(node: Ref, word: number): Ref {
    return this.#arena.words[node >>> SEGMENT_SHIFT]![((node & SEGMENT_MASK) << 2) + word] as Ref;
  }

  #set(node: Ref, word: number, value: Ref): void {
    this.#arena.words[node >>> SEGMENT_SHIFT]![((node & SEGMENT_MASK) << 2) + word] = value;
  }
}
