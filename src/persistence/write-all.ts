/** Writing all of some bytes where the system may take less than it is given, or nothing because a signal came. */
import { writeSync } from "node:fs";
import { systemErrorCode } from "../base/system-errors.ts";

/**
 * Writes bytes[start, end). Throws what the system says; some of them may be written then.
 * @param position in the file, or null: behind what was written last
 */
export function writeAll(
  fd: number,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  position: number | null = null,
): void {
  for (let at = start; at < end;) {
    const place = position === null ? null : position + at - start;
    try {
      at += writeSync(fd, bytes, at, end - at, place);
    } catch (error) {
      if (systemErrorCode(error) !== "EINTR") throw error;
    }
  }
}
