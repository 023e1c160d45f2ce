/**
 * The members of a set that is a dict, each in a block of its own.
 *
 *   short   0 next, hash     the dict's
 *           8 length   u8    bytes of the member, below 255
 *           9 ...            the member
 *
 *   long    0 next, hash     the dict's
 *           8 255      u32   tells that the member is long
 *          12 length   u32   bytes of the member, 255 or more
 *          16 ...            the member
 *
 * What the last word has beyond the member is zero, so two entries hold the same member if their words from the third on are
 * the same. A short member of n bytes takes a block of 9 + n bytes in steps of 16: 16 bytes up to 7, 32 bytes up to 23;
 * beside it there are 4 to 8 bytes of the dict's table.
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import type { Slice } from "../base/slice.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";

const LENGTH_AT = 8;
const SHORT_AT = 9;
const LONG_LENGTH_AT = 12;
const LONG_AT = 16;
/** In the place of a short length: the member is long. */
const IS_LONG = 255;

/** Words that belong to the dict. */
const DICT_WORDS = 2;

export class SetEntries {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Makes an entry that is in no dict. The source may lie in the arena, in a block that stays. */
  create(source: Buffer, start: number, end: number): Ref {
    const length = end - start;
    const dataAt = length < IS_LONG ? SHORT_AT : LONG_AT;
    const ref = this.#arena.allocate(dataAt + length);
    const words = this.#arena.words[ref >>> SEGMENT_SHIFT]!;
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const word = (ref & SEGMENT_MASK) << 2;
    const base = word * 4;
    words[word + ((dataAt + length - 1) >>> 2)] = 0;
    if (length < IS_LONG) {
      bytes[base + LENGTH_AT] = length;
    } else {
      words[word + LENGTH_AT / 4] = IS_LONG;
      words[word + LONG_LENGTH_AT / 4] = length;
    }
    copyBytes(bytes, base + dataAt, source, start, end);
    return ref;
  }

  /** Makes a copy that is in no dict. */
  duplicate(entry: Ref): Ref {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const word = (entry & SEGMENT_MASK) << 2;
    const count = wordCount(words, word);
    const copy = this.#arena.allocate(count * 4);
    const target = this.#arena.words[copy >>> SEGMENT_SHIFT]!;
    const to = (copy & SEGMENT_MASK) << 2;
    for (let i = DICT_WORDS; i < count; i++) target[to + i] = words[word + i]!;
    return copy;
  }

  /** Points `out` at the member. Good as long as the entry is there. */
  read(entry: Ref, out: Slice): void {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    const length = bytes[base + LENGTH_AT]!;
    if (length !== IS_LONG) {
      out.set(bytes, base + SHORT_AT, base + SHORT_AT + length);
      return;
    }
    const start = base + LONG_AT;
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    out.set(bytes, start, start + words[(base + LONG_LENGTH_AT) >>> 2]!);
  }

  /** Whether the member is source[start, end). */
  equals(entry: Ref, source: Buffer, start: number, end: number): boolean {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    const length = end - start;
    const short = bytes[base + LENGTH_AT]!;
    if (short !== IS_LONG) {
      return short === length && equalBytes(bytes, base + SHORT_AT, source, start, length);
    }
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    if (words[(base + LONG_LENGTH_AT) >>> 2] !== length) return false;
    return equalBytes(bytes, base + LONG_AT, source, start, length);
  }

  /** Whether two entries hold the same member. */
  same(a: Ref, b: Ref): boolean {
    const words = this.#arena.words[a >>> SEGMENT_SHIFT]!;
    const others = this.#arena.words[b >>> SEGMENT_SHIFT]!;
    const at = (a & SEGMENT_MASK) << 2;
    const other = (b & SEGMENT_MASK) << 2;
    // The length comes first, so a difference in it is met before the words that only one of the two has.
    if (words[at + DICT_WORDS] !== others[other + DICT_WORDS]) return false;
    const count = wordCount(words, at);
    for (let i = DICT_WORDS + 1; i < count; i++) {
      if (words[at + i] !== others[other + i]) return false;
    }
    return true;
  }
}

/** Words of the entry at word `at`, those of the dict included. */
function wordCount(words: Int32Array, at: number): number {
  const short = words[at + LENGTH_AT / 4]! & 255;
  if (short !== IS_LONG) return (SHORT_AT + short + 3) >>> 2;
  return (LONG_AT + words[at + LONG_LENGTH_AT / 4]! + 3) >>> 2;
}
