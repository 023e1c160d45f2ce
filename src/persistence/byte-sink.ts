/** Somewhere that bytes go: a file, a socket, a buffer. */
export interface ByteSink {
  /** Why bytes were lost, in words for the log, or null. What comes after that is lost too. */
  readonly error: string | null;
  /** Takes bytes[start, end), which are the caller's again when it returns. Never throws. */
  write(bytes: Buffer, start: number, end: number): void;
}
