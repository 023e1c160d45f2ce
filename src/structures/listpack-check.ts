/**
 * Checks bytes from outside (a dump, an RDB file, a primary's stream) before they become a listpack. What passes can be
 * walked both ways, read and changed without leaving its bytes; what its elements mean is for their owner to check.
 */
import { END, INT13, STRING12, STRING32, STRING6, SHORT_MAX } from "./listpack-entry.ts";
import { backSize, bodySize, readUint32 } from "./listpack-entry.ts";

/** Bytes before the first entry. */
export const HEADER_SIZE = 6;
/** Where the header has its count of elements, 16 bits. */
export const COUNT_AT = 4;
/** A count that the header can't hold: whoever wants it walks. */
export const COUNT_UNKNOWN = 65535;
/** A listpack without elements: the header and the end byte. */
export const EMPTY_SIZE: number = HEADER_SIZE + 1;

/**
 * Whether bytes[start, end) are one whole listpack: its size, every entry, every backlen, the end and the count. Time is
 * linear in the number of entries; nothing outside of the range is read.
 */
export function isListpack(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < EMPTY_SIZE || readUint32(bytes, start) !== end - start) return false;
  const last = end - 1;
  if (bytes[last] !== END) return false;
  let count = 0;
  let at = start + HEADER_SIZE;
  while (at < last) {
    const head = bytes[at]!;
    if (head < INT13) {
      // Most entries: a head of one byte, and a backlen of one.
      const body = head < STRING6 ? 1 : 1 + (head & SHORT_MAX);
      if (body >= last - at || bytes[at + body] !== body) return false;
      at += body + 1;
      count++;
      continue;
    }
    const size = checkedEntrySize(bytes, at, last);
    if (size === 0) return false;
    at += size;
    count++;
  }
  const announced = bytes[start + COUNT_AT]! | (bytes[start + COUNT_AT + 1]! << 8);
  return announced === COUNT_UNKNOWN || announced === count;
}

/** Bytes of the entry at `at` if all of it is sound and lies before `end`, else 0. */
function checkedEntrySize(bytes: Buffer, at: number, end: number): number {
  if (at + lengthBytes(bytes[at]!) >= end) return 0;
  const body = bodySize(bytes, at);
  if (body === 0) return 0;
  const size = body + backSize(body);
  if (size > end - at) return 0;
  return hasBacklen(bytes, at + body, at + size, body) ? size : 0;
}

/** Bytes after the head's first one that `bodySize` looks at. */
function lengthBytes(head: number): number {
  if (head < STRING12) return 0;
  if (head < STRING32) return 1;
  return head === STRING32 ? 4 : 0;
}

/** Whether bytes[start, end) are the backlen of `body` bytes in the form in which walking back reads it. */
function hasBacklen(bytes: Buffer, start: number, end: number, body: number): boolean {
  let rest = body;
  for (let at = end - 1; at > start; at--) {
    if (bytes[at] !== ((rest & 127) | 128)) return false;
    rest >>>= 7;
  }
  return bytes[start] === rest;
}
