/**
 * One element of a listpack: its bytes, and nothing about the block that it stands in. The format is that of Redis's
 * listpack, so that a block can be written to an RDB file as it is.
 *
 *   entry      head, data, backlen
 *
 *   head       0xxxxxxx                      integer 0 to 127, no data
 *              10xxxxxx                      string of up to 63 bytes
 *              110xxxxx yyyyyyyy             integer of 13 bits, signed, the high bits first
 *              1110xxxx yyyyyyyy             string of up to 4095 bytes, the high bits of the length first
 *              F0, u32                       string, its length little-endian
 *              F1, F2, F3, F4                integer of 2, 3, 4 or 8 bytes, signed, little-endian
 *              FF                            no entry: the end of the listpack
 *
 *   backlen    size of head and data in 1 to 5 bytes of 7 bits, the highest first; all but the first have their top bit
 *              set, so that it is read from its end, by whoever walks backwards
 *
 * A string that is the canonical decimal form of a 64-bit integer is written as an integer, in the shortest form that holds
 * it. Reading relies on neither: a block from elsewhere may use a longer form than it needs.
 *
 * A form is named by the smallest head that it has. Integers pass through `int64`, as everywhere.
 */
import { unreachable } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import { INT64_DIGITS_MAX, int64, parseInt64 } from "../base/numbers.ts";

export const INT7 = 0x00;
export const STRING6 = 0x80;
export const INT13 = 0xc0;
export const STRING12 = 0xe0;
export const STRING32 = 0xf0;
export const INT16 = 0xf1;
export const INT24 = 0xf2;
export const INT32 = 0xf3;
export const INT64 = 0xf4;
/** The byte that stands where the next entry would begin. */
export const END = 0xff;

/** Bytes of the head of a string by form. */
const STRING6_HEAD = 1;
const STRING12_HEAD = 2;
const STRING32_HEAD = 5;
const STRING6_MAX = 63;
/** The longest string in the shortest form, and what its entry takes beside it. */
export const SHORT_MAX: number = STRING6_MAX;
export const SHORT_OVERHEAD: number = STRING6_HEAD + 1;
const STRING12_MAX = 4095;

/** Bytes of the backlen of an entry whose head and data take `size` bytes. Redis's bounds, two of which waste a value. */
export function backSize(size: number): number {
  if (size < 128) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/** Bytes of head and data of the entry at `at`, or 0 where no entry can begin so. */
export function bodySize(bytes: Buffer, at: number): number {
  const head = bytes[at]!;
  if (head < STRING6) return 1;
  if (head < INT13) return STRING6_HEAD + (head & STRING6_MAX);
  if (head < STRING12) return 2;
  if (head < STRING32) return STRING12_HEAD + (((head & 0x0f) << 8) | bytes[at + 1]!);
  if (head === STRING32) return STRING32_HEAD + readUint32(bytes, at + 1);
  if (head <= INT32) return head - STRING32 + 2;
  return head === INT64 ? 9 : 0;
}

/** Bytes of the whole entry at `at`: the way to the next one. */
export function entrySize(bytes: Buffer, at: number): number {
  const head = bytes[at]!;
  if (head < STRING6) return 2;
  if (head < INT13) return STRING6_HEAD + 1 + (head & STRING6_MAX);
  const size = bodySize(bytes, at);
  if (size === 0) unreachable("listpack: no entry begins here");
  return size + backSize(size);
}

/** Where the entry begins that ends before `end`. */
export function entryBefore(bytes: Buffer, end: number): number {
  let at = end - 1;
  let byte = bytes[at]!;
  let size = byte & 127;
  for (let scale = 128; byte > 127; scale *= 128) {
    byte = bytes[--at]!;
    size += (byte & 127) * scale;
  }
  return at - size;
}

export function isIntegerHead(head: number): boolean {
  return head < STRING6 || (head >= INT13 && (head < STRING12 || head > STRING32));
}

/** Bytes of the head of a string, which its data follows. @param head of a string */
export function stringHeadSize(head: number): number {
  if (head < INT13) return STRING6_HEAD;
  return head < STRING32 ? STRING12_HEAD : STRING32_HEAD;
}

/** Leaves the integer of the entry at `at` in `int64`. */
export function decodeInteger(bytes: Buffer, at: number): void {
  const head = bytes[at]!;
  let low: number;
  if (head < STRING6) low = head;
  else if (head < STRING12) low = (((head & 0x1f) << 27) | (bytes[at + 1]! << 19)) >> 19;
  else if (head === INT16) low = ((bytes[at + 2]! << 24) | (bytes[at + 1]! << 16)) >> 16;
  else if (head === INT24) {
    low = ((bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8)) >> 8;
  } else {
    low = readUint32(bytes, at + 1) | 0;
    int64.low = low;
    int64.high = head === INT32 ? low >> 31 : readUint32(bytes, at + 5) | 0;
    return;
  }
  int64.low = low;
  int64.high = low >> 31;
}

/** Whether the bytes are an integer in its canonical form; if so it is left in `int64`. */
export function parseCanonical(bytes: Buffer, start: number, end: number): boolean {
  if (end === start || end - start > INT64_DIGITS_MAX) return false;
  // Most strings are told from integers by their first byte.
  const first = bytes[start]!;
  return !beginsAsText(first) && parseInt64(bytes, start, end);
}

/** The form that bytes are stored in. An integer is left in `int64`. */
export function formOf(bytes: Buffer, start: number, end: number): number {
  if (parseCanonical(bytes, start, end)) return integerForm(int64.low, int64.high);
  const length = end - start;
  if (length <= STRING6_MAX) return STRING6;
  return length <= STRING12_MAX ? STRING12 : STRING32;
}

/** The shortest form of the integer of the two words. */
export function integerForm(low: number, high: number): number {
  if (high !== low >> 31) return INT64;
  if (low >= -4096 && low <= 4095) return low >= 0 && low <= 127 ? INT7 : INT13;
  if (low >= -0x8000 && low <= 0x7fff) return INT16;
  return low >= -0x800000 && low <= 0x7fffff ? INT24 : INT32;
}

/** Bytes of head and data in a form. @param length of the string; unused for integers */
export function formSize(form: number, length: number): number {
  if (form === STRING6) return STRING6_HEAD + length;
  if (form === INT7) return 1;
  if (form === INT13) return 2;
  if (form === STRING12) return STRING12_HEAD + length;
  if (form === STRING32) return STRING32_HEAD + length;
  return form === INT64 ? 9 : form - STRING32 + 2;
}

/** Writes a whole string entry, `size` bytes without its backlen. */
export function writeString(
  bytes: Buffer,
  at: number,
  form: number,
  size: number,
  source: Buffer,
  start: number,
  end: number,
): void {
  const length = end - start;
  let data = at + STRING6_HEAD;
  if (form === STRING6) {
    bytes[at] = STRING6 | length;
  } else if (form === STRING12) {
    bytes[at] = STRING12 | (length >>> 8);
    bytes[at + 1] = length & 255;
    data = at + STRING12_HEAD;
  } else {
    bytes[at] = STRING32;
    writeUint32(bytes, at + 1, length);
    data = at + STRING32_HEAD;
  }
  copyBytes(bytes, data, source, start, end);
  writeBack(bytes, at + size, size);
}

/** Writes a whole integer entry. */
export function writeInteger(
  bytes: Buffer,
  at: number,
  form: number,
  low: number,
  high: number,
): void {
  if (form === INT7) {
    bytes[at] = low;
    bytes[at + 1] = 1;
    return;
  }
  if (form === INT13) {
    bytes[at] = INT13 | ((low >>> 8) & 0x1f);
    bytes[at + 1] = low & 255;
    bytes[at + 2] = 2;
    return;
  }
  const size = formSize(form, 0);
  bytes[at] = form;
  if (form === INT64) {
    writeUint32(bytes, at + 1, low);
    writeUint32(bytes, at + 5, high);
  } else {
    for (let i = 1, rest = low; i < size; i++, rest >>= 8) bytes[at + i] = rest & 255;
  }
  bytes[at + size] = size;
}

/** Writes the entry of a string of up to SHORT_MAX bytes that is no integer, and returns where the next one begins. */
export function putShort(
  bytes: Buffer,
  at: number,
  source: Buffer,
  start: number,
  end: number,
): number {
  const length = end - start;
  bytes[at] = STRING6 | length;
  copyBytes(bytes, at + STRING6_HEAD, source, start, end);
  bytes[at + STRING6_HEAD + length] = STRING6_HEAD + length;
  return at + SHORT_OVERHEAD + length;
}

/** Whether bytes that begin so can't be an integer. */
export function beginsAsText(byte: number): boolean {
  return byte > 0x39;
}

/** Writes the entry of the integer of the two words, and returns where the next one begins. */
export function putInteger(bytes: Buffer, at: number, low: number, high: number): number {
  if (high === 0 && low >= 0 && low < STRING6) {
    bytes[at] = low;
    bytes[at + 1] = 1;
    return at + 2;
  }
  const form = integerForm(low, high);
  writeInteger(bytes, at, form, low, high);
  return at + formSize(form, 0) + 1;
}

/** Writes the entry of source[start, end), an integer if it is one, and returns where the next one begins. */
export function putBytes(
  bytes: Buffer,
  at: number,
  source: Buffer,
  start: number,
  end: number,
): number {
  const length = end - start;
  if (length > 0 && length <= SHORT_MAX && beginsAsText(source[start]!)) {
    return putShort(bytes, at, source, start, end);
  }
  const form = formOf(source, start, end);
  if (isIntegerHead(form)) return putInteger(bytes, at, int64.low, int64.high);
  const size = formSize(form, length);
  writeString(bytes, at, form, size, source, start, end);
  return at + size + backSize(size);
}

/** Writes the backlen of an entry whose head and data take `size` bytes. */
function writeBack(bytes: Buffer, at: number, size: number): void {
  if (size < 128) {
    bytes[at] = size;
    return;
  }
  let rest = size;
  let to = at + backSize(size) - 1;
  for (; to > at; to--, rest >>>= 7) bytes[to] = (rest & 127) | 128;
  bytes[at] = rest;
}

export function readUint32(bytes: Buffer, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  );
}

function writeUint32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
  bytes[at + 2] = (value >>> 16) & 255;
  bytes[at + 3] = (value >>> 24) & 255;
}
