/**
 * Small sorted sets: a listpack of members and scores in turn, ordered by score and then by member.
 *
 *   member, score, member, score, ...
 *
 * A score that is an integer is stored as one, any other as the shortest decimal text that reads back as the same number, as
 * in Redis. Everything is found by walking: these sets have some hundred members at most.
 */
import { compareBytes } from "../base/bytes.ts";
import { formatDouble } from "../base/doubles.ts";
import { INT64_DIGITS_MAX, int64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import type { Listpack } from "../structures/listpack.ts";

const TWO_32 = 4294967296;
/** The longest text of a score: sign, 17 digits, point, exponent. */
const SCORE_TEXT_MAX = 32;

export class PackedSortedSet {
  readonly #listpack: Listpack;
  readonly #member: Slice = new Slice();
  readonly #text: Buffer = Buffer.alloc(SCORE_TEXT_MAX);
  #textEnd = 0;
  /** Of a member that is an integer, while it is compared: the one that it is compared with may have been read from a listpack. */
  readonly #digits: Buffer = Buffer.alloc(INT64_DIGITS_MAX);
  /** The block after the last insertion or removal. */
  block: Ref = 0 as Ref;

  constructor(listpack: Listpack) {
    this.#listpack = listpack;
  }

  /** Position of a member, or 0. */
  find(block: Ref, bytes: Buffer, start: number, end: number): number {
    return this.#listpack.find(block, bytes, start, end, this.first(block), 1);
  }

  first(block: Ref): number {
    return this.#listpack.first(block);
  }

  next(block: Ref, pos: number): number {
    return this.#listpack.next(block, this.#listpack.next(block, pos));
  }

  prev(block: Ref, pos: number): number {
    const score = this.#listpack.prev(block, pos);
    return score === 0 ? 0 : this.#listpack.prev(block, score);
  }

  /** Position of the member of a rank. */
  at(block: Ref, rank: number): number {
    return this.#listpack.at(block, rank * 2);
  }

  count(block: Ref): number {
    return this.#listpack.count(block) / 2;
  }

  /** Score of the member at `pos`. */
  score(block: Ref, pos: number): number {
    const listpack = this.#listpack;
    const at = listpack.next(block, pos);
    if (listpack.readInteger(block, at)) return toNumber(int64.low, int64.high);
    const text = this.#member;
    listpack.read(block, at, text);
    return readScore(text.bytes.toString("latin1", text.start, text.end));
  }

  /** Adds a member that is not in it. */
  insert(block: Ref, bytes: Buffer, start: number, end: number, score: number): void {
    const listpack = this.#listpack;
    let pos = listpack.first(block);
    while (pos !== 0 && this.#isBefore(block, pos, score, bytes, start, end)) {
      pos = this.next(block, pos);
    }
    const isInteger = this.#writeScore(score);
    // Adding the member looks whether it is an integer, too.
    const { low, high } = int64;
    let result = block;
    if (pos === 0) {
      result = listpack.append(result, bytes, start, end);
      result = isInteger
        ? listpack.appendInteger(result, low, high)
        : listpack.append(result, this.#text, 0, this.#textEnd);
    } else {
      // The score first: the member then takes the same position before it.
      result = isInteger
        ? listpack.insertIntegerBefore(result, pos, low, high)
        : listpack.insertBefore(result, pos, this.#text, 0, this.#textEnd);
      result = listpack.insertBefore(result, pos, bytes, start, end);
    }
    this.block = result;
  }

  /** Removes `count` members, beginning with the one at `pos`. */
  remove(block: Ref, pos: number, count: number): void {
    this.block = this.#listpack.removeRange(block, pos, count * 2);
  }

  /** Members before the one at `pos`. */
  rank(block: Ref, pos: number): number {
    let rank = 0;
    for (let at = this.first(block); at !== pos; at = this.next(block, at)) rank++;
    return rank;
  }

  /** Members with a score below `score`; with `inclusive` those of the score itself too. */
  rankOfScore(block: Ref, score: number, inclusive: boolean): number {
    let rank = 0;
    for (let pos = this.first(block); pos !== 0; pos = this.next(block, pos)) {
      const own = this.score(block, pos);
      if (inclusive ? own > score : own >= score) break;
      rank++;
    }
    return rank;
  }

  /** Members below bytes[start, end), or `inclusive` equal to it, where all scores are the same. */
  rankOfMember(block: Ref, bytes: Buffer, start: number, end: number, inclusive: boolean): number {
    const member = this.#member;
    let rank = 0;
    for (let pos = this.first(block); pos !== 0; pos = this.next(block, pos)) {
      this.#listpack.readApart(block, pos, member, this.#digits, 0);
      const order = compareBytes(member.bytes, member.start, member.end, bytes, start, end);
      if (inclusive ? order > 0 : order >= 0) break;
      rank++;
    }
    return rank;
  }

  #isBefore(
    block: Ref,
    pos: number,
    score: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): boolean {
    const own = this.score(block, pos);
    if (own !== score) return own < score;
    const member = this.#member;
    this.#listpack.readApart(block, pos, member, this.#digits, 0);
    return compareBytes(member.bytes, member.start, member.end, bytes, start, end) < 0;
  }

  /** Leaves the score in `int64` and returns true if it is an integer that fits, else leaves its text in `#text`. */
  #writeScore(score: number): boolean {
    // The zero with a sign, too, is an integer: as in Redis it loses the sign here.
    if (Number.isSafeInteger(score)) {
      int64.low = score | 0;
      int64.high = Math.floor(score / TWO_32);
      return true;
    }
    this.#textEnd = this.#text.write(formatDouble(score), 0, "latin1");
    return false;
  }
}

/** The number that a stored text of a score stands for. */
function readScore(text: string): number {
  if (text === "inf") return Infinity;
  return text === "-inf" ? -Infinity : Number(text);
}
