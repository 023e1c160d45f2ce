/** Commands that add entries to streams and trim them. */
import { changed, happened } from "./changed.ts";
import { XADD, XSETID, XTRIM } from "../keyspace/key-events.ts";
import { int64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { StreamId } from "../structures/stream-id.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import type { ReferencePolicy } from "../types/stream-references.ts";
import { KEEP_REFERENCES, ONLY_ACKNOWLEDGED, trimStream } from "../types/stream-references.ts";
import { Trim } from "../types/stream.ts";
import {
  int64OrReply,
  isTypeOrReply,
  NO_SUCH_KEY,
  openOrReply,
  positionOrReply,
  SYNTAX_ERROR,
  WRONG,
} from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import {
  endId,
  isCharacter,
  newIdOrReply,
  referencePolicy,
  replyId,
  startId,
  stream,
  streamsOf,
  strictIdOrReply,
} from "./stream-ids.ts";
import { referenceWatcher, tellTrim } from "./tell-streams.ts";

const TOO_SMALL =
  "ERR The ID specified in XADD is equal or smaller than the target stream top item";

/** Removed at most by an approximate trim that has no LIMIT: 100 nodes. */
const LIMIT_NODES = 100;
const LIMIT_DEFAULT = 10_000;
const LIMIT_MAX = 1_000_000;

const trim = new Trim();
/** The options before an id, or before the end. */
const options = {
  trims: false,
  createStream: true,
  idGiven: false,
  sequenceGiven: false,
  approximate: false,
  strategyAt: 0,
  operatorAt: 0,
  thresholdAt: 0,
  limitAt: 0,
  /** What trimming means for consumer groups. */
  policy: KEEP_REFERENCES as ReferencePolicy,
  policyAt: 0,
};
const newId = new StreamId();
const lastId = new StreamId();

function xadd(session: Session, args: Args, reply: Reply): void {
  const idAt = optionsOrReply(session, args, true, reply);
  if (idAt < 0) return;
  const from = idAt + 1;
  const words = args.count - from;
  if (words < 2 || words % 2 === 1) {
    return reply.error("ERR wrong number of arguments for 'xadd' command");
  }
  const { idGiven, sequenceGiven } = options;
  if (idGiven && sequenceGiven && newId.isMin()) {
    return reply.error("ERR The ID specified in XADD must be greater than 0-0");
  }
  const { db } = session;
  const streams = streamsOf(session);
  const entry = openOrReply(
    session,
    db.find(args.bytes, args.start(1), args.end(1)),
    TYPE_STREAM,
    stream,
    reply,
  );
  if (entry === WRONG) return;
  if (entry === NULL_REF) {
    if (!options.createStream) return reply.null();
    lastId.setMin();
  } else {
    streams.lastId(stream, lastId);
    if (lastId.isMax()) {
      return reply.error(
        "ERR The stream has exhausted the last possible ID, unable to add more items",
      );
    }
  }
  if (!chooseId(session)) return reply.error(TOO_SMALL);
  if (!streams.fits(args, from, words / 2)) {
    return reply.error("ERR Elements are too large to be stored");
  }
  if (entry === NULL_REF) streams.create(stream);
  streams.append(stream, newId, args, from, words / 2);
  const { policy } = options;
  // What each entry's deletion tells comes behind the entry that is added.
  const tellsFirst = options.trims && policy === ONLY_ACKNOWLEDGED;
  if (tellsFirst) tellTrim(session, args, options, idAt, newId);
  const trimmed = options.trims
    ? trimStream(streams, stream, trim, policy, referenceWatcher(session, args))
    : 0;
  if (entry === NULL_REF) {
    db.create(args.bytes, args.start(1), args.end(1), TYPE_STREAM, stream);
  } else {
    db.save(entry, stream);
    session.engine.blocking.signal(db, args.bytes, args.start(1), args.end(1));
  }
  changed(session, args, 1, XADD);
  if (trimmed > 0) happened(session, args, 1, XTRIM);
  if (!tellsFirst && (!sequenceGiven || options.approximate || options.policyAt > 0)) {
    tellTrim(session, args, options, idAt, newId);
  }
  replyId(reply, newId);
}

/** Completes the id of a new entry behind `lastId`. Returns false if there is none, or the given one is too small. */
function chooseId(session: Session): boolean {
  if (!options.idGiven) {
    newId.setTime(session.engine.clock.nowMs);
    if (newId.compare(lastId) > 0) return true;
    newId.copy(lastId);
    return newId.increment();
  }
  if (!options.sequenceGiven && newId.sameMs(lastId)) {
    newId.copy(lastId);
    return newId.increment() && newId.sameMs(lastId);
  }
  return newId.compare(lastId) > 0;
}

function xlen(session: Session, args: Args, reply: Reply): void {
  const found = session.db.read(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_STREAM, stream, reply);
  if (entry === WRONG) return;
  reply.integer(entry === NULL_REF ? 0 : streamsOf(session).length(stream));
}

function xtrim(session: Session, args: Args, reply: Reply): void {
  if (optionsOrReply(session, args, false, reply) < 0) return;
  const { db } = session;
  const found = db.find(args.bytes, args.start(1), args.end(1));
  if (found === NULL_REF) return reply.integer(0);
  const entry = openOrReply(session, found, TYPE_STREAM, stream, reply);
  if (entry === WRONG) return;
  const { policy } = options;
  const watcher = referenceWatcher(session, args);
  const deleted = trimStream(streamsOf(session), stream, trim, policy, watcher);
  if (deleted > 0) {
    db.save(entry, stream);
    const told = policy === ONLY_ACKNOWLEDGED;
    if (!told && (options.approximate || options.policyAt > 0)) {
      tellTrim(session, args, options, 0, newId);
    }
  }
  changed(session, args, 1, XTRIM, deleted);
  reply.integer(deleted);
}

function xsetid(session: Session, args: Args, reply: Reply): void {
  if (!strictIdOrReply(args, 2, startId, reply)) return;
  let addedLow = -1;
  let addedHigh = -1;
  endId.setMin();
  for (let i = 3; i < args.count; i += 2) {
    if (i + 1 >= args.count) return reply.error(SYNTAX_ERROR);
    if (args.is(i, "ENTRIESADDED")) {
      if (!int64OrReply(args, i + 1, reply)) return;
      if (int64.high < 0) return reply.error("ERR entries_added must be positive");
      addedLow = int64.low;
      addedHigh = int64.high;
    } else if (args.is(i, "MAXDELETEDID")) {
      if (!strictIdOrReply(args, i + 1, endId, reply)) return;
      if (startId.compare(endId) < 0) {
        return reply.error(
          "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
        );
      }
    } else return reply.error(SYNTAX_ERROR);
  }
  const entry = session.db.find(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.error(NO_SUCH_KEY);
  if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return;
  session.db.load(entry, stream);
  const streams = streamsOf(session);
  streams.maxDeletedId(stream, lastId);
  if (startId.compare(lastId) < 0) {
    return reply.error(
      "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
    );
  }
  const length = streams.length(stream);
  if (length > 0) {
    streams.edgeId(stream, true, lastId);
    if (startId.compare(lastId) < 0) {
      return reply.error(
        "ERR The ID specified in XSETID is smaller than the target stream top item",
      );
    }
    if (addedHigh >= 0 && length > toNumber(addedLow, addedHigh)) {
      return reply.error(
        "ERR The entries_added specified in XSETID is smaller than the target stream length",
      );
    }
  }
  streams.setLastId(stream, startId);
  if (addedHigh >= 0) streams.setAdded(stream, addedLow, addedHigh);
  if (!endId.isMin()) streams.setMaxDeletedId(stream, endId);
  changed(session, args, 1, XSETID);
  reply.ok();
}

/**
 * Reads the options of XADD up to the id, or those of XTRIM.
 * @returns the index of the id (of XTRIM: the number of arguments), or -1 after answering an error
 */
function optionsOrReply(session: Session, args: Args, adds: boolean, reply: Reply): number {
  options.trims = false;
  options.createStream = true;
  options.idGiven = false;
  options.sequenceGiven = false;
  options.policy = KEEP_REFERENCES;
  options.policyAt = 0;
  trim.approximate = false;
  options.strategyAt = 0;
  options.operatorAt = 0;
  options.thresholdAt = 0;
  options.limitAt = 0;
  trim.limit = 0;
  let limitGiven = false;
  let policy: ReferencePolicy | null = null;
  let at = 2;
  for (; at < args.count; at++) {
    const more = at + 1 < args.count;
    if (adds && isCharacter(args, at, "*")) break;
    if (more && (args.is(at, "MAXLEN") || args.is(at, "MINID"))) {
      at = strategyOrReply(args, at, reply);
      if (at < 0) return -1;
    } else if (more && args.is(at, "LIMIT")) {
      options.limitAt = at;
      trim.limit = positionOrReply(args, ++at, reply);
      if (Number.isNaN(trim.limit)) return -1;
      if (trim.limit < 0) return refuse(reply, "ERR The LIMIT argument must be >= 0.");
      limitGiven = true;
    } else if (adds && args.is(at, "NOMKSTREAM")) {
      options.createStream = false;
    } else if (options.policyAt === 0 && (policy = referencePolicy(args, at)) !== null) {
      options.policy = policy;
      options.policyAt = at;
    } else if (adds) {
      const given = newIdOrReply(args, at, newId, reply);
      if (given === null) return -1;
      options.idGiven = true;
      options.sequenceGiven = given;
      break;
    } else return refuse(reply, SYNTAX_ERROR);
  }
  if (trim.limit > 0 && !options.trims) {
    return refuse(
      reply,
      "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
    );
  }
  if (!adds && !options.trims) {
    return refuse(reply, "ERR syntax error, XTRIM must be called with a trimming strategy");
  }
  if (limitGiven && !trim.approximate) {
    return refuse(reply, "ERR syntax error, LIMIT cannot be used without the special ~ option");
  }
  options.approximate = trim.approximate;
  if (trim.approximate && !limitGiven) trim.limit = standardLimit(session);
  return at;
}

/** Reads MAXLEN or MINID. @returns the index of its last word, or -1 after answering an error */
function strategyOrReply(args: Args, index: number, reply: Reply): number {
  if (options.trims) {
    return refuse(
      reply,
      "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
    );
  }
  const byLength = args.is(index, "MAXLEN");
  options.strategyAt = index;
  let at = index + 1;
  trim.approximate = false;
  if (at + 1 < args.count) {
    trim.approximate = isCharacter(args, at, "~");
    if (trim.approximate || isCharacter(args, at, "=")) options.operatorAt = at++;
  }
  options.thresholdAt = at;
  if (byLength) {
    trim.maxLength = positionOrReply(args, at, reply);
    if (Number.isNaN(trim.maxLength)) return -1;
    if (trim.maxLength < 0) return refuse(reply, "ERR The MAXLEN argument must be >= 0.");
  } else {
    trim.maxLength = -1;
    if (!strictIdOrReply(args, at, trim.minId, reply)) return -1;
  }
  options.trims = true;
  return at;
}

function standardLimit(session: Session): number {
  const limit = LIMIT_NODES * session.engine.keyspace.store.kit.limits.streamNodeMaxEntries;
  return limit <= 0 ? LIMIT_DEFAULT : Math.min(limit, LIMIT_MAX);
}

function refuse(reply: Reply, message: string): number {
  reply.error(message);
  return -1;
}

const TRIM_SYNTAX =
  "trim:(strategy:<maxlen:MAXLEN|minid:MINID@6.2.0> [operator:<equal:=|approximately:~>] " +
  "threshold:string [LIMIT count:integer@6.2.0])";

const POLICY_SYNTAX = "[condition:<keepref:KEEPREF|delref:DELREF|acked:ACKED>@8.2.0]";

export const streamRows: readonly CommandRow[] = [
  {
    name: "xadd",
    arity: -5,
    flags: "write denyoom fast",
    keys: [
      {
        flags: "RW update",
        begin: 1,
        find: { last: 0, step: 1 },
        notes: "UPDATE instead of INSERT because of the optional trimming feature",
      },
    ],
    since: "5.0.0",
    group: "stream",
    summary: "Adds an entry to a stream, which is made if there is none.",
    complexity: "O(1); with trimming O(N) where N is the number of entries removed",
    syntax:
      `key:key [nomkstream:NOMKSTREAM@6.2.0] ${POLICY_SYNTAX} [${TRIM_SYNTAX}] ` +
      "id_or_auto:<auto_id:*|id:string> field_value:(field:string value:string)...",
    tips: ["nondeterministic_output"],
    history: [
      ["6.2.0", "The options `NOMKSTREAM`, `MINID` and `LIMIT`."],
      ["7.0.0", "Ids of the form `<ms>-*`."],
      ["8.2.0", "The options `KEEPREF`, `DELREF` and `ACKED`."],
    ],
    handler: xadd,
  },
  {
    name: "xlen",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "5.0.0",
    group: "stream",
    summary: "Returns the number of entries of a stream.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: xlen,
  },
  {
    name: "xtrim",
    arity: -4,
    flags: "write",
    keys: oneKey("RW delete"),
    since: "5.0.0",
    group: "stream",
    summary: "Removes the oldest entries of a stream.",
    complexity: "O(N) where N is the number of entries removed",
    syntax: `key:key ${TRIM_SYNTAX} ${POLICY_SYNTAX}`,
    tips: ["nondeterministic_output"],
    history: [
      ["6.2.0", "The options `MINID` and `LIMIT`."],
      ["8.2.0", "The options `KEEPREF`, `DELREF` and `ACKED`."],
    ],
    handler: xtrim,
  },
  {
    name: "xsetid",
    arity: -3,
    flags: "write denyoom fast",
    keys: oneKey("RW update"),
    since: "5.0.0",
    group: "stream",
    summary: "Sets the last id of a stream; for the server's own use.",
    complexity: "O(1)",
    syntax:
      "key:key last-id:string [ENTRIESADDED entries_added:integer@7.0.0] " +
      "[MAXDELETEDID max_deleted_entry_id:string@7.0.0]",
    history: [["7.0.0", "The options `ENTRIESADDED` and `MAXDELETEDID`."]],
    handler: xsetid,
  },
];
