/** Commands that write, read and delete fields of a hash by their names. */
import { changed, happened } from "./changed.ts";
import { DEL, HDEL, HSET } from "../keyspace/key-events.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_HASH } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { openOrReply, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { tellFieldsGone } from "./tell.ts";

/** The hash of the command that runs, and the value of the field that it looks at. */
const hash = new Value();
const content = new Slice();

// ---- writing ----

function hset(session: Session, args: Args, reply: Reply): void {
  const added = setAllOrReply(session, args, "hset", reply);
  if (added !== -1) reply.integer(added);
}

function hmset(session: Session, args: Args, reply: Reply): void {
  if (setAllOrReply(session, args, "hmset", reply) !== -1) reply.ok();
}

/** Sets all fields that the arguments name. Returns how many of them are new, or -1 after answering an error. */
function setAllOrReply(session: Session, args: Args, name: string, reply: Reply): number {
  if (args.count % 2 === 1) {
    reply.error(`ERR wrong number of arguments for '${name}' command`);
    return -1;
  }
  const { db } = session;
  const { store } = session.engine.keyspace;
  const { bytes } = args;
  const entry = db.find(bytes, args.start(1), args.end(1));
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return -1;
  if (entry === NULL_REF) store.hashes.create(hash);
  let added = 0;
  for (let i = 2; i < args.count; i += 2) {
    const start = args.start(i + 1);
    if (store.hashes.set(hash, bytes, args.start(i), args.end(i), bytes, start, args.end(i + 1)))
      added++;
    // A value that is set lives for ever; commands that count in it leave its time alone.
    if (hash.timed !== NULL_REF)
      store.kit.memberTimes.forget(hash.timed, bytes, args.start(i), args.end(i));
  }
  if (entry === NULL_REF) db.create(bytes, args.start(1), args.end(1), TYPE_HASH, hash);
  else db.save(entry, hash);
  changed(session, args, 1, HSET, (args.count - 2) / 2);
  return added;
}

function hsetnx(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const entry = db.find(bytes, args.start(1), args.end(1));
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { hashes } = session.engine.keyspace.store;
  if (entry !== NULL_REF && hashes.has(hash, bytes, args.start(2), args.end(2))) {
    return reply.integer(0);
  }
  setAllOrReply(session, args, "hsetnx", reply);
  reply.integer(1);
}

// ---- reading ----

function hget(session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const entry = session.db.read(bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.null();
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  replyField(session, entry, args, 2, reply);
}

function hmget(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) replyField(session, entry, args, i, reply);
}

/** Answers the value of the field in an argument, of the hash that was opened. @param entry NULL_REF if there is none */
function replyField(session: Session, entry: Ref, args: Args, index: number, reply: Reply): void {
  const { hashes } = session.engine.keyspace.store;
  const start = args.start(index);
  if (entry === NULL_REF || !hashes.get(hash, args.bytes, start, args.end(index), content)) {
    reply.null();
  } else {
    reply.bulk(content.bytes, content.start, content.end);
  }
}

function hexists(session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const entry = session.db.read(bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { hashes } = session.engine.keyspace.store;
  reply.integer(hashes.has(hash, bytes, args.start(2), args.end(2)) ? 1 : 0);
}

function hlen(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  reply.integer(session.engine.keyspace.store.hashes.length(hash));
}

function hstrlen(session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const entry = session.db.read(bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { hashes } = session.engine.keyspace.store;
  const found = hashes.get(hash, bytes, args.start(2), args.end(2), content);
  reply.integer(found ? content.length : 0);
}

// ---- deleting ----

function hdel(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.find(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { store } = session.engine.keyspace;
  let deleted = 0;
  for (let i = 2; i < args.count; i++) {
    if (store.hashes.remove(hash, args.bytes, args.start(i), args.end(i))) deleted++;
  }
  changed(session, args, 1, HDEL, deleted);
  saveOrRemove(session, args, entry);
  reply.integer(deleted);
}

function hgetdel(session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const entry = session.db.find(bytes, args.start(1), args.end(1));
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  if (!args.is(2, "FIELDS")) {
    return reply.error("ERR Mandatory argument FIELDS is missing or not at the right position");
  }
  const isInteger = parseInt64(bytes, args.start(3), args.end(3));
  const count = isInteger ? toNumber(int64.low, int64.high) : 0;
  if (count < 1) return reply.error("ERR Number of fields must be a positive integer");
  if (count !== args.count - 4) {
    return reply.error("ERR The `numfields` parameter must match the number of arguments");
  }
  const { store } = session.engine.keyspace;
  reply.array(count);
  let deleted = 0;
  for (let i = 4; i < args.count; i++) {
    replyField(session, entry, args, i, reply);
    if (entry === NULL_REF) continue;
    if (store.hashes.remove(hash, bytes, args.start(i), args.end(i))) deleted++;
  }
  if (deleted === 0) return;
  changed(session, args, 1, HDEL, deleted);
  saveOrRemove(session, args, entry);
  tellFieldsGone(session, args, 4);
}

/** Writes the hash back after fields were deleted, or removes its key if there are no more. */
function saveOrRemove(session: Session, args: Args, entry: Ref): void {
  session.db.save(entry, hash);
  if (session.engine.keyspace.store.hashes.length(hash) > 0) return;
  session.db.remove(entry);
  happened(session, args, 1, DEL);
}

export const hashRows: readonly CommandRow[] = [
  {
    name: "hset",
    memberAt: 2,
    arity: -4,
    flags: "write denyoom fast",
    keys: oneKey("RW update"),
    since: "2.0.0",
    group: "hash",
    summary: "Sets fields of a hash to values; counts the new ones.",
    complexity: "O(1) for each field, so O(N) for N of them.",
    syntax: "key:key data:(field:string value:string)...",
    history: [["4.0.0", "Several fields and values."]],
    handler: hset,
  },
  {
    name: "hmset",
    memberAt: 2,
    arity: -4,
    flags: "write denyoom fast",
    keys: oneKey("RW update"),
    since: "2.0.0",
    group: "hash",
    summary: "Sets fields of a hash to values.",
    complexity: "O(N) where N is the number of fields that are set.",
    syntax: "key:key data:(field:string value:string)...",
    deprecated: { since: "4.0.0", replacedBy: "`HSET` with multiple field-value pairs" },
    handler: hmset,
  },
  {
    name: "hsetnx",
    memberAt: 2,
    arity: 4,
    flags: "write denyoom fast",
    keys: oneKey("RW insert"),
    since: "2.0.0",
    group: "hash",
    summary: "Sets a field of a hash that does not exist yet.",
    complexity: "O(1)",
    syntax: "key:key field:string value:string",
    handler: hsetnx,
  },
  {
    name: "hget",
    memberAt: 2,
    arity: 3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "2.0.0",
    group: "hash",
    summary: "Returns the value of a field.",
    complexity: "O(1)",
    syntax: "key:key field:string",
    handler: hget,
  },
  {
    name: "hmget",
    memberAt: 2,
    arity: -3,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "2.0.0",
    group: "hash",
    summary: "Returns the values of fields.",
    complexity: "O(N) where N is the number of fields that are asked for.",
    syntax: "key:key field:string...",
    handler: hmget,
  },
  {
    name: "hexists",
    memberAt: 2,
    arity: 3,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "2.0.0",
    group: "hash",
    summary: "Tells whether a hash has a field.",
    complexity: "O(1)",
    syntax: "key:key field:string",
    handler: hexists,
  },
  {
    name: "hlen",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "2.0.0",
    group: "hash",
    summary: "Counts the fields of a hash.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: hlen,
  },
  {
    name: "hstrlen",
    memberAt: 2,
    arity: 3,
    flags: "readonly fast",
    keys: oneKey("RO"),
    since: "3.2.0",
    group: "hash",
    summary: "Returns the length of a field's value.",
    complexity: "O(1)",
    syntax: "key:key field:string",
    handler: hstrlen,
  },
  {
    name: "hdel",
    memberAt: 2,
    arity: -3,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "2.0.0",
    group: "hash",
    summary: "Deletes fields, and the hash with the last of them.",
    complexity: "O(N) where N is the number of fields to delete.",
    syntax: "key:key field:string...",
    history: [["2.4.0", "Several fields."]],
    handler: hdel,
  },
  {
    name: "hgetdel",
    arity: -5,
    flags: "write fast",
    keys: oneKey("RW access delete"),
    since: "8.0.0",
    group: "hash",
    summary: "Returns the values of fields and deletes the fields.",
    complexity: "O(N) where N is the number of fields.",
    syntax: "key:key FIELDS fields:(numfields:integer field:string...)",
    handler: hgetdel,
  },
];
