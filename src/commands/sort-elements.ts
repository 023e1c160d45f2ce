/** The elements that SORT works on: copies, one behind the other in one buffer, and the order that they come in. */
import { copyBytes } from "../base/bytes.ts";
import { parseDouble } from "../base/doubles.ts";
import type { Slice } from "../base/slice.ts";

const SPACE = 0x20;
const BYTES_FIRST = 4096;

export class SortElements {
  count = 0;
  #bytes: Buffer;
  /** Where each element begins, and behind the last one the end. */
  readonly #starts: Float64Array;
  /** 1 for what is there: an element that nothing was found for has no text. */
  readonly #present: Uint8Array;

  /** @param countMax how many there will be at most */
  constructor(countMax: number) {
    this.#starts = new Float64Array(countMax + 1);
    this.#present = new Uint8Array(countMax);
    this.#bytes = Buffer.allocUnsafe(BYTES_FIRST);
  }

  add(element: Slice): void {
    const { start, end } = element;
    const at = this.#starts[this.count]!;
    const after = at + end - start;
    if (after > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(after * 2);
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    copyBytes(this.#bytes, at, element.bytes, start, end);
    this.#present[this.count++] = 1;
    this.#starts[this.count] = after;
  }

  /** Adds nothing, which comes before everything. */
  addNone(): void {
    const at = this.#starts[this.count]!;
    this.#starts[++this.count] = at;
  }

  read(index: number, out: Slice): void {
    out.set(this.#bytes, this.#starts[index]!, this.#starts[index + 1]!);
  }

  compare(a: number, b: number): number {
    const starts = this.#starts;
    if (this.#present[a] !== this.#present[b]) return this.#present[a]! - this.#present[b]!;
    const bytes = this.#bytes;
    let posA = starts[a]!;
    let posB = starts[b]!;
    const endA = starts[a + 1]!;
    const endB = starts[b + 1]!;
    while (posA < endA && posB < endB) {
      const difference = bytes[posA++]! - bytes[posB++]!;
      if (difference !== 0) return difference;
    }
    return endA - posA - (endB - posB);
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
