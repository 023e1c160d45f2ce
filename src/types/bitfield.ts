/**
 * Integers of 1 to 64 bits anywhere in a string, highest bit first, and what becomes of a number that does not fit one.
 *
 * Values are left in the two words of `int64` of base/numbers.ts: of signed fields with their sign, of unsigned ones (up to
 * 63 bits) as they are. Sums of numbers below 2^51 are computed as JavaScript numbers, larger ones as BigInt.
 */
import { int64, setInt64, toBigInt, toNumber } from "../base/numbers.ts";

/** What to do with a number that does not fit. */
export const OVERFLOW_WRAP = 0;
export const OVERFLOW_SATURATE = 1;
export const OVERFLOW_FAIL = 2;

/** High words of integers whose sums and products with small powers of two are exact as numbers. */
const HIGH_MAX: number = 1 << 19;
/** Widest field whose limits are exact as numbers beside such a sum. */
const EXACT_BITS_MAX = 51;

/** Leaves the integer at bit `offset` of bytes[start, end) in `int64`; behind the end all bits are zero. */
export function readField(
  bytes: Buffer,
  start: number,
  end: number,
  offset: number,
  bits: number,
  signed: boolean,
): void {
  if (bits <= 32) {
    const value = readBits(bytes, start, end, offset, bits);
    int64.low = signed ? (value << (32 - bits)) >> (32 - bits) : value;
    int64.high = signed ? int64.low >> 31 : 0;
    return;
  }
  const high = readBits(bytes, start, end, offset, bits - 32);
  int64.low = readBits(bytes, start, end, offset + bits - 32, 32);
  int64.high = signed ? (high << (64 - bits)) >> (64 - bits) : high;
}

/** Overwrites the integer at bit `offset` of the string that begins at bytes[start] and reaches that far. */
export function writeField(
  bytes: Buffer,
  start: number,
  offset: number,
  bits: number,
  low: number,
  high: number,
): void {
  if (bits <= 32) return writeBits(bytes, start, offset, bits, low);
  writeBits(bytes, start, offset, bits - 32, high);
  writeBits(bytes, start, offset + bits - 32, 32, low);
}

/**
 * Leaves value + increment in `int64`, wrapped or saturated if a field can't hold it (with OVERFLOW_FAIL: undefined).
 * The value of an unsigned field is taken as an unsigned 64-bit integer.
 * @returns whether it did fit
 */
export function addToField(
  valueLow: number,
  valueHigh: number,
  incrementLow: number,
  incrementHigh: number,
  bits: number,
  signed: boolean,
  overflow: number,
): boolean {
  const lowest = signed ? -HIGH_MAX : 0;
  const isSmall =
    valueHigh >= lowest &&
    valueHigh < HIGH_MAX &&
    incrementHigh >= -HIGH_MAX &&
    incrementHigh < HIGH_MAX;
  if (!isSmall) {
    const value = toBigInt(valueLow, valueHigh);
    return addLarge(value, toBigInt(incrementLow, incrementHigh), bits, signed, overflow);
  }
  const value = toNumber(valueLow, valueHigh);
  const increment = toNumber(incrementLow, incrementHigh);
  const sum = value + increment;
  const max = 2 ** (signed ? bits - 1 : bits) - 1;
  const min = signed ? -max - 1 : 0;
  let result = sum;
  const fits = sum <= max && sum >= min;
  if (!fits) {
    if (bits > EXACT_BITS_MAX) {
      return addLarge(BigInt(value), BigInt(increment), bits, signed, overflow);
    }
    if (overflow === OVERFLOW_SATURATE) {
      result = sum > max ? max : min;
    } else {
      const span = 2 ** bits;
      result = sum - Math.floor(sum / span) * span;
      if (result > max) result -= span;
    }
  }
  int64.low = result | 0;
  int64.high = Math.floor(result / 4294967296);
  return fits;
}

function addLarge(
  value: bigint,
  increment: bigint,
  bits: number,
  signed: boolean,
  overflow: number,
): boolean {
  const max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const min = signed ? -max - 1n : 0n;
  const sum = (signed ? value : BigInt.asUintN(64, value)) + increment;
  // Redis computes the distance to the upper limit in 64 bits: numbers near -2^63 saturate at the wrong end.
  const wrong = signed && bits < 64 && increment > BigInt.asIntN(64, max - value);
  const isOver = sum > max || wrong;
  const fits = !isOver && sum >= min;
  if (fits) {
    setInt64(sum);
  } else if (overflow === OVERFLOW_SATURATE) {
    setInt64(isOver ? max : min);
  } else {
    setInt64(signed ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum));
  }
  return fits;
}

/** The 1 to 32 bits at `offset`, as a 32-bit word. */
function readBits(
  bytes: Buffer,
  start: number,
  end: number,
  offset: number,
  count: number,
): number {
  const first = start + Math.floor(offset / 8);
  const last = start + Math.floor((offset + count - 1) / 8);
  // At most five bytes: exact as a number.
  let value = 0;
  for (let pos = first; pos <= last; pos++) value = value * 256 + (pos < end ? bytes[pos]! : 0);
  const behind = (last - first + 1) * 8 - (offset % 8) - count;
  const word = Math.floor(value / (1 << behind)) | 0;
  return count === 32 ? word : word & ((1 << count) - 1);
}

/** Overwrites the 1 to 32 bits at `offset` by the lowest bits of `value`. */
function writeBits(
  bytes: Buffer,
  start: number,
  offset: number,
  count: number,
  value: number,
): void {
  let pos = start + Math.floor(offset / 8);
  let room = 8 - (offset % 8);
  for (let left = count; left > 0; pos++, room = 8) {
    const taken = Math.min(room, left);
    left -= taken;
    const shift = room - taken;
    const mask = ((1 << taken) - 1) << shift;
    bytes[pos] = (bytes[pos]! & ~mask) | (((value >>> left) << shift) & mask);
  }
}
