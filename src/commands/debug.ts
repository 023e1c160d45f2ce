/** DEBUG: what test suites need to look into a server. Off unless the option `enable-debug-command` allows it. */
import { TOUCHED } from "../keyspace/key-events.ts";
import { matchesGlob } from "../base/glob.ts";
import { parseBytes } from "../base/option-values.ts";
import { digestOfKeyspace, digestOfValue } from "../keyspace/digest.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { listpack, object, tableStats, tableStatsOfKey } from "./debug-layout.ts";
import { helpOf } from "./help.ts";
import type { CommandRow, Handler } from "./row.ts";
import type { Session } from "./session.ts";

const PACKED_THRESHOLD_MAX: bigint = (1n << 32n) - (1n << 20n);
const SLEEP_MAX_MS = 0x7fffffff;

const BIG_DIGITS = "1234567999999999999999999999999999999";
const BIG_NUMBER = Buffer.from(`(${BIG_DIGITS}\r\n`);

const NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.';

const help = helpOf([
  "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CHANGE-REPL-ID",
  "    Gives the history of the data set another name.",
  "DICT-RESIZING <0|1>",
  "    0 leaves the hash tables of the databases as large as they are.",
  "DIGEST",
  "    40 hexadecimal digits that are equal for equal data.",
  "DIGEST-VALUE <key> [<key> ...]",
  "    The digest of the value of each key.",
  "ERROR <string>",
  "    Answers with an error of this text.",
  "HTSTATS <dbid> [full]",
  "    Figures of the hash table of a database.",
  "HTSTATS-KEY <key> [full]",
  "    Figures of the hash table that a value is kept in.",
  "LISTPACK <key>",
  "    Prints the elements of a value that is kept as a listpack.",
  "LOADAOF",
  "    Empties the databases and loads what the append-only file holds.",
  "LOG <message>",
  "    Writes a message to the log.",
  "OBJECT <key>",
  "    How the value of a key is kept.",
  "PAUSE-CRON <0|1>",
  "    Stops all periodic work, or lets it go on.",
  "POPULATE <count> [<prefix>] [<size>]",
  "    Adds string keys named <prefix>:<n> (default: key).",
  "PROTOCOL <type>",
  "    Answers with a value of a type: string, integer, double, bignum, null,",
  "    array, set, map, attrib, push, verbatim, true, false.",
  "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
  "    Saves the data, unless NOSAVE, empties the databases, unless NOFLUSH, and loads what",
  "    was saved; with MERGE its keys take the place of those that are there.",
  "QUICKLIST-PACKED-THRESHOLD <size>",
  "    From which size on an element of a list stands in a node of its own; 0",
  "    leaves it to list-max-listpack-size.",
  "SET-ACTIVE-EXPIRE <0|1>",
  "    0 lets keys expire only when somebody asks for them.",
  "SLEEP <seconds>",
  "    Stops the server for a time. Decimals are allowed.",
  "STRINGMATCH-LEN <pattern> <string>",
  "    1 if the string matches the glob pattern, else 0.",
  "HELP",
  "    Prints this help.",
]);

/** The least and the largest number of arguments, "DEBUG" and the subcommand's name included. */
type Subcommand = readonly [least: number, most: number, Handler];

const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ["CHANGE-REPL-ID", [2, 2, changeReplicationId]],
  ["DICT-RESIZING", [3, 3, setDictResizing]],
  ["DIGEST", [2, 2, digest]],
  ["DIGEST-VALUE", [2, Infinity, digestValue]],
  ["ERROR", [3, 3, error]],
  ["HELP", [2, 2, help]],
  ["HTSTATS", [3, 4, tableStats]],
  ["HTSTATS-KEY", [3, 4, tableStatsOfKey]],
  ["LISTPACK", [3, 3, listpack]],
  ["LOADAOF", [2, 2, loadLog]],
  ["LOG", [3, 3, log]],
  ["OBJECT", [3, 3, object]],
  ["PAUSE-CRON", [3, 3, pauseCron]],
  ["POPULATE", [3, 5, populate]],
  ["PROTOCOL", [3, 3, protocol]],
  ["RELOAD", [2, 5, reload]],
  ["QUICKLIST-PACKED-THRESHOLD", [3, 3, setPackedThreshold]],
  ["SET-ACTIVE-EXPIRE", [3, 3, setActiveExpire]],
  ["SLEEP", [3, 3, sleep]],
  ["STRINGMATCH-LEN", [4, 4, stringMatch]],
]);

function debug(session: Session, args: Args, reply: Reply): void {
  if (!isAllowed(session)) return reply.error(NOT_ALLOWED);
  const found = SUBCOMMANDS.get(args.text(1).toUpperCase());
  if (found === undefined || args.count < found[0] || args.count > found[1]) {
    const name = args.text(1).split("\0", 1)[0]!.slice(0, 128);
    return reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${name}'. Try DEBUG HELP.`,
    );
  }
  found[2](session, args, reply);
}

/** Whoever has no connection is local too. */
function isAllowed(session: Session): boolean {
  const allowed = session.engine.options.text("enable-debug-command");
  if (allowed !== "local") return allowed === "yes";
  return session.peer?.isLocal ?? true;
}

/** Stops everything for a time, as a slow command would. */
function sleep(session: Session, args: Args, reply: Reply): void {
  const ms = Number.parseFloat(args.text(2)) * 1000;
  if (ms > 0) Bun.sleepSync(Math.min(ms, SLEEP_MAX_MS));
  session.engine.beginTurn();
  reply.ok();
}

function setActiveExpire(session: Session, args: Args, reply: Reply): void {
  session.engine.keyspace.activeExpiry = isOn(args.text(2));
  reply.ok();
}

function pauseCron(session: Session, args: Args, reply: Reply): void {
  session.engine.beatPaused = isOn(args.text(2));
  reply.ok();
}

/** Lets the dicts of the databases keep the size that they have, whatever becomes of them. */
function setDictResizing(session: Session, args: Args, reply: Reply): void {
  session.engine.keyspace.store.dict.mayResize = isOn(args.text(2));
  reply.ok();
}

/** From which size on an element of a list stands in a node of its own, if the list's own limits do not say so before. */
function setPackedThreshold(session: Session, args: Args, reply: Reply): void {
  const bytes = parseBytes(args.text(2));
  if (bytes === null || bytes > PACKED_THRESHOLD_MAX) {
    return reply.error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  const { limits } = session.engine.keyspace.store.kit;
  limits.listPackedThreshold = bytes === 0n ? Infinity : Number(bytes);
  reply.ok();
}

function changeReplicationId(session: Session, _args: Args, reply: Reply): void {
  const { engine } = session;
  engine.logger.warning("Changing replication IDs after receiving DEBUG change-repl-id");
  engine.changeReplicationId();
  reply.ok();
}

/** As C's atoi: what does not begin with a number is 0. */
function isOn(text: string): boolean {
  return (Number.parseInt(text, 10) || 0) !== 0;
}

/** MERGE lets keys of the file take the place of those that are there, which needs NOFLUSH to mean anything. */
function reload(session: Session, args: Args, reply: Reply): void {
  const mode = { save: true, flush: true, merge: false };
  for (let i = 2; i < args.count; i++) {
    if (args.is(i, "NOSAVE")) mode.save = false;
    else if (args.is(i, "NOFLUSH")) mode.flush = false;
    else if (args.is(i, "MERGE")) mode.merge = true;
    else
      return reply.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
  }
  const failure = session.engine.hooks.reload(mode);
  if (failure === null) reply.ok();
  else reply.error(failure);
}

function loadLog(session: Session, _args: Args, reply: Reply): void {
  const failure = session.engine.hooks.reloadLog();
  if (failure === null) reply.ok();
  else reply.error(failure);
}

function log(session: Session, args: Args, reply: Reply): void {
  session.engine.logger.warning(`DEBUG LOG: ${args.text(2)}`);
  reply.ok();
}

function error(_session: Session, args: Args, reply: Reply): void {
  reply.error(args.text(2));
}

function digest(session: Session, _args: Args, reply: Reply): void {
  reply.simple(digestOfKeyspace(session.engine.keyspace).toString("hex"));
}

function digestValue(session: Session, args: Args, reply: Reply): void {
  const { db, engine } = session;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const entry = db.peek(args.bytes, args.start(i), args.end(i));
    reply.simple(digestOfValue(engine.keyspace, db, entry).toString("hex"));
  }
}

/** Adds string keys "<prefix>:<n>" that hold "value:<n>", cut or filled with zeros to a size; keys that exist stay. */
function populate(session: Session, args: Args, reply: Reply): void {
  const count = positiveOrReply(args, 2, reply);
  if (count === -1) return;
  const prefix = args.count > 3 ? args.text(3) : "key";
  const size = args.count > 4 ? positiveOrReply(args, 4, reply) : 0;
  if (size === -1) return;
  const { db, engine } = session;
  for (let n = 0; n < count; n++) {
    const key = Buffer.from(`${prefix}:${n}`, "latin1");
    const entry = db.find(key, 0, key.length);
    if (entry !== NULL_REF) continue;
    const text = Buffer.from(`value:${n}`);
    const content = size === 0 ? text : Buffer.alloc(size);
    if (size > 0) text.copy(content);
    db.setString(entry, key, 0, key.length, content, 0, content.length, false);
    engine.keyspace.store.changes++;
    engine.keyspace.store.observer?.happened(TOUCHED, db, key, 0, key.length);
  }
  reply.ok();
}

/** The argument as an integer from 0 to the longest value; else answers an error and returns -1. */
function positiveOrReply(args: Args, index: number, reply: Reply): number {
  const integer = args.integer(index);
  if (integer >= 0 && integer <= 0x7fffffff) return integer;
  reply.error("ERR value is out of range, must be positive");
  return -1;
}

function stringMatch(_session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const start = args.start(2);
  const matches = matchesGlob(bytes, start, args.end(2), bytes, args.start(3), args.end(3));
  reply.integer(matches ? 1 : 0);
}

/** A reply of each type, for the authors of clients. */
function protocol(_session: Session, args: Args, reply: Reply): void {
  if (args.is(2, "STRING")) {
    reply.text("Hello World");
  } else if (args.is(2, "INTEGER")) {
    reply.integer(12345);
  } else if (args.is(2, "DOUBLE")) {
    reply.double(3141 / 1000);
  } else if (args.is(2, "NULL")) {
    reply.null();
  } else if (args.is(2, "ARRAY")) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  } else if (args.is(2, "SET")) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  } else if (args.is(2, "MAP")) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  } else if (args.is(2, "ATTRIB")) {
    if (reply.version === 3) {
      reply.attribute(1);
      reply.text("key-popularity");
      reply.array(2);
      reply.text("key:123");
      reply.integer(90);
    }
    reply.text("Some real reply following the attribute");
  } else if (args.is(2, "PUSH")) {
    if (reply.version !== 3) return reply.error("ERR RESP2 is not supported by this command");
    reply.push(2);
    reply.text("server-cpu-usage");
    reply.integer(42);
    reply.text("Some real reply following the push reply");
  } else if (args.is(2, "VERBATIM")) {
    reply.verbatim("This is a verbatim\nstring", "txt");
  } else if (args.is(2, "TRUE")) {
    reply.boolean(true);
  } else if (args.is(2, "FALSE")) {
    reply.boolean(false);
  } else if (args.is(2, "BIGNUM")) {
    if (reply.version === 3) reply.raw(BIG_NUMBER, 0, BIG_NUMBER.length);
    else reply.text(BIG_DIGITS);
  } else {
    reply.error(
      "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
    );
  }
}

export const debugRows: readonly CommandRow[] = [
  {
    name: "debug",
    arity: -2,
    flags: "admin noscript loading stale protected",
    since: "1.0.0",
    group: "server",
    summary: "Looks into the server, for tests.",
    complexity: "Depends on subcommand.",
    systemCommand: true,
    handler: debug,
  },
];
