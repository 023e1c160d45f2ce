/**
 * From the text of an option to its canonical value: one rule a type, with the error texts that Redis's clients know.
 * A row's `check` follows the rule of an integer, a choice or a text, and gets the canonical value; for a list it is the rule.
 */
import type { OptionRow, Parsed } from "./options.ts";

const UINT64 = 64;
const UINT64_MAX: bigint = (1n << 64n) - 1n;
const INT64_MAX: bigint = (1n << 63n) - 1n;

/** Bytes of a unit; "k" is a thousand, "kb" 1024. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["b", 1n],
  ["k", 1000n],
  ["kb", 1024n],
  ["m", 1000_000n],
  ["mb", 1024n ** 2n],
  ["g", 1000_000_000n],
  ["gb", 1024n ** 3n],
]);

/** @param words one word, but for lists @param current the value it has, for lists that change in part */
export function parseValue(row: OptionRow, words: readonly string[], current: string): Parsed {
  if (row.type === "list") {
    return row.check === undefined ? { value: words.join(" ") } : row.check(words, current);
  }
  const parsed = parseOne(row, words[0]!);
  if (row.check === undefined || "error" in parsed) return parsed;
  return row.check([parsed.value], current);
}

function parseOne(row: OptionRow, text: string): Parsed {
  switch (row.type) {
    case "flag": {
      const value = text.toLowerCase();
      if (value === "yes" || value === "no") return { value };
      return { error: "argument must be 'yes' or 'no'" };
    }
    case "choice": {
      const lower = text.toLowerCase();
      const value = row.choices!.find((one) => one.toLowerCase() === lower);
      if (value !== undefined) return { value };
      return { error: `argument(s) must be one of the following: ${row.choices!.join(", ")}` };
    }
    case "integer":
      return row.octal === true ? parseOctal(row, text) : parseInteger(row, text);
    case "memory":
      return parseMemory(row, text);
    default:
      return { value: text };
  }
}

function parseInteger(row: OptionRow, text: string): Parsed {
  const value = canonicalInteger(text);
  if (value === null) return { error: "argument couldn't be parsed into an integer" };
  return within(row, value);
}

function parseOctal(row: OptionRow, text: string): Parsed {
  if (!/^[0-7]*$/.test(text)) return { error: "argument couldn't be parsed as an octal number" };
  const value = BigInt(`0o${text === "" ? "0" : text}`);
  const checked = within(row, value);
  return "error" in checked ? checked : { value: value.toString(8) };
}

function parseMemory(row: OptionRow, text: string): Parsed {
  const bytes = parseBytes(text);
  if (bytes !== null) return within(row, bytes);
  if (row.percent !== true) return { error: "argument must be a memory value" };
  const percent = text.endsWith("%") ? canonicalInteger(text.slice(0, -1)) : null;
  if (percent === null || percent < 0n) {
    return { error: "argument must be a memory or percent value" };
  }
  if (percent > 100n) return { error: "percentage argument must be less or equal to 100" };
  return { value: percent === 0n ? "0" : `${percent}%` };
}

function within(row: OptionRow, value: bigint): Parsed {
  const min = BigInt(row.min ?? 0);
  const max = BigInt(row.max ?? INT64_MAX);
  if (value >= min && value <= max) return { value: value.toString() };
  return { error: `argument must be between ${min} and ${max} inclusive` };
}

/** A 64-bit integer in its one canonical form, or null. */
function canonicalInteger(text: string): bigint | null {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return null;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? value : null;
}

/** Bytes of "64mb", "1k", "100", or null. As in Redis, no digits are zero, and the product keeps its lowest 64 bits. */
export function parseBytes(text: string): bigint | null {
  const match = /^([0-9]*)([a-z]*)$/i.exec(text);
  const unit = match === null ? undefined : UNITS.get(match[2]!.toLowerCase());
  if (unit === undefined) return null;
  const digits = match![1]!;
  // More digits than any 64-bit number has are the largest one, without the work of making a number of them.
  const number = digits.replace(/^0+/, "").length > 20 ? UINT64_MAX : BigInt(digits);
  return BigInt.asUintN(UINT64, (number > UINT64_MAX ? UINT64_MAX : number) * unit);
}

/** A decimal integer as C's strtoll reads a whole word: with sign and leading zeros, or nothing for 0. NaN if it is none. */
export function parseLoose(text: string): number {
  return /^([+-]?[0-9]{1,15})?$/.test(text) ? Number(text) : NaN;
}
