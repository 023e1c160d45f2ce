/** Commands that count in a field of a hash, by 64-bit integers and by floats. */
import { changed } from "./changed.ts";
import { HINCRBY, HINCRBYFLOAT } from "../keyspace/key-events.ts";
import type { KeyEvent } from "../keyspace/key-events.ts";
import { add, formatLongDouble, isFinite, parseLongDouble, ZERO } from "../base/long-double.ts";
import { addInt64, int64, INT64_DIGITS_MAX, parseInt64, writeInt64 } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_HASH } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, openOrReply, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { tellField } from "./tell.ts";

const hash = new Value();
const content = new Slice();
const digits = Buffer.alloc(INT64_DIGITS_MAX);

function hincrby(session: Session, args: Args, reply: Reply): void {
  if (!int64OrReply(args, 3, reply)) return;
  const { low, high } = int64;
  const entry = session.db.find(args.bytes, args.start(1), args.end(1));
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const found = hasField(session, entry, args);
  if (found) {
    if (!parseInt64(content.bytes, content.start, content.end)) {
      return reply.error("ERR hash value is not an integer");
    }
  } else {
    int64.low = 0;
    int64.high = 0;
  }
  if (!addInt64(int64.low, int64.high, low, high)) {
    return reply.error("ERR increment or decrement would overflow");
  }
  // What is written is parsed again on the way, so the sum is kept.
  const sumLow = int64.low;
  const sumHigh = int64.high;
  const size = writeInt64(digits, 0, sumLow, sumHigh);
  setField(session, entry, args, found, digits, size, HINCRBY);
  reply.int64(sumLow, sumHigh);
}

function hincrbyfloat(session: Session, args: Args, reply: Reply): void {
  const by = parseLongDouble(args.bytes, args.start(3), args.end(3));
  if (by === null) return reply.error("ERR value is not a valid float");
  if (!isFinite(by)) return reply.error("ERR value is NaN or Infinity");
  const entry = session.db.find(args.bytes, args.start(1), args.end(1));
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const found = hasField(session, entry, args);
  const old = found ? parseLongDouble(content.bytes, content.start, content.end) : ZERO;
  if (old === null) return reply.error("ERR hash value is not a float");
  const sum = add(old, by);
  if (!isFinite(sum)) return reply.error("ERR increment would produce NaN or Infinity");
  const text = Buffer.from(formatLongDouble(sum), "latin1");
  setField(session, entry, args, found, text, text.length, HINCRBYFLOAT);
  tellField(session, args, text, hash.timed !== NULL_REF);
  reply.bulk(text, 0, text.length);
}

/** Whether the opened hash has the field of the second argument, whose value is left in `content`. */
function hasField(session: Session, entry: Ref, args: Args): boolean {
  if (entry === NULL_REF) return false;
  const { hashes } = session.engine.keyspace.store;
  return hashes.get(hash, args.bytes, args.start(2), args.end(2), content);
}

/**
 * Gives the field of the second argument the value text[0, length).
 * @param entry NULL_REF if the key is to be made
 * @param found what `hasField` has just said
 */
function setField(
  session: Session,
  entry: Ref,
  args: Args,
  found: boolean,
  text: Buffer,
  length: number,
  event: KeyEvent,
): void {
  const { db } = session;
  const { store } = session.engine.keyspace;
  const { bytes } = args;
  if (entry === NULL_REF) store.hashes.create(hash);
  if (!found || !store.hashes.overwriteFound(hash, text, 0, length)) {
    store.hashes.set(hash, bytes, args.start(2), args.end(2), text, 0, length);
  }
  if (entry === NULL_REF) db.create(bytes, args.start(1), args.end(1), TYPE_HASH, hash);
  else db.save(entry, hash);
  changed(session, args, 1, event);
}

export const hashNumberRows: readonly CommandRow[] = [
  {
    name: "hincrby",
    memberAt: 2,
    arity: 4,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "2.0.0",
    group: "hash",
    summary: "Adds a number to the integer in a field, or to 0.",
    complexity: "O(1)",
    syntax: "key:key field:string increment:integer",
    handler: hincrby,
  },
  {
    name: "hincrbyfloat",
    memberAt: 2,
    arity: 4,
    flags: "write denyoom fast",
    keys: oneKey("RW access update"),
    since: "2.6.0",
    group: "hash",
    summary: "Adds a number to the floating point number in a field, or to 0.",
    complexity: "O(1)",
    syntax: "key:key field:string increment:double",
    handler: hincrbyfloat,
  },
];
