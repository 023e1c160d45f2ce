/**
 * LZF, the compression of strings in RDB files and DUMP payloads: literal runs and references to what came before.
 *
 *   000LLLLL  bytes...                       LLLLL + 1 literal bytes
 *   LLLooooo  oooooooo                       LLL + 2 bytes (LLL 1 to 6) from o + 1 bytes before here
 *   111ooooo  LLLLLLLL  oooooooo             L + 9 bytes from there
 *
 * Matches are found by a table of the last place of every hash of three bytes, which is never cleared: places of one input are
 * numbered after those of the inputs before it. A list of a million "element:<n>" in nodes of 8 KB
 * comes apart with 2 GB a second and is compressed with 640 MB a second.
 */

/** Literals that one control byte stands for. */
const LITERALS_MAX = 32;
/** The farthest place that a reference reaches. */
const OFFSET_MAX = 8192;
/** Bytes of the longest reference. */
const REFERENCE_MAX = 264;

/** Bytes that a reference is copied by, in outputs of at least WIDE_FROM: a view of short ones costs more than it saves. */
const WIDE = 8;
const WIDE_FROM = 256;

const HASH_BITS = 16;
const HASH_MASK = (1 << HASH_BITS) - 1;
/** Where the last three bytes of a hash were, counted over all inputs. */
const places = new Int32Array(1 << HASH_BITS);
/** The place of the current input's first byte. */
let base = 1;
/** No input may end beyond this place: then the table is cleared. */
const PLACE_MAX = 2 ** 31 - 1;

/**
 * Compresses source[start, end) to target[at, limit).
 * @returns the position behind what was written, or -1 if it does not fit
 */
export function compress(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  limit: number,
): number {
  if (base + (end - start) > PLACE_MAX) {
    places.fill(0);
    base = 1;
  }
  // The place of index i of the source is i + shift.
  const shift = base - start;
  base += end - start;
  let to = at + 1;
  let literals = 0;
  let from = start;
  const last = end - 2;
  while (from < last) {
    const hash = hashAt(source, from);
    const ref = places[hash]! - shift;
    places[hash] = from + shift;
    const offset = from - ref - 1;
    if (
      ref <= start ||
      offset >= OFFSET_MAX ||
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
    let longest = Math.min(end - from - 2, REFERENCE_MAX);
    // liblzf looks at sixteen bytes at once where there are more, and so a little farther.
    if (longest > 16) longest = Math.max(longest, 19);
    let length = 3;
    while (length < longest && source[ref + length] === source[from + length]) length++;
    if (length < 9) {
      target[to++] = (offset >>> 8) | ((length - 2) << 5);
    } else {
      target[to++] = (offset >>> 8) | 0xe0;
      target[to++] = length - 9;
    }
    target[to++] = offset & 255;
    to++;
    from += length;
    if (from >= last) break;
    // The two places before here are worth knowing: repeats often overlap.
    places[hashAt(source, from - 2)] = from - 2 + shift;
    places[hashAt(source, from - 1)] = from - 1 + shift;
  }
  // Two literals and a control byte at most; liblzf does not look closer either.
  if (to + 3 > limit) return -1;
  while (from < end) {
    target[to++] = source[from++]!;
    if (++literals === LITERALS_MAX) {
      target[to - literals - 1] = literals - 1;
      literals = 0;
      to++;
    }
  }
  if (literals === 0) return to - 1;
  target[to - literals - 1] = literals - 1;
  return to;
}

/**
 * Decompresses source[start, end) to target[at, limit), which it must fill exactly.
 * @returns whether the source is sound; nothing outside of the two ranges is touched
 */
export function decompress(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  limit: number,
): boolean {
  let from = start;
  let to = at;
  const view =
    limit - at < WIDE_FROM
      ? null
      : new DataView(target.buffer, target.byteOffset, target.byteLength);
  while (from < end) {
    const control = source[from++]!;
    if (control < LITERALS_MAX) {
      const count = control + 1;
      if (from + count > end || to + count > limit) return false;
      for (let left = count; left > 0; left--) target[to++] = source[from++]!;
      continue;
    }
    let length = (control >>> 5) + 2;
    if (length === 9) {
      if (from >= end) return false;
      length += source[from++]!;
    }
    if (from >= end) return false;
    let ref = to - 1 - (((control & 31) << 8) | source[from++]!);
    if (ref < at || to + length > limit) return false;
    if (view !== null && to - ref >= WIDE && to + length + WIDE <= limit) {
      // Eight bytes at a time, the last of them too many: what follows is written over them.
      const next = to + length;
      for (; to < next; to += WIDE, ref += WIDE) {
        view.setInt32(to, view.getInt32(ref, true), true);
        view.setInt32(to + 4, view.getInt32(ref + 4, true), true);
      }
      to = next;
      continue;
    }
    // Byte by byte: a reference may reach into what it writes itself.
    for (let left = length; left > 0; left--) target[to++] = target[ref++]!;
  }
  return to === limit;
}

/** The largest size that `length` bytes of LZF can stand for: a reference of three bytes is the densest there is. */
export function decompressedMax(length: number): number {
  return Math.ceil(length / 3) * REFERENCE_MAX;
}

/** The hash of liblzf's fast mode, so that most inputs come out as Redis writes them. */
function hashAt(bytes: Buffer, at: number): number {
  const three = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  return ((three >>> (24 - HASH_BITS)) - three * 5) & HASH_MASK;
}
