/** JavaScript values as replies: what commands answer that are written in JavaScript. */
import type { Reply } from "../protocol/reply.ts";

/** A simple string, like the OK of SET. */
export class StatusReply {
  readonly text: string;

  /** @param text ASCII without line breaks */
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * What such a command may answer, and what clients see (RESP3; RESP2 has fewer types, see protocol/reply.ts):
 *
 *   undefined               OK
 *   StatusReply             a simple string
 *   null                    null
 *   string, Uint8Array      a bulk string: UTF-8, or the bytes
 *   number, bigint          an integer if it is one of 64 bits, else a double, or a string of digits
 *   boolean                 boolean
 *   array, Set              array, set
 *   Map, object             map
 *   Error                   an error: inside an array one reply among others
 */
export type AnswerValue =
  | undefined
  | null
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | Error
  | StatusReply
  | readonly AnswerValue[]
  | ReadonlySet<AnswerValue>
  | ReadonlyMap<AnswerValue, AnswerValue>
  | { readonly [key: string]: AnswerValue };

/** Values inside values. */
const DEPTH_MAX = 128;

/**
 * Writes a value as one reply.
 * @throws {TypeError} it is no `AnswerValue`, or nested too deep; a part of the reply may have been written
 */
export function replyValue(reply: Reply, value: AnswerValue, depth = 0): void {
  if (depth > DEPTH_MAX) throw new TypeError("an answer is nested too deep");
  switch (typeof value) {
    case "undefined":
      return reply.ok();
    case "string":
      return reply.utf8(value);
    case "boolean":
      return reply.boolean(value);
    case "number":
      return Number.isSafeInteger(value) ? reply.integer(value) : reply.double(value);
    case "bigint":
      return replyBigInt(reply, value);
    case "object":
      return replyObject(reply, value, depth);
    default:
      throw new TypeError(`a ${typeof value} is no answer`);
  }
}

function replyBigInt(reply: Reply, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) return reply.text(String(value));
  reply.int64(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
}

function replyObject(
  reply: Reply,
  value: Exclude<AnswerValue, undefined | string | number | bigint | boolean>,
  depth: number,
): void {
  if (value === null) return reply.null();
  if (value instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = value;
    return reply.bulk(Buffer.from(buffer, byteOffset, byteLength), 0, byteLength);
  }
  if (value instanceof StatusReply) return reply.simple(value.text.replace(/[^ -~]+/g, " "));
  if (value instanceof Error) return reply.error(errorText(value));
  if (value instanceof Promise) throw new TypeError("a command answers at once: no promises");
  if (Array.isArray(value)) {
    reply.array(value.length);
    for (const item of value as readonly AnswerValue[]) replyValue(reply, item, depth + 1);
    return;
  }
  if (value instanceof Set) {
    reply.set(value.size);
    for (const item of value as ReadonlySet<AnswerValue>) replyValue(reply, item, depth + 1);
    return;
  }
  const pairs = value instanceof Map ? [...value] : Object.entries(value);
  reply.map(pairs.length);
  for (const [key, item] of pairs as [AnswerValue, AnswerValue][]) {
    replyValue(reply, key, depth + 1);
    replyValue(reply, item, depth + 1);
  }
}

/** The error reply's line: errors of Redis begin with their kind in capitals, others become "ERR". */
export function errorText({ message }: Error): string {
  const line = Buffer.from(message.replace(/[\r\n\0]+/g, " ")).toString("latin1");
  return /^[A-Z]+ /.test(line) ? line : `ERR ${line}`;
}
