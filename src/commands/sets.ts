/** Commands on the members of one set; SMOVE takes a member from one set to another. */
import { changed, happened } from "./changed.ts";
import { DEL, SADD, SREM } from "../keyspace/key-events.ts";
import type { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ENCODING_HASHTABLE, TYPE_SET } from "../types/kinds.ts";
import type { Sets } from "../types/set.ts";
import { Value } from "../types/value.ts";
import { isTypeOrReply, openOrReply, SYNTAX_ERROR, value, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { ScanOptions } from "./scan-arguments.ts";
import {
  INVALID_CURSOR,
  matchesPattern,
  parseCursor,
  resetScanOptions,
  SCAN_BUCKETS_PER_ELEMENT,
  scanOptionOrReply,
} from "./scan-arguments.ts";
import type { Session } from "./session.ts";

const set = new Value();
const target = new Value();

function sadd(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const { store } = session.engine.keyspace;
  const { sets } = store;
  const found = db.find(bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_SET, set, reply);
  if (entry === WRONG) return;
  const hint = args.count - 2;
  if (entry === NULL_REF) sets.create(set, bytes, args.start(2), args.end(2), hint);
  else sets.expect(set, hint);
  let added = 0;
  for (let i = 2; i < args.count; i++) {
    if (sets.add(set, bytes, args.start(i), args.end(i))) added++;
  }
  if (entry === NULL_REF) db.create(bytes, args.start(1), args.end(1), TYPE_SET, set);
  else db.save(entry, set);
  changed(session, args, 1, SADD, added);
  reply.integer(added);
}

function srem(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const { store } = session.engine.keyspace;
  const { sets } = store;
  const found = db.find(bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_SET, set, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.integer(0);
  let left = sets.length(set);
  const before = left;
  for (let i = 2; i < args.count && left > 0; i++) {
    if (sets.remove(set, bytes, args.start(i), args.end(i))) left--;
  }
  db.save(entry, set);
  changed(session, args, 1, SREM, before - left);
  if (left === 0) removeEmpty(session, args, entry);
  reply.integer(before - left);
}

function smove(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const { store } = session.engine.keyspace;
  const { sets } = store;
  const source = db.find(bytes, args.start(1), args.end(1));
  const destination = db.find(bytes, args.start(2), args.end(2));
  if (source === NULL_REF) return reply.integer(0);
  if (openOrReply(session, source, TYPE_SET, set, reply) === WRONG) return;
  if (!isTypeOrReply(session, destination, TYPE_SET, reply)) return;
  const start = args.start(3);
  const end = args.end(3);
  if (source === destination) return reply.integer(sets.has(set, bytes, start, end) ? 1 : 0);
  if (!sets.remove(set, bytes, start, end)) return reply.integer(0);
  db.save(source, set);
  changed(session, args, 1, SREM);
  if (sets.length(set) === 0) removeEmpty(session, args, source);
  if (destination === NULL_REF) {
    sets.create(target, bytes, start, end, 1);
    sets.add(target, bytes, start, end);
    db.find(bytes, args.start(2), args.end(2));
    db.create(bytes, args.start(2), args.end(2), TYPE_SET, target);
    changed(session, args, 2, SADD);
  } else {
    db.load(destination, target);
    const isNew = sets.add(target, bytes, start, end);
    db.save(destination, target);
    changed(session, args, 2, SADD, isNew ? 1 : 0);
  }
  reply.integer(1);
}

/** Removes the key of the first argument, whose set has no members any more. */
function removeEmpty(session: Session, args: Args, entry: Ref): void {
  session.db.remove(entry);
  happened(session, args, 1, DEL);
}

function sismember(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, reply);
  if (entry === WRONG) return;
  const { sets } = session.engine.keyspace.store;
  const isMember = entry !== NULL_REF && sets.has(set, args.bytes, args.start(2), args.end(2));
  reply.integer(isMember ? 1 : 0);
}

function smismember(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, reply);
  if (entry === WRONG) return;
  const { sets } = session.engine.keyspace.store;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const isMember = entry !== NULL_REF && sets.has(set, args.bytes, args.start(i), args.end(i));
    reply.integer(isMember ? 1 : 0);
  }
}

function scard(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, reply);
  if (entry === WRONG) return;
  reply.integer(entry === NULL_REF ? 0 : session.engine.keyspace.store.sets.length(set));
}

function smembers(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.set(0);
  const { sets } = session.engine.keyspace.store;
  reply.set(sets.length(set));
  const { walk } = sets;
  walk.begin(set);
  while (walk.next()) {
    const { member } = walk;
    reply.bulk(member.bytes, member.start, member.end);
  }
}

const options: ScanOptions = { count: 0, patternAt: 0 };
/** The entries that one call of SSCAN looks at; filled again by the next. */
const batch: Ref[] = [];
const addToBatch = (entry: Ref): void => void batch.push(entry);

function sscan(session: Session, args: Args, reply: Reply): void {
  const from = parseCursor(args, 2);
  if (from === -1) return reply.error(INVALID_CURSOR);
  const entry = readOrReply(session, args, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) {
    reply.array(2);
    reply.bulkInteger(0);
    return reply.array(0);
  }
  resetScanOptions(options);
  for (let i = 3; i < args.count; i += 2) {
    const taken = scanOptionOrReply(options, args, i, reply);
    if (taken === -1) return;
    if (taken === 0) return reply.error(SYNTAX_ERROR);
  }
  const { sets } = session.engine.keyspace.store;
  reply.array(2);
  if (set.encoding === ENCODING_HASHTABLE) scanDict(sets, args, from, reply);
  else scanPacked(sets, args, reply);
}

function scanDict(sets: Sets, args: Args, from: number, reply: Reply): void {
  let cursor = from;
  let left = options.count * SCAN_BUCKETS_PER_ELEMENT;
  do cursor = sets.scan(set, cursor, addToBatch);
  while (cursor !== 0 && left-- > 0 && batch.length < options.count);
  reply.bulkInteger(cursor);
  const place = reply.reserveLength();
  let count = 0;
  for (const entry of batch) {
    sets.entries.read(entry, value);
    if (replyMatching(args, value, reply)) count++;
  }
  reply.patchLength(place, 0x2a, count);
  batch.length = 0;
}

/** A packed set is answered as a whole: so whoever began while it was a dict misses nothing. */
function scanPacked(sets: Sets, args: Args, reply: Reply): void {
  reply.bulkInteger(0);
  const place = reply.reserveLength();
  let count = 0;
  const { walk } = sets;
  walk.begin(set);
  while (walk.next()) if (replyMatching(args, walk.member, reply)) count++;
  reply.patchLength(place, 0x2a, count);
}

function replyMatching(args: Args, member: Slice, reply: Reply): boolean {
  if (!matchesPattern(args, options.patternAt, member)) return false;
  reply.bulk(member.bytes, member.start, member.end);
  return true;
}

/** Opens the set that the first argument names, for reading. */
function readOrReply(session: Session, args: Args, reply: Reply): Ref {
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  return openOrReply(session, entry, TYPE_SET, set, reply);
}

export const setRows: readonly CommandRow[] = [
  {
    name: "sadd",
    memberAt: 2,
    arity: -3,
    flags: "write denyoom fast",
    keys: oneKey("RW insert"),
    since: "1.0.0",
    group: "set",
    summary: "Adds members to a set, which is made if the key does not exist.",
    complexity: "O(1) for each member",
    syntax: "key:key member:string...",
    history: [["2.4.0", "Takes several members."]],
    handler: sadd,
  },
  {
    name: "srem",
    memberAt: 2,
    arity: -3,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "1.0.0",
    group: "set",
    summary: "Removes members from a set; an empty set goes with its key.",
    complexity: "O(N) where N is the number of members to remove",
    syntax: "key:key member:string...",
    history: [["2.4.0", "Takes several members."]],
    handler: srem,
  },
  {
    name: "smove",
    arity: 4,
    flags: "write fast",
    keys: [
      { flags: "RW access delete", begin: 1, find: { last: 0, step: 1 } },
      { flags: "RW insert", begin: 2, find: { last: 0, step: 1 } },
    ],
    since: "1.0.0",
    group: "set",
    summary: "Moves a member from one set to another.",
    complexity: "O(1)",
    syntax: "source:key destination:key#1 member:string",
    handler: smove,
  },
  {
    name: "sismember",
    memberAt: 2,
    arity: 3,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "1.0.0",
    group: "set",
    summary: "Tells whether a set has a member.",
    complexity: "O(1)",
    syntax: "key:key member:string",
    handler: sismember,
  },
  {
    name: "smismember",
    memberAt: 2,
    arity: -3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "6.2.0",
    group: "set",
    summary: "Tells for each of several members whether a set has it.",
    complexity: "O(N) where N is the number of members asked for",
    syntax: "key:key member:string...",
    handler: smismember,
  },
  {
    name: "scard",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "1.0.0",
    group: "set",
    summary: "Returns how many members a set has.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: scard,
  },
  {
    name: "smembers",
    arity: 2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "1.0.0",
    group: "set",
    summary: "Returns all members of a set.",
    complexity: "O(N) where N is the number of members",
    syntax: "key:key",
    tips: ["nondeterministic_output_order"],
    handler: smembers,
  },
  {
    name: "sscan",
    arity: -3,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.8.0",
    group: "set",
    summary: "Returns some members of a set and the cursor at which to go on.",
    complexity: "O(1) for a call, O(N) for all members, where N is their number.",
    syntax: "key:key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    tips: ["nondeterministic_output"],
    handler: sscan,
  },
];
