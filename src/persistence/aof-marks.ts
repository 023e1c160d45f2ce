/**
 * Marks: lines with checksums, or times, between the commands of a log.
 *
 *   #CRC:0a1b2c3d\r\n     the CRC-32 of all bytes of the file before this line, in eight hexadecimal digits
 *
 * One stands behind each write to the file, so that a bit that flips anywhere is noticed when the file is read. Redis's own
 * loader skips lines that begin with "#" where a command could begin, and so does redis-check-aof.
 *
 *   #TS:1700000000\r\n    Unix time in seconds at which what follows was written, with `aof-timestamp-enabled`: Redis 7's, with
 *                         which redis-check-aof cuts a log at a time. At most one a second
 */

const PREFIX = Buffer.from("#CRC:");
const DIGITS = 8;
const ZERO = 0x30;
const LOWER_A = 0x61;

/** Bytes of a mark. */
export const MARK_SIZE: number = PREFIX.length + DIGITS + 2;

/** Writes a mark at `pos`. */
export function writeMark(bytes: Buffer, pos: number, crc: number): void {
  PREFIX.copy(bytes, pos);
  let at = pos + PREFIX.length;
  for (let shift = 28; shift >= 0; shift -= 4, at++) {
    const digit = (crc >>> shift) & 15;
    bytes[at] = digit < 10 ? ZERO + digit : LOWER_A + digit - 10;
  }
  bytes[at] = 13;
  bytes[at + 1] = 10;
}

/** The line of a time. @param seconds Unix time */
export function timeLine(seconds: number): Buffer {
  return Buffer.from(`#TS:${seconds}\r\n`, "latin1");
}

/** The checksum of the mark at `pos`, or -1 if there is none. There must be MARK_SIZE bytes. */
export function readMark(bytes: Buffer, pos: number): number {
  for (let i = 0; i < PREFIX.length; i++) if (bytes[pos + i] !== PREFIX[i]) return -1;
  let crc = 0;
  const from = pos + PREFIX.length;
  for (let at = from; at < from + DIGITS; at++) {
    const byte = bytes[at]!;
    const digit = byte - (byte >= LOWER_A ? LOWER_A - 10 : ZERO);
    if (digit < 0 || digit > 15 || (byte < LOWER_A && digit > 9)) return -1;
    crc = crc * 16 + digit;
  }
  return bytes[from + DIGITS] === 13 && bytes[from + DIGITS + 1] === 10 ? crc : -1;
}

/** The first place from `start` on at which a mark stands behind the end of a line, or -1. */
export function findMark(bytes: Buffer, start: number, end: number): number {
  for (let at = bytes.indexOf(PREFIX, start); at !== -1; at = bytes.indexOf(PREFIX, at + 1)) {
    if (at + MARK_SIZE > end) return -1;
    if ((at === start || bytes[at - 1] === 10) && readMark(bytes, at) !== -1) return at;
  }
  return -1;
}

/** The checksum of a file whose first bytes have the checksum `crc`, with bytes[start, end) behind them. */
export function addToCrc(crc: number, bytes: Buffer, start: number, end: number): number {
  return start === end ? crc : Bun.hash.crc32(bytes.subarray(start, end), crc);
}
