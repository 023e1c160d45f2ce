/**
 * Reads the elements of the RDB format, from memory or from a file through a window:
 *
 *   bytes   [ ... mark ... pos ............ end )   + `beyond` bytes of the file that were not read yet
 *
 * Nothing here throws for what a file says. The first defect is kept in `error`, and from then on there is nothing left to read:
 * numbers come out as 0, strings empty. Whoever reads a run of elements looks at `failed` at its end, and in loops.
 *
 * No length is believed: what it promises must be left in the file before memory is taken for it, and of a compressed string
 * the size that it claims must be possible. A string may lie in the window and is then good until the next read; two that are
 * read one after the other for each other's sake are read between `mark` and `hold`.
 */
import { STRING_SIZE_MAX } from "../base/limits.ts";
import { INT64_DIGITS_MAX, int64, writeInteger } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import { Crc64 } from "./crc64.ts";
import { decompressedMax } from "./lzf-format.ts";
import { decompress } from "./lzf.ts";
import {
  ENCODED,
  ENCODED_INT16,
  ENCODED_INT32,
  ENCODED_INT8,
  ENCODED_LZF,
  LENGTH_14,
  LENGTH_32,
  LENGTH_64,
} from "./rdb-format.ts";

/** What is read through the window. */
export interface ByteSource {
  /** Reads up to `size` bytes to target[at...). Returns how many, 0 at the end. */
  read(target: Buffer, at: number, size: number): number;
}

const WINDOW_SIZE = 256 * 1024;
/** A larger scratch is let go with the next string. */
const SCRATCH_KEEP: number = 1024 * 1024;

/** Lengths of a text double that stand for a value. */
const TEXT_NAN = 253;
const TEXT_INFINITY = 254;
const TEXT_MINUS_INFINITY = 255;

const EMPTY = Buffer.alloc(0);

/** Where a string comes apart that does not lie in the window as it is. */
class Scratch {
  bytes: Buffer = EMPTY;

  room(size: number): Buffer {
    if (this.bytes.length < size || (this.bytes.length > SCRATCH_KEEP && size < SCRATCH_KEEP)) {
      this.bytes = Buffer.allocUnsafeSlow(Math.max(size, INT64_DIGITS_MAX));
    }
    return this.bytes;
  }
}

export class RdbInput {
  bytes: Buffer;
  pos: number;
  end: number;
  /** Bytes of the source behind the window. */
  beyond: number;
  /** What is wrong, or null. */
  error: string | null = null;
  /** Checksum of all that has left the window. */
  readonly crc: Crc64 = new Crc64();
  readonly #source: ByteSource | null;
  /** Bytes that have left the window. */
  #gone = 0;
  /** Nothing before it leaves the window; -1: all that was read may. */
  #mark = -1;
  #moved = false;
  readonly #scratches = [new Scratch(), new Scratch()] as const;
  #scratchAt = 0;
  readonly #view: DataView = new DataView(new ArrayBuffer(8));

  private constructor(source: ByteSource | null, size: number) {
    this.#source = source;
    this.bytes = EMPTY;
    this.pos = 0;
    this.end = 0;
    this.beyond = size;
  }

  /** Reads bytes[start, end). */
  static of(bytes: Buffer, start: number, end: number): RdbInput {
    const input = new RdbInput(null, 0);
    input.reuse(bytes, start, end);
    return input;
  }

  /** Reads a file of `size` bytes. */
  static from(source: ByteSource, size: number): RdbInput {
    return new RdbInput(source, size);
  }

  /** Begins anew with other bytes in memory. */
  reuse(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
    this.error = null;
  }

  get failed(): boolean {
    return this.error !== null;
  }

  /** Bytes that are left to read. */
  get left(): number {
    return this.end - this.pos + this.beyond;
  }

  /** Bytes read so far. */
  get consumed(): number {
    return this.#gone + this.pos;
  }

  /** Nothing more can be read, for this reason. The first one counts. */
  fail(error: string): void {
    this.error ??= error;
    this.end = this.pos;
    this.beyond = 0;
  }

  // ---- elements ----

  byte(): number {
    return this.#need(1) ? this.bytes[this.pos++]! : 0;
  }

  /** A length, exact up to 2^53. */
  length(): number {
    if (!this.#need(1)) return 0;
    const first = this.bytes[this.pos++]!;
    if (first < LENGTH_14) return first;
    if (first < LENGTH_32) {
      return this.#need(1) ? ((first & 63) << 8) | this.bytes[this.pos++]! : 0;
    }
    if (first === LENGTH_32) {
      if (!this.#need(4)) return 0;
      this.pos += 4;
      return this.bytes.readUInt32BE(this.pos - 4);
    }
    if (first === LENGTH_64) {
      if (!this.#need(8)) return 0;
      this.pos += 8;
      return (
        this.bytes.readUInt32BE(this.pos - 8) * 4294967296 + this.bytes.readUInt32BE(this.pos - 4)
      );
    }
    this.fail("there is no length where one must be");
    return 0;
  }

  /** A length of 64 bits; left in `int64`. */
  length64(): void {
    if (this.#need(1) && this.bytes[this.pos] === LENGTH_64) {
      if (!this.#need(9)) return;
      int64.high = this.bytes.readInt32BE(this.pos + 1);
      int64.low = this.bytes.readInt32BE(this.pos + 5);
      this.pos += 9;
      return;
    }
    int64.low = this.length() | 0;
    int64.high = 0;
  }

  /** A number of elements of at least `bytes` bytes each, all of which must be left. */
  count(bytes: number): number {
    const count = this.length();
    if (count * bytes <= this.left) return count;
    this.fail("more elements are announced than are left in the file");
    return 0;
  }

  /** Eight bytes, the low ones first; left in `int64`. */
  int64(): void {
    int64.low = 0;
    int64.high = 0;
    if (!this.#need(8)) return;
    int64.low = this.bytes.readInt32LE(this.pos);
    int64.high = this.bytes.readInt32LE(this.pos + 4);
    this.pos += 8;
  }

  /** Four bytes, the low ones first, signed. */
  int32(): number {
    if (!this.#need(4)) return 0;
    this.pos += 4;
    return this.bytes.readInt32LE(this.pos - 4);
  }

  double(): number {
    this.int64();
    this.#view.setInt32(0, int64.low, true);
    this.#view.setInt32(4, int64.high, true);
    return this.#view.getFloat64(0, true);
  }

  /** A double as text, in the form of the first versions; NaN if it is none. */
  textDouble(): number {
    const length = this.byte();
    if (length === TEXT_NAN) return NaN;
    if (length === TEXT_INFINITY) return Infinity;
    if (length === TEXT_MINUS_INFINITY) return -Infinity;
    const at = this.raw(length);
    const text = this.bytes.toString("latin1", at, at + length);
    // Number() also takes what is blank.
    return /^[-+.\d]/.test(text) ? Number(text) : NaN;
  }

  /** The index in `bytes` of the next `size` bytes, which count as read; good until the next read. */
  raw(size: number): number {
    if (!this.#need(size)) return this.pos;
    this.pos += size;
    return this.pos - size;
  }

  /** A string of any form; good until the next read. */
  string(out: Slice): void {
    const { bytes, pos } = this;
    if (pos < this.end) {
      // Most strings are short and lie in the window.
      const first = bytes[pos]!;
      const end = pos + 1 + first;
      if (first < LENGTH_14 && end <= this.end) {
        this.pos = end;
        out.set(bytes, pos + 1, end);
        return;
      }
    }
    if (this.#need(1) && this.bytes[this.pos]! >= ENCODED) return this.#encoded(out);
    const length = this.length();
    if (length > STRING_SIZE_MAX) this.fail("a string is longer than the longest");
    const at = this.raw(length);
    if (this.failed) out.set(EMPTY, 0, 0);
    else out.set(this.bytes, at, at + length);
  }

  /** Passes over a string without unpacking it. */
  skipString(): void {
    const first = this.byte();
    if (first === ENCODED_INT8) return this.skip(1);
    if (first === ENCODED_INT16) return this.skip(2);
    if (first === ENCODED_INT32) return this.skip(4);
    if (first === ENCODED_LZF) {
      const packed = this.length();
      this.length();
      return this.skip(packed);
    }
    this.pos--;
    this.skip(this.length());
  }

  skip(size: number): void {
    let left = size;
    if (left > this.left) return this.fail("the file ends too early");
    for (; left > WINDOW_SIZE; left -= WINDOW_SIZE) this.raw(WINDOW_SIZE);
    this.raw(left);
  }

  // ---- two strings at once ----

  /** What is read from here on stays in the window. */
  mark(): void {
    this.#mark = this.pos;
    this.#moved = false;
  }

  /**
   * Ends what `mark` began. Returns false if the window has moved meanwhile: then what was read is not where it was, and is to
   * be read again, which will not move the window any more.
   */
  hold(): boolean {
    const mark = this.#mark;
    this.#mark = -1;
    if (!this.#moved || this.failed) return true;
    this.pos = mark;
    return false;
  }

  // ---- the end of a file ----

  /** Takes all that was read into the checksum. */
  sum(): void {
    this.crc.add(this.bytes, this.#summed, this.pos);
    this.#summed = this.pos;
  }

  // ---- inside ----

  /** Bytes of the window before it are in the checksum. */
  #summed = 0;

  #encoded(out: Slice): void {
    const form = this.bytes[this.pos++]!;
    if (form === ENCODED_LZF) return this.#compressed(out);
    let value = 0;
    if (form === ENCODED_INT8) value = (this.byte() << 24) >> 24;
    else if (form === ENCODED_INT16) {
      const at = this.raw(2);
      value = this.failed ? 0 : this.bytes.readInt16LE(at);
    } else if (form === ENCODED_INT32) value = this.int32();
    else this.fail("a string has an unknown form");
    const bytes = this.#nextScratch().room(INT64_DIGITS_MAX);
    out.set(bytes, 0, writeInteger(bytes, 0, value));
  }

  #compressed(out: Slice): void {
    const packed = this.length();
    const length = this.length();
    out.set(EMPTY, 0, 0);
    if (length > Math.min(STRING_SIZE_MAX, decompressedMax(packed))) {
      return this.fail("a compressed string claims to be larger than it can be");
    }
    const at = this.raw(packed);
    if (this.failed) return;
    const bytes = this.#nextScratch().room(length);
    if (!decompress(this.bytes, at, at + packed, bytes, 0, length)) {
      return this.fail("a compressed string is damaged");
    }
    out.set(bytes, 0, length);
  }

  #nextScratch(): Scratch {
    this.#scratchAt ^= 1;
    return this.#scratches[this.#scratchAt]!;
  }

  /** Whether `size` bytes are at `pos`. */
  #need(size: number): boolean {
    return this.end - this.pos >= size || this.#fill(size);
  }

  #fill(size: number): boolean {
    if (size > this.left) {
      this.fail("the file ends too early");
      return false;
    }
    const from = this.#mark === -1 ? this.pos : this.#mark;
    this.crc.add(this.bytes, this.#summed, from);
    const held = this.end - from;
    const wanted = Math.max(WINDOW_SIZE, size + this.pos - from);
    const window = this.bytes.length === wanted ? this.bytes : Buffer.allocUnsafeSlow(wanted);
    this.bytes.copy(window, 0, from, this.end);
    this.#gone += from;
    this.#summed = 0;
    this.#moved = true;
    this.bytes = window;
    this.pos -= from;
    this.end = held;
    if (this.#mark !== -1) this.#mark = 0;
    while (this.end - this.pos < size) {
      const most = Math.min(window.length - this.end, this.beyond);
      const read = this.#source!.read(window, this.end, most);
      if (read <= 0) {
        this.fail("the file ends too early");
        return false;
      }
      this.end += read;
      this.beyond -= read;
    }
    return true;
  }
}
