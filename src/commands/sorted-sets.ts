/** Commands on single members of sorted sets. */
import { changed } from "./changed.ts";
import { ZADD, ZINCR, ZREM } from "../keyspace/key-events.ts";
import { parseDouble } from "../base/doubles.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_ZSET } from "../types/kinds.ts";
import { SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import {
  findOrReply,
  readOrReply,
  replyScore,
  saveOrRemove,
  sortedSetsOf,
  zset,
} from "./sorted-set-values.ts";

const NOT_A_FLOAT = "ERR value is not a valid float";
const NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";

// Options of ZADD, as bits.
const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;
const CH = 16;
const INCR = 32;

/** Scores of the command that runs, read before anything is changed. */
let scores = new Float64Array(64);
/** Room for more scores than this is let go after the command. */
const SCORES_KEEP = 4096;

function zadd(session: Session, args: Args, reply: Reply): void {
  let index = 2;
  let options = 0;
  for (; index < args.count; index++) {
    const option = optionAt(args, index);
    if (option === 0) break;
    options |= option;
  }
  const words = args.count - index;
  if (words === 0 || words % 2 !== 0) return reply.error(SYNTAX_ERROR);
  if ((options & NX) !== 0 && (options & XX) !== 0) {
    return reply.error("ERR XX and NX options at the same time are not compatible");
  }
  const among = Number((options & NX) !== 0) + Number((options & GT) !== 0);
  if (among + Number((options & LT) !== 0) > 1) {
    return reply.error("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if ((options & INCR) !== 0 && words > 2) {
    return reply.error("ERR INCR option supports a single increment-element pair");
  }
  add(session, args, index, options, reply);
}

function zincrby(session: Session, args: Args, reply: Reply): void {
  add(session, args, 2, INCR, reply);
}

function optionAt(args: Args, index: number): number {
  if (args.length(index) > 4) return 0;
  if (args.is(index, "NX")) return NX;
  if (args.is(index, "XX")) return XX;
  if (args.is(index, "GT")) return GT;
  if (args.is(index, "LT")) return LT;
  if (args.is(index, "CH")) return CH;
  return args.is(index, "INCR") ? INCR : 0;
}

/** Adds the pairs of score and member from `from` on. */
function add(session: Session, args: Args, from: number, options: number, reply: Reply): void {
  const { db } = session;
  const { store } = session.engine.keyspace;
  const { bytes } = args;
  const pairs = (args.count - from) / 2;
  if (!scoresOrReply(args, from, pairs, reply)) return;
  const increments = (options & INCR) !== 0;
  const entry = findOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) {
    if ((options & XX) !== 0) {
      if (increments) reply.null();
      else reply.integer(0);
      return;
    }
    store.sortedSets.create(zset);
  }
  const sets = store.sortedSets;
  let added = 0;
  let updated = 0;
  let processed = false;
  let score = 0;
  for (let i = 0; i < pairs; i++) {
    score = scores[i]!;
    const start = args.start(from + i * 2 + 1);
    const end = args.end(from + i * 2 + 1);
    if (!sets.find(zset, bytes, start, end)) {
      if ((options & XX) !== 0) continue;
      sets.insert(zset, bytes, start, end, score);
      added++;
      processed = true;
      continue;
    }
    if ((options & NX) !== 0) continue;
    const old = sets.score;
    if (increments) {
      score += old;
      // There is one pair only, and nothing has changed.
      if (Number.isNaN(score)) return reply.error(NOT_A_NUMBER);
    }
    if ((options & LT) !== 0 && score >= old) continue;
    if ((options & GT) !== 0 && score <= old) continue;
    processed = true;
    if (score === old) continue;
    sets.setScore(zset, bytes, start, end, score);
    updated++;
  }
  if (entry === NULL_REF) db.create(bytes, args.start(1), args.end(1), TYPE_ZSET, zset);
  else db.save(entry, zset);
  changed(session, args, 1, increments ? ZINCR : ZADD, added + updated);
  if (!increments) reply.integer((options & CH) === 0 ? added : added + updated);
  else if (processed) replyScore(reply, score);
  else reply.null();
}

/** Reads the scores of `pairs` pairs; else answers an error. */
function scoresOrReply(args: Args, from: number, pairs: number, reply: Reply): boolean {
  if (pairs > scores.length) scores = new Float64Array(pairs);
  else if (scores.length > SCORES_KEEP && pairs <= SCORES_KEEP) {
    scores = new Float64Array(SCORES_KEEP);
  }
  for (let i = 0; i < pairs; i++) {
    const index = from + i * 2;
    const score = parseDouble(args.bytes, args.start(index), args.end(index));
    if (Number.isNaN(score)) {
      reply.error(NOT_A_FLOAT);
      return false;
    }
    scores[i] = score;
  }
  return true;
}

function zrem(session: Session, args: Args, reply: Reply): void {
  const entry = findOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.integer(0);
  const sets = sortedSetsOf(session);
  let removed = 0;
  for (let i = 2; i < args.count && sets.length(zset) > 0; i++) {
    if (!sets.find(zset, args.bytes, args.start(i), args.end(i))) continue;
    sets.removeFound(zset);
    removed++;
  }
  changed(session, args, 1, ZREM, removed);
  if (removed > 0) saveOrRemove(session, args, 1, entry, zset);
  reply.integer(removed);
}

function zcard(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  reply.integer(entry === NULL_REF ? 0 : sortedSetsOf(session).length(zset));
}

function zscore(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  const sets = sortedSetsOf(session);
  if (entry === NULL_REF || !sets.find(zset, args.bytes, args.start(2), args.end(2))) {
    return reply.null();
  }
  replyScore(reply, sets.score);
}

function zmscore(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  const sets = sortedSetsOf(session);
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    if (entry !== NULL_REF && sets.find(zset, args.bytes, args.start(i), args.end(i))) {
      replyScore(reply, sets.score);
    } else {
      reply.null();
    }
  }
}

function zrank(session: Session, args: Args, reply: Reply): void {
  rank(session, args, false, reply);
}

function zrevrank(session: Session, args: Args, reply: Reply): void {
  rank(session, args, true, reply);
}

function rank(session: Session, args: Args, reverse: boolean, reply: Reply): void {
  const withScore = args.count > 3;
  if (args.count > 4 || (withScore && !args.is(3, "WITHSCORE"))) return reply.error(SYNTAX_ERROR);
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  const sets = sortedSetsOf(session);
  if (entry === NULL_REF || !sets.find(zset, args.bytes, args.start(2), args.end(2))) {
    if (withScore) reply.nullArray();
    else reply.null();
    return;
  }
  const found = sets.rankFound(zset);
  if (withScore) reply.array(2);
  reply.integer(reverse ? sets.length(zset) - 1 - found : found);
  if (withScore) replyScore(reply, sets.score);
}

const SINGLE_OLD = ["2.4.0", "Takes several members."] as const;
const WITH_SCORE = [["7.2.0", "The option `WITHSCORE`."]] as const;

export const sortedSetRows: readonly CommandRow[] = [
  {
    name: "zadd",
    memberAt: -1,
    arity: -4,
    flags: "write denyoom fast",
    keys: oneKey("RW update"),
    since: "1.2.0",
    group: "sorted-set",
    summary: "Adds members to a sorted set, or gives them other scores.",
    complexity: "O(log(N)) for each member, where N is the number of members in the set.",
    syntax:
      "key:key [condition:<nx:NX|xx:XX>@3.0.2] [comparison:<gt:GT|lt:LT>@6.2.0] " +
      "[change:CH@3.0.2] [increment:INCR@3.0.2] data:(score:double member:string)...",
    history: [
      SINGLE_OLD,
      ["3.0.2", "The options `XX`, `NX`, `CH` and `INCR`."],
      ["6.2.0", "The options `GT` and `LT`."],
    ],
    handler: zadd,
  },
  {
    name: "zincrby",
    memberAt: -1,
    arity: 4,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "1.2.0",
    group: "sorted-set",
    summary: "Adds to the score of a member, which begins at 0.",
    complexity: "O(log(N)) where N is the number of members in the set.",
    syntax: "key:key increment:integer member:string",
    handler: zincrby,
  },
  {
    name: "zrem",
    memberAt: 2,
    arity: -3,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "1.2.0",
    group: "sorted-set",
    summary: "Removes members, and the key with the last of them.",
    complexity: "O(M*log(N)) where N is the number of members in the set and M those removed.",
    syntax: "key:key member:string...",
    history: [SINGLE_OLD],
    handler: zrem,
  },
  {
    name: "zcard",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "1.2.0",
    group: "sorted-set",
    summary: "Returns the number of members.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: zcard,
  },
  {
    name: "zscore",
    memberAt: 2,
    arity: 3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "1.2.0",
    group: "sorted-set",
    summary: "Returns the score of a member.",
    complexity: "O(1)",
    syntax: "key:key member:string",
    handler: zscore,
  },
  {
    name: "zmscore",
    memberAt: 2,
    arity: -3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "6.2.0",
    group: "sorted-set",
    summary: "Returns the scores of several members.",
    complexity: "O(N) where N is the number of members asked for.",
    syntax: "key:key member:string...",
    handler: zmscore,
  },
  {
    name: "zrank",
    memberAt: 2,
    arity: -3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "2.0.0",
    group: "sorted-set",
    summary: "Returns how many members come before a member, by rising scores.",
    complexity: "O(log(N)) where N is the number of members in the set.",
    syntax: "key:key member:string [withscore:WITHSCORE]",
    history: WITH_SCORE,
    handler: zrank,
  },
  {
    name: "zrevrank",
    memberAt: 2,
    arity: -3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "2.0.0",
    group: "sorted-set",
    summary: "Returns how many members come before a member, by falling scores.",
    complexity: "O(log(N)) where N is the number of members in the set.",
    syntax: "key:key member:string [withscore:WITHSCORE]",
    history: WITH_SCORE,
    handler: zrevrank,
  },
];
