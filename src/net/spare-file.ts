/**
 * A file that is kept open for the day when no further one can be opened. Then the system would report a connection that waits again
 * and again, and accepting it would fail as often, with the processor busy for nothing. So the spare file is closed: connections can be
 * accepted, to be told that there are too many, and closed. Looked at with every beat.
 */
import { closeSync, openSync } from "node:fs";
import { systemErrorCode } from "../base/system-errors.ts";

/** Opening it needs nothing but a descriptor. */
const PATH = "/";
/** No more files for this process, or for all. */
const NO_MORE: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);
const UNKNOWN = -1;

export class SpareFile {
  /** Only the spare one was left: new connections are to be turned away. */
  isSpent = false;
  #spare: number | null = open();

  /** Looks whether a file more can be opened. @returns whether that has changed */
  check(): boolean {
    const before = this.isSpent;
    this.#spare ??= open();
    const another = this.#spare === null ? null : open();
    if (another !== null) close(another);
    this.isSpent = another === null;
    if (this.isSpent) this.close();
    return this.isSpent !== before;
  }

  close(): void {
    if (this.#spare !== null) close(this.#spare);
    this.#spare = null;
  }
}

function close(file: number): void {
  if (file !== UNKNOWN) closeSync(file);
}

/** Null if there are no more. */
function open(): number | null {
  try {
    return openSync(PATH, "r");
  } catch (error) {
    // Where that file may not be opened, nothing is known.
    return NO_MORE.has(systemErrorCode(error)) ? null : UNKNOWN;
  }
}
