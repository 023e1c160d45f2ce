/**
 * Reads a file of commands in slices and runs them: a log, or the part of one that follows a snapshot.
 *
 * Between commands may stand lines that begin with "#": marks, whose checksum covers all bytes of the file before them
 * (`aof-marks.ts`), and times (`#TS:`), which are skipped. Three ways to end:
 *
 *   whole      the last byte ends a command, no transaction is open
 *   torn       the end is missing: it was being written when the machine stopped. `validTo` is where the last whole command ends
 *              that belongs to no open transaction; what follows is cut off or refused, as the caller decides. Zeros at the end
 *              count as missing: file systems leave them where a file had become longer when the power failed
 *   damaged    anything else, with the place: bytes that are no command, a checksum that is wrong. A length that was damaged can
 *              make the rest of a file look like one torn command; but behind a torn end there is no further mark
 */
import { fstatSync, readSync } from "node:fs";
import { nanoseconds } from "../base/clock.ts";
import { AOF_READ_SIZE, STRING_SIZE_MAX } from "../base/limits.ts";
import { BROKEN, MORE, RespParser } from "../protocol/resp-request.ts";
import { addToCrc, findMark, MARK_SIZE, readMark } from "./aof-marks.ts";
import type { EffectReplay } from "./effect-replay.ts";

const HASH = 0x23;
const STAR = 0x2a;
const LF = 10;
/** Longest line between commands. */
const LINE_MAX = 1024;
/** Bytes that are read at a time to find where zeros at the end of a file begin. */
const ZEROS_READ_SIZE = 4096;
/** Commands that are run before the clock is looked at again. */
const SLICE = 64;

const TIME = /^#TS:\d+\r\n$/;

/** A file that is not what it should be. */
export class AofDamaged extends Error {
  override name = "AofDamaged";
  /** Where: bytes from the beginning of the file. */
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

export class AofReader {
  /** Where the last whole command, or the last line between commands, ends. */
  validTo: number;
  /** The file ends before its last command does. */
  torn = false;
  /** Marks were found, and were right. */
  marked = false;
  /** Where the last mark that was right ends. */
  validMark = 0;
  readonly #fd: number;
  readonly #replay: EffectReplay;
  readonly #parser: RespParser = new RespParser();
  #buffer: Buffer = Buffer.allocUnsafeSlow(AOF_READ_SIZE);
  /** Bytes in the buffer. */
  #end = 0;
  /** Place in the file of the buffer's first byte. */
  #base: number;
  #atEnd = false;
  /** Checksum of the file before the byte of the buffer at `#crcAt`. */
  #crc = 0;
  #crcAt = 0;
  /** Checksum of the file before `validTo`, if that was left behind. */
  #validCrc = 0;
  /** Bytes of the file, and those before the zeros at its end. */
  readonly size: number;
  readonly #filled: number;

  /**
   * @param fd of the file
   * @param from where the commands begin; @param crc checksum of what stands before them
   */
  constructor(fd: number, replay: EffectReplay, from = 0, crc = 0) {
    this.#fd = fd;
    this.#replay = replay;
    this.#base = from;
    this.#crc = crc;
    this.validTo = from;
    this.size = fstatSync(fd).size;
    this.#filled = Math.max(from, filledSize(fd, this.size));
    this.#parser.bulkSizeMax = STRING_SIZE_MAX;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#base + this.#parser.pos;
  }

  /** Checksum of the file before `validTo`; the file is read. */
  get crc(): number {
    return this.#validCrc;
  }

  /** Reads on until the time is over. Returns true while there is more. Throws `AofDamaged`. */
  step(deadlineNs: number): boolean {
    for (;;) {
      if (this.#runBuffer(deadlineNs)) return true;
      if (this.#atEnd) break;
      this.#fill();
      if (nanoseconds() > deadlineNs) return true;
    }
    this.#finish();
    return false;
  }

  /** Runs the commands in the buffer. Returns whether the time is over. */
  #runBuffer(deadlineNs: number): boolean {
    const parser = this.#parser;
    for (let count = 1; parser.pos < this.#end; count++) {
      const at = parser.pos;
      const begins = parser.idle;
      if (begins && this.#buffer[at] === HASH) {
        if (!this.#line(at)) return false;
      } else {
        if (begins && this.#buffer[at] !== STAR) this.#damaged(at, "a command was expected");
        const result = parser.next(this.#buffer, this.#end);
        if (result === BROKEN) this.#damaged(parser.frameStart, parser.error);
        if (result === MORE) {
          if (parser.idle && parser.pos > at) this.#damaged(at, "a command without arguments");
          return false;
        }
        if (begins && parser.frameStart !== at) this.#damaged(at, "a command without arguments");
        const error = this.#replay.run(parser.args);
        if (error !== null) this.#damaged(parser.frameStart, error);
        if (!this.#replay.inTransaction) this.validTo = this.position;
      }
      if (count % SLICE === 0 && nanoseconds() > deadlineNs) return true;
    }
    return false;
  }

  /** Reads the line at `at`. Returns false if it is not complete. */
  #line(at: number): boolean {
    const buffer = this.#buffer;
    const crc = at + MARK_SIZE <= this.#end ? readMark(buffer, at) : -1;
    if (crc !== -1) {
      // A script that takes long is written piece by piece: its transaction spans several.
      const { inTransaction } = this.#replay;
      if (inTransaction) this.#sumValid();
      this.#sum(at);
      if (crc !== this.#crc) {
        const found = this.#crc.toString(16).padStart(8, "0");
        const expected = crc.toString(16).padStart(8, "0");
        const since = this.marked ? `between ${this.validMark} and here` : "before here";
        this.#damaged(
          at,
          `bytes ${since} are damaged: their checksum is ${found}, not ${expected}`,
        );
      }
      this.marked = true;
      this.#parser.rewind(at + MARK_SIZE);
      this.#sum(at + MARK_SIZE);
      if (inTransaction) return true;
      this.validMark = this.position;
      this.validTo = this.position;
      return true;
    }
    const lf = buffer.subarray(at, Math.min(this.#end, at + LINE_MAX)).indexOf(LF);
    if (lf === -1) {
      if (this.#end - at >= LINE_MAX) this.#damaged(at, "a line that does not end");
      return false;
    }
    const text = buffer.toString("latin1", at, at + lf + 1);
    // Of a file with checksums it is known what stands in it.
    if ((this.marked || this.#base + at === 0) && !TIME.test(text)) {
      this.#damaged(at, `an unknown line '${text.trim().slice(0, 40)}'`);
    }
    this.#parser.rewind(at + lf + 1);
    if (!this.#replay.inTransaction) this.validTo = this.position;
    return true;
  }

  /** Brings the checksum up to the byte at `at`. */
  #sum(at: number): void {
    this.#crc = addToCrc(this.#crc, this.#buffer, this.#crcAt, at);
    this.#crcAt = at;
  }

  /** Notes the checksum at `validTo`, if the buffer still holds that place. */
  #sumValid(): void {
    const at = this.validTo - this.#base;
    if (at < this.#crcAt) return;
    this.#sum(at);
    this.#validCrc = this.#crc;
  }

  /** Reads more of the file behind what is still needed. */
  #fill(): void {
    const parser = this.#parser;
    const keep = parser.start;
    this.#sumValid();
    this.#sum(keep);
    this.#buffer.copyWithin(0, keep, this.#end);
    parser.shift(-keep);
    this.#base += keep;
    this.#end -= keep;
    this.#crcAt = 0;
    if (this.#end === this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    const read = readSync(
      this.#fd,
      this.#buffer,
      this.#end,
      Math.min(this.#buffer.length - this.#end, this.#filled - this.#base - this.#end),
      this.#base + this.#end,
    );
    if (read === 0) this.#atEnd = true;
    this.#end += read;
  }

  /** The file has been read to its end. */
  #finish(): void {
    this.#sumValid();
    const end = this.#base + this.#end;
    if (this.validTo === end && end === this.size) return;
    this.torn = true;
    if (!this.marked) return;
    const rest = this.#parser.start;
    if (findMark(this.#buffer, rest, this.#end) !== -1) {
      this.#damaged(rest, "a command that does not end before the next checksum");
    }
    // What is left of a mark is less than one.
    if (this.#buffer[rest] === HASH && this.#end - rest >= MARK_SIZE) {
      this.#damaged(rest, "a damaged checksum");
    }
  }

  #damaged(at: number, reason: string): never {
    throw new AofDamaged(this.#base + at, reason);
  }
}

/** Bytes of a file of `size` without the zeros at its end. */
function filledSize(fd: number, size: number): number {
  const buffer = Buffer.allocUnsafe(ZEROS_READ_SIZE);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - ZEROS_READ_SIZE);
    const read = readSync(fd, buffer, 0, end - start, start);
    for (let at = read; at > 0; at--) if (buffer[at - 1] !== 0) return start + at;
    end = start;
  }
  return 0;
}
