/** Commands on single bits of a string, and on how many and which of its bits are set. */
import { changed } from "./changed.ts";
import { SETBIT } from "../keyspace/key-events.ts";
import { int64 } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { countBitRange, countBits, findBit } from "../types/bitmap.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { bitOffsetOrReply, stringToChange, wordsOf } from "./bit-values.ts";
import { isTypeOrReply, positionOrReply, SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";

const BAD_BIT = "ERR bit is not an integer or out of range";

/** The range that a command asks for: positions as given, negative ones from the end. */
const range = { first: 0, last: 0, reversed: false, inBits: false };

function setbit(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const offset = bitOffsetOrReply(session, args, 2, 0, reply);
  if (Number.isNaN(offset)) return;
  const bit = args.length(3) === 1 ? args.bytes[args.start(3)]! - 0x30 : -1;
  if (bit !== 0 && bit !== 1) return reply.error(BAD_BIT);
  let entry = db.find(args.bytes, args.start(1), args.end(1));
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  const byte = Math.floor(offset / 8);
  const oldLength = entry === NULL_REF ? -1 : db.stringLength(entry);
  entry = stringToChange(session, args, entry, byte + 1);
  db.readString(entry, value);
  const at = value.start + byte;
  const shift = 7 - (offset % 8);
  const old = (value.bytes[at]! >>> shift) & 1;
  if (old !== bit) value.bytes[at]! ^= 1 << shift;
  if (old !== bit || oldLength <= byte) changed(session, args, 1, SETBIT);
  reply.integer(old);
}

function getbit(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const offset = bitOffsetOrReply(session, args, 2, 0, reply);
  if (Number.isNaN(offset)) return;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  db.readString(entry, value);
  const byte = Math.floor(offset / 8);
  if (byte >= value.length) return reply.integer(0);
  reply.integer((value.bytes[value.start + byte]! >>> (7 - (offset % 8))) & 1);
}

function bitcount(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const whole = args.count === 2;
  if (!whole) {
    if (args.count < 4 || args.count > 5) return reply.error(SYNTAX_ERROR);
    if (!boundsOrReply(args, 2, reply) || !unitOrReply(args, 4, reply)) return;
  }
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  db.readString(entry, value);
  if (whole) {
    reply.integer(countBits(value.bytes, value.start, value.end));
    return session.engine.slowLog.afterReading(session, args, value.length);
  }
  // Two positions from the end in the wrong order are empty even where both are cut to the first bit.
  if (range.reversed && range.first < 0 && range.last < 0) return reply.integer(0);
  if (!cutRange(value.length)) return reply.integer(0);
  reply.integer(countBitRange(value.bytes, value.start, range.first, range.last));
  session.engine.slowLog.afterReading(session, args, (range.last - range.first) / 8);
}

function bitpos(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const bit = positionOrReply(args, 2, reply);
  if (Number.isNaN(bit)) return;
  if (bit !== 0 && bit !== 1) return reply.error("ERR The bit argument must be 1 or 0.");
  const hasEnd = args.count > 4;
  range.first = 0;
  range.last = -1;
  range.inBits = false;
  if (args.count > 3) {
    if (args.count > 6) return reply.error(SYNTAX_ERROR);
    range.first = positionOrReply(args, 3, reply);
    if (Number.isNaN(range.first) || !unitOrReply(args, 5, reply)) return;
    if (hasEnd && !boundsOrReply(args, 3, reply)) return;
  }
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  // A missing key is an endless row of zeros.
  if (entry === NULL_REF) return reply.integer(bit === 1 ? -1 : 0);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  db.readString(entry, value);
  if (!cutRange(value.length)) return reply.integer(-1);
  const words = wordsOf(session, entry);
  const found = findBit(value.bytes, words, value.start, range.first, range.last, bit);
  // So is what stands behind a string, unless the range ends before it.
  reply.integer(found === -1 && bit === 0 && !hasEnd ? range.last + 1 : found);
}

/** Reads the two positions of a range from the arguments at `index`; else answers an error. */
function boundsOrReply(args: Args, index: number, reply: Reply): boolean {
  range.first = positionOrReply(args, index, reply);
  if (Number.isNaN(range.first)) return false;
  const { low, high } = int64;
  range.last = positionOrReply(args, index + 1, reply);
  // Compared by their words: as numbers, two large ones may be rounded to the same.
  range.reversed = high > int64.high || (high === int64.high && low >>> 0 > int64.low >>> 0);
  return !Number.isNaN(range.last);
}

/** Reads the unit of a range from the argument at `index`, if there is one; else answers an error. */
function unitOrReply(args: Args, index: number, reply: Reply): boolean {
  range.inBits = false;
  if (args.count <= index) return true;
  range.inBits = args.is(index, "BIT");
  if (range.inBits || args.is(index, "BYTE")) return true;
  reply.error(SYNTAX_ERROR);
  return false;
}

/** Turns the range into the first and last bit of a string of `length` bytes. Returns false if it is empty. */
function cutRange(length: number): boolean {
  const size = range.inBits ? length * 8 : length;
  let { first, last } = range;
  if (first < 0) first = Math.max(0, size + first);
  if (last < 0) last = Math.max(0, size + last);
  last = Math.min(last, size - 1);
  if (first > last) return false;
  range.first = range.inBits ? first : first * 8;
  range.last = range.inBits ? last : last * 8 + 7;
  return true;
}

export const bitmapRows: readonly CommandRow[] = [
  {
    name: "setbit",
    arity: 4,
    flags: "write denyoom",
    keys: oneKey("RW access update"),
    since: "2.2.0",
    group: "bitmap",
    summary: "Sets or clears one bit of a string, which grows if it is too short.",
    complexity: "O(1)",
    syntax: "key:key offset:integer value:integer",
    handler: setbit,
  },
  {
    name: "getbit",
    arity: 3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "2.2.0",
    group: "bitmap",
    summary: "Returns one bit of a string.",
    complexity: "O(1)",
    syntax: "key:key offset:integer",
    handler: getbit,
  },
  {
    name: "bitcount",
    arity: -2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.6.0",
    group: "bitmap",
    summary: "Counts the bits that are set in a string or in a part of it.",
    complexity: "O(N) where N is the number of bytes looked at",
    syntax: "key:key [range:(start:integer end:integer [unit:<byte:BYTE|bit:BIT>@7.0.0])]",
    history: [["7.0.0", "The option `BYTE` or `BIT`."]],
    handler: bitcount,
  },
  {
    name: "bitpos",
    arity: -3,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.8.7",
    group: "bitmap",
    summary: "Finds the first bit of a string that is set, or the first that is not.",
    complexity: "O(N) where N is the number of bytes looked at",
    syntax:
      "key:key bit:integer " +
      "[range:(start:integer [end-unit-block:(end:integer [unit:<byte:BYTE|bit:BIT>@7.0.0])])]",
    history: [["7.0.0", "The option `BYTE` or `BIT`."]],
    handler: bitpos,
  },
];
