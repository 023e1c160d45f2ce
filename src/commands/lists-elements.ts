/**
 * Elements of lists on their way to a reply or to another list: what the list commands, those that wait for an element and
 * others that read lists have in common.
 */
import type { Session } from "./session.ts";
import { changed, happened } from "./changed.ts";
import { DEL, LPOP, LPUSH, RPOP, RPUSH } from "../keyspace/key-events.ts";
import { copyBytes } from "../base/bytes.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Store } from "../keyspace/store.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";
import { END, entrySize, INT13, STRING6 } from "../structures/listpack-entry.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_LIST } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { SYNTAX_ERROR } from "./guards.ts";

/** Longer elements are copied to a buffer of their own while they are between two lists. */
const HELD_MAX = 16 * 1024;
/** The longest reply to an element of the shortest string form: "$63", 63 bytes, two line ends. */
const SHORT_REPLY_MAX = 70;
/** Up to this many bytes a loop copies faster than a call. */
const LOOP_MAX = 24;

const slice = new Slice();
const scratch = Buffer.alloc(HELD_MAX);
const destination = new Value();

/** Whether the argument is LEFT, or -1 after answering that it is neither that nor RIGHT. */
export function sideOrReply(args: Args, index: number, reply: Reply): boolean | -1 {
  if (args.is(index, "LEFT")) return true;
  if (args.is(index, "RIGHT")) return false;
  reply.error(SYNTAX_ERROR);
  return -1;
}

/** The argument as a number, rounded above 2^53, and exactly in `int64`; NaN if it is no integer. */
export function numberAt(args: Args, index: number): number {
  if (!parseInt64(args.bytes, args.start(index), args.end(index))) return NaN;
  return toNumber(int64.low, int64.high);
}

/** Replies with `count` elements, all of which exist, from the one at `index` on; the last first if not `forward`. */
export function replyElements(
  store: Store,
  list: Value,
  index: number,
  count: number,
  forward: boolean,
  reply: Reply,
): void {
  const { lists } = store;
  reply.array(count);
  if (count === 0) return;
  if (!forward) {
    lists.seek(list, index + count - 1);
    for (let left = count; left > 0; left--) {
      replyElement(store, reply);
      if (left > 1) lists.step(false);
    }
    return;
  }
  lists.seek(list, index);
  let left = count - replyEntries(store, lists.cursor.pack, lists.cursor.pos, count, reply);
  while (left > 0 && !reply.overflowed && lists.toNextPack()) {
    left -= replyEntries(store, lists.cursor.pack, lists.cursor.pos, left, reply);
  }
}

/** Replies with the element at the cursor of the lists. */
export function replyElement(store: Store, reply: Reply): void {
  store.lists.read(slice);
  reply.bulk(slice.bytes, slice.start, slice.end);
}

/**
 * Replies with up to `count` entries of a listpack, beginning with the one at `pos`, and returns how many there were. Short
 * strings, which most are, are written without a call for each.
 */
function replyEntries(store: Store, pack: Ref, pos: number, count: number, reply: Reply): number {
  const bytes = store.arena.bytes[pack >>> SEGMENT_SHIFT]!;
  const base = (pack & SEGMENT_MASK) * UNIT;
  let { buffer, pos: out } = reply;
  let at = base + pos;
  let written = 0;
  for (; written < count; written++) {
    const head = bytes[at]!;
    if (head === END) break;
    if (head < STRING6 || head >= INT13) {
      store.kit.listpack.read(pack, at - base, slice);
      reply.pos = out;
      reply.bulk(slice.bytes, slice.start, slice.end);
      ({ buffer, pos: out } = reply);
      at += entrySize(bytes, at);
      continue;
    }
    if (out + SHORT_REPLY_MAX > buffer.length) {
      reply.pos = out;
      reply.ensure(SHORT_REPLY_MAX);
      ({ buffer, pos: out } = reply);
    }
    const length = head - STRING6;
    buffer[out++] = 0x24;
    if (length < 10) {
      buffer[out++] = 0x30 + length;
    } else {
      const tens = (length * 205) >>> 11;
      buffer[out++] = 0x30 + tens;
      buffer[out++] = 0x30 + length - tens * 10;
    }
    buffer[out++] = 0x0d;
    buffer[out++] = 0x0a;
    const end = at + 1 + length;
    if (length > LOOP_MAX) {
      bytes.copy(buffer, out, at + 1, end);
      out += length;
    } else {
      for (let from = at + 1; from < end; from++) buffer[out++] = bytes[from]!;
    }
    buffer[out++] = 0x0d;
    buffer[out++] = 0x0a;
    // Behind so short a string stands one byte for walking back.
    at = end + 1;
  }
  reply.pos = out;
  return written;
}

/**
 * Replies with the first or last element and removes it, with the last one the key.
 * @param at index of the key in `args`
 * @param list the value of `entry`
 */
export function popElement(
  session: Session,
  args: Args,
  at: number,
  entry: Ref,
  list: Value,
  front: boolean,
  reply: Reply,
): void {
  const { store } = session.engine.keyspace;
  const { lists } = store;
  lists.seek(list, front ? 0 : -1);
  replyElement(store, reply);
  lists.remove(list, true);
  changed(session, args, at, front ? LPOP : RPOP);
  settle(session, args, at, entry, list);
}

/**
 * Replies with an array of up to `count` elements from one end and removes them, with the last one the key.
 * @returns how many
 */
export function popElements(
  session: Session,
  args: Args,
  at: number,
  entry: Ref,
  list: Value,
  front: boolean,
  count: number,
  reply: Reply,
): number {
  const { store } = session.engine.keyspace;
  const { lists } = store;
  const length = lists.length(list);
  const taken = Math.min(count, length);
  const from = front ? 0 : length - taken;
  replyElements(store, list, from, taken, front, reply);
  changed(session, args, at, front ? LPOP : RPOP, taken);
  if (taken === length) {
    session.db.remove(entry);
    happened(session, args, at, DEL);
  } else {
    lists.removeRange(list, from, taken);
    settle(session, args, at, entry, list);
  }
  return taken;
}

/**
 * Moves an element from an end of the list of the first argument to an end of that of the second, or of the same, and replies
 * with it.
 * @param list the value of `entry`
 * @param target what `db.find` has just returned for the key of the other list, which is made if there is none
 */
export function moveElement(
  session: Session,
  args: Args,
  entry: Ref,
  list: Value,
  fromFront: boolean,
  target: Ref,
  toFront: boolean,
  reply: Reply,
): void {
  const { db } = session;
  const { lists } = session.engine.keyspace.store;
  lists.seek(list, fromFront ? 0 : -1);
  lists.read(slice);
  const { length } = slice;
  reply.bulk(slice.bytes, slice.start, slice.end);
  const held = length <= HELD_MAX ? scratch : Buffer.allocUnsafeSlow(length);
  copyBytes(held, 0, slice.bytes, slice.start, slice.end);
  lists.remove(list, true);
  if (target === entry) {
    lists.grow(list, 1, length);
    lists.push(list, toFront, held, 0, length);
  } else if (target === NULL_REF) {
    lists.create(destination);
    lists.grow(destination, 1, length);
    lists.push(destination, toFront, held, 0, length);
    db.create(args.bytes, args.start(2), args.end(2), TYPE_LIST, destination);
  } else {
    db.load(target, destination);
    lists.grow(destination, 1, length);
    lists.push(destination, toFront, held, 0, length);
    db.save(target, destination);
  }
  happened(session, args, 2, toFront ? LPUSH : RPUSH);
  changed(session, args, 1, fromFront ? LPOP : RPOP);
  settle(session, args, 1, entry, list);
}

/** Writes a list back from which elements were removed; an empty one goes with its key, the argument at `at`. */
export function settle(session: Session, args: Args, at: number, entry: Ref, list: Value): void {
  const { db } = session;
  const { lists } = session.engine.keyspace.store;
  lists.shrink(list);
  db.save(entry, list);
  if (lists.length(list) > 0) return;
  db.remove(entry);
  happened(session, args, at, DEL);
}
