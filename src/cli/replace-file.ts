/**
 * Replaces a file as a whole: what is new is written beside it, synced and renamed over it, so that a crash leaves one or the other.
 */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Throws what the system says if it can't be. @param mode of the new file */
export function replaceFile(file: string, content: Uint8Array, mode: number): void {
  const temporary = `${file}.${process.pid}.tmp`;
  // Never through a link that somebody else put there, and never readable to more than the old file's readers.
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(fd, content);
    fchmodSync(fd, mode);
    fsyncSync(fd);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
