/**
 * Floating point numbers in the syntax of C's strtod and strtold, and their rounding to a binary format.
 *
 * A scanned number is exact: an integer times a power of 10 (decimal) or of 2 (hexadecimal). What it becomes is up to the
 * format: `round` cuts an exact fraction down to the bits that the format has, to nearest, ties to even.
 */

/** A number as it was written. */
export interface ScannedFloat {
  readonly negative: boolean;
  /** "inf" in any of its spellings; `digits` and `exponent` mean nothing then. */
  readonly infinite: boolean;
  readonly digits: bigint;
  readonly exponent: number;
  /** What the exponent counts: powers of 10 or of 2. */
  readonly base: 2 | 10;
}

/** A mantissa and a power of 2; of an infinity the exponent is Infinity. */
export interface BinaryFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

export interface BinaryFormat {
  /** Bits of the mantissa, the leading one included. */
  readonly bits: number;
  /** Exponent of the last bit of the smallest number. */
  readonly exponentMin: number;
  /** Exponent of the last bit of the largest number. */
  readonly exponentMax: number;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * Larger exponents are cut down to these, by base: with the few thousand digits that a number may have, every format
 * overflows or underflows long before, and powers that large would take long to compute.
 */
const EXPONENT_MAX = { 2: 50_000, 10: 12_000 } as const;

/** Reads a whole text as a number, or returns null. NaN is none; neither is anything with spaces. */
export function scanFloat(text: string): ScannedFloat | null {
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return fromParts(decimal, "", 1, 10);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return fromParts(hexadecimal, "0x", 4, 2);
  const infinite = INFINITE.exec(text);
  if (infinite === null) return null;
  return { negative: infinite[1] === "-", infinite: true, digits: 0n, exponent: 0, base: 10 };
}

function fromParts(
  parts: RegExpExecArray,
  prefix: string,
  exponentPerDigit: number,
  base: 2 | 10,
): ScannedFloat | null {
  const [, sign, whole = "", fraction = "", power = "0"] = parts;
  if (whole === "" && fraction === "") return null;
  const digits = BigInt(prefix + whole + fraction);
  const exponent = Number(power) - fraction.length * exponentPerDigit;
  return {
    negative: sign === "-",
    infinite: false,
    digits,
    exponent: Math.max(-EXPONENT_MAX[base], Math.min(EXPONENT_MAX[base], exponent)),
    base,
  };
}

/** The magnitude of a scanned number in a format; an infinity if it is too large, zero if too small. */
export function toBinary(scanned: ScannedFloat, format: BinaryFormat): BinaryFloat {
  const { digits, exponent, base, infinite } = scanned;
  if (infinite) return { mantissa: 1n, exponent: Infinity };
  if (base === 2) return round(digits, exponent, 1n, format);
  const power = 10n ** BigInt(Math.abs(exponent));
  return exponent < 0 ? round(digits, 0, power, format) : round(digits * power, 0, 1n, format);
}

/** Rounds numerator * 2^exponent / denominator, which is not negative, to the format. */
export function round(
  numerator: bigint,
  exponent: number,
  denominator: bigint,
  format: BinaryFormat,
): BinaryFloat {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  // The quotient is scaled to have at least the format's bits, and at most one more than that.
  let shift = format.bits + bitLength(denominator) - bitLength(numerator);
  shift = Math.min(shift, exponent - format.exponentMin);
  let top = numerator;
  let bottom = denominator;
  if (shift >= 0) top <<= BigInt(shift);
  else bottom <<= BigInt(-shift);
  let mantissa = top / bottom;
  let power = exponent - shift;
  let rest = top - mantissa * bottom;
  if (bitLength(mantissa) > format.bits) {
    rest += (mantissa & 1n) * bottom;
    bottom <<= 1n;
    mantissa >>= 1n;
    power++;
  }
  const twice = rest << 1n;
  if (twice > bottom || (twice === bottom && (mantissa & 1n) === 1n)) mantissa++;
  if (bitLength(mantissa) > format.bits) {
    mantissa >>= 1n;
    power++;
  }
  return power > format.exponentMax
    ? { mantissa: 1n, exponent: Infinity }
    : { mantissa, exponent: power };
}

function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0]!, 16)) + 28;
}
