/**
 * LZF, the compression of strings in RDB files and DUMP payloads: literal runs and references to what came before.
 *
 *   000LLLLL  bytes...                       LLLLL + 1 literal bytes
 *   LLLooooo  oooooooo                       LLL + 2 bytes (LLL 1 to 6) from o + 1 bytes before here
 *   111ooooo  LLLLLLLL  oooooooo             L + 9 bytes from there
 */

/** Literals that one control byte stands for. */
export const LITERALS_MAX = 32;
/** The farthest place that a reference reaches. */
export const OFFSET_MAX = 8192;
/** Bytes of the shortest and the longest reference's copy. */
export const REFERENCE_MIN = 3;
export const REFERENCE_MAX = 264;
/** Length of a copy from which a reference has a byte more. */
export const REFERENCE_LONG = 9;

/** Bits of the hash that both compressors find matches by: that of liblzf's fast mode. */
export const HASH_BITS = 16;
/** Places are numbered over all inputs, so that no table is cleared before one; none is numbered beyond this. */
export const PLACE_MAX: number = 2 ** 31 - 1;

/**
 * Ends a compressed string with the source's last bytes, too few for a match, and the literals that wait for their control byte.
 * @param from where they begin in source[0, end)
 * @param to where they go in the target, and `run` the literals before there that wait
 * @returns the position behind what was written, or -1 if it might not fit before `limit`
 */
export function writeEnd(
  source: Buffer,
  from: number,
  end: number,
  target: Buffer,
  to: number,
  run: number,
  limit: number,
): number {
  // Two literals and a control byte at most; liblzf does not look closer either.
  if (to + 3 > limit) return -1;
  let at = to;
  let literals = run;
  for (let i = from; i < end; i++) {
    target[at++] = source[i]!;
    if (++literals < LITERALS_MAX) continue;
    target[at - literals - 1] = literals - 1;
    literals = 0;
    at++;
  }
  if (literals === 0) return at - 1;
  target[at - literals - 1] = literals - 1;
  return at;
}

/** The largest size that `length` bytes of LZF can stand for: a reference of three bytes is the densest there is. */
export function decompressedMax(length: number): number {
  return Math.ceil(length / 3) * REFERENCE_MAX;
}
