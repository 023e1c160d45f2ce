/** Commands about the connection itself: who it is, which database and protocol version it uses. */
import { FAILED_AUTH_MAX } from "../base/limits.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { REDIS_VERSION } from "../base/version.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { INVALID_CLIENT_NAME, isPrintable } from "./client-names.ts";
import { DATABASE_OUT_OF_RANGE, int32OrReply, SYNTAX_ERROR } from "./guards.ts";
import { DEFAULT_USER } from "../security/users.ts";
import { noteDenial } from "./permission.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
const NO_PASSWORD_SET =
  "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?";
const HELLO_NEEDS_AUTH =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> " +
  "option can be used to authenticate the client and select the RESP protocol version at the same time";

function ping(session: Session, args: Args, reply: Reply): void {
  if (args.count > 2) return reply.error("ERR wrong number of arguments for 'ping' command");
  if (session.subscriptions !== null && reply.version === 2) {
    // It must look like a message.
    reply.array(2);
    reply.text("pong");
    if (args.count === 1) return reply.text("");
    return reply.bulk(args.bytes, args.start(1), args.end(1));
  }
  if (args.count === 1) return reply.pong();
  reply.bulk(args.bytes, args.start(1), args.end(1));
}

function echo(_session: Session, args: Args, reply: Reply): void {
  reply.bulk(args.bytes, args.start(1), args.end(1));
}

function select(session: Session, args: Args, reply: Reply): void {
  const index = int32OrReply(args, 1, reply);
  if (Number.isNaN(index)) return;
  const database = session.engine.keyspace.databases[index];
  if (database === undefined) return reply.error(DATABASE_OUT_OF_RANGE);
  session.db = database;
  reply.ok();
}

function quit(session: Session, _args: Args, reply: Reply): void {
  reply.ok();
  session.peer?.closeAfterReplies();
}

/** Everything as it was when the connection began, but for the library's name. */
function reset(session: Session, _args: Args, reply: Reply): void {
  const { engine } = session;
  session.endTransaction();
  engine.tracking.disable(session);
  session.db = engine.keyspace.databases[0]!;
  engine.channels.forget(session);
  engine.monitors.forget(session);
  session.reply.version = 2;
  session.user = engine.access.users.default;
  session.authenticated = engine.access.isOpen;
  session.name = "";
  session.noTouch = false;
  session.noEvict = false;
  engine.clientMemory.count(session);
  if (session.replyMode !== "skip-this") session.replyMode = "on";
  reply.simple("RESET");
}

// ---- authentication ----

function auth(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return reply.error(SYNTAX_ERROR);
  const { users } = session.engine.access;
  if (args.count === 2 && users.default.noPassword) return reply.error(NO_PASSWORD_SET);
  const user = args.count === 3 ? args.text(1) : DEFAULT_USER;
  if (authenticateOrReply(session, user, args.copy(args.count - 1), args.text(0), reply))
    reply.ok();
}

/**
 * Logs the session in as the user of that name; else answers an error and, if that was one too many, closes the connection.
 * @param command the word that asked for it
 */
function authenticateOrReply(
  session: Session,
  name: string,
  password: Buffer,
  command: string,
  reply: Reply,
): boolean {
  const user = session.engine.access.users.authenticate(name, password);
  if (user !== null) {
    session.user = user;
    session.authenticated = true;
    session.failedAuths = 0;
    return true;
  }
  noteDenial(session, "auth", session.transaction === null ? "toplevel" : "multi", command, name);
  reply.error(WRONG_PASSWORD);
  if (++session.failedAuths >= FAILED_AUTH_MAX) session.peer?.closeAfterReplies();
  return false;
}

function hello(session: Session, args: Args, reply: Reply): void {
  let version = reply.version;
  if (args.count > 1) {
    if (!parseInt64(args.bytes, args.start(1), args.end(1))) {
      return reply.error("ERR Protocol version is not an integer or out of range");
    }
    version = toNumber(int64.low, int64.high);
    if (version !== 2 && version !== 3) {
      return reply.error("NOPROTO unsupported protocol version");
    }
  }
  let user: string | null = null;
  let password: Buffer | null = null;
  let name: string | null = null;
  for (let i = 2; i < args.count; i++) {
    const left = args.count - 1 - i;
    if (left >= 2 && args.is(i, "AUTH")) {
      user = args.text(i + 1);
      password = args.copy(i + 2);
      i += 2;
    } else if (left >= 1 && args.is(i, "SETNAME")) {
      name = args.text(++i);
      if (!isPrintable(name)) return reply.error(INVALID_CLIENT_NAME);
    } else {
      return reply.error(`ERR Syntax error in HELLO option '${args.text(i)}'`);
    }
  }
  if (user !== null && !authenticateOrReply(session, user, password!, args.text(0), reply)) return;
  if (!session.authenticated && !session.engine.access.isOpen) {
    return reply.error(HELLO_NEEDS_AUTH);
  }
  if (name !== null) session.name = name;
  reply.version = version;
  replyServer(session, reply);
}

function replyServer(session: Session, reply: Reply): void {
  reply.map(7);
  reply.text("server");
  reply.text("redis");
  reply.text("version");
  reply.text(REDIS_VERSION);
  reply.text("proto");
  reply.integer(reply.version);
  reply.text("id");
  reply.integer(session.id);
  reply.text("mode");
  reply.text("standalone");
  reply.text("role");
  reply.text("master");
  reply.text("modules");
  reply.array(0);
}

export const connectionRows: readonly CommandRow[] = [
  {
    name: "ping",
    arity: -1,
    flags: "fast",
    since: "1.0.0",
    group: "connection",
    summary: "Answers PONG, or the message.",
    complexity: "O(1)",
    syntax: "[message:string]",
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    runsSubscribed: true,
    handler: ping,
  },
  {
    name: "echo",
    arity: 2,
    flags: "loading stale fast",
    since: "1.0.0",
    group: "connection",
    summary: "Answers with the message.",
    complexity: "O(1)",
    syntax: "message:string",
    handler: echo,
  },
  {
    name: "auth",
    arity: -2,
    flags: "noscript loading stale fast no_auth allow_busy",
    since: "1.0.0",
    group: "connection",
    summary: "Gives the password of a user.",
    complexity: "O(N) where N is the number of passwords defined for the user",
    syntax: "[username:string@6.0.0] password:string",
    history: [["6.0.0", "Takes the name of a user."]],
    handler: auth,
  },
  {
    name: "hello",
    arity: -1,
    flags: "noscript loading stale fast no_auth allow_busy",
    since: "6.0.0",
    group: "connection",
    summary: "Chooses the protocol version, and tells about the server.",
    complexity: "O(1)",
    syntax:
      "[arguments:(protover:integer [AUTH auth:(username:string password:string)] " +
      "[SETNAME clientname:string])]",
    history: [["6.2.0", "The version may be left out to ask for the state of the connection."]],
    handler: hello,
  },
  {
    name: "select",
    arity: 2,
    flags: "loading stale fast",
    since: "1.0.0",
    group: "connection",
    summary: "Chooses the database that the connection works on.",
    complexity: "O(1)",
    syntax: "index:integer",
    handler: select,
  },
  {
    name: "reset",
    arity: 1,
    flags: "noscript loading stale fast no_auth allow_busy",
    since: "6.2.0",
    group: "connection",
    summary: "Puts the connection back into the state that it began with.",
    complexity: "O(1)",
    runsInMulti: true,
    runsSubscribed: true,
    handler: reset,
  },
  {
    name: "quit",
    arity: -1,
    flags: "noscript loading stale fast no_auth allow_busy",
    since: "1.0.0",
    group: "connection",
    summary: "Closes the connection.",
    complexity: "O(1)",
    deprecated: { since: "7.2.0", replacedBy: "just closing the connection" },
    runsInMulti: true,
    runsSubscribed: true,
    handler: quit,
  },
];
