/** Commands on parts of a string: its length, a range of its bytes, more bytes at its end. */
import { changed } from "./changed.ts";
import { APPEND, SETRANGE } from "../keyspace/key-events.ts";
import { STRING_SIZE_MAX } from "../base/limits.ts";
import { int64 } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { isTypeOrReply, positionOrReply, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";

const NOTHING = Buffer.alloc(0);

function strlen(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  reply.integer(db.stringLength(entry));
}

function getrange(session: Session, args: Args, reply: Reply): void {
  const first = positionOrReply(args, 2, reply);
  if (Number.isNaN(first)) return;
  const { low, high } = int64;
  const last = positionOrReply(args, 3, reply);
  if (Number.isNaN(last)) return;
  // Compared by their words: as numbers, two large ones may be rounded to the same.
  const isReversed = high > int64.high || (high === int64.high && low >>> 0 > int64.low >>> 0);
  const { db } = session;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.bulk(NOTHING, 0, 0);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  db.readString(entry, value);
  const { length } = value;
  // Two positions from the end in the wrong order are empty even where both are cut to the first byte.
  if (isReversed && first < 0 && last < 0) return reply.bulk(NOTHING, 0, 0);
  const from = first < 0 ? Math.max(0, length + first) : first;
  const to = last < 0 ? Math.max(0, length + last) : Math.min(last, length - 1);
  if (from > to || length === 0) return reply.bulk(NOTHING, 0, 0);
  reply.bulk(value.bytes, value.start + from, value.start + to + 1);
}

function setrange(session: Session, args: Args, reply: Reply): void {
  const offset = positionOrReply(args, 2, reply);
  if (Number.isNaN(offset)) return;
  if (offset < 0) return reply.error("ERR offset is out of range");
  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const size = args.length(3);
  let entry = db.find(bytes, start, end);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  if (size === 0) return reply.integer(entry === NULL_REF ? 0 : db.stringLength(entry));
  if (!fitsOrReply(session, offset + size, reply)) return;
  if (entry === NULL_REF) entry = db.setString(entry, bytes, start, end, NOTHING, 0, 0, false);
  entry = db.growString(entry, offset + size);
  db.readString(entry, value);
  bytes.copy(value.bytes, value.start + offset, args.start(3), args.end(3));
  changed(session, args, 1, SETRANGE);
  reply.integer(value.length);
}

function append(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const from = args.start(2);
  const to = args.end(2);
  const entry = db.find(bytes, start, end);
  if (entry === NULL_REF) {
    db.setString(entry, bytes, start, end, bytes, from, to, false);
    changed(session, args, 1, APPEND);
    return reply.integer(to - from);
  }
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  const length = db.stringLength(entry);
  if (!fitsOrReply(session, length + to - from, reply)) return;
  const at = db.growString(entry, length + to - from);
  db.readString(at, value);
  bytes.copy(value.bytes, value.start + length, from, to);
  changed(session, args, 1, APPEND);
  reply.integer(value.length);
}

/** Whether a string may have `size` bytes; else answers an error. */
function fitsOrReply(session: Session, size: number, reply: Reply): boolean {
  const sizeMax = Math.min(session.engine.options.number("proto-max-bulk-len"), STRING_SIZE_MAX);
  if (size <= sizeMax) return true;
  reply.error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  return false;
}

export const stringRangeRows: readonly CommandRow[] = [
  {
    name: "strlen",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "2.2.0",
    group: "string",
    summary: "Returns how many bytes a string has.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: strlen,
  },
  {
    name: "getrange",
    arity: 4,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.4.0",
    group: "string",
    summary: "Returns the bytes of a string from one position to another.",
    complexity: "O(N) where N is the number of bytes returned",
    syntax: "key:key start:integer end:integer",
    handler: getrange,
  },
  {
    name: "substr",
    arity: 4,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "1.0.0",
    group: "string",
    summary: "Returns the bytes of a string from one position to another.",
    complexity: "O(N) where N is the number of bytes returned",
    deprecated: { since: "2.0.0", replacedBy: "`GETRANGE`" },
    syntax: "key:key start:integer end:integer",
    handler: getrange,
  },
  {
    name: "setrange",
    arity: 4,
    flags: "write denyoom",
    keys: oneKey("RW update"),
    since: "2.2.0",
    group: "string",
    summary:
      "Overwrites a string from a position on, with zero bytes before it if it is too short.",
    complexity: "O(M) where M is the number of bytes written",
    syntax: "key:key offset:integer value:string",
    handler: setrange,
  },
  {
    name: "append",
    arity: 3,
    flags: "write denyoom fast",
    keys: oneKey("RW insert"),
    since: "2.0.0",
    group: "string",
    summary: "Adds bytes to the end of a string.",
    complexity: "O(1) amortised over many appends to one string",
    syntax: "key:key value:string",
    handler: append,
  },
];
