/**
 * A journal beside a log with `appendfsync always`: what is appended to the log's file is also written here, and it is the
 * journal that is synced before replies leave. A sync of bytes that make a file longer has to write the file system's own
 * records as well; the journal has its full size from the beginning and is written in place, in one system call that returns when
 * the disk has the bytes (O_DSYNC), past the system's cache (O_DIRECT). The log's file itself is written as ever, so a process
 * that is killed leaves a log that any Redis loads. After a loss of power the next start appends to the log's file what only the
 * journal has (`journal-recovery.ts`).
 *
 * While one half (`journal-format.ts`) is filled, the log's file is synced up to what the other one holds, and then that one is
 * free. If it is not in time, or more was appended than a record takes, the log's file itself must be synced (`gap`, `hasRoom`):
 * then nothing is needed of what the journal holds.
 *
 * Where the system can't write in this way, or the disk is nearly full, there is no journal.
 */
import { closeSync, constants, fsync, openSync, rmSync, statfsSync, write } from "node:fs";
import { dirname } from "node:path";
import { copyBytes } from "../base/bytes.ts";
import { SystemMemory } from "../memory/system-memory.ts";
import {
  HALF_SIZE,
  HEADER_SIZE,
  JOURNAL_SIZE,
  RECORD_SIZE_MAX,
  recordSize,
  sealRecord,
} from "./journal-format.ts";

type Done = (error: Error | null) => void;

/** Not on every system. */
const DIRECT: number | undefined = constants.O_DIRECT;
/** Bytes that must be free on the disk: a journal is not to be what fills it. */
const FREE_MIN: number = 16 * JOURNAL_SIZE;

export class AofJournal {
  /** Something was appended that no record has and none will have: the log's file must be synced. */
  gap = true;
  readonly #path: string;
  readonly #fd: number;
  readonly #memory = new SystemMemory();
  /** What was appended since the last record, behind the room for a header. */
  #pending: Buffer;
  #size = 0;
  /** Where that begins: the increment, the place in its file and the checksum before. */
  #increment = 0;
  #position = 0;
  #before = 0;
  /** What is being written, or will be filled next. */
  #other: Buffer;
  #sequence = 1;
  #half: 0 | 1 = 0;
  /** Bytes used of the halves, and the sequences of their last records. */
  readonly #used: [number, number] = [0, 0];
  readonly #last: [number, number] = [0, 0];
  #writing = false;
  #closed = false;

  /**
   * Makes a journal, without making anybody wait.
   * @param done gets it, or null if the system can't
   */
  static create(path: string, done: (journal: AofJournal | null) => void): void {
    let journal: AofJournal;
    try {
      const { bavail, bsize } = statfsSync(dirname(path));
      if (DIRECT === undefined || bavail * bsize < FREE_MIN) return done(null);
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
      journal = new AofJournal(path, openSync(path, flags | constants.O_DSYNC | DIRECT, 0o644));
    } catch {
      rmSync(path, { force: true });
      return done(null);
    }
    journal.#clear(0, (error) => {
      if (error === null) return done(journal);
      journal.discard();
      done(null);
    });
  }

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
    this.#pending = Buffer.from(this.#memory.take(RECORD_SIZE_MAX));
    this.#other = Buffer.from(this.#memory.take(RECORD_SIZE_MAX));
  }

  /** Writes zeros all over, so that the file has its blocks, and makes that, its size and its name last. */
  #clear(from: number, done: Done): void {
    if (from === JOURNAL_SIZE) return this.#makeLast(done);
    this.#writeAll(this.#other, 0, RECORD_SIZE_MAX, from, (error) => {
      if (error !== null) return done(error);
      this.#clear(from + RECORD_SIZE_MAX, done);
    });
  }

  #makeLast(done: Done): void {
    fsync(this.#fd, (error) => {
      if (error !== null && error !== undefined) return done(error);
      const folder = openSync(dirname(this.#path), "r");
      fsync(folder, (folderError) => {
        closeSync(folder);
        done(folderError ?? null);
      });
    });
  }

  /**
   * Notes what was appended to the file of an increment.
   * @param position in the file, and `before` the checksum of what stands before it
   */
  take(bytes: Buffer, size: number, increment: number, position: number, before: number): void {
    if (this.gap) return;
    const at = HEADER_SIZE + this.#size;
    if (at + size > RECORD_SIZE_MAX) {
      this.gap = true;
      return;
    }
    if (this.#size === 0) {
      this.#increment = increment;
      this.#position = position;
      this.#before = before;
    }
    copyBytes(this.#pending, at, bytes, 0, size);
    this.#size += size;
  }

  /** Whether there is room for a record of what was appended. */
  get hasRoom(): boolean {
    return this.#fits(this.#half) || this.#used[1 - this.#half] === 0;
  }

  /** One half is full, and what it holds is not synced in the log's file. */
  get isHalfFull(): boolean {
    return this.#used[1 - this.#half] !== 0;
  }

  /** It may hold something that is not synced in the log's file. */
  get isUsed(): boolean {
    return this.#used[0] + this.#used[1] > 0;
  }

  #fits(half: 0 | 1): boolean {
    return this.#used[half] + recordSize(this.#size) <= HALF_SIZE;
  }

  /** Writes and syncs what was appended since the last time; there is room, no gap, and no other write under way. */
  write(done: Done): void {
    if (!this.#fits(this.#half)) this.#half = this.#half === 0 ? 1 : 0;
    const half = this.#half;
    const buffer = this.#pending;
    const size = sealRecord(buffer, this.#size, {
      sequence: this.#sequence,
      increment: this.#increment,
      position: this.#position,
      before: this.#before,
    });
    const at = half * HALF_SIZE + this.#used[half];
    this.#used[half] += size;
    this.#last[half] = this.#sequence++;
    this.#pending = this.#other;
    this.#other = buffer;
    this.#size = 0;
    this.#writing = true;
    this.#writeAll(buffer, 0, size, at, (error) => {
      this.#writing = false;
      if (this.#closed) this.close();
      done(error);
    });
  }

  /** A sync of the log's file begins, which will cover all so far. @returns what to tell `synced` then */
  beginSync(): number {
    return this.#sequence;
  }

  /** The sync that begins is to cover what no record has yet; there need be none of it. */
  skip(): void {
    this.#size = 0;
    this.gap = false;
  }

  /** A sync of the log's file has succeeded: records before `sequence` are not needed. */
  synced(sequence: number): void {
    for (const half of [0, 1] as const) if (this.#last[half] < sequence) this.#used[half] = 0;
  }

  /** Ends and deletes it: the log needs nothing of what it holds. */
  discard(): void {
    rmSync(this.#path, { force: true });
    this.close();
  }

  /** Ends it, as soon as no write is under way, and leaves the file. */
  close(): void {
    this.#closed = true;
    if (this.#writing) return;
    closeSync(this.#fd);
    this.#memory.give(this.#pending.buffer as ArrayBuffer);
    this.#memory.give(this.#other.buffer as ArrayBuffer);
    while (this.#memory.step());
  }

  /** Writes buffer[from, end) at a place of the file; what can't be written at once follows. */
  #writeAll(buffer: Buffer, from: number, end: number, at: number, done: Done): void {
    write(this.#fd, buffer, from, end - from, at, (error, written) => {
      if (error !== null && error !== undefined) return done(error);
      if (written === end - from) return done(null);
      if (written === 0) return done(new Error("nothing was written"));
      this.#writeAll(buffer, from + written, end, at + written, done);
    });
  }
}
