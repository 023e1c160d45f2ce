/** The arguments that SCAN, HSCAN, SSCAN and ZSCAN share: the cursor, MATCH and COUNT. */
import { matchesGlob } from "../base/glob.ts";
import { int64, toNumber } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { int64OrReply, SYNTAX_ERROR } from "./guards.ts";

export const INVALID_CURSOR = "ERR invalid cursor";
const SCAN_COUNT_DEFAULT = 10;
/** Buckets that one call looks at, for each element that it was asked for, if they are empty. */
export const SCAN_BUCKETS_PER_ELEMENT = 10;

const STAR = 0x2a;

/** What the options of one call say. */
export interface ScanOptions {
  /** Elements that one call is to look at, 1 or more. */
  count: number;
  /** Index of the argument with the pattern, 0 if everything matches. */
  patternAt: number;
}

/**
 * A cursor as Redis takes it: an unsigned 64-bit integer, a minus sign counting back from 2^64, and nothing at all for 0.
 * Returns its low 32 bits, which are all that a dict looks at, or -1 if it is none.
 */
export function parseCursor(args: Args, index: number): number {
  const { bytes } = args;
  let at = args.start(index);
  const end = args.end(index);
  if (at === end) return 0;
  const sign = bytes[at]!;
  if (sign === 0x2b || sign === 0x2d) at++;
  if (at === end) return -1;
  let high = 0;
  let low = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    low = low * 10 + digit;
    high = high * 10 + Math.floor(low / 4294967296);
    low %= 4294967296;
    if (high >= 4294967296) return -1;
  }
  return (sign === 0x2d ? -low : low) >>> 0;
}

/** Forgets what an earlier call said. */
export function resetScanOptions(options: ScanOptions): void {
  options.count = SCAN_COUNT_DEFAULT;
  options.patternAt = 0;
}

/**
 * Reads the option at `index`, if it is MATCH or COUNT with a value.
 * @returns arguments taken: 2; 0 if it is something else; -1 after answering an error
 */
export function scanOptionOrReply(
  options: ScanOptions,
  args: Args,
  index: number,
  reply: Reply,
): number {
  if (index + 1 >= args.count) return 0;
  if (args.is(index, "COUNT")) {
    if (!int64OrReply(args, index + 1, reply)) return -1;
    options.count = toNumber(int64.low, int64.high);
    if (options.count >= 1) return 2;
    reply.error(SYNTAX_ERROR);
    return -1;
  }
  if (!args.is(index, "MATCH")) return 0;
  options.patternAt = isStar(args, index + 1) ? 0 : index + 1;
  return 2;
}

export function isStar(args: Args, index: number): boolean {
  return args.length(index) === 1 && args.bytes[args.start(index)] === STAR;
}

/** Whether the bytes match the pattern in an argument; index 0 stands for none, which everything matches. */
export function matchesPattern(args: Args, index: number, text: Slice): boolean {
  if (index === 0) return true;
  const start = args.start(index);
  return matchesGlob(args.bytes, start, args.end(index), text.bytes, text.start, text.end);
}
