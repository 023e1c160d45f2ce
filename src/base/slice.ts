/** A run of bytes inside a larger buffer. One object is filled again and again; it owns nothing. */
export class Slice {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  set(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** A copy of the bytes that the caller may keep. */
  copy(): Buffer {
    return Buffer.from(this.bytes.subarray(this.start, this.end));
  }
}
