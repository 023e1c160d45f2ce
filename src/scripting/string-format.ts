/** `string.format`: C's printf as far as Lua 5.1 takes it. */
import { LuaError } from "./errors.ts";
import { meter } from "./meter.ts";
import { formatExponential, formatFraction, formatGeneral, formatNumber } from "./number-text.ts";
import type { Parameters } from "./parameters.ts";
import { badArgument, badType, numberAt, textAt, toInteger } from "./parameters.ts";
import type { LuaValue } from "./values.ts";

const SPECIFIER = /%([-+ #0]*)(\d*)(?:\.(\d*))?([\s\S]?)/g;

/** Decimals of a number without a precision. */
const PRECISION = 6;

interface Specifier {
  readonly left: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly alternate: boolean;
  readonly zero: boolean;
  readonly width: number;
  /** -1 if none is given. */
  readonly precision: number;
}

export function formatString(...parameters: LuaValue[]): string {
  const template = textAt(parameters, 1, "format");
  if (!template.includes("%")) return template;
  let at = 1;
  let size = 0;
  return template.replace(
    SPECIFIER,
    (whole: string, flags: string, width: string, precision: string | undefined, kind: string) => {
      if (whole === "%%") return "%";
      at++;
      const part = conversion(parameters, at, flags, width, precision, kind);
      size += part.length;
      meter.reserve(size);
      return part;
    },
  );
}

function conversion(
  parameters: Parameters,
  at: number,
  flags: string,
  width: string,
  precision: string | undefined,
  kind: string,
): string {
  if (at > parameters.length) throw badArgument(at, "format", "no value");
  if (flags.length > 5) throw LuaError.here("invalid format (repeated flags)");
  if (width.length > 2 || (precision ?? "").length > 2) {
    throw LuaError.here("invalid format (width or precision too long)");
  }
  const specifier: Specifier = {
    left: flags.includes("-"),
    plus: flags.includes("+"),
    space: flags.includes(" "),
    alternate: flags.includes("#"),
    zero: flags.includes("0"),
    width: Number(width),
    precision: precision === undefined ? -1 : Number(precision),
  };
  switch (kind) {
    case "c":
      return pad(String.fromCharCode(integer(parameters, at) & 0xff), specifier);
    case "d":
    case "i":
      return signed(integer(parameters, at), specifier);
    case "o":
    case "u":
    case "x":
    case "X":
      return unsigned(integer(parameters, at), kind, specifier);
    case "e":
    case "E":
    case "f":
    case "g":
    case "G":
      return floating(numberAt(parameters, at, "format"), kind, specifier);
    case "q":
      return quoted(textAt(parameters, at, "format"));
    case "s":
      return formatText(parameters, at, specifier);
    default:
      throw LuaError.here(`invalid option '%${kind}' to 'format'`);
  }
}

/** The value as an exact integer of 64 bits. */
function integer(parameters: Parameters, at: number): number {
  const value = parameters[at - 1];
  if (typeof value === "number") return toInteger(value);
  if (typeof value !== "string") throw badType(parameters, at, "format", "number");
  return toInteger(numberAt(parameters, at, "format"));
}

function digitsOf(value: number, base: number): string {
  return Number.isSafeInteger(value) ? value.toString(base) : BigInt(value).toString(base);
}

function signed(value: number, specifier: Specifier): string {
  const sign = value < 0 ? "-" : specifier.plus ? "+" : specifier.space ? " " : "";
  const { precision } = specifier;
  let digits = digitsOf(Math.abs(value), 10).padStart(precision, "0");
  if (precision === 0 && value === 0) digits = "";
  return numeric(sign, digits, specifier, precision < 0);
}

function unsigned(value: number, kind: string, specifier: Specifier): string {
  const base = kind === "o" ? 8 : kind === "u" ? 10 : 16;
  const bits = value < 0 ? BigInt.asUintN(64, BigInt(value)).toString(base) : digitsOf(value, base);
  const { precision } = specifier;
  let digits = bits.padStart(precision, "0");
  if (precision === 0 && value === 0) digits = "";
  let prefix = "";
  if (specifier.alternate && value !== 0) {
    if (base === 16) prefix = "0x";
    else if (base === 8 && !digits.startsWith("0")) digits = `0${digits}`;
  }
  const shown = numeric(prefix, digits, specifier, precision < 0);
  return kind === "X" ? shown.toUpperCase() : shown;
}

function floating(value: number, kind: string, specifier: Specifier): string {
  const precision = specifier.precision < 0 ? PRECISION : specifier.precision;
  const magnitude = Math.abs(value);
  const isNegative = value < 0 || Object.is(value, -0) || Number.isNaN(value);
  const sign = isNegative ? "-" : specifier.plus ? "+" : specifier.space ? " " : "";
  const { alternate } = specifier;
  let digits: string;
  if (Number.isNaN(value)) digits = "nan";
  else if (kind === "f") digits = formatFraction(magnitude, precision, alternate);
  else if (kind === "e" || kind === "E")
    digits = formatExponential(magnitude, precision, alternate);
  else digits = formatGeneral(magnitude, precision, alternate);
  const shown = numeric(sign, digits, specifier, Number.isFinite(value));
  return kind === "E" || kind === "G" ? shown.toUpperCase() : shown;
}

/** Sign and digits, filled up to the width. @param mayZero zeros may stand between the two */
function numeric(sign: string, digits: string, specifier: Specifier, mayZero: boolean): string {
  if (specifier.zero && !specifier.left && mayZero) {
    return sign + digits.padStart(specifier.width - sign.length, "0");
  }
  return pad(sign + digits, specifier);
}

function pad(text: string, { width, left }: Specifier): string {
  return left ? text.padEnd(width) : text.padStart(width);
}

function formatText(parameters: Parameters, at: number, specifier: Specifier): string {
  const value = parameters[at - 1];
  const shown = typeof value === "string" ? value : asFormatText(parameters, at, value);
  const { precision, width } = specifier;
  // Long strings are kept as they are, zero bytes included.
  if (precision < 0 && shown.length >= 100) return shown;
  if (precision < 0 && width === 0) return cutAtZero(shown);
  const cut = cutAtZero(shown);
  return pad(precision < 0 ? cut : cut.slice(0, precision), specifier);
}

function asFormatText(parameters: Parameters, at: number, value: LuaValue): string {
  if (typeof value === "number") return formatNumber(value);
  if (value === undefined || typeof value !== "object") {
    throw badType(parameters, at, "format", "string");
  }
  throw badType(parameters, at, "format", "string");
}

/** C's text ends at the first zero byte. */
function cutAtZero(shown: string): string {
  const zero = shown.indexOf("\0");
  return zero === -1 ? shown : shown.slice(0, zero);
}

const QUOTED: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\\n",
  "\r": "\\r",
  "\0": "\\000",
};

/** A string that Lua reads back. */
function quoted(value: string): string {
  return `"${value.replace(/["\\\n\r\0]/g, (char) => QUOTED[char]!)}"`;
}
