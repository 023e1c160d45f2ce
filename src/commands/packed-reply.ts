/**
 * Elements of a listpack as bulk strings, one after another, straight from the block into the reply: a whole small hash, set or
 * sorted set, or a node of a list. One loop does it all, since calls for each element would cost more than copying it.
 */
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Listpack } from "../structures/listpack.ts";
import { END, entrySize, INT13, STRING6 } from "../structures/listpack-entry.ts";

const CR = 13;
const LF = 10;
const DOLLAR = 0x24;
const ZERO = 0x30;

/** Bytes of a bulk string of up to 63 bytes beside them: "$", two digits, twice CR LF. */
const SHORT_OVERHEAD = 7;
/** Up to this many bytes a loop copies them faster than a call. */
const LOOP_MAX = 24;

const slice = new Slice();

/**
 * Writes every element, or every second one.
 * @param from position of the first, 0 if there is none
 * @param everySecond leaves out the element after each that is written
 */
export function replyPacked(
  listpack: Listpack,
  ref: Ref,
  from: number,
  everySecond: boolean,
  reply: Reply,
): void {
  if (from === 0) return;
  listpack.whole(ref, slice);
  const { bytes } = slice;
  const base = slice.start;
  let { buffer, pos } = reply;
  let at = base + from;
  for (;;) {
    const head = bytes[at]!;
    if (head >= STRING6 && head < INT13) {
      const length = head - STRING6;
      if (pos + length + SHORT_OVERHEAD > buffer.length) {
        reply.pos = pos;
        reply.ensure(length + SHORT_OVERHEAD);
        ({ buffer, pos } = reply);
      }
      buffer[pos++] = DOLLAR;
      if (length > 9) buffer[pos++] = ZERO + ((length / 10) | 0);
      buffer[pos++] = ZERO + (length % 10);
      buffer[pos++] = CR;
      buffer[pos++] = LF;
      const start = at + 1;
      if (length > LOOP_MAX) bytes.copy(buffer, pos, start, start + length);
      else for (let i = 0; i < length; i++) buffer[pos + i] = bytes[start + i]!;
      pos += length;
      buffer[pos++] = CR;
      buffer[pos++] = LF;
      at = start + length + 1;
    } else if (head === END) {
      break;
    } else {
      listpack.read(ref, at - base, slice);
      reply.pos = pos;
      reply.bulk(slice.bytes, slice.start, slice.end);
      ({ buffer, pos } = reply);
      at += entrySize(bytes, at);
    }
    if (everySecond && bytes[at] !== END) at += entrySize(bytes, at);
  }
  reply.pos = pos;
}
