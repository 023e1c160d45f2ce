/**
 * Buffers that pass from connection to connection, so that an idle one holds none, and memory that replies are written to is
 * memory that was written to a moment ago: fresh pages cost more than the replies in them. There are two sizes, the usual one
 * and that of a batch that is about to be flushed.
 */
import { freeBuffer } from "../base/bytes.ts";
import { REPLY_BUFFER_LARGE_SIZE, REPLY_BUFFER_SIZE } from "../base/limits.ts";

const POOL_MAX = 64;
/** Large ones are in use for the time of a batch only, unless a peer does not take what it is sent. */
const LARGE_MAX = 4;

export class BufferPool {
  readonly #free: Buffer[] = [];
  readonly #large: Buffer[] = [];

  /** A buffer of REPLY_BUFFER_SIZE bytes, content undefined. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(REPLY_BUFFER_SIZE);
  }

  /** A buffer of REPLY_BUFFER_LARGE_SIZE bytes, content undefined. */
  takeLarge(): Buffer {
    return this.#large.pop() ?? Buffer.allocUnsafeSlow(REPLY_BUFFER_LARGE_SIZE);
  }

  /** Gives back a buffer that nobody uses any more. One of another size is freed. */
  give(buffer: Buffer): void {
    const { length } = buffer;
    if (length === REPLY_BUFFER_LARGE_SIZE && this.#large.length < LARGE_MAX) {
      this.#large.push(buffer);
    } else if (length > REPLY_BUFFER_SIZE) freeBuffer(buffer);
    else if (length > 0 && this.#free.length < POOL_MAX) this.#free.push(buffer);
  }
}
