/** Somewhere that bytes go: a file, a socket, a buffer. */
export interface ByteSink {
  /** Takes bytes[start, end), which are the caller's again when it returns. */
  write(bytes: Buffer, start: number, end: number): void;
}
