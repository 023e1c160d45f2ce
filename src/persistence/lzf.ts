/** Compresses strings and takes them apart again (`lzf-format.ts`), in the way that takes the least time for their size. */
import { LITERALS_MAX } from "./lzf-format.ts";
import { compressLong } from "./lzf-long.ts";
import { compressShort, SHORT_MAX } from "./lzf-short.ts";
import { unpack, UNPACKED_MAX } from "./lzf-unpacker.ts";

/** Bytes of output from which WebAssembly takes less time, its call and the copying included. */
const UNPACK_FROM = 256;
/** Bytes that a reference is copied by in what is too large for that. */
const WIDE = 8;

/**
 * Compresses source[start, end) to target[at, limit).
 * @returns the position behind what was written, or -1 if it does not fit; the target may be changed all the same
 */
export function compress(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  limit: number,
): number {
  const isShort = end - start <= SHORT_MAX;
  return (isShort ? compressShort : compressLong)(source, start, end, target, at, limit);
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
  const size = limit - at;
  if (size < UNPACK_FROM) return decompressAny(source, start, end, target, at, limit, null);
  if (Math.max(size, end - start) <= UNPACKED_MAX) {
    return unpack(source, start, end, target, at, limit);
  }
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  return decompressAny(source, start, end, target, at, limit, view);
}

/** @param view of the target, if several bytes are to be copied at once */
function decompressAny(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  limit: number,
  view: DataView | null,
): boolean {
  let from = start;
  let to = at;
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
