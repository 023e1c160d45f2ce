/**
 * The walk of one command: find its row, check what must hold, run it, count it. Everything that runs commands
 * comes through here, whichever protocol or caller.
 *
 * What is rare (no password given yet, a transaction, a pause, replies switched off) is one comparison for an ordinary command: only
 * if the session or the engine says that something is special, `runSpecial` looks at what.
 */
import { nanoseconds } from "../base/clock.ts";
import type { Args } from "../protocol/args.ts";
import { nativeError } from "../protocol/native.ts";
import { ALLOWED } from "../security/inquiry.ts";
import type { Command } from "./command.ts";
import {
  ALLOW_BUSY,
  DENY_OOM,
  FAST,
  LOADING,
  MAY_REPLICATE,
  NO_AUTH,
  NO_MULTI,
  READONLY,
  SKIP_MONITOR,
  WRITE,
} from "./command.ts";
import { holdIfGuarded } from "./guarded.ts";
import { LIMIT_BIT, OUT_OF_MEMORY } from "./memory-limit.ts";
import { holdIfOverdue } from "./overdue.ts";
import { holdIfPaused } from "./pause.ts";
import { askPermission, denialError, denialInTransaction, isPlainlyAllowed } from "./permission.ts";
import type { Session } from "./session.ts";
import { RESTRICTED } from "./session.ts";
import { LARGE_SIZE } from "./slow-log.ts";
import type { Transaction } from "./transaction.ts";

/** Of each command so many first calls are timed, */
const TIMED_FIRST = 64;
/** and then one in so many: asking for the time twice costs a third of a GET. */
const TIMED_STRIDE = 64;

const IS_LOADING = "LOADING Redis is loading the dataset in memory";
const NO_PASSWORD = "NOAUTH Authentication required.";
const ONLY_SUBSCRIBED =
  "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
/** What Redis tells clients in MONITOR mode, which are replicas to it. */
const NO_KEYS = "ERR Replica can't interact with the keyspace";
const TOUCHES_KEYS: number = WRITE | READONLY | MAY_REPLICATE;
const ENDS_TRANSACTION: ReadonlySet<string> = new Set(["exec", "discard", "quit", "reset"]);
const NOT_IN_TRANSACTION = "ERR Command not allowed inside a transaction";
/** Characters of an unknown command's name, and of its arguments together, that the error shows. */
const SHOWN_MAX = 128;
/** The warning of a web client is logged at most once in this time. */
const WEB_CLIENT_LOG_MS = 60_000;

/**
 * Runs the command in `args` and appends its reply to the session's.
 * @returns false if it was held back: run the same command again when the session is no longer blocked
 */
export function execute(session: Session, args: Args): boolean {
  return executeFound(session, session.engine.table.find(args), args);
}

/** `execute` for a caller that has looked for the command in the table already. */
export function executeFound(session: Session, found: Command | null, args: Args): boolean {
  let command = found;
  if (command === null) return unknownCommand(session, args);
  if (command.subcommands !== null && args.count > 1) {
    const sub = command.subcommands.get(args.text(1).toUpperCase());
    if (sub === undefined) return unknownSubcommand(session, command, args);
    command = sub;
  }
  return run(session, command, args);
}

/** Checks and runs a command that was found already. Returns what `execute` does. */
export function run(session: Session, command: Command, args: Args): boolean {
  const { arity } = command;
  session.lastCommand = command;
  if (arity > 0 ? args.count !== arity : args.count < -arity) {
    const error = `ERR wrong number of arguments for '${command.fullName}' command`;
    return reject(session, command, error);
  }
  if ((session.special | session.engine.special) !== 0) return runSpecial(session, command, args);
  call(session, command, args);
  return true;
}

/** Runs a command of a script, which has looked at all but the server's state. */
export function runFromScript(session: Session, command: Command, args: Args): void {
  session.lastCommand = command;
  if ((session.engine.special & ~LIMIT_BIT) === 0) return call(session, command, args);
  const refusal = refusalOf(session, command, command.flags);
  if (refusal !== null) {
    reject(session, command, refusal);
    return;
  }
  if (session.engine.isObserved) callObserved(session, command, args);
  else call(session, command, args);
  if (session.engine.tracks) track(session, command, args);
}

function call(session: Session, command: Command, args: Args): void {
  const { engine, reply } = session;
  const { errors, pos } = reply;
  const timed = command.calls === command.timedCall;
  if (engine.effects.active) callRecorded(session, command, args);
  else if (timed) timeCall(session, command, args);
  else command.handler(session, args, reply);
  command.calls++;
  session.commands++;
  engine.stats.commandsProcessed++;
  if (reply.errors !== errors) {
    command.failed++;
    engine.stats.countError(reply.lastError);
  }
  if ((reply.pos - pos > LARGE_SIZE || args.size > LARGE_SIZE) && !timed) {
    engine.slowLog.afterLarge(session, command, args);
  }
  if (engine.blocking.pending) engine.blocking.serve();
}

/** `call` while somebody wants to know of every command: that it runs, or exactly how long it takes. */
function callObserved(session: Session, command: Command, args: Args): void {
  const { engine } = session;
  // A script is shown before its commands, which are; anything else when it has run.
  const isScript = (command.flags & SKIP_MONITOR) !== 0;
  if (isScript) engine.monitors.feed(session, command, args);
  const startNs = nanoseconds();
  call(session, command, args);
  const ns = nanoseconds() - startNs;
  if (!session.blocked) {
    if (engine.slowLog.wantsAll) engine.slowLog.note(session, command, args, ns);
    engine.latency.note((command.flags & FAST) === 0 ? "command" : "fast-command", ns);
  }
  if (!isScript) engine.monitors.feed(session, command, args);
}

/**
 * Runs the handler and records what it did: what it told itself, or else, if it changed something, its arguments. If it throws
 * half way, what was changed by then is recorded as the whole command.
 */
function callRecorded(session: Session, command: Command, args: Args): void {
  const { effects, keyspace } = session.engine;
  const { store } = keyspace;
  const { changes } = store;
  const database = session.db.index;
  effects.beginCommand();
  try {
    if (command.calls === command.timedCall) timeCall(session, command, args);
    else command.handler(session, args, session.reply);
  } finally {
    if (effects.told > 0) effects.endCommand();
    else if (store.changes !== changes) effects.verbatim(database, args, command.renamedFrom);
  }
}

/** Runs the handler and measures it. The time of a call that stands for several counts as often. */
function timeCall(session: Session, command: Command, args: Args): void {
  const each = command.mayBeSlow || command.calls < TIMED_FIRST;
  const calls = each ? 1 : TIMED_STRIDE;
  const startNs = nanoseconds();
  command.handler(session, args, session.reply);
  const ns = nanoseconds() - startNs;
  const { slowLog, tracksLatency } = session.engine;
  command.addTime(ns, calls, tracksLatency);
  command.timedCall = command.calls + calls;
  if (ns >= slowLog.limitNs && !slowLog.wantsAll) slowLog.note(session, command, args, ns);
}

/** `run` for a session or an engine that is not in its usual state. */
function runSpecial(session: Session, command: Command, args: Args): boolean {
  const { engine, reply, transaction } = session;
  let { special } = engine;
  // With a limit of memory every command comes by here; where there is room, it is as if there were no limit.
  if ((special & LIMIT_BIT) !== 0 && hasMemory(session, command, args)) special &= ~LIMIT_BIT;
  if ((special | session.special) === 0) {
    call(session, command, args);
    return true;
  }
  if (session.onlyQueues && special === 0 && command.isQueued) {
    transaction!.queue(command, args);
    reply.queued();
    return true;
  }
  if (session.special === RESTRICTED && special === 0) {
    if (!isPlainlyAllowed(session, command, args)) {
      const denial = denialOf(session, command, args);
      if (denial !== null) return reject(session, command, denial);
    }
    call(session, command, args);
    return true;
  }
  // What was sent before this command stands before its reply.
  if (session.isPushed) session.mergePushes();
  const isOpen = session.authenticated || engine.access.isOpen;
  if (!isOpen && (command.flags & NO_AUTH) === 0) return reject(session, command, NO_PASSWORD);
  const { busyScript } = engine;
  // PING is how clients ask whether the server is still there.
  if (busyScript !== null && (command.flags & ALLOW_BUSY) === 0 && command.ownName !== "ping") {
    return reject(session, command, busyScript.refusal);
  }
  if (transaction !== null && (command.flags & NO_MULTI) !== 0) {
    return reject(session, command, NOT_IN_TRANSACTION);
  }
  const denial = denialOf(session, command, args);
  if (denial !== null) return reject(session, command, denial);
  let { flags } = command;
  // EXEC does whatever the commands do that it will run, and may only what all of them may.
  if (transaction !== null && command.isExec) {
    flags = (flags | (transaction.flags & ~LOADING)) & ~(transaction.missing & LOADING);
  }
  if ((special & LIMIT_BIT) !== 0 && needsMemory(session, command, flags)) {
    return reject(session, command, OUT_OF_MEMORY);
  }
  const refusal = refusalOf(session, command, flags);
  if (refusal !== null) return reject(session, command, refusal);
  if (isHeldBack(session, command, args, flags)) return false;
  const from = reply.pos;
  session.beginReply();
  if (transaction !== null && !command.runsInMulti) {
    transaction.queue(command, args);
    reply.queued();
  } else {
    const { store } = engine.keyspace;
    if (session.noTouch) store.touch = false;
    if (engine.isObserved) callObserved(session, command, args);
    else call(session, command, args);
    store.touch = true;
    if (engine.tracks) track(session, command, args);
  }
  session.endReply(from);
  if (session.tracker !== null) endCaching(session, command);
  return true;
}

/** A command has ended while clients track keys: tells of what it has changed, and notes what it has read. */
function track(session: Session, command: Command, args: Args): void {
  const { engine, client } = session;
  engine.tracking.flush(client);
  const { tracker } = client;
  // What a script reads is noted with the commands that it calls.
  const reads = (command.flags & READONLY) !== 0 && command.row.group !== "scripting";
  if (tracker !== null && reads) engine.tracking.note(tracker, command, args);
}

/** CLIENT CACHING holds for the command or the transaction that follows. */
function endCaching(session: Session, command: Command | null): void {
  const isCaching = command?.parent?.ownName === "client";
  if (session.transaction === null && !isCaching) session.tracker!.caching = false;
}

/** Whether the command has to wait before it runs, for one reason after the other. @param flags what it may do */
function isHeldBack(session: Session, command: Command, args: Args, flags: number): boolean {
  if (holdIfPaused(session, flags)) return true;
  // In this order: where few members are due, the look at a guarded key removes them.
  return holdIfOverdue(session, command, args) || holdIfGuarded(session, command, args);
}

/**
 * Makes room for a command where memory is short. Returns false if there is none. A command within another is part of that one, for
 * which room was made.
 */
function hasMemory(session: Session, command: Command, args: Args): boolean {
  const { engine, transaction } = session;
  if (!session.mayWait) return true;
  const queued = transaction !== null && command.isExec ? transaction.size : 0;
  const hasRoom = engine.memoryLimit.prepare(args.size + queued);
  // That a key was evicted is told before what the command says about it.
  if (engine.tracks) engine.tracking.flush(null);
  return hasRoom;
}

/** Whether the command may need memory. One that is queued takes some, whatever it does. @param flags what it may do */
function needsMemory(session: Session, command: Command, flags: number): boolean {
  if ((flags & DENY_OOM) !== 0) return true;
  const { transaction } = session;
  if (transaction === null) return false;
  if (!ENDS_TRANSACTION.has(command.ownName)) return true;
  return command.isExec && queuesDemandingScript(session, transaction);
}

/** Whether a script is queued that has declared flags, and not that it may run where memory is short. */
function queuesDemandingScript(session: Session, transaction: Transaction): boolean {
  transaction.rewind();
  return transaction.commands.some((queued) => {
    const args = transaction.next();
    const declared = queued.row.scriptFlags?.(session, args) ?? null;
    if (declared === null) return false;
    return !declared.isCompatible && !declared.allowOom && !declared.noWrites;
  });
}

/** Why the session's user may not run the command, or null. */
function denialOf(session: Session, command: Command, args: Args): string | null {
  const context = session.transaction === null ? "toplevel" : "multi";
  const denied = askPermission(session, command, args, context);
  return denied === ALLOWED ? null : denialError(session, denied, command);
}

/** Why the server's state does not let a command with these flags run now, or null. */
function refusalOf(session: Session, command: Command, flags: number): string | null {
  const { engine } = session;
  const { writeRefusal } = engine;
  // PING is how clients ask whether all is well.
  const asks = (flags & WRITE) !== 0 || command.ownName === "ping";
  if (writeRefusal !== null && asks) return writeRefusal;
  if (session.subscriptions !== null && session.version === 2 && !command.runsSubscribed) {
    return `ERR Can't execute '${command.fullName}': ${ONLY_SUBSCRIBED}`;
  }
  if (engine.loading !== null && (flags & LOADING) === 0) return IS_LOADING;
  if ((flags & TOUCHES_KEYS) !== 0 && engine.monitors.has(session)) return NO_KEYS;
  return null;
}

/**
 * Runs the commands that the session has queued, as one: nobody is served and nothing is kept of them before all have run.
 * Each writes one reply.
 */
export function runQueued(session: Session, transaction: Transaction): void {
  const { engine, reply } = session;
  const { commands } = transaction;
  const { errors } = reply;
  session.mayWait = false;
  engine.blocking.hold();
  engine.effects.beginBlock();
  transaction.rewind();
  try {
    for (const command of commands) {
      const { pos } = reply;
      const args = transaction.next();
      // The rules may have changed since it was queued, by a command before it even.
      const denied = askPermission(session, command, args, "multi");
      if (denied !== ALLOWED) refuse(session, command, denialInTransaction(denied));
      else if (engine.isObserved) callObserved(session, command, args);
      else call(session, command, args);
      if (engine.tracks) track(session, command, args);
      // CLIENT REPLY OFF answers nothing, but the array has as many elements as there were commands.
      if (reply.pos === pos && !reply.overflowed) reply.null();
    }
  } finally {
    engine.effects.endBlock();
    engine.blocking.release();
    session.mayWait = true;
    // They were counted, and EXEC itself has not failed.
    reply.errors = errors;
  }
}

/** Answers an error instead of running a command that was queued. */
function refuse(session: Session, command: Command, error: string): void {
  command.rejected++;
  session.engine.stats.countError(error);
  session.reply.error(error);
}

/** Answers an error instead of running the command. A transaction that it was meant for will not run. */
function reject(session: Session, command: Command | null, error: string): boolean {
  const { reply, transaction } = session;
  const from = reply.pos;
  if (command !== null) command.rejected++;
  if (transaction !== null) transaction.failed = true;
  let text = error;
  if (command !== null && command.isExec) {
    session.endTransaction();
    text = `EXECABORT Transaction discarded because of: ${error.replace(/^ERR /, "")}`;
  }
  session.engine.stats.countError(text);
  session.beginReply();
  if (session.native) nativeError(reply, text);
  else reply.error(text);
  session.endReply(from);
  if (session.tracker !== null) endCaching(session, command);
  return true;
}

/** Redis's words: the name and the first arguments. */
function unknownCommand(session: Session, args: Args): boolean {
  session.lastCommand = null;
  if ((args.is(0, "POST") || args.is(0, "HOST:")) && session.peer !== null) {
    closeWebClient(session);
    return true;
  }
  let shown = "";
  for (let i = 1; i < args.count && shown.length < SHOWN_MAX; i++) {
    shown += `'${shownText(args, i, SHOWN_MAX - shown.length)}' `;
  }
  const name = shownText(args, 0, SHOWN_MAX);
  const error = `ERR unknown command '${name}', with args beginning with: ${shown}`;
  return reject(session, null, error);
}

function unknownSubcommand(session: Session, command: Command, args: Args): boolean {
  session.lastCommand = null;
  const name = shownText(args, 1, SHOWN_MAX);
  const error = `ERR unknown subcommand '${name}'. Try ${command.upperName} HELP.`;
  return reject(session, null, error);
}

/** The argument up to its first zero byte, where C's text ends. */
function shownText(args: Args, index: number, sizeMax: number): string {
  const text = args.text(index).slice(0, sizeMax);
  const zero = text.indexOf("\0");
  return zero === -1 ? text : text.slice(0, zero);
}

/**
 * "POST" and "Host:" are lines of an HTTP request: a web page has made a browser talk to this port. Nothing it sends is run,
 * and nothing is answered that a page could read.
 */
function closeWebClient(session: Session): void {
  const { engine, peer } = session;
  if (engine.clock.nowMs >= engine.webClientLogMs) {
    engine.webClientLogMs = engine.clock.nowMs + WEB_CLIENT_LOG_MS;
    engine.logger.warning(
      "Possible SECURITY ATTACK detected. A client sent POST or Host: as a command: a web browser may have been made to " +
        `send commands to this server (cross-protocol scripting). Connection from ${peer!.address} aborted.`,
    );
  }
  session.reply.clear();
  engine.removeSession(session);
  peer!.close();
}
