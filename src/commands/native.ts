/**
 * The four commands of the native protocol. They pass through the same `run` as commands of RESP, on database 0; only
 * the form of their replies is their own.
 */
import { changed } from "./changed.ts";
import { DEL, SET } from "../keyspace/key-events.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import { nativeError, nativeOk } from "../protocol/native.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { Command } from "./command.ts";
import { value, WRONG_TYPE } from "./guards.ts";
import { tellDelete, tellSet } from "./tell.ts";
import type { CommandRow, Handler, KeySpec } from "./row.ts";
import type { CommandTable } from "./table.ts";
import type { Session } from "./session.ts";

const PONG = Buffer.from("PONG");
const NOTHING = Buffer.alloc(0);

function get(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.read(args.bytes, args.start(0), args.end(0));
  if (entry === NULL_REF) return nativeError(reply, "Key not found");
  if (session.engine.keyspace.store.entries.type(entry) !== TYPE_STRING) {
    return nativeError(reply, WRONG_TYPE);
  }
  session.db.readString(entry, value);
  nativeOk(reply, value.bytes, value.start, value.end);
}

function set(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const start = args.start(0);
  const end = args.end(0);
  const entry = db.find(bytes, start, end);
  db.setString(entry, bytes, start, end, bytes, args.start(1), args.end(1), false);
  changed(session, args, 0, SET);
  tellSet(session, bytes, start, end, bytes, args.start(1), args.end(1), false);
  nativeOk(reply, bytes, start, end);
}

function clear(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.find(args.bytes, args.start(0), args.end(0));
  if (entry === NULL_REF) return nativeOk(reply, NOTHING, 0, 0);
  if (session.engine.keyspace.store.entries.type(entry) !== TYPE_STRING) {
    return nativeError(reply, WRONG_TYPE);
  }
  db.readString(entry, value);
  nativeOk(reply, value.bytes, value.start, value.end);
  db.remove(entry);
  tellDelete(session, args, 0);
  changed(session, args, 0, DEL);
}

function ping(_session: Session, args: Args, reply: Reply): void {
  if (args.length(0) === 0) return nativeOk(reply, PONG, 0, PONG.length);
  nativeOk(reply, args.bytes, args.start(0), args.end(0));
}

function removed(_session: Session, _args: Args, reply: Reply): void {
  nativeError(reply, "Unknown command");
}

function native(
  counterpart: Command | null,
  row: Pick<CommandRow, "name" | "arity" | "flags" | "keys">,
  handler: Handler,
): Command {
  const command = new Command({
    ...row,
    since: "1.0.0",
    group: "native",
    summary: "",
    complexity: "O(1)",
    // What clients are not to know by one protocol they are not to do by the other.
    handler: counterpart?.fullName === "" ? removed : handler,
  });
  if (counterpart !== null) command.id = counterpart.id;
  return command;
}

/** The key is the first string: no name stands before it. */
function keyAtStart(flags: string): readonly KeySpec[] {
  return [{ flags, begin: 0, find: { last: 0, step: 1 } }];
}

/**
 * By command number. Arity counts strings only: the number is no argument. Whoever may run a command of RESP that does the same may
 * run these.
 */
export function createNativeCommands(table: CommandTable): readonly Command[] {
  const read = { name: "get", arity: 1, flags: "readonly fast", keys: keyAtStart("RO access") };
  const write = { name: "set", arity: 2, flags: "write denyoom", keys: keyAtStart("OW update") };
  const take = {
    name: "clear",
    arity: 1,
    flags: "write fast",
    keys: keyAtStart("RW access delete"),
  };
  return [
    native(table.byOwnName("get"), read, get),
    native(table.byOwnName("set"), write, set),
    native(table.byOwnName("getdel"), take, clear),
    native(table.byOwnName("ping"), { name: "ping", arity: 1, flags: "fast" }, ping),
  ];
}
