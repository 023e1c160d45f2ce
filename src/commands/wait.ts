/** WAIT: as a primary without replicas answers it. Nobody ever acknowledges a write, so who asks for one waits in vain. */
import { int64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { timeoutMsOrReply } from "./blocking-timeout.ts";
import { int64OrReply } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

function wait(session: Session, args: Args, reply: Reply): void {
  if (!int64OrReply(args, 1, reply)) return;
  const replicas = toNumber(int64.low, int64.high);
  const timeoutMs = timeoutMsOrReply(session, args, 2, reply);
  if (Number.isNaN(timeoutMs)) return;
  if (replicas <= 0 || !session.mayWait) return reply.integer(0);
  session.engine.blocking.blockOn(
    session,
    args,
    timeoutMs,
    () => false,
    (_session, out) => out.integer(0),
  );
}

export const waitRows: readonly CommandRow[] = [
  {
    name: "wait",
    arity: 3,
    flags: "noscript blocking",
    since: "3.0.0",
    group: "generic",
    summary: "Waits until replicas have acknowledged the writes of this connection.",
    complexity: "O(1)",
    syntax: "numreplicas:integer timeout:integer",
    categories: "connection -keyspace",
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    handler: wait,
  },
];
