/**
 * Guards: checks that answer the client themselves when they fail. The caller returns without another word.
 */
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Value } from "../types/value.ts";
import type { Session } from "./session.ts";

export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
export const SYNTAX_ERROR = "ERR syntax error";
export const DATABASE_OUT_OF_RANGE = "ERR DB index is out of range";
export const NO_SUCH_KEY = "ERR no such key";

/** A slice for a value that is read and used at once. */
export const value: Slice = new Slice();

/** Whether `entry` is missing or of the type; else answers WRONGTYPE. */
export function isTypeOrReply(session: Session, entry: Ref, type: number, reply: Reply): boolean {
  if (entry === NULL_REF) return true;
  if (session.engine.keyspace.store.entries.type(entry) === type) return true;
  reply.error(WRONG_TYPE);
  return false;
}

/** Whether the argument is a 64-bit integer, which is left in `int64`; else answers an error. */
export function int64OrReply(args: Args, index: number, reply: Reply): boolean {
  if (parseInt64(args.bytes, args.start(index), args.end(index))) return true;
  reply.error(NOT_AN_INTEGER);
  return false;
}

/** A 64-bit integer as a number that is exact up to 2^53 and rounded above; for positions, which are cut to a length. */
export function positionOrReply(args: Args, index: number, reply: Reply): number {
  return int64OrReply(args, index, reply) ? toNumber(int64.low, int64.high) : NaN;
}

/**
 * The argument as a 32-bit integer; else answers an error and returns NaN.
 * @param message what to answer instead of the usual errors
 */
export function int32OrReply(args: Args, index: number, reply: Reply, message?: string): number {
  if (!parseInt64(args.bytes, args.start(index), args.end(index))) {
    reply.error(message ?? NOT_AN_INTEGER);
    return NaN;
  }
  if (int64.high !== int64.low >> 31) {
    reply.error(
      message ?? "ERR value is out of range, value must between -2147483648 and 2147483647",
    );
    return NaN;
  }
  return int64.low;
}

/** What `openOrReply` returns after it has answered WRONGTYPE. */
export const WRONG: Ref = -1 as Ref;

/**
 * Opens the collection that a key holds: points `out` at its value.
 * @param entry what `db.read` or `db.find` returned for the key
 * @returns the entry; NULL_REF if there is none; WRONG after answering that it holds another type
 */
export function openOrReply(
  session: Session,
  entry: Ref,
  type: number,
  out: Value,
  reply: Reply,
): Ref {
  if (entry === NULL_REF) return NULL_REF;
  if (!isTypeOrReply(session, entry, type, reply)) return WRONG;
  session.db.load(entry, out);
  return entry;
}
