/** A folder for the data of servers under test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Calls `use` with the path of an empty folder, which is removed afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "hutch-data-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function logFolder(folder: string): string {
  return join(folder, "appendonlydir");
}

export function manifestPath(folder: string): string {
  return join(logFolder(folder), "appendonly.aof.manifest");
}

/** Path of an increment of the log. */
export function incrementPath(folder: string, seq = 1): string {
  return join(logFolder(folder), `appendonly.aof.${seq}.incr.aof`);
}

export function journalPath(folder: string): string {
  return join(logFolder(folder), "appendonly.aof.journal");
}
