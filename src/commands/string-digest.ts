/** Commands that compare: the digest of a string, and deletion on condition of the value. */
import { changed } from "./changed.ts";
import { DEL } from "../keyspace/key-events.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { isTypeOrReply } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { comparisonOf, IFEQ } from "./string-options.ts";
import { compareOrReply, digestOf } from "./string-values.ts";
import { tellDelete } from "./tell.ts";

function digest(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.null();
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  reply.text(digestOf(session, entry));
}

function delex(session: Session, args: Args, reply: Reply): void {
  if (args.count !== 2 && args.count !== 4) {
    return reply.error("ERR wrong number of arguments for 'delex' command");
  }
  const { db } = session;
  const entry = db.find(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (args.count === 4) {
    if (session.engine.keyspace.store.entries.type(entry) !== TYPE_STRING) {
      return reply.error("ERR Key should be of string type if conditions are specified");
    }
    const comparison = comparisonOf(args, 2);
    if (comparison === 0) {
      return reply.error("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
    }
    const met = compareOrReply(session, entry, comparison, args, 3, reply);
    if (met < 0) return;
    if (met === 0) return reply.integer(0);
  }
  db.remove(entry);
  tellDelete(session, args, 1);
  changed(session, args, 1, DEL);
  reply.integer(1);
}

function delifeq(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.find(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  if (compareOrReply(session, entry, IFEQ, args, 2, reply) !== 1) return reply.integer(0);
  db.remove(entry);
  tellDelete(session, args, 1);
  changed(session, args, 1, DEL);
  reply.integer(1);
}

/** A condition makes DELEX read the value. */
function delexKeyFlags(args: Args, from: number): string {
  return args.count - from > 2 ? "RW access delete" : "RM delete";
}

export const stringDigestRows: readonly CommandRow[] = [
  {
    name: "digest",
    arity: 2,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "8.4.0",
    group: "string",
    summary: "Returns the XXH3 hash of a string in hexadecimal digits.",
    complexity: "O(N) where N is the length of the string",
    syntax: "key:key",
    handler: digest,
  },
  {
    name: "delex",
    arity: -2,
    flags: "write fast",
    keys: oneKey("RW delete variable_flags", delexKeyFlags),
    since: "8.4.0",
    group: "string",
    summary: "Deletes a key on condition of the string that it holds or of the string's digest.",
    complexity: "O(1) for IFEQ and IFNE, O(N) for IFDEQ and IFDNE where N is the string's length",
    syntax:
      "key:key [condition:<IFEQ ifeq-value:string|IFNE ifne-value:string|" +
      "IFDEQ ifdeq-digest:string|IFDNE ifdne-digest:string>]",
    handler: delex,
  },
  {
    name: "delifeq",
    arity: 3,
    flags: "write fast",
    keys: oneKey("RW delete"),
    since: "9.0.0",
    group: "string",
    summary: "Deletes a key if it holds a certain string.",
    complexity: "O(1)",
    syntax: "key:key value:string",
    handler: delifeq,
  },
];
