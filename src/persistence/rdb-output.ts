/**
 * Writes the elements of the RDB format: lengths, strings, times. Either collects all bytes (no sink: a DUMP payload, what
 * waits for its turn in a snapshot) or hands them to a sink whenever the buffer is full. Of all that leaves for a sink the
 * checksum is kept.
 *
 * A string of up to 11 bytes that is an integer of 32 bits is written as one; a longer one than 20 bytes is compressed if that
 * saves anything: the rules of Redis, so that equal values are equal bytes.
 */
import { copyBytes, freeBuffer, freeLarge } from "../base/bytes.ts";
import { INT64_DIGITS_MAX, int64, parseInt64, writeInt64 } from "../base/numbers.ts";
import type { ByteSink } from "./byte-sink.ts";
import { Crc64 } from "./crc64.ts";
import { compress } from "./lzf.ts";
import {
  ENCODED_INT16,
  ENCODED_INT32,
  ENCODED_INT8,
  ENCODED_LZF,
  LENGTH_14,
  LENGTH_32,
  LENGTH_64,
} from "./rdb-format.ts";

const BUFFER_SIZE = 256 * 1024;
/** Buffers that only collect begin small: most payloads are. */
const COLLECTED_SIZE = 512;
const LENGTH_SIZE_MAX = 9;
/** The length of strings below it takes one byte. */
const SHORT_SIZE = 64;
/** Longest string that may be an integer of 32 bits: Redis's bound. */
const INTEGER_DIGITS_MAX = 11;
/** Strings up to here are not worth compressing. */
const RAW_SIZE_MAX = 20;
/** What compression must save at least. */
const SAVING_MIN = 4;
/** Longer strings are written as they are: compressing would take as much memory again. */
const COMPRESSED_SIZE_MAX: number = 64 * 1024 * 1024;
/** From here on bytes are handed to the sink without passing through the buffer. */
const DIRECT_SIZE: number = 64 * 1024;
/** A larger scratch is let go. */
const SCRATCH_KEEP: number = 1024 * 1024;

const NOTHING = Buffer.alloc(0);
const digits = Buffer.alloc(INT64_DIGITS_MAX);
const doubleOf = new Float64Array(1);
const doubleWords = new Int32Array(doubleOf.buffer);

export class RdbOutput {
  /** Compresses strings: the option `rdbcompression`. */
  compresses = true;
  buffer: Buffer;
  /** Bytes in the buffer. */
  pos = 0;
  /** Bytes handed to the sink. */
  flushed = 0;
  /** Checksum of what was handed to the sink. */
  readonly crc: Crc64 = new Crc64();
  readonly #sink: ByteSink | null;
  #scratch: Buffer = NOTHING;

  /** @param sink null to collect all bytes in `buffer` */
  constructor(sink: ByteSink | null) {
    this.#sink = sink;
    this.buffer = Buffer.allocUnsafeSlow(sink === null ? COLLECTED_SIZE : BUFFER_SIZE);
  }

  // ---- elements ----

  byte(value: number): void {
    this.#room(1);
    this.buffer[this.pos++] = value;
  }

  /** A length, or any unsigned integer up to 2^53. */
  length(value: number): void {
    this.#room(LENGTH_SIZE_MAX);
    const { buffer } = this;
    if (value < SHORT_SIZE) {
      buffer[this.pos++] = value;
    } else if (value < 16384) {
      buffer[this.pos++] = LENGTH_14 | (value >>> 8);
      buffer[this.pos++] = value & 255;
    } else {
      this.length64(value | 0, Math.floor(value / 4294967296));
    }
  }

  /** An unsigned integer of 64 bits as a length. */
  length64(low: number, high: number): void {
    if (high === 0 && low >= 0 && low < 16384) return this.length(low);
    this.#room(LENGTH_SIZE_MAX);
    const { buffer } = this;
    if (high === 0) {
      buffer[this.pos] = LENGTH_32;
      buffer.writeInt32BE(low, this.pos + 1);
      this.pos += 5;
    } else {
      buffer[this.pos] = LENGTH_64;
      buffer.writeInt32BE(high, this.pos + 1);
      buffer.writeInt32BE(low, this.pos + 5);
      this.pos += 9;
    }
  }

  /** Eight bytes, the low ones first: a time in ms or the like. */
  int64(low: number, high: number): void {
    this.#room(8);
    this.buffer.writeInt32LE(low, this.pos);
    this.buffer.writeInt32LE(high, this.pos + 4);
    this.pos += 8;
  }

  /** Unix time in ms. */
  time(ms: number): void {
    this.int64(ms | 0, Math.floor(ms / 4294967296));
  }

  double(value: number): void {
    doubleOf[0] = value;
    this.int64(doubleWords[0]!, doubleWords[1]!);
  }

  /** A string in the shortest of its forms. */
  string(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length <= INTEGER_DIGITS_MAX) {
      if (parseInt64(bytes, start, end) && this.#integer(int64.low, int64.high)) return;
    } else if (length > RAW_SIZE_MAX && this.compresses && length <= COMPRESSED_SIZE_MAX) {
      if (this.#compressed(bytes, start, end)) return;
    }
    if (length < SHORT_SIZE) return this.#short(bytes, start, end);
    this.length(length);
    this.raw(bytes, start, end);
  }

  /** A string whose length takes one byte, as it is. */
  #short(bytes: Buffer, start: number, end: number): void {
    this.#room(SHORT_SIZE);
    const { buffer, pos } = this;
    buffer[pos] = end - start;
    copyBytes(buffer, pos + 1, bytes, start, end);
    this.pos = pos + 1 + end - start;
  }

  /** An integer as a string. */
  integer(low: number, high: number): void {
    if (this.#integer(low, high)) return;
    const end = writeInt64(digits, 0, low, high);
    this.length(end);
    this.raw(digits, 0, end);
  }

  text(value: string): void {
    const bytes = Buffer.from(value);
    this.string(bytes, 0, bytes.length);
  }

  /** Bytes as they are. */
  raw(bytes: Buffer, start: number, end: number): void {
    if (this.#sink !== null && end - start >= DIRECT_SIZE) {
      this.flush();
      this.#hand(bytes, start, end);
      return;
    }
    this.#room(end - start);
    copyBytes(this.buffer, this.pos, bytes, start, end);
    this.pos += end - start;
  }

  // ---- where the bytes go ----

  /** Hands what is in the buffer to the sink. */
  flush(): void {
    if (this.pos > 0) this.#hand(this.buffer, 0, this.pos);
    this.pos = 0;
  }

  /** Ends a file: the checksum of all that was written. @param wanted the option `rdbchecksum` */
  checksum(wanted: boolean): void {
    this.flush();
    if (!wanted) this.crc.reset();
    this.#room(8);
    this.crc.write(this.buffer, this.pos);
    this.pos += 8;
    this.flush();
  }

  /** Forgets what was collected. @param sizeMax a larger buffer is let go */
  clear(sizeMax = BUFFER_SIZE): void {
    this.pos = 0;
    if (this.buffer.length <= sizeMax) return;
    freeBuffer(this.buffer);
    this.buffer = Buffer.allocUnsafeSlow(COLLECTED_SIZE);
  }

  #hand(bytes: Buffer, start: number, end: number): void {
    this.crc.add(bytes, start, end);
    this.flushed += end - start;
    this.#sink!.write(bytes, start, end);
  }

  /** Writes an integer of up to 32 bits in its short form. Returns false if it has more. */
  #integer(low: number, high: number): boolean {
    if (high !== low >> 31) return false;
    this.#room(5);
    const { buffer } = this;
    if (low === (low << 24) >> 24) {
      buffer[this.pos++] = ENCODED_INT8;
      buffer[this.pos++] = low & 255;
    } else if (low === (low << 16) >> 16) {
      buffer[this.pos] = ENCODED_INT16;
      buffer.writeInt16LE(low, this.pos + 1);
      this.pos += 3;
    } else {
      buffer[this.pos] = ENCODED_INT32;
      buffer.writeInt32LE(low, this.pos + 1);
      this.pos += 5;
    }
    return true;
  }

  /** Writes a string compressed. Returns false, with nothing written, if that saves too little. */
  #compressed(bytes: Buffer, start: number, end: number): boolean {
    const sizeMax = end - start - SAVING_MIN;
    if (this.#scratch.length < sizeMax) {
      this.#scratch = Buffer.allocUnsafeSlow(sizeMax > SCRATCH_KEEP ? sizeMax : sizeMax * 2);
    }
    const scratch = this.#scratch;
    const size = compress(bytes, start, end, scratch, 0, sizeMax);
    if (size > 0) {
      this.byte(ENCODED_LZF);
      this.length(size);
      this.length(end - start);
      this.raw(scratch, 0, size);
    }
    if (scratch.length > SCRATCH_KEEP) {
      // A collection may be long in coming, and the next such string takes as much again.
      freeBuffer(scratch);
      this.#scratch = NOTHING;
    }
    return size > 0;
  }

  #room(bytes: number): void {
    if (this.pos + bytes <= this.buffer.length) return;
    if (this.#sink !== null) {
      this.flush();
      return;
    }
    const size = Math.max(this.buffer.length * 2, this.pos + bytes);
    const grown = Buffer.allocUnsafeSlow(size);
    this.buffer.copy(grown, 0, 0, this.pos);
    freeLarge(this.buffer);
    this.buffer = grown;
  }
}
