/**
 * Commands that publish messages and subscribe to them. A client with subscriptions that speaks RESP2 may run few other commands,
 * since replies and messages look alike there; with RESP3 messages are pushes, and it may run all.
 */
import { matchesGlob } from "../base/glob.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Kind } from "./channels.ts";
import { CHANNEL, PATTERN, SHARD } from "./channels.ts";
import { helpOf } from "./help.ts";
import type { CommandRow, Handler, KeySpec } from "./row.ts";
import type { Session } from "./session.ts";

const FLAGS = "pubsub noscript loading stale";

// ---- subscribing ----

function subscriber(kind: Kind): Handler {
  const refusal = `ERR ${kind.joined.toUpperCase()} isn't allowed for a DENY BLOCKING client`;
  return (session, args, reply) => {
    // Nobody would ever take its messages.
    if (session.peer === null) return reply.error(refusal);
    for (let i = 1; i < args.count; i++) {
      const name = args.copy(i);
      session.engine.channels.subscribe(session, kind, name);
      confirm(session, kind, kind.joined, name, reply);
    }
  };
}

function unsubscriber(kind: Kind): Handler {
  return (session, args, reply) => {
    const { channels } = session.engine;
    if (args.count === 1) return unsubscribeAll(session, kind, reply);
    for (let i = 1; i < args.count; i++) {
      channels.unsubscribe(session, kind, args.bytes, args.start(i), args.end(i));
      confirm(session, kind, kind.left, args.copy(i), reply);
    }
  };
}

function unsubscribeAll(session: Session, kind: Kind, reply: Reply): void {
  const audiences = [...(session.subscriptions?.audiences[kind.index] ?? [])];
  for (const { name } of audiences) {
    session.engine.channels.unsubscribe(session, kind, name, 0, name.length);
    confirm(session, kind, kind.left, name, reply);
  }
  if (audiences.length === 0) confirm(session, kind, kind.left, null, reply);
}

/** Says that the session has got a subscription more or less, and how many it has now. Said though replies are switched off. */
function confirm(
  session: Session,
  kind: Kind,
  word: string,
  name: Buffer | null,
  reply: Reply,
): void {
  const from = reply.pos;
  reply.push(3);
  reply.text(word);
  if (name === null) reply.null();
  else reply.bulk(name, 0, name.length);
  reply.integer(session.subscriptions?.count(kind) ?? 0);
  if (session.replyMode === "on" || reply.overflowed) return;
  const message = Buffer.from(reply.buffer.subarray(from, reply.pos));
  reply.takeBack(from);
  session.push(message);
}

// ---- publishing ----

function publish(session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const { channels } = session.engine;
  reply.integer(
    channels.publish(bytes, args.start(1), args.end(1), bytes, args.start(2), args.end(2)),
  );
}

function spublish(session: Session, args: Args, reply: Reply): void {
  const { bytes } = args;
  const { channels } = session.engine;
  reply.integer(
    channels.publishToShard(bytes, args.start(1), args.end(1), bytes, args.start(2), args.end(2)),
  );
}

// ---- asking ----

/** The names of a kind that somebody has subscribed to. */
function lister(kind: Kind): Handler {
  return (session, args, reply) => {
    if (args.count > 3) {
      const wrong = `unknown subcommand or wrong number of arguments for '${args.text(1)}'`;
      return reply.error(`ERR ${wrong}. Try PUBSUB HELP.`);
    }
    const { bytes } = args;
    const place = reply.reserveLength();
    let count = 0;
    for (const audience of session.engine.channels.of(kind).values()) {
      const { length } = audience.name;
      const matches =
        args.count === 2 ||
        matchesGlob(bytes, args.start(2), args.end(2), audience.name, 0, length);
      if (!matches) continue;
      reply.bulk(audience.name, 0, length);
      count++;
    }
    reply.patchLength(place, 0x2a, count);
  };
}

/** Names and how many have subscribed to each. */
function counter(kind: Kind): Handler {
  return (session, args, reply) => {
    const audiences = session.engine.channels.of(kind);
    const { bytes } = args;
    reply.array((args.count - 2) * 2);
    for (let i = 2; i < args.count; i++) {
      reply.bulk(bytes, args.start(i), args.end(i));
      reply.integer(audiences.get(bytes, args.start(i), args.end(i))?.sessions.size ?? 0);
    }
  };
}

function numpat(session: Session, _args: Args, reply: Reply): void {
  reply.integer(session.engine.channels.of(PATTERN).size);
}

const help = helpOf([
  "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CHANNELS [<pattern>]",
  "    The channels that somebody has subscribed to, all or those that match.",
  "NUMPAT",
  "    How many patterns somebody has subscribed to.",
  "NUMSUB [<channel> ...]",
  "    Channels and how many clients have subscribed to each, patterns not counted.",
  "SHARDCHANNELS [<pattern>]",
  "    The shard channels that somebody has subscribed to, all or those that match.",
  "SHARDNUMSUB [<shardchannel> ...]",
  "    Shard channels and how many clients have subscribed to each.",
  "HELP",
  "    Prints this text.",
]);

// ---- rows ----

function shardKeys(last: number): readonly KeySpec[] {
  return [{ flags: "not_key", begin: 1, find: { last, step: 1 } }];
}

function joining(kind: Kind, row: Pick<CommandRow, "since" | "summary" | "syntax">): CommandRow {
  return {
    ...row,
    name: kind.joined,
    arity: -2,
    flags: FLAGS,
    group: "pubsub",
    complexity: "O(N) where N is the number of names.",
    runsSubscribed: true,
    channels: kind === PATTERN ? "patterns" : "all",
    ...(kind === SHARD ? { keys: shardKeys(-1) } : {}),
    handler: subscriber(kind),
  };
}

function leaving(kind: Kind, row: Pick<CommandRow, "since" | "summary" | "syntax">): CommandRow {
  return {
    ...row,
    name: kind.left,
    arity: -1,
    flags: FLAGS,
    group: "pubsub",
    complexity: "O(N) where N is the number of names, or of all that are left.",
    runsSubscribed: true,
    ...(kind === SHARD ? { keys: shardKeys(-1) } : {}),
    handler: unsubscriber(kind),
  };
}

const ASKING = { flags: "pubsub loading stale", group: "pubsub" } as const;

export const pubsubRows: readonly CommandRow[] = [
  joining(CHANNEL, {
    since: "2.0.0",
    summary: "Subscribes to channels.",
    syntax: "channel:string...",
  }),
  leaving(CHANNEL, {
    since: "2.0.0",
    summary: "Ends subscriptions to channels, all if none is named.",
    syntax: "[channel:string...]",
  }),
  joining(PATTERN, {
    since: "2.0.0",
    summary: "Subscribes to all channels that match patterns.",
    syntax: "pattern:(pattern:pattern)...",
  }),
  leaving(PATTERN, {
    since: "2.0.0",
    summary: "Ends subscriptions to patterns, all if none is named.",
    syntax: "[pattern:pattern...]",
  }),
  joining(SHARD, {
    since: "7.0.0",
    summary: "Subscribes to shard channels.",
    syntax: "shardchannel:string...",
  }),
  leaving(SHARD, {
    since: "7.0.0",
    summary: "Ends subscriptions to shard channels, all if none is named.",
    syntax: "[shardchannel:string...]",
  }),
  {
    name: "publish",
    arity: 3,
    flags: "pubsub loading stale fast may_replicate",
    since: "2.0.0",
    group: "pubsub",
    summary: "Sends a message to all who have subscribed to a channel or to a pattern of it.",
    complexity: "O(N+M) where N is the number of subscribers and M the number of all patterns.",
    syntax: "channel:string message:string",
    channels: "first",
    handler: publish,
  },
  {
    name: "spublish",
    arity: 3,
    flags: "pubsub loading stale fast may_replicate",
    keys: shardKeys(0),
    since: "7.0.0",
    group: "pubsub",
    summary: "Sends a message to all who have subscribed to a shard channel.",
    complexity: "O(N) where N is the number of subscribers.",
    syntax: "shardchannel:string message:string",
    channels: "first",
    handler: spublish,
  },
  {
    name: "pubsub",
    arity: -2,
    flags: "",
    since: "2.8.0",
    group: "pubsub",
    summary: "What is subscribed to.",
    complexity: "Depends on the subcommand.",
    subcommands: [
      {
        ...ASKING,
        name: "channels",
        arity: -2,
        since: "2.8.0",
        summary: "Returns the channels that somebody has subscribed to.",
        complexity: "O(N) where N is the number of channels.",
        syntax: "[pattern:pattern]",
        handler: lister(CHANNEL),
      },
      {
        ...ASKING,
        name: "numsub",
        arity: -2,
        since: "2.8.0",
        summary: "Returns how many clients have subscribed to each of some channels.",
        complexity: "O(N) where N is the number of names.",
        syntax: "[channel:string...]",
        handler: counter(CHANNEL),
      },
      {
        ...ASKING,
        name: "numpat",
        arity: 2,
        since: "2.8.0",
        summary: "Returns how many patterns somebody has subscribed to.",
        complexity: "O(1)",
        handler: numpat,
      },
      {
        ...ASKING,
        name: "shardchannels",
        arity: -2,
        since: "7.0.0",
        summary: "Returns the shard channels that somebody has subscribed to.",
        complexity: "O(N) where N is the number of shard channels.",
        syntax: "[pattern:pattern]",
        handler: lister(SHARD),
      },
      {
        ...ASKING,
        name: "shardnumsub",
        arity: -2,
        since: "7.0.0",
        summary: "Returns how many clients have subscribed to each of some shard channels.",
        complexity: "O(N) where N is the number of names.",
        syntax: "[shardchannel:string...]",
        handler: counter(SHARD),
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "6.2.0",
        group: "pubsub",
        summary: "Explains the subcommands.",
        complexity: "O(1)",
        categories: "-pubsub",
        handler: help,
      },
    ],
  },
];
