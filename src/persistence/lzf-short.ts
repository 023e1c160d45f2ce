/**
 * Compresses short strings. It writes what liblzf does in its fast mode, so that equal values are equal bytes in Redis's files and
 * ours; so does `lzf-long.ts`, which takes less time for what is longer, and more for these.
 */
import {
  HASH_BITS,
  LITERALS_MAX,
  PLACE_MAX,
  REFERENCE_LONG,
  REFERENCE_MIN,
  writeEnd,
} from "./lzf-format.ts";

/** Longest input: no reference within is too far or too long. */
export const SHORT_MAX = 128;

const HASH_MASK = (1 << HASH_BITS) - 1;
/** Where the last three bytes of a hash were, counted over all inputs. */
const places = new Int32Array(1 << HASH_BITS);
/** The place of the next input's first byte. */
let base = 1;

/**
 * Compresses source[start, end) to target[at, limit).
 * @returns the position behind what was written, or -1 if it does not fit
 */
export function compressShort(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  limit: number,
): number {
  if (base > PLACE_MAX - SHORT_MAX) {
    places.fill(0);
    base = 1;
  }
  // The place of index i of the source is i + shift.
  const shift = base - start;
  base += end - start;
  // Before the literals there is a control byte.
  let to = at + 1;
  let literals = 0;
  let from = start;
  const last = end - 2;
  while (from < last) {
    const hash = hashAt(source, from);
    const ref = places[hash]! - shift;
    places[hash] = from + shift;
    if (
      ref <= start ||
      source[ref] !== source[from] ||
      source[ref + 1] !== source[from + 1] ||
      source[ref + 2] !== source[from + 2]
    ) {
      if (to >= limit) return -1;
      target[to++] = source[from++]!;
      if (++literals === LITERALS_MAX) {
        target[to - literals - 1] = literals - 1;
        literals = 0;
        to++;
      }
      continue;
    }
    // A reference and the control byte of the literals that may follow it.
    if (to - (literals === 0 ? 1 : 0) + 4 >= limit) return -1;
    if (literals === 0) to--;
    else target[to - literals - 1] = literals - 1;
    literals = 0;
    const offset = from - ref - 1;
    let longest = end - from - 2;
    // liblzf looks at sixteen bytes at once where there are more, and so a little farther.
    if (longest > 16) longest = Math.max(longest, 19);
    let length = REFERENCE_MIN;
    while (length < longest && source[ref + length] === source[from + length]) length++;
    if (length < REFERENCE_LONG) {
      target[to++] = (offset >>> 8) | ((length - 2) << 5);
    } else {
      target[to++] = (offset >>> 8) | 0xe0;
      target[to++] = length - REFERENCE_LONG;
    }
    target[to++] = offset & 255;
    to++;
    from += length;
    if (from >= last) break;
    // The two places before here are worth knowing: repeats often overlap.
    places[hashAt(source, from - 2)] = from - 2 + shift;
    places[hashAt(source, from - 1)] = from - 1 + shift;
  }
  return writeEnd(source, from, end, target, to, literals, limit);
}

function hashAt(bytes: Buffer, at: number): number {
  const three = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  return ((three >>> (24 - HASH_BITS)) - three * 5) & HASH_MASK;
}
