/** Commands on ranges of sorted sets: by rank, by score, by member. */
import { changed } from "./changed.ts";
import {
  ZRANGESTORE,
  ZREMRANGEBYLEX,
  ZREMRANGEBYRANK,
  ZREMRANGEBYSCORE,
} from "../keyspace/key-events.ts";
import type { KeyEvent } from "../keyspace/key-events.ts";
import { int64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { SortedSets } from "../types/sorted-set.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import type { RankRange as Range } from "./sorted-set-bounds.ts";
import {
  BY_LEX,
  BY_RANK,
  BY_SCORE,
  boundsOrReply,
  limit,
  RankRange,
  resolve,
} from "./sorted-set-bounds.ts";
import {
  cursor,
  findOrReply,
  member,
  readOrReply,
  replaceKey,
  replyRange,
  removeKey,
  saveOrRemove,
  sortedSetsOf,
  zset,
} from "./sorted-set-values.ts";

const range: Range = new RankRange();

/** What a command asks for. */
interface Query {
  /** BY_RANK, ..., or -1 if an option is to say so. */
  kind: number;
  reverse: boolean;
  withScores: boolean;
  offset: number;
  count: number;
}

const query: Query = { kind: 0, reverse: false, withScores: false, offset: 0, count: -1 };
/** Set where an option chose the kind or the direction, which a second one can't. */
const UNCHOSEN = -1;

/**
 * Reads a range and its options; else answers an error.
 * @param keyAt index of the key that is read; the bounds follow it
 * @param kind what the command's name says, or UNCHOSEN
 * @param direction 0 forward, 1 reverse, or UNCHOSEN
 * @param store whether the range is stored, so that there are no scores to ask for
 */
function queryOrReply(
  args: Args,
  keyAt: number,
  kind: number,
  direction: number,
  store: boolean,
  reply: Reply,
): boolean {
  query.kind = kind;
  query.withScores = false;
  query.offset = 0;
  query.count = -1;
  let reverse = direction;
  for (let i = keyAt + 3; i < args.count; i++) {
    if (!store && args.is(i, "WITHSCORES")) {
      query.withScores = true;
    } else if (i + 2 < args.count && args.is(i, "LIMIT")) {
      if (!int64OrReply(args, i + 1, reply)) return false;
      query.offset = toNumber(int64.low, int64.high);
      if (!int64OrReply(args, i + 2, reply)) return false;
      query.count = toNumber(int64.low, int64.high);
      i += 2;
    } else if (reverse === UNCHOSEN && args.is(i, "REV")) {
      reverse = 1;
    } else if (query.kind === UNCHOSEN && args.is(i, "BYLEX")) {
      query.kind = BY_LEX;
    } else if (query.kind === UNCHOSEN && args.is(i, "BYSCORE")) {
      query.kind = BY_SCORE;
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  query.reverse = reverse === 1;
  if (query.kind === UNCHOSEN) query.kind = BY_RANK;
  if (query.count !== -1 && query.kind === BY_RANK) {
    reply.error(
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
    return false;
  }
  if (query.withScores && query.kind === BY_LEX) {
    reply.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  // Where scores or members go down, the larger bound is named first.
  const swapped = query.reverse && query.kind !== BY_RANK;
  const minAt = swapped ? keyAt + 2 : keyAt + 1;
  return boundsOrReply(range, query.kind, args, minAt, swapped ? keyAt + 1 : keyAt + 2, reply);
}

/** Finds where the range of the query lies in the set, as ranks from the lowest score up. */
function place(args: Args, sets: SortedSets): void {
  resolve(range, query.kind, args, sets, zset);
  if (query.kind !== BY_RANK) limit(range, query.offset, query.count, query.reverse);
  // Ranks that count from the highest score.
  else if (query.reverse) range.first = sets.length(zset) - range.first - range.count;
}

function answer(session: Session, args: Args, kind: number, direction: number, reply: Reply): void {
  if (!queryOrReply(args, 1, kind, direction, false, reply)) return;
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.array(0);
  const sets = sortedSetsOf(session);
  place(args, sets);
  const { first, count } = range;
  const { reverse, withScores } = query;
  const from = reverse ? first + count - 1 : first;
  replyRange(reply, sets, zset, from, count, reverse, withScores);
}

function zrange(session: Session, args: Args, reply: Reply): void {
  answer(session, args, UNCHOSEN, UNCHOSEN, reply);
}

function zrevrange(session: Session, args: Args, reply: Reply): void {
  answer(session, args, BY_RANK, 1, reply);
}

function zrangebyscore(session: Session, args: Args, reply: Reply): void {
  answer(session, args, BY_SCORE, 0, reply);
}

function zrevrangebyscore(session: Session, args: Args, reply: Reply): void {
  answer(session, args, BY_SCORE, 1, reply);
}

function zrangebylex(session: Session, args: Args, reply: Reply): void {
  answer(session, args, BY_LEX, 0, reply);
}

function zrevrangebylex(session: Session, args: Args, reply: Reply): void {
  answer(session, args, BY_LEX, 1, reply);
}

const stored = new Value();

function zrangestore(session: Session, args: Args, reply: Reply): void {
  if (!queryOrReply(args, 2, UNCHOSEN, UNCHOSEN, true, reply)) return;
  const entry = readOrReply(session, args, 2, reply);
  if (entry === WRONG) return;
  const sets = sortedSetsOf(session);
  if (entry === NULL_REF) {
    sets.create(stored);
  } else {
    place(args, sets);
    sets.create(stored, range.count);
    if (range.count > 0) sets.seek(zset, range.first, cursor);
    for (let left = range.count; left > 0; left--) {
      sets.readMember(cursor, member);
      const { bytes, start, end } = member;
      const score = sets.scoreAt(cursor);
      // It is new for certain; looking for it prepares the insertion.
      sets.find(stored, bytes, start, end);
      sets.insert(stored, bytes, start, end, score);
      sets.next(cursor);
    }
  }
  reply.integer(replaceKey(session, args, 1, stored, ZRANGESTORE));
}

function zcount(session: Session, args: Args, reply: Reply): void {
  countRange(session, args, BY_SCORE, reply);
}

function zlexcount(session: Session, args: Args, reply: Reply): void {
  countRange(session, args, BY_LEX, reply);
}

function countRange(session: Session, args: Args, kind: number, reply: Reply): void {
  if (!boundsOrReply(range, kind, args, 2, 3, reply)) return;
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.integer(0);
  resolve(range, kind, args, sortedSetsOf(session), zset);
  reply.integer(range.count);
}

function zremrangebyrank(session: Session, args: Args, reply: Reply): void {
  removeRange(session, args, BY_RANK, ZREMRANGEBYRANK, reply);
}

function zremrangebyscore(session: Session, args: Args, reply: Reply): void {
  removeRange(session, args, BY_SCORE, ZREMRANGEBYSCORE, reply);
}

function zremrangebylex(session: Session, args: Args, reply: Reply): void {
  removeRange(session, args, BY_LEX, ZREMRANGEBYLEX, reply);
}

function removeRange(
  session: Session,
  args: Args,
  kind: number,
  event: KeyEvent,
  reply: Reply,
): void {
  if (!boundsOrReply(range, kind, args, 2, 3, reply)) return;
  const entry = findOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.integer(0);
  const sets = sortedSetsOf(session);
  resolve(range, kind, args, sets, zset);
  const { first, count: removed } = range;
  changed(session, args, 1, event, removed);
  // All of it goes like a key that is deleted: a large set in slices.
  if (removed === sets.length(zset)) removeKey(session, args, 1, entry);
  else {
    sets.removeRange(zset, first, removed);
    saveOrRemove(session, args, 1, entry, zset);
  }
  reply.integer(removed);
}

const LIMIT = "LIMIT limit:(offset:integer count:integer)";
const LOG_COMPLEXITY =
  "O(log(N)+M) where N is the number of members in the set and M the number in the range.";

function deprecated(replacedBy: string): CommandRow["deprecated"] {
  return { since: "6.2.0", replacedBy };
}

function reader(
  row: Pick<CommandRow, "name" | "since" | "summary" | "syntax" | "handler"> & Partial<CommandRow>,
): CommandRow {
  return {
    arity: -4,
    flags: "readonly",
    keys: oneKey("RO access"),
    group: "sorted-set",
    complexity: LOG_COMPLEXITY,
    ...row,
  };
}

function remover(
  row: Pick<CommandRow, "name" | "since" | "summary" | "syntax" | "handler">,
): CommandRow {
  return { ...reader(row), arity: 4, flags: "write", keys: oneKey("RW delete") };
}

export const sortedSetRangeRows: readonly CommandRow[] = [
  reader({
    name: "zrange",
    since: "1.2.0",
    summary: "Returns a range of members, by rank, by score or by member.",
    syntax:
      "key:key start:string stop:string [sortby:<byscore:BYSCORE|bylex:BYLEX>@6.2.0] " +
      `[rev:REV@6.2.0] [${LIMIT}@6.2.0] [withscores:WITHSCORES]`,
    history: [["6.2.0", "The options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`."]],
    handler: zrange,
  }),
  reader({
    name: "zrevrange",
    since: "1.2.0",
    summary: "Returns a range of members by rank, the highest score first.",
    syntax: "key:key start:integer stop:integer [withscores:WITHSCORES]",
    deprecated: deprecated("`ZRANGE` with the `REV` argument"),
    handler: zrevrange,
  }),
  reader({
    name: "zrangebyscore",
    since: "1.0.5",
    summary: "Returns the members whose scores are in a range.",
    syntax: `key:key min:double max:double [withscores:WITHSCORES@2.0.0] [${LIMIT}]`,
    history: [["2.0.0", "The option `WITHSCORES`."]],
    deprecated: deprecated("`ZRANGE` with the `BYSCORE` argument"),
    handler: zrangebyscore,
  }),
  reader({
    name: "zrevrangebyscore",
    since: "2.2.0",
    summary: "Returns the members whose scores are in a range, the highest score first.",
    syntax: `key:key max:double min:double [withscores:WITHSCORES] [${LIMIT}]`,
    history: [["2.1.6", "A bound can be left out of the range."]],
    deprecated: deprecated("`ZRANGE` with the `REV` and `BYSCORE` arguments"),
    handler: zrevrangebyscore,
  }),
  reader({
    name: "zrangebylex",
    since: "2.8.9",
    summary: "Returns the members in a range of bytes, where all scores are the same.",
    syntax: `key:key min:string max:string [${LIMIT}]`,
    deprecated: deprecated("`ZRANGE` with the `BYLEX` argument"),
    handler: zrangebylex,
  }),
  reader({
    name: "zrevrangebylex",
    since: "2.8.9",
    summary:
      "Returns the members in a range of bytes, the last first, where all scores are the same.",
    syntax: `key:key max:string min:string [${LIMIT}]`,
    deprecated: deprecated("`ZRANGE` with the `REV` and `BYLEX` arguments"),
    handler: zrevrangebylex,
  }),
  {
    name: "zrangestore",
    arity: -5,
    flags: "write denyoom",
    keys: [
      { flags: "OW update", begin: 1, find: { last: 0, step: 1 } },
      { flags: "RO access", begin: 2, find: { last: 0, step: 1 } },
    ],
    since: "6.2.0",
    group: "sorted-set",
    summary: "Makes a sorted set of a range of another.",
    complexity:
      "O(log(N)+M) where N is the number of members in the source and M the number that is stored.",
    syntax:
      "dst:key src:key#1 min:string max:string [sortby:<byscore:BYSCORE|bylex:BYLEX>] " +
      `[rev:REV] [${LIMIT}]`,
    handler: zrangestore,
  },
  reader({
    name: "zcount",
    arity: 4,
    flags: "readonly fast",
    since: "2.0.0",
    summary: "Counts the members whose scores are in a range.",
    complexity: "O(log(N)) where N is the number of members in the set.",
    syntax: "key:key min:double max:double",
    handler: zcount,
  }),
  reader({
    name: "zlexcount",
    arity: 4,
    flags: "readonly fast",
    since: "2.8.9",
    summary: "Counts the members in a range of bytes, where all scores are the same.",
    complexity: "O(log(N)) where N is the number of members in the set.",
    syntax: "key:key min:string max:string",
    handler: zlexcount,
  }),
  remover({
    name: "zremrangebyrank",
    since: "2.0.0",
    summary: "Removes a range of members by rank.",
    syntax: "key:key start:integer stop:integer",
    handler: zremrangebyrank,
  }),
  remover({
    name: "zremrangebyscore",
    since: "1.2.0",
    summary: "Removes the members whose scores are in a range.",
    syntax: "key:key min:double max:double",
    handler: zremrangebyscore,
  }),
  remover({
    name: "zremrangebylex",
    since: "2.8.9",
    summary: "Removes the members in a range of bytes, where all scores are the same.",
    syntax: "key:key min:string max:string",
    handler: zremrangebylex,
  }),
];
