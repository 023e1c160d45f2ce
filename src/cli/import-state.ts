/**
 * How far an import from a running server is, in a file, so that one that was stopped goes on where it was:
 *
 *   { "import": "from a:6379 to b:6379 ...", "run": "<run_id of the source>", "database": 3, "cursor": "1234", "done": 100000, ... }
 *
 * A cursor is of use as long as the source runs: its bits are places of a table that is in another order after a restart. What
 * stands before the cursor was acknowledged by the target; what follows may have been copied already, and is copied again.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { systemErrorCode } from "../base/system-errors.ts";

export interface ImportState {
  /** What is imported from where to where. */
  readonly import: string;
  /** The source's process. */
  readonly run: string;
  /** Databases below this one are done. */
  database: number;
  /** Where SCAN goes on within it. */
  cursor: string;
  /** Keys looked at. */
  done: number;
  copied: number;
  /** Keys left alone, since the target has them already. */
  kept: number;
  /** Keys that the target could not take. */
  failed: number;
}

/** Reads a file. Throws what the system says, or that it is none of an import. @returns null if there is none */
export function readState(path: string): ImportState | null {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    const found = JSON.parse(text) as Partial<ImportState>;
    const isWhole =
      typeof found.import === "string" &&
      typeof found.run === "string" &&
      /^\d+$/.test(found.cursor ?? "") &&
      [found.database, found.done, found.copied, found.kept, found.failed].every(Number.isInteger);
    if (isWhole) return found as ImportState;
  } catch {
    // Told below.
  }
  throw new Error("is no file of an import; another one can be named with --state");
}

/** Puts the state in the place of what the file holds. Throws what the system says. */
export function writeState(path: string, state: ImportState): void {
  writeFileSync(`${path}.tmp`, `${JSON.stringify(state)}\n`);
  renameSync(`${path}.tmp`, path);
}

export function removeState(path: string): void {
  rmSync(path, { force: true });
}
