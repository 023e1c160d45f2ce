/** XGROUP: consumer groups of streams and their consumers. */
import { changed, happened } from "./changed.ts";
import {
  TOUCHED,
  XGROUP_CREATE,
  XGROUP_CREATECONSUMER,
  XGROUP_DELCONSUMER,
  XGROUP_DESTROY,
  XGROUP_SETID,
} from "../keyspace/key-events.ts";
import { int64 } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STREAM } from "../types/kinds.ts";
import type { StreamGroup } from "../types/stream-groups.ts";
import { int64OrReply, isTypeOrReply } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import {
  isCharacter,
  nameOf,
  startId,
  stream,
  streamsOf,
  strictIdOrReply,
  idOrReply,
} from "./stream-ids.ts";

const NO_KEY =
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.";

/** No more arguments than each option once. */
const CREATE_ARGUMENTS_MAX = 8;
const SETID_ARGUMENTS_MAX = 7;

/** The options behind an id. */
const options = { createStream: false, readLow: -1, readHigh: -1 };

function create(session: Session, args: Args, reply: Reply): void {
  if (!optionsOrReply(args, true, reply)) return;
  const { db } = session;
  const { bytes } = args;
  const streams = streamsOf(session);
  const entry = db.find(bytes, args.start(2), args.end(2));
  if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return;
  if (entry === NULL_REF && !options.createStream) return reply.error(NO_KEY);
  if (args.count > CREATE_ARGUMENTS_MAX) return replyUnknown(args, reply);
  if (entry !== NULL_REF) db.load(entry, stream);
  const last = isCharacter(args, 4, "$");
  startId.setMin();
  if (!last && !strictIdOrReply(args, 4, startId, reply)) return;
  if (entry === NULL_REF) {
    streams.create(stream);
    db.create(bytes, args.start(2), args.end(2), TYPE_STREAM, stream);
  } else {
    if (streams.groups.find(stream.block, bytes, args.start(3), args.end(3)) !== null) {
      return reply.error("BUSYGROUP Consumer Group name already exists");
    }
    if (last) streams.lastId(stream, startId);
  }
  const group = streams.groups.create(stream.block, args.copy(3));
  group.lastId.copy(startId);
  group.setRead(options.readLow, options.readHigh);
  if (entry === NULL_REF) happened(session, args, 2, TOUCHED);
  changed(session, args, 2, XGROUP_CREATE);
  reply.ok();
}

function setid(session: Session, args: Args, reply: Reply): void {
  if (!optionsOrReply(args, false, reply)) return;
  const group = groupOrReply(session, args, reply);
  if (group === null) return;
  if (args.count > SETID_ARGUMENTS_MAX) return replyUnknown(args, reply);
  if (isCharacter(args, 4, "$")) streamsOf(session).lastId(stream, startId);
  else if (!idOrReply(args, 4, startId, reply)) return;
  group.lastId.copy(startId);
  group.setRead(options.readLow, options.readHigh);
  changed(session, args, 2, XGROUP_SETID);
  reply.ok();
}

function destroy(session: Session, args: Args, reply: Reply): void {
  if (!openOrReplyNoKey(session, args, reply)) return;
  const { groups } = streamsOf(session);
  const { bytes } = args;
  const group = groups.find(stream.block, bytes, args.start(3), args.end(3));
  if (group === null) return reply.integer(0);
  groups.destroy(stream.block, group);
  changed(session, args, 2, XGROUP_DESTROY);
  // Who waits for what is new to the group is told that it has gone.
  session.engine.blocking.signal(session.db, bytes, args.start(2), args.end(2));
  reply.integer(1);
}

function createconsumer(session: Session, args: Args, reply: Reply): void {
  const group = groupOrReply(session, args, reply);
  if (group === null) return;
  const { groups } = streamsOf(session);
  if (groups.findConsumer(group, args.bytes, args.start(4), args.end(4)) !== null) {
    return reply.integer(0);
  }
  groups.createConsumer(group, args.copy(4), session.engine.clock.nowMs);
  changed(session, args, 2, XGROUP_CREATECONSUMER);
  reply.integer(1);
}

function delconsumer(session: Session, args: Args, reply: Reply): void {
  const group = groupOrReply(session, args, reply);
  if (group === null) return;
  const { groups } = streamsOf(session);
  const consumer = groups.findConsumer(group, args.bytes, args.start(4), args.end(4));
  if (consumer === null) return reply.integer(0);
  changed(session, args, 2, XGROUP_DELCONSUMER);
  reply.integer(groups.deleteConsumer(group, consumer));
}

/** Reads MKSTREAM and ENTRIESREAD. Returns false after answering an error. */
function optionsOrReply(args: Args, creates: boolean, reply: Reply): boolean {
  options.createStream = false;
  options.readLow = -1;
  options.readHigh = -1;
  for (let i = 5; i < args.count; i++) {
    if (creates && args.is(i, "MKSTREAM")) {
      options.createStream = true;
    } else if (args.is(i, "ENTRIESREAD") && i + 1 < args.count) {
      if (!int64OrReply(args, ++i, reply)) return false;
      options.readLow = int64.low;
      options.readHigh = int64.high;
      if (int64.high < 0 && !(int64.high === -1 && int64.low === -1)) {
        reply.error("ERR value for ENTRIESREAD must be positive or -1");
        return false;
      }
    } else {
      replyUnknown(args, reply);
      return false;
    }
  }
  return true;
}

function replyUnknown(args: Args, reply: Reply): void {
  const name = nameOf(args, 1);
  reply.error(
    `ERR unknown subcommand or wrong number of arguments for '${name}'. Try XGROUP HELP.`,
  );
}

/** Opens the stream of the key. Returns false after answering that there is none. */
function openOrReplyNoKey(session: Session, args: Args, reply: Reply): boolean {
  const entry = session.db.find(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) {
    reply.error(NO_KEY);
    return false;
  }
  if (!isTypeOrReply(session, entry, TYPE_STREAM, reply)) return false;
  session.db.load(entry, stream);
  return true;
}

/** Opens the stream and finds the group; null after answering an error. */
function groupOrReply(session: Session, args: Args, reply: Reply): StreamGroup | null {
  if (!openOrReplyNoKey(session, args, reply)) return null;
  const { groups } = streamsOf(session);
  const group = groups.find(stream.block, args.bytes, args.start(3), args.end(3));
  if (group === null) {
    reply.error(
      `NOGROUP No such consumer group '${nameOf(args, 3)}' for key name '${nameOf(args, 2)}'`,
    );
  }
  return group;
}

const HELP = [
  "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD <count>]",
  "    Makes a consumer group that reads what comes after an id.",
  "CREATECONSUMER <key> <groupname> <consumer>",
  "    Makes a consumer of a group.",
  "DELCONSUMER <key> <groupname> <consumer>",
  "    Removes a consumer and what is pending there.",
  "DESTROY <key> <groupname>",
  "    Removes a group with its consumers.",
  "SETID <key> <groupname> <id|$> [ENTRIESREAD <count>]",
  "    Sets the id after which a group reads.",
  "HELP",
  "    Prints this help.",
];

function help(_session: Session, _args: Args, reply: Reply): void {
  reply.array(HELP.length);
  for (const line of HELP) reply.simple(line);
}

function key(flags: string): CommandRow["keys"] {
  return [{ flags, begin: 2, find: { last: 0, step: 1 } }];
}

export const streamGroupRows: readonly CommandRow[] = [
  {
    name: "xgroup",
    arity: -2,
    flags: "",
    since: "5.0.0",
    group: "stream",
    summary: "Manages the consumer groups of a stream.",
    complexity: "Depends on subcommand.",
    subcommands: [
      {
        name: "create",
        arity: -5,
        flags: "write denyoom",
        keys: key("RW insert"),
        since: "5.0.0",
        group: "stream",
        summary: "Makes a consumer group.",
        complexity: "O(1)",
        syntax:
          "key:key groupname:string id:<id:string|new_id:$> [mkstream:MKSTREAM] " +
          "[ENTRIESREAD entries_read:integer]",
        history: [["7.0.0", "The option `ENTRIESREAD`."]],
        handler: create,
      },
      {
        name: "setid",
        arity: -5,
        flags: "write",
        keys: key("RW update"),
        since: "5.0.0",
        group: "stream",
        summary: "Sets the last id that a group was given.",
        complexity: "O(1)",
        syntax:
          "key:key groupname:string id:<id:string|new_id:$> [ENTRIESREAD entries_read:integer]",
        history: [["7.0.0", "The option `ENTRIESREAD`."]],
        handler: setid,
      },
      {
        name: "destroy",
        arity: 4,
        flags: "write",
        keys: key("RW delete"),
        since: "5.0.0",
        group: "stream",
        summary: "Removes a consumer group.",
        complexity: "O(N) where N is the number of pending entries",
        syntax: "key:key groupname:string",
        handler: destroy,
      },
      {
        name: "createconsumer",
        arity: 5,
        flags: "write denyoom",
        keys: key("RW insert"),
        since: "6.2.0",
        group: "stream",
        summary: "Makes a consumer of a group.",
        complexity: "O(1)",
        syntax: "key:key groupname:string consumername:string",
        handler: createconsumer,
      },
      {
        name: "delconsumer",
        arity: 5,
        flags: "write",
        keys: key("RW delete"),
        since: "5.0.0",
        group: "stream",
        summary: "Removes a consumer and returns how many entries were pending there.",
        complexity: "O(N) where N is the number of entries pending at the consumer",
        syntax: "key:key groupname:string consumername:string",
        handler: delconsumer,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "5.0.0",
        group: "stream",
        summary: "Lists the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
    ],
  },
];
