/** Commands that count in a string: by 64-bit integers, whose two words stand in the entry, and by floats. */
import { changed } from "./changed.ts";
import { INCRBY, INCRBYFLOAT } from "../keyspace/key-events.ts";
import { addInt64, int64 } from "../base/numbers.ts";
import { add, formatLongDouble, isFinite, parseLongDouble } from "../base/long-double.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { int64OrReply, isTypeOrReply, NOT_AN_INTEGER } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { NOT_A_FLOAT, readInteger, readLongDouble } from "./string-values.ts";
import { tellSet } from "./tell.ts";

function incr(session: Session, args: Args, reply: Reply): void {
  increment(session, args, 1, 0, reply);
}

function decr(session: Session, args: Args, reply: Reply): void {
  increment(session, args, -1, -1, reply);
}

function incrby(session: Session, args: Args, reply: Reply): void {
  if (!int64OrReply(args, 2, reply)) return;
  increment(session, args, int64.low, int64.high, reply);
}

function decrby(session: Session, args: Args, reply: Reply): void {
  if (!int64OrReply(args, 2, reply)) return;
  const { low, high } = int64;
  if (low === 0 && high === -0x80000000) return reply.error("ERR decrement would overflow");
  increment(session, args, -low | 0, low === 0 ? -high | 0 : ~high, reply);
}

/** Adds the integer of the two words to the one that the first argument's key holds. */
function increment(session: Session, args: Args, low: number, high: number, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const entry = db.find(bytes, start, end);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  if (!readInteger(session, entry)) return reply.error(NOT_AN_INTEGER);
  if (!addInt64(int64.low, int64.high, low, high)) {
    return reply.error("ERR increment or decrement would overflow");
  }
  db.setInteger(entry, bytes, start, end, int64.low, int64.high);
  changed(session, args, 1, INCRBY);
  reply.int64(int64.low, int64.high);
}

function incrbyfloat(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const entry = db.find(bytes, start, end);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  const old = readLongDouble(session, entry);
  if (old === null) return reply.error(NOT_A_FLOAT);
  const by = parseLongDouble(bytes, args.start(2), args.end(2));
  if (by === null) return reply.error(NOT_A_FLOAT);
  const sum = add(old, by);
  if (!isFinite(sum)) return reply.error("ERR increment would produce NaN or Infinity");
  const text = Buffer.from(formatLongDouble(sum), "latin1");
  db.setText(entry, bytes, start, end, text);
  tellSet(session, bytes, start, end, text, 0, text.length, true);
  changed(session, args, 1, INCRBYFLOAT);
  reply.bulk(text, 0, text.length);
}

export const stringNumberRows: readonly CommandRow[] = [
  {
    name: "incr",
    arity: 2,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "1.0.0",
    group: "string",
    summary: "Adds one to the integer that a key holds, or to 0.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: incr,
  },
  {
    name: "decr",
    arity: 2,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "1.0.0",
    group: "string",
    summary: "Takes one from the integer that a key holds, or from 0.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: decr,
  },
  {
    name: "incrby",
    arity: 3,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "1.0.0",
    group: "string",
    summary: "Adds a number to the integer that a key holds, or to 0.",
    complexity: "O(1)",
    syntax: "key:key increment:integer",
    handler: incrby,
  },
  {
    name: "decrby",
    arity: 3,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "1.0.0",
    group: "string",
    summary: "Takes a number from the integer that a key holds, or from 0.",
    complexity: "O(1)",
    syntax: "key:key decrement:integer",
    handler: decrby,
  },
  {
    name: "incrbyfloat",
    arity: 3,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "2.6.0",
    group: "string",
    summary: "Adds a number to the floating point number that a key holds, or to 0.",
    complexity: "O(1)",
    syntax: "key:key increment:double",
    handler: incrbyfloat,
  },
];
