/**
 * The options that SET, GETEX and MSETEX have in common, and expiry times as all commands on strings take them. What
 * an argument list says is left in one object that the next call fills again.
 */
import { int64, isSafe, parseInt64, setInt64, toBigInt, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { NOT_AN_INTEGER, SYNTAX_ERROR } from "./guards.ts";
import type { Session } from "./session.ts";

export const NX = 1;
export const XX = 2;
export const IFEQ = 4;
export const IFNE = 8;
export const IFDEQ = 16;
export const IFDNE = 32;
export const EX = 64;
export const PX = 128;
export const EXAT = 256;
export const PXAT = 512;
export const KEEPTTL = 1024;
export const PERSIST = 2048;
export const GET = 4096;

/** Conditions on the old value; they exclude each other and NX and XX. */
export const COMPARISONS: number = IFEQ | IFNE | IFDEQ | IFDNE;
/** Options that name an expiry time. */
export const TIMES: number = EX | PX | EXAT | PXAT;
/** Times that count from 1970, not from now. */
export const ABSOLUTE_TIMES: number = EXAT | PXAT;

const CONDITIONS: number = NX | XX | COMPARISONS;
const EXPIRIES: number = TIMES | KEEPTTL | PERSIST;
/** Options followed by an argument. */
const WITH_ARGUMENT: number = COMPARISONS | TIMES;

const INT64_MAX: bigint = (1n << 63n) - 1n;

/** What `parseOptionsOrReply` found. */
export const options = {
  /** Bits of the options that were given. */
  flags: 0,
  /** Index of the argument that holds the expiry time, if one of TIMES was given. */
  timeAt: 0,
  /** Index of the argument to compare the old value with, if one of COMPARISONS was given. */
  comparandAt: 0,
};

/** The expiry time that `expiryOrReply` worked out: Unix time in ms, in the two words of a 64-bit integer. */
export const due = { low: 0, high: 0 };

/** The option that an argument is, or 0. */
function optionOf(args: Args, index: number): number {
  switch (args.length(index)) {
    case 2:
      if (args.is(index, "EX")) return EX;
      if (args.is(index, "PX")) return PX;
      if (args.is(index, "NX")) return NX;
      return args.is(index, "XX") ? XX : 0;
    case 3:
      return args.is(index, "GET") ? GET : 0;
    case 4:
      if (args.is(index, "EXAT")) return EXAT;
      if (args.is(index, "PXAT")) return PXAT;
      if (args.is(index, "IFEQ")) return IFEQ;
      return args.is(index, "IFNE") ? IFNE : 0;
    case 5:
      if (args.is(index, "IFDEQ")) return IFDEQ;
      return args.is(index, "IFDNE") ? IFDNE : 0;
    case 7:
      if (args.is(index, "KEEPTTL")) return KEEPTTL;
      return args.is(index, "PERSIST") ? PERSIST : 0;
    default:
      return 0;
  }
}

/** One of IFEQ, IFNE, IFDEQ and IFDNE, or 0 if the argument is none of them. */
export function comparisonOf(args: Args, index: number): number {
  return optionOf(args, index) & COMPARISONS;
}

/** One of EX, PX, EXAT and PXAT, or 0 if the argument is none of them. */
export function timeOptionOf(args: Args, index: number): number {
  return optionOf(args, index) & TIMES;
}

/**
 * Reads the options from the argument at `from` on. The same option may come twice, and then the last one counts.
 * @param accepted the options that the command has
 */
export function parseOptionsOrReply(
  args: Args,
  from: number,
  accepted: number,
  reply: Reply,
): boolean {
  let flags = 0;
  for (let i = from; i < args.count; i++) {
    const option = optionOf(args, i) & accepted;
    const group = option & CONDITIONS ? CONDITIONS : option & EXPIRIES ? EXPIRIES : 0;
    if (option === 0 || (flags & group & ~option) !== 0) {
      reply.error(SYNTAX_ERROR);
      return false;
    }
    flags |= option;
    if ((option & WITH_ARGUMENT) === 0) continue;
    if (++i === args.count) {
      reply.error(SYNTAX_ERROR);
      return false;
    }
    if (option & TIMES) options.timeAt = i;
    else options.comparandAt = i;
  }
  options.flags = flags;
  return true;
}

/**
 * Works out the time of expiry that an argument gives, and leaves it in `due`.
 * @param option one of TIMES: how the argument is meant
 * @param command name for the error
 */
export function expiryOrReply(
  session: Session,
  args: Args,
  index: number,
  option: number,
  command: string,
  reply: Reply,
): boolean {
  if (!parseInt64(args.bytes, args.start(index), args.end(index))) {
    reply.error(NOT_AN_INTEGER);
    return false;
  }
  if (resolveExpiry(option, session.engine.clock.nowMs)) return true;
  reply.error(`ERR invalid expire time in '${command}' command`);
  return false;
}

/** Turns the time in `int64` into one in `due`; false if it is not positive or does not fit into 64 bits. */
function resolveExpiry(option: number, nowMs: number): boolean {
  const inSeconds = (option & (EX | EXAT)) !== 0;
  const base = option & ABSOLUTE_TIMES ? 0 : nowMs;
  if (int64.high < 0 || (int64.high === 0 && int64.low === 0)) return false;
  if (isSafe(int64.high)) {
    const given = toNumber(int64.low, int64.high);
    const ms = (inSeconds ? given * 1000 : given) + base;
    if (ms <= Number.MAX_SAFE_INTEGER) {
      due.low = ms | 0;
      due.high = Math.floor(ms / 4294967296);
      return true;
    }
  }
  const given = toBigInt(int64.low, int64.high);
  const ms = (inSeconds ? given * 1000n : given) + BigInt(base);
  if (ms > INT64_MAX) return false;
  setInt64(ms);
  due.low = int64.low;
  due.high = int64.high;
  return true;
}

/** Whether the time in `due` is now or past, and that matters. */
export function isDue(session: Session): boolean {
  const { clock, expires } = session.engine.keyspace.store;
  return toNumber(due.low, due.high) <= clock.nowMs && expires;
}
