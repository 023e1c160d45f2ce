/**
 * The answers that a script has got from the server so far, one after another as `answers.ts` has them: given the same answers it
 * takes the same way again.
 */
import { copyBytes, freeBuffer, freeLarge } from "../base/bytes.ts";
import { SCRIPT_RECORD_KEEP, SCRIPT_RECORD_MAX } from "../base/limits.ts";

const BYTES_FIRST = 4096;

export class ReplyRecord {
  #bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  #pos = 0;
  /** Not all answers are kept: there were too many. */
  overflowed = false;

  /** A script begins. */
  clear(): void {
    this.#pos = 0;
    this.overflowed = false;
    if (this.#bytes.length <= SCRIPT_RECORD_KEEP) return;
    freeBuffer(this.#bytes);
    this.#bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
  }

  /** Appends the answers in bytes[0, end). */
  append(bytes: Buffer, end: number): void {
    if (this.overflowed) return;
    const needed = this.#pos + end;
    if (needed > this.#bytes.length && !this.#grow(needed)) return;
    copyBytes(this.#bytes, this.#pos, bytes, 0, end);
    this.#pos = needed;
  }

  /** Answers were lost. */
  lose(): void {
    this.overflowed = true;
  }

  /** A copy of all answers. */
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
