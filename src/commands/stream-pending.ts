/** What is pending in a consumer group: XACK and XPENDING. */
import { int64, toNumber } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { StreamId } from "../structures/stream-id.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import type { StreamConsumer, StreamGroup } from "../types/stream-groups.ts";
import { int64OrReply, isTypeOrReply, SYNTAX_ERROR } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import {
  boundOrReply,
  endId,
  nameOf,
  replyId,
  startId,
  stream,
  streamsOf,
  strictIdOrReply,
} from "./stream-ids.ts";

const id = new StreamId();

function xack(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.find(args.bytes, args.start(1), args.end(1));
  if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return;
  const group = groupOf(session, args, entry);
  if (group === null) return reply.integer(0);
  for (let i = 3; i < args.count; i++) if (!strictIdOrReply(args, i, id, reply)) return;
  const { groups } = streamsOf(session);
  let acknowledged = 0;
  for (let i = 3; i < args.count; i++) {
    // One id is still there.
    if (args.count > 4) strictIdOrReply(args, i, id, reply);
    if (groups.removePending(group, id)) acknowledged++;
  }
  session.engine.keyspace.store.changes += acknowledged;
  reply.integer(acknowledged);
}

function xpending(session: Session, args: Args, reply: Reply): void {
  const summaryOnly = args.count === 3;
  let limit = 0;
  let minIdleMs = 0;
  let at = 3;
  if (!summaryOnly) {
    if (args.count < 6 || args.count > 9) return reply.error(SYNTAX_ERROR);
    if (args.is(3, "IDLE")) {
      if (!int64OrReply(args, 4, reply)) return;
      minIdleMs = toNumber(int64.low, int64.high);
      if (args.count < 8) return reply.error(SYNTAX_ERROR);
      at = 5;
    }
    if (!int64OrReply(args, at + 2, reply)) return;
    limit = Math.max(0, toNumber(int64.low, int64.high));
    if (!boundOrReply(args, at, false, startId, reply)) return;
    if (!boundOrReply(args, at + 1, true, endId, reply)) return;
  }
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return;
  const group = groupOf(session, args, entry);
  if (group === null) {
    const names = `'${nameOf(args, 1)}' or consumer group '${nameOf(args, 2)}'`;
    return reply.error(`NOGROUP No such key ${names}`);
  }
  if (summaryOnly) return summary(session, group, reply);
  let consumer: StreamConsumer | null = null;
  if (args.count > at + 3) {
    const { groups } = streamsOf(session);
    consumer = groups.findConsumer(group, args.bytes, args.start(at + 3), args.end(at + 3));
    if (consumer === null) return reply.array(0);
  }
  listPending(session, group, consumer, limit, minIdleMs, reply);
}

function summary(session: Session, group: StreamGroup, reply: Reply): void {
  const { groups } = streamsOf(session);
  const count = groups.pendingOf(group);
  reply.array(4);
  reply.integer(count);
  if (count === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  groups.edge(group, false, id);
  replyId(reply, id);
  groups.edge(group, true, id);
  replyId(reply, id);
  const place = reply.reserveLength();
  let consumers = 0;
  for (const consumer of group.consumers) {
    const own = groups.pendingOfConsumer(consumer);
    if (own === 0) continue;
    consumers++;
    reply.array(2);
    reply.bulk(consumer.name, 0, consumer.name.length);
    reply.bulkInteger(own);
  }
  reply.patchLength(place, 0x2a, consumers);
}

/** Answers what is pending from `startId` to `endId`, of one consumer or of all. */
function listPending(
  session: Session,
  group: StreamGroup,
  consumer: StreamConsumer | null,
  limit: number,
  minIdleMs: number,
  reply: Reply,
): void {
  const { groups } = streamsOf(session);
  const { nowMs } = session.engine.clock;
  const place = reply.reserveLength();
  let count = 0;
  let more = true;
  id.copy(startId);
  for (; count < limit && more; more = id.increment()) {
    if (consumer !== null) {
      if (!groups.nextOfConsumer(consumer, id)) break;
      groups.findPending(group, id);
    } else {
      if (!groups.seekPending(group, id)) break;
      groups.pendingId(id);
    }
    if (id.compare(endId) > 0) break;
    const idleMs = Math.max(0, nowMs - groups.deliveredMs());
    if (minIdleMs > 0 && nowMs - groups.deliveredMs() < minIdleMs) continue;
    const { name } = groups.consumerAt(group);
    reply.array(4);
    replyId(reply, id);
    reply.bulk(name, 0, name.length);
    reply.integer(idleMs);
    reply.int64(groups.deliveriesLow(), groups.deliveriesHigh());
    count++;
  }
  reply.patchLength(place, 0x2a, count);
}

/** The group that the command names, or null if it or its stream is missing. Opens the stream. */
function groupOf(session: Session, args: Args, entry: Ref): StreamGroup | null {
  if (entry === NULL_REF) return null;
  session.db.load(entry, stream);
  const { groups } = streamsOf(session);
  return groups.find(stream.block, args.bytes, args.start(2), args.end(2));
}

export const streamPendingRows: readonly CommandRow[] = [
  {
    name: "xack",
    arity: -4,
    flags: "write fast",
    keys: oneKey("RW update"),
    since: "5.0.0",
    group: "stream",
    summary: "Takes entries that were dealt with from what is pending in a group.",
    complexity: "O(log N) for each id, N being the number of pending entries",
    syntax: "key:key group:string id:string...",
    handler: xack,
  },
  {
    name: "xpending",
    arity: -3,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "5.0.0",
    group: "stream",
    summary: "Tells what is pending in a consumer group.",
    complexity: "O(N) where N is the number of consumers, or of the entries looked at",
    syntax:
      "key:key group:string [filters:([IDLE min-idle-time:integer@6.2.0] " +
      "start:string end:string count:integer [consumer:string])]",
    tips: ["nondeterministic_output"],
    history: [["6.2.0", "The option `IDLE`; ranges that exclude their ends."]],
    handler: xpending,
  },
];
