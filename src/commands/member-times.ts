/** The time arguments of commands that let fields and members expire: Unix time in milliseconds of at most 46 bits. */
import { int64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { MEMBER_TIME_MAX } from "../types/member-times.ts";
import { int64OrReply } from "./guards.ts";

/**
 * The time in an argument as Unix time in ms; else answers an error and returns -1.
 * @param unitMs milliseconds in a unit of the argument
 * @param originMs Unix time that it counts from
 * @param name of the command, for the error
 */
export function memberTimeOrReply(
  args: Args,
  index: number,
  unitMs: number,
  originMs: number,
  name: string,
  reply: Reply,
): number {
  if (!int64OrReply(args, index, reply)) return -1;
  if (int64.high < 0) {
    reply.error("ERR invalid expire time, must be >= 0");
    return -1;
  }
  // What the conversion rounds lies far above the bound.
  const dueMs = toNumber(int64.low, int64.high) * unitMs + originMs;
  if (dueMs <= MEMBER_TIME_MAX) return dueMs;
  reply.error(`ERR invalid expire time in '${name}' command`);
  return -1;
}
