/** Sorted set commands that wait for a member if there is none. */
import { changed } from "./changed.ts";
import { ZPOPMAX, ZPOPMIN } from "../keyspace/key-events.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_ZSET } from "../types/kinds.ts";
import { timeoutSecondsOrReply } from "./blocking-timeout.ts";
import { WRONG } from "./guards.ts";
import { multiPop, multiPopOrReply } from "./multi-pop.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import {
  cursor,
  findOrReply,
  member,
  replyScore,
  removeKey,
  saveOrRemove,
  sortedSetsOf,
  zset,
} from "./sorted-set-values.ts";
import { tellPop } from "./tell.ts";

function bzpopmin(session: Session, args: Args, reply: Reply): void {
  const timeoutMs = timeoutSecondsOrReply(session, args, args.count - 1, reply);
  if (Number.isNaN(timeoutMs) || popLowest(session, args, reply)) return;
  session.engine.blocking.block(session, args, 1, args.count - 2, timeoutMs, TYPE_ZSET, popLowest);
}

function bzpopmax(session: Session, args: Args, reply: Reply): void {
  const timeoutMs = timeoutSecondsOrReply(session, args, args.count - 1, reply);
  if (Number.isNaN(timeoutMs) || popHighest(session, args, reply)) return;
  session.engine.blocking.block(session, args, 1, args.count - 2, timeoutMs, TYPE_ZSET, popHighest);
}

function popLowest(session: Session, args: Args, reply: Reply): boolean {
  return popAny(session, args, true, reply);
}

function popHighest(session: Session, args: Args, reply: Reply): boolean {
  return popAny(session, args, false, reply);
}

/** Pops from the first of the keys that holds a sorted set. Returns false if none does, with nothing answered. */
function popAny(session: Session, args: Args, lowest: boolean, reply: Reply): boolean {
  for (let i = 1; i < args.count - 1; i++) {
    const entry = findOrReply(session, args, i, reply);
    if (entry === WRONG) return true;
    if (entry === NULL_REF) continue;
    const sets = sortedSetsOf(session);
    const rank = lowest ? 0 : sets.length(zset) - 1;
    reply.array(3);
    reply.bulk(args.bytes, args.start(i), args.end(i));
    sets.seek(zset, rank, cursor);
    replyMember(session, reply);
    sets.removeRange(zset, rank, 1);
    changed(session, args, i, lowest ? ZPOPMIN : ZPOPMAX);
    saveOrRemove(session, args, i, entry, zset);
    tellPop(session, args, i, lowest ? "ZPOPMIN" : "ZPOPMAX", 0);
    return true;
  }
  return false;
}

function bzmpop(session: Session, args: Args, reply: Reply): void {
  if (!multiPopOrReply(args, 2, "MIN", "MAX", reply)) return;
  const timeoutMs = timeoutSecondsOrReply(session, args, 1, reply);
  if (Number.isNaN(timeoutMs) || popMany(session, args, reply)) return;
  const { keyAt, keyCount } = multiPop;
  session.engine.blocking.block(session, args, keyAt, keyCount, timeoutMs, TYPE_ZSET, popMany);
}

function popMany(session: Session, args: Args, reply: Reply): boolean {
  multiPopOrReply(args, 2, "MIN", "MAX", reply);
  const { keyAt, keyCount, first, count } = multiPop;
  for (let i = keyAt; i < keyAt + keyCount; i++) {
    const entry = findOrReply(session, args, i, reply);
    if (entry === WRONG) return true;
    if (entry === NULL_REF) continue;
    const sets = sortedSetsOf(session);
    const length = sets.length(zset);
    const taken = Math.min(count, length);
    reply.array(2);
    reply.bulk(args.bytes, args.start(i), args.end(i));
    reply.array(taken);
    sets.seek(zset, first ? 0 : length - 1, cursor);
    for (let left = taken; left > 0; left--) {
      reply.array(2);
      replyMember(session, reply);
      if (left === 1) break;
      if (first) sets.next(cursor);
      else sets.prev(cursor);
    }
    changed(session, args, i, first ? ZPOPMIN : ZPOPMAX, taken);
    if (taken === length) {
      removeKey(session, args, i, entry);
    } else {
      sets.removeRange(zset, first ? 0 : length - taken, taken);
      session.db.save(entry, zset);
    }
    tellPop(session, args, i, first ? "ZPOPMIN" : "ZPOPMAX", taken);
    return true;
  }
  return false;
}

/** The member at the cursor, and its score. */
function replyMember(session: Session, reply: Reply): void {
  const sets = sortedSetsOf(session);
  sets.readMember(cursor, member);
  reply.bulk(member.bytes, member.start, member.end);
  replyScore(reply, sets.scoreAt(cursor));
}

const POPS = {
  arity: -3,
  flags: "write noscript blocking fast",
  keys: [{ flags: "RW access delete", begin: 1, find: { last: -2, step: 1 } }],
  since: "5.0.0",
  group: "sorted-set",
  complexity: "O(log(N)) where N is the number of members of the sorted set",
  syntax: "key:key... timeout:double",
  history: [["6.0.0", "The timeout may have a fraction."]],
} as const;

export const blockingSortedSetRows: readonly CommandRow[] = [
  {
    ...POPS,
    name: "bzpopmin",
    summary: "Removes and returns the member with the lowest score, or waits for one.",
    handler: bzpopmin,
  },
  {
    ...POPS,
    name: "bzpopmax",
    summary: "Removes and returns the member with the highest score, or waits for one.",
    handler: bzpopmax,
  },
  {
    name: "bzmpop",
    arity: -5,
    flags: "write blocking movablekeys",
    keys: [{ flags: "RW access delete", begin: 2, find: { countAt: 0, firstKey: 1, step: 1 } }],
    since: "7.0.0",
    group: "sorted-set",
    summary:
      "Removes and returns members of the first of several sorted sets that has any, or waits.",
    complexity:
      "O(K) + O(M*log(N)) where K is the number of keys, N is the number of members of the sorted set and M is the " +
      "number of members returned",
    syntax:
      "timeout:double numkeys:integer key:key... where:<min:MIN|max:MAX> [COUNT count:integer]",
    handler: bzmpop,
  },
];
