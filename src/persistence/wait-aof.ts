/**
 * WAITAOF: waits until what was written before it is synced to the log's file, whatever `appendfsync` says. The sync begins at
 * once and not with the next second; one serves all who wait while another runs.
 *
 * Redis waits for the writes of the same connection; here it is for all writes so far, those of others included. No replica ever
 * confirms a sync as long as there are none: who asks for one gets its answer when the time is over.
 */
import { int64OrReply } from "../commands/guards.ts";
import { int64, toNumber } from "../base/numbers.ts";
import { timeoutMsOrReply } from "../commands/blocking-timeout.ts";
import type { Engine } from "../commands/engine.ts";
import type { CommandRow } from "../commands/row.ts";
import type { Session } from "../commands/session.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { Aof } from "./aof.ts";

const NO_LOG = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

/** Lets one that waits for the local log try again, and says whether it still waits. */
type Waiter = () => boolean;

const waiting = new WeakMap<Engine, Set<Waiter>>();

function waitAof(session: Session, args: Args, reply: Reply): void {
  const { engine } = session;
  const locals = countOrReply(args, 1, 1, reply);
  if (Number.isNaN(locals)) return;
  const replicas = countOrReply(args, 2, Infinity, reply);
  if (Number.isNaN(replicas)) return;
  const timeoutMs = timeoutMsOrReply(session, args, 3, reply);
  if (Number.isNaN(timeoutMs)) return;
  const aof = Aof.of(engine);
  const { offset } = engine.gate;
  const attempt = (_session: Session, _args: Args, out: Reply): boolean => {
    if (locals > 0 && !aof.isOn) {
      out.error(NO_LOG);
      return true;
    }
    if (replicas > 0 || (locals > 0 && aof.synced < offset)) return false;
    counts(aof, offset, out);
    return true;
  };
  if (attempt(session, args, reply)) return;
  if (!session.mayWait) return counts(aof, offset, reply);
  const waiter = engine.blocking.blockOn(session, args, timeoutMs, attempt, (_session, out) => {
    counts(aof, offset, out);
  });
  if (locals === 0) return;
  waitersOf(engine, aof).add(waiter);
  aof.wantSynced();
}

/** Of the local log and of replicas, how many have everything up to an offset synced. */
function counts(aof: Aof, offset: number, reply: Reply): void {
  reply.array(2);
  reply.integer(aof.synced >= offset ? 1 : 0);
  reply.integer(0);
}

function waitersOf(engine: Engine, aof: Aof): Set<Waiter> {
  const known = waiting.get(engine);
  if (known !== undefined) return known;
  const waiters = new Set<Waiter>();
  waiting.set(engine, waiters);
  aof.onSynced = () => {
    for (const waiter of waiters) if (!waiter()) waiters.delete(waiter);
  };
  return waiters;
}

/** The argument as a number from 0 to `max`; else answers an error and returns NaN. */
function countOrReply(args: Args, index: number, max: number, reply: Reply): number {
  if (!int64OrReply(args, index, reply)) return NaN;
  const count = toNumber(int64.low, int64.high);
  if (count >= 0 && count <= max) return count;
  reply.error(
    max === Infinity
      ? "ERR value is out of range, must be positive"
      : `ERR value is out of range, value must between 0 and ${max}`,
  );
  return NaN;
}

export const waitAofRows: readonly CommandRow[] = [
  {
    name: "waitaof",
    arity: 4,
    flags: "noscript blocking",
    since: "7.2.0",
    group: "generic",
    summary: "Waits until what was written before is synced to the log, here and on replicas.",
    complexity: "O(1)",
    syntax: "numlocal:integer numreplicas:integer timeout:integer",
    categories: "connection -keyspace",
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    handler: waitAof,
  },
];
