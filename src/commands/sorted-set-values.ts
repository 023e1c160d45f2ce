/** What the commands on sorted sets share: the values that they open, and scores and members in replies. */
import { changed, happened } from "./changed.ts";
import { DEL } from "../keyspace/key-events.ts";
import type { KeyEvent } from "../keyspace/key-events.ts";
import { formatDouble } from "../base/doubles.ts";
import { Slice } from "../base/slice.ts";
import { INT64_DIGITS_MAX, int64, parseInt64, toNumber, writeInteger } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_ZSET } from "../types/kinds.ts";
import { SortedSetCursor } from "../types/sorted-set-cursor.ts";
import type { SortedSets } from "../types/sorted-set.ts";
import { Value } from "../types/value.ts";
import { openOrReply } from "./guards.ts";
import type { Session } from "./session.ts";

export const NOT_A_RANGE = "ERR min or max is not a float";
export const NOT_A_LEX_RANGE = "ERR min or max not valid string range item";

/** The sorted set that a command works on. */
export const zset: Value = new Value();
export const cursor: SortedSetCursor = new SortedSetCursor();
export const member: Slice = new Slice();

const digits = Buffer.alloc(INT64_DIGITS_MAX);

export function sortedSetsOf(session: Session): SortedSets {
  return session.engine.keyspace.store.sortedSets;
}

/** Opens the sorted set of the key at `index`, as `openOrReply` does, for a command that reads. */
export function readOrReply(session: Session, args: Args, index: number, reply: Reply): Ref {
  const entry = session.db.read(args.bytes, args.start(index), args.end(index));
  return openOrReply(session, entry, TYPE_ZSET, zset, reply);
}

/** The same for a command that writes. */
export function findOrReply(session: Session, args: Args, index: number, reply: Reply): Ref {
  const entry = session.db.find(args.bytes, args.start(index), args.end(index));
  return openOrReply(session, entry, TYPE_ZSET, zset, reply);
}

/** Writes back what members were removed from, or removes the key at `at` if it is empty now. */
export function saveOrRemove(
  session: Session,
  args: Args,
  at: number,
  entry: Ref,
  value: Value,
): void {
  // Removing the entry frees the block that it names: it must be where the value is now.
  session.db.save(entry, value);
  if (sortedSetsOf(session).length(value) === 0) removeKey(session, args, at, entry);
}

/** Removes the key at `at`, whose members are all gone. */
export function removeKey(session: Session, args: Args, at: number, entry: Ref): void {
  session.db.remove(entry);
  happened(session, args, at, DEL);
}

/**
 * Puts a new value under the key at `index`, in place of whatever it holds; nothing if the value is empty, which goes.
 * @param event of the command that stores it
 */
export function replaceKey(
  session: Session,
  args: Args,
  index: number,
  value: Value,
  event: KeyEvent,
): number {
  const { db } = session;
  const { store } = session.engine.keyspace;
  const length = store.sortedSets.length(value);
  const start = args.start(index);
  const end = args.end(index);
  const old = db.find(args.bytes, start, end);
  if (old !== NULL_REF) db.remove(old);
  if (length > 0) {
    db.create(args.bytes, start, end, TYPE_ZSET, value, old === NULL_REF);
    changed(session, args, index, event);
  } else {
    store.sortedSets.freeSmall(value);
    if (old !== NULL_REF) changed(session, args, index, DEL);
  }
  return length;
}

/** A count of at least `min`, rounded above 2^53, or NaN after answering the error. */
export function countOrReply(
  args: Args,
  index: number,
  min: number,
  message: string,
  reply: Reply,
): number {
  if (parseInt64(args.bytes, args.start(index), args.end(index))) {
    const count = toNumber(int64.low, int64.high);
    if (count >= min) return count;
  }
  reply.error(message);
  return NaN;
}

/** A score: the double of RESP3, a bulk string in RESP2. */
export function replyScore(reply: Reply, score: number): void {
  if (reply.version === 2 && Number.isSafeInteger(score) && !Object.is(score, -0)) {
    reply.bulk(digits, 0, writeInteger(digits, 0, score));
  } else {
    reply.double(score);
  }
}

/** A score as a bulk string, whatever the protocol. */
export function replyScoreText(reply: Reply, score: number): void {
  reply.text(formatDouble(score));
}

/** The header of `count` members, each with its score if `withScores`: pairs in RESP3, one flat array in RESP2. */
export function replyHeader(reply: Reply, count: number, withScores: boolean): void {
  reply.array(withScores && reply.version === 2 ? count * 2 : count);
}

/** One member of such an array. */
export function replyMember(
  reply: Reply,
  sets: SortedSets,
  at: SortedSetCursor,
  withScores: boolean,
): void {
  if (withScores && reply.version === 3) reply.array(2);
  sets.readMember(at, member);
  reply.bulk(member.bytes, member.start, member.end);
  if (withScores) replyScore(reply, sets.scoreAt(at));
}

/** `count` members from a rank on, or back from it. */
export function replyRange(
  reply: Reply,
  sets: SortedSets,
  value: Value,
  rank: number,
  count: number,
  reverse: boolean,
  withScores: boolean,
): void {
  replyHeader(reply, count, withScores);
  if (count === 0) return;
  sets.seek(value, rank, cursor);
  for (let left = count; left > 0; left--) {
    replyMember(reply, sets, cursor, withScores);
    if (reverse) sets.prev(cursor);
    else sets.next(cursor);
  }
}
