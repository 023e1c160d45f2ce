/**
 * Commands on the time at which a key expires: Unix time in milliseconds, a 64-bit integer. A JavaScript number holds it
 * exactly until the year 287396; the rare times beyond are computed as BigInt and handed on in two words.
 */
import { changed } from "./changed.ts";
import { DEL, EXPIRE, PERSIST } from "../keyspace/key-events.ts";
import { int64, isSafe, setInt64, toBigInt, toNumber } from "../base/numbers.ts";
import type { Database } from "../keyspace/database.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { int64OrReply } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import { tellDelete, tellExpiry } from "./tell.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

// Conditions, as bits.
const IF_NONE = 1;
const IF_ANY = 2;
const IF_LATER = 4;
const IF_EARLIER = 8;

function expire(session: Session, args: Args, reply: Reply): void {
  setExpiry(session, args, reply, "expire", 1000, true);
}

function pexpire(session: Session, args: Args, reply: Reply): void {
  setExpiry(session, args, reply, "pexpire", 1, true);
}

function expireat(session: Session, args: Args, reply: Reply): void {
  setExpiry(session, args, reply, "expireat", 1000, false);
}

function pexpireat(session: Session, args: Args, reply: Reply): void {
  setExpiry(session, args, reply, "pexpireat", 1, false);
}

/** @param unitMs milliseconds in a unit of the time argument @param relative whether it counts from now */
function setExpiry(
  session: Session,
  args: Args,
  reply: Reply,
  name: string,
  unitMs: number,
  relative: boolean,
): void {
  const conditions = args.count > 3 ? conditionsOrReply(args, reply) : 0;
  if (conditions === -1 || !int64OrReply(args, 2, reply)) return;
  const { db, engine } = session;
  const nowMs = engine.clock.nowMs;
  const baseMs = relative ? nowMs : 0;
  let dueMs = isSafe(int64.high) ? toNumber(int64.low, int64.high) * unitMs + baseMs : NaN;
  if (!Number.isSafeInteger(dueMs)) {
    const due = exactDue(BigInt(unitMs), BigInt(baseMs));
    if (due === null) return reply.error(`ERR invalid expire time in '${name}' command`);
    setInt64(due);
    dueMs = Number(due);
  } else {
    int64.low = dueMs | 0;
    int64.high = Math.floor(dueMs / 4294967296);
  }
  const { low, high } = int64;
  const entry = db.find(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (conditions !== 0 && !isAllowed(db, entry, conditions, low, high)) return reply.integer(0);
  if (dueMs <= nowMs && engine.keyspace.store.expires) {
    db.remove(entry);
    tellDelete(session, args, 1);
    changed(session, args, 1, DEL);
  } else {
    // A time before 1970 comes from a log only: a running server deletes the key.
    if (high < 0) db.expireAtInt64(entry, 0, 0);
    else db.expireAtInt64(entry, low, high);
    tellExpiry(session, args, 1, low, high);
    changed(session, args, 1, EXPIRE);
  }
  reply.integer(1);
}

/** The time in `int64` times the unit plus the base, or null if that is beyond 64 bits. */
function exactDue(unitMs: bigint, baseMs: bigint): bigint | null {
  const product = toBigInt(int64.low, int64.high) * unitMs;
  const due = product + baseMs;
  // A product out of range is an error even where adding the base would bring it back.
  return product < INT64_MIN || due > INT64_MAX ? null : due;
}

/** NX, XX, GT, LT from the fourth argument on, as bits; else answers an error and returns -1. */
function conditionsOrReply(args: Args, reply: Reply): number {
  let conditions = 0;
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "NX")) conditions |= IF_NONE;
    else if (args.is(i, "XX")) conditions |= IF_ANY;
    else if (args.is(i, "GT")) conditions |= IF_LATER;
    else if (args.is(i, "LT")) conditions |= IF_EARLIER;
    else {
      // As C prints it: up to a zero byte, without line breaks at the end.
      const option = args
        .text(i)
        .split("\0", 1)[0]!
        .replace(/[\r\n]+$/, "");
      reply.error(`ERR Unsupported option ${option}`);
      return -1;
    }
  }
  if (conditions & IF_NONE && conditions !== IF_NONE) {
    reply.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return -1;
  }
  if (conditions & IF_LATER && conditions & IF_EARLIER) {
    reply.error("ERR GT and LT options at the same time are not compatible");
    return -1;
  }
  return conditions;
}

/** Whether the conditions let the entry have the expiry time of the two words. A key without one lives for ever. */
function isAllowed(
  db: Database,
  entry: Ref,
  conditions: number,
  low: number,
  high: number,
): boolean {
  if (db.expiryMs(entry) < 0) return (conditions & (IF_ANY | IF_LATER)) === 0;
  if (conditions & IF_NONE) return false;
  const highMore = high - db.expiryHigh(entry);
  const later = highMore !== 0 ? highMore : (low >>> 0) - (db.expiryLow(entry) >>> 0);
  if (conditions & IF_LATER && later <= 0) return false;
  return !(conditions & IF_EARLIER) || later < 0;
}

function ttl(session: Session, args: Args, reply: Reply): void {
  showExpiry(session, args, reply, 1000, session.engine.clock.nowMs);
}

function pttl(session: Session, args: Args, reply: Reply): void {
  showExpiry(session, args, reply, 1, session.engine.clock.nowMs);
}

function expiretime(session: Session, args: Args, reply: Reply): void {
  showExpiry(session, args, reply, 1000, 0);
}

function pexpiretime(session: Session, args: Args, reply: Reply): void {
  showExpiry(session, args, reply, 1, 0);
}

/** Answers the milliseconds from `originMs` to the expiry, in the unit and rounded to the nearest. */
function showExpiry(
  session: Session,
  args: Args,
  reply: Reply,
  unitMs: number,
  originMs: number,
): void {
  const { db } = session;
  const entry = db.look(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(-2);
  const dueMs = db.expiryMs(entry);
  if (dueMs < 0) return reply.integer(-1);
  if (Number.isSafeInteger(dueMs)) {
    const left = dueMs - originMs;
    return reply.integer(unitMs === 1 ? left : Math.floor((left + 500) / 1000));
  }
  const left = toBigInt(db.expiryLow(entry), db.expiryHigh(entry)) - BigInt(originMs);
  reply.bigInteger(unitMs === 1 ? left : (left + 500n) / 1000n);
}

function persist(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.find(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF || db.expiryMs(entry) < 0) return reply.integer(0);
  db.persist(entry);
  changed(session, args, 1, PERSIST);
  reply.integer(1);
}

const WRITES_KEY = [{ flags: "RW update", begin: 1, find: { last: 0, step: 1 } }] as const;
const READS_KEY = [{ flags: "RO access", begin: 1, find: { last: 0, step: 1 } }] as const;

export const expiryRows: readonly CommandRow[] = [
  {
    name: "expire",
    arity: -3,
    flags: "write fast",
    keys: WRITES_KEY,
    since: "1.0.0",
    group: "generic",
    summary: "Lets a key expire after a number of seconds.",
    complexity: "O(1)",
    syntax: "key:key seconds:integer [condition:<nx:NX|xx:XX|gt:GT|lt:LT>@7.0.0]",
    history: [["7.0.0", "The options `NX`, `XX`, `GT` and `LT`."]],
    handler: expire,
  },
  {
    name: "pexpire",
    arity: -3,
    flags: "write fast",
    keys: WRITES_KEY,
    since: "2.6.0",
    group: "generic",
    summary: "Lets a key expire after a number of milliseconds.",
    complexity: "O(1)",
    syntax: "key:key milliseconds:integer [condition:<nx:NX|xx:XX|gt:GT|lt:LT>@7.0.0]",
    history: [["7.0.0", "The options `NX`, `XX`, `GT` and `LT`."]],
    handler: pexpire,
  },
  {
    name: "expireat",
    arity: -3,
    flags: "write fast",
    keys: WRITES_KEY,
    since: "1.2.0",
    group: "generic",
    summary: "Lets a key expire at a Unix time in seconds.",
    complexity: "O(1)",
    syntax: "key:key unix-time-seconds:unix-time [condition:<nx:NX|xx:XX|gt:GT|lt:LT>@7.0.0]",
    history: [["7.0.0", "The options `NX`, `XX`, `GT` and `LT`."]],
    handler: expireat,
  },
  {
    name: "pexpireat",
    arity: -3,
    flags: "write fast",
    keys: WRITES_KEY,
    since: "2.6.0",
    group: "generic",
    summary: "Lets a key expire at a Unix time in milliseconds.",
    complexity: "O(1)",
    syntax: "key:key unix-time-milliseconds:unix-time [condition:<nx:NX|xx:XX|gt:GT|lt:LT>@7.0.0]",
    history: [["7.0.0", "The options `NX`, `XX`, `GT` and `LT`."]],
    handler: pexpireat,
  },
  {
    name: "ttl",
    arity: 2,
    flags: "readonly fast",
    keys: READS_KEY,
    since: "1.0.0",
    group: "generic",
    summary: "Returns the seconds until a key expires.",
    complexity: "O(1)",
    syntax: "key:key",
    tips: ["nondeterministic_output"],
    history: [["2.8.0", "Answers -2 if there is no such key."]],
    handler: ttl,
  },
  {
    name: "pttl",
    arity: 2,
    flags: "readonly fast",
    keys: READS_KEY,
    since: "2.6.0",
    group: "generic",
    summary: "Returns the milliseconds until a key expires.",
    complexity: "O(1)",
    syntax: "key:key",
    tips: ["nondeterministic_output"],
    history: [["2.8.0", "Answers -2 if there is no such key."]],
    handler: pttl,
  },
  {
    name: "expiretime",
    arity: 2,
    flags: "readonly fast",
    keys: READS_KEY,
    since: "7.0.0",
    group: "generic",
    summary: "Returns the Unix time in seconds at which a key expires.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: expiretime,
  },
  {
    name: "pexpiretime",
    arity: 2,
    flags: "readonly fast",
    keys: READS_KEY,
    since: "7.0.0",
    group: "generic",
    summary: "Returns the Unix time in milliseconds at which a key expires.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: pexpiretime,
  },
  {
    name: "persist",
    arity: 2,
    flags: "write fast",
    keys: WRITES_KEY,
    since: "2.2.0",
    group: "generic",
    summary: "Lets a key live for ever again.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: persist,
  },
];
