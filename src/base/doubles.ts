/** Double precision numbers as bytes: parsing them as strictly as Redis does, writing them as Redis 7.4 does. */
import { isWord } from "./bytes.ts";
import type { BinaryFormat } from "./float-syntax.ts";
import { scanFloat, toBinary } from "./float-syntax.ts";

const DOUBLE: BinaryFormat = { bits: 53, exponentMin: -1074, exponentMax: 971 };

/** Longest text that is looked at as a number; nobody writes a longer one, and parsing takes quadratic time. */
const TEXT_MAX = 4096;

/** Decimal digits that a double always holds exactly, and powers of ten that are exact doubles. */
const DIGITS_EXACT = 15;
/** A byte from here on is no digit and no point. */
const LETTERS_FROM = 0x41;
const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, power) => 10 ** power);

/** Integers up to here are written without an exponent. */
const INTEGER_MAX = 2 ** 62;

/** As many digits as JavaScript writes: all that decide between two numbers of 17. */
const EXPONENTIAL_DIGITS_MAX = 100;

/**
 * Parses all of bytes[start, end) as C's strtod does, with Redis's restrictions: no spaces around, no NaN, nothing that
 * overflows or becomes zero for being too small. Accepts "inf", "infinity" and hexadecimal numbers. NaN if it is none.
 */
export function parseDouble(bytes: Buffer, start: number, end: number): number {
  const short = parseShort(bytes, start, end);
  if (!Number.isNaN(short)) return short;
  if (end === start || end - start > TEXT_MAX) return NaN;
  const text = bytes.toString("latin1", start, end);
  const scanned = scanFloat(text);
  if (scanned === null) return NaN;
  if (scanned.infinite) return scanned.negative ? -Infinity : Infinity;
  let magnitude: number;
  if (scanned.base === 10) {
    magnitude = Math.abs(Number(text));
  } else {
    const { mantissa, exponent } = toBinary(scanned, DOUBLE);
    magnitude = Number(mantissa) * 2 ** exponent;
  }
  if (magnitude === Infinity || (magnitude === 0 && scanned.digits !== 0n)) return NaN;
  return scanned.negative ? -magnitude : magnitude;
}

/** Most numbers: few digits, at most a sign and a point. Both steps are exact, so the result is rounded once. */
function parseShort(bytes: Buffer, start: number, end: number): number {
  const negative = bytes[start] === 0x2d;
  const from = negative ? start + 1 : start;
  // Of an empty text the first byte is another's.
  if (end <= from || end - from > DIGITS_EXACT) return NaN;
  if (bytes[end - 1]! >= LETTERS_FROM) return parseInfinite(bytes, start, end);
  let value = 0;
  let pointAt = -1;
  for (let pos = from; pos < end; pos++) {
    const byte = bytes[pos]!;
    if (byte >= 0x30 && byte <= 0x39) value = value * 10 + (byte - 0x30);
    else if (byte === 0x2e && pointAt < 0 && end - from > 1) pointAt = pos;
    else return NaN;
  }
  if (pointAt >= 0) value /= POWERS_OF_TEN[end - pointAt - 1]!;
  return negative ? -value : value;
}

/** "inf", "+inf" or "-inf", which bounds of ranges often are; NaN for anything else. */
function parseInfinite(bytes: Buffer, start: number, end: number): number {
  if (isWord(bytes, start, end, "INF") || isWord(bytes, start, end, "+INF")) return Infinity;
  return isWord(bytes, start, end, "-INF") ? -Infinity : NaN;
}

/**
 * A double the way Redis replies with it since 7.2: integers up to 2^62 in full, else the shortest digits that read back
 * as the same number, as a decimal fraction where that is short and with an exponent where not ("1e+20", "1.5e-7").
 */
export function formatDouble(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value) && Math.abs(value) <= INTEGER_MAX) {
    return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString();
  }
  const [shown = "", powerText] = value.toExponential().split("e");
  const sign = value < 0 ? "-" : "";
  const digits = shown.replace("-", "").replace(".", "");
  const power = Number(powerText);
  // Digits behind the point when no exponent is written; below zero: zeros between the digits and the point.
  const behindPoint = digits.length - 1 - power;
  if (behindPoint <= 0 && power < digits.length + 7)
    return sign + digits + "0".repeat(-behindPoint);
  if (behindPoint > 0 && (behindPoint < 7 || Math.abs(power) < 4)) {
    const whole = digits.length - behindPoint;
    if (whole <= 0) return `${sign}0.${"0".repeat(-whole)}${digits}`;
    return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${sign}${digits[0]}${fraction}e${power < 0 ? "-" : "+"}${Math.abs(power)}`;
}

/** A double with 17 significant digits, as C's "%.17g" writes it. */
export function formatDouble17(value: number): string {
  if (Number.isNaN(value)) return "nan";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (value === 0) return `${sign}0`;
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return `${sign}inf`;
  const [mantissa, power] = roundEven17(magnitude).split("e");
  const digits = mantissa!.replace(".", "").replace(/0+$/, "");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 17) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return fraction === "" ? sign + whole : `${sign}${whole}.${fraction}`;
}

/** 17 digits and an exponent; of two that are equally near the even one, where JavaScript takes the larger. */
function roundEven17(magnitude: number): string {
  const exact = magnitude.toExponential(EXPONENTIAL_DIGITS_MAX);
  // A point stands behind the first digit.
  const isTie = /^50*e/.test(exact.slice(18));
  if (!isTie || Number(exact[17]) % 2 !== 0) return magnitude.toExponential(16);
  return exact.slice(0, 18) + exact.slice(exact.indexOf("e"));
}
