/**
 * Integers as bytes: parsing and writing without strings. A parsed 64-bit integer is left in the two words of `int64`,
 * since JavaScript numbers are exact to 2^53 only and a BigInt is an allocation.
 */

/** The result of the last successful `parseInt64`. */
export const int64 = {
  /** Low 32 bits, as a signed 32-bit integer. */
  low: 0,
  /** High 32 bits, signed. */
  high: 0,
};

/** Longest decimal form of a 64-bit integer: "-9223372036854775808". */
export const INT64_DIGITS_MAX = 20;

const DIGITS_EXACT = 15;

/** Long integers are split before their last nine digits. */
const NINE = 9;
const BILLION = 1e9;
/** What stands before the last nine digits of 2^63. */
const HEAD_MAX = 9223372036;

/**
 * Parses a 64-bit integer in its one canonical form: no leading zeros, spaces, plus sign or "-0" (the rule of Redis's
 * string2ll). Returns whether it is one, and leaves it in `int64`.
 */
export function parseInt64(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || length > INT64_DIGITS_MAX) return false;
  const first = bytes[start]!;
  const negative = first === 0x2d;
  const digitsAt = negative ? start + 1 : start;
  const digits = end - digitsAt;
  if (digits === 0) return false;
  const lead = bytes[digitsAt]! - 0x30;
  if (lead < 0 || lead > 9) return false;
  if (lead === 0) {
    if (digits > 1 || negative) return false;
    int64.low = 0;
    int64.high = 0;
    return true;
  }
  if (digits > DIGITS_EXACT) return parseLong(bytes, digitsAt, end, negative);
  let value = lead;
  for (let pos = digitsAt + 1; pos < end; pos++) {
    const digit = bytes[pos]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  if (negative) value = -value;
  int64.low = value | 0;
  int64.high = Math.floor(value / 4294967296);
  return true;
}

/** More digits than a double holds exactly: those before the last nine times 10^9, in halves that a double does hold. */
function parseLong(bytes: Uint8Array, digitsAt: number, end: number, negative: boolean): boolean {
  const split = end - NINE;
  let head = 0;
  let tail = 0;
  for (let pos = digitsAt; pos < end; pos++) {
    const digit = bytes[pos]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    if (pos < split) head = head * 10 + digit;
    else tail = tail * 10 + digit;
  }
  if (head > HEAD_MAX) return false;
  const headHigh = Math.floor(head / 65536);
  const upper = headHigh * BILLION;
  const upperHigh = Math.floor(upper / 65536);
  const rest = (upper - upperHigh * 65536) * 65536 + (head - headHigh * 65536) * BILLION + tail;
  const carry = Math.floor(rest / 4294967296);
  const low = (rest - carry * 4294967296) | 0;
  const high = upperHigh + carry;
  if (high > 0x7fffffff && !(negative && high === 0x80000000 && low === 0)) return false;
  int64.low = negative ? -low | 0 : low;
  int64.high = (negative ? ~high + (low === 0 ? 1 : 0) : high) | 0;
  return true;
}

/** Leaves `value` in `int64`. @param value within 64 bits, signed */
export function setInt64(value: bigint): void {
  int64.low = Number(BigInt.asIntN(32, value));
  int64.high = Number(BigInt.asIntN(32, value >> 32n));
}

/** The integer of the two words as a BigInt. */
export function toBigInt(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** The integer of the two words as a number: exact if `isSafe`. */
export function toNumber(low: number, high: number): number {
  return high * 4294967296 + (low >>> 0);
}

/**
 * Leaves the sum of two 64-bit integers in `int64`. Returns false, and leaves `int64` as it was, if the sum does not fit.
 */
export function addInt64(lowA: number, highA: number, lowB: number, highB: number): boolean {
  const low = (lowA >>> 0) + (lowB >>> 0);
  const high = highA + highB + (low > 0xffffffff ? 1 : 0);
  if (high > 0x7fffffff || high < -0x80000000) return false;
  int64.low = low | 0;
  int64.high = high;
  return true;
}

/** Whether the integer of the two words is within plus or minus 2^53 - 1. */
export function isSafe(high: number): boolean {
  return high >= -0x200000 && high < 0x200000;
}

/**
 * Parses a canonical integer within plus or minus 2^53 - 1, or returns NaN. For counts, indexes and sizes, whose bounds
 * are far below that.
 */
export function parseSafeInteger(bytes: Uint8Array, start: number, end: number): number {
  if (!parseInt64(bytes, start, end) || !isSafe(int64.high)) return NaN;
  return toNumber(int64.low, int64.high);
}

/** From here on C's strtol gives the greatest or the least number. A sum of doubles may be off by less than `NEAR`. */
const INT64_LIMIT = 2 ** 63;
const NEAR = 2 ** 16;

/**
 * The number that a text begins with, as C's `(int) atoi` reads it: behind blanks and one sign as many digits as there are, 0 if
 * none, and of a number of more than 32 bits the low half.
 */
export function leadingInt32(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at]!)) at++;
  const negative = bytes[at] === 0x2d && at < end;
  if (at < end && (negative || bytes[at] === 0x2b)) at++;
  let low = 0;
  let size = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    low = (Math.imul(low, 10) + digit) | 0;
    size = size * 10 + digit;
  }
  // Just below the limit the low half is a negative number, from there on it is not.
  const isNear = Math.abs(size - INT64_LIMIT) < NEAR;
  if (isNear ? low >= 0 : size > INT64_LIMIT) return negative ? 0 : -1;
  return negative ? -low | 0 : low;
}

/** As C's isspace. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Writes the decimal digits of an integer at `pos` and returns the position after them. @param value exact integer */
export function writeInteger(bytes: Uint8Array, pos: number, value: number): number {
  let at = pos;
  let rest = value;
  if (rest < 0) {
    bytes[at++] = 0x2d;
    rest = -rest;
  }
  if (rest < 10) {
    bytes[at++] = 0x30 + rest;
    return at;
  }
  if (rest > 0x7fffffff) return writeLong(bytes, at, rest);
  const end = at + digitCount(rest);
  let small = rest | 0;
  for (let i = end - 1; i >= at; i--) {
    const next = (small / 10) | 0;
    bytes[i] = 0x30 + small - next * 10;
    small = next;
  }
  return end;
}

function writeLong(bytes: Uint8Array, pos: number, value: number): number {
  const high = Math.floor(value / BILLION);
  return writeNine(bytes, writeInteger(bytes, pos, high), value - high * BILLION);
}

/** Writes nine digits, leading zeros too, and returns the position after them. */
function writeNine(bytes: Uint8Array, pos: number, value: number): number {
  let rest = value | 0;
  for (let i = pos + NINE - 1; i >= pos; i--) {
    const next = (rest / 10) | 0;
    bytes[i] = 0x30 + (rest - next * 10);
    rest = next;
  }
  return pos + NINE;
}

/** Decimal digits of a positive integer below 2^31. */
export function digitCount(value: number): number {
  if (value < 1e5) {
    if (value < 100) return value < 10 ? 1 : 2;
    if (value < 1e4) return value < 1000 ? 3 : 4;
    return 5;
  }
  if (value < 1e7) return value < 1e6 ? 6 : 7;
  if (value < 1e9) return value < 1e8 ? 8 : 9;
  return 10;
}

/** Writes the 64-bit integer of the two words in decimal at `pos` and returns the position after it. */
export function writeInt64(bytes: Uint8Array, pos: number, low: number, high: number): number {
  if (isSafe(high)) return writeInteger(bytes, pos, toNumber(low, high));
  // The magnitude divided by 10^9 as by hand, its digits being the high word and the halves of the low one.
  let at = pos;
  let top = high;
  let bottom = low;
  if (high < 0) {
    bytes[at++] = 0x2d;
    bottom = -low | 0;
    top = ~high + (bottom === 0 ? 1 : 0);
  }
  const first = Math.floor(top / BILLION);
  let rest = (top - first * BILLION) * 65536 + (bottom >>> 16);
  const second = Math.floor(rest / BILLION);
  rest = (rest - second * BILLION) * 65536 + (bottom & 65535);
  const third = Math.floor(rest / BILLION);
  at = writeInteger(bytes, at, first * 4294967296 + second * 65536 + third);
  return writeNine(bytes, at, rest - third * BILLION);
}
