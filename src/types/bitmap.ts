/**
 * A string as a row of bits: bit 0 is the highest bit of the first byte. Counting and finding, a 32-bit word at a time.
 *
 * The functions take the bytes and the words of one buffer, so that they read whole words wherever a string is long; for a
 * string shorter than `WORDS_FROM` they look at the bytes alone.
 */

/** Shorter runs are not worth the search for a word boundary. */
const WORDS_FROM = 32;

/** Ones among bytes[start, end). @param words the same memory as 32-bit words, from its first byte on */
export function countBits(bytes: Buffer, words: Int32Array, start: number, end: number): number {
  let count = 0;
  let pos = start;
  if (end - start >= WORDS_FROM) {
    const aligned = (start + 3) & ~3;
    for (; pos < aligned; pos++) count += ones32(bytes[pos]!);
    pos = end & ~3;
    count += countWords(words, aligned >>> 2, pos >>> 2);
  }
  for (; pos < end; pos++) count += ones32(bytes[pos]!);
  return count;
}

/** Ones among the bits [first, last] of the string that begins at bytes[start]. */
export function countBitRange(
  bytes: Buffer,
  words: Int32Array,
  start: number,
  first: number,
  last: number,
): number {
  const from = start + Math.floor(first / 8);
  const to = start + Math.floor(last / 8);
  const before = bytes[from]! & ~(0xff >>> (first % 8));
  const behind = bytes[to]! & (0x7f >>> (last % 8));
  return countBits(bytes, words, from, to + 1) - ones32(before) - ones32(behind);
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

/**
 * Ones among words[from, to), by the method of Harley and Seal: a tree of carry-save adders turns sixteen words into one
 * word of sixteens, so that a sixteenth of the words is counted; the lower places are counted once at the end.
 */
function countWords(words: Int32Array, from: number, to: number): number {
  let sixteens = 0;
  let ones = 0;
  let twos = 0;
  let fours = 0;
  let eights = 0;
  let at = from;
  for (; at + 16 <= to; at += 16) {
    let a = words[at]!;
    let b = words[at + 1]!;
    let half = ones ^ a;
    let twosA = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[at + 2]!;
    b = words[at + 3]!;
    half = ones ^ a;
    let twosB = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosA;
    let foursA = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    a = words[at + 4]!;
    b = words[at + 5]!;
    half = ones ^ a;
    twosA = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[at + 6]!;
    b = words[at + 7]!;
    half = ones ^ a;
    twosB = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosA;
    let foursB = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    half = fours ^ foursA;
    const eightsA = (fours & foursA) | (half & foursB);
    fours = half ^ foursB;
    a = words[at + 8]!;
    b = words[at + 9]!;
    half = ones ^ a;
    twosA = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[at + 10]!;
    b = words[at + 11]!;
    half = ones ^ a;
    twosB = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosA;
    foursA = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    a = words[at + 12]!;
    b = words[at + 13]!;
    half = ones ^ a;
    twosA = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[at + 14]!;
    b = words[at + 15]!;
    half = ones ^ a;
    twosB = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosA;
    foursB = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    half = fours ^ foursA;
    const eightsB = (fours & foursA) | (half & foursB);
    fours = half ^ foursB;
    half = eights ^ eightsA;
    sixteens += ones32((eights & eightsA) | (half & eightsB));
    eights = half ^ eightsB;
  }
  let count = 16 * sixteens + 8 * ones32(eights) + 4 * ones32(fours) + 2 * ones32(twos);
  count += ones32(ones);
  for (; at < to; at++) count += ones32(words[at]!);
  return count;
}

/** Ones of a 32-bit word. */
function ones32(word: number): number {
  let sums = word - ((word >>> 1) & 0x55555555);
  sums = (sums & 0x33333333) + ((sums >>> 2) & 0x33333333);
  return Math.imul((sums + (sums >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
