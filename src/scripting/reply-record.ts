/**
 * The answers that a script has got from the server so far, one after another: given the same answers it takes the same way again.
 *
 *   | size (4 bytes) | answer | size | answer | ...
 */
import { copyBytes, freeBuffer, freeLarge } from "../base/bytes.ts";
import { SCRIPT_RECORD_KEEP, SCRIPT_RECORD_MAX } from "../base/limits.ts";

const HEAD = 4;
const BYTES_FIRST = 4096;

export class ReplyRecord {
  #bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  #pos = 0;
  /** There were more answers than are kept. */
  overflowed = false;

  /** A script begins. */
  clear(): void {
    this.#pos = 0;
    this.overflowed = false;
    if (this.#bytes.length <= SCRIPT_RECORD_KEEP) return;
    freeBuffer(this.#bytes);
    this.#bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
  }

  append(bytes: Buffer, start: number, end: number): void {
    if (this.overflowed) return;
    const size = end - start;
    const needed = this.#pos + HEAD + size;
    if (needed > this.#bytes.length && !this.#grow(needed)) return;
    const target = this.#bytes;
    let at = this.#pos;
    target[at++] = size;
    target[at++] = size >>> 8;
    target[at++] = size >>> 16;
    target[at++] = size >>> 24;
    copyBytes(target, at, bytes, start, end);
    this.#pos = needed;
  }

  /** A copy of all answers, for a `RecordReader`. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#pos));
  }

  #grow(needed: number): boolean {
    if (needed > SCRIPT_RECORD_MAX) {
      this.overflowed = true;
      return false;
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, needed));
    this.#bytes.copy(larger, 0, 0, this.#pos);
    freeLarge(this.#bytes);
    this.#bytes = larger;
    return true;
  }
}

/** Gives recorded answers again. */
export class RecordReader {
  readonly bytes: Buffer;
  /** Where the answer begins and ends that `next` has found. */
  start = 0;
  end = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Goes on to the next answer. Returns false if there is none. */
  next(): boolean {
    if (this.end === this.bytes.length) return false;
    this.start = this.end + HEAD;
    this.end = this.start + this.bytes.readInt32LE(this.end);
    return true;
  }
}
