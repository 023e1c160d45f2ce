/** Transactions: commands that are queued and then run as one, unless a key has changed that the client watches. */
import { Watch } from "../keyspace/watched-keys.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { runQueued } from "./execute.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

function multi(session: Session, _args: Args, reply: Reply): void {
  if (session.transaction !== null) return reply.error("ERR MULTI calls can not be nested");
  session.transaction = session.engine.transactions.take();
  reply.ok();
}

function exec(session: Session, _args: Args, reply: Reply): void {
  const { transaction, watch, engine } = session;
  if (transaction === null) return reply.error("ERR EXEC without MULTI");
  const isTouched = watch !== null && engine.watchedKeys.isTouched(watch);
  session.unwatch();
  if (transaction.failed) {
    reply.error("EXECABORT Transaction discarded because of previous errors.");
  } else if (isTouched) {
    reply.nullArray();
  } else {
    reply.array(transaction.commands.length);
    runQueued(session, transaction);
  }
  session.endTransaction();
}

function discard(session: Session, _args: Args, reply: Reply): void {
  if (session.transaction === null) return reply.error("ERR DISCARD without MULTI");
  session.endTransaction();
  reply.ok();
}

function watchKeys(session: Session, args: Args, reply: Reply): void {
  if (session.transaction !== null) return reply.error("ERR WATCH inside MULTI is not allowed");
  const { watchedKeys } = session.engine;
  session.watch ??= new Watch();
  const { watch } = session;
  // What has changed already is enough for EXEC to run nothing.
  for (let i = 1; i < args.count && !watch.touched; i++) {
    watchedKeys.watch(watch, session.db, args.bytes, args.start(i), args.end(i));
  }
  reply.ok();
}

function unwatch(session: Session, _args: Args, reply: Reply): void {
  session.unwatch();
  reply.ok();
}

export const transactionRows: readonly CommandRow[] = [
  {
    name: "multi",
    arity: 1,
    flags: "noscript loading stale fast allow_busy",
    since: "1.2.0",
    group: "transactions",
    summary: "Begins a transaction: the commands that follow are queued.",
    complexity: "O(1)",
    runsInMulti: true,
    handler: multi,
  },
  {
    name: "exec",
    arity: 1,
    flags: "noscript loading stale skip_slowlog",
    since: "1.2.0",
    group: "transactions",
    summary: "Runs the commands that were queued, as one.",
    complexity: "Depends on commands in the transaction",
    runsInMulti: true,
    handler: exec,
  },
  {
    name: "discard",
    arity: 1,
    flags: "noscript loading stale fast allow_busy",
    since: "2.0.0",
    group: "transactions",
    summary: "Forgets the commands that were queued.",
    complexity: "O(N), when N is the number of queued commands",
    runsInMulti: true,
    handler: discard,
  },
  {
    name: "watch",
    arity: -2,
    flags: "noscript loading stale fast allow_busy",
    keys: [{ flags: "RO", begin: 1, find: { last: -1, step: 1 } }],
    since: "2.2.0",
    group: "transactions",
    summary: "Lets the next transaction run only if none of the keys has changed by then.",
    complexity: "O(1) for every key.",
    syntax: "key:key...",
    runsInMulti: true,
    handler: watchKeys,
  },
  {
    name: "unwatch",
    arity: 1,
    flags: "noscript loading stale fast allow_busy",
    since: "2.2.0",
    group: "transactions",
    summary: "Forgets the keys that are watched.",
    complexity: "O(1)",
    handler: unwatch,
  },
];
