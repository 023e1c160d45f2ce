/** XCLAIM and XAUTOCLAIM: pending entries that another consumer takes over. */
import { changed } from "./changed.ts";
import { XGROUP_CREATECONSUMER } from "../keyspace/key-events.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { StreamId } from "../structures/stream-id.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import type { StreamConsumer, StreamGroup } from "../types/stream-groups.ts";
import { isTypeOrReply, SYNTAX_ERROR } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import {
  boundOrReply,
  isId,
  nameOf,
  replyEntry,
  replyId,
  startId,
  stream,
  streamsOf,
  strictIdOrReply,
} from "./stream-ids.ts";
import { tellAcknowledged, tellClaim, tellConsumer, tellGroupId } from "./tell-streams.ts";

/** Entries that XAUTOCLAIM takes over unless COUNT says otherwise, and pending ones it looks at for each of them. */
const COUNT_DEFAULT = 100;
const ATTEMPTS = 10;
const COUNT_MAX = Math.floor(2 ** 63 / 16);
/** Deleted ids that are remembered for the reply. */
const DELETED_MAX = 2 ** 28;

const id = new StreamId();
const lastId = new StreamId();

/** What the options of XCLAIM say. */
const options = { force: false, idsOnly: false, deliveredMs: -1, retryLow: -1, retryHigh: -1 };

function xclaim(session: Session, args: Args, reply: Reply): void {
  const group = groupOrReply(session, args, reply);
  if (group === null) return;
  const minIdleMs = numberOrReply(args, 4, "ERR Invalid min-idle-time argument for XCLAIM", reply);
  if (Number.isNaN(minIdleMs)) return;
  let end = 5;
  while (end < args.count && isId(args, end, id)) end++;
  if (!optionsOrReply(session, args, end, reply)) return;
  if (lastId.compare(group.lastId) > 0) {
    group.lastId.copy(lastId);
    tellGroupId(session, args, 1, 2, group);
  }
  const { nowMs } = session.engine.clock;
  const { deliveredMs } = options;
  const atMs = deliveredMs < 0 || deliveredMs > nowMs ? nowMs : deliveredMs;
  const { store } = session.engine.keyspace;
  const streams = streamsOf(session);
  const { groups } = streams;
  const consumer = consumerOf(session, args, group);
  const place = reply.reserveLength();
  let claimed = 0;
  for (let i = 5; i < end; i++) {
    isId(args, i, id);
    const pending = groups.findPending(group, id);
    if (!streams.has(stream, id)) {
      if (!pending) continue;
      groups.removePending(group, id);
      tellAcknowledged(session, args, 1, group, id);
      store.changes++;
      continue;
    }
    if (pending) {
      if (minIdleMs > 0 && nowMs - groups.deliveredMs() < minIdleMs) continue;
      groups.reassign(group, consumer, id);
    } else {
      if (!options.force) continue;
      groups.addPending(group, consumer, id);
      groups.setDeliveries(1, 0);
    }
    groups.setDeliveredMs(group, id, atMs);
    if (options.retryHigh >= 0) groups.setDeliveries(options.retryLow, options.retryHigh);
    else if (!options.idsOnly) groups.countDelivery();
    tellClaim(session, args, 1, 2, id);
    replyClaimed(session, options.idsOnly, reply);
    consumer.activeMs = nowMs;
    claimed++;
    store.changes++;
  }
  reply.patchLength(place, 0x2a, claimed);
  session.engine.blocking.signalRetrying(session.db, args.bytes, args.start(1), args.end(1));
}

function xautoclaim(session: Session, args: Args, reply: Reply): void {
  const message = "ERR Invalid min-idle-time argument for XAUTOCLAIM";
  const minIdleMs = numberOrReply(args, 4, message, reply);
  if (Number.isNaN(minIdleMs) || !boundOrReply(args, 5, false, startId, reply)) return;
  let count = COUNT_DEFAULT;
  let idsOnly = false;
  for (let i = 6; i < args.count; i++) {
    if (args.is(i, "COUNT") && i + 1 < args.count) {
      count = numberOrReply(args, ++i, "ERR COUNT must be > 0", reply);
      if (Number.isNaN(count)) return;
      if (count < 1 || count >= COUNT_MAX) return reply.error("ERR COUNT must be > 0");
    } else if (args.is(i, "JUSTID")) {
      idsOnly = true;
    } else return reply.error(SYNTAX_ERROR);
  }
  const group = groupOrReply(session, args, reply);
  if (group === null) return;
  if (count > DELETED_MAX) {
    return reply.error(
      "ERR Insufficient memory, failed allocating transient memory, COUNT too high.",
    );
  }
  const { nowMs } = session.engine.clock;
  const { store } = session.engine.keyspace;
  const streams = streamsOf(session);
  const { groups } = streams;
  const consumer = consumerOf(session, args, group);
  const deleted: StreamId[] = [];
  reply.array(3);
  const header = reply.pos;
  const place = reply.reserveLength();
  let claimed = 0;
  let more = true;
  let attempts = count * ATTEMPTS;
  id.copy(startId);
  while (attempts-- > 0 && claimed + deleted.length < count) {
    more = more && groups.seekPending(group, id);
    if (!more) break;
    groups.pendingId(id);
    if (!streams.has(stream, id)) {
      groups.removePending(group, id);
      tellAcknowledged(session, args, 1, group, id);
      store.changes++;
      const gone = new StreamId();
      gone.copy(id);
      deleted.push(gone);
    } else if (minIdleMs <= 0 || nowMs - groups.deliveredMs() >= minIdleMs) {
      groups.reassign(group, consumer, id);
      groups.setDeliveredMs(group, id, nowMs);
      if (!idsOnly) groups.countDelivery();
      tellClaim(session, args, 1, 2, id);
      replyClaimed(session, idsOnly, reply);
      consumer.activeMs = nowMs;
      claimed++;
      store.changes++;
    }
    more = id.increment();
  }
  if (more && groups.seekPending(group, id)) groups.pendingId(id);
  else id.setMin();
  reply.patchLength(place, 0x2a, claimed);
  putBefore(reply, header, id);
  reply.array(deleted.length);
  for (const gone of deleted) replyId(reply, gone);
}

/** Writes an id in front of what was written from `start` on. */
function putBefore(reply: Reply, start: number, before: StreamId): void {
  const end = reply.pos;
  replyId(reply, before);
  const size = reply.pos - end;
  const written = Buffer.from(reply.buffer.subarray(end, reply.pos));
  reply.buffer.copyWithin(start + size, start, end);
  written.copy(reply.buffer, start);
}

function replyClaimed(session: Session, idsOnly: boolean, reply: Reply): void {
  if (idsOnly) return replyId(reply, id);
  const streams = streamsOf(session);
  const { walk } = streams;
  walk.begin(streams.nodes(stream), id, id, false);
  walk.next();
  replyEntry(reply, walk);
}

/** Reads the options of XCLAIM, and LASTID into `lastId`. Returns false after answering an error. */
function optionsOrReply(session: Session, args: Args, from: number, reply: Reply): boolean {
  options.force = false;
  options.idsOnly = false;
  options.deliveredMs = -1;
  options.retryLow = -1;
  options.retryHigh = -1;
  lastId.setMin();
  for (let i = from; i < args.count; i++) {
    const more = i + 1 < args.count;
    if (args.is(i, "FORCE")) options.force = true;
    else if (args.is(i, "JUSTID")) options.idsOnly = true;
    else if (args.is(i, "LASTID") && more) {
      if (!strictIdOrReply(args, ++i, lastId, reply)) return false;
    } else {
      const name = ["IDLE", "TIME", "RETRYCOUNT"].find((word) => more && args.is(i, word));
      if (name === undefined) {
        reply.error(`ERR Unrecognized XCLAIM option '${nameOf(args, i)}'`);
        return false;
      }
      const message = `ERR Invalid ${name} option argument for XCLAIM`;
      const number = numberOrReply(args, ++i, message, reply);
      if (Number.isNaN(number)) return false;
      if (name === "RETRYCOUNT") {
        options.retryLow = int64.low;
        options.retryHigh = int64.high;
      } else {
        const { nowMs } = session.engine.clock;
        options.deliveredMs = name === "IDLE" ? nowMs - number : number;
      }
    }
  }
  return true;
}

/** The argument as a number, rounded above 2^53; its words are in `int64`. NaN after answering `message`. */
function numberOrReply(args: Args, index: number, message: string, reply: Reply): number {
  if (parseInt64(args.bytes, args.start(index), args.end(index))) {
    return toNumber(int64.low, int64.high);
  }
  reply.error(message);
  return NaN;
}

/** Opens the stream and finds the group; null after answering an error. */
function groupOrReply(session: Session, args: Args, reply: Reply): StreamGroup | null {
  const entry = session.db.find(args.bytes, args.start(1), args.end(1));
  if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return null;
  let group: StreamGroup | null = null;
  if (entry !== NULL_REF) {
    session.db.load(entry, stream);
    const { groups } = streamsOf(session);
    group = groups.find(stream.block, args.bytes, args.start(2), args.end(2));
  }
  if (group === null) {
    const names = `'${nameOf(args, 1)}' or consumer group '${nameOf(args, 2)}'`;
    reply.error(`NOGROUP No such key ${names}`);
  }
  return group;
}

/** The consumer that the command names, which comes into being with its first command. */
function consumerOf(session: Session, args: Args, group: StreamGroup): StreamConsumer {
  const { groups } = streamsOf(session);
  const { nowMs } = session.engine.clock;
  let consumer = groups.findConsumer(group, args.bytes, args.start(3), args.end(3));
  if (consumer === null) {
    consumer = groups.createConsumer(group, args.copy(3), nowMs);
    changed(session, args, 1, XGROUP_CREATECONSUMER);
    tellConsumer(session, args, 1, 2);
  }
  consumer.seenMs = nowMs;
  return consumer;
}

export const streamClaimRows: readonly CommandRow[] = [
  {
    name: "xclaim",
    arity: -6,
    flags: "write fast",
    keys: oneKey("RW update"),
    since: "5.0.0",
    group: "stream",
    summary: "Gives pending entries of a group to another consumer.",
    complexity: "O(log N) for each id, N being the number of pending entries",
    syntax:
      "key:key group:string consumer:string min-idle-time:string id:string... " +
      "[IDLE ms:integer] [TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] " +
      "[force:FORCE] [justid:JUSTID] [LASTID id:string]",
    tips: ["nondeterministic_output"],
    handler: xclaim,
  },
  {
    name: "xautoclaim",
    arity: -6,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "6.2.0",
    group: "stream",
    summary: "Gives pending entries that have waited long enough to another consumer.",
    complexity: "O(N) where N is the number of pending entries looked at",
    syntax:
      "key:key group:string consumer:string min-idle-time:string start:string " +
      "[COUNT count:integer] [justid:JUSTID]",
    tips: ["nondeterministic_output"],
    history: [["7.0.0", "The ids of deleted entries in the reply."]],
    handler: xautoclaim,
  },
];
