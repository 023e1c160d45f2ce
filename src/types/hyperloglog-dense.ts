/**
 * The dense form of a HyperLogLog's registers: 6 bits each, lowest bits first, four registers in three bytes.
 *
 *   |11000000|22221111|33333322|     register 0 in the low six bits of byte 0, register 1 in the rest of it and the
 *                                    low four bits of byte 1, ...
 */
import { REGISTER_COUNT } from "./hyperloglog-hash.ts";

export const DENSE_BYTES: number = (REGISTER_COUNT * 6) / 8;

const REGISTER_MASK = 63;

/** One register of those that begin at bytes[start]. */
export function getDense(bytes: Buffer, start: number, register: number): number {
  const at = start + ((register * 6) >>> 3);
  const shift = (register * 6) & 7;
  const high = shift > 2 ? bytes[at + 1]! << 8 : 0;
  return ((bytes[at]! | high) >>> shift) & REGISTER_MASK;
}

/** Raises one register. Returns false if it was as large already. */
export function raiseDense(bytes: Buffer, start: number, register: number, count: number): boolean {
  const at = start + ((register * 6) >>> 3);
  const shift = (register * 6) & 7;
  const reachesOn = shift > 2;
  const pair = bytes[at]! | (reachesOn ? bytes[at + 1]! << 8 : 0);
  if (((pair >>> shift) & REGISTER_MASK) >= count) return false;
  const changed = (pair & ~(REGISTER_MASK << shift)) | (count << shift);
  bytes[at] = changed & 0xff;
  if (reachesOn) bytes[at + 1] = changed >>> 8;
  return true;
}

/** Raises each of `registers` to the one that begins at bytes[start], if that is larger. */
export function mergeDense(registers: Uint8Array, bytes: Buffer, start: number): void {
  for (let i = 0, pos = start; i < REGISTER_COUNT; i += 4, pos += 3) {
    const four = bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16);
    if (four === 0) continue;
    const a = four & REGISTER_MASK;
    const b = (four >>> 6) & REGISTER_MASK;
    const c = (four >>> 12) & REGISTER_MASK;
    const d = four >>> 18;
    if (a > registers[i]!) registers[i] = a;
    if (b > registers[i + 1]!) registers[i + 1] = b;
    if (c > registers[i + 2]!) registers[i + 2] = c;
    if (d > registers[i + 3]!) registers[i + 3] = d;
  }
}

/** Writes all registers. */
export function packDense(registers: Uint8Array, bytes: Buffer, start: number): void {
  for (let i = 0, pos = start; i < REGISTER_COUNT; i += 4, pos += 3) {
    const four =
      registers[i]! |
      (registers[i + 1]! << 6) |
      (registers[i + 2]! << 12) |
      (registers[i + 3]! << 18);
    bytes[pos] = four & 0xff;
    bytes[pos + 1] = (four >>> 8) & 0xff;
    bytes[pos + 2] = four >>> 16;
  }
}

/** Adds how often each value occurs to `histogram`. */
export function countDense(histogram: Int32Array, bytes: Buffer, start: number): void {
  for (let i = 0, pos = start; i < REGISTER_COUNT; i += 4, pos += 3) {
    const four = bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16);
    histogram[four & REGISTER_MASK]!++;
    histogram[(four >>> 6) & REGISTER_MASK]!++;
    histogram[(four >>> 12) & REGISTER_MASK]!++;
    histogram[four >>> 18]!++;
  }
}
