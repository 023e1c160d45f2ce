/** Commands on keys of any type: deleting, looking, renaming, copying. */
import { changed, happened } from "./changed.ts";
import {
  COPY_TO,
  DEL,
  MOVE_FROM,
  MOVE_TO,
  RENAME_FROM,
  RENAME_TO,
} from "../keyspace/key-events.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Database } from "../keyspace/database.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_NAMES } from "../types/kinds.ts";
import { DATABASE_OUT_OF_RANGE, int32OrReply, NO_SUCH_KEY, SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

const SAME_OBJECTS = "ERR source and destination objects are the same";

function del(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  let deleted = 0;
  for (let i = 1; i < args.count; i++) {
    const entry = db.peek(args.bytes, args.start(i), args.end(i));
    if (entry === NULL_REF) continue;
    db.remove(entry);
    changed(session, args, i, DEL);
    deleted++;
  }
  reply.integer(deleted);
}

function exists(session: Session, args: Args, reply: Reply): void {
  countKeys(session.db, args, false, reply);
}

function touch(session: Session, args: Args, reply: Reply): void {
  // Also for a client that asked for NO-TOUCH: here touching is the point.
  session.engine.keyspace.store.touch = true;
  countKeys(session.db, args, true, reply);
}

/** Answers how many of the arguments name a key; one that is named twice counts twice. @param uses counts as a use of each */
function countKeys(db: Database, args: Args, uses: boolean, reply: Reply): void {
  let count = 0;
  for (let i = 1; i < args.count; i++) {
    const start = args.start(i);
    const end = args.end(i);
    const entry = uses ? db.read(args.bytes, start, end) : db.look(args.bytes, start, end);
    if (entry !== NULL_REF) count++;
  }
  reply.integer(count);
}

function type(session: Session, args: Args, reply: Reply): void {
  const { store } = session.engine.keyspace;
  const entry = session.db.look(args.bytes, args.start(1), args.end(1));
  reply.simple(entry === NULL_REF ? "none" : TYPE_NAMES[store.entries.type(entry)]!);
}

function randomkey(session: Session, _args: Args, reply: Reply): void {
  const entry = session.db.random();
  if (entry === NULL_REF) return reply.null();
  session.db.readKey(entry, value);
  reply.bulk(value.bytes, value.start, value.end);
}

function rename(session: Session, args: Args, reply: Reply): void {
  if (renameKey(session, args, reply, false)) reply.ok();
}

function renamenx(session: Session, args: Args, reply: Reply): void {
  if (renameKey(session, args, reply, true)) reply.integer(1);
}

/** Renames a key to another one; where there is nothing to rename, answers for both commands and returns false. */
function renameKey(session: Session, args: Args, reply: Reply, onlyIfFree: boolean): boolean {
  const { db } = session;
  const { bytes } = args;
  const source = db.find(bytes, args.start(1), args.end(1));
  if (source === NULL_REF) {
    reply.error(NO_SUCH_KEY);
    return false;
  }
  if (isSameKey(args)) {
    if (onlyIfFree) reply.integer(0);
    else reply.ok();
    return false;
  }
  const target = db.find(bytes, args.start(2), args.end(2));
  if (target !== NULL_REF) {
    if (onlyIfFree) {
      reply.integer(0);
      return false;
    }
    db.remove(target);
  }
  db.adopt(source, db, bytes, args.start(2), args.end(2));
  changed(session, args, 1, RENAME_FROM);
  happened(session, args, 2, RENAME_TO);
  return true;
}

function copy(session: Session, args: Args, reply: Reply): void {
  const { db, engine } = session;
  const { bytes } = args;
  let to = db;
  let replace = false;
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "REPLACE")) {
      replace = true;
    } else if (args.is(i, "DB") && i + 1 < args.count) {
      const named = databaseOrReply(session, args, ++i, reply);
      if (named === null) return;
      to = named;
    } else {
      return reply.error(SYNTAX_ERROR);
    }
  }
  if (to === db && isSameKey(args)) return reply.error(SAME_OBJECTS);
  const source = db.read(bytes, args.start(1), args.end(1));
  if (source === NULL_REF) return reply.integer(0);
  const target = to.find(bytes, args.start(2), args.end(2));
  if (target !== NULL_REF) {
    if (!replace) return reply.integer(0);
    to.remove(target);
  }
  to.duplicate(source, db, bytes, args.start(2), args.end(2));
  engine.keyspace.store.changes++;
  happened(session, args, 2, COPY_TO, to);
  reply.integer(1);
}

function move(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const to = databaseOrReply(session, args, 2, reply);
  if (to === null) return;
  if (to === db) return reply.error(SAME_OBJECTS);
  const start = args.start(1);
  const end = args.end(1);
  const source = db.find(bytes, start, end);
  if (source === NULL_REF) return reply.integer(0);
  if (to.find(bytes, start, end) !== NULL_REF) return reply.integer(0);
  to.adopt(source, db, bytes, start, end);
  changed(session, args, 1, MOVE_FROM);
  happened(session, args, 1, MOVE_TO, to);
  reply.integer(1);
}

/** The database that an argument names by its number; else answers an error and returns null. */
function databaseOrReply(
  session: Session,
  args: Args,
  index: number,
  reply: Reply,
): Database | null {
  const number = int32OrReply(args, index, reply);
  if (Number.isNaN(number)) return null;
  const database = session.engine.keyspace.databases[number];
  if (database !== undefined) return database;
  reply.error(DATABASE_OUT_OF_RANGE);
  return null;
}

/** Whether the first two arguments are the same bytes. */
function isSameKey(args: Args): boolean {
  const { bytes } = args;
  const length = args.length(1);
  if (length !== args.length(2)) return false;
  return equalBytes(bytes, args.start(1), bytes, args.start(2), length);
}

export const keyRows: readonly CommandRow[] = [
  {
    name: "del",
    arity: -2,
    flags: "write",
    keys: [{ flags: "RM delete", begin: 1, find: { last: -1, step: 1 } }],
    since: "1.0.0",
    group: "generic",
    summary: "Deletes keys, and answers how many of them there were.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "key:key...",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: del,
  },
  {
    name: "unlink",
    arity: -2,
    flags: "write fast",
    keys: [{ flags: "RM delete", begin: 1, find: { last: -1, step: 1 } }],
    since: "4.0.0",
    group: "generic",
    summary: "Deletes keys; the memory of large values is given back afterwards.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "key:key...",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: del,
  },
  {
    name: "exists",
    arity: -2,
    flags: "readonly fast",
    keys: [{ flags: "RO", begin: 1, find: { last: -1, step: 1 } }],
    since: "1.0.0",
    group: "generic",
    summary: "Counts how many of the named keys exist.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "key:key...",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    history: [["3.0.3", "Takes several keys."]],
    handler: exists,
  },
  {
    name: "type",
    arity: 2,
    flags: "readonly fast",
    keys: [{ flags: "RO", begin: 1, find: { last: 0, step: 1 } }],
    since: "1.0.0",
    group: "generic",
    summary: "Names the type of the value that a key holds.",
    complexity: "O(1)",
    syntax: "key:key",
    handler: type,
  },
  {
    name: "touch",
    arity: -2,
    flags: "readonly fast",
    keys: [{ flags: "RO", begin: 1, find: { last: -1, step: 1 } }],
    since: "3.2.1",
    group: "generic",
    summary: "Marks keys as used just now, and counts how many of them exist.",
    complexity: "O(N) where N is the number of keys.",
    syntax: "key:key...",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: touch,
  },
  {
    name: "rename",
    arity: 3,
    flags: "write",
    keys: [
      { flags: "RW access delete", begin: 1, find: { last: 0, step: 1 } },
      { flags: "OW update", begin: 2, find: { last: 0, step: 1 } },
    ],
    since: "1.0.0",
    group: "generic",
    summary: "Gives a key another name, in place of the key that had this name before.",
    complexity: "O(1)",
    syntax: "key:key newkey:key#1",
    handler: rename,
  },
  {
    name: "renamenx",
    arity: 3,
    flags: "write fast",
    keys: [
      { flags: "RW access delete", begin: 1, find: { last: 0, step: 1 } },
      { flags: "OW insert", begin: 2, find: { last: 0, step: 1 } },
    ],
    since: "1.0.0",
    group: "generic",
    summary: "Gives a key another name unless a key of this name exists.",
    complexity: "O(1)",
    syntax: "key:key newkey:key#1",
    history: [["3.2.0", "The same name twice is no error any more."]],
    handler: renamenx,
  },
  {
    name: "copy",
    arity: -3,
    flags: "write denyoom",
    keys: [
      { flags: "RO access", begin: 1, find: { last: 0, step: 1 } },
      { flags: "OW update", begin: 2, find: { last: 0, step: 1 } },
    ],
    since: "6.2.0",
    group: "generic",
    summary: "Copies a key's value and expiry time to another key.",
    complexity: "O(N) where N is the size of the value.",
    syntax: "source:key destination:key#1 [DB destination-db:integer] [replace:REPLACE]",
    handler: copy,
  },
  {
    name: "move",
    arity: 3,
    flags: "write fast",
    keys: [{ flags: "RW access update", begin: 1, find: { last: 0, step: 1 } }],
    since: "1.0.0",
    group: "generic",
    summary: "Moves a key to another database.",
    complexity: "O(1)",
    syntax: "key:key db:integer",
    handler: move,
  },
  {
    name: "randomkey",
    arity: 1,
    flags: "readonly touches_arbitrary_keys",
    since: "1.0.0",
    group: "generic",
    summary: "Returns a key chosen at random.",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    handler: randomkey,
  },
];
