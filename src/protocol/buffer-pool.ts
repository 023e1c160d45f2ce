/** Buffers of one size that pass from connection to connection, so that an idle connection holds none. */
import { REPLY_BUFFER_SIZE } from "../base/limits.ts";

const POOL_MAX = 64;

export class BufferPool {
  readonly #free: Buffer[] = [];

  /** A buffer of REPLY_BUFFER_SIZE bytes, content undefined. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(REPLY_BUFFER_SIZE);
  }

  /** Gives back a buffer; one that has grown is left to the garbage collector. */
  give(buffer: Buffer): void {
    if (buffer.length === REPLY_BUFFER_SIZE && this.#free.length < POOL_MAX)
      this.#free.push(buffer);
  }
}
