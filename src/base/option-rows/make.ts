/** Short ways to write the rows of the option table. */
import type { OptionRow } from "../options.ts";

type More = Partial<Omit<OptionRow, "name" | "type" | "default" | "help">>;

/** Bounds of a TCP port. */
export const PORTS = [0, 65535] as const;

export const INT_MIN = -2147483648;
export const INT_MAX = 2147483647;
export const UINT_MAX = 4294967295;
export const INT64_MAX: bigint = (1n << 63n) - 1n;
export const UINT64_MAX: bigint = (1n << 64n) - 1n;

export const INERT: More = { inert: true };
export const FIXED: More = { fixed: true };
export const FIXED_INERT: More = { fixed: true, inert: true };

export function flag(
  name: string,
  initial: "yes" | "no",
  help: string,
  more: More = {},
): OptionRow {
  return { name, type: "flag", default: initial, help, ...more };
}

/** @param range smallest and largest value */
export function integer(
  name: string,
  initial: number,
  range: readonly [number | bigint, number | bigint],
  help: string,
  more: More = {},
): OptionRow {
  const [min, max] = range;
  return { name, type: "integer", default: String(initial), min, max, help, ...more };
}

/** @param range smallest and largest value in bytes */
export function memory(
  name: string,
  initial: number | string,
  range: readonly [number | bigint, number | bigint],
  help: string,
  more: More = {},
): OptionRow {
  const [min, max] = range;
  return { name, type: "memory", default: String(initial), min, max, help, ...more };
}

/** @param choices the first is the default unless `initial` names another */
export function choice(
  name: string,
  choices: readonly string[],
  initial: string,
  help: string,
  more: More = {},
): OptionRow {
  return { name, type: "choice", default: initial, choices, help, ...more };
}

export function text(name: string, initial: string, help: string, more: More = {}): OptionRow {
  return { name, type: "text", default: initial, help, ...more };
}

export function list(name: string, initial: string, help: string, more: More = {}): OptionRow {
  return { name, type: "list", default: initial, help, ...more };
}
