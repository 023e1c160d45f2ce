/**
 * Where the words of a dict and of its entries stand, see dict.ts, and the order in which a scan counts the buckets.
 */
import type { Ref } from "../memory/arena.ts";
import { SEGMENT_MASK } from "../memory/arena.ts";

// Words of the dict's block.
export const TABLE = 0;
export const TARGET = 1;
export const BITS = 2;
export const TARGET_BITS = 3;
export const COUNT = 4;
export const MOVED = 5;
export const DRAINED = 6;

// Words of an entry.
export const NEXT = 0;
export const HASH = 1;

/** Index of the first word of a block in its segment's word view. */
export function wordOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) << 2;
}

/** Adds one to the low `bits` bits of `cursor` read in reverse, leaving 0 after the last. */
export function reverseIncrement(cursor: number, bits: number): number {
  if (bits === 0) return 0;
  let reversed = reverse32(cursor & (2 ** bits - 1)) >>> (32 - bits);
  reversed = (reversed + 1) & (2 ** bits - 1);
  return reverse32(reversed) >>> (32 - bits);
}

/** The 32 bits of `value` in reverse order, unsigned. */
function reverse32(value: number): number {
  let v = value;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return ((v >>> 16) | (v << 16)) >>> 0;
}
