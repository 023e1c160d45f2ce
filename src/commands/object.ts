/** OBJECT: what is known of a key's value. None of its subcommands counts as a use of the key. */
import { encodingName } from "../keyspace/key-report.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { helpOf } from "./help.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

const NO_FREQUENCY =
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

const NO_IDLE_TIME =
  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

function encoding(session: Session, args: Args, reply: Reply): void {
  const entry = entryOrReply(session, args, reply);
  if (entry === NULL_REF) return;
  reply.text(encodingName(session.engine.keyspace.store, entry));
}

function freq(session: Session, args: Args, reply: Reply): void {
  const entry = entryOrReply(session, args, reply);
  if (entry === NULL_REF) return;
  const { store } = session.engine.keyspace;
  if (!store.countsUses) return reply.error(NO_FREQUENCY);
  reply.integer(store.frequency.counter(store.entries.access(entry)));
}

function idletime(session: Session, args: Args, reply: Reply): void {
  const entry = entryOrReply(session, args, reply);
  if (entry === NULL_REF) return;
  const { store } = session.engine.keyspace;
  if (store.countsUses) return reply.error(NO_IDLE_TIME);
  reply.integer(store.idleSeconds(entry));
}

/** Values are never shared between keys. */
function refcount(session: Session, args: Args, reply: Reply): void {
  if (entryOrReply(session, args, reply) !== NULL_REF) reply.integer(1);
}

/** The entry of the key, or NULL_REF after answering null. */
function entryOrReply(session: Session, args: Args, reply: Reply): Ref {
  const entry = session.db.peek(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) reply.null();
  return entry;
}

const help = helpOf([
  "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "ENCODING <key>",
  "    How the value of a key is laid out in memory.",
  "FREQ <key>",
  "    How often a key was used of late, on a logarithmic scale.",
  "IDLETIME <key>",
  "    Seconds since a key was last used.",
  "REFCOUNT <key>",
  "    How many keys share the value of a key.",
  "HELP",
  "    Prints this help.",
]);

const KEY = [{ flags: "RO", begin: 2, find: { last: 0, step: 1 } }] as const;

export const objectRows: readonly CommandRow[] = [
  {
    name: "object",
    arity: -2,
    flags: "",
    since: "2.2.3",
    group: "generic",
    summary: "Tells what is known of the value of a key.",
    complexity: "Depends on subcommand.",
    subcommands: [
      {
        name: "encoding",
        arity: 3,
        flags: "readonly",
        keys: KEY,
        since: "2.2.3",
        group: "generic",
        summary: "Names the layout of a key's value in memory.",
        complexity: "O(1)",
        syntax: "key:key",
        tips: ["nondeterministic_output"],
        handler: encoding,
      },
      {
        name: "freq",
        arity: 3,
        flags: "readonly",
        keys: KEY,
        since: "4.0.0",
        group: "generic",
        summary: "Returns how often a key was used of late, on a logarithmic scale.",
        complexity: "O(1)",
        syntax: "key:key",
        tips: ["nondeterministic_output"],
        handler: freq,
      },
      {
        name: "idletime",
        arity: 3,
        flags: "readonly",
        keys: KEY,
        since: "2.2.3",
        group: "generic",
        summary: "Returns the seconds since a key was last used.",
        complexity: "O(1)",
        syntax: "key:key",
        tips: ["nondeterministic_output"],
        handler: idletime,
      },
      {
        name: "refcount",
        arity: 3,
        flags: "readonly",
        keys: KEY,
        since: "2.2.3",
        group: "generic",
        summary: "Returns how many keys share a key's value.",
        complexity: "O(1)",
        syntax: "key:key",
        tips: ["nondeterministic_output"],
        handler: refcount,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "6.2.0",
        group: "generic",
        summary: "Lists the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
    ],
  },
];
