/** A string value read as what commands take it for: an integer, a float, bytes to compare, a digest. */
import { equalBytes } from "../base/bytes.ts";
import type { LongDouble } from "../base/long-double.ts";
import { parseLongDouble, ZERO } from "../base/long-double.ts";
import { int64, parseInt64 } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ENCODING_INT } from "../types/kinds.ts";
import { value } from "./guards.ts";
import type { Session } from "./session.ts";
import { IFDEQ, IFDNE, IFEQ } from "./string-options.ts";

export const NOT_A_FLOAT = "ERR value is not a valid float";

const DIGEST_LENGTH = 16;
const BAD_DIGEST = "ERR must be exactly 16 hexadecimal characters";

/** Whether the string is an integer (a missing one is 0), which is left in `int64`. */
export function readInteger(session: Session, entry: Ref): boolean {
  if (entry === NULL_REF) {
    int64.low = 0;
    int64.high = 0;
    return true;
  }
  const { entries } = session.engine.keyspace.store;
  if (entries.encoding(entry) === ENCODING_INT) {
    int64.low = entries.low(entry);
    int64.high = entries.high(entry);
    return true;
  }
  session.db.readString(entry, value);
  return parseInt64(value.bytes, value.start, value.end);
}

/** The string as a float (a missing one is 0), or null if it is none. */
export function readLongDouble(session: Session, entry: Ref): LongDouble | null {
  if (entry === NULL_REF) return ZERO;
  session.db.readString(entry, value);
  return parseLongDouble(value.bytes, value.start, value.end);
}

/**
 * Whether the value of a string meets the comparison: 1 or 0, or -1 after an error for a digest that can't be one.
 * @param comparison one of COMPARISONS
 * @param index the argument to compare with
 */
export function compareOrReply(
  session: Session,
  entry: Ref,
  comparison: number,
  args: Args,
  index: number,
  reply: Reply,
): -1 | 0 | 1 {
  const start = args.start(index);
  const length = args.length(index);
  if (comparison & (IFDEQ | IFDNE)) {
    if (length !== DIGEST_LENGTH) {
      reply.error(BAD_DIGEST);
      return -1;
    }
    const equal = digestOf(session, entry) === args.text(index).toLowerCase();
    return equal === (comparison === IFDEQ) ? 1 : 0;
  }
  session.db.readString(entry, value);
  const equal =
    value.length === length && equalBytes(value.bytes, value.start, args.bytes, start, length);
  return equal === (comparison === IFEQ) ? 1 : 0;
}

/** The digest of a string value: 64 bits of XXH3 in 16 lower-case hexadecimal digits. */
export function digestOf(session: Session, entry: Ref): string {
  session.db.readString(entry, value);
  const hash = Bun.hash.xxHash3(value.bytes.subarray(value.start, value.end));
  return hash.toString(16).padStart(DIGEST_LENGTH, "0");
}
