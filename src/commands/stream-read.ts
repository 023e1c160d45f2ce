/**
 * XREAD and XREADGROUP: what came after an id, of several streams at once.
 *
 * With CLAIM, XREADGROUP first takes over what has been pending in the group for long enough, the oldest first, and then
 * goes on with what is new; an entry of its answer has four elements then, the others being how long it was idle, in ms, and
 * how often it was delivered before. If it waits, it also tries again when the next pending entry has become old enough.
 */
import { changed } from "./changed.ts";
import { XGROUP_CREATECONSUMER } from "../keyspace/key-events.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { StreamId } from "../structures/stream-id.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import type { StreamConsumer, StreamGroup } from "../types/stream-groups.ts";
import { countRead } from "../types/stream-lag.ts";
import { StreamPlace } from "../types/stream-place.ts";
import type { Attempt } from "./blocking.ts";
import { int64OrReply, isTypeOrReply, SYNTAX_ERROR } from "./guards.ts";
import { timeoutMsOrReply } from "./blocking-timeout.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import {
  endId,
  isCharacter,
  nameOf,
  replyEntry,
  replyEntryBody,
  replyId,
  startId,
  stream,
  streamsOf,
  strictIdOrReply,
} from "./stream-ids.ts";
import {
  tellAcknowledged,
  tellClaim,
  tellConsumer,
  tellDelivery,
  tellGroupId,
} from "./tell-streams.ts";

const MEANINGLESS_LAST =
  "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.";
const MEANINGLESS_END =
  "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.";
const NEW_WITHOUT_GROUP =
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.";

/** Room for ids that is kept from one command to the next. */
const CLAIMED_KEPT = 4096;
/** Pending entries that are put into an index in one go: about a millisecond's work. */
const INDEXED_AT_ONCE = 2048;

/** What the command line asks for. */
const request = {
  /** Entries of each stream at most. */
  limit: Infinity,
  /** How long to wait for entries: 0 without an end, negative not at all. */
  timeoutMs: -1,
  /** Index of the group's name, or 0. The consumer's comes next. */
  groupAt: 0,
  acknowledges: true,
  /** How long an entry must have been pending to be taken over, or -1 if none is. */
  minIdleMs: -1,
  keyAt: 0,
  keyCount: 0,
};

/** Index of the key whose stream is open, or -1, and its entry. */
let openIndex = -1;
let openEntry: Ref = NULL_REF;

/** Of each stream: the id after which to read. The greatest one stands for what is new to the group. */
const after: StreamId[] = [];
/** Of each stream: the group. */
const groups: (StreamGroup | null)[] = [];
const lastId = new StreamId();

/** When the next pending entry can be taken over that now can't, Unix ms. */
let claimableMs = Infinity;
/** A group's index by time is not there yet: the command waits for it. */
let isIndexing = false;
/** The ids of entries that are taken over, four words each. */
let claimed = new Int32Array(4 * CLAIMED_KEPT);
const claimedId = new StreamId();
/** Where what was delivered ends. */
const deliveredTo = new StreamPlace();

function xread(session: Session, args: Args, reply: Reply): void {
  if (!parseOrReply(session, args, "xread", reply)) return;
  if (!resolveOrReply(session, args, reply) || read(session, args, reply)) return;
  if (request.timeoutMs < 0) return reply.nullArray();
  // What "$" stands for is fixed when the waiting begins.
  const since = after.slice(0, request.keyCount).map((id) => {
    const kept = new StreamId();
    kept.copy(id);
    return kept;
  });
  const attempt: Attempt = (waiting, again, answer) => {
    if (!parseOrReply(waiting, again, "xread", answer)) return true;
    if (!resolveOrReply(waiting, again, answer)) return true;
    for (const [i, id] of since.entries()) after[i]!.copy(id);
    return read(waiting, again, answer);
  };
  wait(session, args, attempt, false);
}

/** Answers what there is after the ids. Returns false if there is nothing, with nothing answered. */
function read(session: Session, args: Args, reply: Reply): boolean {
  const place = reply.reserveLength();
  let served = 0;
  const streams = streamsOf(session);
  const { walk } = streams;
  for (let i = 0; i < request.keyCount; i++) {
    if (openKey(session, args, i) === NULL_REF || streams.length(stream) === 0) continue;
    streams.edgeId(stream, true, endId);
    startId.copy(after[i]!);
    if (endId.compare(startId) <= 0) continue;
    startId.increment();
    endId.setMax();
    served++;
    replyKey(args, i, reply);
    walk.begin(streams.nodes(stream), startId, endId, false);
    const entries = reply.reserveLength();
    let count = 0;
    for (; count < request.limit && walk.next(); count++) replyEntry(reply, walk);
    reply.patchLength(entries, 0x2a, count);
  }
  return replyStreams(place, served, reply);
}

function xreadgroup(session: Session, args: Args, reply: Reply): void {
  if (readGroup(session, args, reply)) return;
  if (request.timeoutMs < 0) {
    if (!isIndexing) return reply.nullArray();
    request.timeoutMs = 0;
  }
  wait(session, args, readGroupAgain, true);
  if (request.minIdleMs >= 0) session.engine.blocking.tryAgainAt(session, claimableMs);
}

function readGroupAgain(session: Session, args: Args, reply: Reply): boolean {
  if (readGroup(session, args, reply)) return true;
  if (request.timeoutMs < 0 && !isIndexing) {
    reply.nullArray();
    return true;
  }
  if (request.minIdleMs >= 0) session.engine.blocking.tryAgainAt(session, claimableMs);
  return false;
}

/** Answers what is new to the group, or an error. Returns false if there is nothing, with nothing answered. */
function readGroup(session: Session, args: Args, reply: Reply): boolean {
  if (!parseOrReply(session, args, "xreadgroup", reply)) return true;
  if (!resolveOrReply(session, args, reply)) return true;
  claimableMs = Infinity;
  isIndexing = request.minIdleMs >= 0 && !indexPending(session, args);
  if (isIndexing) {
    claimableMs = 0;
    return false;
  }
  const place = reply.reserveLength();
  let served = 0;
  for (let i = 0; i < request.keyCount; i++) {
    if (openKey(session, args, i) === NULL_REF) continue;
    const group = groups[i]!;
    const consumer = consumerOf(session, args, i, group);
    const since = after[i]!;
    if (!since.isMax()) {
      served++;
      replyKey(args, i, reply);
      history(session, args, i, group, consumer, since, reply);
      continue;
    }
    const { pos } = reply;
    replyKey(args, i, reply);
    const entries = reply.reserveLength();
    let count = request.minIdleMs < 0 ? 0 : claim(session, args, i, group, consumer, reply);
    if (count < request.limit) {
      count += deliver(session, args, i, group, consumer, request.limit - count, reply);
    }
    reply.patchLength(entries, 0x2a, count);
    if (count > 0) served++;
    else reply.pos = pos;
  }
  return replyStreams(place, served, reply);
}

/**
 * Works at the indexes by time that CLAIM needs. The first time one is made, which takes as long as there are pending entries: then
 * the command waits and tries again. Returns whether they are there.
 */
function indexPending(session: Session, args: Args): boolean {
  const { groups: manager } = streamsOf(session);
  const mayWait = session.mayWait && !session.engine.clock.isFrozen;
  const limit = mayWait ? INDEXED_AT_ONCE : Infinity;
  for (let i = 0; i < request.keyCount; i++) {
    if (!after[i]!.isMax() || openKey(session, args, i) === NULL_REF) continue;
    if (!manager.index(groups[i]!, limit)) return false;
  }
  return true;
}

/** Lets the session wait for entries. @param whenGone tries also when a key goes */
function wait(session: Session, args: Args, attempt: Attempt, whenGone: boolean): void {
  const { keyAt, keyCount, timeoutMs } = request;
  const { blocking } = session.engine;
  blocking.block(session, args, keyAt, keyCount, timeoutMs, TYPE_STREAM, attempt, whenGone);
}

/** Finds what has been pending for long enough, up to the limit, in `claimed`. Returns how many entries that is. */
function findClaimable(session: Session, group: StreamGroup): number {
  const { groups: manager } = streamsOf(session);
  const { nowMs } = session.engine.clock;
  const untilMs = nowMs - request.minIdleMs;
  const count = Math.min(manager.countUntil(group, untilMs), request.limit);
  if (count === 0) {
    claimableMs = Math.min(claimableMs, manager.oldestMs(group) + request.minIdleMs);
    return 0;
  }
  if (claimed.length < 4 * count) claimed = new Int32Array(4 * count);
  manager.copyOldest(group, count, claimed);
  return count;
}

/** Gives the consumer what has been pending for long enough, up to the limit. Returns how many entries. */
function claim(
  session: Session,
  args: Args,
  index: number,
  group: StreamGroup,
  consumer: StreamConsumer,
  reply: Reply,
): number {
  for (;;) {
    const found = findClaimable(session, group);
    const given = takeOver(session, args, index, group, consumer, found, reply);
    // What was found may all have been deleted; then it is gone now.
    if (given > 0 || found === 0) return given;
  }
}

/** Gives the consumer the first entries of `claimed`. Returns how many; those that were deleted meanwhile just go. */
function takeOver(
  session: Session,
  args: Args,
  index: number,
  group: StreamGroup,
  consumer: StreamConsumer,
  count: number,
  reply: Reply,
): number {
  const streams = streamsOf(session);
  const { groups: manager, walk } = streams;
  const { nowMs } = session.engine.clock;
  const key = request.keyAt + index;
  let given = 0;
  for (let at = 0; at < 4 * count; at += 4) {
    claimedId.set(claimed[at]!, claimed[at + 1]!, claimed[at + 2]!, claimed[at + 3]!);
    walk.begin(streams.nodes(stream), claimedId, claimedId, false);
    if (!walk.next()) {
      manager.removePending(group, claimedId);
      tellAcknowledged(session, args, key, group, claimedId);
      continue;
    }
    manager.findPending(group, claimedId);
    reply.array(4);
    replyEntryBody(reply, walk);
    reply.integer(Math.max(0, nowMs - manager.deliveredMs()));
    reply.int64(manager.deliveriesLow(), manager.deliveriesHigh());
    manager.reassign(group, consumer, claimedId);
    manager.setDeliveredMs(group, claimedId, nowMs);
    manager.countDelivery();
    tellClaim(session, args, key, request.groupAt, claimedId);
    given++;
  }
  if (claimed.length > 4 * CLAIMED_KEPT) claimed = new Int32Array(4 * CLAIMED_KEPT);
  if (given > 0) consumer.activeMs = nowMs;
  session.engine.keyspace.store.changes += count;
  return given;
}

/** Gives the consumer what is new to the group, `limit` entries at most. Returns how many. */
function deliver(
  session: Session,
  args: Args,
  index: number,
  group: StreamGroup,
  consumer: StreamConsumer,
  limit: number,
  reply: Reply,
): number {
  const streams = streamsOf(session);
  const { walk } = streams;
  const { nowMs } = session.engine.clock;
  const { acknowledges, minIdleMs } = request;
  streams.lastId(stream, lastId);
  if (lastId.compare(group.lastId) <= 0) return 0;
  startId.copy(group.lastId);
  startId.increment();
  streams.beginFrom(stream, startId, group.place);
  let count = 0;
  for (; count < limit && walk.next(); count++) {
    countRead(streams, stream, group, walk.id);
    if (minIdleMs < 0) {
      replyEntry(reply, walk);
    } else {
      reply.array(4);
      replyEntryBody(reply, walk);
      reply.integer(0);
      reply.integer(0);
    }
    if (!acknowledges) continue;
    if (!streams.groups.addPending(group, consumer, walk.id)) {
      streams.groups.reassign(group, consumer, walk.id);
    }
    streams.groups.setDeliveredMs(group, walk.id, nowMs);
    streams.groups.setDeliveries(1, 0);
  }
  if (count === 0) return 0;
  streams.keepPlace(stream, deliveredTo);
  consumer.activeMs = nowMs;
  session.engine.keyspace.store.changes += count;
  const key = request.keyAt + index;
  if (request.acknowledges)
    tellDelivery(session, args, key, request.groupAt, startId, group.place, count);
  tellGroupId(session, args, key, request.groupAt, group);
  group.place.copy(deliveredTo);
  session.engine.blocking.signalRetrying(session.db, args.bytes, args.start(key), args.end(key));
  return count;
}

/** Gives the consumer again what is pending there. */
function history(
  session: Session,
  args: Args,
  index: number,
  group: StreamGroup,
  consumer: StreamConsumer,
  since: StreamId,
  reply: Reply,
): void {
  const streams = streamsOf(session);
  const { walk } = streams;
  startId.copy(since);
  const place = reply.reserveLength();
  let count = 0;
  let more = startId.increment();
  while (more && count < request.limit && streams.groups.nextOfConsumer(consumer, startId)) {
    walk.begin(streams.nodes(stream), startId, startId, false);
    if (walk.next()) {
      replyEntry(reply, walk);
      streams.groups.findPending(group, startId);
      streams.groups.setDeliveredMs(group, startId, session.engine.clock.nowMs);
      streams.groups.countDelivery();
      session.engine.keyspace.store.changes++;
      tellClaim(session, args, request.keyAt + index, request.groupAt, startId);
    } else {
      // The entry was deleted meanwhile.
      reply.array(2);
      replyId(reply, startId);
      reply.nullArray();
    }
    count++;
    more = startId.increment();
  }
  reply.patchLength(place, 0x2a, count);
}

/** The consumer that the command names, which comes into being with its first command. */
function consumerOf(
  session: Session,
  args: Args,
  index: number,
  group: StreamGroup,
): StreamConsumer {
  const { bytes } = args;
  const at = request.groupAt + 1;
  const manager = streamsOf(session).groups;
  const { nowMs } = session.engine.clock;
  let consumer = manager.findConsumer(group, bytes, args.start(at), args.end(at));
  if (consumer === null) {
    consumer = manager.createConsumer(group, args.copy(at), nowMs);
    changed(session, args, request.keyAt + index, XGROUP_CREATECONSUMER);
    tellConsumer(session, args, request.keyAt + index, request.groupAt);
  }
  consumer.seenMs = nowMs;
  return consumer;
}

/** Opens the stream of an index, if there is one. */
function openKey(session: Session, args: Args, index: number): Ref {
  if (openIndex === index) return openEntry;
  const at = request.keyAt + index;
  return open(session, index, session.db.peek(args.bytes, args.start(at), args.end(at)));
}

function open(session: Session, index: number, entry: Ref): Ref {
  if (entry !== NULL_REF) session.db.load(entry, stream);
  openIndex = index;
  openEntry = entry;
  return entry;
}

function replyKey(args: Args, index: number, reply: Reply): void {
  if (reply.version === 2) reply.array(2);
  const at = request.keyAt + index;
  reply.bulk(args.bytes, args.start(at), args.end(at));
}

/** Writes the header of what was served, or nothing and returns false. @param place where room was left for it */
function replyStreams(place: number, served: number, reply: Reply): boolean {
  if (served > 0) reply.patchLength(place, reply.version === 3 ? 0x25 : 0x2a, served);
  else reply.pos = place;
  return served > 0;
}

/** Reads the options. Returns false after answering an error. */
function parseOrReply(session: Session, args: Args, name: string, reply: Reply): boolean {
  const inGroup = name === "xreadgroup";
  request.limit = Infinity;
  request.timeoutMs = -1;
  request.groupAt = 0;
  request.acknowledges = true;
  request.minIdleMs = -1;
  request.keyCount = 0;
  for (let i = 1; i < args.count; i++) {
    const more = args.count - i - 1;
    if (args.is(i, "COUNT") && more > 0) {
      if (!int64OrReply(args, ++i, reply)) return false;
      const limit = toNumber(int64.low, int64.high);
      request.limit = limit <= 0 ? Infinity : limit;
    } else if (args.is(i, "BLOCK") && more > 0) {
      request.timeoutMs = timeoutMsOrReply(session, args, ++i, reply);
      if (Number.isNaN(request.timeoutMs)) return false;
    } else if (args.is(i, "STREAMS") && more > 0) {
      if (more % 2 !== 0) {
        const ids = inGroup ? "ID or '>'" : "ID, '+', or '$'";
        return refuse(
          reply,
          `ERR Unbalanced '${name}' list of streams: for each stream key an ${ids} must be specified.`,
        );
      }
      request.keyAt = i + 1;
      request.keyCount = more / 2;
      break;
    } else if (args.is(i, "GROUP") && more > 1) {
      if (!inGroup) return refuse(reply, onlyInGroup("GROUP"));
      request.groupAt = i + 1;
      i += 2;
    } else if (args.is(i, "CLAIM") && more > 0) {
      if (!inGroup) return refuse(reply, onlyInGroup("CLAIM"));
      if (!parseInt64(args.bytes, args.start(++i), args.end(i))) {
        return refuse(reply, "ERR min-idle-time is not an integer or out of range");
      }
      if (int64.high < 0) return refuse(reply, "ERR min-idle-time must be a positive integer");
      request.minIdleMs = toNumber(int64.low, int64.high);
    } else if (args.is(i, "NOACK")) {
      if (!inGroup) return refuse(reply, onlyInGroup("NOACK"));
      request.acknowledges = false;
    } else return refuse(reply, SYNTAX_ERROR);
  }
  if (request.keyCount === 0) return refuse(reply, SYNTAX_ERROR);
  if (inGroup && request.groupAt === 0) {
    return refuse(reply, "ERR Missing GROUP option for XREADGROUP");
  }
  return true;
}

/** Finds the groups and the ids to begin with. Returns false after answering an error. */
function resolveOrReply(session: Session, args: Args, reply: Reply): boolean {
  const { keyAt, keyCount, groupAt } = request;
  const streams = streamsOf(session);
  for (let i = 0; i < keyCount; i++) {
    const key = keyAt + i;
    const idAt = key + keyCount;
    const entry = session.db.read(args.bytes, args.start(key), args.end(key));
    if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return false;
    open(session, i, entry);
    after[i] ??= new StreamId();
    groups[i] = null;
    if (groupAt > 0) {
      const group =
        entry === NULL_REF
          ? null
          : streams.groups.find(stream.block, args.bytes, args.start(groupAt), args.end(groupAt));
      if (group === null) {
        return refuse(
          reply,
          `NOGROUP No such key '${nameOf(args, key)}' or consumer group '${nameOf(args, groupAt)}' in XREADGROUP with GROUP option`,
        );
      }
      groups[i] = group;
    }
    if (isCharacter(args, idAt, "$")) {
      if (groupAt > 0) return refuse(reply, MEANINGLESS_LAST);
      if (entry === NULL_REF) lastId.setMin();
      else streams.lastId(stream, lastId);
      after[i]!.copy(lastId);
    } else if (isCharacter(args, idAt, "+")) {
      if (groupAt > 0) return refuse(reply, MEANINGLESS_END);
      // The id before that of the last entry, so that this one is read.
      if (entry === NULL_REF) lastId.setMin();
      else streams.edgeId(stream, true, lastId);
      if (!lastId.isMin()) lastId.decrement();
      after[i]!.copy(lastId);
    } else if (isCharacter(args, idAt, ">")) {
      if (groupAt === 0) return refuse(reply, NEW_WITHOUT_GROUP);
      after[i]!.setMax();
    } else if (!strictIdOrReply(args, idAt, after[i]!, reply)) return false;
  }
  return true;
}

function onlyInGroup(option: string): string {
  return `ERR The ${option} option is only supported by XREADGROUP. You called XREAD instead.`;
}

function refuse(reply: Reply, message: string): false {
  reply.error(message);
  return false;
}

const STREAMS_SYNTAX = "streams:(key:key... id:string...)";

export const streamReadRows: readonly CommandRow[] = [
  {
    name: "xread",
    arity: -4,
    flags: "readonly blocking movablekeys",
    keys: [
      {
        flags: "RO access",
        begin: { keyword: "STREAMS", from: 1 },
        find: { last: -1, step: 1, limit: 2 },
      },
    ],
    since: "5.0.0",
    group: "stream",
    summary: "Returns the entries of several streams that come after an id.",
    complexity: "O(log N + M) for each stream of N entries, of which M are returned",
    syntax: `[COUNT count:integer] [BLOCK milliseconds:integer] STREAMS ${STREAMS_SYNTAX}`,
    handler: xread,
  },
  {
    name: "xreadgroup",
    arity: -7,
    flags: "write blocking movablekeys",
    keys: [
      {
        flags: "RO access",
        begin: { keyword: "STREAMS", from: 4 },
        find: { last: -1, step: 1, limit: 2 },
      },
    ],
    since: "5.0.0",
    group: "stream",
    summary: "Gives a consumer of a group the entries of several streams that are new, or pending.",
    complexity: "O(log N + M) for each stream of N entries, of which M are returned",
    syntax:
      "GROUP group_consumer:(group:string consumer:string) [COUNT count:integer] " +
      "[BLOCK milliseconds:integer] [CLAIM min-idle-time:integer@8.4.0] [noack:NOACK] " +
      `STREAMS ${STREAMS_SYNTAX}`,
    history: [["8.4.0", "The option `CLAIM`."]],
    handler: xreadgroup,
  },
];
