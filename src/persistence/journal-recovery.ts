/**
 * Completes the log from its journal (`aof-journal.ts`) at the start. After a clean end there is none, and after the end of a process
 * the log's file has all that the journal has. Only a loss of power leaves less in the file: then what the journal holds
 * is written in its place.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import { AOF_READ_SIZE } from "../base/limits.ts";
import { addToCrc } from "./aof-marks.ts";
import { DataError } from "./data-error.ts";
import { syncFolder } from "./file-sink.ts";
import type { JournalRecord } from "./journal-format.ts";
import { readChain } from "./journal-format.ts";
import { writeAll } from "./write-all.ts";

/**
 * Brings the increment that a journal was written beside up to what it holds, makes that last, and deletes the journal. Does
 * nothing if there is no journal. Throws `DataError` if it belongs to another file than the one there is.
 * @param path of the journal
 * @param pathOf the file of an increment by its number; null if the log has none of that number, and needs nothing of it
 * @returns bytes that the increment lacked
 */
export function recoverJournal(path: string, pathOf: (increment: number) => string | null): number {
  if (!existsSync(path)) return 0;
  const chain = readChain(readFileSync(path));
  const file = chain.length === 0 ? null : pathOf(chain[0]!.increment);
  const lacked = file === null ? 0 : complete(file, chain, path);
  rmSync(path, { force: true });
  syncFolder(dirname(path));
  return lacked;
}

function complete(file: string, chain: readonly JournalRecord[], journal: string): number {
  const fd = openSync(file, "r+");
  try {
    const lacking = chain.filter((record) => !holds(fd, record));
    if (lacking.length > 0) {
      const { position, before } = chain[0]!;
      if (checksum(fd, position) !== before) {
        throw new DataError(
          `The journal ${journal} holds what follows byte ${position} of ${file}, but that is not the file it was written beside. ` +
            "Bring the file back, or remove the journal to start without what it holds.",
        );
      }
      for (const { bytes, position: at } of lacking) writeAll(fd, bytes, 0, bytes.length, at);
    }
    // Whether or not it lacked something: the journal is deleted now.
    fsyncSync(fd);
    return lacking.reduce((sum, { bytes }) => sum + bytes.length, 0);
  } finally {
    closeSync(fd);
  }
}

/** Whether the file has the bytes of a record in their place. */
function holds(fd: number, { bytes, position }: JournalRecord): boolean {
  const found = Buffer.allocUnsafe(bytes.length);
  return readSync(fd, found, 0, found.length, position) === bytes.length && found.equals(bytes);
}

/** CRC-32 of the first `size` bytes of a file; of all of them if it has fewer. */
function checksum(fd: number, size: number): number {
  const buffer = Buffer.allocUnsafe(AOF_READ_SIZE);
  let crc = 0;
  for (let at = 0; at < size;) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, size - at), at);
    if (read === 0) break;
    crc = addToCrc(crc, buffer, 0, read);
    at += read;
  }
  return crc;
}
