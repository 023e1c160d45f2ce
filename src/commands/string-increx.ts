/**
 * INCREX: a counter with bounds and an expiry time, in one step. A result outside the bounds (or outside the number's own
 * range) leaves the key as it is, or with SATURATE stops at the bound. The reply is the value and what was added to it.
 */
import { changed, happened } from "./changed.ts";
import { DEL, EXPIRE, INCRBY, INCRBYFLOAT, PERSIST } from "../keyspace/key-events.ts";
import type { LongDouble } from "../base/long-double.ts";
import {
  add,
  compare,
  formatLongDouble,
  isFinite,
  LARGEST,
  negate,
  parseLongDouble,
} from "../base/long-double.ts";
import { int64, parseInt64, setInt64, toBigInt } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { isTypeOrReply, NOT_AN_INTEGER, SYNTAX_ERROR } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { ABSOLUTE_TIMES, due, expiryOrReply, isDue, timeOptionOf } from "./string-options.ts";
import { NOT_A_FLOAT, readInteger, readLongDouble } from "./string-values.ts";
import { tellDelete, tellSet, tellSetUntil } from "./tell.ts";

const INT64_MAX: bigint = (1n << 63n) - 1n;
const INT64_MIN: bigint = -(1n << 63n);

/** What an INCREX was asked for; indexes of arguments, 0 where the option was not given. */
interface Wish {
  isFloat: boolean;
  byAt: number;
  lowerAt: number;
  upperAt: number;
  saturate: boolean;
  time: number;
  timeAt: number;
  persist: boolean;
  onlyWithoutExpiry: boolean;
}

function increx(session: Session, args: Args, reply: Reply): void {
  const wish = parse(args);
  if (wish === null) return reply.error(SYNTAX_ERROR);
  if (wish.onlyWithoutExpiry && wish.time === 0) {
    return reply.error("ERR ENX flag requires an expiration");
  }
  if (wish.isFloat) byFloat(session, args, wish, reply);
  else byInteger(session, args, wish, reply);
}

function parse(args: Args): Wish | null {
  const wish: Wish = {
    isFloat: false,
    byAt: 0,
    lowerAt: 0,
    upperAt: 0,
    saturate: false,
    time: 0,
    timeAt: 0,
    persist: false,
    onlyWithoutExpiry: false,
  };
  for (let i = 2; i < args.count; i++) {
    const isLast = i === args.count - 1;
    const time = timeOptionOf(args, i);
    if (time !== 0 && wish.time === 0 && !wish.persist && !isLast) {
      wish.time = time;
      wish.timeAt = ++i;
    } else if (args.is(i, "BYINT") && wish.byAt === 0 && !isLast) {
      wish.byAt = ++i;
    } else if (args.is(i, "BYFLOAT") && wish.byAt === 0 && !isLast) {
      wish.isFloat = true;
      wish.byAt = ++i;
    } else if (args.is(i, "LBOUND") && wish.lowerAt === 0 && !isLast) {
      wish.lowerAt = ++i;
    } else if (args.is(i, "UBOUND") && wish.upperAt === 0 && !isLast) {
      wish.upperAt = ++i;
    } else if (args.is(i, "SATURATE") && !wish.saturate) {
      wish.saturate = true;
    } else if (args.is(i, "ENX") && !wish.onlyWithoutExpiry && !wish.persist) {
      wish.onlyWithoutExpiry = true;
    } else if (
      args.is(i, "PERSIST") &&
      !wish.persist &&
      wish.time === 0 &&
      !wish.onlyWithoutExpiry
    ) {
      wish.persist = true;
    } else {
      return null;
    }
  }
  return wish;
}

const BOUNDS_CROSSED = "ERR LBOUND can't be greater than UBOUND";

function byInteger(session: Session, args: Args, wish: Wish, reply: Reply): void {
  const by = wish.byAt === 0 ? 1n : bigOrReply(args, wish.byAt, "Increment", reply);
  if (by === null) return;
  const lower = wish.lowerAt === 0 ? INT64_MIN : bigOrReply(args, wish.lowerAt, "LBOUND", reply);
  if (lower === null) return;
  const upper = wish.upperAt === 0 ? INT64_MAX : bigOrReply(args, wish.upperAt, "UBOUND", reply);
  if (upper === null) return;
  if (lower > upper) return reply.error(BOUNDS_CROSSED);
  if (!timeOrReply(session, args, wish, reply)) return;

  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const entry = db.find(bytes, start, end);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  if (!readInteger(session, entry)) return reply.error(NOT_AN_INTEGER);
  const old = toBigInt(int64.low, int64.high);
  let result = old + by;
  if (result < lower || result > upper) {
    if (!wish.saturate) return replyIntegers(reply, old, 0n);
    result = result < lower ? lower : upper;
  }
  const applied = result - old;
  if (applied > INT64_MAX || applied < INT64_MIN) {
    return reply.error("ERR applied increment would overflow");
  }
  if (!removeIfDue(session, args, entry, wish)) {
    setInt64(result);
    const at = db.setInteger(entry, bytes, start, end, int64.low, int64.high);
    setExpiry(session, args, at, wish, result.toString());
  }
  replyIntegers(reply, result, applied);
}

function byFloat(session: Session, args: Args, wish: Wish, reply: Reply): void {
  const by = floatOrReply(args, wish.byAt, "Increment", reply);
  if (by === null) return;
  if (!isFinite(by)) return reply.error("ERR BYFLOAT increment cannot be Infinity");
  const lower =
    wish.lowerAt === 0 ? negate(LARGEST) : floatOrReply(args, wish.lowerAt, "LBOUND", reply);
  if (lower === null) return;
  const upper = wish.upperAt === 0 ? LARGEST : floatOrReply(args, wish.upperAt, "UBOUND", reply);
  if (upper === null) return;
  if (compare(lower, upper) > 0) return reply.error(BOUNDS_CROSSED);
  if (!timeOrReply(session, args, wish, reply)) return;

  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const entry = db.find(bytes, start, end);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  const old = readLongDouble(session, entry);
  if (old === null) return reply.error(NOT_A_FLOAT);
  if (!isFinite(old)) return reply.error("ERR value cannot be Infinity");
  let result = add(old, by);
  if (!isFinite(result) || compare(result, lower) < 0 || compare(result, upper) > 0) {
    if (!wish.saturate) return replyFloats(reply, formatLongDouble(old), "0");
    result = compare(result, lower) < 0 ? lower : upper;
  }
  const applied = add(result, negate(old));
  if (!isFinite(applied)) return reply.error("ERR applied increment would be Infinity");
  const text = formatLongDouble(result);
  if (!removeIfDue(session, args, entry, wish)) {
    const at = db.setText(entry, bytes, start, end, Buffer.from(text, "latin1"));
    setExpiry(session, args, at, wish, text);
  }
  replyFloats(reply, text, formatLongDouble(applied));
}

function bigOrReply(args: Args, index: number, what: string, reply: Reply): bigint | null {
  if (parseInt64(args.bytes, args.start(index), args.end(index))) {
    return toBigInt(int64.low, int64.high);
  }
  reply.error(`ERR ${what} is not an integer or out of range`);
  return null;
}

function floatOrReply(args: Args, index: number, what: string, reply: Reply): LongDouble | null {
  const float = parseLongDouble(args.bytes, args.start(index), args.end(index));
  if (float === null) reply.error(`ERR ${what} is not a valid float`);
  return float;
}

function timeOrReply(session: Session, args: Args, wish: Wish, reply: Reply): boolean {
  return wish.time === 0 || expiryOrReply(session, args, wish.timeAt, wish.time, "increx", reply);
}

/** Whether the wish gives the key an expiry time. */
function setsExpiry(session: Session, entry: Ref, wish: Wish): boolean {
  if (wish.time === 0) return false;
  return !wish.onlyWithoutExpiry || entry === NULL_REF || session.db.expiryMs(entry) < 0;
}

/** A time that is past already deletes the key instead of changing it. Returns whether it was so. */
function removeIfDue(session: Session, args: Args, entry: Ref, wish: Wish): boolean {
  const past =
    (wish.time & ABSOLUTE_TIMES) !== 0 && setsExpiry(session, entry, wish) && isDue(session);
  if (past && entry !== NULL_REF) {
    session.db.remove(entry);
    tellDelete(session, args, 1);
    changed(session, args, 1, DEL);
  }
  return past;
}

/** Gives the changed key its time of expiry, and tells both. @param text the number that the key holds now */
function setExpiry(session: Session, args: Args, entry: Ref, wish: Wish, text: string): void {
  const { low, high } = due;
  const expires = setsExpiry(session, entry, wish);
  const persists = wish.persist && session.db.expiryMs(entry) >= 0;
  if (expires) session.db.expireAtInt64(entry, low, high);
  else if (persists) session.db.persist(entry);
  changed(session, args, 1, wish.isFloat ? INCRBYFLOAT : INCRBY);
  if (expires) happened(session, args, 1, EXPIRE);
  else if (persists) happened(session, args, 1, PERSIST);
  if (!session.engine.effects.active) return;
  const { bytes } = args;
  const [start, end] = [args.start(1), args.end(1)];
  const content = Buffer.from(text, "latin1");
  const { length } = content;
  if (expires) tellSetUntil(session, bytes, start, end, content, 0, length, low, high);
  else tellSet(session, bytes, start, end, content, 0, length, !wish.persist);
}

function replyIntegers(reply: Reply, result: bigint, applied: bigint): void {
  reply.array(2);
  reply.bigInteger(result);
  reply.bigInteger(applied);
}

function replyFloats(reply: Reply, result: string, applied: string): void {
  reply.array(2);
  replyFloat(reply, result);
  replyFloat(reply, applied);
}

/** A double with more digits than a double has. */
function replyFloat(reply: Reply, digits: string): void {
  if (reply.version !== 3) return reply.text(digits);
  const line = Buffer.from(`,${digits}\r\n`, "latin1");
  reply.raw(line, 0, line.length);
}

export const stringIncrexRows: readonly CommandRow[] = [
  {
    name: "increx",
    arity: -2,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "8.8.0",
    group: "string",
    summary: "Adds to the number that a key holds, within bounds, and sets its time of expiry.",
    complexity: "O(1)",
    syntax:
      "key:key [increment:<BYFLOAT float:double|BYINT integer:integer>] " +
      "[LBOUND lowerbound:double] [UBOUND upperbound:double] [saturate:SATURATE] " +
      "[expiration:<EX seconds:integer|PX milliseconds:integer|" +
      "EXAT unix-time-seconds:unix-time|PXAT unix-time-milliseconds:unix-time|persist:PERSIST>] [enx:ENX]",
    handler: increx,
  },
];
