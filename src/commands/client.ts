/** CLIENT: what a connection can say and ask about itself, and what operators do with connections. */
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { clientKill } from "./client-kill.ts";
import { clientInfo, clientList } from "./client-list.ts";
import { INVALID_CLIENT_NAME, isPrintable } from "./client-names.ts";
import { int64OrReply, SYNTAX_ERROR } from "./guards.ts";
import { PAUSE_ALL, PAUSE_WRITES, pauseClients, unpauseClients } from "./pause.ts";
import { clientTrackingRows } from "./client-tracking.ts";
import { helpOf } from "./help.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

function id(session: Session, _args: Args, reply: Reply): void {
  reply.integer(session.id);
}

/** What the client is capable of, of which nothing makes a difference yet: Valkey ignores what it does not know. */
function capabilities(_session: Session, _args: Args, reply: Reply): void {
  reply.ok();
}

function setName(session: Session, args: Args, reply: Reply): void {
  const name = args.text(2);
  if (!isPrintable(name)) return reply.error(INVALID_CLIENT_NAME);
  session.name = name;
  reply.ok();
}

function getName(session: Session, _args: Args, reply: Reply): void {
  if (session.name === "") reply.null();
  else reply.text(session.name);
}

function setInfo(session: Session, args: Args, reply: Reply): void {
  const isName = args.is(2, "LIB-NAME");
  if (!isName && !args.is(2, "LIB-VER")) {
    return reply.error(`ERR Unrecognized option '${args.text(2)}'`);
  }
  const value = args.text(3);
  if (!isPrintable(value)) {
    const what = args.text(2);
    return reply.error(`ERR ${what} cannot contain spaces, newlines or special characters.`);
  }
  if (isName) session.libraryName = value;
  else session.libraryVersion = value;
  reply.ok();
}

/** Only ON is answered: a client that wants no replies does not want this one either. */
function replyMode(session: Session, args: Args, reply: Reply): void {
  if (args.is(2, "ON")) {
    session.replyMode = "on";
    reply.ok();
  } else if (args.is(2, "OFF")) {
    session.replyMode = "off";
  } else if (args.is(2, "SKIP")) {
    if (session.replyMode !== "off") session.replyMode = "skip-next";
  } else {
    reply.error(SYNTAX_ERROR);
  }
}

function pause(session: Session, args: Args, reply: Reply): void {
  const { engine } = session;
  if (args.count > 4) {
    return reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${args.text(1)}'. Try CLIENT HELP.`,
    );
  }
  if (args.count === 4 && !args.is(3, "WRITE") && !args.is(3, "ALL")) {
    return reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
  }
  if (!parseInt64(args.bytes, args.start(2), args.end(2))) {
    return reply.error("ERR timeout is not an integer or out of range");
  }
  if (int64.high < 0) return reply.error("ERR timeout is negative");
  const untilMs = engine.clock.nowMs + toNumber(int64.low, int64.high);
  if (untilMs >= 2 ** 63) return reply.error("ERR timeout is out of range");
  const writesOnly = args.count === 4 && args.is(3, "WRITE");
  pauseClients(engine, untilMs, writesOnly ? PAUSE_WRITES : PAUSE_ALL);
  reply.ok();
}

function unpause(session: Session, _args: Args, reply: Reply): void {
  unpauseClients(session.engine);
  reply.ok();
}

function unblock(session: Session, args: Args, reply: Reply): void {
  let withError = false;
  if (args.count === 4) {
    withError = args.is(3, "ERROR");
    if (!withError && !args.is(3, "TIMEOUT")) {
      return reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    }
  } else if (args.count > 4) {
    return reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${args.text(1)}'. Try CLIENT HELP.`,
    );
  }
  if (!int64OrReply(args, 2, reply)) return;
  const { engine } = session;
  // Beyond 2^53 it is rounded, to an id that no client has.
  const one = engine.sessions.get(toNumber(int64.low, int64.high));
  reply.integer(one !== undefined && engine.blocking.unblock(one, withError) ? 1 : 0);
}

function noEvict(session: Session, args: Args, reply: Reply): void {
  const on = switchOrReply(args, 2, reply);
  if (on === null) return;
  session.noEvict = on;
  session.engine.clientMemory.count(session);
  reply.ok();
}

function noTouch(session: Session, args: Args, reply: Reply): void {
  const on = switchOrReply(args, 2, reply);
  if (on === null) return;
  session.noTouch = on;
  reply.ok();
}

/** True for ON, false for OFF; else answers an error and returns null. */
function switchOrReply(args: Args, index: number, reply: Reply): boolean | null {
  if (args.is(index, "ON")) return true;
  if (args.is(index, "OFF")) return false;
  reply.error(SYNTAX_ERROR);
  return null;
}

const help = helpOf([
  "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CAPA <capability> [<capability> ...]",
  "    Tell what the client library is capable of.",
  "CACHING (YES|NO)",
  "    Track the keys of the next command, or not (with OPTIN, OPTOUT).",
  "GETREDIR",
  "    Return the number of the connection that messages of tracking are redirected to.",
  "GETNAME",
  "    Return the name that this connection has given itself.",
  "ID",
  "    Return the number of this connection.",
  "INFO",
  "    Return the line of this connection in CLIENT LIST.",
  "KILL <ip:port>",
  "    Close the connection that comes from this address.",
  "KILL <option> <value> [<option> <value> [...]]",
  "    Close all connections that every option matches:",
  "    * ADDR (<ip:port>|<unixsocket>:0)",
  "      It comes from this address.",
  "    * ID <client-id>",
  "      It has this number.",
  "    * LADDR (<ip:port>|<unixsocket>:0)",
  "      It was made to this address of the server.",
  "    * MAXAGE <seconds>",
  "      It is at least this old.",
  "    * SKIPME (YES|NO)",
  "      Leave this connection open, whatever it matches (default: yes).",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "      It is of this class.",
  "    * USER <username>",
  "      It is logged in as this user.",
  "LIST [options ...]",
  "    Return a line about every connection. Options are:",
  "    * ID <client-id> [<client-id> ...]",
  "      Only those with these numbers.",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "      Only those of this class.",
  "NO-EVICT (ON|OFF)",
  "    Exempt this connection when connections are closed for want of memory.",
  "NO-TOUCH (ON|OFF)",
  "    Let reads of this connection not count as uses of keys.",
  "PAUSE <timeout> [WRITE|ALL]",
  "    Hold back all commands, or only writes, for <timeout> milliseconds.",
  "REPLY (ON|OFF|SKIP)",
  "    Choose whether this connection gets replies; SKIP leaves out the next one.",
  "SETINFO <option> <value>",
  "    Tell about the client library. Options are:",
  "    * LIB-NAME <name>",
  "    * LIB-VER <version>",
  "SETNAME <name>",
  "    Give this connection a name.",
  "TRACKING (ON|OFF) [REDIRECT <client-id>] [BCAST] [PREFIX <prefix> [...]]",
  "         [OPTIN] [OPTOUT] [NOLOOP]",
  "    Tell this connection when keys change that it has read, or that begin with a prefix.",
  "TRACKINGINFO",
  "    Return how this connection tracks.",
  "UNBLOCK <client-id> [TIMEOUT|ERROR]",
  "    End the waiting of this connection's command.",
  "UNPAUSE",
  "    End a pause.",
  "HELP",
  "    Print this help.",
]);

const COMMON = "noscript loading stale";
const ADMIN = "admin noscript loading stale";
const PER_CLIENT = "O(N) where N is the number of client connections";

export const clientRows: readonly CommandRow[] = [
  {
    name: "client",
    arity: -2,
    flags: "",
    since: "2.4.0",
    group: "connection",
    summary: "Looks at and manages connections.",
    complexity: "Depends on subcommand.",
    subcommands: [
      ...clientTrackingRows,
      {
        name: "capa",
        arity: -3,
        flags: COMMON,
        since: "8.0.0",
        group: "connection",
        summary: "Tells what the client library is capable of.",
        complexity: "O(1)",
        syntax: "capability:string...",
        handler: capabilities,
      },
      {
        name: "getname",
        arity: 2,
        flags: COMMON,
        since: "2.6.9",
        group: "connection",
        summary: "Returns the connection's name.",
        complexity: "O(1)",
        handler: getName,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "5.0.0",
        group: "connection",
        summary: "Explains the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
      {
        name: "id",
        arity: 2,
        flags: COMMON,
        since: "5.0.0",
        group: "connection",
        summary: "Returns the connection's number.",
        complexity: "O(1)",
        handler: id,
      },
      {
        name: "info",
        arity: 2,
        flags: COMMON,
        since: "6.2.0",
        group: "connection",
        summary: "Describes this connection.",
        complexity: "O(1)",
        tips: ["nondeterministic_output"],
        handler: clientInfo,
      },
      {
        name: "kill",
        arity: -3,
        flags: ADMIN,
        since: "2.4.0",
        group: "connection",
        summary: "Closes connections.",
        complexity: PER_CLIENT,
        syntax:
          "filter:<old-format:string/ip:port~2.8.12|new-format:<[ID client-id:integer@2.8.12]|" +
          "[TYPE client-type:<normal:NORMAL|master:MASTER@3.2.0|" +
          "slave:SLAVE|replica:REPLICA@5.0.0|pubsub:PUBSUB>@2.8.12]|[USER username:string]|" +
          "[ADDR addr:string/ip:port]|[LADDR laddr:string/ip:port@6.2.0]|" +
          "[SKIPME skipme:<yes:YES|no:NO>]|[MAXAGE maxage:integer@7.4.0]>...>",
        history: [
          ["2.8.12", "Filters."],
          ["2.8.12", "The filter `ID`."],
          ["3.2.0", "The type `master`."],
          ["5.0.0", "The type `replica`; `slave` means the same."],
          ["6.2.0", "The filter `LADDR`."],
          ["7.4.0", "The filter `MAXAGE`."],
        ],
        handler: clientKill,
      },
      {
        name: "list",
        arity: -2,
        flags: ADMIN,
        since: "2.4.0",
        group: "connection",
        summary: "Describes the connections.",
        complexity: PER_CLIENT,
        tips: ["nondeterministic_output"],
        syntax:
          "[TYPE client-type:<normal:NORMAL|master:MASTER|replica:REPLICA|pubsub:PUBSUB>@5.0.0] " +
          "[ID client-id:integer...@6.2.0]",
        history: [
          ["2.8.12", "The field `id`."],
          ["5.0.0", "The filter `TYPE`."],
          ["6.0.0", "The field `user`."],
          ["6.2.0", "The fields `argv-mem`, `tot-mem`, `laddr` and `redir`, and the filter `ID`."],
          ["7.0.0", "The fields `resp`, `multi-mem`, `rbs` and `rbp`."],
          ["7.0.3", "The field `ssub`."],
        ],
        handler: clientList,
      },
      {
        name: "no-evict",
        arity: 3,
        flags: ADMIN,
        since: "7.0.0",
        group: "connection",
        summary: "Exempts the connection from being evicted.",
        complexity: "O(1)",
        syntax: "enabled:<on:ON|off:OFF>",
        handler: noEvict,
      },
      {
        name: "no-touch",
        arity: 3,
        flags: COMMON,
        since: "7.2.0",
        group: "connection",
        summary: "Reads without counting as a use of keys.",
        complexity: "O(1)",
        syntax: "enabled:<on:ON|off:OFF>",
        handler: noTouch,
      },
      {
        name: "pause",
        arity: -3,
        flags: ADMIN,
        since: "3.0.0",
        group: "connection",
        summary: "Holds back commands for a time.",
        complexity: "O(1)",
        syntax: "timeout:integer [mode:<write:WRITE|all:ALL>@6.2.0]",
        history: [["6.2.0", "The modes `WRITE` and `ALL`."]],
        handler: pause,
      },
      {
        name: "reply",
        arity: 3,
        flags: COMMON,
        since: "3.2.0",
        group: "connection",
        summary: "Switches replies to the connection on or off.",
        complexity: "O(1)",
        syntax: "action:<on:ON|off:OFF|skip:SKIP>",
        handler: replyMode,
      },
      {
        name: "setinfo",
        arity: 4,
        flags: COMMON,
        since: "7.2.0",
        group: "connection",
        summary: "Keeps facts about the client library.",
        complexity: "O(1)",
        syntax: "attr:<lib-name libname:string|lib-ver libver:string>",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: setInfo,
      },
      {
        name: "setname",
        arity: 3,
        flags: COMMON,
        since: "2.6.9",
        group: "connection",
        summary: "Names the connection.",
        complexity: "O(1)",
        syntax: "connection-name:string",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: setName,
      },
      {
        name: "unblock",
        arity: -3,
        flags: ADMIN,
        since: "5.0.0",
        group: "connection",
        summary: "Ends the waiting of another connection's command.",
        complexity: "O(log N) where N is the number of client connections",
        syntax: "client-id:integer [unblock-type:<timeout:TIMEOUT|error:ERROR>]",
        handler: unblock,
      },
      {
        name: "unpause",
        arity: 2,
        flags: ADMIN,
        since: "6.2.0",
        group: "connection",
        summary: "Ends a pause.",
        complexity: "O(N) where N is the number of paused clients",
        handler: unpause,
      },
    ],
  },
];
