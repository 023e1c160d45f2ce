/**
 * Bytes that have arrived and were not used yet, for the readers of replies: bytes [pos, end) of `buffer`. A chunk that is
 * used up at once is never copied; else it is appended, to a buffer that grows twofold, so each byte is moved a bounded
 * number of times.
 */
export class PendingBytes {
  buffer: Buffer = Buffer.alloc(0);
  pos = 0;
  end = 0;
  /** The buffer is our own and not a chunk of the caller's. */
  #owned = false;

  get length(): number {
    return this.end - this.pos;
  }

  /** Appends a chunk. What is not used before the next call is copied then; until then the chunk must not change. */
  append(chunk: Uint8Array): void {
    const left = this.length;
    if (left === 0) {
      this.buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      this.#owned = false;
      this.pos = 0;
      this.end = chunk.length;
      return;
    }
    if (!this.#owned || this.end + chunk.length > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow((left + chunk.length) * 2);
      this.buffer.copy(grown, 0, this.pos, this.end);
      this.buffer = grown;
      this.#owned = true;
      this.pos = 0;
      this.end = left;
    }
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** A copy of the next `length` bytes, which are used with that. */
  take(length: number): Buffer {
    const start = this.pos;
    this.pos += length;
    return Buffer.from(this.buffer.subarray(start, this.pos));
  }
}
