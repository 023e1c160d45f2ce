/**
 * What the server answers a script, as bytes: a reply as it is, or behind a byte that begins no reply something else. Each says
 * itself where it ends.
 *
 *   - $ : * ...            the reply of a command
 *   1 size (4 bytes) text  the command was refused, and no reply was written
 *   2 byte                 an answer to `acl_check_cmd`: 0 no, 1 yes, 2 no such command
 */
import { errorTable } from "./error-table.ts";
import { ReplyReader } from "./reply-reader.ts";
import type { LuaValue } from "./values.ts";

export const REFUSED = 1;
export const CHECKED = 2;

const REFUSAL_HEAD = 5;
/** Bytes of an answer to `acl_check_cmd`. */
export const CHECK_SIZE = 2;

/** @param text one character a byte */
export function refusalBytes(text: string): Buffer {
  const bytes = Buffer.alloc(REFUSAL_HEAD + text.length);
  bytes[0] = REFUSED;
  bytes.writeUInt32LE(text.length, 1);
  bytes.write(text, REFUSAL_HEAD, "latin1");
  return bytes;
}

/** Byte after the refusal at `start`. */
function refusalEnd(bytes: Buffer, start: number): number {
  return start + REFUSAL_HEAD + bytes.readUInt32LE(start + 1);
}

/** Why the command was refused. */
export function refusalText(bytes: Buffer, start: number): string {
  return bytes.toString("latin1", start + REFUSAL_HEAD, refusalEnd(bytes, start));
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
  /** Byte after the answer that was read last. */
  end = 0;
  readonly #reader: ReplyReader = new ReplyReader();

  /** The value of the reply or refusal that begins at `start`. */
  read(bytes: Buffer, start: number): LuaValue {
    if (bytes[start] === REFUSED) {
      this.failed = true;
      this.end = refusalEnd(bytes, start);
      return refusalTable(refusalText(bytes, start));
    }
    const reader = this.#reader;
    const value = reader.read(bytes, start);
    this.failed = reader.failed;
    this.end = reader.end;
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
