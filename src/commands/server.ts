/** Commands about the server as a whole: its databases, its time, its end. */
import { REDIS_VERSION } from "../base/version.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { DATABASE_OUT_OF_RANGE, int32OrReply, int64OrReply, SYNTAX_ERROR } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

function databaseSize(session: Session, _args: Args, reply: Reply): void {
  reply.integer(session.db.size);
}

/**
 * Whether the arguments of FLUSHDB and FLUSHALL are right; else answers an error. SYNC and ASYNC are one here: the keys
 * are gone at once and their memory comes back in slices.
 */
function isFlushOrReply(args: Args, reply: Reply): boolean {
  if (args.count === 1) return true;
  if (args.count === 2 && (args.is(1, "SYNC") || args.is(1, "ASYNC"))) return true;
  reply.error(SYNTAX_ERROR);
  return false;
}

function flushDatabase(session: Session, args: Args, reply: Reply): void {
  if (!isFlushOrReply(args, reply)) return;
  const { keyspace, tracking, tracks } = session.engine;
  keyspace.store.changes += session.db.clear();
  if (tracks) tracking.emptied();
  reply.ok();
}

function flushAll(session: Session, args: Args, reply: Reply): void {
  if (!isFlushOrReply(args, reply)) return;
  const { hooks, keyspace, tracking, tracks } = session.engine;
  for (const database of keyspace.databases) keyspace.store.changes += database.clear();
  if (tracks) tracking.emptied();
  hooks.flushed();
  reply.ok();
}

function swapDatabases(session: Session, args: Args, reply: Reply): void {
  const first = int32OrReply(args, 1, reply, "ERR invalid first DB index");
  if (Number.isNaN(first)) return;
  const second = int32OrReply(args, 2, reply, "ERR invalid second DB index");
  if (Number.isNaN(second)) return;
  const { keyspace } = session.engine;
  const from = keyspace.databases[first];
  const to = keyspace.databases[second];
  if (from === undefined || to === undefined) return reply.error(DATABASE_OUT_OF_RANGE);
  from.swap(to);
  keyspace.store.changes++;
  reply.ok();
}

function time(session: Session, _args: Args, reply: Reply): void {
  const microseconds = session.engine.clock.unixMicroseconds();
  reply.array(2);
  reply.bulkInteger(Math.floor(microseconds / 1e6));
  reply.bulkInteger(microseconds % 1e6);
}

function shutdown(session: Session, args: Args, reply: Reply): void {
  const mode = { save: null as boolean | null, now: false, force: false, abort: false };
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, "NOSAVE") && mode.save !== true) mode.save = false;
    else if (args.is(i, "SAVE") && mode.save !== false) mode.save = true;
    else if (args.is(i, "NOW")) mode.now = true;
    else if (args.is(i, "FORCE")) mode.force = true;
    else if (args.is(i, "ABORT")) mode.abort = true;
    else return reply.error(SYNTAX_ERROR);
  }
  if (mode.abort) {
    if (mode.save !== null || mode.now || mode.force) return reply.error(SYNTAX_ERROR);
    // A shutdown that has begun can't be taken back, and commands no longer run then.
    return reply.error("ERR No shutdown in progress.");
  }
  const { busyScript, hooks } = session.engine;
  // What a script has half done must not be saved.
  if (busyScript !== null && mode.save !== false) return reply.error(busyScript.refusal);
  busyScript?.stop();
  const error = hooks.shutdown(mode);
  if (error !== null) reply.error(error);
}

// ---- LOLWUT ----

const COLUMNS_MAX = 64;

/** A row of hutches, some with somebody at the window, none twice alike. */
function lolwut(session: Session, args: Args, reply: Reply): void {
  let columns = 8;
  if (args.count >= 3 && args.is(1, "VERSION")) {
    for (let i = 2; i < Math.min(args.count, 6); i++) {
      if (!int64OrReply(args, i, reply)) return;
    }
    const wanted = args.count > 3 ? args.integer(3) : columns;
    columns = Math.max(1, Math.min(COLUMNS_MAX, wanted));
  }
  const { random } = session.engine;
  const lines = ["", "", "", ""];
  for (let i = 0; i < columns; i++) {
    const ears = random.below(3) === 0 ? "(\\/)" : "    ";
    const face = ears === "    " ? "    " : random.below(2) === 0 ? "(..)" : "(^^)";
    lines[0] += "  ______ ";
    lines[1] += ` /_${"_".repeat(4)}_\\`.padEnd(9);
    lines[2] += ` |${ears.padStart(5)}|`.padEnd(9);
    lines[3] += ` |${face.padStart(5, "_")}|`.padEnd(9);
  }
  const art = lines.map((line) => `${line.trimEnd()}\n`).join("");
  reply.verbatim(`${art}\nRedis ver. ${REDIS_VERSION}\n`, "txt");
}

export const serverRows: readonly CommandRow[] = [
  {
    name: "dbsize",
    arity: 1,
    flags: "readonly fast",
    since: "1.0.0",
    group: "server",
    summary: "Counts the keys of the database.",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:agg_sum"],
    categories: "keyspace",
    handler: databaseSize,
  },
  {
    name: "flushdb",
    arity: -1,
    flags: "write",
    since: "1.0.0",
    group: "server",
    summary: "Deletes all keys of the database.",
    complexity: "O(N) where N is the number of keys in the selected database",
    syntax: "[flush-type:<async:ASYNC@4.0.0|sync:SYNC@6.2.0>]",
    history: [
      ["4.0.0", "The option `ASYNC`."],
      ["6.2.0", "The option `SYNC`."],
    ],
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    categories: "keyspace dangerous",
    handler: flushDatabase,
  },
  {
    name: "flushall",
    arity: -1,
    flags: "write",
    since: "1.0.0",
    group: "server",
    summary: "Deletes all keys of all databases.",
    complexity: "O(N) where N is the total number of keys in all databases",
    syntax: "[flush-type:<async:ASYNC@4.0.0|sync:SYNC@6.2.0>]",
    history: [
      ["4.0.0", "The option `ASYNC`."],
      ["6.2.0", "The option `SYNC`."],
    ],
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    categories: "keyspace dangerous",
    handler: flushAll,
  },
  {
    name: "swapdb",
    arity: 3,
    flags: "write fast",
    since: "4.0.0",
    group: "server",
    summary: "Exchanges two databases.",
    complexity:
      "O(N) where N is the count of clients watching or blocking on keys from both databases.",
    syntax: "index1:integer index2:integer",
    categories: "keyspace dangerous",
    handler: swapDatabases,
  },
  {
    name: "time",
    arity: 1,
    flags: "loading stale fast",
    since: "2.6.0",
    group: "server",
    summary: "Returns the server's time.",
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
    handler: time,
  },
  {
    name: "shutdown",
    arity: -1,
    flags: "admin noscript loading stale no_multi allow_busy",
    since: "1.0.0",
    group: "server",
    summary: "Ends the server.",
    complexity:
      "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
    syntax:
      "[abort-selector:<save-selector-block:([save-selector:<nosave:NOSAVE|save:SAVE>] " +
      "[now:NOW@7.0.0] [force:FORCE@7.0.0])|abort:ABORT@7.0.0>]",
    history: [["7.0.0", "The options `NOW`, `FORCE` and `ABORT`."]],
    handler: shutdown,
  },
  {
    name: "lolwut",
    arity: -1,
    flags: "readonly fast",
    since: "5.0.0",
    group: "server",
    summary: "Draws a picture, and tells the version.",
    complexity: "",
    syntax: "[VERSION version:integer]",
    handler: lolwut,
  },
];
