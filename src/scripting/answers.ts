/**
 * What the server answers a script, as bytes: a reply as it is, or behind a byte that begins no reply something else.
 *
 *   - $ : * ...   the reply of a command
 *   1 text CR LF  the command was refused, and no reply was written
 *   2 byte        an answer to `acl_check_cmd`: 0 no, 1 yes, 2 no such command
 */
import { errorTable } from "./error-table.ts";
import { ReplyReader } from "./reply-reader.ts";
import type { LuaValue } from "./values.ts";

export const REFUSED = 1;
export const CHECKED = 2;

export function refusalBytes(text: string): Buffer {
  return Buffer.from(`\x01${text}\r\n`, "latin1");
}

const CHECKS: readonly (boolean | null)[] = [false, true, null];

export function checkBytes(may: boolean | null): Buffer {
  return Buffer.from([CHECKED, CHECKS.indexOf(may)]);
}

/** Reads what `checkBytes` wrote, at `start`. */
export function readCheck(bytes: Buffer, start: number): boolean | null {
  return CHECKS[bytes[start + 1]!] ?? null;
}

export class AnswerReader {
  /** The answer is an error. */
  failed = false;
  readonly #reader: ReplyReader = new ReplyReader();

  /** The value of a reply or a refusal in bytes[start, end). */
  read(bytes: Buffer, start: number, end: number): LuaValue {
    if (bytes[start] === REFUSED) {
      this.failed = true;
      return refusalTable(bytes.toString("latin1", start + 1, end - 2));
    }
    const value = this.#reader.read(bytes, start);
    this.failed = this.#reader.failed;
    return value;
  }
}

/** The error of a command that was not run. */
export function refusalTable(text: string): LuaValue {
  const table = errorTable(text);
  // It was counted where it was refused.
  table.set("ignore_error_stats_update", true);
  return table;
}
