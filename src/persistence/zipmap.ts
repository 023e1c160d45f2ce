/**
 * The packed hash of Redis before 2.6, which old files have: checked and rewritten as a listpack of fields and values.
 *
 *   zipmap    fields u8 (254: unknown), { length, field, length, u8, value, unused... }, FF
 *   length    one byte below 254, or FE and u32, the low byte first; the byte before a value counts the unused ones behind it
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Listpack } from "../structures/listpack.ts";

const END = 0xff;
const LARGE_LENGTH = 0xfe;
const COUNT_UNKNOWN = 254;

/** Makes a listpack of the zipmap bytes[start, end). Returns NULL_REF if it is damaged. */
export function packZipmap(listpack: Listpack, bytes: Buffer, start: number, end: number): Ref {
  const last = end - 1;
  if (last <= start || bytes[last] !== END) return NULL_REF;
  let pack = listpack.create(end - start);
  let at = start + 1;
  let count = 0;
  while (at < last) {
    const field = dataOf(bytes, at, last);
    if (field === 0) break;
    const fieldEnd = field + lengthOf(bytes, at);
    if (fieldEnd >= last || dataOf(bytes, fieldEnd, last) === 0) break;
    // One more for the count of unused bytes.
    const data = dataOf(bytes, fieldEnd, last) + 1;
    const dataEnd = data + lengthOf(bytes, fieldEnd);
    if (data > last || dataEnd > last) break;
    const next = dataEnd + bytes[data - 1]!;
    if (next > last) break;
    pack = listpack.append(pack, bytes, field, fieldEnd);
    pack = listpack.append(pack, bytes, data, dataEnd);
    at = next;
    count++;
  }
  const announced = bytes[start]!;
  if (at === last && (announced >= COUNT_UNKNOWN || announced === count)) {
    return listpack.shrink(pack);
  }
  listpack.free(pack);
  return NULL_REF;
}

/** Where what the length at `at` counts begins; 0 if it can't be within the map. */
function dataOf(bytes: Buffer, at: number, last: number): number {
  const data = bytes[at] === LARGE_LENGTH ? at + 5 : at + 1;
  return data <= last && bytes[at] !== END ? data : 0;
}

function lengthOf(bytes: Buffer, at: number): number {
  return bytes[at] === LARGE_LENGTH ? bytes.readUInt32LE(at + 1) : bytes[at]!;
}
