/** HGETEX and HSETEX: fields of a hash that are read or written together with the time at which they expire. */
import { changed, happened } from "./changed.ts";
import { DEL, HASH_MEMBERS, HDEL, HSET } from "../keyspace/key-events.ts";
import type { KeyEvent } from "../keyspace/key-events.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_HASH } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { isTypeOrReply, openOrReply, WRONG } from "./guards.ts";
import { memberTimeOrReply } from "./member-times.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { tellMembersGone, tellMemberTimes } from "./tell.ts";

const hash = new Value();
const content = new Slice();
/** Indexes of the arguments whose fields were changed by the command. */
const changedAt: number[] = [];

/** Redis counts fields in an int here. */
const FIELDS_MAX: number = 2 ** 31 - 1;

/** The units in which times are given: word, milliseconds, whether they count from now. */
const UNITS: readonly (readonly [string, number, boolean])[] = [
  ["EX", 1000, true],
  ["PX", 1, true],
  ["EXAT", 1000, false],
  ["PXAT", 1, false],
];

// What becomes of the time, in place of a time.
const LEAVE = -2;
const TAKE_AWAY = -3;

/** The unit that an argument names, or undefined. */
function unitAt(args: Args, index: number): (typeof UNITS)[number] | undefined {
  return UNITS.find(([word]) => args.is(index, word));
}

// ---- HGETEX ----

function hgetex(session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const entry = session.db.find(bytes, args.start(1), args.end(1));
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { nowMs } = session.engine.clock;
  let dueMs = LEAVE;
  let wordAt = 2;
  const unit = unitAt(args, 2);
  if (unit !== undefined) {
    dueMs = memberTimeOrReply(args, 3, unit[1], unit[2] ? nowMs : 0, "hgetex", reply);
    if (dueMs === -1) return;
    wordAt = 4;
  } else if (args.is(2, "PERSIST")) {
    dueMs = TAKE_AWAY;
    wordAt = 3;
  }
  if (!args.is(wordAt, "FIELDS")) {
    return reply.error("ERR Mandatory argument FIELDS is missing or not at the right position");
  }
  if (wordAt + 1 === args.count) {
    return reply.error("ERR wrong number of arguments for 'hgetex' command");
  }
  const isInteger = parseInt64(bytes, args.start(wordAt + 1), args.end(wordAt + 1));
  const count = isInteger ? toNumber(int64.low, int64.high) : 0;
  if (count < 1) return reply.error("ERR Number of fields must be a positive integer");
  if (count !== args.count - wordAt - 2) {
    return reply.error("ERR The `numfields` parameter must match the number of arguments");
  }
  const { hashes } = session.engine.keyspace.store;
  reply.array(count);
  changedAt.length = 0;
  for (let i = wordAt + 2; i < args.count; i++) {
    const start = args.start(i);
    const end = args.end(i);
    if (entry === NULL_REF || !hashes.get(hash, bytes, start, end, content)) {
      reply.null();
      continue;
    }
    reply.bulk(content.bytes, content.start, content.end);
    if (setTime(session, args, i, dueMs)) changedAt.push(i);
  }
  if (changedAt.length === 0) return;
  changed(session, args, 1, timeEvent(session, dueMs), changedAt.length);
  finish(session, args, entry);
  if (isPast(session, dueMs)) tellMembersGone(session, args, "HDEL", changedAt);
  else if (dueMs === TAKE_AWAY) tellMemberTimes(session, args, "HPERSIST", -1, "FIELDS", changedAt);
  else tellMemberTimes(session, args, "HPEXPIREAT", dueMs, "FIELDS", changedAt);
}

/** Whether fields with this time go at once. */
function isPast({ engine }: Session, dueMs: number): boolean {
  // What a log brings is done to fields that may have to go later on.
  return dueMs >= 0 && dueMs <= engine.clock.nowMs && engine.keyspace.store.expires;
}

/** Does to the time of the field in an argument what is wanted; returns whether anything changed. */
function setTime(session: Session, args: Args, index: number, dueMs: number): boolean {
  if (dueMs === LEAVE) return false;
  const { hashes, kit } = session.engine.keyspace.store;
  const { bytes } = args;
  const start = args.start(index);
  const end = args.end(index);
  if (dueMs === TAKE_AWAY) {
    return hash.timed !== NULL_REF && kit.memberTimes.forget(hash.timed, bytes, start, end);
  }
  if (isPast(session, dueMs)) return hashes.remove(hash, bytes, start, end);
  kit.memberTimes.put(hash, bytes, start, end, dueMs);
  return true;
}

/** What happens to fields with this time. */
function timeEvent(session: Session, dueMs: number): KeyEvent {
  if (dueMs === TAKE_AWAY) return HASH_MEMBERS.persist;
  return isPast(session, dueMs) ? HDEL : HASH_MEMBERS.expire;
}

/** Writes the hash back, or removes its key if no field is left. */
function finish(session: Session, args: Args, entry: Ref): void {
  const { db, engine } = session;
  db.save(entry, hash);
  if (engine.keyspace.store.hashes.length(hash) > 0) return;
  db.remove(entry);
  happened(session, args, 1, DEL);
}

// ---- HSETEX ----

/** What the options of HSETEX say. */
const options = { dueMs: LEAVE, ifNone: false, ifAll: false };

function hsetex(session: Session, args: Args, reply: Reply): void {
  const first = optionsOrReply(session, args, reply);
  if (first === -1) return;
  const { bytes } = args;
  const { db, engine } = session;
  const { hashes } = engine.keyspace.store;
  const entry = db.find(bytes, args.start(1), args.end(1));
  if (!isTypeOrReply(session, entry, TYPE_HASH, reply)) return;
  if (entry !== NULL_REF) db.load(entry, hash);
  if (!isAllowed(session, entry, args, first)) return reply.integer(0);
  if (entry === NULL_REF) hashes.create(hash);
  for (let i = first; i < args.count; i += 2) {
    const start = args.start(i);
    const end = args.end(i);
    hashes.set(hash, bytes, start, end, bytes, args.start(i + 1), args.end(i + 1));
    setTime(session, args, i, options.dueMs);
  }
  const isNew = entry === NULL_REF;
  if (isNew && hashes.length(hash) === 0) {
    // All fields went at once.
    hashes.freeSmall(hash);
  } else {
    if (isNew) db.create(bytes, args.start(1), args.end(1), TYPE_HASH, hash);
    changed(session, args, 1, HSET, (args.count - first) / 2);
    if (options.dueMs >= 0) happened(session, args, 1, timeEvent(session, options.dueMs));
    if (!isNew) finish(session, args, entry);
  }
  if (options.dueMs >= 0) tellSet(session, args, first);
  reply.integer(1);
}

/** The fields were set and expire at the time of the options, which may be past. */
function tellSet(session: Session, args: Args, first: number): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  const { dueMs } = options;
  changedAt.length = 0;
  for (let i = first; i < args.count; i += 2) changedAt.push(i);
  if (isPast(session, dueMs)) return tellMembersGone(session, args, "HDEL", changedAt);
  effects.begin(session.db.index, args.count - first + 6);
  effects.text("HSETEX");
  effects.argument(args, 1);
  effects.text("PXAT");
  effects.integer(dueMs);
  effects.text("FIELDS");
  effects.integer(changedAt.length);
  for (let i = first; i < args.count; i++) effects.argument(args, i);
}

/** Whether the conditions hold for the hash that was opened. */
function isAllowed(session: Session, entry: Ref, args: Args, first: number): boolean {
  const { ifAll, ifNone } = options;
  if (!ifAll && !ifNone) return true;
  if (entry === NULL_REF) return ifNone;
  const { hashes } = session.engine.keyspace.store;
  for (let i = first; i < args.count; i += 2) {
    if (hashes.has(hash, args.bytes, args.start(i), args.end(i)) !== ifAll) return false;
  }
  return true;
}

/** Reads everything before the fields into `options`. Returns the index of the first field, or -1 after answering an error. */
function optionsOrReply(session: Session, args: Args, reply: Reply): number {
  options.dueMs = TAKE_AWAY;
  options.ifAll = false;
  options.ifNone = false;
  let hasTime = false;
  let i = 2;
  for (; !args.is(i, "FIELDS"); i++) {
    const unit = unitAt(args, i);
    if (args.is(i, "FXX") || args.is(i, "FNX")) {
      if (options.ifAll || options.ifNone) {
        return fail(reply, "ERR Only one of FXX or FNX arguments can be specified");
      }
      options.ifAll = args.is(i, "FXX");
      options.ifNone = !options.ifAll;
    } else if (unit !== undefined || args.is(i, "KEEPTTL")) {
      if (hasTime) {
        const text = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
        return fail(reply, text);
      }
      hasTime = true;
      options.dueMs = LEAVE;
      if (unit === undefined) continue;
      i++;
      if (i === args.count) return fail(reply, "ERR missing expire time");
      const originMs = unit[2] ? session.engine.clock.nowMs : 0;
      options.dueMs = memberTimeOrReply(args, i, unit[1], originMs, "hsetex", reply);
      if (options.dueMs === -1) return -1;
    } else {
      // As C prints it: up to a zero byte, without line breaks at the end.
      const [text] = args.text(i).split("\0", 1);
      return fail(reply, `ERR unknown argument: ${text!.replace(/[\r\n]+$/, "")}`);
    }
  }
  return firstFieldOrReply(args, i, reply);
}

/** @param at index of the word before the number of fields */
function firstFieldOrReply(args: Args, at: number, reply: Reply): number {
  const arity = "ERR wrong number of arguments for 'hsetex' command";
  if (at >= args.count - 3) return fail(reply, arity);
  const isInteger = parseInt64(args.bytes, args.start(at + 1), args.end(at + 1));
  const count = isInteger ? toNumber(int64.low, int64.high) : 0;
  if (count < 1 || count > FIELDS_MAX) return fail(reply, "ERR invalid number of fields");
  return count * 2 === args.count - at - 2 ? at + 2 : fail(reply, arity);
}

function fail(reply: Reply, error: string): number {
  reply.error(error);
  return -1;
}

export const hashExpiryRows: readonly CommandRow[] = [
  {
    name: "hgetex",
    arity: -5,
    flags: "write fast",
    keys: oneKey("RW access update"),
    since: "8.0.0",
    group: "hash",
    summary: "Returns the values of fields and sets or takes away the time at which they expire.",
    complexity: "O(N) where N is the number of fields.",
    syntax:
      "key:key [expiration:<EX seconds:integer|PX milliseconds:integer|EXAT unix-time-seconds:unix-time|" +
      "PXAT unix-time-milliseconds:unix-time|persist:PERSIST>] FIELDS fields:(numfields:integer field:string...)",
    handler: hgetex,
  },
  {
    name: "hsetex",
    arity: -6,
    flags: "write denyoom fast",
    keys: oneKey("RW update"),
    since: "8.0.0",
    group: "hash",
    summary: "Sets fields of a hash to values and the time at which they expire.",
    complexity: "O(N) where N is the number of fields.",
    syntax:
      "key:key [condition:<fnx:FNX|fxx:FXX>] [expiration:<EX seconds:integer|PX milliseconds:integer|" +
      "EXAT unix-time-seconds:unix-time|PXAT unix-time-milliseconds:unix-time|keepttl:KEEPTTL>] " +
      "FIELDS fields:(numfields:integer data:(field:string value:string)...)",
    handler: hsetex,
  },
];
