/** Commands that add elements at the ends of lists, take them from there, and read ranges. */
import { changed } from "./changed.ts";
import { LPUSH, RPUSH } from "../keyspace/key-events.ts";
import { int64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_LIST } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, isTypeOrReply, openOrReply, positionOrReply, WRONG } from "./guards.ts";
import {
  numberAt,
  popElement,
  popElements,
  replyElement,
  replyElements,
} from "./lists-elements.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";

const list = new Value();

function lpush(session: Session, args: Args, reply: Reply): void {
  push(session, args, true, false, reply);
}

function rpush(session: Session, args: Args, reply: Reply): void {
  push(session, args, false, false, reply);
}

function lpushx(session: Session, args: Args, reply: Reply): void {
  push(session, args, true, true, reply);
}

function rpushx(session: Session, args: Args, reply: Reply): void {
  push(session, args, false, true, reply);
}

/** @param existing whether the list must exist already */
function push(session: Session, args: Args, front: boolean, existing: boolean, reply: Reply): void {
  const { db } = session;
  const { lists } = session.engine.keyspace.store;
  const { bytes, count } = args;
  const entry = db.find(bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) {
    if (existing) return reply.integer(0);
    lists.create(list);
  } else {
    if (!isTypeOrReply(session, entry, TYPE_LIST, reply)) return;
    db.load(entry, list);
  }
  let size = 0;
  for (let i = 2; i < count; i++) size += args.length(i);
  lists.grow(list, count - 2, size);
  if (front || count === 3) {
    for (let i = 2; i < count; i++) lists.push(list, front, bytes, args.start(i), args.end(i));
  } else {
    lists.append(list, bytes, args.places, 2, count);
  }
  if (entry === NULL_REF) db.create(bytes, args.start(1), args.end(1), TYPE_LIST, list);
  else db.save(entry, list);
  changed(session, args, 1, front ? LPUSH : RPUSH, count - 2);
  reply.integer(lists.length(list));
}

function lpop(session: Session, args: Args, reply: Reply): void {
  pop(session, args, true, reply);
}

function rpop(session: Session, args: Args, reply: Reply): void {
  pop(session, args, false, reply);
}

function pop(session: Session, args: Args, front: boolean, reply: Reply): void {
  if (args.count > 3) {
    return reply.error(`ERR wrong number of arguments for '${front ? "lpop" : "rpop"}' command`);
  }
  const many = args.count === 3;
  const count = many ? numberAt(args, 2) : 1;
  if (!(count >= 0)) return reply.error("ERR value is out of range, must be positive");
  const found = session.db.find(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return many ? reply.nullArray() : reply.null();
  if (!many) popElement(session, args, 1, entry, list, front, reply);
  else if (count === 0) reply.array(0);
  else popElements(session, args, 1, entry, list, front, count, reply);
}

function llen(session: Session, args: Args, reply: Reply): void {
  const found = session.db.read(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  reply.integer(entry === NULL_REF ? 0 : session.engine.keyspace.store.lists.length(list));
}

function lrange(session: Session, args: Args, reply: Reply): void {
  let first = positionOrReply(args, 2, reply);
  if (Number.isNaN(first)) return;
  let last = positionOrReply(args, 3, reply);
  if (Number.isNaN(last)) return;
  const { store } = session.engine.keyspace;
  const found = session.db.read(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.array(0);
  const length = store.lists.length(list);
  if (first < 0) first = Math.max(0, length + first);
  if (last < 0) last = length + last;
  const count = Math.min(last, length - 1) - first + 1;
  replyElements(store, list, first, Math.max(0, count), true, reply);
}

function lindex(session: Session, args: Args, reply: Reply): void {
  const { store } = session.engine.keyspace;
  const found = session.db.read(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.null();
  if (!int64OrReply(args, 2, reply)) return;
  if (store.lists.seek(list, toNumber(int64.low, int64.high))) replyElement(store, reply);
  else reply.null();
}

const PUSHES = {
  arity: -3,
  flags: "write denyoom fast",
  keys: oneKey("RW insert"),
  group: "list",
  complexity: "O(N) where N is the number of elements added",
  syntax: "key:key element:string...",
} as const;

const POPS = {
  arity: -2,
  flags: "write fast",
  keys: oneKey("RW access delete"),
  since: "1.0.0",
  group: "list",
  complexity: "O(N) where N is the number of elements returned",
  syntax: "key:key [count:integer@6.2.0]",
  history: [["6.2.0", "The argument `count`."]],
} as const;

export const listRows: readonly CommandRow[] = [
  {
    ...PUSHES,
    name: "lpush",
    since: "1.0.0",
    summary: "Adds elements at the head of a list, one after another.",
    history: [["2.4.0", "Takes several elements."]],
    handler: lpush,
  },
  {
    ...PUSHES,
    name: "rpush",
    since: "1.0.0",
    summary: "Adds elements at the tail of a list.",
    history: [["2.4.0", "Takes several elements."]],
    handler: rpush,
  },
  {
    ...PUSHES,
    name: "lpushx",
    since: "2.2.0",
    summary: "Adds elements at the head of a list if there is one.",
    history: [["4.0.0", "Takes several elements."]],
    handler: lpushx,
  },
  {
    ...PUSHES,
    name: "rpushx",
    since: "2.2.0",
    summary: "Adds elements at the tail of a list if there is one.",
    history: [["4.0.0", "Takes several elements."]],
    handler: rpushx,
  },
  {
    ...POPS,
    name: "lpop",
    summary: "Removes and returns elements from the head of a list.",
    handler: lpop,
  },
  {
    ...POPS,
    name: "rpop",
    summary: "Removes and returns elements from the tail of a list.",
    handler: rpop,
  },
  {
    name: "llen",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "1.0.0",
    group: "list",
    summary: "Returns how many elements a list has.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: llen,
  },
  {
    name: "lrange",
    arity: 4,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "1.0.0",
    group: "list",
    summary: "Returns the elements of a list between two indexes.",
    complexity:
      "O(S+N) where S is the distance from the nearer end and N is the number of elements",
    syntax: "key:key start:integer stop:integer",
    handler: lrange,
  },
  {
    name: "lindex",
    arity: 3,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "1.0.0",
    group: "list",
    summary: "Returns the element at an index of a list.",
    complexity: "O(N) where N is the distance from the nearer end",
    syntax: "key:key index:integer",
    handler: lindex,
  },
];
