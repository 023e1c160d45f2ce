/** Commands about the connection itself. */
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

function ping(_session: Session, args: Args, reply: Reply): void {
  if (args.count > 2) return reply.error("ERR wrong number of arguments for 'ping' command");
  if (args.count === 1) return reply.pong();
  reply.bulk(args.bytes, args.start(1), args.end(1));
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
    handler: ping,
  },
];
