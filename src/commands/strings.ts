/** Commands on strings. */
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { isTypeOrReply, SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

function get(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.null();
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  db.readString(entry, value);
  reply.bulk(value.bytes, value.start, value.end);
}

function set(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return reply.error(SYNTAX_ERROR);
  const { db } = session;
  const { bytes } = args;
  const entry = db.find(bytes, args.start(1), args.end(1));
  db.setString(entry, bytes, args.start(1), args.end(1), bytes, args.start(2), args.end(2), false);
  session.engine.keyspace.store.changes++;
  reply.ok();
}

export const stringRows: readonly CommandRow[] = [
  {
    name: "get",
    arity: 2,
    flags: "readonly fast",
    keys: [{ flags: "RO access", begin: 1, find: { last: 0, step: 1 } }],
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
    keys: [{ flags: "RW access update variable_flags", begin: 1, find: { last: 0, step: 1 } }],
    since: "1.0.0",
    group: "string",
    summary: "Makes a key hold a string, whatever it held before.",
    complexity: "O(1)",
    handler: set,
  },
];
