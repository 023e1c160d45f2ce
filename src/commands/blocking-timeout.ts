/** The timeouts of commands that wait: in seconds with a fraction, or in whole milliseconds. */
import { parseLongDouble } from "../base/long-double.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Session } from "./session.ts";

/** Times from here on do not fit Redis's 64 bits. */
const END_MS: number = 2 ** 63;

/** A timeout as milliseconds, rounded up, 0 for ever; else answers an error and returns NaN. */
export function timeoutSecondsOrReply(
  session: Session,
  args: Args,
  index: number,
  reply: Reply,
): number {
  const seconds = parseLongDouble(args.bytes, args.start(index), args.end(index));
  let error = "ERR timeout is not a float or out of range";
  if (seconds !== null) {
    const ms = Math.ceil(Number(seconds.mantissa) * 2 ** seconds.exponent * 1000);
    // No negative zero, which a small negative number is rounded to.
    if (ms >= 0 && ms + session.engine.clock.nowMs < END_MS) return ms + 0;
    error = ms < 0 ? "ERR timeout is negative" : "ERR timeout is out of range";
  }
  reply.error(error);
  return NaN;
}

/** A timeout in milliseconds, 0 for ever; else answers an error and returns NaN. */
export function timeoutMsOrReply(
  session: Session,
  args: Args,
  index: number,
  reply: Reply,
): number {
  let error = "ERR timeout is not an integer or out of range";
  if (parseInt64(args.bytes, args.start(index), args.end(index))) {
    const ms = toNumber(int64.low, int64.high);
    if (ms >= 0 && ms + session.engine.clock.nowMs < END_MS) return ms;
    error = ms < 0 ? "ERR timeout is negative" : "ERR timeout is out of range";
  }
  reply.error(error);
  return NaN;
}
