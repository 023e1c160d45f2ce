/** Commands that get or set many strings at once. */
import { changed, happened } from "./changed.ts";
import { EXPIRE, SET } from "../keyspace/key-events.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import {
  due,
  expiryOrReply,
  KEEPTTL,
  NX,
  options,
  parseOptionsOrReply,
  TIMES,
  XX,
} from "./string-options.ts";
import { tellSet, tellSetUntil } from "./tell.ts";

const MSETEX_OPTIONS: number = NX | XX | TIMES | KEEPTTL;
const KEYS_MAX = 0x7fffffff;

function mget(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { entries } = session.engine.keyspace.store;
  const { bytes } = args;
  reply.array(args.count - 1);
  for (let i = 1; i < args.count; i++) {
    const entry = db.read(bytes, args.start(i), args.end(i));
    if (entry === NULL_REF || entries.type(entry) !== TYPE_STRING) {
      reply.null();
    } else {
      db.readString(entry, value);
      reply.bulk(value.bytes, value.start, value.end);
    }
  }
}

function mset(session: Session, args: Args, reply: Reply): void {
  if (args.count % 2 === 0) {
    return reply.error("ERR wrong number of arguments for 'mset' command");
  }
  setPairs(session, args, 1, args.count, false);
  reply.ok();
}

function msetnx(session: Session, args: Args, reply: Reply): void {
  if (args.count % 2 === 0) {
    return reply.error("ERR wrong number of arguments for 'msetnx' command");
  }
  const { db } = session;
  for (let i = 1; i < args.count; i += 2) {
    if (db.find(args.bytes, args.start(i), args.end(i)) !== NULL_REF) return reply.integer(0);
  }
  setPairs(session, args, 1, args.count, false);
  reply.integer(1);
}

function msetex(session: Session, args: Args, reply: Reply): void {
  const keys = args.integer(1);
  // NaN fails this comparison too.
  if (!(keys >= 1 && keys <= KEYS_MAX)) return reply.error("ERR invalid numkeys value");
  const pairsEnd = 2 + keys * 2;
  if (pairsEnd > args.count) return reply.error("ERR wrong number of key-value pairs");
  if (!parseOptionsOrReply(args, pairsEnd, MSETEX_OPTIONS, reply)) return;
  const { flags } = options;
  const time = flags & TIMES;
  if (time !== 0 && !expiryOrReply(session, args, options.timeAt, time, "msetex", reply)) return;
  const { db } = session;
  if ((flags & (NX | XX)) !== 0) {
    for (let i = 2; i < pairsEnd; i += 2) {
      const isNew = db.find(args.bytes, args.start(i), args.end(i)) === NULL_REF;
      if (isNew === ((flags & XX) !== 0)) return reply.integer(0);
    }
  }
  const keep = (flags & (TIMES | KEEPTTL)) !== 0;
  setPairs(session, args, 2, pairsEnd, keep, time !== 0);
  for (let i = 2; i < pairsEnd; i += 2) {
    const { bytes } = args;
    const [start, end, from, to] = [args.start(i), args.end(i), args.start(i + 1), args.end(i + 1)];
    if (time === 0) tellSet(session, bytes, start, end, bytes, from, to, keep);
    else tellSetUntil(session, bytes, start, end, bytes, from, to, due.low, due.high);
  }
  reply.integer(1);
}

/** Sets the keys and values of the arguments [from, to). @param expire gives each key the time in `due` */
function setPairs(
  session: Session,
  args: Args,
  from: number,
  to: number,
  keepExpiry: boolean,
  expire = false,
): void {
  const { db } = session;
  const { bytes } = args;
  for (let i = from; i < to; i += 2) {
    const start = args.start(i);
    const end = args.end(i);
    const entry = db.find(bytes, start, end);
    const valueStart = args.start(i + 1);
    const valueEnd = args.end(i + 1);
    const at = db.setString(entry, bytes, start, end, bytes, valueStart, valueEnd, keepExpiry);
    if (expire) db.expireAtInt64(at, due.low, due.high);
    changed(session, args, i, SET);
    if (expire) happened(session, args, i, EXPIRE);
  }
}

export const stringManyRows: readonly CommandRow[] = [
  {
    name: "mget",
    arity: -2,
    flags: "readonly fast",
    keys: [{ flags: "RO access", begin: 1, find: { last: -1, step: 1 } }],
    since: "1.0.0",
    group: "string",
    summary: "Returns the strings that some keys hold.",
    complexity: "O(N) where N is the number of keys",
    syntax: "key:key...",
    tips: ["request_policy:multi_shard"],
    handler: mget,
  },
  {
    name: "mset",
    arity: -3,
    flags: "write denyoom",
    keys: [{ flags: "OW update", begin: 1, find: { last: -1, step: 2 } }],
    since: "1.0.1",
    group: "string",
    summary: "Makes some keys hold strings, all at once.",
    complexity: "O(N) where N is the number of keys",
    syntax: "data:(key:key value:string)...",
    tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
    handler: mset,
  },
  {
    name: "msetnx",
    arity: -3,
    flags: "write denyoom",
    keys: [{ flags: "OW insert", begin: 1, find: { last: -1, step: 2 } }],
    since: "1.0.1",
    group: "string",
    summary: "Makes some keys hold strings, all at once, if none of the keys exists.",
    complexity: "O(N) where N is the number of keys",
    syntax: "data:(key:key value:string)...",
    tips: ["request_policy:multi_shard", "response_policy:agg_min"],
    handler: msetnx,
  },
  {
    name: "msetex",
    arity: -4,
    flags: "write denyoom movablekeys",
    keys: [{ flags: "OW update", begin: 1, find: { countAt: 0, firstKey: 1, step: 2 } }],
    since: "8.4.0",
    group: "string",
    summary: "Makes some keys hold strings with one time of expiry, on conditions, if wanted.",
    complexity: "O(N) where N is the number of keys",
    syntax:
      "numkeys:integer data:(key:key value:string)... [condition:<nx:NX|xx:XX>] " +
      "[expiration:<EX seconds:integer|PX milliseconds:integer|" +
      "EXAT unix-time-seconds:unix-time|PXAT unix-time-milliseconds:unix-time|keepttl:KEEPTTL>]",
    tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
    handler: msetex,
  },
];
