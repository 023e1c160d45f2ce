/**
 * Numbers as text, both ways, as Lua 5.1 does with glibc: "%.14g" for what a script prints, "%.17g" for what it hands to
 * commands, and strtod for what it reads.
 */
import { scanFloat, toBinary } from "../base/float-syntax.ts";

/** Integers below this have at most 14 digits. */
const INTEGER_MAX = 1e14;
/** Fractions below this are written with an exponent. */
const FIXED_MIN = 1e-4;

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]+)$/;
const DOUBLE = { bits: 53, exponentMin: -1074, exponentMax: 971 } as const;

/** Digits behind the rounded ones that tell a tie from what is only near to one. */
const TIE_DIGITS = 40;
/** As many as JavaScript writes. */
const DECIMALS_MAX = 100;

/** A number as `tostring` shows it. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && value < INTEGER_MAX && value > -INTEGER_MAX) {
    return value === 0 && Object.is(value, -0) ? "-0" : String(value);
  }
  const magnitude = Math.abs(value);
  if (magnitude >= FIXED_MIN && magnitude < INTEGER_MAX) {
    // What JavaScript writes is the shortest text, and within these bounds has no exponent.
    const shortest = String(value);
    const digits = significantDigits(shortest);
    if (digits <= 14) return shortest;
    // Between two numbers of 14 digits only one of 15 can stand in the middle.
    if (digits !== 15 || !shortest.endsWith("5")) return withoutZeros(value.toPrecision(14));
  }
  return formatGeneral(value, 14, false);
}

function significantDigits(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57 || (count === 0 && code === 48)) continue;
    count++;
  }
  return count;
}

/** A decimal fraction without zeros at its end. */
function withoutZeros(text: string): string {
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (text.charCodeAt(end - 1) === 46) end--;
  return text.slice(0, end);
}

/** A number as an argument of a command. */
export function formatArgument(value: number): string {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
  return formatGeneral(value, 17, false);
}

/** C's "%.<precision>g". @param alternate keeps zeros at the end ("%#g") */
export function formatGeneral(value: number, precision: number, alternate: boolean): string {
  const special = formatSpecial(value);
  if (special !== null) return special;
  const digits = Math.max(1, precision);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  const [mantissa = "", powerText] = roundEven(magnitude, digits - 1).split("e");
  const exponent = Number(powerText);
  let shown = mantissa.replace(".", "");
  if (!alternate) shown = shown.replace(/0+$/, "");
  if (shown === "") shown = "0";
  if (exponent < -4 || exponent >= digits) {
    const fraction = shown.length > 1 || alternate ? `.${shown.slice(1)}` : "";
    return `${sign}${shown[0]}${fraction}${formatExponent(exponent)}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${shown}`;
  const whole = shown.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = shown.slice(exponent + 1);
  return fraction === "" && !alternate ? sign + whole : `${sign}${whole}.${fraction}`;
}

/** C's "%.<precision>e". */
export function formatExponential(value: number, precision: number, alternate: boolean): string {
  const special = formatSpecial(value);
  if (special !== null) return special;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa = "", power] = roundEven(Math.abs(value), precision).split("e");
  const point = alternate && precision === 0 ? "." : "";
  return sign + mantissa + point + formatExponent(Number(power));
}

/** C's "%.<precision>f". */
export function formatFraction(value: number, precision: number, alternate: boolean): string {
  const special = formatSpecial(value);
  if (special !== null) return special;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  const point = alternate && precision === 0 ? "." : "";
  return sign + fixed(magnitude, precision) + point;
}

function fixed(magnitude: number, precision: number): string {
  if (magnitude >= 1e21) {
    const whole = BigInt(magnitude).toString();
    return precision === 0 ? whole : `${whole}.${"0".repeat(precision)}`;
  }
  // Only then one digit more says everything, and that digit is a five.
  if (precision < 60 && (magnitude * 2 ** (precision + 1)) % 2 === 1) {
    const longer = magnitude.toFixed(precision + 1);
    const lower = longer.slice(0, precision === 0 ? -2 : -1);
    if (Number(lower.at(-1)) % 2 === 0) return lower;
  }
  return magnitude.toFixed(precision);
}

/** What has no digits, or null. */
function formatSpecial(value: number): string | null {
  if (Number.isFinite(value)) return null;
  // The processor's own NaN, which all of Lua's arithmetic gives, has its sign set.
  return Number.isNaN(value) ? "-nan" : value > 0 ? "inf" : "-inf";
}

function formatExponent(exponent: number): string {
  return `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** `toExponential`, but of two that are equally near the even one. */
function roundEven(magnitude: number, decimals: number): string {
  if (decimals > DECIMALS_MAX) {
    const [mantissa, power] = magnitude.toExponential(DECIMALS_MAX).split("e");
    return `${mantissa}${"0".repeat(decimals - DECIMALS_MAX)}e${power}`;
  }
  const rounded = magnitude.toExponential(decimals);
  if (decimals + TIE_DIGITS > DECIMALS_MAX) return rounded;
  const exact = magnitude.toExponential(decimals + TIE_DIGITS);
  const cut = decimals === 0 ? 1 : decimals + 2;
  const from = decimals === 0 ? 2 : cut;
  const [rest = "", power] = exact.slice(from).split("e");
  if (!/^50*$/.test(rest) || Number(exact[cut - 1]) % 2 !== 0) return rounded;
  return `${exact.slice(0, cut)}e${power}`;
}

/** Text as a number, spaces around it allowed, or undefined if it is none. */
export function parseNumber(text: string): number | undefined {
  const length = text.length;
  if (length === 0) return undefined;
  if (length < 16) {
    // Digits only: what most texts are.
    let value = 0;
    let at = 0;
    for (; at < length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === length) return value;
  }
  const trimmed = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, "");
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  const hexadecimal = HEXADECIMAL.exec(trimmed);
  if (hexadecimal !== null) {
    const value = Number(`0x${hexadecimal[2]}`);
    return hexadecimal[1] === "-" ? -value : value;
  }
  if (/^[+-]?nan$/i.test(trimmed)) return NaN;
  const scanned = scanFloat(trimmed);
  if (scanned === null) return undefined;
  const { mantissa, exponent } = toBinary(scanned, DOUBLE);
  const magnitude = exponent === Infinity ? Infinity : Number(mantissa) * 2 ** exponent;
  return scanned.negative ? -magnitude : magnitude;
}

/** `tonumber(text, base)` as strtoul reads it, or undefined. */
export function parseInteger(text: string, base: number): number | undefined {
  const trimmed = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, "");
  const negative = trimmed.startsWith("-");
  let digits = trimmed.replace(/^[+-]/, "").toLowerCase();
  if (base === 16 && /^0x[\da-f]/.test(digits)) digits = digits.slice(2);
  if (digits === "") return undefined;
  let value = 0;
  for (const char of digits) {
    const digit = Number.parseInt(char, 36);
    if (Number.isNaN(digit) || digit >= base) return undefined;
    value = value * base + digit;
  }
  if (value >= 2 ** 64) return 2 ** 64;
  return negative && value > 0 ? 2 ** 64 - value : value;
}
