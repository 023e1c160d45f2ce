/** Going through the keys of a database: all at once (KEYS) or from cursor to cursor (SCAN). */
import type { Database } from "../keyspace/database.ts";
import type { Ref } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_NAMES } from "../types/kinds.ts";
import { SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { ScanOptions } from "./scan-arguments.ts";
import {
  INVALID_CURSOR,
  isStar,
  matchesPattern,
  parseCursor,
  resetScanOptions,
  SCAN_BUCKETS_PER_ELEMENT,
  scanOptionOrReply,
} from "./scan-arguments.ts";
import type { Session } from "./session.ts";

const options: ScanOptions = { count: 0, patternAt: 0 };

function keys(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const isAll = isStar(args, 1);
  const place = reply.reserveLength();
  let count = 0;
  const visit = (entry: Ref): void => {
    db.readKey(entry, value);
    if (!isAll && !matchesPattern(args, 1, value)) return;
    if (db.hasExpired(entry)) return;
    reply.bulk(value.bytes, value.start, value.end);
    count++;
  };
  let cursor = 0;
  do cursor = db.scan(cursor, visit);
  while (cursor !== 0 && !reply.overflowed);
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
  if (from === -1) return reply.error(INVALID_CURSOR);
  resetScanOptions(options);
  let typeAt = 0;
  for (let i = 2; i < args.count; i += 2) {
    const taken = scanOptionOrReply(options, args, i, reply);
    if (taken === -1) return;
    if (taken !== 0) continue;
    if (i + 1 === args.count || !args.is(i, "TYPE")) return reply.error(SYNTAX_ERROR);
    typeAt = i + 1;
  }
  const { count, patternAt } = options;
  const { db } = session;
  const { entries } = session.engine.keyspace.store;
  const cursor = collect(db, from, count, (entry) => {
    if (patternAt !== 0) {
      db.readKey(entry, value);
      if (!matchesPattern(args, patternAt, value)) return false;
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
  for (const entry of expired) db.due.expire(entry);
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
  for (let left = count * SCAN_BUCKETS_PER_ELEMENT; left >= 0 && seen < count; left--) {
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
