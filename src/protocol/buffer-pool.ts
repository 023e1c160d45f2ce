/** Buffers of one size that pass from connection to connection, so that an idle connection holds none. */
import { freeBuffer } from "../base/bytes.ts";
import { REPLY_BUFFER_SIZE } from "../base/limits.ts";

const POOL_MAX = 64;

export class BufferPool {
  readonly #free: Buffer[] = [];

  /** A buffer of REPLY_BUFFER_SIZE bytes, content undefined. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(REPLY_BUFFER_SIZE);
  }

  /** Gives back a buffer that nobody uses any more. One that has grown is freed. */
  give(buffer: Buffer): void {
    if (buffer.length > REPLY_BUFFER_SIZE) freeBuffer(buffer);
    else if (buffer.length > 0 && this.#free.length < POOL_MAX) this.#free.push(buffer);
  }
}
