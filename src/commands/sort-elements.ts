/**
 * The elements that SORT works on, and the order that they come in: text is copied, one behind the other in one buffer, and what
 * a list or a set holds as an integer stays one, since most of what is sorted is numbers.
 */
import { compareBytes, copyBytes } from "../base/bytes.ts";
import { parseDouble } from "../base/doubles.ts";
import { INT64_DIGITS_MAX, writeInteger } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Reply } from "../protocol/reply.ts";

const SPACE = 0x20;
const BYTES_FIRST = 4096;

// Kinds of elements.
/** Nothing was found for it: it has no text, and comes before everything. */
const NONE = 0;
const TEXT = 1;
const INTEGER = 2;

const first = new Slice();
const second = new Slice();

export class SortElements {
  count = 0;
  /** All of them are integers. */
  onlyIntegers = true;
  readonly #kinds: Uint8Array;
  /** The integer, or where the text begins. */
  readonly #values: Float64Array;
  /** Where text ends; made with the first text. */
  #ends: Float64Array | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #bytesEnd = 0;
  /** Digits of the integers that are looked at as text at one time, two at most. */
  readonly #digits: Buffer = Buffer.alloc(2 * INT64_DIGITS_MAX);

  /** @param countMax how many there will be at most */
  constructor(countMax: number) {
    this.#kinds = new Uint8Array(countMax);
    this.#values = new Float64Array(countMax);
  }

  add(element: Slice): void {
    const { start, end } = element;
    const at = this.#bytesEnd;
    const after = at + end - start;
    if (after > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(BYTES_FIRST, after * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    copyBytes(this.#bytes, at, element.bytes, start, end);
    this.#bytesEnd = after;
    this.#ends ??= new Float64Array(this.#values.length);
    this.#ends[this.count] = after;
    this.onlyIntegers = false;
    this.#put(TEXT, at);
  }

  /** @param value exact */
  addInteger(value: number): void {
    this.#put(INTEGER, value);
  }

  /** Adds nothing, which comes before everything. */
  addNone(): void {
    this.onlyIntegers = false;
    this.#put(NONE, 0);
  }

  #put(kind: number, value: number): void {
    const index = this.count++;
    this.#kinds[index] = kind;
    this.#values[index] = value;
  }

  /** Points `out` at the text, which is good until the next element is read. */
  read(index: number, out: Slice): void {
    this.#read(index, 0, out);
  }

  /** @param digitsAt where the digits of an integer go */
  #read(index: number, digitsAt: number, out: Slice): void {
    const kind = this.#kinds[index]!;
    const value = this.#values[index]!;
    if (kind === INTEGER) {
      out.set(this.#digits, digitsAt, writeInteger(this.#digits, digitsAt, value));
    } else if (kind === TEXT) out.set(this.#bytes, value, this.#ends![index]!);
    else out.set(this.#bytes, 0, 0);
  }

  /** Answers an element as a bulk string. */
  reply(index: number, reply: Reply): void {
    if (this.#kinds[index] === INTEGER) reply.bulkInteger(this.#values[index]!);
    else {
      this.#read(index, 0, first);
      reply.bulk(first.bytes, first.start, first.end);
    }
  }

  /** Each element as a number; null if one is none. */
  scores(): Float64Array | null {
    if (this.onlyIntegers) return this.#values.subarray(0, this.count);
    const scores = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) {
      if (this.#kinds[i] === INTEGER) scores[i] = this.#values[i]!;
      else {
        this.#read(i, 0, first);
        const score = sortScore(first);
        if (Number.isNaN(score)) return null;
        scores[i] = score;
      }
    }
    return scores;
  }

  compare(a: number, b: number): number {
    const kindA = this.#kinds[a]!;
    const kindB = this.#kinds[b]!;
    if (kindA === NONE || kindB === NONE) return Number(kindB === NONE) - Number(kindA === NONE);
    this.#read(a, 0, first);
    this.#read(b, INT64_DIGITS_MAX, second);
    return compareBytes(
      first.bytes,
      first.start,
      first.end,
      second.bytes,
      second.start,
      second.end,
    );
  }
}

/**
 * Text as a number the way SORT takes it: up to a zero byte, spaces in front do not count, and nothing at all is zero. NaN
 * if it is none.
 */
export function sortScore(text: Slice): number {
  const { bytes } = text;
  let { start } = text;
  const score = parseDouble(bytes, start, text.end);
  if (!Number.isNaN(score)) return score;
  const zero = bytes.indexOf(0, start);
  const end = zero === -1 ? text.end : Math.min(zero, text.end);
  if (start === end) return 0;
  while (start < end && (bytes[start] === SPACE || (bytes[start]! >= 9 && bytes[start]! <= 13))) {
    start++;
  }
  return parseDouble(bytes, start, end);
}
