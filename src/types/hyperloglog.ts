/**
 * HyperLogLog: an estimate of how many different elements were added, in a string value as Redis lays it out.
 *
 *    0  magic     "HYLL"
 *    4  encoding  0 dense, 1 sparse
 *    5  unused    3 bytes
 *    8  count     u64, little-endian: the estimate that was computed last; its top bit is set when it no longer holds
 *   16  registers, as in hyperloglog-dense.ts or hyperloglog-sparse.ts
 *
 * There are 16,384 registers. An element's hash chooses one by its low 14 bits; the register holds the largest number of
 * zero bits, plus one, that the rest of a hash has begun with. Standard error: 0.81 %.
 */
import { int64 } from "../base/numbers.ts";
import { DENSE_BYTES, mergeDense, packDense } from "./hyperloglog-dense.ts";
import { mergeSparse } from "./hyperloglog-sparse.ts";

const ENCODING_AT = 4;
const COUNT_AT = 8;
/** The byte of the count with the bit that tells whether it holds. */
const STALE_AT = 15;
const STALE = 0x80;

export const HEADER_SIZE = 16;

const DENSE = 0;
const SPARSE = 1;

/** Bytes of a dense value. */
export const DENSE_SIZE: number = HEADER_SIZE + DENSE_BYTES;

/** A sparse value without an element: one run of zeros. */
const EMPTY = Buffer.from("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", "latin1");

/** Whether bytes[start, end) looks like a HyperLogLog: its header and, of a dense one, its length. */
export function isHyperLogLog(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < HEADER_SIZE) return false;
  for (let i = 0; i < ENCODING_AT; i++) if (bytes[start + i] !== EMPTY[i]) return false;
  const encoding = bytes[start + ENCODING_AT]!;
  return encoding === SPARSE || (encoding === DENSE && end - start === DENSE_SIZE);
}

/** Whether the HyperLogLog at bytes[start] is a dense one. */
export function isDense(bytes: Buffer, start: number): boolean {
  return bytes[start + ENCODING_AT] === DENSE;
}

/** Writes a HyperLogLog without an element to `target` and returns its length. */
export function writeEmpty(target: Buffer): number {
  return EMPTY.copy(target);
}

/** Marks the count of the HyperLogLog at bytes[start] as one that no longer holds. */
export function dropCount(bytes: Buffer, start: number): void {
  bytes[start + STALE_AT]! |= STALE;
}

/** Leaves the count in `int64`. Returns false if it no longer holds. */
export function readCount(bytes: Buffer, start: number): boolean {
  if ((bytes[start + STALE_AT]! & STALE) !== 0) return false;
  int64.low = bytes.readInt32LE(start + COUNT_AT);
  int64.high = bytes.readInt32LE(start + COUNT_AT + 4);
  return true;
}

/** Stores the count in `int64`. */
export function writeCount(bytes: Buffer, start: number): void {
  bytes.writeInt32LE(int64.low, start + COUNT_AT);
  bytes.writeInt32LE(int64.high, start + COUNT_AT + 4);
}

/**
 * Raises each of the `registers` to that of the HyperLogLog bytes[start, end), if that is larger.
 * @returns false if the HyperLogLog is damaged
 */
export function mergeInto(
  registers: Uint8Array,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  const from = start + HEADER_SIZE;
  if (!isDense(bytes, start)) return mergeSparse(registers, bytes, from, end);
  mergeDense(registers, bytes, from);
  return true;
}

/** Writes a dense HyperLogLog with these registers and the rest of the header at header[at] to bytes[start]. */
export function writeDense(
  bytes: Buffer,
  start: number,
  registers: Uint8Array,
  header: Buffer,
  at: number,
): void {
  header.copy(bytes, start, at, at + HEADER_SIZE);
  bytes[start + ENCODING_AT] = DENSE;
  packDense(registers, bytes, start + HEADER_SIZE);
}
