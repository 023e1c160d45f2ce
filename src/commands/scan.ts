/** Going through the keys of a database: all at once (KEYS) or from cursor to cursor (SCAN). */
import { matchesGlob } from "../base/glob.ts";
import { int64, toNumber } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import type { Database } from "../keyspace/database.ts";
import type { Ref } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_NAMES } from "../types/kinds.ts";
import { int64OrReply, SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

const COUNT_DEFAULT = 10;
/** Buckets that one call looks at, for each key that it was asked for, if they are empty. */
const BUCKETS_PER_KEY = 10;
const STAR = 0x2a;

function keys(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const isAll = isStar(args, 1);
  const place = reply.reserveLength();
  let count = 0;
  const visit = (entry: Ref): void => {
    db.readKey(entry, value);
    if (!isAll && !matches(args, 1, value)) return;
    if (db.hasExpired(entry)) return;
    reply.bulk(value.bytes, value.start, value.end);
    count++;
  };
  for (let cursor = db.scan(0, visit); cursor !== 0;) cursor = db.scan(cursor, visit);
  reply.patchLength(place, 0x2a, count);
}

/** What one call of SCAN has found; filled again by the next. */
const found: Ref[] = [];
const expired: Ref[] = [];
/** The entries of the bucket that is looked at. */
const batch: Ref[] = [];
const addToBatch = (entry: Ref): void => void batch.push(entry);

function scan(session: Session, args: Args, reply: Reply): void {
  const from = parseCursor(args, 1);
  if (from === -1) return reply.error("ERR invalid cursor");
  let count = COUNT_DEFAULT;
  let patternAt = 0;
  let typeAt = 0;
  for (let i = 2; i < args.count; i += 2) {
    const hasValue = i + 1 < args.count;
    if (hasValue && args.is(i, "COUNT")) {
      if (!int64OrReply(args, i + 1, reply)) return;
      count = toNumber(int64.low, int64.high);
      if (count < 1) return reply.error(SYNTAX_ERROR);
    } else if (hasValue && args.is(i, "MATCH")) {
      patternAt = isStar(args, i + 1) ? 0 : i + 1;
    } else if (hasValue && args.is(i, "TYPE")) {
      typeAt = i + 1;
    } else {
      return reply.error(SYNTAX_ERROR);
    }
  }
  const { db } = session;
  const { entries } = session.engine.keyspace.store;
  const cursor = collect(db, from, count, (entry) => {
    if (patternAt !== 0) {
      db.readKey(entry, value);
      if (!matches(args, patternAt, value)) return false;
    }
    return typeAt === 0 || args.is(typeAt, TYPE_NAMES_UPPER[entries.type(entry)]!);
  });
  reply.array(2);
  reply.bulkInteger(cursor);
  reply.array(found.length);
  for (const entry of found) {
    db.readKey(entry, value);
    reply.bulk(value.bytes, value.start, value.end);
  }
  for (const entry of expired) db.expire(entry);
  found.length = 0;
  expired.length = 0;
}

const TYPE_NAMES_UPPER: readonly string[] = TYPE_NAMES.map((name) => name.toUpperCase());

/** Fills `found` and `expired` with what passes the filter among about `count` entries; returns the next cursor. */
function collect(
  db: Database,
  from: number,
  count: number,
  passes: (entry: Ref) => boolean,
): number {
  let cursor = from;
  let seen = 0;
  for (let left = count * BUCKETS_PER_KEY; left >= 0 && seen < count; left--) {
    batch.length = 0;
    cursor = db.scan(cursor, addToBatch);
    seen += batch.length;
    for (const entry of batch) {
      if (!passes(entry)) continue;
      if (db.hasExpired(entry)) expired.push(entry);
      else found.push(entry);
    }
    if (cursor === 0) break;
  }
  batch.length = 0;
  return cursor;
}

/**
 * A cursor as Redis takes it: an unsigned 64-bit integer, a minus sign counting back from 2^64, and nothing at all for 0.
 * Returns its low 32 bits, which are all that a dict looks at, or -1 if it is none.
 */
function parseCursor(args: Args, index: number): number {
  const { bytes } = args;
  let at = args.start(index);
  const end = args.end(index);
  if (at === end) return 0;
  const sign = bytes[at]!;
  if (sign === 0x2b || sign === 0x2d) at++;
  if (at === end) return -1;
  let high = 0;
  let low = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    low = low * 10 + digit;
    high = high * 10 + Math.floor(low / 4294967296);
    low %= 4294967296;
    if (high >= 4294967296) return -1;
  }
  return (sign === 0x2d ? -low : low) >>> 0;
}

function isStar(args: Args, index: number): boolean {
  return args.length(index) === 1 && args.bytes[args.start(index)] === STAR;
}

/** Whether the bytes match the pattern in an argument. */
function matches(args: Args, index: number, key: Slice): boolean {
  const start = args.start(index);
  return matchesGlob(args.bytes, start, args.end(index), key.bytes, key.start, key.end);
}

export const scanRows: readonly CommandRow[] = [
  {
    name: "keys",
    arity: 2,
    flags: "readonly",
    since: "1.0.0",
    group: "generic",
    summary: "Returns all keys that match a pattern.",
    complexity: "O(N) where N is the number of keys in the database.",
    syntax: "pattern:pattern",
    tips: ["request_policy:all_shards", "nondeterministic_output_order"],
    categories: "dangerous",
    handler: keys,
  },
  {
    name: "scan",
    arity: -2,
    flags: "readonly touches_arbitrary_keys",
    since: "2.8.0",
    group: "generic",
    summary: "Returns some keys of the database and the cursor at which to go on.",
    complexity: "O(1) for a call, O(N) for all keys, where N is their number.",
    syntax: "cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type:string@6.0.0]",
    history: [["6.0.0", "The option `TYPE`."]],
    tips: ["nondeterministic_output", "request_policy:special", "response_policy:special"],
    handler: scan,
  },
];
