/** What the commands on bits share: a bit's position as an argument, a string made ready to be changed, its words. */
import { BULK_SIZE_MIN, STRING_SIZE_MAX } from "../base/limits.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ENCODING_BLOB, ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW } from "../types/kinds.ts";
import type { Session } from "./session.ts";

const BAD_OFFSET = "ERR bit offset is not an integer or out of range";
const NOTHING = Buffer.alloc(0);
/** Bytes that a field of 64 bits may reach beyond the last byte in which it may begin. */
const FIELD_REACH = 8;

/**
 * The argument as the position of a bit; else answers an error and returns NaN.
 * @param bits width of the field, which "#n" stands for n times; 0 where "#" means nothing
 */
export function bitOffsetOrReply(
  session: Session,
  args: Args,
  index: number,
  bits: number,
  reply: Reply,
): number {
  const { bytes } = args;
  const start = args.start(index);
  const counted = bits > 0 && start < args.end(index) && bytes[start] === 0x23;
  if (parseInt64(bytes, counted ? start + 1 : start, args.end(index))) {
    const offset = toNumber(int64.low, int64.high) * (counted ? bits : 1);
    if (offset >= 0 && isReachable(session, Math.floor(offset / 8))) return offset;
  }
  reply.error(BAD_OFFSET);
  return NaN;
}

/** Whether a string may have a byte at that index. */
function isReachable(session: Session, byte: number): boolean {
  // No need to ask for the option where its least value allows as much.
  if (byte < BULK_SIZE_MIN) return true;
  const sizeMax = session.engine.options.number("proto-max-bulk-len");
  return byte < Math.min(sizeMax, STRING_SIZE_MAX - FIELD_REACH);
}

/**
 * Makes the key of argument 1 hold a raw string of at least `length` bytes, ready to be changed in place.
 * @param entry what `find` just returned for the key: missing, or a string
 */
export function stringToChange(session: Session, args: Args, entry: Ref, length: number): Ref {
  const { db } = session;
  if (entry === NULL_REF) {
    const start = args.start(1);
    const fresh = db.setString(entry, args.bytes, start, args.end(1), NOTHING, 0, 0, false);
    return db.growString(fresh, length);
  }
  const isInteger = session.engine.keyspace.store.entries.encoding(entry) === ENCODING_INT;
  if (isInteger || db.stringLength(entry) < length) return db.growString(entry, length);
  makeRaw(session, entry);
  return entry;
}

/** Makes a string that is no integer one that OBJECT ENCODING calls raw. */
export function makeRaw(session: Session, entry: Ref): void {
  const { entries } = session.engine.keyspace.store;
  if (entries.encoding(entry) === ENCODING_EMBSTR) entries.setEncoding(entry, ENCODING_RAW);
}

/** The 32-bit words of the memory that a string lies in, from its first byte on; of an integer they are not used. */
export function wordsOf(session: Session, entry: Ref): Int32Array {
  const { arena, entries } = session.engine.keyspace.store;
  const block = entries.encoding(entry) === ENCODING_BLOB ? entries.block(entry) : entry;
  return arena.words[block >>> SEGMENT_SHIFT]!;
}
