/**
 * The native protocol, both directions of it on the server's side. Big-endian, binary-safe, pipelined.
 *
 *   request   00, u16 command, strings         GET 0: key   SET 1: key, value   CLEAR 2: key   PING 3: message
 *   reply     00, status (0 ok, 1 error), string
 *   string    u32 length, bytes
 *
 * The parser fills `args` with the command's name and its strings, so everything behind it sees the same form as with RESP.
 */
import { copyBytes } from "../base/bytes.ts";
import { NATIVE_STRING_MAX, UNAUTHENTICATED_BULK_SIZE_MAX } from "../base/limits.ts";
import { Args } from "./args.ts";
import type { Reply } from "./reply.ts";
import type { ParseResult } from "./resp-request.ts";
import { BROKEN, FRAME, MORE } from "./resp-request.ts";

/** The byte that every frame begins with, and so what tells the protocol from RESP. */
export const NATIVE_HEADER = 0;

export const NATIVE_GET = 0;
export const NATIVE_SET = 1;
export const NATIVE_CLEAR = 2;
export const NATIVE_PING = 3;
const COMMANDS = 4;

const FIRST_STRING = 3;
const STATUS_OK = 0;
const STATUS_ERROR = 1;

export class NativeParser {
  /** The frame's strings. Whoever keeps them puts others here. */
  args: Args = new Args();
  /** Number of the frame's command. */
  command = -1;
  pos = 0;
  frameStart = 0;
  error = "";
  /** The size limit of a connection that has not authenticated applies. */
  restricted = false;
  /** Largest string in bytes. */
  bulkSizeMax: number = NATIVE_STRING_MAX;
  /** Strings still missing, or -1 between frames. */
  #missing = -1;
  /** Bytes of the string under way, or -1 before its length. */
  #length = -1;

  get wanted(): number {
    return this.#length === -1 ? 0 : this.#length;
  }

  /** The first byte that is still needed. */
  get start(): number {
    return this.#missing === -1 ? this.pos : this.frameStart;
  }

  /** Everything found so far moves by `offset` bytes: the buffer's content was moved. */
  shift(offset: number): void {
    this.pos += offset;
    this.frameStart += offset;
    if (this.#missing !== -1) this.args.shift(offset);
  }

  /** Forgets what was found of a frame under way and goes back to `pos`, where a frame begins. */
  rewind(pos: number): void {
    this.pos = pos;
    this.#missing = -1;
    this.#length = -1;
  }

  /** Scans bytes[pos, end) for one frame. */
  next(bytes: Buffer, end: number): ParseResult {
    const args = this.args;
    args.bytes = bytes;
    if (this.#missing === -1) {
      if (this.pos >= end) return MORE;
      this.frameStart = this.pos;
      if (bytes[this.pos] !== NATIVE_HEADER) return this.#broken("Invalid header");
      if (this.pos + 1 < end && bytes[this.pos + 1] !== 0) return this.#broken("Unknown command");
      if (this.pos + 2 >= end) return MORE;
      const command = bytes[this.pos + 2]!;
      if (command >= COMMANDS) return this.#broken("Unknown command");
      this.command = command;
      args.clear();
      this.pos += FIRST_STRING;
      this.#missing = command === NATIVE_SET ? 2 : 1;
    }
    while (this.#missing > 0) {
      if (this.#length === -1) {
        if (this.pos + 4 > end) return MORE;
        const length =
          bytes[this.pos]! * 16777216 +
          ((bytes[this.pos + 1]! << 16) | (bytes[this.pos + 2]! << 8) | bytes[this.pos + 3]!);
        const sizeMax = this.restricted
          ? Math.min(this.bulkSizeMax, UNAUTHENTICATED_BULK_SIZE_MAX)
          : this.bulkSizeMax;
        if (length > sizeMax) return this.#broken("String too long");
        this.#length = length;
        this.pos += 4;
      }
      const stop = this.pos + this.#length;
      if (stop > end) return MORE;
      args.push(this.pos, stop);
      this.pos = stop;
      this.#length = -1;
      this.#missing--;
    }
    this.#missing = -1;
    return FRAME;
  }

  #broken(error: string): ParseResult {
    this.error = error;
    return BROKEN;
  }
}

/** Appends an ok reply with bytes[start, end). */
export function nativeOk(reply: Reply, bytes: Buffer, start: number, end: number): void {
  writeFrame(reply, STATUS_OK, bytes, start, end);
}

/** Appends an error reply. */
export function nativeError(reply: Reply, text: string): void {
  const bytes = Buffer.from(text, "latin1");
  reply.errors++;
  reply.lastError = text;
  writeFrame(reply, STATUS_ERROR, bytes, 0, bytes.length);
}

function writeFrame(reply: Reply, status: number, bytes: Buffer, start: number, end: number): void {
  const length = end - start;
  if (!reply.ensure(length + 6)) return;
  const { buffer } = reply;
  let { pos } = reply;
  buffer[pos++] = NATIVE_HEADER;
  buffer[pos++] = status;
  buffer[pos++] = length >>> 24;
  buffer[pos++] = length >>> 16;
  buffer[pos++] = length >>> 8;
  buffer[pos++] = length;
  copyBytes(buffer, pos, bytes, start, end);
  reply.pos = pos + length;
}
