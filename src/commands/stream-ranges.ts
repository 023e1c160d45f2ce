/** Commands that read ranges of entries. */
import { int64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import { int64OrReply, openOrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { boundOrReply, endId, replyEntry, startId, stream, streamsOf } from "./stream-ids.ts";

function xrange(session: Session, args: Args, reply: Reply): void {
  range(session, args, reply, false);
}

function xrevrange(session: Session, args: Args, reply: Reply): void {
  range(session, args, reply, true);
}

function range(session: Session, args: Args, reply: Reply, reverse: boolean): void {
  if (!boundOrReply(args, reverse ? 3 : 2, false, startId, reply)) return;
  if (!boundOrReply(args, reverse ? 2 : 3, true, endId, reply)) return;
  let limit = Infinity;
  for (let i = 4; i < args.count; i += 2) {
    if (!args.is(i, "COUNT") || i + 1 >= args.count) return reply.error(SYNTAX_ERROR);
    if (!int64OrReply(args, i + 1, reply)) return;
    limit = Math.max(0, toNumber(int64.low, int64.high));
  }
  const found = session.db.read(args.bytes, args.start(1), args.end(1));
  if (found === NULL_REF) return reply.array(0);
  if (openOrReply(session, found, TYPE_STREAM, stream, reply) === WRONG) return;
  if (limit === 0) return reply.nullArray();
  const streams = streamsOf(session);
  const { walk } = streams;
  walk.begin(streams.nodes(stream), startId, endId, reverse);
  const place = reply.reserveLength();
  let count = 0;
  for (; count < limit && walk.next(); count++) replyEntry(reply, walk);
  reply.patchLength(place, 0x2a, count);
}

export const streamRangeRows: readonly CommandRow[] = [
  {
    name: "xrange",
    arity: -4,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "5.0.0",
    group: "stream",
    summary: "Returns the entries of a stream whose ids are in a range.",
    complexity:
      "O(log N + M) where N is the length of the stream and M the number of entries returned",
    syntax: "key:key start:string end:string [COUNT count:integer]",
    history: [["6.2.0", "Ranges that exclude their ends."]],
    handler: xrange,
  },
  {
    name: "xrevrange",
    arity: -4,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "5.0.0",
    group: "stream",
    summary: "Returns the entries of a stream whose ids are in a range, the last one first.",
    complexity:
      "O(log N + M) where N is the length of the stream and M the number of entries returned",
    syntax: "key:key end:string start:string [COUNT count:integer]",
    history: [["6.2.0", "Ranges that exclude their ends."]],
    handler: xrevrange,
  },
];
