/**
 * The file of a journal (`aof-journal.ts`): two halves of fixed size, each a row of records from its beginning. A record is what
 * was appended to an increment of the log between two syncs, in whole pages, so that a page that was synced is not written again
 * before its half is.
 *
 *   record   magic:8 | crc:u32 | size:u32 | sequence:f64 | position:f64 | increment:f64 | before:u32 | 0:u32 | bytes | zeros
 *
 *   crc         CRC-32 of the rest of the header and of the bytes
 *   size        of the bytes
 *   sequence    one more than that of the record before it, in whichever half that stands
 *   position    of the bytes in the file of the increment
 *   increment   its number
 *   before      CRC-32 of the file of the increment before the position
 *
 * All numbers are little-endian. A half ends where no record with the next sequence stands. Everything that the file of the
 * increment had before the first record of a chain, records that follow each other without a gap in the file, was synced.
 */
import { addToCrc } from "./aof-marks.ts";

/** Records begin at multiples of it; what direct writing demands on any disk. */
export const PAGE_SIZE = 4096;
export const HALF_SIZE: number = 4 * 1024 * 1024;
export const JOURNAL_SIZE: number = 2 * HALF_SIZE;
export const HEADER_SIZE = 48;
/** Bytes of a record with its header at most. */
export const RECORD_SIZE_MAX: number = 256 * 1024;

const MAGIC = Buffer.from("HUTCHJ01", "latin1");
const CRC = 8;
const SIZE = 12;
const SEQUENCE = 16;
const POSITION = 24;
const INCREMENT = 32;
const BEFORE = 40;

/** A record, whose bytes lie in the buffer that it was read from. */
export interface JournalRecord {
  readonly sequence: number;
  readonly position: number;
  readonly increment: number;
  readonly before: number;
  readonly bytes: Buffer;
}

/** Bytes that a record takes in the journal. @param size of what was appended */
export function recordSize(size: number): number {
  return Math.ceil((HEADER_SIZE + size) / PAGE_SIZE) * PAGE_SIZE;
}

/**
 * Writes the header before the bytes, which stand at HEADER_SIZE already, and zeros behind them.
 * @returns the record's size in the journal
 */
export function sealRecord(
  buffer: Buffer,
  size: number,
  record: Omit<JournalRecord, "bytes">,
): number {
  const end = HEADER_SIZE + size;
  MAGIC.copy(buffer);
  buffer.writeUInt32LE(size, SIZE);
  buffer.writeDoubleLE(record.sequence, SEQUENCE);
  buffer.writeDoubleLE(record.position, POSITION);
  buffer.writeDoubleLE(record.increment, INCREMENT);
  buffer.writeUInt32LE(record.before, BEFORE);
  buffer.writeUInt32LE(0, BEFORE + 4);
  buffer.writeUInt32LE(addToCrc(0, buffer, SIZE, end), CRC);
  const whole = recordSize(size);
  buffer.fill(0, end, whole);
  return whole;
}

/** The last chain of records in a journal, in order; empty if there is none. */
export function readChain(journal: Buffer): JournalRecord[] {
  const halves = [readHalf(journal, 0), readHalf(journal, HALF_SIZE)];
  halves.sort((a, b) => (a[0]?.sequence ?? 0) - (b[0]?.sequence ?? 0));
  const chain: JournalRecord[] = [];
  for (const record of halves.flat()) {
    const last = chain.at(-1);
    const follows =
      last !== undefined &&
      record.sequence === last.sequence + 1 &&
      record.increment === last.increment &&
      record.position === last.position + last.bytes.length;
    if (!follows) chain.length = 0;
    chain.push(record);
  }
  return chain;
}

function readHalf(journal: Buffer, from: number): JournalRecord[] {
  const records: JournalRecord[] = [];
  const limit = Math.min(from + HALF_SIZE, journal.length);
  for (let at = from; ;) {
    const record = readRecord(journal, at, limit);
    const last = records.at(-1);
    if (record === null || (last !== undefined && record.sequence !== last.sequence + 1)) {
      return records;
    }
    records.push(record);
    at += recordSize(record.bytes.length);
  }
}

/** The record at `at`, or null if there is none that is whole. */
export function readRecord(journal: Buffer, at: number, limit: number): JournalRecord | null {
  if (at + HEADER_SIZE > limit || MAGIC.compare(journal, at, at + MAGIC.length) !== 0) return null;
  const size = journal.readUInt32LE(at + SIZE);
  const end = at + HEADER_SIZE + size;
  if (end > limit || addToCrc(0, journal, at + SIZE, end) !== journal.readUInt32LE(at + CRC)) {
    return null;
  }
  return {
    sequence: journal.readDoubleLE(at + SEQUENCE),
    position: journal.readDoubleLE(at + POSITION),
    increment: journal.readDoubleLE(at + INCREMENT),
    before: journal.readUInt32LE(at + BEFORE),
    bytes: journal.subarray(at + HEADER_SIZE, end),
  };
}
