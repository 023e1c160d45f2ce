/**
 * A file that is written under another name and takes its own only when it is whole and on the disk: whoever reads it, after
 * whatever crash, finds the old one or the new one.
 *
 * While it is written, a thread sends to the disk what there is so far, so that the sync at the end has little left to do. It has
 * the file open by itself: what goes wrong there is told to the sync at the end as well, which alone counts.
 */
import {
  close,
  closeSync,
  fdatasync,
  fsync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { systemErrorText } from "../base/system-errors.ts";
import type { ByteSink } from "./byte-sink.ts";
import { writeAll } from "./write-all.ts";

/** Bytes after which they are sent to the disk. */
const EARLY_SIZE: number = 1024 * 1024;

export class FileSink implements ByteSink {
  error: string | null = null;
  readonly #temporary: string;
  #fd = -1;
  #discarded = false;
  /** The file as the thread has it, or -1, and bytes that were written since it began. */
  #early = -1;
  #sending = false;
  #unsent = 0;

  /** Makes the file. @param temporary its name while it is written */
  constructor(temporary: string) {
    this.#temporary = temporary;
    this.#try("opening", () => (this.#fd = openSync(temporary, "w", 0o644)));
  }

  write(bytes: Buffer, start: number, end: number): void {
    if (this.error !== null) return;
    this.#try("writing", () => writeAll(this.#fd, bytes, start, end));
    this.#unsent += end - start;
    if (this.#unsent >= EARLY_SIZE && !this.#sending) this.#sendEarly();
  }

  #sendEarly(): void {
    if (this.error !== null) return;
    this.#early = this.#early === -1 ? openOrNone(this.#temporary) : this.#early;
    if (this.#early === -1) return;
    this.#unsent = 0;
    this.#sending = true;
    fdatasync(this.#early, () => {
      this.#sending = false;
      if (this.#fd === -1) this.#closeEarly();
    });
  }

  /** Closes the file as the thread has it, now or when it is done. */
  #closeEarly(): void {
    if (this.#sending || this.#early === -1) return;
    closeSync(this.#early);
    this.#early = -1;
  }

  /** Puts the file in its place, waiting for the disk. Returns an error in words, or null. */
  commitSync(path: string): string | null {
    this.#try("syncing", () => fsyncSync(this.#fd));
    this.#rename(path);
    this.#try("syncing the directory", () => syncFolder(dirname(path)));
    return this.error;
  }

  /** The same without making anybody else wait. @param done gets the error, or null; not called after `discard` */
  commit(path: string, done: (error: string | null) => void): void {
    if (this.error !== null) {
      this.discard();
      return done(this.error);
    }
    fsync(this.#fd, (error) => {
      if (this.#fd === -1) return;
      if (error !== null) this.error = `syncing: ${systemErrorText(error)}`;
      // A rename that frees the blocks of a large file takes milliseconds: they are freed when this is closed.
      const old = openOrNone(path);
      this.#rename(path);
      if (old !== -1) close(old, () => {});
      if (this.error !== null) return done(this.error);
      this.#syncFolder(dirname(path), done);
    });
  }

  /** Deletes the file; what is at its place stays. */
  discard(): void {
    this.#discarded = true;
    this.#close();
    try {
      unlinkSync(this.#temporary);
    } catch {
      // It is the error that led here that is of interest.
    }
  }

  /** Gives the file its name, or deletes it if there was an error. */
  #rename(path: string): void {
    this.#close();
    if (this.error !== null) return this.discard();
    this.#try("renaming", () => renameSync(this.#temporary, path));
    if (this.error !== null) this.discard();
  }

  #syncFolder(path: string, done: (error: string | null) => void): void {
    let fd = -1;
    this.#try("opening the directory", () => (fd = openSync(path, "r")));
    if (fd === -1) return done(this.error);
    fsync(fd, (error) => {
      closeSync(fd);
      if (error !== null) this.error = `syncing the directory: ${systemErrorText(error)}`;
      if (!this.#discarded) done(this.error);
    });
  }

  #close(): void {
    if (this.#fd === -1) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.#closeEarly();
    this.#try("closing", () => closeSync(fd));
  }

  /** Keeps the first error. */
  #try(what: string, action: () => void): void {
    if (this.error !== null && what !== "closing") return;
    try {
      action();
    } catch (error) {
      this.error ??= `${what}: ${systemErrorText(error)}`;
    }
  }
}

/** Makes created, renamed and deleted names of a folder last. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Opens a file for reading. Returns -1 if that is not possible. */
function openOrNone(path: string): number {
  try {
    return openSync(path, "r");
  } catch {
    return -1;
  }
}
