/** BGREWRITEAOF. */
import type { CommandRow } from "../commands/row.ts";
import type { Session } from "../commands/session.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { Aof } from "./aof.ts";

function backgroundRewrite(session: Session, _args: Args, reply: Reply): void {
  const aof = Aof.of(session.engine);
  if (aof.isRewriting) {
    return reply.error("ERR Background append only file rewriting already in progress");
  }
  // What a transaction does is not divided between the old log and the new one.
  if (aof.schedule(!session.mayWait))
    return reply.simple("Background append only file rewriting scheduled");
  if (aof.rewrite()) return reply.simple("Background append only file rewriting started");
  reply.error(
    "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
  );
}

export const aofRows: readonly CommandRow[] = [
  {
    name: "bgrewriteaof",
    arity: 1,
    flags: "admin noscript no_async_loading",
    since: "1.0.0",
    group: "server",
    summary: "Rewrites the log in the background, so that it holds the data and not its history.",
    complexity: "O(1)",
    handler: backgroundRewrite,
  },
];
