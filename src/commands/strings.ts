/** Commands that get and set one string: GET, SET and the older commands that are forms of the two. */
import { changed, happened } from "./changed.ts";
import { DEL, EXPIRE, PERSIST as PERSISTED, SET } from "../keyspace/key-events.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { isTypeOrReply, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import {
  ABSOLUTE_TIMES,
  COMPARISONS,
  due,
  EX,
  expiryOrReply,
  GET,
  IFEQ,
  IFDEQ,
  isDue,
  KEEPTTL,
  NX,
  options,
  parseOptionsOrReply,
  PERSIST,
  PX,
  TIMES,
  XX,
} from "./string-options.ts";
import { compareOrReply } from "./string-values.ts";
import { tellDelete, tellExpiry, tellPersist, tellSet, tellSetUntil } from "./tell.ts";

const READING_OPTIONS = ["GET", "IFEQ", "IFNE", "IFDEQ", "IFDNE"];

const SET_OPTIONS: number = NX | XX | COMPARISONS | GET | TIMES | KEEPTTL;
const GETEX_OPTIONS: number = TIMES | PERSIST;

function get(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.null();
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  db.readString(entry, value);
  reply.bulk(value.bytes, value.start, value.end);
}

function set(session: Session, args: Args, reply: Reply): void {
  if (args.count !== 3) return setWithOptions(session, args, reply);
  const { db } = session;
  const { bytes } = args;
  const entry = db.find(bytes, args.start(1), args.end(1));
  db.setString(entry, bytes, args.start(1), args.end(1), bytes, args.start(2), args.end(2), false);
  changed(session, args, 1, SET);
  reply.ok();
}

function setWithOptions(session: Session, args: Args, reply: Reply): void {
  if (!parseOptionsOrReply(args, 3, SET_OPTIONS, reply)) return;
  const { flags, comparandAt } = options;
  const time = flags & TIMES;
  if (time !== 0 && !expiryOrReply(session, args, options.timeAt, time, "set", reply)) return;

  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const returnsOld = (flags & GET) !== 0;
  const comparison = flags & COMPARISONS;
  const entry = returnsOld ? db.read(bytes, start, end) : db.find(bytes, start, end);
  if ((returnsOld || comparison !== 0) && !isTypeOrReply(session, entry, TYPE_STRING, reply)) {
    return;
  }
  let met: boolean;
  if (comparison === 0) {
    met = (flags & (entry === NULL_REF ? XX : NX)) === 0;
  } else if (entry === NULL_REF) {
    met = (comparison & (IFEQ | IFDEQ)) === 0;
  } else {
    const equal = compareOrReply(session, entry, comparison, args, comparandAt, reply);
    if (equal < 0) return;
    met = equal === 1;
  }
  if (returnsOld && entry !== NULL_REF) {
    db.readString(entry, value);
    reply.bulk(value.bytes, value.start, value.end);
  } else if (returnsOld || !met) {
    reply.null();
  }
  if (!met) return;
  const keep = (flags & (TIMES | KEEPTTL)) !== 0;
  const valueStart = args.start(2);
  const valueEnd = args.end(2);
  const at = db.setString(entry, bytes, start, end, bytes, valueStart, valueEnd, keep);
  if (time !== 0) {
    db.expireAtInt64(at, due.low, due.high);
    tellSetUntil(session, bytes, start, end, bytes, valueStart, valueEnd, due.low, due.high);
  } else if (comparison !== 0) {
    tellSet(session, bytes, start, end, bytes, valueStart, valueEnd, keep);
  }
  changed(session, args, 1, SET);
  if (time !== 0) happened(session, args, 1, EXPIRE);
  if (!returnsOld) reply.ok();
}

function setnx(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const entry = db.find(bytes, args.start(1), args.end(1));
  if (entry !== NULL_REF) return reply.integer(0);
  db.setString(entry, bytes, args.start(1), args.end(1), bytes, args.start(2), args.end(2), false);
  changed(session, args, 1, SET);
  reply.integer(1);
}

function setex(session: Session, args: Args, reply: Reply): void {
  setExpiring(session, args, reply, EX, "setex");
}

function psetex(session: Session, args: Args, reply: Reply): void {
  setExpiring(session, args, reply, PX, "psetex");
}

function setExpiring(
  session: Session,
  args: Args,
  reply: Reply,
  unit: number,
  command: string,
): void {
  if (!expiryOrReply(session, args, 2, unit, command, reply)) return;
  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const entry = db.find(bytes, start, end);
  const valueStart = args.start(3);
  const valueEnd = args.end(3);
  const at = db.setString(entry, bytes, start, end, bytes, valueStart, valueEnd, true);
  db.expireAtInt64(at, due.low, due.high);
  tellSetUntil(session, bytes, start, end, bytes, valueStart, valueEnd, due.low, due.high);
  changed(session, args, 1, SET);
  happened(session, args, 1, EXPIRE);
  reply.ok();
}

function getset(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const start = args.start(1);
  const end = args.end(1);
  const entry = db.read(bytes, start, end);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  if (entry === NULL_REF) {
    reply.null();
  } else {
    db.readString(entry, value);
    reply.bulk(value.bytes, value.start, value.end);
  }
  db.setString(entry, bytes, start, end, bytes, args.start(2), args.end(2), false);
  changed(session, args, 1, SET);
}

function getdel(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.null();
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  db.readString(entry, value);
  reply.bulk(value.bytes, value.start, value.end);
  db.remove(entry);
  tellDelete(session, args, 1);
  changed(session, args, 1, DEL);
}

function getex(session: Session, args: Args, reply: Reply): void {
  if (!parseOptionsOrReply(args, 2, GETEX_OPTIONS, reply)) return;
  const { flags } = options;
  const time = flags & TIMES;
  const { db } = session;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.null();
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  if (time !== 0 && !expiryOrReply(session, args, options.timeAt, time, "getex", reply)) return;
  db.readString(entry, value);
  reply.bulk(value.bytes, value.start, value.end);
  if (time !== 0) {
    if ((time & ABSOLUTE_TIMES) !== 0 && isDue(session)) {
      db.remove(entry);
      tellDelete(session, args, 1);
      changed(session, args, 1, DEL);
    } else {
      db.expireAtInt64(entry, due.low, due.high);
      tellExpiry(session, args, 1, due.low, due.high);
      changed(session, args, 1, EXPIRE);
    }
  } else if ((flags & PERSIST) !== 0 && db.expiryMs(entry) >= 0) {
    db.persist(entry);
    tellPersist(session, args, 1);
    changed(session, args, 1, PERSISTED);
  }
}

/** SET reads the old value only for the options that ask for it or compare with it. */
function setKeyFlags(args: Args, from: number): string {
  for (let i = from + 3; i < args.count; i++) {
    for (const word of READING_OPTIONS) if (args.is(i, word)) return "RW access update";
  }
  return "OW update";
}

export const stringRows: readonly CommandRow[] = [
  {
    name: "get",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "1.0.0",
    group: "string",
    summary: "Returns the string that a key holds.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: get,
  },
  {
    name: "set",
    arity: -3,
    flags: "write denyoom",
    keys: oneKey("RW access update variable_flags", setKeyFlags),
    since: "1.0.0",
    group: "string",
    summary: "Makes a key hold a string, whatever it held before; on conditions, if wanted.",
    complexity: "O(1)",
    syntax:
      "key:key value:string [condition:<nx:NX|xx:XX|IFEQ ifeq-value:string@8.4.0|" +
      "IFNE ifne-value:string@8.4.0|IFDEQ ifdeq-digest:string@8.4.0|" +
      "IFDNE ifdne-digest:string@8.4.0>@2.6.12] [get:GET@6.2.0] " +
      "[expiration:<EX seconds:integer@2.6.12|PX milliseconds:integer@2.6.12|" +
      "EXAT unix-time-seconds:unix-time@6.2.0|PXAT unix-time-milliseconds:unix-time@6.2.0|" +
      "keepttl:KEEPTTL@6.0.0>]",
    history: [
      ["2.6.12", "The options `EX`, `PX`, `NX` and `XX`."],
      ["6.0.0", "The option `KEEPTTL`."],
      ["6.2.0", "The options `GET`, `EXAT` and `PXAT`."],
      ["7.0.0", "`NX` and `GET` may be used together."],
      ["8.4.0", "The options `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE`."],
    ],
    handler: set,
  },
  {
    name: "setnx",
    arity: 3,
    flags: "write denyoom fast",
    keys: oneKey("OW insert"),
    since: "1.0.0",
    group: "string",
    summary: "Makes a key hold a string if the key does not exist.",
    complexity: "O(1)",
    deprecated: { since: "2.6.12", replacedBy: "`SET` with the `NX` argument" },
    syntax: "key:key value:string",
    handler: setnx,
  },
  {
    name: "setex",
    arity: 4,
    flags: "write denyoom",
    keys: oneKey("OW update"),
    since: "2.0.0",
    group: "string",
    summary: "Makes a key hold a string for a number of seconds.",
    complexity: "O(1)",
    deprecated: { since: "2.6.12", replacedBy: "`SET` with the `EX` argument" },
    syntax: "key:key seconds:integer value:string",
    handler: setex,
  },
  {
    name: "psetex",
    arity: 4,
    flags: "write denyoom",
    keys: oneKey("OW update"),
    since: "2.6.0",
    group: "string",
    summary: "Makes a key hold a string for a number of milliseconds.",
    complexity: "O(1)",
    deprecated: { since: "2.6.12", replacedBy: "`SET` with the `PX` argument" },
    syntax: "key:key milliseconds:integer value:string",
    handler: psetex,
  },
  {
    name: "getset",
    arity: 3,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "1.0.0",
    group: "string",
    summary: "Makes a key hold a string and returns the one that it held before.",
    complexity: "O(1)",
    deprecated: { since: "6.2.0", replacedBy: "`SET` with the `GET` argument" },
    syntax: "key:key value:string",
    handler: getset,
  },
  {
    name: "getdel",
    arity: 2,
    flags: "write fast",
    keys: oneKey("RW access delete"),
    since: "6.2.0",
    group: "string",
    summary: "Returns the string that a key holds and deletes the key.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: getdel,
  },
  {
    name: "getex",
    arity: -2,
    flags: "write fast",
    keys: oneKey("RW access update"),
    since: "6.2.0",
    group: "string",
    summary: "Returns the string that a key holds and sets or removes its time of expiry.",
    complexity: "O(1)",
    syntax:
      "key:key " +
      "[expiration:<EX seconds:integer|PX milliseconds:integer|" +
      "EXAT unix-time-seconds:unix-time|PXAT unix-time-milliseconds:unix-time|persist:PERSIST>]",
    handler: getex,
  },
];
