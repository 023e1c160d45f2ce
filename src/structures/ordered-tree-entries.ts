/**
 * The entries of an ordered tree, which may be those of a dict at the same time: a score and the bytes of a member.
 *
 *   0 next, 4 hash      the dict's
 *   8 score     f64
 *  16 length    u32     bytes of the member
 *  20 member
 *
 * A key is the score rounded to 32 bits, as an integer that is ordered as the score is.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { wordOf } from "./ordered-tree-nodes.ts";

// Doubles of an entry, words of it, and the offset of its member in bytes.
const SCORE = 1;
const LENGTH = 4;
export const MEMBER_AT = 20;

/** Bytes of an entry. */
export function entrySize(memberLength: number): number {
  return MEMBER_AT + memberLength;
}

export class TreeEntries {
  readonly #arena: Arena;
  readonly #float: Float32Array = new Float32Array(1);
  readonly #floatWord: Int32Array = new Int32Array(this.#float.buffer);

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  score(entry: Ref): number {
    return this.#arena.doubles[entry >>> SEGMENT_SHIFT]![doubleOf(entry) + SCORE]!;
  }

  /** Sets the score of an entry that is in no tree. */
  setScore(entry: Ref, score: number): void {
    this.#arena.doubles[entry >>> SEGMENT_SHIFT]![doubleOf(entry) + SCORE] = score;
  }

  /** Bytes of the member. */
  length(entry: Ref): number {
    return this.#wordsOf(entry)[wordOf(entry) + LENGTH]!;
  }

  setLength(entry: Ref, length: number): void {
    this.#wordsOf(entry)[wordOf(entry) + LENGTH] = length;
  }

  /** The score in 32 bits, ordered as scores are. */
  keyOf(score: number): number {
    // Both zeros are one score.
    this.#float[0] = score === 0 ? 0 : score;
    const word = this.#floatWord[0]!;
    return word < 0 ? word ^ 0x7fffffff : word;
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}

/** Index of an entry's first double in its segment. */
function doubleOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) << 1;
}
