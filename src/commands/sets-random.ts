/** Commands that take members of a set by chance, and leave them in it or not. */
import { changed, happened } from "./changed.ts";
import { DEL, SPOP } from "../keyspace/key-events.ts";
import { RANDOM_REPEATS_MAX } from "../base/limits.ts";
import { EFFECT_ARGUMENTS_MAX } from "../base/limits.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Random } from "../base/random.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, TYPE_SET } from "../types/kinds.ts";
import type { Sets } from "../types/set.ts";
import type { SetWalk } from "../types/set-walk.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, openOrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { tellDelete } from "./tell.ts";

const NOT_POSITIVE = "ERR value is out of range, must be positive";
const TOO_MANY = "ERR value is out of range";
const OUT_OF_RANGE =
  "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";

/** Choosing one by one until enough differ is cheaper than going through all if at most a third are wanted. */
const FEW_SHARE = 3;
/** Members of a packed set that are popped one by one; for more of them the rest is packed anew. */
const POPPED_SINGLY_MAX = 16;
/** A dict is left to be freed, and what remains moved, if that is less than a fifth of what is popped. */
const MOVE_SHARE = 5;

/** Members that one effect names. */
const POPPED_TOLD: number = EFFECT_ARGUMENTS_MAX - 2;

const set = new Value();
/** What stays behind, or was chosen already. */
const other = new Value();

function spop(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return reply.error(SYNTAX_ERROR);
  const { db } = session;
  const { store } = session.engine.keyspace;
  const { sets, random } = store;
  const hasCount = args.count === 3;
  let count = 1;
  if (hasCount) {
    const isInteger = parseInt64(args.bytes, args.start(2), args.end(2));
    if (!isInteger || int64.high < 0) return reply.error(NOT_POSITIVE);
    count = toNumber(int64.low, int64.high);
  }
  const found = db.find(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_SET, set, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return hasCount ? reply.set(0) : reply.null();
  const length = sets.length(set);
  count = Math.min(count, length);
  if (hasCount) reply.set(count);
  changed(session, args, 1, SPOP, count);
  const { walk } = sets;
  if (count === length) {
    walk.begin(set);
    while (walk.next()) replyMember(walk, reply);
    db.remove(entry);
    tellDelete(session, args, 1);
    happened(session, args, 1, DEL);
  } else if (set.encoding === ENCODING_HASHTABLE) {
    // What stays behind keeps its times, which moving it would lose.
    const single = set.timed !== NULL_REF || (length - count) * MOVE_SHARE > count;
    if (single) popSingly(session, args, count, reply);
    else popMost(session, args, length - count, reply);
    db.save(entry, set);
  } else {
    if (set.timed !== NULL_REF || count <= POPPED_SINGLY_MAX)
      popSingly(session, args, count, reply);
    else popPacked(session, args, random, count, reply);
    db.save(entry, set);
  }
}

function popSingly(session: Session, args: Args, count: number, reply: Reply): void {
  const { sets } = session.engine.keyspace.store;
  const { walk } = sets;
  for (let left = count; left > 0; left--) {
    walk.random(set);
    replyMember(walk, reply);
    tellPopped(session, args, walk, left);
    sets.removeAt(set, walk);
  }
}

/** Pops all members of a dict but `remaining`, which are moved to a set of their own. */
function popMost(session: Session, args: Args, remaining: number, reply: Reply): void {
  const { store, reclaimer } = session.engine.keyspace;
  const { sets } = store;
  const { walk } = sets;
  for (let left = remaining; left > 0; left--) {
    walk.random(set);
    const { bytes, start, end } = walk.member;
    if (left === remaining) sets.create(other, bytes, start, end, 1);
    sets.addNewWalked(other, walk);
    sets.removeAt(set, walk);
  }
  let left = sets.length(set);
  walk.begin(set);
  for (; walk.next(); left--) {
    replyMember(walk, reply);
    tellPopped(session, args, walk, left);
  }
  reclaimer.freeCollection(sets, set);
  set.set(other.encoding, other.block);
}

/** Pops members of a packed set, the others being packed anew: one pass for all. */
function popPacked(
  session: Session,
  args: Args,
  random: Random,
  count: number,
  reply: Reply,
): void {
  const { sets } = session.engine.keyspace.store;
  const { walk } = sets;
  sets.createLike(other, set);
  let wanted = count;
  let left = sets.length(set);
  walk.begin(set);
  for (; walk.next(); left--) {
    if (random.below(left) < wanted) {
      replyMember(walk, reply);
      tellPopped(session, args, walk, wanted--);
    } else {
      sets.appendWalked(other, walk);
    }
  }
  sets.freeSmall(set);
  set.set(other.encoding, other.block);
}

/** The member of the walk is popped, and `left` are to be, it included: they are told in effects of bounded length. */
function tellPopped(session: Session, args: Args, walk: SetWalk, left: number): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  if (effects.told === 0 || left % POPPED_TOLD === 0) {
    const first = effects.told === 0 && left % POPPED_TOLD !== 0 ? left % POPPED_TOLD : POPPED_TOLD;
    effects.begin(session.db.index, 2 + first);
    effects.text("SREM");
    effects.argument(args, 1);
  }
  const { member } = walk;
  effects.bytes(member.bytes, member.start, member.end);
}

function srandmember(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return reply.error(SYNTAX_ERROR);
  const hasCount = args.count === 3;
  let count = 1;
  if (hasCount) {
    if (!int64OrReply(args, 2, reply)) return;
    if (int64.low === 0 && int64.high === -0x80000000) return reply.error(OUT_OF_RANGE);
    count = toNumber(int64.low, int64.high);
  }
  const { store } = session.engine.keyspace;
  const { sets } = store;
  const entry = readOrReply(session, args, reply);
  if (entry === WRONG) return;
  const { walk } = sets;
  if (!hasCount) {
    if (entry === NULL_REF) return reply.null();
    walk.random(set);
    return replyMember(walk, reply);
  }
  if (entry === NULL_REF || count === 0) return reply.array(0);
  if (count < 0) {
    if (-count > RANDOM_REPEATS_MAX) return reply.error(TOO_MANY);
    reply.array(-count);
    for (let left = -count; left > 0 && !reply.overflowed; left--) {
      walk.random(set);
      replyMember(walk, reply);
    }
    return;
  }
  const length = sets.length(set);
  const chosen = Math.min(count, length);
  reply.array(chosen);
  const isFew = chosen * FEW_SHARE <= length && (isDict() || set.encoding === ENCODING_INTSET);
  if (isFew) chooseFew(session, chosen, reply);
  else chooseMany(sets, store.random, chosen, length, reply);
}

function isDict(): boolean {
  return set.encoding === ENCODING_HASHTABLE;
}

/** Answers `count` different members, chosen one by one. */
function chooseFew(session: Session, count: number, reply: Reply): void {
  const { store, reclaimer } = session.engine.keyspace;
  const { sets } = store;
  const { walk } = sets;
  if (isDict()) sets.createDict(other);
  else sets.createIntset(other);
  for (let left = count; left > 0;) {
    walk.random(set);
    if (!sets.addWalked(other, walk)) continue;
    replyMember(walk, reply);
    left--;
  }
  reclaimer.freeCollection(sets, other);
}

/** Answers `count` different members, going through all: each is taken with the chance that leaves the others theirs. */
function chooseMany(sets: Sets, random: Random, count: number, length: number, reply: Reply): void {
  const { walk } = sets;
  let wanted = count;
  walk.begin(set);
  for (let left = length; wanted > 0 && walk.next(); left--) {
    if (random.below(left) >= wanted) continue;
    wanted--;
    replyMember(walk, reply);
  }
}

function replyMember(walk: SetWalk, reply: Reply): void {
  const { member } = walk;
  reply.bulk(member.bytes, member.start, member.end);
}

/** Opens the set that the first argument names, for reading. */
function readOrReply(session: Session, args: Args, reply: Reply): Ref {
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  return openOrReply(session, entry, TYPE_SET, set, reply);
}

export const setRandomRows: readonly CommandRow[] = [
  {
    name: "spop",
    arity: -2,
    flags: "write fast",
    keys: oneKey("RW access delete"),
    since: "1.0.0",
    group: "set",
    summary: "Removes members of a set by chance and returns them; an empty set goes with its key.",
    complexity: "O(1) without a count, else O(N) where N is the count",
    syntax: "key:key [count:integer@3.2.0]",
    history: [["3.2.0", "The argument `count`."]],
    tips: ["nondeterministic_output"],
    handler: spop,
  },
  {
    name: "srandmember",
    arity: -2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "1.0.0",
    group: "set",
    summary: "Returns members of a set by chance.",
    complexity: "O(1) without a count, else O(N) where N is the count without its sign",
    syntax: "key:key [count:integer@2.6.0]",
    history: [["2.6.0", "The argument `count`."]],
    tips: ["nondeterministic_output"],
    handler: srandmember,
  },
];
