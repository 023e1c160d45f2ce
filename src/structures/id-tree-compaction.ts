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
  ID_WORDS,
  INNER_STRIDE,
  NEXT,
  PREV,
} from "./id-node.ts";
import { HEIGHT, LAST, ROOT } from "./id-tree.ts";
import { NodeMover } from "./node-mover.ts";
import type { StreamId } from "./stream-id.ts";

/** Moves the block that an entry names, if that is worth it. Returns where it is then. */
export type MoveBlock = (block: Ref) => Ref;

export class IdTreeCompaction {
  readonly #arena: Arena;
  readonly #mover: NodeMover;
  /** Words of a leaf's entry. */
  readonly #stride: number;

  /** @param width words that each id carries */
  constructor(arena: Arena, width: number) {
    this.#arena = arena;
    this.#mover = new NodeMover(arena, PREV, NEXT);
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
    if (next === NULL_REF) {
      this.#wordsOf(tree)[baseOf(tree) + LAST] = leaf;
      return false;
    }
    const nextWords = this.#wordsOf(next);
    const at = baseOf(next) + ENTRIES;
    id.set(nextWords[at]!, nextWords[at + 1]!, nextWords[at + 2]!, nextWords[at + 3]!);
    return true;
  }

  /** Goes to the leaf of an id, moving the nodes on the way. */
  #descend(tree: Ref, id: StreamId): Ref {
    let node = this.#mover.moveNode(tree, baseOf(tree) + ROOT);
    for (let level = this.#wordsOf(tree)[baseOf(tree) + HEIGHT]!; level > 0; level--) {
      const words = this.#wordsOf(node);
      const base = baseOf(node);
      // The last child whose id is not greater; that of the first is not looked at.
      let index = words[base + COUNT]! - 1;
      while (index > 0 && compareAt(words, base + ENTRIES + index * INNER_STRIDE, id) > 0) index--;
      const at = base + ENTRIES + index * INNER_STRIDE + ID_WORDS;
      node = level === 1 ? this.#mover.moveLeaf(node, at) : this.#mover.moveNode(node, at);
    }
    return node;
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}
