/**
 * The packed list of Redis before 7.0, which files still have: checked and rewritten as a listpack in one go.
 *
 *   ziplist   bytes u32, offset of the last entry u32, entries u16 (65535: unknown), entry..., FF
 *   entry     size of the entry before: one byte below 254, or FE and u32
 *             00LLLLLL | 01LLLLLL L | 10...... u32, the high byte first     a string of that length, which follows
 *             C0 i16 | D0 i32 | E0 i64 | F0 i24 | FE i8                      an integer, the low byte first
 *             F1 to FD                                                       0 to 12
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Listpack } from "../structures/listpack.ts";

const HEADER_SIZE = 10;
const END = 0xff;
const LARGE_SIZE = 0xfe;
const COUNT_UNKNOWN = 65535;

const INT16 = 0xc0;
const INT32 = 0xd0;
const INT64 = 0xe0;
const INT24 = 0xf0;
const INT8 = 0xfe;
const SMALLEST = 0xf1;
const GREATEST = 0xfd;

/** Makes a listpack of the ziplist bytes[start, end). Returns NULL_REF if it is damaged. */
export function packZiplist(listpack: Listpack, bytes: Buffer, start: number, end: number): Ref {
  const last = end - 1;
  if (end - start <= HEADER_SIZE || bytes.readUInt32LE(start) !== end - start) return NULL_REF;
  if (bytes[last] !== END) return NULL_REF;
  let pack = listpack.create(end - start);
  let at = start + HEADER_SIZE;
  let before = 0;
  let count = 0;
  let tail = at;
  while (at < last) {
    const next = entryEnd(bytes, at, last, before);
    if (next === 0) break;
    pack = append(listpack, pack, bytes, bodyOf(bytes, at));
    tail = at;
    before = next - at;
    at = next;
    count++;
  }
  const announced = bytes.readUInt16LE(start + 8);
  if (
    at === last &&
    bytes.readUInt32LE(start + 4) === tail - start &&
    (announced === COUNT_UNKNOWN || announced === count)
  ) {
    return listpack.shrink(pack);
  }
  listpack.free(pack);
  return NULL_REF;
}

/** Where the entry's own encoding begins. */
function bodyOf(bytes: Buffer, at: number): number {
  return bytes[at] === LARGE_SIZE ? at + 5 : at + 1;
}

/** Where the entry at `at` ends, 0 if it is not sound or reaches beyond `last`. @param before size of the entry before */
function entryEnd(bytes: Buffer, at: number, last: number, before: number): number {
  const body = bodyOf(bytes, at);
  // What tells the size of a string takes up to five bytes.
  if (body >= last) return 0;
  const said = bytes[at] === LARGE_SIZE ? bytes.readUInt32LE(at + 1) : bytes[at]!;
  if (said !== before) return 0;
  const head = bytes[body]!;
  let end = 0;
  if (head < INT16) {
    const data = dataOf(head, body);
    if (data > last) return 0;
    end = data + stringLength(bytes, body);
  } else {
    const size = integerSize(head);
    if (size < 0) return 0;
    end = body + 1 + size;
  }
  return end <= last ? end : 0;
}

function dataOf(head: number, body: number): number {
  if (head < 0x40) return body + 1;
  return head < 0x80 ? body + 2 : body + 5;
}

function stringLength(bytes: Buffer, body: number): number {
  const head = bytes[body]!;
  if (head < 0x40) return head;
  return head < 0x80 ? ((head & 63) << 8) | bytes[body + 1]! : bytes.readUInt32BE(body + 1);
}

/** Bytes of an integer behind its head, -1 if there is no such head. */
function integerSize(head: number): number {
  if (head >= SMALLEST && head <= GREATEST) return 0;
  if (head === INT8) return 1;
  if (head === INT16) return 2;
  if (head === INT24) return 3;
  if (head === INT32) return 4;
  return head === INT64 ? 8 : -1;
}

function append(listpack: Listpack, pack: Ref, bytes: Buffer, body: number): Ref {
  const head = bytes[body]!;
  if (head < INT16) {
    const data = dataOf(head, body);
    return listpack.append(pack, bytes, data, data + stringLength(bytes, body));
  }
  if (head === INT64) {
    return listpack.appendInteger(pack, bytes.readInt32LE(body + 1), bytes.readInt32LE(body + 5));
  }
  const size = integerSize(head);
  const value = size === 0 ? head - SMALLEST : bytes.readIntLE(body + 1, size);
  return listpack.appendInteger(pack, value, value >> 31);
}
