/** Comparing and copying bytes: loops for short runs, where a call into the runtime costs more than it saves. */
import { BUFFER_COLLECTED_MAX } from "./limits.ts";

/** Below this many bytes a loop is faster than `Buffer.prototype.copy` (21 ns flat). */
const LOOP_MAX = 24;
/** Bytes that `findByte` looks at by itself before it makes a view for the runtime to search. */
const FIND_LOOP_MAX = 64;

/** Copies source[start, end) to target at `at`. Both views are Buffers; they may overlap only if they are one block. */
export function copyBytes(
  target: Buffer,
  at: number,
  source: Buffer,
  start: number,
  end: number,
): void {
  if (end - start > LOOP_MAX) {
    source.copy(target, at, start, end);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!;
}

/** Moves bytes[start, end) to `to` within the buffer; the two may overlap. */
export function moveBytes(bytes: Buffer, to: number, start: number, end: number): void {
  const length = end - start;
  if (to === start || length === 0) return;
  if (length > LOOP_MAX) bytes.copyWithin(to, start, end);
  else if (to < start) for (let i = 0; i < length; i++) bytes[to + i] = bytes[start + i]!;
  else for (let i = length - 1; i >= 0; i--) bytes[to + i] = bytes[start + i]!;
}

/** Whether a[aStart, aStart + length) equals b[bStart, bStart + length). */
export function equalBytes(
  a: Buffer,
  aStart: number,
  b: Buffer,
  bStart: number,
  length: number,
): boolean {
  if (length > 4 * LOOP_MAX) {
    return a.compare(b, bStart, bStart + length, aStart, aStart + length) === 0;
  }
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** The order of two runs of bytes: the first that differs decides, else the shorter one comes first. */
export function compareBytes(
  a: Buffer,
  aStart: number,
  aEnd: number,
  b: Buffer,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const common = Math.min(aLength, bLength);
  if (common > 4 * LOOP_MAX) return a.compare(b, bStart, bEnd, aStart, aEnd);
  for (let i = 0; i < common; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** Index of the first `byte` in bytes[start, end), or -1. Looks at nothing beyond `end`, however large the buffer is. */
export function findByte(bytes: Buffer, byte: number, start: number, end: number): number {
  const loopEnd = Math.min(end, start + FIND_LOOP_MAX);
  for (let i = start; i < loopEnd; i++) if (bytes[i] === byte) return i;
  if (loopEnd >= end) return -1;
  const at = bytes.subarray(loopEnd, end).indexOf(byte);
  return at === -1 ? -1 : loopEnd + at;
}

/** Whether bytes[start, end) is `word`, letters of either case. @param word upper case ASCII */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  const length = end - start;
  if (length !== word.length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!;
    const upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
    if (upper !== word.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * Gives the memory of a buffer back at once, without waiting for a collection; the buffer is empty from then on, and so is
 * everything that shares its memory.
 */
export function freeBuffer(buffer: Buffer): void {
  (buffer.buffer as ArrayBuffer).transfer(0);
}

/** The same if it is so large that it is worth it. */
export function freeLarge(buffer: Buffer): void {
  if (buffer.length > BUFFER_COLLECTED_MAX) freeBuffer(buffer);
}

/** What the runtime's buffers have beyond what is declared: the same without a look at the encoding's name. */
interface Latin1Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number): number;
}

/** bytes[start, end) as a string of one character a byte. */
export function latin1Text(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Latin1Buffer).latin1Slice(start, end);
}

/** Writes text of one character a byte, for which there is room. */
export function writeLatin1(bytes: Buffer, at: number, text: string): void {
  (bytes as Buffer & Latin1Buffer).latin1Write(text, at);
}
