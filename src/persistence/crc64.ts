/**
 * CRC-64 as RDB files and DUMP payloads end with it: Jones' polynomial ad93d23594c935a9, reflected, beginning with 0, not
 * inverted at the end. Of "123456789" it is e9c6d914c4b8d9ca.
 *
 * A checksum is kept in two 32-bit words, since a JavaScript number does not hold 64 bits. Eight bytes are taken at once: the
 * table of distance k says what a byte does to the checksum when k more bytes follow it, so eight lookups, which do not wait
 * for each other, stand for eight steps. 1.2 GB a second; `crc64-long.ts` takes 2.7 of many bytes.
 */
import { addLong, LONG_SIZE } from "./crc64-long.ts";
import { DISTANCES, HIGH, LOW } from "./crc64-tables.ts";

/** A checksum under way. One object is used for all bytes of a file. */
export class Crc64 {
  low = 0;
  high = 0;

  reset(): void {
    this.low = 0;
    this.high = 0;
  }

  /** Adds bytes[start, end). */
  add(bytes: Buffer, start: number, end: number): void {
    let at = end - start < LONG_SIZE ? start : addLong(this, bytes, start, end);
    let { low, high } = this;
    for (const last = end - DISTANCES; at <= last; at += DISTANCES) {
      const a =
        low ^
        (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
      const b =
        high ^
        (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24));
      const i0 = 1792 + (a & 255);
      const i1 = 1536 + ((a >>> 8) & 255);
      const i2 = 1280 + ((a >>> 16) & 255);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 255);
      const i5 = 512 + ((b >>> 8) & 255);
      const i6 = 256 + ((b >>> 16) & 255);
      const i7 = b >>> 24;
      low = LOW[i0]! ^ LOW[i1]! ^ LOW[i2]! ^ LOW[i3]! ^ LOW[i4]! ^ LOW[i5]! ^ LOW[i6]! ^ LOW[i7]!;
      high =
        HIGH[i0]! ^
        HIGH[i1]! ^
        HIGH[i2]! ^
        HIGH[i3]! ^
        HIGH[i4]! ^
        HIGH[i5]! ^
        HIGH[i6]! ^
        HIGH[i7]!;
    }
    for (; at < end; at++) {
      const index = (low ^ bytes[at]!) & 255;
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) ^ HIGH[index]!;
      low ^= LOW[index]!;
    }
    this.low = low;
    this.high = high;
  }

  /** Writes the checksum in eight bytes, the least significant first. */
  write(bytes: Buffer, at: number): void {
    bytes.writeInt32LE(this.low, at);
    bytes.writeInt32LE(this.high, at + 4);
  }

  /** Whether the eight bytes at `at` are the checksum. */
  matches(bytes: Buffer, at: number): boolean {
    return bytes.readInt32LE(at) === this.low && bytes.readInt32LE(at + 4) === this.high;
  }
}
