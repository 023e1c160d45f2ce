/**
 * Commands on several sets: what they have in common (SINTER), have in all (SUNION), what the first has alone (SDIFF); each
 * answered, counted or stored. A key that does not exist is an empty set.
 */
import { changed } from "./changed.ts";
import { DEL, SDIFFSTORE, SINTERSTORE, SUNIONSTORE } from "../keyspace/key-events.ts";
import type { KeyEvent } from "../keyspace/key-events.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { countDense, DENSE_BYTES, raiseDense } from "../types/hyperloglog-dense.ts";
import { estimate } from "../types/hyperloglog-estimator.ts";
import { locateElement, place } from "../types/hyperloglog-hash.ts";
import { TYPE_SET } from "../types/kinds.ts";
import type { SetAlgebra } from "../types/set-algebra.ts";
import { Value } from "../types/value.ts";
import { openOrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { CommandRow, KeySpec } from "./row.ts";
import type { Session } from "./session.ts";

const set = new Value();
/** What was computed, to be stored, or to remember what was answered. */
const result = new Value();

/** The sets of a command as they were opened. */
const opened = {
  /** The first one is missing. */
  isFirstMissing: false,
  /** One of them is missing. */
  isAnyMissing: false,
};

/** Hands the sets of the keys args[from, to) to the algebra; else answers an error. */
function openAllOrReply(
  session: Session,
  args: Args,
  from: number,
  to: number,
  reply: Reply,
): boolean {
  const { db } = session;
  const { setAlgebra } = session.engine.keyspace.store;
  setAlgebra.clear();
  opened.isFirstMissing = false;
  opened.isAnyMissing = false;
  for (let i = from; i < to; i++) {
    const found = db.read(args.bytes, args.start(i), args.end(i));
    const entry = openOrReply(session, found, TYPE_SET, set, reply);
    if (entry === WRONG) return false;
    if (entry !== NULL_REF) {
      setAlgebra.push(set);
    } else {
      opened.isAnyMissing = true;
      if (i === from) opened.isFirstMissing = true;
    }
  }
  return true;
}

// ---- answering ----

function sinter(session: Session, args: Args, reply: Reply): void {
  if (!openAllOrReply(session, args, 1, args.count, reply)) return;
  if (opened.isAnyMissing) return reply.set(0);
  const { setAlgebra } = session.engine.keyspace.store;
  const from = reply.reserveLength();
  let count = 0;
  setAlgebra.beginIntersection();
  for (; setAlgebra.nextCommon(); count++) replyMember(setAlgebra, reply);
  patchSet(reply, from, count);
}

function sunion(session: Session, args: Args, reply: Reply): void {
  if (!openAllOrReply(session, args, 1, args.count, reply)) return;
  const { store, reclaimer } = session.engine.keyspace;
  const { setAlgebra, sets } = store;
  const from = reply.reserveLength();
  let count = 0;
  setAlgebra.createUnion(result);
  for (let i = 0; i < setAlgebra.count; i++) {
    setAlgebra.beginSource(i);
    for (; setAlgebra.nextAdded(result); count++) replyMember(setAlgebra, reply);
  }
  reclaimer.freeCollection(sets, result);
  patchSet(reply, from, count);
}

function sdiff(session: Session, args: Args, reply: Reply): void {
  if (!openAllOrReply(session, args, 1, args.count, reply)) return;
  if (opened.isFirstMissing) return reply.set(0);
  const { store, reclaimer } = session.engine.keyspace;
  const { setAlgebra, sets } = store;
  if (setAlgebra.isLookupCheaper) {
    const from = reply.reserveLength();
    let count = 0;
    setAlgebra.beginDifference();
    for (; setAlgebra.nextAlone(); count++) replyMember(setAlgebra, reply);
    return patchSet(reply, from, count);
  }
  setAlgebra.subtract(result, false);
  reply.set(sets.length(result));
  setAlgebra.beginResult(result);
  while (setAlgebra.next()) replyMember(setAlgebra, reply);
  reclaimer.freeCollection(sets, result);
}

function replyMember(algebra: SetAlgebra, reply: Reply): void {
  const { member } = algebra;
  reply.bulk(member.bytes, member.start, member.end);
}

function patchSet(reply: Reply, from: number, count: number): void {
  reply.patchLength(from, reply.version === 3 ? 0x7e : 0x2a, count);
}

// ---- storing ----

function sinterstore(session: Session, args: Args, reply: Reply): void {
  if (!openAllOrReply(session, args, 2, args.count, reply)) return;
  const { setAlgebra, sets } = session.engine.keyspace.store;
  sets.createIntset(result);
  if (!opened.isAnyMissing) {
    setAlgebra.beginIntersection();
    while (setAlgebra.nextCommon()) sets.addNewWalked(result, setAlgebra.walk);
  }
  storeResult(session, args, SINTERSTORE, reply);
}

function sunionstore(session: Session, args: Args, reply: Reply): void {
  if (!openAllOrReply(session, args, 2, args.count, reply)) return;
  const { setAlgebra } = session.engine.keyspace.store;
  setAlgebra.createStoredUnion(result);
  for (let i = 0; i < setAlgebra.count; i++) {
    setAlgebra.beginSource(i);
    while (setAlgebra.nextAdded(result));
  }
  storeResult(session, args, SUNIONSTORE, reply);
}

function sdiffstore(session: Session, args: Args, reply: Reply): void {
  if (!openAllOrReply(session, args, 2, args.count, reply)) return;
  const { setAlgebra, sets } = session.engine.keyspace.store;
  if (opened.isFirstMissing) {
    sets.createIntset(result);
  } else if (setAlgebra.isLookupCheaper) {
    sets.createIntset(result);
    setAlgebra.beginDifference();
    while (setAlgebra.nextAlone()) sets.addNewWalked(result, setAlgebra.walk);
  } else {
    setAlgebra.subtract(result, true);
  }
  storeResult(session, args, SDIFFSTORE, reply);
}

/** Puts the result in the place of whatever the first argument names, which may be one of the sets. */
function storeResult(session: Session, args: Args, event: KeyEvent, reply: Reply): void {
  const { db } = session;
  const { store, reclaimer } = session.engine.keyspace;
  const { sets } = store;
  const count = sets.length(result);
  const start = args.start(1);
  const end = args.end(1);
  const old = db.find(args.bytes, start, end);
  if (old !== NULL_REF) db.remove(old);
  if (count > 0) {
    db.create(args.bytes, start, end, TYPE_SET, result, old === NULL_REF);
    changed(session, args, 1, event);
  } else {
    reclaimer.freeCollection(sets, result);
    if (old !== NULL_REF) changed(session, args, 1, DEL);
  }
  reply.integer(count);
}

// ---- counting ----

/** How the result is counted. */
const counting = {
  /** Index of the argument after the keys. */
  keysEnd: 0,
  /** Counting ends there; Infinity if it does not. */
  limit: 0,
  isApproximate: false,
};

/** Reads the number of keys, the options behind them, and opens the sets; else answers an error. */
function parseCountingOrReply(
  session: Session,
  args: Args,
  allowApproximate: boolean,
  reply: Reply,
): boolean {
  counting.limit = Infinity;
  counting.isApproximate = false;
  const isNumber = parseInt64(args.bytes, args.start(1), args.end(1));
  const keys = isNumber ? toNumber(int64.low, int64.high) : 0;
  if (keys <= 0) {
    reply.error("ERR numkeys should be greater than 0");
    return false;
  }
  if (keys > args.count - 2) {
    reply.error("ERR Number of keys can't be greater than number of args");
    return false;
  }
  for (let i = 2 + keys; i < args.count; i++) {
    if (args.is(i, "LIMIT") && i + 1 < args.count) {
      i++;
      const isLimit = parseInt64(args.bytes, args.start(i), args.end(i));
      if (!isLimit || int64.high < 0) {
        reply.error("ERR LIMIT can't be negative");
        return false;
      }
      const limit = toNumber(int64.low, int64.high);
      counting.limit = limit === 0 ? Infinity : limit;
    } else if (allowApproximate && args.is(i, "APPROX")) {
      counting.isApproximate = true;
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  return openAllOrReply(session, args, 2, 2 + keys, reply);
}

function sintercard(session: Session, args: Args, reply: Reply): void {
  if (!parseCountingOrReply(session, args, false, reply)) return;
  if (opened.isAnyMissing) return reply.integer(0);
  const { setAlgebra } = session.engine.keyspace.store;
  const { limit } = counting;
  let count = 0;
  setAlgebra.beginIntersection();
  while (count < limit && setAlgebra.nextCommon()) count++;
  reply.integer(count);
}

function sunioncard(session: Session, args: Args, reply: Reply): void {
  if (!parseCountingOrReply(session, args, true, reply)) return;
  const { store, reclaimer } = session.engine.keyspace;
  const { setAlgebra, sets } = store;
  const { limit } = counting;
  if (counting.isApproximate) return reply.integer(Math.min(estimateUnion(setAlgebra), limit));
  let count = 0;
  setAlgebra.createUnion(result);
  for (let i = 0; i < setAlgebra.count && count < limit; i++) {
    setAlgebra.beginSource(i);
    while (count < limit && setAlgebra.nextAdded(result)) count++;
  }
  reclaimer.freeCollection(sets, result);
  reply.integer(count);
}

/** Registers of a HyperLogLog for the members of a union, and how often each value occurs among them. */
const registers = Buffer.alloc(DENSE_BYTES);
const histogram = new Int32Array(64);

/** About how many members the union has, in 12 KiB whatever their number. */
function estimateUnion(algebra: SetAlgebra): number {
  registers.fill(0);
  for (let i = 0; i < algebra.count; i++) {
    algebra.beginSource(i);
    while (algebra.next()) {
      const { member } = algebra;
      locateElement(member.bytes, member.start, member.end);
      raiseDense(registers, 0, place.register, place.count);
    }
  }
  histogram.fill(0);
  countDense(histogram, registers, 0);
  estimate(histogram);
  return toNumber(int64.low, int64.high);
}

function sdiffcard(session: Session, args: Args, reply: Reply): void {
  if (!parseCountingOrReply(session, args, false, reply)) return;
  if (opened.isFirstMissing) return reply.integer(0);
  const { store, reclaimer } = session.engine.keyspace;
  const { setAlgebra, sets } = store;
  const { limit } = counting;
  // What is looked up can end at the limit; what is subtracted can't.
  if (setAlgebra.isLookupCheaper) {
    let count = 0;
    setAlgebra.beginDifference();
    while (count < limit && setAlgebra.nextAlone()) count++;
    return reply.integer(count);
  }
  setAlgebra.subtract(result, false);
  reply.integer(Math.min(sets.length(result), limit));
  reclaimer.freeCollection(sets, result);
}

const SOURCES: readonly KeySpec[] = [{ flags: "RO access", begin: 1, find: { last: -1, step: 1 } }];
/** As Redis's SINTERSTORE has it, though nothing of the old value stays. */
const INTERSECTION_STORED: readonly KeySpec[] = [
  { flags: "RW update", begin: 1, find: { last: 0, step: 1 } },
  { flags: "RO access", begin: 2, find: { last: -1, step: 1 } },
];
const STORED: readonly KeySpec[] = [
  { flags: "OW update", begin: 1, find: { last: 0, step: 1 } },
  { flags: "RO access", begin: 2, find: { last: -1, step: 1 } },
];
const COUNTED: readonly KeySpec[] = [
  { flags: "RO access", begin: 1, find: { countAt: 0, firstKey: 1, step: 1 } },
];
const INTERSECTION_COMPLEXITY =
  "O(N*M) where N is the number of members of the smallest set and M the number of sets";
const ALL_COMPLEXITY = "O(N) where N is the number of members of all sets";

export const setAlgebraRows: readonly CommandRow[] = [
  {
    name: "sinter",
    arity: -2,
    flags: "readonly",
    keys: SOURCES,
    since: "1.0.0",
    group: "set",
    summary: "Returns the members that several sets have in common.",
    complexity: INTERSECTION_COMPLEXITY,
    syntax: "key:key...",
    tips: ["nondeterministic_output_order"],
    handler: sinter,
  },
  {
    name: "sinterstore",
    arity: -3,
    flags: "write denyoom",
    keys: INTERSECTION_STORED,
    since: "1.0.0",
    group: "set",
    summary: "Stores the members that several sets have in common as a set.",
    complexity: INTERSECTION_COMPLEXITY,
    syntax: "destination:key key:key#1...",
    handler: sinterstore,
  },
  {
    name: "sintercard",
    arity: -3,
    flags: "readonly movablekeys",
    keys: COUNTED,
    since: "7.0.0",
    group: "set",
    summary: "Counts the members that several sets have in common.",
    complexity: INTERSECTION_COMPLEXITY,
    syntax: "numkeys:integer key:key... [LIMIT limit:integer]",
    handler: sintercard,
  },
  {
    name: "sunion",
    arity: -2,
    flags: "readonly",
    keys: SOURCES,
    since: "1.0.0",
    group: "set",
    summary: "Returns the members that at least one of several sets has.",
    complexity: ALL_COMPLEXITY,
    syntax: "key:key...",
    tips: ["nondeterministic_output_order"],
    handler: sunion,
  },
  {
    name: "sunionstore",
    arity: -3,
    flags: "write denyoom",
    keys: STORED,
    since: "1.0.0",
    group: "set",
    summary: "Stores the members that at least one of several sets has as a set.",
    complexity: ALL_COMPLEXITY,
    syntax: "destination:key key:key#1...",
    handler: sunionstore,
  },
  {
    name: "sunioncard",
    arity: -3,
    flags: "readonly movablekeys",
    keys: COUNTED,
    since: "8.10.0",
    group: "set",
    summary: "Counts the members that at least one of several sets has, exactly or about.",
    complexity: ALL_COMPLEXITY,
    syntax: "numkeys:integer key:key... [approx:APPROX] [LIMIT limit:integer]",
    handler: sunioncard,
  },
  {
    name: "sdiff",
    arity: -2,
    flags: "readonly",
    keys: SOURCES,
    since: "1.0.0",
    group: "set",
    summary: "Returns the members of a set that other sets do not have.",
    complexity: ALL_COMPLEXITY,
    syntax: "key:key...",
    tips: ["nondeterministic_output_order"],
    handler: sdiff,
  },
  {
    name: "sdiffstore",
    arity: -3,
    flags: "write denyoom",
    keys: STORED,
    since: "1.0.0",
    group: "set",
    summary: "Stores the members of a set that other sets do not have as a set.",
    complexity: ALL_COMPLEXITY,
    syntax: "destination:key key:key#1...",
    handler: sdiffstore,
  },
  {
    name: "sdiffcard",
    arity: -3,
    flags: "readonly movablekeys",
    keys: COUNTED,
    since: "8.10.0",
    group: "set",
    summary: "Counts the members of a set that other sets do not have.",
    complexity: ALL_COMPLEXITY,
    syntax: "numkeys:integer key:key... [LIMIT limit:integer]",
    handler: sdiffcard,
  },
];
