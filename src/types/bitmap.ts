/**
 * A string as a row of bits: bit 0 is the highest bit of the first byte. Counting, and finding a 32-bit word at a time: that
 * takes the bytes and the words of one buffer, and looks at the bytes alone where there are less than `WORDS_FROM`.
 */
import { countOnes } from "../base/popcount.ts";

/** A shorter run is counted soonest by bytes. */
const ONES_FROM = 20;

/** Shorter runs are not worth the search for a word boundary. */
const WORDS_FROM = 32;

/** Ones among bytes[start, end). */
export function countBits(bytes: Buffer, start: number, end: number): number {
  if (end - start >= ONES_FROM) return countOnes(bytes, start, end);
  let count = 0;
  for (let pos = start; pos < end; pos++) count += ones8(bytes[pos]!);
  return count;
}

/** Ones among the bits [first, last] of the string that begins at bytes[start]. */
export function countBitRange(bytes: Buffer, start: number, first: number, last: number): number {
  const from = start + Math.floor(first / 8);
  const to = start + Math.floor(last / 8);
  const before = bytes[from]! & ~(0xff >>> (first % 8));
  const behind = bytes[to]! & (0x7f >>> (last % 8));
  return countBits(bytes, from, to + 1) - ones8(before) - ones8(behind);
}

/** The first bit equal to `bit` among the bits [first, last] of the string that begins at bytes[start], or -1. */
export function findBit(
  bytes: Buffer,
  words: Int32Array,
  start: number,
  first: number,
  last: number,
  bit: number,
): number {
  const from = start + Math.floor(first / 8);
  const end = start + Math.floor(last / 8) + 1;
  const skipped = bit === 1 ? 0 : 0xff;
  let pos = from;
  // The first byte's bits before the range count as what is not looked for.
  const before = 0xff & ~(0xff >>> (first % 8));
  const head = bit === 1 ? bytes[pos]! & ~before : bytes[pos]! | before;
  if (head === skipped) {
    pos++;
    if (end - pos >= WORDS_FROM) {
      const aligned = (pos + 3) & ~3;
      while (pos < aligned && bytes[pos] === skipped) pos++;
      if (pos === aligned) pos = skipWords(words, pos >>> 2, end >>> 2, bit === 1 ? 0 : -1) << 2;
    }
    while (pos < end && bytes[pos] === skipped) pos++;
    if (pos === end) return -1;
  }
  const byte = pos === from ? head : bytes[pos]!;
  const found = (pos - start) * 8 + Math.clz32(bit === 1 ? byte : byte ^ 0xff) - 24;
  return found <= last ? found : -1;
}

/** Index of the first of words[from, to) that differs from `word`, or `to`. */
function skipWords(words: Int32Array, from: number, to: number, word: number): number {
  let index = from;
  while (index < to && words[index] === word) index++;
  return index;
}

/** Ones of a byte. */
function ones8(byte: number): number {
  let sums = byte - ((byte >>> 1) & 0x55);
  sums = (sums & 0x33) + ((sums >>> 2) & 0x33);
  return (sums + (sums >>> 4)) & 0x0f;
}
