/** What every script and function has in common before it runs: how many keys it is given, and whether it may run at all. */
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Engine } from "./engine.ts";
import { NOT_AN_INTEGER } from "./guards.ts";
import { OUT_OF_MEMORY } from "./memory-limit.ts";
import type { ScriptFlags } from "./script-flags.ts";

/** One that takes long, has written, and can't go on in later turns may take so many times the threshold. */
export const PATIENCE = 12;

export const TOO_LONG = "Script ran for too long in a transaction or without a connection";

const WRITES_BLOCKED =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
  "Writable scripts are blocked. Use 'no-writes' flag for read only scripts.";

/** The number of keys, which stands at `at`; NaN after an error reply. */
export function keyCountOrReply(args: Args, at: number, isFunction: boolean, reply: Reply): number {
  let error: string | null = null;
  const isNumber = parseInt64(args.bytes, args.start(at), args.end(at));
  const count = isNumber ? toNumber(int64.low, int64.high) : NaN;
  if (!isNumber) error = isFunction ? "ERR Bad number of keys provided" : NOT_AN_INTEGER;
  else if (count > args.count - at - 1) {
    error = "ERR Number of keys can't be greater than number of args";
  } else if (count < 0) error = "ERR Number of keys can't be negative";
  if (error === null) return count;
  reply.error(error);
  return NaN;
}

/** Why the server's state does not let a script run, or null. @param readOnly called by a command that only reads */
export function refusalOf(engine: Engine, flags: ScriptFlags, readOnly: boolean): string | null {
  if (flags.isCompatible || flags.noWrites) return null;
  if (engine.memoryLimit.isFull && !flags.allowOom) return OUT_OF_MEMORY;
  if (engine.writeRefusal !== null) return WRITES_BLOCKED;
  if (readOnly) return "ERR Can not execute a script with write flag using *_ro command.";
  return null;
}

/** Notes in the log that one takes long. */
export function warnOfLong(engine: Engine, ms: number, isFunction: boolean): void {
  engine.logger.warning(
    `Slow script detected: still in execution after ${ms} milliseconds. ` +
      `You can try killing the script using the ${isFunction ? "FUNCTION" : "SCRIPT"} KILL command.`,
  );
}
