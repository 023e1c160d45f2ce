/**
 * HalfSipHash-1-3 (Aumasson and Bernstein): SipHash on 32-bit words, so that JavaScript computes it without BigInt.
 * Keyed, because a client chooses the keys: with a simpler multiply-rotate hash (6 ns less for 16 bytes) differences
 * in the top bit cancel whatever the seed is, and anybody could fill one bucket. One round a word and three at the end
 * is the strength that Rust and Python settled on for their hash tables.
 */

/** The two words of a hash key; drawn once per server. */
export interface HashSeed {
  readonly k0: number;
  readonly k1: number;
}

/** Words that `hashBytes` leaves behind at most: those of the first 64 bytes. */
export const HASH_WORDS = 16;

/**
 * Hashes bytes[start, end) to a signed 32-bit integer.
 * @param words takes, from index `at` on, the whole little-endian words of the first 64 bytes, since whoever hashes a key
 *   compares it next, and four words are compared faster than sixteen bytes
 */
export function hashBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  seed: HashSeed,
  words: Int32Array,
  at = 0,
): number {
  let v0 = seed.k0;
  let v1 = seed.k1;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  let pos = start;
  const lastWord = end - 3;
  for (let index = 0; pos < lastWord; pos += 4, index++) {
    const word =
      bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
    if (index < HASH_WORDS) words[at + index] = word;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  let tail = (end - start) << 24;
  for (let shift = 0; pos < end; pos++, shift += 8) tail |= bytes[pos]! << shift;
  v3 ^= tail;
  // One round for the tail, three to finish: the same round four times, with the tail folded in after the first.
  for (let round = 0; round < 4; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round === 0) {
      v0 ^= tail;
      v2 ^= 0xff;
    }
  }
  return v1 ^ v3;
}
