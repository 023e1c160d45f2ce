/**
 * The 80-bit extended precision numbers of x86 ("long double" in C), which Redis counts floats in: 64 bits of mantissa, to
 * nearest, ties to even. Exact integer arithmetic on BigInt; for commands that are rare enough to afford it.
 */
import type { BinaryFormat } from "./float-syntax.ts";
import { round, scanFloat, toBinary } from "./float-syntax.ts";

/** `mantissa` times 2^`exponent`. The exponent of an infinity is Infinity, that of NaN is NaN. No negative zero. */
export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const EXTENDED: BinaryFormat = { bits: 64, exponentMin: -16445, exponentMax: 16320 };

/** Redis takes no longer text for a number. */
const TEXT_MAX = 5 * 1024 - 1;
/** Decimals that are printed. */
const DECIMALS = 17;
const DECIMAL_SCALE: bigint = 10n ** BigInt(DECIMALS);

export const ZERO: LongDouble = { mantissa: 0n, exponent: 0 };
/** The largest finite number, LDBL_MAX. */
export const LARGEST: LongDouble = { mantissa: (1n << 64n) - 1n, exponent: EXTENDED.exponentMax };

const NOT_A_NUMBER: LongDouble = { mantissa: 0n, exponent: NaN };

/**
 * Parses all of bytes[start, end) as C's strtold does, with Redis's restrictions: no spaces around, no NaN, nothing that
 * overflows or becomes zero for being too small. Infinity is a number here. Returns null if it is none.
 */
export function parseLongDouble(bytes: Buffer, start: number, end: number): LongDouble | null {
  if (end === start || end - start > TEXT_MAX) return null;
  const scanned = scanFloat(bytes.toString("latin1", start, end));
  if (scanned === null) return null;
  const { mantissa, exponent } = toBinary(scanned, EXTENDED);
  if (exponent === Infinity && !scanned.infinite) return null;
  if (mantissa === 0n && scanned.digits !== 0n) return null;
  return { mantissa: scanned.negative ? -mantissa : mantissa, exponent };
}

/** @param value within 64 bits, which the mantissa holds exactly */
export function fromInteger(value: bigint): LongDouble {
  return { mantissa: value, exponent: 0 };
}

export function isFinite(value: LongDouble): boolean {
  return Number.isFinite(value.exponent);
}

export function isNegative(value: LongDouble): boolean {
  return value.mantissa < 0n;
}

export function negate(value: LongDouble): LongDouble {
  return { mantissa: -value.mantissa, exponent: value.exponent };
}

/** The sum, rounded; an infinity on overflow, NaN for infinities of opposite sign. */
export function add(a: LongDouble, b: LongDouble): LongDouble {
  if (!isFinite(a)) {
    return !isFinite(b) && isNegative(a) !== isNegative(b) ? NOT_A_NUMBER : a;
  }
  if (!isFinite(b)) return b;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = scaleTo(a, exponent) + scaleTo(b, exponent);
  const rounded = round(sum < 0n ? -sum : sum, exponent, 1n, EXTENDED);
  return sum < 0n ? negate(rounded) : rounded;
}

/** Below 0 if a is less than b, 0 if they are equal, above 0 if a is greater. Neither may be NaN. */
export function compare(a: LongDouble, b: LongDouble): number {
  if (!isFinite(a) || !isFinite(b)) return order(a) - order(b);
  const exponent = Math.min(a.exponent, b.exponent);
  const difference = scaleTo(a, exponent) - scaleTo(b, exponent);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** As C's "%.17Lf" with the zeros at the end taken away: never an exponent, no "-0". Infinities are "inf" and "-inf". */
export function formatLongDouble(value: LongDouble): string {
  if (!isFinite(value)) return isNegative(value) ? "-inf" : "inf";
  const scaled = roundToInteger(magnitude(value.mantissa) * DECIMAL_SCALE, value.exponent);
  if (scaled === 0n) return "0";
  const digits = scaled.toString().padStart(DECIMALS + 1, "0");
  const point = digits.length - DECIMALS;
  const fraction = digits.slice(point).replace(/0+$/, "");
  const sign = isNegative(value) ? "-" : "";
  return sign + digits.slice(0, point) + (fraction === "" ? "" : `.${fraction}`);
}

/** The mantissa that the value has with a smaller exponent. */
function scaleTo(value: LongDouble, exponent: number): bigint {
  return value.mantissa << BigInt(value.exponent - exponent);
}

/** value * 2^exponent to the nearest integer, ties to even. @param value not negative */
function roundToInteger(value: bigint, exponent: number): bigint {
  if (exponent >= 0) return value << BigInt(exponent);
  const shift = BigInt(-exponent);
  const whole = value >> shift;
  const rest = value - (whole << shift);
  const half = 1n << (shift - 1n);
  return rest > half || (rest === half && (whole & 1n) === 1n) ? whole + 1n : whole;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Where a number stands against infinities: they at the ends, all finite numbers between them. */
function order(value: LongDouble): number {
  if (isFinite(value)) return 0;
  return isNegative(value) ? -1 : 1;
}
