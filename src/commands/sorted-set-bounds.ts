/** Bounds of ranges of sorted sets, as arguments give them, and the ranks that they come to. */
import { parseDouble } from "../base/doubles.ts";
import { scanFloat } from "../base/float-syntax.ts";
import { int64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { SortedSets } from "../types/sorted-set.ts";
import type { Value } from "../types/value.ts";
import { int64OrReply } from "./guards.ts";
import { NOT_A_LEX_RANGE, NOT_A_RANGE } from "./sorted-set-values.ts";

// What a range is a range of.
export const BY_RANK = 0;
export const BY_SCORE = 1;
export const BY_LEX = 2;

const OPEN = 0x28;
const BRACKET = 0x5b;
const PLUS = 0x2b;
const MINUS = 0x2d;
/** Longest text that is looked at as a score. */
const TEXT_MAX = 4096;

// Where a bound between members is.
const LOWEST = 0;
const AT_MEMBER = 1;
const HIGHEST = 2;

class Bound {
  /** A score, or a rank. */
  number = 0;
  exclusive = false;
  /** Of a bound between members: an end, or the bytes from `start` on. */
  place = LOWEST;
  start = 0;
  end = 0;
}

/** The range that a command asks for, and where it lies in a set: `count` members from the rank `first` on. */
export class RankRange {
  readonly min: Bound = new Bound();
  readonly max: Bound = new Bound();
  first = 0;
  count = 0;
}

/** Reads both bounds; else answers an error. */
export function boundsOrReply(
  range: RankRange,
  kind: number,
  args: Args,
  minAt: number,
  maxAt: number,
  reply: Reply,
): boolean {
  if (kind === BY_RANK) {
    return rankOrReply(range.min, args, minAt, reply) && rankOrReply(range.max, args, maxAt, reply);
  }
  const read = kind === BY_SCORE ? readScore : readMember;
  if (read(range.min, args, minAt) && read(range.max, args, maxAt)) return true;
  reply.error(kind === BY_SCORE ? NOT_A_RANGE : NOT_A_LEX_RANGE);
  return false;
}

function rankOrReply(bound: Bound, args: Args, index: number, reply: Reply): boolean {
  if (!int64OrReply(args, index, reply)) return false;
  bound.number = toNumber(int64.low, int64.high);
  return true;
}

/** A score as C's strtod reads it, with "(" before it exclusive. */
function readScore(bound: Bound, args: Args, index: number): boolean {
  const { bytes } = args;
  let start = args.start(index);
  let end = args.end(index);
  bound.exclusive = bytes[start] === OPEN && end > start;
  if (bound.exclusive) start++;
  const score = parseDouble(bytes, start, end);
  bound.number = score;
  if (!Number.isNaN(score)) return true;
  // Redis reads these as a C string: up to a zero byte, spaces before the number, nothing at all for 0.
  const zeroAt = bytes.subarray(start, end).indexOf(0);
  if (zeroAt >= 0) end = start + zeroAt;
  if (end - start > TEXT_MAX) return false;
  bound.number = 0;
  if (end === start) return true;
  const text = bytes.toString("latin1", start, end).replace(/^[ \t-\r]+/, "");
  const scanned = scanFloat(text);
  if (scanned === null) return false;
  // What is too large for a double is infinite, what is too small is 0.
  bound.number = scanned.base === 10 && !scanned.infinite ? Number(text) : readOther(text);
  return true;
}

/** A number in hexadecimal or in words, which may have lost what stood around it, or be out of a double's range. */
function readOther(text: string): number {
  const number = parseDouble(Buffer.from(text, "latin1"), 0, text.length);
  if (!Number.isNaN(number)) return number;
  const magnitude = text.includes("-", 1) ? 0 : Infinity;
  return text.startsWith("-") ? -magnitude : magnitude;
}

function readMember(bound: Bound, args: Args, index: number): boolean {
  const start = args.start(index);
  const length = args.length(index);
  const head = length === 0 ? 0 : args.bytes[start]!;
  if (head === PLUS || head === MINUS) {
    if (length > 1 && args.bytes[start + 1] !== 0) return false;
    bound.place = head === PLUS ? HIGHEST : LOWEST;
    return true;
  }
  if (head !== OPEN && head !== BRACKET) return false;
  bound.place = AT_MEMBER;
  bound.exclusive = head === OPEN;
  bound.start = start + 1;
  bound.end = args.end(index);
  return true;
}

/** Finds where the range lies in a set. */
export function resolve(
  range: RankRange,
  kind: number,
  args: Args,
  sets: SortedSets,
  value: Value,
): void {
  const { min, max } = range;
  const length = sets.length(value);
  let first: number;
  let end: number;
  if (kind === BY_RANK) {
    first = Math.max(0, min.number < 0 ? length + min.number : min.number);
    end = Math.min(length, (max.number < 0 ? length + max.number : max.number) + 1);
  } else if (kind === BY_SCORE) {
    first = rankOfScore(min, sets, value, length, min.exclusive);
    end = rankOfScore(max, sets, value, length, !max.exclusive);
  } else {
    first = rankOf(min, args, sets, value, length, min.exclusive);
    end = rankOf(max, args, sets, value, length, !max.exclusive);
  }
  range.first = first;
  range.count = Math.max(0, end - first);
}

/** An end that is open to all scores needs no search. */
function rankOfScore(
  bound: Bound,
  sets: SortedSets,
  value: Value,
  length: number,
  inclusive: boolean,
): number {
  const { number } = bound;
  if (number === Infinity && inclusive) return length;
  if (number === -Infinity && !inclusive) return 0;
  return sets.rankOfScore(value, number, inclusive);
}

function rankOf(
  bound: Bound,
  args: Args,
  sets: SortedSets,
  value: Value,
  length: number,
  inclusive: boolean,
): number {
  if (bound.place === LOWEST) return 0;
  if (bound.place === HIGHEST) return length;
  return sets.rankOfMember(value, args.bytes, bound.start, bound.end, inclusive);
}

/**
 * Cuts a range down to `count` members after leaving out `offset`, counted from its end if `reverse`. A negative count is all
 * of them, a negative offset leaves none.
 */
export function limit(range: RankRange, offset: number, count: number, reverse: boolean): void {
  const left = offset < 0 ? 0 : Math.max(0, range.count - offset);
  const kept = count < 0 ? left : Math.min(left, count);
  if (!reverse) range.first += offset;
  else range.first += left - kept;
  range.count = kept;
}
