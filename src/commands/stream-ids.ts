/** Ids of streams in arguments and replies, and what the commands on streams share. */
import { int64 } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { parseUint64, STREAM_ID_DIGITS_MAX, StreamId } from "../structures/stream-id.ts";
import type { ReferencePolicy } from "../types/stream-references.ts";
import {
  DELETE_REFERENCES,
  KEEP_REFERENCES,
  ONLY_ACKNOWLEDGED,
} from "../types/stream-references.ts";
import type { StreamWalk } from "../types/stream-walk.ts";
import type { Streams } from "../types/stream.ts";
import { Value } from "../types/value.ts";
import type { Session } from "./session.ts";

const INVALID_ID = "ERR Invalid stream ID specified as stream command argument";

const MINUS = 0x2d;
const PLUS = 0x2b;
const STAR = 0x2a;
const PARENTHESIS = 0x28;

/** No id is longer than this, however many zeros it begins with. */
const ID_SIZE_MAX = 127;

/** The stream that a command works on. */
export const stream: Value = new Value();
/** The ids that a command was given. */
export const startId: StreamId = new StreamId();
export const endId: StreamId = new StreamId();

/** The text of the id that was answered last; ids that follow each other mostly have their time in common. */
const digits = Buffer.alloc(STREAM_ID_DIGITS_MAX);
const written = new StreamId();
/** Where its sequence number begins. */
let sequenceAt = written.writeTime(digits, 0);
const field = new Slice();
const value = new Slice();

export function streamsOf(session: Session): Streams {
  return session.engine.keyspace.store.streams;
}

/** The argument as messages name it: up to its first zero byte. */
export function nameOf(args: Args, index: number): string {
  const text = args.text(index);
  const end = text.indexOf("\0");
  return end === -1 ? text : text.slice(0, end);
}

/** Whether the argument is the one character. */
export function isCharacter(args: Args, index: number, character: string): boolean {
  return args.length(index) === 1 && args.bytes[args.start(index)] === character.charCodeAt(0);
}

/** Whether the argument is an id, and neither "-" nor "+"; the sequence number is 0 if it is left out. Else answers. */
export function strictIdOrReply(args: Args, index: number, out: StreamId, reply: Reply): boolean {
  if (isId(args, index, out)) return true;
  reply.error(INVALID_ID);
  return false;
}

/** Whether the argument is an id as `strictIdOrReply` takes it. */
export function isId(args: Args, index: number, out: StreamId): boolean {
  return !isBound(args, index) && parseId(args.bytes, args.start(index), args.end(index), 0, out);
}

/** Like `strictIdOrReply`; "-" and "+" are the least and the greatest id. */
export function idOrReply(args: Args, index: number, out: StreamId, reply: Reply): boolean {
  if (!isBound(args, index)) return strictIdOrReply(args, index, out, reply);
  if (isCharacter(args, index, "-")) out.setMin();
  else out.setMax();
  return true;
}

/** Like `strictIdOrReply`, for XADD: `<ms>-*` leaves the sequence number open. Returns whether it was given. */
export function newIdOrReply(
  args: Args,
  index: number,
  out: StreamId,
  reply: Reply,
): boolean | null {
  const { bytes } = args;
  const start = args.start(index);
  const end = args.end(index);
  if (end - start > 2 && bytes[end - 1] === STAR && bytes[end - 2] === MINUS) {
    // The first minus ends the time, so another one before it would leave more than the star.
    if (end - start <= ID_SIZE_MAX && parseId(bytes, start, end - 2, 0, out)) {
      if (bytes.indexOf(MINUS, start) === end - 2) return false;
    }
    reply.error(INVALID_ID);
    return null;
  }
  return strictIdOrReply(args, index, out, reply) ? true : null;
}

/**
 * Whether the argument is an end of a range: an id, "-", "+", or an id that is excluded after "(". Else answers.
 * @param last the upper end: an id without a sequence number stands for all of its time
 */
export function boundOrReply(
  args: Args,
  index: number,
  last: boolean,
  out: StreamId,
  reply: Reply,
): boolean {
  const { bytes } = args;
  const start = args.start(index);
  const end = args.end(index);
  const missing = last ? -1 : 0;
  if (bytes[start] === PARENTHESIS && end - start > 1) {
    const bare = end - start === 2 && (bytes[start + 1] === MINUS || bytes[start + 1] === PLUS);
    if (bare || !parseId(bytes, start + 1, end, missing, out)) {
      reply.error(INVALID_ID);
      return false;
    }
    if (last ? out.decrement() : out.increment()) return true;
    reply.error(`ERR invalid ${last ? "end" : "start"} ID for the interval`);
    return false;
  }
  if (isBound(args, index)) {
    if (bytes[start] === MINUS) out.setMin();
    else out.setMax();
    return true;
  }
  if (parseId(bytes, start, end, missing, out)) return true;
  reply.error(INVALID_ID);
  return false;
}

/** The argument as what deleting entries means for consumer groups, or null if it is something else. */
export function referencePolicy(args: Args, index: number): ReferencePolicy | null {
  if (args.is(index, "KEEPREF")) return KEEP_REFERENCES;
  if (args.is(index, "DELREF")) return DELETE_REFERENCES;
  if (args.is(index, "ACKED")) return ONLY_ACKNOWLEDGED;
  return null;
}

/** Writes an id as a bulk string. */
export function replyId(reply: Reply, id: StreamId): void {
  if (!id.sameMs(written)) {
    written.copy(id);
    sequenceAt = id.writeTime(digits, 0);
  }
  reply.bulk(digits, 0, id.writeSequence(digits, sequenceAt));
}

/** Writes the entry that the walk is at: its id and its fields and values. */
export function replyEntry(reply: Reply, walk: StreamWalk): void {
  reply.array(2);
  replyEntryBody(reply, walk);
}

/** The elements of an entry without the header of their array. */
export function replyEntryBody(reply: Reply, walk: StreamWalk): void {
  replyId(reply, walk.id);
  const { fields } = walk;
  reply.array(2 * fields);
  for (let i = 0; i < fields; i++) {
    walk.readPair(field, value);
    reply.bulk(field.bytes, field.start, field.end);
    reply.bulk(value.bytes, value.start, value.end);
  }
}

/** Whether the argument is "-" or "+". */
function isBound(args: Args, index: number): boolean {
  return isCharacter(args, index, "-") || isCharacter(args, index, "+");
}

/** Parses `<ms>` or `<ms>-<seq>`. @param missing both words of a sequence number that is left out */
function parseId(
  bytes: Buffer,
  start: number,
  end: number,
  missing: number,
  out: StreamId,
): boolean {
  if (end - start > ID_SIZE_MAX) return false;
  let dash = start;
  let stop = start;
  // A zero byte ends the text.
  while (stop < end && bytes[stop] !== 0) stop++;
  while (dash < stop && bytes[dash] !== MINUS) dash++;
  if (!parseUint64(bytes, start, dash)) return false;
  const { low, high } = int64;
  if (dash === stop) {
    out.set(high, low, missing, missing);
    return true;
  }
  if (!parseUint64(bytes, dash + 1, stop)) return false;
  out.set(high, low, int64.high, int64.low);
  return true;
}
