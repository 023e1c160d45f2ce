/** Commands that take elements from one of several lists, or from one list to another. */
import type { Args } from "../protocol/args.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_LIST } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { isTypeOrReply, openOrReply, WRONG } from "./guards.ts";
import { moveElement, popElements, sideOrReply } from "./lists-elements.ts";
import { multiPop, multiPopOrReply } from "./multi-pop.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import { tellPop } from "./tell.ts";

const list = new Value();

function lmove(session: Session, args: Args, reply: Reply): void {
  const fromFront = sideOrReply(args, 3, reply);
  if (fromFront === -1) return;
  const toFront = sideOrReply(args, 4, reply);
  if (toFront === -1) return;
  move(session, args, fromFront, toFront, reply);
}

function rpoplpush(session: Session, args: Args, reply: Reply): void {
  move(session, args, false, true, reply);
}

function move(
  session: Session,
  args: Args,
  fromFront: boolean,
  toFront: boolean,
  reply: Reply,
): void {
  const { db } = session;
  const { bytes } = args;
  const found = db.find(bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.null();
  const target = db.find(bytes, args.start(2), args.end(2));
  if (!isTypeOrReply(session, target, TYPE_LIST, reply)) return;
  moveElement(session, args, entry, list, fromFront, target, toFront, reply);
}

function lmpop(session: Session, args: Args, reply: Reply): void {
  if (!multiPopOrReply(args, 1, "LEFT", "RIGHT", reply)) return;
  const { keyAt, keyCount, first, count } = multiPop;
  const { db } = session;
  const { bytes } = args;
  for (let i = keyAt; i < keyAt + keyCount; i++) {
    const found = db.find(bytes, args.start(i), args.end(i));
    const entry = openOrReply(session, found, TYPE_LIST, list, reply);
    if (entry === WRONG) return;
    if (entry === NULL_REF) continue;
    reply.array(2);
    reply.bulk(bytes, args.start(i), args.end(i));
    const taken = popElements(session, args, i, entry, list, first, count, reply);
    return tellPop(session, args, i, first ? "LPOP" : "RPOP", taken);
  }
  reply.nullArray();
}

const MOVES_KEYS = [
  { flags: "RW access delete", begin: 1, find: { last: 0, step: 1 } },
  { flags: "RW insert", begin: 2, find: { last: 0, step: 1 } },
] as const;

export const listMoveRows: readonly CommandRow[] = [
  {
    name: "lmove",
    arity: 5,
    flags: "write denyoom",
    keys: MOVES_KEYS,
    since: "6.2.0",
    group: "list",
    summary: "Moves an element from an end of one list to an end of another and returns it.",
    complexity: "O(1)",
    syntax:
      "source:key destination:key#1 wherefrom:<left:LEFT|right:RIGHT> whereto:<left:LEFT|right:RIGHT>",
    handler: lmove,
  },
  {
    name: "rpoplpush",
    arity: 3,
    flags: "write denyoom",
    keys: MOVES_KEYS,
    since: "1.2.0",
    group: "list",
    summary: "Moves the last element of one list to the head of another and returns it.",
    complexity: "O(1)",
    deprecated: { since: "6.2.0", replacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments" },
    syntax: "source:key destination:key#1",
    handler: rpoplpush,
  },
  {
    name: "lmpop",
    arity: -4,
    flags: "write movablekeys",
    keys: [{ flags: "RW access delete", begin: 1, find: { countAt: 0, firstKey: 1, step: 1 } }],
    since: "7.0.0",
    group: "list",
    summary: "Removes and returns elements from the first of several lists that has any.",
    complexity: "O(N+M) where N is the number of keys and M is the number of elements returned",
    syntax: "numkeys:integer key:key... where:<left:LEFT|right:RIGHT> [COUNT count:integer]",
    handler: lmpop,
  },
];
