/** Commands that take members of sorted sets from either end, by chance, or from cursor to cursor. */
import { changed } from "./changed.ts";
import { ZPOPMAX, ZPOPMIN } from "../keyspace/key-events.ts";
import { RANDOM_REPEATS_MAX } from "../base/limits.ts";
import { int64, toNumber } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ENCODING_LISTPACK, TYPE_ZSET } from "../types/kinds.ts";
import { int64OrReply, isTypeOrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import { multiPop, multiPopOrReply } from "./multi-pop.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { ScanOptions } from "./scan-arguments.ts";
import {
  INVALID_CURSOR,
  matchesPattern,
  parseCursor,
  resetScanOptions,
  SCAN_BUCKETS_PER_ELEMENT,
  scanOptionOrReply,
} from "./scan-arguments.ts";
import type { Session } from "./session.ts";
import {
  countOrReply,
  cursor,
  findOrReply,
  member,
  readOrReply,
  replyMember,
  replyHeader,
  replyRange,
  replyScore,
  replyScoreText,
  removeKey,
  saveOrRemove,
  sortedSetsOf,
  zset,
} from "./sorted-set-values.ts";
import { tellPop } from "./tell.ts";

const INT64_MAX = 2 ** 63;
/** Below this share of a set, distinct members are drawn; above it, the set is walked. */
const DRAW_SHARE = 8;

function zpopmin(session: Session, args: Args, reply: Reply): void {
  popCommand(session, args, false, reply);
}

function zpopmax(session: Session, args: Args, reply: Reply): void {
  popCommand(session, args, true, reply);
}

function popCommand(session: Session, args: Args, max: boolean, reply: Reply): void {
  if (args.count > 3) return reply.error(SYNTAX_ERROR);
  const counted = args.count === 3;
  let count = 1;
  if (counted) {
    count = countOrReply(args, 2, 0, "ERR value is out of range, must be positive", reply);
    if (Number.isNaN(count)) return;
  }
  const entry = findOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF || count === 0) return reply.array(0);
  const kept = Math.min(count, sortedSetsOf(session).length(zset));
  // Without a count one pair is answered, which is no array of pairs in RESP3 either.
  if (counted && reply.version === 3) reply.array(kept);
  else reply.array(kept * 2);
  popMembers(session, args, 1, entry, kept, max, counted && reply.version === 3, reply);
}

function zmpop(session: Session, args: Args, reply: Reply): void {
  if (!multiPopOrReply(args, 1, "MIN", "MAX", reply)) return;
  const { keyAt, keyCount, first, count } = multiPop;
  for (let i = keyAt; i < keyAt + keyCount; i++) {
    const entry = findOrReply(session, args, i, reply);
    if (entry === WRONG) return;
    if (entry === NULL_REF) continue;
    const kept = Math.min(count, sortedSetsOf(session).length(zset));
    reply.array(2);
    reply.bulk(args.bytes, args.start(i), args.end(i));
    reply.array(kept);
    popMembers(session, args, i, entry, kept, !first, true, reply);
    return tellPop(session, args, i, first ? "ZPOPMIN" : "ZPOPMAX", kept);
  }
  reply.nullArray();
}

/** Answers and removes `count` members from one end of the key at `at`; that many there must be. */
function popMembers(
  session: Session,
  args: Args,
  at: number,
  entry: Ref,
  count: number,
  max: boolean,
  inPairs: boolean,
  reply: Reply,
): void {
  const sets = sortedSetsOf(session);
  const length = sets.length(zset);
  sets.seek(zset, max ? length - 1 : 0, cursor);
  for (let left = count; left > 0; left--) {
    if (inPairs) reply.array(2);
    sets.readMember(cursor, member);
    reply.bulk(member.bytes, member.start, member.end);
    replyScore(reply, sets.scoreAt(cursor));
    if (max) sets.prev(cursor);
    else sets.next(cursor);
  }
  changed(session, args, at, max ? ZPOPMAX : ZPOPMIN, count);
  if (count === length) {
    removeKey(session, args, at, entry);
  } else {
    sets.removeRange(zset, max ? length - count : 0, count);
    saveOrRemove(session, args, at, entry, zset);
  }
}

function zrandmember(session: Session, args: Args, reply: Reply): void {
  const sets = sortedSetsOf(session);
  const { random } = session.engine;
  if (args.count === 2) {
    const entry = readOrReply(session, args, 1, reply);
    if (entry === WRONG) return;
    if (entry === NULL_REF) return reply.null();
    sets.seek(zset, random.below(sets.length(zset)), cursor);
    sets.readMember(cursor, member);
    return reply.bulk(member.bytes, member.start, member.end);
  }
  if (!int64OrReply(args, 2, reply)) return;
  const count = toNumber(int64.low, int64.high);
  if (int64.high === -0x80000000 && int64.low === 0) {
    return reply.error(
      "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
  }
  const withScores = args.count === 4;
  if (args.count > 4 || (withScores && !args.is(3, "WITHSCORES"))) {
    return reply.error(SYNTAX_ERROR);
  }
  if (withScores && Math.abs(count) >= INT64_MAX / 2) {
    return reply.error("ERR value is out of range");
  }
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF || count === 0) return reply.array(0);
  const length = sets.length(zset);
  if (count >= length) return replyRange(reply, sets, zset, 0, length, false, withScores);
  if (-count > RANDOM_REPEATS_MAX) return reply.error("ERR value is out of range");
  replyHeader(reply, Math.abs(count), withScores);
  if (count < 0) {
    for (let left = -count; left > 0 && !reply.overflowed; left--) {
      sets.seek(zset, random.below(length), cursor);
      replyMember(reply, sets, cursor, withScores);
    }
  } else if (count * DRAW_SHARE < length) {
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(random.below(length));
    for (const rank of drawn) {
      sets.seek(zset, rank, cursor);
      replyMember(reply, sets, cursor, withScores);
    }
  } else {
    // Each member is taken with the chance that those still wanted have among those still to come.
    sets.seek(zset, 0, cursor);
    for (let wanted = count, rank = 0; wanted > 0; rank++, sets.next(cursor)) {
      if (random.below(length - rank) >= wanted) continue;
      replyMember(reply, sets, cursor, withScores);
      wanted--;
    }
  }
}

const options: ScanOptions = { count: 0, patternAt: 0 };
/** The entries that one call has found. */
const found: Ref[] = [];
const addToFound = (entry: Ref): void => void found.push(entry);

function zscan(session: Session, args: Args, reply: Reply): void {
  const from = parseCursor(args, 2);
  if (from === -1) return reply.error(INVALID_CURSOR);
  const { db } = session;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) {
    reply.array(2);
    reply.bulkInteger(0);
    return reply.array(0);
  }
  if (!isTypeOrReply(session, entry, TYPE_ZSET, reply)) return;
  resetScanOptions(options);
  for (let i = 3; i < args.count;) {
    const taken = scanOptionOrReply(options, args, i, reply);
    if (taken < 0) return;
    if (taken === 0) return reply.error(SYNTAX_ERROR);
    i += taken;
  }
  db.load(entry, zset);
  const sets = sortedSetsOf(session);
  reply.array(2);
  if (zset.encoding === ENCODING_LISTPACK) {
    // A small set comes whole: what is added while it turns to another encoding can't be missed.
    reply.bulkInteger(0);
    const place = reply.reserveLength();
    let count = 0;
    for (sets.seek(zset, 0, cursor); cursor.valid; sets.next(cursor)) {
      sets.readMember(cursor, member);
      if (!matchesPattern(args, options.patternAt, member)) continue;
      reply.bulk(member.bytes, member.start, member.end);
      replyScoreText(reply, sets.scoreAt(cursor));
      count += 2;
    }
    reply.patchLength(place, 0x2a, count);
    return;
  }
  let next = from;
  for (let left = options.count * SCAN_BUCKETS_PER_ELEMENT; left > 0; left--) {
    next = sets.scan(zset, next, addToFound);
    if (next === 0 || found.length >= options.count) break;
  }
  reply.bulkInteger(next);
  const place = reply.reserveLength();
  let count = 0;
  for (const at of found) {
    sets.readEntry(at, member);
    if (!matchesPattern(args, options.patternAt, member)) continue;
    reply.bulk(member.bytes, member.start, member.end);
    replyScoreText(reply, sets.scoreOfEntry(at));
    count += 2;
  }
  found.length = 0;
  reply.patchLength(place, 0x2a, count);
}

const POP_COMPLEXITY =
  "O(log(N)*M) where N is the number of members in the set and M the number that is taken.";

export const sortedSetPopRows: readonly CommandRow[] = [
  {
    name: "zpopmin",
    arity: -2,
    flags: "write fast",
    keys: oneKey("RW access delete"),
    since: "5.0.0",
    group: "sorted-set",
    summary: "Removes and returns the members with the lowest scores.",
    complexity: POP_COMPLEXITY,
    syntax: "key:key [count:integer]",
    handler: zpopmin,
  },
  {
    name: "zpopmax",
    arity: -2,
    flags: "write fast",
    keys: oneKey("RW access delete"),
    since: "5.0.0",
    group: "sorted-set",
    summary: "Removes and returns the members with the highest scores.",
    complexity: POP_COMPLEXITY,
    syntax: "key:key [count:integer]",
    handler: zpopmax,
  },
  {
    name: "zmpop",
    arity: -4,
    flags: "write movablekeys",
    keys: [{ flags: "RW access delete", begin: 1, find: { countAt: 0, firstKey: 1, step: 1 } }],
    since: "7.0.0",
    group: "sorted-set",
    summary: "Removes and returns members of the first of several sorted sets that is there.",
    complexity:
      "O(K) + O(M*log(N)) where K is the number of keys, N of members in the set and M of those taken.",
    syntax: "numkeys:integer key:key... where:<min:MIN|max:MAX> [COUNT count:integer]",
    handler: zmpop,
  },
  {
    name: "zrandmember",
    arity: -2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "6.2.0",
    group: "sorted-set",
    summary: "Returns members by chance.",
    complexity: "O(N) where N is the number of members returned.",
    syntax: "key:key [options:(count:integer [withscores:WITHSCORES])]",
    tips: ["nondeterministic_output"],
    handler: zrandmember,
  },
  {
    name: "zscan",
    arity: -3,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.8.0",
    group: "sorted-set",
    summary: "Returns some members with their scores, and the cursor at which to go on.",
    complexity: "O(1) for a call, O(N) for all members, where N is their number.",
    syntax: "key:key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    tips: ["nondeterministic_output"],
    handler: zscan,
  },
];
