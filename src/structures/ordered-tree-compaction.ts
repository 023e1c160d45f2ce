/**
 * Moves the blocks of ordered trees where that is worth it: a leaf at a time, with its entries and the inner nodes above it.
 *
 * Where it goes on is a rank, so a tree may change in between; what is passed over then waits for the next time.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import { NodeMover } from "./node-mover.ts";
import { CHILDREN, ENTRIES, FIRSTS, NEXT, PREV, TOTALS, wordOf } from "./ordered-tree-nodes.ts";
import { HEIGHT, HEIGHT_MAX, ROOT } from "./ordered-tree.ts";

/** Moves an entry if that is worth it, and tells all who name it but the tree. Returns where it is then. */
export type MoveEntry = (entry: Ref) => Ref;

export class OrderedTreeCompaction {
  readonly #arena: Arena;
  readonly #mover: NodeMover;
  // The way to the leaf at hand: inner nodes, and the index of the child taken in each, by height.
  readonly #path: Int32Array = new Int32Array(HEIGHT_MAX);
  readonly #taken: Int32Array = new Int32Array(HEIGHT_MAX);
  #leaf: Ref = NULL_REF;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#mover = new NodeMover(arena, PREV, NEXT);
  }

  /**
   * Moves the leaf that holds the entry of a rank. The tree's own block is its owner's to move.
   * @param rank 0 to count - 1
   * @returns the rank behind the leaf's last entry
   */
  moveLeaf(tree: Ref, rank: number, move: MoveEntry): number {
    const index = this.#descend(tree, rank);
    const leaf = this.#leaf;
    const words = this.#wordsOf(leaf);
    const base = wordOf(leaf);
    const count = words[base]!;
    for (let i = 0; i < count; i++) {
      const entry = words[base + ENTRIES + i] as Ref;
      const fresh = move(entry);
      if (fresh === entry) continue;
      words[base + ENTRIES + i] = fresh;
      if (i === 0) this.#setFirst(this.#heightOf(tree), fresh);
    }
    return rank - index + count;
  }

  /** Goes to the leaf of a rank, moving the nodes on the way. Returns the index of the entry in it. */
  #descend(tree: Ref, rank: number): number {
    let node = this.#mover.moveNode(tree, wordOf(tree) + ROOT);
    let left = rank;
    for (let height = this.#heightOf(tree); height > 0; height--) {
      const words = this.#wordsOf(node);
      const base = wordOf(node);
      let i = 0;
      for (; left >= words[base + TOTALS + i]!; i++) left -= words[base + TOTALS + i]!;
      this.#path[height] = node;
      this.#taken[height] = i;
      const at = base + CHILDREN + i;
      node = height === 1 ? this.#mover.moveLeaf(node, at) : this.#mover.moveNode(node, at);
    }
    this.#leaf = node;
    return left;
  }

  /** The first entry of the leaf has moved. */
  #setFirst(height: number, first: Ref): void {
    for (let level = 1; level <= height; level++) {
      const index = this.#taken[level]!;
      if (index === 0) continue;
      const inner = this.#path[level] as Ref;
      this.#wordsOf(inner)[wordOf(inner) + FIRSTS + index] = first;
      return;
    }
  }

  #heightOf(tree: Ref): number {
    return this.#wordsOf(tree)[wordOf(tree) + HEIGHT]!;
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}
