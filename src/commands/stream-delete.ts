/** Commands that delete entries of streams: XDEL, XDELEX and XACKDEL. */
import { changed, happened } from "./changed.ts";
import { XDEL } from "../keyspace/key-events.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import type { StreamGroup } from "../types/stream-groups.ts";
import type { ReferencePolicy } from "../types/stream-references.ts";
import {
  DELETE_REFERENCES,
  dropReferences,
  isReferenced,
  KEEP_REFERENCES,
  ONLY_ACKNOWLEDGED,
} from "../types/stream-references.ts";
import { openOrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { referencePolicy, startId, stream, streamsOf, strictIdOrReply } from "./stream-ids.ts";
import { referenceWatcher } from "./tell-streams.ts";

// What XDELEX and XACKDEL answer for each id.
const MISSING = -1;
const DELETED = 1;
const STILL_REFERENCED = 2;

/** What XDELEX and XACKDEL are asked for. */
const request = {
  policy: KEEP_REFERENCES as ReferencePolicy,
  /** Index of the first id. */
  idAt: 0,
  idCount: 0,
};

function xdel(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const found = db.find(args.bytes, args.start(1), args.end(1));
  if (found === NULL_REF) return reply.integer(0);
  const entry = openOrReply(session, found, TYPE_STREAM, stream, reply);
  if (entry === WRONG) return;
  for (let i = 2; i < args.count; i++) if (!strictIdOrReply(args, i, startId, reply)) return;
  const streams = streamsOf(session);
  let deleted = 0;
  for (let i = 2; i < args.count; i++) {
    strictIdOrReply(args, i, startId, reply);
    if (streams.delete(stream, startId)) deleted++;
  }
  if (deleted > 0) db.save(entry, stream);
  changed(session, args, 1, XDEL, deleted);
  reply.integer(deleted);
}

function xdelex(session: Session, args: Args, reply: Reply): void {
  if (!parseOrReply(args, 2, reply)) return;
  const { db } = session;
  const found = db.find(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_STREAM, stream, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return replyMissing(reply);
  if (!areIdsOrReply(args, reply)) return;
  const { policy, idAt, idCount } = request;
  const streams = streamsOf(session);
  const watcher = referenceWatcher(session, args);
  let changes = 0;
  let deleted = 0;
  reply.array(idCount);
  for (let i = idAt; i < idAt + idCount; i++) {
    strictIdOrReply(args, i, startId, reply);
    if (policy === ONLY_ACKNOWLEDGED && isReferenced(streams.groups, stream, startId)) {
      reply.integer(streams.has(stream, startId) ? STILL_REFERENCED : MISSING);
      continue;
    }
    // What is pending may name an entry that has been deleted.
    const dropped =
      policy === DELETE_REFERENCES && dropReferences(streams.groups, stream, startId, watcher);
    const existed = streams.delete(stream, startId);
    if (existed) {
      deleted++;
      watcher?.deleted(startId);
    }
    if (existed || dropped) changes++;
    reply.integer(existed ? DELETED : MISSING);
  }
  if (deleted > 0) db.save(entry, stream);
  session.engine.keyspace.store.changes += changes;
  if (deleted > 0) happened(session, args, 1, XDEL);
}

function xackdel(session: Session, args: Args, reply: Reply): void {
  if (!parseOrReply(args, 3, reply)) return;
  const { db } = session;
  const found = db.find(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_STREAM, stream, reply);
  if (entry === WRONG) return;
  const streams = streamsOf(session);
  const { groups } = streams;
  let group: StreamGroup | null = null;
  if (entry !== NULL_REF) group = groups.find(stream.block, args.bytes, args.start(2), args.end(2));
  if (group === null) return replyMissing(reply);
  if (!areIdsOrReply(args, reply)) return;
  const { policy, idAt, idCount } = request;
  const watcher = referenceWatcher(session, args);
  let acknowledged = 0;
  let deleted = 0;
  reply.array(idCount);
  for (let i = idAt; i < idAt + idCount; i++) {
    strictIdOrReply(args, i, startId, reply);
    if (!groups.removePending(group, startId)) {
      reply.integer(MISSING);
      continue;
    }
    acknowledged++;
    watcher?.released(group, startId);
    if (policy === ONLY_ACKNOWLEDGED && isReferenced(groups, stream, startId)) {
      reply.integer(STILL_REFERENCED);
      continue;
    }
    if (policy === DELETE_REFERENCES) dropReferences(groups, stream, startId, watcher);
    if (streams.delete(stream, startId)) {
      deleted++;
      watcher?.deleted(startId);
    }
    // An entry that somebody had deleted before is as good as one that goes now.
    reply.integer(DELETED);
  }
  if (deleted > 0) db.save(entry, stream);
  session.engine.keyspace.store.changes += acknowledged;
  if (deleted > 0) happened(session, args, 1, XDEL);
}

/** Reads the policy and where the ids stand. Returns false after answering an error. */
function parseOrReply(args: Args, from: number, reply: Reply): boolean {
  let policy: ReferencePolicy | null = null;
  request.idCount = 0;
  for (let i = from; i < args.count; i++) {
    const given = referencePolicy(args, i);
    if (given !== null && policy === null) {
      policy = given;
    } else if (args.is(i, "IDS") && i + 1 < args.count) {
      if (!idsOrReply(args, i + 1, reply)) return false;
      i = request.idAt + request.idCount - 1;
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  request.policy = policy ?? KEEP_REFERENCES;
  if (request.idCount > 0) return true;
  reply.error(SYNTAX_ERROR);
  return false;
}

/** Reads the number of ids, which come next. Returns false after answering an error. */
function idsOrReply(args: Args, index: number, reply: Reply): boolean {
  const isNumber = parseInt64(args.bytes, args.start(index), args.end(index));
  const count = isNumber ? toNumber(int64.low, int64.high) : 0;
  request.idAt = index + 1;
  request.idCount = count;
  if (count >= 1 && count <= args.count - request.idAt) return true;
  reply.error(
    count < 1
      ? "ERR Number of IDs must be a positive integer"
      : "ERR The `numids` parameter must match the number of arguments",
  );
  return false;
}

/** Whether all ids are ids. Returns false after answering an error. */
function areIdsOrReply(args: Args, reply: Reply): boolean {
  const { idAt, idCount } = request;
  for (let i = idAt; i < idAt + idCount; i++) {
    if (!strictIdOrReply(args, i, startId, reply)) return false;
  }
  return true;
}

/** Answers that there is none of the ids. */
function replyMissing(reply: Reply): void {
  reply.array(request.idCount);
  for (let i = 0; i < request.idCount; i++) reply.integer(MISSING);
}

const POLICY_AND_IDS =
  "[condition:<keepref:KEEPREF|delref:DELREF|acked:ACKED>] IDS ids:(numids:integer id:string...)";

export const streamDeleteRows: readonly CommandRow[] = [
  {
    name: "xdel",
    arity: -3,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "5.0.0",
    group: "stream",
    summary: "Deletes entries of a stream and returns how many there were.",
    complexity: "O(log N) for each id, N being the length of the stream",
    syntax: "key:key id:string...",
    handler: xdel,
  },
  {
    name: "xdelex",
    arity: -5,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "8.2.0",
    group: "stream",
    summary: "Deletes entries of a stream with or without what groups know of them.",
    complexity: "O(log N) for each id, N being the length of the stream",
    syntax: `key:key ${POLICY_AND_IDS}`,
    handler: xdelex,
  },
  {
    name: "xackdel",
    arity: -6,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "8.2.0",
    group: "stream",
    summary: "Takes entries from what is pending in a group and deletes them.",
    complexity: "O(log N) for each id, N being the number of pending entries",
    syntax: `key:key group:string ${POLICY_AND_IDS}`,
    handler: xackdel,
  },
];
