/**
 * What an element does to a HyperLogLog: which register it belongs to and how many zero bits its hash begins with.
 *
 * The hash is MurmurHash64A (Austin Appleby) with the seed that Redis chose. Its 64-bit words are pairs of 32-bit ones,
 * and a product of two 64-bit words takes one 32-by-32-bit product, made of 16-bit halves, and two low products.
 */

export const REGISTER_COUNT = 16384;

const REGISTER_BITS = 14;
const SEED = 0xadc83b19;
// The multiplier 0xc6a4a7935bd1e995.
const FACTOR_LOW = 0x5bd1e995;
const FACTOR_HIGH = 0xc6a4a793 | 0;
const FACTOR_0 = 0xe995;
const FACTOR_1 = 0x5bd1;

/** Where the element that was looked at last belongs. */
export const place = {
  register: 0,
  /** 1 to 51. */
  count: 0,
};

/** Leaves the place of the element bytes[start, end) in `place`. */
export function locateElement(bytes: Uint8Array, start: number, end: number): void {
  const length = end - start;
  let low = Math.imul(length, FACTOR_LOW);
  let high = (highProduct(length) + Math.imul(length, FACTOR_HIGH)) | 0;
  low ^= SEED;
  let pos = start;
  for (const last = end - 8; pos <= last; pos += 8) {
    const inLow =
      bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
    const inHigh =
      bytes[pos + 4]! | (bytes[pos + 5]! << 8) | (bytes[pos + 6]! << 16) | (bytes[pos + 7]! << 24);
    let partLow = Math.imul(inLow, FACTOR_LOW);
    let partHigh = timesHigh(inLow, inHigh);
    // A shift to the right by 47 bits is one of the high word by 15.
    partLow ^= partHigh >>> 15;
    partHigh = timesHigh(partLow, partHigh);
    partLow = Math.imul(partLow, FACTOR_LOW);
    low ^= partLow;
    high ^= partHigh;
    high = timesHigh(low, high);
    low = Math.imul(low, FACTOR_LOW);
  }
  if (pos < end) {
    for (let shift = 0; pos < end; pos++, shift += 8) {
      if (shift < 32) low ^= bytes[pos]! << shift;
      else high ^= bytes[pos]! << (shift - 32);
    }
    high = timesHigh(low, high);
    low = Math.imul(low, FACTOR_LOW);
  }
  low ^= high >>> 15;
  high = timesHigh(low, high);
  low = Math.imul(low, FACTOR_LOW);
  low ^= high >>> 15;

  place.register = low & (REGISTER_COUNT - 1);
  const rest = (low >>> REGISTER_BITS) | (high << (32 - REGISTER_BITS));
  // A bit behind the last one of the hash ends the search.
  const restHigh = (high >>> REGISTER_BITS) | (1 << (32 - REGISTER_BITS));
  place.count = rest === 0 ? 33 + zerosBelow(restHigh) : 1 + zerosBelow(rest);
}

/** High word of the product of a 64-bit word and the multiplier. */
function timesHigh(low: number, high: number): number {
  return (highProduct(low) + Math.imul(high, FACTOR_LOW) + Math.imul(low, FACTOR_HIGH)) | 0;
}

/** High word of the product of a 32-bit word and the multiplier's low word. */
function highProduct(word: number): number {
  const a0 = word & 0xffff;
  const a1 = word >>> 16;
  const p00 = Math.imul(a0, FACTOR_0) >>> 16;
  const p01 = Math.imul(a0, FACTOR_1);
  const p10 = Math.imul(a1, FACTOR_0);
  const middle = (p00 + (p01 & 0xffff) + (p10 & 0xffff)) >>> 16;
  return (Math.imul(a1, FACTOR_1) + (p01 >>> 16) + (p10 >>> 16) + middle) | 0;
}

/** Zero bits below the lowest one of a word that is not zero. */
function zerosBelow(word: number): number {
  return 31 - Math.clz32(word & -word);
}
