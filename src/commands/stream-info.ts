/** XINFO: what is known of a stream, its groups and their consumers. */
import { int64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { StreamId } from "../structures/stream-id.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import type { StreamConsumer, StreamGroup } from "../types/stream-groups.ts";
import { readLag } from "../types/stream-lag.ts";
import { int64OrReply, isTypeOrReply, NO_SUCH_KEY } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import { endId, nameOf, replyEntry, replyId, startId, stream, streamsOf } from "./stream-ids.ts";

/** Entries that FULL shows of each list unless COUNT says otherwise. */
const FULL_COUNT = 10;

const id = new StreamId();

function streamInfo(session: Session, args: Args, reply: Reply): void {
  if (!openKeyOrReply(session, args, reply)) return;
  let limit = FULL_COUNT;
  const full = args.count > 3;
  if (full) {
    const right =
      args.is(3, "FULL") && (args.count === 4 || (args.count === 6 && args.is(4, "COUNT")));
    if (!right) {
      return reply.error(
        `ERR unknown subcommand or wrong number of arguments for '${nameOf(args, 1)}'. Try XINFO HELP.`,
      );
    }
    if (args.count === 6) {
      if (!int64OrReply(args, 5, reply)) return;
      limit = toNumber(int64.low, int64.high);
      if (limit < 0) limit = FULL_COUNT;
      if (limit === 0) limit = Infinity;
    }
  }
  const streams = streamsOf(session);
  reply.map(full ? 9 : 10);
  reply.text("length");
  reply.integer(streams.length(stream));
  reply.text("radix-tree-keys");
  reply.integer(streams.nodeCount(stream));
  reply.text("radix-tree-nodes");
  reply.integer(streams.nodeCount(stream) + 1);
  reply.text("last-generated-id");
  streams.lastId(stream, id);
  replyId(reply, id);
  reply.text("max-deleted-entry-id");
  streams.maxDeletedId(stream, id);
  replyId(reply, id);
  reply.text("entries-added");
  streams.readAdded(stream);
  reply.int64(int64.low, int64.high);
  reply.text("recorded-first-entry-id");
  streams.edgeId(stream, false, id);
  replyId(reply, id);
  const groups = streams.groups.of(stream.block);
  if (!full) {
    reply.text("groups");
    reply.integer(groups.length);
    reply.text("first-entry");
    edgeEntry(session, false, reply);
    reply.text("last-entry");
    edgeEntry(session, true, reply);
    return;
  }
  reply.text("entries");
  startId.setMin();
  endId.setMax();
  const { walk } = streams;
  walk.begin(streams.nodes(stream), startId, endId, false);
  const place = reply.reserveLength();
  let count = 0;
  for (; count < limit && walk.next(); count++) replyEntry(reply, walk);
  reply.patchLength(place, 0x2a, count);
  reply.text("groups");
  reply.array(groups.length);
  for (const group of groups) fullGroup(session, group, limit, reply);
}

function edgeEntry(session: Session, last: boolean, reply: Reply): void {
  const streams = streamsOf(session);
  const { walk } = streams;
  startId.setMin();
  endId.setMax();
  walk.begin(streams.nodes(stream), startId, endId, last);
  if (walk.next()) replyEntry(reply, walk);
  else reply.null();
}

function fullGroup(session: Session, group: StreamGroup, limit: number, reply: Reply): void {
  const { groups } = streamsOf(session);
  reply.map(7);
  reply.text("name");
  reply.bulk(group.name, 0, group.name.length);
  replyProgress(session, group, reply);
  reply.text("pel-count");
  reply.integer(groups.pendingOf(group));
  reply.text("pending");
  const place = reply.reserveLength();
  let count = 0;
  startId.setMin();
  let more = groups.seekPending(group, startId);
  for (; more && count < limit; count++, more = groups.nextPending()) {
    const { name } = groups.consumerAt(group);
    groups.pendingId(id);
    reply.array(4);
    replyId(reply, id);
    reply.bulk(name, 0, name.length);
    replyDelivery(session, reply);
  }
  reply.patchLength(place, 0x2a, count);
  reply.text("consumers");
  reply.array(group.consumers.length);
  for (const consumer of group.consumers) fullConsumer(session, group, consumer, limit, reply);
}

function fullConsumer(
  session: Session,
  group: StreamGroup,
  consumer: StreamConsumer,
  limit: number,
  reply: Reply,
): void {
  const { groups } = streamsOf(session);
  reply.map(5);
  reply.text("name");
  reply.bulk(consumer.name, 0, consumer.name.length);
  reply.text("seen-time");
  reply.integer(consumer.seenMs);
  reply.text("active-time");
  reply.integer(consumer.activeMs);
  reply.text("pel-count");
  reply.integer(groups.pendingOfConsumer(consumer));
  reply.text("pending");
  const place = reply.reserveLength();
  let count = 0;
  id.setMin();
  let more = true;
  for (; more && count < limit && groups.nextOfConsumer(consumer, id); count++) {
    groups.findPending(group, id);
    reply.array(3);
    replyId(reply, id);
    replyDelivery(session, reply);
    more = id.increment();
  }
  reply.patchLength(place, 0x2a, count);
}

/** Time and number of deliveries of the pending entry at the cursor. */
function replyDelivery(session: Session, reply: Reply): void {
  const { groups } = streamsOf(session);
  reply.integer(groups.deliveredMs());
  reply.int64(groups.deliveriesLow(), groups.deliveriesHigh());
}

/** Three fields: how far the group has read. */
function replyProgress(session: Session, group: StreamGroup, reply: Reply): void {
  reply.text("last-delivered-id");
  replyId(reply, group.lastId);
  reply.text("entries-read");
  if (group.readIsKnown) reply.int64(group.readLow, group.readHigh);
  else reply.null();
  reply.text("lag");
  if (readLag(streamsOf(session), stream, group)) reply.int64(int64.low, int64.high);
  else reply.null();
}

function groupsInfo(session: Session, args: Args, reply: Reply): void {
  if (!openKeyOrReply(session, args, reply)) return;
  const { groups } = streamsOf(session);
  const list = groups.of(stream.block);
  reply.array(list.length);
  for (const group of list) {
    reply.map(6);
    reply.text("name");
    reply.bulk(group.name, 0, group.name.length);
    reply.text("consumers");
    reply.integer(group.consumers.length);
    reply.text("pending");
    reply.integer(groups.pendingOf(group));
    replyProgress(session, group, reply);
  }
}

function consumersInfo(session: Session, args: Args, reply: Reply): void {
  if (!openKeyOrReply(session, args, reply)) return;
  const { groups } = streamsOf(session);
  const group = groups.find(stream.block, args.bytes, args.start(3), args.end(3));
  if (group === null) {
    const names = `'${nameOf(args, 3)}' for key name '${nameOf(args, 2)}'`;
    return reply.error(`NOGROUP No such consumer group ${names}`);
  }
  const { nowMs } = session.engine.clock;
  reply.array(group.consumers.length);
  for (const consumer of group.consumers) {
    reply.map(4);
    reply.text("name");
    reply.bulk(consumer.name, 0, consumer.name.length);
    reply.text("pending");
    reply.integer(groups.pendingOfConsumer(consumer));
    reply.text("idle");
    reply.integer(Math.max(0, nowMs - consumer.seenMs));
    reply.text("inactive");
    reply.integer(consumer.activeMs < 0 ? -1 : Math.max(0, nowMs - consumer.activeMs));
  }
}

/** Opens the stream of the key. Returns false after answering that there is none. */
function openKeyOrReply(session: Session, args: Args, reply: Reply): boolean {
  const entry = session.db.read(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) {
    reply.error(NO_SUCH_KEY);
    return false;
  }
  if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return false;
  session.db.load(entry, stream);
  return true;
}

const HELP = [
  "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CONSUMERS <key> <groupname>",
  "    The consumers of a group.",
  "GROUPS <key>",
  "    The groups of a stream.",
  "STREAM <key> [FULL [COUNT <count>]]",
  "    What is known of a stream.",
  "HELP",
  "    Prints this help.",
];

function help(_session: Session, _args: Args, reply: Reply): void {
  reply.array(HELP.length);
  for (const line of HELP) reply.simple(line);
}

const KEY = [{ flags: "RO access", begin: 2, find: { last: 0, step: 1 } }] as const;

export const streamInfoRows: readonly CommandRow[] = [
  {
    name: "xinfo",
    arity: -2,
    flags: "",
    since: "5.0.0",
    group: "stream",
    summary: "Tells what is known of a stream, its groups and their consumers.",
    complexity: "Depends on subcommand.",
    subcommands: [
      {
        name: "consumers",
        arity: 4,
        flags: "readonly",
        keys: KEY,
        since: "5.0.0",
        group: "stream",
        summary: "Lists the consumers of a group.",
        complexity: "O(N) where N is the number of consumers",
        syntax: "key:key groupname:string",
        tips: ["nondeterministic_output"],
        handler: consumersInfo,
      },
      {
        name: "groups",
        arity: 3,
        flags: "readonly",
        keys: KEY,
        since: "5.0.0",
        group: "stream",
        summary: "Lists the groups of a stream.",
        complexity: "O(N) where N is the number of groups",
        syntax: "key:key",
        history: [["7.0.0", "The fields `entries-read` and `lag`."]],
        handler: groupsInfo,
      },
      {
        name: "stream",
        arity: -3,
        flags: "readonly",
        keys: KEY,
        since: "5.0.0",
        group: "stream",
        summary: "Tells what is known of a stream.",
        complexity: "O(1); with FULL, O(N) where N is the number of entries shown",
        syntax: "key:key [FULL full:([COUNT count:integer])]",
        history: [
          ["6.0.0", "The option `FULL`."],
          ["7.0.0", "Five fields on what was added, deleted and read."],
        ],
        handler: streamInfo,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "5.0.0",
        group: "stream",
        summary: "Lists the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
    ],
  },
];
