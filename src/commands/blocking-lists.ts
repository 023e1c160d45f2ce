/** List commands that wait for an element if there is none. */
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_LIST } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { Attempt } from "./blocking.ts";
import { timeoutSecondsOrReply } from "./blocking-timeout.ts";
import { isTypeOrReply, openOrReply, WRONG } from "./guards.ts";
import { moveElement, popElement, popElements, sideOrReply } from "./lists-elements.ts";
import { multiPop, multiPopOrReply } from "./multi-pop.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import { tellMove, tellPop } from "./tell.ts";

const list = new Value();

function blpop(session: Session, args: Args, reply: Reply): void {
  const timeoutMs = timeoutSecondsOrReply(session, args, args.count - 1, reply);
  if (Number.isNaN(timeoutMs) || popFirst(session, args, reply)) return;
  session.engine.blocking.block(session, args, 1, args.count - 2, timeoutMs, TYPE_LIST, popFirst);
}

function brpop(session: Session, args: Args, reply: Reply): void {
  const timeoutMs = timeoutSecondsOrReply(session, args, args.count - 1, reply);
  if (Number.isNaN(timeoutMs) || popLast(session, args, reply)) return;
  session.engine.blocking.block(session, args, 1, args.count - 2, timeoutMs, TYPE_LIST, popLast);
}

function popFirst(session: Session, args: Args, reply: Reply): boolean {
  return popAny(session, args, true, reply);
}

function popLast(session: Session, args: Args, reply: Reply): boolean {
  return popAny(session, args, false, reply);
}

/** Pops from the first of the keys that holds a list. Returns false if none does, with nothing answered. */
function popAny(session: Session, args: Args, front: boolean, reply: Reply): boolean {
  const { db } = session;
  const { bytes } = args;
  for (let i = 1; i < args.count - 1; i++) {
    const found = db.find(bytes, args.start(i), args.end(i));
    const entry = openOrReply(session, found, TYPE_LIST, list, reply);
    if (entry === WRONG) return true;
    if (entry === NULL_REF) continue;
    reply.array(2);
    reply.bulk(bytes, args.start(i), args.end(i));
    popElement(session, args, i, entry, list, front, reply);
    tellPop(session, args, i, front ? "LPOP" : "RPOP", 0);
    return true;
  }
  return false;
}

function blmove(session: Session, args: Args, reply: Reply): void {
  if (sideOrReply(args, 3, reply) === -1 || sideOrReply(args, 4, reply) === -1) return;
  const timeoutMs = timeoutSecondsOrReply(session, args, 5, reply);
  if (Number.isNaN(timeoutMs) || moveSides(session, args, reply)) return;
  waitToMove(session, args, timeoutMs, moveSides, reply);
}

function brpoplpush(session: Session, args: Args, reply: Reply): void {
  const timeoutMs = timeoutSecondsOrReply(session, args, 3, reply);
  if (Number.isNaN(timeoutMs) || moveLast(session, args, reply)) return;
  waitToMove(session, args, timeoutMs, moveLast, reply);
}

/** Where nobody waits, these two answer that there is no element, and not what they do when their time is over. */
function waitToMove(
  session: Session,
  args: Args,
  timeoutMs: number,
  attempt: Attempt,
  reply: Reply,
): void {
  if (!session.mayWait) return reply.null();
  session.engine.blocking.block(session, args, 1, 1, timeoutMs, TYPE_LIST, attempt);
}

function moveSides(session: Session, args: Args, reply: Reply): boolean {
  return move(session, args, args.is(3, "LEFT"), args.is(4, "LEFT"), reply);
}

function moveLast(session: Session, args: Args, reply: Reply): boolean {
  return move(session, args, false, true, reply);
}

/** Moves an element. Returns false if there is none, with nothing answered: what the target holds does not matter then. */
function move(
  session: Session,
  args: Args,
  fromFront: boolean,
  toFront: boolean,
  reply: Reply,
): boolean {
  const { db } = session;
  const { bytes } = args;
  const found = db.find(bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return true;
  if (entry === NULL_REF) return false;
  const target = db.find(bytes, args.start(2), args.end(2));
  if (!isTypeOrReply(session, target, TYPE_LIST, reply)) return true;
  moveElement(session, args, entry, list, fromFront, target, toFront, reply);
  tellMove(session, args, fromFront, toFront);
  return true;
}

function blmpop(session: Session, args: Args, reply: Reply): void {
  if (!multiPopOrReply(args, 2, "LEFT", "RIGHT", reply)) return;
  const timeoutMs = timeoutSecondsOrReply(session, args, 1, reply);
  if (Number.isNaN(timeoutMs) || popMany(session, args, reply)) return;
  const { keyAt, keyCount } = multiPop;
  session.engine.blocking.block(session, args, keyAt, keyCount, timeoutMs, TYPE_LIST, popMany);
}

function popMany(session: Session, args: Args, reply: Reply): boolean {
  multiPopOrReply(args, 2, "LEFT", "RIGHT", reply);
  const { keyAt, keyCount, first, count } = multiPop;
  const { db } = session;
  const { bytes } = args;
  for (let i = keyAt; i < keyAt + keyCount; i++) {
    const found = db.find(bytes, args.start(i), args.end(i));
    const entry = openOrReply(session, found, TYPE_LIST, list, reply);
    if (entry === WRONG) return true;
    if (entry === NULL_REF) continue;
    reply.array(2);
    reply.bulk(bytes, args.start(i), args.end(i));
    const taken = popElements(session, args, i, entry, list, first, count, reply);
    tellPop(session, args, i, first ? "LPOP" : "RPOP", taken);
    return true;
  }
  return false;
}

const POPS = {
  arity: -3,
  flags: "write noscript blocking",
  keys: [{ flags: "RW access delete", begin: 1, find: { last: -2, step: 1 } }],
  since: "2.0.0",
  group: "list",
  complexity: "O(N) where N is the number of keys",
  syntax: "key:key... timeout:double",
  history: [["6.0.0", "The timeout may have a fraction."]],
} as const;

const MOVES_KEYS = [
  { flags: "RW access delete", begin: 1, find: { last: 0, step: 1 } },
  { flags: "RW insert", begin: 2, find: { last: 0, step: 1 } },
] as const;

export const blockingListRows: readonly CommandRow[] = [
  {
    ...POPS,
    name: "blpop",
    summary: "Removes and returns the first element of a list, or waits for one.",
    handler: blpop,
  },
  {
    ...POPS,
    name: "brpop",
    summary: "Removes and returns the last element of a list, or waits for one.",
    handler: brpop,
  },
  {
    name: "blmove",
    arity: 6,
    flags: "write denyoom noscript blocking",
    keys: MOVES_KEYS,
    since: "6.2.0",
    group: "list",
    summary: "Moves an element from an end of one list to an end of another, or waits for one.",
    complexity: "O(1)",
    syntax:
      "source:key destination:key#1 wherefrom:<left:LEFT|right:RIGHT> " +
      "whereto:<left:LEFT|right:RIGHT> timeout:double",
    handler: blmove,
  },
  {
    name: "brpoplpush",
    arity: 4,
    flags: "write denyoom noscript blocking",
    keys: MOVES_KEYS,
    since: "2.2.0",
    group: "list",
    summary: "Moves the last element of one list to the head of another, or waits for one.",
    complexity: "O(1)",
    deprecated: { since: "6.2.0", replacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments" },
    syntax: "source:key destination:key#1 timeout:double",
    history: [["6.0.0", "The timeout may have a fraction."]],
    handler: brpoplpush,
  },
  {
    name: "blmpop",
    arity: -5,
    flags: "write blocking movablekeys",
    keys: [{ flags: "RW access delete", begin: 2, find: { countAt: 0, firstKey: 1, step: 1 } }],
    since: "7.0.0",
    group: "list",
    summary: "Removes and returns elements of the first of several lists that has any, or waits.",
    complexity: "O(N+M) where N is the number of keys and M is the number of elements returned",
    syntax:
      "timeout:double numkeys:integer key:key... where:<left:LEFT|right:RIGHT> " +
      "[COUNT count:integer]",
    handler: blmpop,
  },
];
