/** SLOWLOG: what the slow log holds. */
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { helpOf } from "./help.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

/** Entries that are shown unless the client says how many. */
const COUNT_DEFAULT = 10;

function get(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) {
    const wrong = `unknown subcommand or wrong number of arguments for '${args.text(1)}'`;
    return reply.error(`ERR ${wrong}. Try SLOWLOG HELP.`);
  }
  let count = COUNT_DEFAULT;
  if (args.count === 3) {
    const isInteger = parseInt64(args.bytes, args.start(2), args.end(2));
    count = isInteger ? toNumber(int64.low, int64.high) : -2;
    if (count < -1) return reply.error("ERR count should be greater than or equal to -1");
  }
  const { entries } = session.engine.slowLog;
  const shown = count === -1 ? entries.length : Math.min(count, entries.length);
  reply.array(shown);
  for (let i = entries.length - 1; i >= entries.length - shown; i--) {
    const { id, time, microseconds, args: words, address, name } = entries[i]!;
    reply.array(6);
    reply.integer(id);
    reply.integer(time);
    reply.integer(microseconds);
    reply.array(words.length);
    for (const word of words) reply.text(word);
    reply.text(address);
    reply.text(name);
  }
}

function length(session: Session, _args: Args, reply: Reply): void {
  reply.integer(session.engine.slowLog.entries.length);
}

function reset(session: Session, _args: Args, reply: Reply): void {
  session.engine.slowLog.reset();
  reply.ok();
}

const help = helpOf([
  "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "GET [<count>]",
  "    The last <count> slow commands (default: 10, -1: all of them), newest first. Each",
  "    is id, Unix time, microseconds, arguments, address and name of the client.",
  "LEN",
  "    How many slow commands are remembered.",
  "RESET",
  "    Forgets them.",
  "HELP",
  "    Prints this text.",
]);

const SHARED = { flags: "admin loading stale", since: "2.2.12", group: "server" } as const;

export const slowLogRows: readonly CommandRow[] = [
  {
    name: "slowlog",
    arity: -2,
    flags: "",
    since: "2.2.12",
    group: "server",
    summary: "The log of slow commands.",
    complexity: "Depends on the subcommand.",
    subcommands: [
      {
        ...SHARED,
        name: "get",
        arity: -2,
        summary: "Returns slow commands, newest first.",
        complexity: "O(N) where N is the number of entries returned",
        syntax: "[count:integer]",
        history: [["4.0.0", "Address and name of the client."]],
        tips: ["request_policy:all_nodes", "nondeterministic_output"],
        handler: get,
      },
      {
        ...SHARED,
        name: "len",
        arity: 2,
        summary: "Returns how many slow commands are remembered.",
        complexity: "O(1)",
        tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        handler: length,
      },
      {
        ...SHARED,
        name: "reset",
        arity: 2,
        summary: "Forgets the slow commands.",
        complexity: "O(N) where N is the number of entries",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: reset,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "6.2.0",
        group: "server",
        summary: "Explains the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
    ],
  },
];
