/** The arguments of the commands that pop from the first of several keys: numkeys key... side [COUNT count]. */
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { SYNTAX_ERROR } from "./guards.ts";

/** What was read last. */
export const multiPop: {
  /** Index of the first key. */
  keyAt: number;
  keyCount: number;
  /** The first of the two words for the side was given. */
  first: boolean;
  count: number;
} = { keyAt: 0, keyCount: 0, first: false, count: 1 };

/**
 * Reads them into `multiPop`; else answers an error and returns false.
 * @param at index of numkeys
 * @param firstWord and `otherWord`: the words for the side, upper case
 */
export function multiPopOrReply(
  args: Args,
  at: number,
  firstWord: string,
  otherWord: string,
  reply: Reply,
): boolean {
  const keys = positiveAt(args, at);
  if (Number.isNaN(keys)) return refuse(reply, "ERR numkeys should be greater than 0");
  const sideAt = at + 1 + keys;
  if (sideAt >= args.count) return refuse(reply, SYNTAX_ERROR);
  const first = args.is(sideAt, firstWord);
  if (!first && !args.is(sideAt, otherWord)) return refuse(reply, SYNTAX_ERROR);
  let count = 1;
  if (args.count > sideAt + 1) {
    if (args.count === sideAt + 2 || !args.is(sideAt + 1, "COUNT")) {
      return refuse(reply, SYNTAX_ERROR);
    }
    count = positiveAt(args, sideAt + 2);
    if (Number.isNaN(count)) return refuse(reply, "ERR count should be greater than 0");
    if (args.count > sideAt + 3) return refuse(reply, SYNTAX_ERROR);
  }
  multiPop.keyAt = at + 1;
  multiPop.keyCount = keys;
  multiPop.first = first;
  multiPop.count = count;
  return true;
}

/** A positive integer, rounded above 2^53, or NaN. */
function positiveAt(args: Args, index: number): number {
  if (!parseInt64(args.bytes, args.start(index), args.end(index))) return NaN;
  const value = toNumber(int64.low, int64.high);
  return value >= 1 ? value : NaN;
}

function refuse(reply: Reply, error: string): false {
  reply.error(error);
  return false;
}
