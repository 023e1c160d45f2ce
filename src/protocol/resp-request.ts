/**
 * The incremental parser of RESP requests: multibulk frames and inline commands.
 *
 *   *<count>\r\n  then count times  $<length>\r\n<bytes>\r\n         a multibulk frame
 *   word "quoted word" ...\r\n                                       an inline command
 *
 * `next` scans one frame of a buffer, from where the last call stopped: what was found of a frame that is not complete
 * (its argument count, the arguments so far, the length of the one under way) stays here, so a frame that comes in a
 * thousand pieces is scanned once. Only a whole frame is handed out, and a byte that no valid frame can have at its place
 * is refused at once, with Redis's words where Redis refuses it. Stricter than Redis in three things: the byte after a
 * carriage return must be a line feed, and the bytes after an argument CR LF, where Redis skips two bytes unseen; and a
 * zero byte in an inline command is refused, where Redis no longer finds the end of the line and waits for 64 KiB.
 */
import {
  ARGUMENTS_MAX,
  BULK_SIZE_MAX,
  LINE_SIZE_MAX,
  UNAUTHENTICATED_ARGUMENTS_MAX,
  UNAUTHENTICATED_BULK_SIZE_MAX,
} from "../base/limits.ts";
import { assert } from "../base/assert.ts";
import { findByte } from "../base/bytes.ts";
import { INT64_DIGITS_MAX, int64, parseInt64, toNumber } from "../base/numbers.ts";
import { Args } from "./args.ts";
import { splitInline } from "./inline.ts";

/** A whole frame stands in `args`; it ended at `pos`. */
export const FRAME = 0;
/** The frame is not complete; call again when more bytes are there. */
export const MORE = 1;
/** The bytes can't become a valid frame; `error` says why. */
export const BROKEN = 2;
export type ParseResult = typeof FRAME | typeof MORE | typeof BROKEN;

const CR = 13;
const LF = 10;
const STAR = 0x2a;
const DOLLAR = 0x24;

/** Redis's own bound on the number of arguments, above which it does not ask for authentication first. */
const INT_MAX = 2147483647;

/** Digits of a header that are still counted by hand; more are parsed with care. */
const QUICK_DIGITS = 7;

/** Arguments of a frame that is scanned at once, and the length of each: numbers of one and two digits. */
const SHORT_COUNT_MAX = 9;
const SHORT_LENGTH_MAX = 99;
/** Bytes of the shortest such frame, "*1\r\n$0\r\n\r\n". */
const SHORT_FRAME_MIN = 10;

assert(SHORT_COUNT_MAX <= UNAUTHENTICATED_ARGUMENTS_MAX, "short frames need not be authenticated");
assert(SHORT_LENGTH_MAX <= UNAUTHENTICATED_BULK_SIZE_MAX, "neither need short arguments");

export class RespParser {
  /** Arguments of the frame: complete after FRAME, those found so far after MORE. Whoever keeps them puts others here. */
  args: Args = new Args();
  /** Where scanning goes on: the end of the frame after FRAME. */
  pos = 0;
  /** Where the frame under way, or after FRAME that frame, begins. */
  frameStart = 0;
  /** After BROKEN: what to tell the client, without the leading "ERR ". */
  error = "";
  /** Limits of a connection that has not authenticated apply. */
  restricted = false;
  /** Largest argument in bytes (`proto-max-bulk-len`). */
  bulkSizeMax: number = BULK_SIZE_MAX;

  /** Arguments still missing of a multibulk frame, or -1 between frames. */
  #missing = -1;
  /** Bytes of the argument under way, or -1 before its header. */
  #bulk = -1;
  /** A header's value, left by `#header`. */
  #value = 0;
  /** Up to where an unfinished inline command was searched for its end; 0 in any other state. */
  #searched = 0;

  /** Bytes from `pos` on that the argument under way needs to be complete, or 0 if that is not known. */
  get wanted(): number {
    return this.#bulk === -1 ? 0 : this.#bulk + 2;
  }

  /** Whether the parser stands between two frames. */
  get idle(): boolean {
    return this.#missing === -1;
  }

  /** The first byte that is still needed. */
  get start(): number {
    return this.#missing === -1 ? this.pos : this.frameStart;
  }

  /** Everything found so far moves by `offset` bytes: the buffer's content was moved. */
  shift(offset: number): void {
    this.pos += offset;
    this.frameStart += offset;
    this.#searched = Math.max(0, this.#searched + offset);
    if (this.#missing !== -1) this.args.shift(offset);
  }

  /** Forgets what was found of a frame under way and goes back to `pos`, where a frame begins. */
  rewind(pos: number): void {
    this.pos = pos;
    this.#missing = -1;
    this.#bulk = -1;
    this.#searched = 0;
  }

  /** Scans bytes[pos, end). Empty frames and empty lines are skipped. */
  next(bytes: Buffer, end: number): ParseResult {
    const args = this.args;
    args.bytes = bytes;
    while (this.#missing === -1) {
      if (this.pos >= end) return MORE;
      this.frameStart = this.pos;
      if (bytes[this.pos] !== STAR) {
        args.clear();
        const result = this.#inline(bytes, end);
        if (result !== FRAME || args.count > 0) return result;
        continue;
      }
      if (this.#short(bytes, end)) return FRAME;
      const result = this.#header(bytes, end, true);
      if (result !== FRAME) return result;
      args.clear();
      if (this.#value > 0) this.#missing = this.#value;
    }
    while (this.#missing > 0) {
      if (this.#bulk === -1) {
        this.#shortArguments(bytes, end);
        if (this.#missing === 0) break;
        if (this.pos >= end) return MORE;
        if (bytes[this.pos] !== DOLLAR) return this.#expectedDollar(bytes[this.pos]!);
        const result = this.#header(bytes, end, false);
        if (result !== FRAME) return result;
        this.#bulk = this.#value;
      }
      const start = this.pos;
      const stop = start + this.#bulk;
      if (stop < end && bytes[stop] !== CR) return this.#broken("expected CRLF after an argument");
      if (stop + 1 >= end) return MORE;
      if (bytes[stop + 1] !== LF) return this.#broken("expected CRLF after an argument");
      args.push(start, stop);
      this.pos = stop + 2;
      this.#bulk = -1;
      this.#missing--;
    }
    this.#missing = -1;
    args.frame = this.frameStart;
    return FRAME;
  }

  /**
   * Scans a whole frame of a few short arguments, as nearly all are. Returns false if there is anything else: then nothing has
   * happened, and the frame, the beginning of which is scanned again, is taken step by step.
   */
  #short(bytes: Buffer, end: number): boolean {
    const { args } = this;
    const from = this.pos;
    const count = bytes[from + 1]! - 0x30;
    if (count < 1 || count > SHORT_COUNT_MAX || from + SHORT_FRAME_MIN > end) return false;
    if (bytes[from + 2] !== CR || bytes[from + 3] !== LF) return false;
    args.clear();
    const { places } = args;
    let pos = from + 4;
    for (let i = 0; i < count; i++) {
      // "$d\r\n" or "$dd\r\n". What lies behind the end is other bytes or none: where they end the loop, that is right.
      if (bytes[pos] !== DOLLAR) return false;
      let length = bytes[pos + 1]! - 0x30;
      const second = bytes[pos + 2]! - 0x30;
      pos += 4;
      if (length < 0 || length > 9) return false;
      if (second >= 0 && second <= 9 && length > 0) {
        length = length * 10 + second;
        pos++;
      } else if (second !== CR - 0x30) {
        return false;
      }
      if (bytes[pos - 2] !== CR || bytes[pos - 1] !== LF) return false;
      const stop = pos + length;
      if (stop + 1 >= end || bytes[stop] !== CR || bytes[stop + 1] !== LF) return false;
      places[2 * i] = pos;
      places[2 * i + 1] = stop;
      pos = stop + 2;
    }
    args.count = count;
    args.frame = from;
    this.pos = pos;
    return true;
  }

  /** Takes missing arguments that are whole and short, as nearly all are, up to the first that is not. */
  #shortArguments(bytes: Buffer, end: number): void {
    const { args } = this;
    let { pos } = this;
    let missing = this.#missing;
    for (; missing > 0; missing--) {
      // As above.
      if (bytes[pos] !== DOLLAR) break;
      let length = bytes[pos + 1]! - 0x30;
      const second = bytes[pos + 2]! - 0x30;
      let start = pos + 4;
      if (length < 0 || length > 9) break;
      if (second >= 0 && second <= 9 && length > 0) {
        length = length * 10 + second;
        start++;
      } else if (second !== CR - 0x30) {
        break;
      }
      if (bytes[start - 2] !== CR || bytes[start - 1] !== LF) break;
      const stop = start + length;
      if (stop + 1 >= end || bytes[stop] !== CR || bytes[stop + 1] !== LF) break;
      args.push(start, stop);
      pos = stop + 2;
    }
    this.pos = pos;
    this.#missing = missing;
  }

  /** Reads "*<number>\r\n" or "$<number>\r\n" into `#value` and moves past it. */
  #header(bytes: Buffer, end: number, multibulk: boolean): ParseResult {
    // Nearly always a few digits that are all there.
    let at = this.pos + 1;
    let value = 0;
    let byte = 0;
    const quickEnd = Math.min(end, at + QUICK_DIGITS);
    for (; at < quickEnd; at++) {
      byte = bytes[at]! - 0x30;
      if (byte < 0 || byte > 9) break;
      value = value * 10 + byte;
    }
    const digits = at - this.pos - 1;
    const canonical = digits > 0 && (digits === 1 || bytes[this.pos + 1] !== 0x30);
    if (at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF && canonical) {
      if (!this.#allowed(value, multibulk)) return BROKEN;
      this.#value = value;
      this.pos = at + 2;
      return FRAME;
    }
    return this.#slowHeader(bytes, end, multibulk);
  }

  /** A header that is long, negative, incomplete or wrong. */
  #slowHeader(bytes: Buffer, end: number, multibulk: boolean): ParseResult {
    const start = this.pos + 1;
    const invalid = multibulk ? "invalid multibulk length" : "invalid bulk length";
    // What has no end after that many bytes is no number, so there is nothing to remember between calls.
    const limit = Math.min(end, start + INT64_DIGITS_MAX + 1);
    let cr = start;
    while (cr < limit && bytes[cr] !== CR) cr++;
    if (cr === limit) {
      return this.#canBecomeInteger(bytes, start, cr) ? MORE : this.#broken(invalid);
    }
    if (!parseInt64(bytes, start, cr)) return this.#broken(invalid);
    const value = toNumber(int64.low, int64.high);
    if (!this.#allowed(value, multibulk)) return BROKEN;
    if (cr + 1 >= end) return MORE;
    if (bytes[cr + 1] !== LF) return this.#broken("expected LF after CR");
    this.#value = value;
    this.pos = cr + 2;
    return FRAME;
  }

  /** Whether bytes[start, end), the beginning of a header, can still become a canonical integer. */
  #canBecomeInteger(bytes: Buffer, start: number, end: number): boolean {
    if (start === end) return true;
    const at = bytes[start] === 0x2d ? start + 1 : start;
    if (end - at > 19) return false;
    if (bytes[at] === 0x30 && (end - at > 1 || at !== start)) return false;
    for (let i = at; i < end; i++) if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
    return true;
  }

  #allowed(value: number, multibulk: boolean): boolean {
    if (multibulk) {
      if (value > INT_MAX) this.error = "invalid multibulk length";
      else if (this.restricted && value > UNAUTHENTICATED_ARGUMENTS_MAX) {
        this.error = "unauthenticated multibulk length";
      } else if (value > ARGUMENTS_MAX) this.error = "invalid multibulk length";
      else return true;
    } else if (value < 0 || value > this.bulkSizeMax) this.error = "invalid bulk length";
    else if (this.restricted && value > UNAUTHENTICATED_BULK_SIZE_MAX) {
      this.error = "unauthenticated bulk length";
    } else return true;
    return false;
  }

  #inline(bytes: Buffer, end: number): ParseResult {
    const lf = findByte(bytes, LF, Math.max(this.pos, this.#searched), end);
    if (lf === -1) {
      this.#searched = end;
      return end - this.pos > LINE_SIZE_MAX ? this.#broken("too big inline request") : MORE;
    }
    this.#searched = 0;
    const stop = lf > this.pos && bytes[lf - 1] === CR ? lf - 1 : lf;
    if (lf - this.pos > LINE_SIZE_MAX) return this.#broken("too big inline request");
    const start = this.pos;
    this.pos = lf + 1;
    const error = splitInline(bytes, start, stop, this.args);
    return error === null ? FRAME : this.#broken(error);
  }

  #expectedDollar(found: number): ParseResult {
    return this.#broken(`expected '$', got '${String.fromCharCode(found)}'`);
  }

  #broken(error: string): ParseResult {
    this.error = error;
    return BROKEN;
  }
}
