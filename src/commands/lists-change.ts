/** Commands that change lists in their middle, or cut them. */
import { changed, happened } from "./changed.ts";
import { DEL, LINSERT, LREM, LSET, LTRIM } from "../keyspace/key-events.ts";
import { int64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_LIST } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import {
  int64OrReply,
  NO_SUCH_KEY,
  openOrReply,
  positionOrReply,
  SYNTAX_ERROR,
  WRONG,
} from "./guards.ts";
import { settle } from "./lists-elements.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";

const list = new Value();

function lset(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { store } = session.engine.keyspace;
  const found = db.find(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.error(NO_SUCH_KEY);
  if (!int64OrReply(args, 2, reply)) return;
  const { lists } = store;
  if (!lists.seek(list, toNumber(int64.low, int64.high))) {
    return reply.error("ERR index out of range");
  }
  lists.replace(list, args.bytes, args.start(3), args.end(3));
  changed(session, args, 1, LSET);
  settle(session, args, 1, entry, list);
  reply.ok();
}

function linsert(session: Session, args: Args, reply: Reply): void {
  const after = args.is(2, "AFTER");
  if (!after && !args.is(2, "BEFORE")) return reply.error(SYNTAX_ERROR);
  const { db } = session;
  const { store } = session.engine.keyspace;
  const { bytes } = args;
  const found = db.find(bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.integer(0);
  const { lists } = store;
  lists.seek(list, 0);
  if (!lists.find(bytes, args.start(3), args.end(3))) return reply.integer(-1);
  lists.insert(list, after, bytes, args.start(4), args.end(4));
  db.save(entry, list);
  changed(session, args, 1, LINSERT);
  reply.integer(lists.length(list));
}

function lrem(session: Session, args: Args, reply: Reply): void {
  const count = positionOrReply(args, 2, reply);
  if (Number.isNaN(count)) return;
  const { db } = session;
  const found = db.find(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.integer(0);
  const most = count === 0 ? Infinity : Math.abs(count);
  const removed = removeEqual(session, args, count >= 0, most);
  if (removed > 0) {
    changed(session, args, 1, LREM, removed);
    settle(session, args, 1, entry, list);
  }
  reply.integer(removed);
}

/** Removes up to `most` elements that equal the fourth argument, and returns how many there were. */
function removeEqual(session: Session, args: Args, forward: boolean, most: number): number {
  const { lists } = session.engine.keyspace.store;
  const { bytes } = args;
  const start = args.start(3);
  const end = args.end(3);
  let removed = 0;
  let more = lists.seek(list, forward ? 0 : -1);
  while (more && removed < most) {
    if (forward ? lists.find(bytes, start, end) : lists.equals(bytes, start, end)) {
      removed++;
      more = lists.remove(list, forward);
    } else {
      more = !forward && lists.step(false);
    }
  }
  return removed;
}

function ltrim(session: Session, args: Args, reply: Reply): void {
  let first = positionOrReply(args, 2, reply);
  if (Number.isNaN(first)) return;
  let last = positionOrReply(args, 3, reply);
  if (Number.isNaN(last)) return;
  const { db } = session;
  const { store } = session.engine.keyspace;
  const found = db.find(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return reply.ok();
  const { lists } = store;
  const length = lists.length(list);
  if (first < 0) first = Math.max(0, length + first);
  if (last < 0) last = length + last;
  last = Math.min(last, length - 1);
  store.changes += first > last ? length : length - (last + 1 - first);
  // Even if it cuts nothing off.
  happened(session, args, 1, LTRIM);
  if (first > last) {
    db.remove(entry);
    happened(session, args, 1, DEL);
  } else {
    lists.removeRange(list, last + 1, length - 1 - last);
    lists.removeRange(list, 0, first);
    settle(session, args, 1, entry, list);
  }
  reply.ok();
}

export const listChangeRows: readonly CommandRow[] = [
  {
    name: "lset",
    arity: 4,
    flags: "write denyoom",
    keys: oneKey("RW update"),
    since: "1.0.0",
    group: "list",
    summary: "Replaces the element at an index of a list.",
    complexity: "O(N) where N is the distance from the nearer end",
    syntax: "key:key index:integer element:string",
    handler: lset,
  },
  {
    name: "linsert",
    arity: 5,
    flags: "write denyoom",
    keys: oneKey("RW insert"),
    since: "2.2.0",
    group: "list",
    summary: "Adds an element before or behind the first one of a certain value.",
    complexity: "O(N) where N is the number of elements before that one",
    syntax: "key:key where:<before:BEFORE|after:AFTER> pivot:string element:string",
    handler: linsert,
  },
  {
    name: "lrem",
    arity: 4,
    flags: "write",
    keys: oneKey("RW delete"),
    since: "1.0.0",
    group: "list",
    summary: "Removes elements of a certain value from a list.",
    complexity: "O(N+M) where N is the length of the list and M is the number of elements removed",
    syntax: "key:key count:integer element:string",
    handler: lrem,
  },
  {
    name: "ltrim",
    arity: 4,
    flags: "write",
    keys: oneKey("RW delete"),
    since: "1.0.0",
    group: "list",
    summary: "Removes the elements of a list outside of a range.",
    complexity: "O(N) where N is the number of elements removed",
    syntax: "key:key start:integer stop:integer",
    handler: ltrim,
  },
];
