/** The timeouts of commands that wait: in seconds with a fraction, or in whole milliseconds. */
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { parseLongDouble } from "../base/long-double.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Session } from "./session.ts";

const NEGATIVE = "ERR timeout is negative";
const OUT_OF_RANGE = "ERR timeout is out of range";
/** Times from here on do not fit Redis's 64 bits. */
const END_MS: number = 2 ** 63;

/** A timeout in seconds as milliseconds, rounded up, 0 for ever; else answers an error and returns NaN. */
export function timeoutSecondsOrReply(
  session: Session,
  args: Args,
  index: number,
  reply: Reply,
): number {
  const seconds = parseLongDouble(args.bytes, args.start(index), args.end(index));
  if (seconds === null) {
    reply.error("ERR timeout is not a float or out of range");
    return NaN;
  }
  return checkedOrReply(
    session,
    Math.ceil(Number(seconds.mantissa) * 2 ** seconds.exponent * 1000),
    reply,
  );
}

/** A timeout in milliseconds, 0 for ever; else answers an error and returns NaN. */
export function timeoutMillisecondsOrReply(
  session: Session,
  args: Args,
  index: number,
  reply: Reply,
): number {
  if (!parseInt64(args.bytes, args.start(index), args.end(index))) {
    reply.error("ERR timeout is not an integer or out of range");
    return NaN;
  }
  return checkedOrReply(session, toNumber(int64.low, int64.high), reply);
}

function checkedOrReply(session: Session, ms: number, reply: Reply): number {
  if (ms < 0) {
    reply.error(NEGATIVE);
    return NaN;
  }
  if (ms + session.engine.clock.nowMs >= END_MS) {
    reply.error(OUT_OF_RANGE);
    return NaN;
  }
  // No negative zero, which a small negative number rounds to.
  return ms + 0;
}
