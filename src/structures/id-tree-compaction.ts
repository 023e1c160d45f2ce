/**
 * Moves the blocks of trees over ids where that is worth it: a leaf at a time, with the inner nodes above it and the blocks that
 * its entries name.
 *
 * Where it goes on is an id, so a tree may change in between.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import {
  baseOf,
  compareAt,
  COUNT,
  ENTRIES,
  HEIGHT,
  ID_WORDS,
  INNER_STRIDE,
  NEXT,
  PREV,
  ROOT,
} from "./id-tree.ts";
import type { StreamId } from "./stream-id.ts";

/** Moves the block that an entry names, if that is worth it. Returns where it is then. */
export type MoveBlock = (block: Ref) => Ref;

export class IdTreeCompaction {
  readonly #arena: Arena;
  /** Words of a leaf's entry. */
  readonly #stride: number;

  /** @param width words that each id carries */
  constructor(arena: Arena, width: number) {
    this.#arena = arena;
    this.#stride = ID_WORDS + width;
  }

  /**
   * Moves the leaf where the id is, or would be. The tree's own block is its owner's to move.
   * @param id becomes the first one of the next leaf
   * @param move for the first of the words that each id carries, where that names a block
   * @returns whether there is a next leaf
   */
  moveLeaf(tree: Ref, id: StreamId, move: MoveBlock | null): boolean {
    const leaf = this.#descend(tree, id);
    const words = this.#wordsOf(leaf);
    const base = baseOf(leaf);
    if (move !== null) {
      const end = base + ENTRIES + words[base + COUNT]! * this.#stride;
      for (let at = base + ENTRIES + ID_WORDS; at < end; at += this.#stride) {
        words[at] = move(words[at] as Ref);
      }
    }
    const next = words[base + NEXT] as Ref;
    if (next === NULL_REF) return false;
    const nextWords = this.#wordsOf(next);
    const at = baseOf(next) + ENTRIES;
    id.set(nextWords[at]!, nextWords[at + 1]!, nextWords[at + 2]!, nextWords[at + 3]!);
    return true;
  }

  /** Goes to the leaf of an id, moving the nodes on the way. */
  #descend(tree: Ref, id: StreamId): Ref {
    let node = this.#moveNode(tree, baseOf(tree) + ROOT);
    for (let level = this.#wordsOf(tree)[baseOf(tree) + HEIGHT]!; level > 0; level--) {
      const words = this.#wordsOf(node);
      const base = baseOf(node);
      // The last child whose id is not greater; that of the first is not looked at.
      let index = words[base + COUNT]! - 1;
      while (index > 0 && compareAt(words, base + ENTRIES + index * INNER_STRIDE, id) > 0) index--;
      const at = base + ENTRIES + index * INNER_STRIDE + ID_WORDS;
      const child = words[at] as Ref;
      const fresh = this.#moveNode(node, at);
      if (level === 1 && fresh !== child) this.#relink(fresh);
      node = fresh;
    }
    return node;
  }

  /** Moves the node that a word of a block names. */
  #moveNode(owner: Ref, word: number): Ref {
    const words = this.#wordsOf(owner);
    const node = this.#arena.relocate(words[word] as Ref);
    words[word] = node;
    return node;
  }

  /** A leaf has moved: its neighbours have to know. */
  #relink(leaf: Ref): void {
    const words = this.#wordsOf(leaf);
    const prev = words[baseOf(leaf) + PREV] as Ref;
    const next = words[baseOf(leaf) + NEXT] as Ref;
    if (prev !== NULL_REF) this.#wordsOf(prev)[baseOf(prev) + NEXT] = leaf;
    if (next !== NULL_REF) this.#wordsOf(next)[baseOf(next) + PREV] = leaf;
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}
