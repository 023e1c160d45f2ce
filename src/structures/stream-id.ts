/**
 * An id of 128 bits: a time in milliseconds and a sequence number, both unsigned 64-bit integers. Four words of an object that
 * is used again and again, since a JavaScript number does not hold one half and a BigInt is an allocation.
 *
 * The words are kept as signed 32-bit integers, as typed arrays give them; comparing takes them as unsigned.
 */
import { parseInt64, int64, isSafe, toBigInt, toNumber, writeInteger } from "../base/numbers.ts";

/** Longest form: "18446744073709551615-18446744073709551615". */
export const STREAM_ID_DIGITS_MAX = 41;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  set(msHigh: number, msLow: number, seqHigh: number, seqLow: number): void {
    this.msHigh = msHigh | 0;
    this.msLow = msLow | 0;
    this.seqHigh = seqHigh | 0;
    this.seqLow = seqLow | 0;
  }

  copy(other: StreamId): void {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
  }

  /** The least id: 0-0. */
  setMin(): void {
    this.set(0, 0, 0, 0);
  }

  setMax(): void {
    this.set(-1, -1, -1, -1);
  }

  isMin(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  /** Negative, 0 or positive, as this id is less than the other, equal or greater. */
  compare(other: StreamId): number {
    if (this.msHigh !== other.msHigh) return (this.msHigh >>> 0) - (other.msHigh >>> 0);
    if (this.msLow !== other.msLow) return (this.msLow >>> 0) - (other.msLow >>> 0);
    if (this.seqHigh !== other.seqHigh) return (this.seqHigh >>> 0) - (other.seqHigh >>> 0);
    return (this.seqLow >>> 0) - (other.seqLow >>> 0);
  }

  sameMs(other: StreamId): boolean {
    return this.msLow === other.msLow && this.msHigh === other.msHigh;
  }

  /** Becomes the next id. Returns false, being 0-0 then, if there is none. */
  increment(): boolean {
    this.seqLow = (this.seqLow + 1) | 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) | 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow !== 0) return true;
    this.msHigh = (this.msHigh + 1) | 0;
    return this.msHigh !== 0;
  }

  /** Becomes the id before this one. Returns false, being the greatest id then, if there is none. */
  decrement(): boolean {
    const hadOne = !this.isMin();
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== -1) return hadOne;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== -1) return hadOne;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow !== -1) return hadOne;
    this.msHigh = (this.msHigh - 1) | 0;
    return hadOne;
  }

  /** Takes the time in ms, the sequence number being 0. */
  setTime(ms: number): void {
    this.set(Math.floor(ms / 4294967296), ms, 0, 0);
  }

  /** Writes it as text at `pos` and returns the position after it. */
  write(bytes: Buffer, pos: number): number {
    return this.writeSequence(bytes, this.writeTime(bytes, pos));
  }

  /** The first part of the text, the minus included. */
  writeTime(bytes: Buffer, pos: number): number {
    const at = writeUint64(bytes, pos, this.msLow, this.msHigh);
    bytes[at] = 0x2d;
    return at + 1;
  }

  /** The second part of the text. */
  writeSequence(bytes: Buffer, pos: number): number {
    return writeUint64(bytes, pos, this.seqLow, this.seqHigh);
  }
}

/** Writes an unsigned 64-bit integer in decimal. */
function writeUint64(bytes: Buffer, pos: number, low: number, high: number): number {
  if (high >= 0 && isSafe(high)) return writeInteger(bytes, pos, toNumber(low, high));
  return pos + bytes.write(BigInt.asUintN(64, toBigInt(low, high)).toString(), pos, "latin1");
}

/**
 * Parses an unsigned 64-bit integer and leaves its words in `int64`. Beside the canonical form it takes what the C library
 * takes, as Redis does: white space and a sign in front, leading zeros.
 */
export function parseUint64(bytes: Buffer, start: number, end: number): boolean {
  let from = start;
  while (from < end - 1 && bytes[from] === 0x30) from++;
  if (parseInt64(bytes, from, end) && (from === start || bytes[from] !== 0x2d)) {
    return int64.high >= 0;
  }
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(bytes.toString("latin1", start, end));
  if (match === null) return false;
  const magnitude = BigInt(match[2]!);
  if (magnitude >= 1n << 64n) return false;
  const value = match[1] === "-" ? -magnitude : magnitude;
  int64.low = Number(BigInt.asIntN(32, value));
  int64.high = Number(BigInt.asIntN(32, value >> 32n));
  return true;
}
