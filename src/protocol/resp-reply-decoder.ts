/**
 * Replies of RESP2 and RESP3 turned into JavaScript values. Bytes come in as they arrive, in pieces of any size; each byte is
 * looked at once, however often a reply is interrupted.
 *
 *   simple, bulk and verbatim strings   string (UTF-8), or Buffer for bulk strings if bytes are asked for
 *   integers                            number, or bigint beyond 2^53 - 1
 *   big numbers, doubles, booleans      bigint, number, boolean
 *   nulls of every kind                 null
 *   arrays, sets, maps                  array, Set, Map
 *   errors                              ReplyError, as a value: inside an array an error is one reply among others
 *   pushes                              PushMessage
 *   attributes                          left out
 *
 * The format: redis.io/docs/latest/develop/reference/protocol-spec.
 */
import { assert } from "../base/assert.ts";
import { PendingBytes } from "./pending-bytes.ts";

export type ReplyValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Buffer
  | ReplyError
  | PushMessage
  | ReplyValue[]
  | Set<ReplyValue>
  | Map<ReplyValue, ReplyValue>;

/** An error that the server answered. */
export class ReplyError extends Error {
  override name = "ReplyError";
  /** The first word, by which errors are told apart: "ERR", "WRONGTYPE", "NOAUTH". */
  readonly code: string;

  /** @param message the whole text, code included */
  constructor(message: string) {
    super(message);
    this.code = message.split(" ", 1)[0]!;
  }
}

/** A message that answers no command: an invalidation, a published message. */
export class PushMessage {
  readonly items: readonly ReplyValue[];

  constructor(items: readonly ReplyValue[]) {
    this.items = items;
  }
}

/** What arrived is no reply: the connection is of no use any more. */
export class ReplySyntaxError extends Error {
  override name = "ReplySyntaxError";
}

/** Aggregates inside aggregates; Redis's own replies stay below ten. */
const DEPTH_MAX = 128;
/** Bytes of a line: simple strings and errors are short, lengths shorter. */
const LINE_SIZE_MAX: number = 1 << 20;

const CR = 13;
const LF = 10;

/** An aggregate whose items are still arriving. */
interface Frame {
  readonly type: string;
  readonly items: ReplyValue[];
  /** Items to come. */
  missing: number;
}

export class RespReplyDecoder {
  readonly #wantsBytes: boolean;
  readonly #pending: PendingBytes = new PendingBytes();
  /** Pending bytes that are known to hold no line feed. */
  #searched = 0;
  /** Type and length of the bulk string under way; -1 between bulk strings. */
  #bulkType = "";
  #bulkLength = -1;
  readonly #frames: Frame[] = [];

  /** @param wantsBytes gives bulk strings as Buffers instead of decoding them as UTF-8 */
  constructor(wantsBytes = false) {
    this.#wantsBytes = wantsBytes;
  }

  /** Takes bytes; they may change after the calls of `next` that follow. */
  feed(chunk: Uint8Array): void {
    this.#pending.append(chunk);
  }

  /**
   * The next whole reply, or undefined if there is none yet.
   * @throws {ReplySyntaxError} if the bytes are not RESP
   */
  next(): ReplyValue | undefined {
    for (;;) {
      let value = this.#bulkLength === -1 ? this.#item() : this.#bulk();
      if (value === undefined) return undefined;
      if (value === OPENED) continue;
      for (;;) {
        const frame = this.#frames.at(-1);
        if (frame === undefined) return value;
        frame.items.push(value);
        if (--frame.missing > 0) break;
        this.#frames.pop();
        const whole = close(frame);
        if (whole === OPENED) break;
        value = whole;
      }
    }
  }

  /** Reads a line and what it announces; OPENED if more has to follow. */
  #item(): ReplyValue | typeof OPENED | undefined {
    const line = this.#line();
    if (line === undefined) return undefined;
    const type = line[0] ?? "";
    const rest = line.slice(1);
    switch (type) {
      case "+":
        return rest;
      case "-":
        return new ReplyError(rest);
      case ":": {
        const value = Number(rest);
        if (!/^[+-]?\d+$/.test(rest)) throw wrong("an integer", line);
        return Number.isSafeInteger(value) ? value : BigInt(rest);
      }
      case "(":
        if (!/^[+-]?\d+$/.test(rest)) throw wrong("a big number", line);
        return BigInt(rest);
      case ",":
        return double(rest, line);
      case "#":
        if (rest !== "t" && rest !== "f") throw wrong("a boolean", line);
        return rest === "t";
      case "_":
        if (rest !== "") throw wrong("a null", line);
        return null;
      case "$":
      case "!":
      case "=": {
        const length = size(rest, line);
        if (length === -1) return null;
        this.#bulkType = type;
        this.#bulkLength = length;
        return this.#bulk() ?? OPENED;
      }
      case "*":
      case "~":
      case ">":
      case "%":
      case "|": {
        const count = size(rest, line);
        if (count === -1) return null;
        const frame = {
          type,
          items: [],
          missing: type === "%" || type === "|" ? count * 2 : count,
        };
        if (frame.missing === 0) return close(frame);
        if (this.#frames.length === DEPTH_MAX) throw wrong("a reply of bounded depth", line);
        this.#frames.push(frame);
        return OPENED;
      }
      default:
        throw wrong("a reply", line);
    }
  }

  #bulk(): ReplyValue | undefined {
    const pending = this.#pending;
    const { buffer, pos } = pending;
    const end = pos + this.#bulkLength;
    if (end + 2 > pending.end) return undefined;
    if (buffer[end] !== CR || buffer[end + 1] !== LF) {
      throw new ReplySyntaxError("a bulk string is not as long as announced");
    }
    this.#bulkLength = -1;
    pending.pos = end + 2;
    if (this.#bulkType === "!") return new ReplyError(buffer.toString("utf8", pos, end));
    // A verbatim string begins with three letters that name its format, and a colon.
    if (this.#bulkType === "=") return buffer.toString("utf8", Math.min(pos + 4, end), end);
    if (!this.#wantsBytes) return buffer.toString("utf8", pos, end);
    return Buffer.from(buffer.subarray(pos, end));
  }

  /** The next line without its end. */
  #line(): string | undefined {
    const pending = this.#pending;
    const { buffer, pos } = pending;
    const at = buffer.indexOf(LF, pos + this.#searched);
    if (at === -1 || at >= pending.end) {
      this.#searched = pending.length;
      if (this.#searched > LINE_SIZE_MAX) {
        throw new ReplySyntaxError(`a line of more than ${LINE_SIZE_MAX} bytes`);
      }
      return undefined;
    }
    if (at === pos || buffer[at - 1] !== CR) throw new ReplySyntaxError("a line ends without CR");
    pending.pos = at + 1;
    this.#searched = 0;
    return buffer.toString("utf8", pos, at - 1);
  }
}

/** Says that an aggregate or bulk string has begun and its content is still to come. */
const OPENED: unique symbol = Symbol("opened");

/** The value of an aggregate whose items are all there; OPENED for attributes, which are dropped. */
function close(frame: Frame): ReplyValue | typeof OPENED {
  const { items } = frame;
  switch (frame.type) {
    case "*":
      return items;
    case "~":
      return new Set(items);
    case ">":
      return new PushMessage(items);
    case "|":
      return OPENED;
    default: {
      assert(frame.type === "%", "an aggregate of a type that nobody opens");
      const map = new Map<ReplyValue, ReplyValue>();
      for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
      return map;
    }
  }
}

/** A length or count; -1 is the null of RESP2. */
function size(text: string, line: string): number {
  if (text === "-1") return -1;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw wrong("a length", line);
  return value;
}

function double(text: string, line: string): number {
  if (text === "inf") return Infinity;
  if (text === "-inf") return -Infinity;
  if (text === "nan" || text === "-nan") return NaN;
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) throw wrong("a double", line);
  return value;
}

function wrong(expected: string, line: string): ReplySyntaxError {
  return new ReplySyntaxError(`expected ${expected}, found ${JSON.stringify(line.slice(0, 80))}`);
}
