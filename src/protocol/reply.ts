/**
 * The growing batch of replies of one connection, and the writer of RESP2 and RESP3.
 *
 * Bytes are appended at `pos` of `buffer`, which comes from the pool with the first reply of a turn and goes back when
 * everything was sent. A length that is known only later is written by `reserveLength` and `patchLength`. Where RESP3 has
 * a type that RESP2 lacks (map, set, double, null, ...), the method of that type writes what Redis writes for RESP2.
 *
 * A batch above `sizeMax` is not sent at all. Commands need not know: from then on what they write is discarded, so that none
 * stops in the middle of what it changes; those that may write much more than there is ask for `overflowed` and stop.
 */
import { copyBytes, writeLatin1 } from "../base/bytes.ts";
import { formatDouble } from "../base/doubles.ts";
import { INT64_DIGITS_MAX, digitCount, writeInt64, writeInteger } from "../base/numbers.ts";
import {
  REPLY_BUFFER_LARGE_SIZE,
  REPLY_BUFFER_SIZE,
  REPLY_FLUSH_SIZE,
  REPLY_SIZE_MAX,
} from "../base/limits.ts";
import type { BufferPool } from "./buffer-pool.ts";

const CR = 13;
const LF = 10;

/** Of a buffer that waits to be sent so much is in use. */
const WAITING_SHARE_MIN = 7 / 8;

const EMPTY = Buffer.alloc(0);
const OK = Buffer.from("+OK\r\n");
const QUEUED = Buffer.from("+QUEUED\r\n");
const PONG = Buffer.from("+PONG\r\n");
const NULL_BULK = Buffer.from("$-1\r\n");
const NULL_ARRAY = Buffer.from("*-1\r\n");
const NULL_3 = Buffer.from("_\r\n");
const TRUE_3 = Buffer.from("#t\r\n");
const FALSE_3 = Buffer.from("#f\r\n");

/** Integers of up to nine digits, whose length is one digit, and their bulk strings at most: "$9", the digits, twice CR LF. */
const SHORT_INTEGER_MAX = 999_999_999;
const SHORT_INTEGER_SIZE = 15;

/** A header: type byte, digits, CR LF. */
const HEADER_MAX: number = INT64_DIGITS_MAX + 3;

/** Where what is written behind the limit goes: above REPLY_FLUSH_SIZE, so that whoever sends replies looks at it soon. */
const DISCARD_FROM: number = REPLY_FLUSH_SIZE + 1;
const DISCARD_SIZE: number = DISCARD_FROM + REPLY_BUFFER_SIZE;

export class Reply {
  buffer: Buffer = EMPTY;
  /** Bytes written. */
  pos = 0;
  /** Protocol version: 2 or 3. */
  version = 2;
  /** Errors written since the connection began. */
  errors = 0;
  /** The text of the last of them. */
  lastError = "";
  /** Bytes that a batch may have. */
  sizeMax: number = REPLY_SIZE_MAX;
  /** More was written than may be: the batch is of no use. */
  overflowed = false;
  readonly #pool: BufferPool;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Makes room for `size` more bytes; may set `pos`. Returns false if there is none, after an overflow. */
  ensure(size: number): boolean {
    return this.pos + size <= this.buffer.length || this.#grow(size);
  }

  /** Forgets the written bytes and gives the buffer back to the pool. */
  clear(): void {
    this.#pool.give(this.buffer);
    this.buffer = EMPTY;
    this.pos = 0;
    this.overflowed = false;
  }

  /** Takes back what was written since. @param from `pos` then */
  takeBack(from: number): void {
    this.pos = from;
    if (from === 0) this.overflowed = false;
  }

  /** Hands the written bytes to the caller, who owns them from now on. */
  detach(): Buffer {
    const { buffer, pos } = this;
    this.buffer = EMPTY;
    this.pos = 0;
    if (pos < buffer.length * WAITING_SHARE_MIN) {
      // They may wait for long, and must not hold much more than they need.
      const written = Buffer.allocUnsafeSlow(pos);
      buffer.copy(written, 0, 0, pos);
      this.#pool.give(buffer);
      return written;
    }
    return buffer.subarray(0, pos);
  }

  // ---- simple replies ----

  ok(): void {
    this.#constant(OK);
  }

  queued(): void {
    this.#constant(QUEUED);
  }

  pong(): void {
    this.#constant(PONG);
  }

  /** A simple string. @param text ASCII without line breaks */
  simple(text: string): void {
    this.line(0x2b, text);
  }

  /**
   * An error, its code first: "ERR ...", "WRONGTYPE ...". Bytes that would end the line, and zero bytes, which end a
   * string for many clients, become spaces.
   * @param text one character a byte
   */
  error(text: string): void {
    this.errors++;
    this.lastError = text;
    this.line(0x2d, text);
  }

  /** @param value an exact integer */
  integer(value: number): void {
    this.ensure(HEADER_MAX);
    const { buffer } = this;
    buffer[this.pos] = 0x3a;
    this.#endLine(writeInteger(buffer, this.pos + 1, value));
  }

  /** A 64-bit integer in two words. */
  int64(low: number, high: number): void {
    this.ensure(HEADER_MAX);
    const { buffer } = this;
    buffer[this.pos] = 0x3a;
    this.#endLine(writeInt64(buffer, this.pos + 1, low, high));
  }

  /** An integer of any size, for rare replies. */
  bigInteger(value: bigint): void {
    this.line(0x3a, value.toString());
  }

  /** True or false; 1 or 0 in RESP2. */
  boolean(value: boolean): void {
    if (this.version === 3) this.#constant(value ? TRUE_3 : FALSE_3);
    else this.integer(value ? 1 : 0);
  }

  /** A floating point number; a bulk string in RESP2. */
  double(value: number): void {
    const text = formatDouble(value);
    if (this.version === 3) this.line(0x2c, text);
    else this.text(text);
  }

  /** No value: the null of RESP3, the null bulk string of RESP2. */
  null(): void {
    this.#constant(this.version === 3 ? NULL_3 : NULL_BULK);
  }

  /** No array: the null of RESP3, the null array of RESP2. */
  nullArray(): void {
    this.#constant(this.version === 3 ? NULL_3 : NULL_ARRAY);
  }

  // ---- strings ----

  /** A bulk string of bytes[start, end). */
  bulk(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (!this.ensure(length + HEADER_MAX + 2)) return;
    const { buffer } = this;
    let pos = this.pos;
    buffer[pos] = 0x24;
    if (length > 9 && length < 100) {
      // Most have two digits: written without asking how many there are.
      const tens = (length * 103) >>> 10;
      buffer[pos + 1] = 0x30 + tens;
      buffer[pos + 2] = 0x30 + length - tens * 10;
      pos += 3;
    } else {
      pos = writeInteger(buffer, pos + 1, length);
    }
    buffer[pos] = CR;
    buffer[pos + 1] = LF;
    copyBytes(buffer, pos + 2, bytes, start, end);
    this.#endLine(pos + 2 + length);
  }

  /** A bulk string of text. @param text one character a byte */
  text(text: string): void {
    this.header(0x24, text.length);
    if (!this.ensure(text.length + 2)) return;
    writeLatin1(this.buffer, this.pos, text);
    this.#endLine(this.pos + text.length);
  }

  /** A bulk string of text in UTF-8. */
  utf8(text: string): void {
    const bytes = Buffer.from(text);
    this.bulk(bytes, 0, bytes.length);
  }

  /** A bulk string of the decimal digits of an integer. */
  bulkInteger(value: number): void {
    if (!(value >= 0 && value <= SHORT_INTEGER_MAX)) return this.text(value.toString());
    if (!this.ensure(SHORT_INTEGER_SIZE)) return;
    const { buffer, pos } = this;
    buffer[pos] = 0x24;
    buffer[pos + 1] = 0x30 + digitCount(value);
    buffer[pos + 2] = CR;
    buffer[pos + 3] = LF;
    this.#endLine(writeInteger(buffer, pos + 4, value));
  }

  /** Text with a format (`txt` or `mkd`); a bulk string in RESP2. @param text one character a byte */
  verbatim(text: string, format: string): void {
    if (this.version !== 3) {
      this.text(text);
      return;
    }
    this.header(0x3d, text.length + 4);
    if (!this.ensure(text.length + 6)) return;
    this.buffer.write(`${format}:${text}`, this.pos, "latin1");
    this.#endLine(this.pos + text.length + 4);
  }

  // ---- aggregates: the header, then that many replies ----

  array(count: number): void {
    this.header(0x2a, count);
  }

  /** A map of `pairs` keys and values; an array of twice as many in RESP2. */
  map(pairs: number): void {
    if (this.version === 3) this.header(0x25, pairs);
    else this.header(0x2a, pairs * 2);
  }

  /** A set; an array in RESP2. */
  set(count: number): void {
    this.header(this.version === 3 ? 0x7e : 0x2a, count);
  }

  /** An out-of-band message; an array in RESP2. */
  push(count: number): void {
    this.header(this.version === 3 ? 0x3e : 0x2a, count);
  }

  /** Attributes of the reply that follows. Only RESP3 has them. */
  attribute(pairs: number): void {
    this.header(0x7c, pairs);
  }

  /** A type byte, a number and the end of the line. */
  header(type: number, value: number): void {
    this.ensure(HEADER_MAX);
    const { buffer } = this;
    buffer[this.pos] = type;
    this.#endLine(writeInteger(buffer, this.pos + 1, value));
  }

  /**
   * Leaves room for the header of an aggregate whose size is not known yet.
   * @returns the place to give to `patchLength`
   */
  reserveLength(): number {
    this.ensure(HEADER_MAX);
    const place = this.pos;
    this.pos += HEADER_MAX;
    return place;
  }

  /** Writes the header at `place` and closes the gap that the reserved room leaves. */
  patchLength(place: number, type: number, value: number): void {
    if (this.overflowed) return;
    const end = this.pos;
    const bodyStart = place + HEADER_MAX;
    this.pos = place;
    this.header(type, value);
    this.buffer.copyWithin(this.pos, bodyStart, end);
    this.pos += end - bodyStart;
  }

  /** Bytes that are a reply already. */
  raw(bytes: Buffer, start: number, end: number): void {
    if (!this.ensure(end - start)) return;
    copyBytes(this.buffer, this.pos, bytes, start, end);
    this.pos += end - start;
  }

  // ---- inside ----

  #constant(bytes: Buffer): void {
    const length = bytes.length;
    this.ensure(length);
    const { buffer, pos } = this;
    for (let i = 0; i < length; i++) buffer[pos + i] = bytes[i]!;
    this.pos = pos + length;
  }

  /**
   * A line: what ends one, and zero bytes, become spaces in it.
   * @param text one character a byte
   */
  line(type: number, text: string): void {
    if (!this.ensure(text.length + 3)) return;
    const { buffer } = this;
    let { pos } = this;
    buffer[pos++] = type;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i) & 0xff;
      buffer[pos++] = code === CR || code === LF || code === 0 ? 0x20 : code;
    }
    this.#endLine(pos);
  }

  #endLine(pos: number): void {
    this.buffer[pos] = CR;
    this.buffer[pos + 1] = LF;
    this.pos = pos + 2;
  }

  #grow(size: number): boolean {
    if (this.buffer.length === 0 && !this.overflowed) {
      this.buffer = this.#pool.take();
      if (size <= this.buffer.length) return true;
    }
    const needed = this.pos + size;
    if (this.overflowed || needed > this.sizeMax) return this.#discard(size);
    const wanted = Math.max(Math.min(this.buffer.length * 2, this.sizeMax), needed);
    const usesLarge = wanted <= REPLY_BUFFER_LARGE_SIZE && REPLY_BUFFER_LARGE_SIZE <= this.sizeMax;
    const larger = usesLarge ? this.#pool.takeLarge() : Buffer.allocUnsafeSlow(wanted);
    this.buffer.copy(larger, 0, 0, this.pos);
    this.#pool.give(this.buffer);
    this.buffer = larger;
    return true;
  }

  /** Forgets the batch and makes room for what is written for nobody, if it is not too much even for that. */
  #discard(size: number): boolean {
    if (!this.overflowed) {
      this.#pool.give(this.buffer);
      this.buffer = Buffer.allocUnsafeSlow(DISCARD_SIZE);
    }
    this.overflowed = true;
    this.pos = DISCARD_FROM;
    return size <= REPLY_BUFFER_SIZE;
  }
}
