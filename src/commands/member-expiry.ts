/**
 * Commands on the times at which fields of hashes and members of sets and sorted sets expire: nine for each of the three, all
 * alike but for their letter and the word before the names.
 *
 *   HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field...
 *   SEXPIRE key seconds [NX | XX | GT | LT] MEMBERS nummembers member...
 *   ZEXPIRE likewise
 *
 * The first family is Redis's (7.4), the others are Hutch's own. Each answers an array with one integer a name.
 */
import { changed, happened } from "./changed.ts";
import { DEL, HASH_MEMBERS, SET_MEMBERS, ZSET_MEMBERS } from "../keyspace/key-events.ts";
import type { MemberEvents } from "../keyspace/key-events.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { MemberCollection } from "../types/collection.ts";
import { TYPE_HASH, TYPE_SET, TYPE_ZSET } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { isTypeOrReply, openOrReply } from "./guards.ts";
import { memberTimeOrReply } from "./member-times.ts";
import type { CommandRow, Handler } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { tellMembersGone, tellMemberTimes } from "./tell.ts";

/** What tells the commands on one type from those on another. */
interface Family {
  /** First letter of the commands. */
  readonly letter: string;
  readonly type: number;
  readonly group: string;
  /** The command that removes members, and the one that sets a time in Unix milliseconds. */
  readonly remover: string;
  readonly setter: string;
  /** What stands before the number of names. */
  readonly word: string;
  /** What the names are. */
  readonly noun: string;
  readonly events: MemberEvents;
  readonly since: string;
}

const FAMILIES: readonly Family[] = [
  {
    letter: "h",
    type: TYPE_HASH,
    group: "hash",
    remover: "HDEL",
    setter: "HPEXPIREAT",
    word: "FIELDS",
    noun: "field",
    events: HASH_MEMBERS,
    since: "7.4.0",
  },
  {
    letter: "s",
    type: TYPE_SET,
    group: "set",
    remover: "SREM",
    setter: "SPEXPIREAT",
    word: "MEMBERS",
    noun: "member",
    events: SET_MEMBERS,
    since: "0.1.0",
  },
  {
    letter: "z",
    type: TYPE_ZSET,
    group: "sorted-set",
    remover: "ZREM",
    setter: "ZPEXPIREAT",
    word: "MEMBERS",
    noun: "member",
    events: ZSET_MEMBERS,
    since: "0.1.0",
  },
];

// Answers for one name.
const NO_MEMBER = -2;
const NO_TIME = -1;
const NOT_ALLOWED = 0;
const DONE = 1;
const REMOVED = 2;

// Conditions.
const ALWAYS = 0;
const IF_NONE = 1;
const IF_ANY = 2;
const IF_LATER = 3;
const IF_EARLIER = 4;

const value = new Value();
/** Indexes of the arguments whose members were changed by the command. */
const changedAt: number[] = [];

// ---- arguments ----

/** Index of the first name, or -1 after answering an error. @param at index of the word before their number */
function namesOrReply(
  family: Family,
  args: Args,
  at: number,
  notPositive: string,
  reply: Reply,
): number {
  const { word, noun } = family;
  if (!args.is(at, word)) {
    reply.error(`ERR Mandatory argument ${word} is missing or not at the right position`);
    return -1;
  }
  const isInteger = parseInt64(args.bytes, args.start(at + 1), args.end(at + 1));
  const count = isInteger ? toNumber(int64.low, int64.high) : 0;
  if (count < 1) {
    reply.error(notPositive);
    return -1;
  }
  if (count !== args.count - at - 2) {
    reply.error(`ERR The \`num${noun}s\` parameter must match the number of arguments`);
    return -1;
  }
  return at + 2;
}

function conditionAt(args: Args, index: number): number {
  if (args.is(index, "NX")) return IF_NONE;
  if (args.is(index, "XX")) return IF_ANY;
  if (args.is(index, "GT")) return IF_LATER;
  return args.is(index, "LT") ? IF_EARLIER : ALWAYS;
}

/** Whether the condition lets a member have a time. One without any lives for ever. @param oldMs -1 if it has none */
function isAllowed(condition: number, oldMs: number, dueMs: number): boolean {
  if (condition === ALWAYS) return true;
  if (oldMs === -1) return condition === IF_NONE || condition === IF_EARLIER;
  if (condition === IF_LATER) return dueMs > oldMs;
  if (condition === IF_EARLIER) return dueMs < oldMs;
  return condition === IF_ANY;
}

// ---- setting ----

/** @param unitMs milliseconds in a unit of the time argument @param relative whether it counts from now */
function setter(family: Family, name: string, unitMs: number, relative: boolean): Handler {
  const capital = family.noun === "field" ? "numFields" : "numMembers";
  const notPositive = `ERR Parameter \`${capital}\` should be greater than 0`;
  return (session, args, reply) => {
    const { db, engine } = session;
    const entry = db.find(args.bytes, args.start(1), args.end(1));
    if (!isTypeOrReply(session, entry, family.type, reply)) return;
    const originMs = relative ? engine.clock.nowMs : 0;
    const dueMs = memberTimeOrReply(args, 2, unitMs, originMs, name, reply);
    if (dueMs === -1) return;
    const condition = conditionAt(args, 3);
    const wordAt = condition === ALWAYS ? 3 : 4;
    const first = namesOrReply(family, args, wordAt, notPositive, reply);
    if (first === -1) return;
    if (entry === NULL_REF) return replyMissing(args, first, reply);
    setTimes(session, family, entry, args, first, dueMs, condition, reply);
  };
}

function setTimes(
  session: Session,
  family: Family,
  entry: Ref,
  args: Args,
  first: number,
  dueMs: number,
  condition: number,
  reply: Reply,
): void {
  const { db, engine } = session;
  const { store } = engine.keyspace;
  const collection = store.memberCollections[family.type]!;
  // What a log brings is done to members that may have to go later on.
  const isPast = dueMs <= engine.clock.nowMs && store.expires;
  db.load(entry, value);
  reply.array(args.count - first);
  changedAt.length = 0;
  for (let i = first; i < args.count; i++) {
    const outcome = setTime(session, collection, args, i, dueMs, isPast, condition);
    if (outcome > NOT_ALLOWED) changedAt.push(i);
    reply.integer(outcome);
  }
  if (changedAt.length === 0) return;
  db.save(entry, value);
  const { events } = family;
  changed(session, args, 1, isPast ? events.removed : events.expire, changedAt.length);
  if (collection.length(value) === 0) {
    db.remove(entry);
    happened(session, args, 1, DEL);
  }
  if (isPast) tellMembersGone(session, args, family.remover, changedAt);
  else tellMemberTimes(session, args, family.setter, dueMs, family.word, changedAt);
}

/** Lets the member in an argument expire, or removes it if its time is past. Returns the answer for it. */
function setTime(
  session: Session,
  collection: MemberCollection,
  args: Args,
  index: number,
  dueMs: number,
  isPast: boolean,
  condition: number,
): number {
  const { memberTimes } = session.engine.keyspace.store.kit;
  const { bytes } = args;
  const start = args.start(index);
  const end = args.end(index);
  if (!collection.has(value, bytes, start, end)) return NO_MEMBER;
  const { timed } = value;
  const oldMs = timed === NULL_REF ? -1 : memberTimes.of(timed, bytes, start, end);
  if (!isAllowed(condition, oldMs, dueMs)) return NOT_ALLOWED;
  if (isPast) {
    collection.remove(value, bytes, start, end);
    return REMOVED;
  }
  memberTimes.put(value, bytes, start, end, dueMs);
  return DONE;
}

/** Answers for names of a key that is not there. */
function replyMissing(args: Args, first: number, reply: Reply): void {
  reply.array(args.count - first);
  for (let i = first; i < args.count; i++) reply.integer(NO_MEMBER);
}

// ---- showing and taking away ----

/** @param relative whether what is left is shown, not the time itself */
function shower(family: Family, unitMs: number, relative: boolean): Handler {
  const notPositive = `ERR Number of ${family.noun}s must be a positive integer`;
  return (session, args, reply) => {
    const { db, engine } = session;
    const entry = db.read(args.bytes, args.start(1), args.end(1));
    if (openOrReply(session, entry, family.type, value, reply) !== entry) return;
    const first = namesOrReply(family, args, 2, notPositive, reply);
    if (first === -1) return;
    if (entry === NULL_REF) return replyMissing(args, first, reply);
    const { memberCollections, kit } = engine.keyspace.store;
    const collection = memberCollections[family.type]!;
    const originMs = relative ? engine.clock.nowMs : 0;
    const { timed } = value;
    reply.array(args.count - first);
    for (let i = first; i < args.count; i++) {
      const start = args.start(i);
      const end = args.end(i);
      const dueMs = timed === NULL_REF ? -1 : kit.memberTimes.of(timed, args.bytes, start, end);
      if (dueMs !== -1) reply.integer(Math.ceil((dueMs - originMs) / unitMs));
      else reply.integer(collection.has(value, args.bytes, start, end) ? NO_TIME : NO_MEMBER);
    }
  };
}

function persister(family: Family): Handler {
  const notPositive = `ERR Number of ${family.noun}s must be a positive integer`;
  return (session, args, reply) => {
    const { db, engine } = session;
    const entry = db.find(args.bytes, args.start(1), args.end(1));
    if (openOrReply(session, entry, family.type, value, reply) !== entry) return;
    const first = namesOrReply(family, args, 2, notPositive, reply);
    if (first === -1) return;
    if (entry === NULL_REF) return replyMissing(args, first, reply);
    const { store } = engine.keyspace;
    const collection = store.memberCollections[family.type]!;
    const { timed } = value;
    let any = false;
    reply.array(args.count - first);
    for (let i = first; i < args.count; i++) {
      const start = args.start(i);
      const end = args.end(i);
      if (timed !== NULL_REF && store.kit.memberTimes.forget(timed, args.bytes, start, end)) {
        any = true;
        reply.integer(DONE);
      } else {
        reply.integer(collection.has(value, args.bytes, start, end) ? NO_TIME : NO_MEMBER);
      }
    }
    if (!any) return;
    db.save(entry, value);
    changed(session, args, 1, family.events.persist);
  };
}

// ---- rows ----

const CONDITION = "[condition:<nx:NX|xx:XX|gt:GT|lt:LT>]";

function rowsOf(family: Family): CommandRow[] {
  const { letter, group, noun, word, since } = family;
  const names = `${word} ${noun}s:(num${noun}s:integer ${noun}:string...)`;
  const complexity = `O(N) where N is the number of ${noun}s.`;
  const shared = { since, group, complexity };
  const setting = { ...shared, arity: -6, flags: "write denyoom fast", keys: oneKey("RW update") };
  const showing = { ...shared, arity: -5, flags: "readonly fast", keys: oneKey("RO access") };
  const syntax = `key:key ${names}`;
  return [
    {
      ...setting,
      name: `${letter}expire`,
      summary: `Lets ${noun}s expire after a number of seconds.`,
      syntax: `key:key seconds:integer ${CONDITION} ${names}`,
      handler: setter(family, `${letter}expire`, 1000, true),
    },
    {
      ...setting,
      name: `${letter}pexpire`,
      summary: `Lets ${noun}s expire after a number of milliseconds.`,
      syntax: `key:key milliseconds:integer ${CONDITION} ${names}`,
      handler: setter(family, `${letter}pexpire`, 1, true),
    },
    {
      ...setting,
      name: `${letter}expireat`,
      summary: `Lets ${noun}s expire at a Unix time in seconds.`,
      syntax: `key:key unix-time-seconds:unix-time ${CONDITION} ${names}`,
      handler: setter(family, `${letter}expireat`, 1000, false),
    },
    {
      ...setting,
      name: `${letter}pexpireat`,
      summary: `Lets ${noun}s expire at a Unix time in milliseconds.`,
      syntax: `key:key unix-time-milliseconds:unix-time ${CONDITION} ${names}`,
      handler: setter(family, `${letter}pexpireat`, 1, false),
    },
    {
      ...showing,
      name: `${letter}ttl`,
      summary: `Returns the seconds until ${noun}s expire.`,
      syntax,
      tips: ["nondeterministic_output"],
      handler: shower(family, 1000, true),
    },
    {
      ...showing,
      name: `${letter}pttl`,
      summary: `Returns the milliseconds until ${noun}s expire.`,
      syntax,
      tips: ["nondeterministic_output"],
      handler: shower(family, 1, true),
    },
    {
      ...showing,
      name: `${letter}expiretime`,
      summary: `Returns the Unix time in seconds at which ${noun}s expire.`,
      syntax,
      handler: shower(family, 1000, false),
    },
    {
      ...showing,
      name: `${letter}pexpiretime`,
      summary: `Returns the Unix time in milliseconds at which ${noun}s expire.`,
      syntax,
      handler: shower(family, 1, false),
    },
    {
      ...shared,
      name: `${letter}persist`,
      arity: -5,
      flags: "write fast",
      keys: oneKey("RW update"),
      summary: `Lets ${noun}s live for ever again.`,
      syntax,
      handler: persister(family),
    },
  ];
}

export const memberExpiryRows: readonly CommandRow[] = FAMILIES.flatMap(rowsOf);
