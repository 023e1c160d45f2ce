/**
 * The end of the append-only file that grows: effects are written to it at the end of each turn, with a mark behind them
 * (`aof-marks.ts`), and synced as `appendfsync` says.
 *
 *   no         written is safe; the system syncs when it likes
 *   everysec   written is safe; once a second a sync begins, off the main thread
 *   always     synced is safe: a sync begins as soon as there is something to sync and none is under way, so one sync serves all
 *              that was written while the one before it ran; the event loop goes on meanwhile. Where it can be, what is
 *              synced is a journal beside the file (`aof-journal.ts`), which takes less time; the next record waits until the replies
 *              of the one before have left and the loop has looked at all sockets, and so serves more of them
 *
 * A write that fails leaves nothing behind: what it wrote in part is cut off, and the effects are offered again later. A sync
 * that fails is never taken as done, and none after it is either, since the system may have dropped what it could not write:
 * `failure` stays set until the log goes on in a new file, behind a base that holds everything.
 */
import { closeSync, fdatasync, ftruncateSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { systemErrorText } from "../base/system-errors.ts";
import type { CommitGate, EffectLog } from "../effects/commit-gate.ts";
import type { Increment } from "./aof-files.ts";
import { AofJournal } from "./aof-journal.ts";
import { addToCrc, MARK_SIZE, timeLine, writeMark } from "./aof-marks.ts";
import { writeAll } from "./write-all.ts";

export type SyncPolicy = "always" | "everysec" | "no";

/** Least time between the beginnings of two syncs with `everysec`. */
const SYNC_INTERVAL_MS = 1000;
/** A sync that takes longer is counted as delayed. */
const SYNC_SLOW_MS = 2000;

export class AofLog implements EffectLog {
  policy: SyncPolicy = "everysec";
  /** While a file is rewritten and the operator wishes it so, nothing is synced. */
  syncsPaused = false;
  /** Tells the times that are written between effects; null: none are. */
  stamps: Clock | null = null;
  /** Why effects can't be kept, in the system's words, or null. */
  failure: string | null = null;
  /** A sync has failed: only a new file helps. */
  syncFailed = false;
  /** Called after `failure` has changed. */
  onFailure: () => void = () => {};
  /** Called when more is synced than before. */
  onSynced: () => void = () => {};
  /** Bytes of the file. */
  size: number;
  /** Syncs that took longer than two seconds. */
  delayedSyncs = 0;
  readonly #gate: CommitGate;
  readonly #journalPath: string;
  #journal: AofJournal | null = null;
  /** Settles when the journal that is being made is there. */
  #making: Promise<void> | null = null;
  /** The file is being synced, while the journal may be written too. */
  #syncingFile = false;
  #fd: number;
  #crc: number;
  /** Number of the increment that is the file. */
  #increment: number;
  /** Unix time in seconds that the file tells last. */
  #stamped = 0;
  /** Bytes of a write that failed stand behind `size`. */
  #torn = false;
  /** Files that the log no longer grows in, and whose end was not synced yet. */
  readonly #retired: number[] = [];
  /** Stream offsets up to which effects were written and synced. */
  #written: number;
  #synced: number;
  /** Stream offset up to which somebody waits for a sync, whatever the policy. */
  #wanted = 0;
  #syncing = false;
  /** A sync has just ended, and the next one waits for what comes with the replies. */
  #gathering = false;
  #syncBeganMs = -Infinity;
  #slow = false;
  /** Resolve those who wait for a sync of the file. */
  readonly #flushes: (() => void)[] = [];
  #closing = false;
  #closed = false;

  /**
   * @param increment what the log grows in; it closes the file
   * @param journalPath where a journal may be
   */
  constructor(gate: CommitGate, { fd, size, crc, seq }: Increment, journalPath: string) {
    this.#gate = gate;
    this.#journalPath = journalPath;
    this.#fd = fd;
    this.size = size;
    this.#crc = crc;
    this.#increment = seq;
    this.#written = gate.offset;
    this.#synced = gate.offset;
  }

  /** Stream offset up to which all is synced. */
  get synced(): number {
    return this.#synced;
  }

  /** Syncs what there is up to a stream offset as soon as it is written; one sync serves all who ask while another runs. */
  want(offset: number): void {
    this.#wanted = Math.max(this.#wanted, offset);
    this.#sync(0);
  }

  /** Whether a sync is under way. */
  get syncing(): boolean {
    return this.#syncing || this.#syncingFile;
  }

  write(bytes: Buffer, size: number, offset: number): boolean {
    if (this.syncFailed || !this.#repair()) return false;
    if (this.stamps !== null && !this.#stamp(this.stamps)) return false;
    const crc = addToCrc(this.#crc, bytes, 0, size);
    writeMark(bytes, size, crc);
    const total = size + MARK_SIZE;
    if (!this.#append(bytes, total, addToCrc(crc, bytes, size, total))) return false;
    this.#written = offset;
    if (this.failure !== null) this.#fail(null);
    const isAwaited = this.#wanted > this.#synced;
    if (this.policy === "always" || isAwaited) this.#sync(0);
    if (this.policy !== "always") this.#gate.advance(offset);
    return true;
  }

  /** Begins a sync if it is time to. @param nowMs of a clock that never goes backwards */
  tick(nowMs: number): void {
    if (this.#syncing && !this.#slow && nowMs - this.#syncBeganMs > SYNC_SLOW_MS) {
      this.#slow = true;
      this.delayedSyncs++;
    }
    if (this.policy === "no" || this.syncsPaused) return;
    if (nowMs - this.#syncBeganMs < SYNC_INTERVAL_MS) return;
    if (this.#journal?.isUsed === true) this.#syncBehind(this.#journal);
    this.#sync(nowMs);
  }

  /** Changes the policy; what waits goes on as the new one says. */
  setPolicy(policy: SyncPolicy): void {
    this.policy = policy;
    this.#gate.discerns = policy === "always";
    if (policy === "always") {
      this.#makeJournal();
      this.#sync(0);
    } else if (!this.syncFailed) {
      this.#gate.advance(this.#written);
      // The next sync is one of the file, and then the journal goes.
      if (this.#journal !== null) this.#sync(0);
    }
  }

  /**
   * Goes on in another increment, which has a mark only. The old one is synced and closed.
   * @param folder that names the new file; it is synced, before anything in the new file counts as safe, and closed too
   */
  switchTo({ fd, size, crc, seq }: Increment, folder: number): void {
    this.#retired.push(this.#fd, folder);
    this.#fd = fd;
    this.size = size;
    this.#crc = crc;
    this.#increment = seq;
    if (this.#journal !== null) this.#journal.gap = true;
    this.#torn = false;
    this.#stamped = 0;
    if (this.policy !== "no") this.#sync(0);
  }

  /** A base holds, synced, all effects up to `offset`: what failed before is made good. */
  covered(offset: number): void {
    this.#written = Math.max(this.#written, offset);
    this.#synced = Math.max(this.#synced, offset);
    this.syncFailed = false;
    for (const fd of this.#retired.splice(0)) closeSync(fd);
    this.#leaveJournal();
    this.#makeJournal();
    this.#fail(null);
    this.#gate.advance(this.policy === "always" ? this.#synced : this.#written);
    this.onSynced();
  }

  /** Syncs what was written, in the file itself. Settles with null, or why it failed. */
  async flush(): Promise<string | null> {
    await this.#making;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushes.push(resolve);
    this.#sync(0);
    await promise;
    return this.failure;
  }

  /** Syncs and closes the files. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.flush();
    this.#closed = true;
    // A start may need the journal beside a file that could not be synced.
    this.#leaveJournal(this.syncFailed);
    for (const fd of [...this.#retired.splice(0), this.#fd]) closeSync(fd);
  }

  // ---- inside ----

  /** Tells the time, if the file does not yet. Returns false if it could not. */
  #stamp(clock: Clock): boolean {
    const seconds = Math.floor(clock.nowMs / 1000);
    if (seconds <= this.#stamped) return true;
    const line = timeLine(seconds);
    if (!this.#append(line, line.length, addToCrc(this.#crc, line, 0, line.length))) return false;
    this.#stamped = seconds;
    return true;
  }

  /**
   * Writes bytes[0, size) behind all that is there, or leaves nothing of them. Returns whether it could.
   * @param crc of the file with them
   */
  #append(bytes: Buffer, size: number, crc: number): boolean {
    const error = this.#writeAll(bytes, size);
    if (error === null) {
      this.#journal?.take(bytes, size, this.#increment, this.size, this.#crc);
      this.size += size;
      this.#crc = crc;
      return true;
    }
    this.#torn = true;
    this.#repair();
    this.#fail(error);
    return false;
  }

  /** Writes bytes[0, size). @returns null, or why not all could be written */
  #writeAll(bytes: Buffer, size: number): string | null {
    try {
      writeAll(this.#fd, bytes, 0, size);
    } catch (error) {
      return systemErrorText(error);
    }
    return null;
  }

  /** Cuts off what a failed write has left. Returns whether the file ends where it should. */
  #repair(): boolean {
    if (!this.#torn) return true;
    try {
      ftruncateSync(this.#fd, this.size);
    } catch {
      return false;
    }
    this.#torn = false;
    return true;
  }

  /** Begins to sync what is not yet, if anything is and no sync is under way. */
  #sync(nowMs: number): void {
    const journal = this.#journal;
    const isWanted = this.policy === "always" && !this.#closing && this.#flushes.length === 0;
    const canCover = this.#retired.length === 0 && journal?.gap === false && journal.hasRoom;
    if (journal === null || !isWanted || !canCover) return this.#syncFile(nowMs);
    if (this.#syncing || this.#gathering || !this.#canSync) return;
    if (this.#written === this.#synced) return;
    this.#begin(nowMs);
    const offset = this.#written;
    journal.write((error) => this.#ended(offset, error));
    if (journal.isHalfFull) this.#syncBehind(journal);
  }

  /** Holds the next record back until the event loop has looked once at all sockets: what has come by then shares it. */
  #gather(): void {
    this.#gathering = true;
    // The first one runs before the loop looks, the second one after.
    setImmediate(() => {
      setImmediate(() => {
        this.#gathering = false;
        if (this.#closed) return;
        this.#gate.commit();
        this.#sync(0);
      });
    });
  }

  get #canSync(): boolean {
    return !this.#closed && !this.syncFailed;
  }

  #begin(nowMs: number): void {
    this.#syncing = true;
    this.#slow = false;
    this.#syncBeganMs = nowMs === 0 ? this.#syncBeganMs : nowMs;
  }

  /** Begins to sync the files, if there is anything that is not synced in them and no sync is under way. */
  #syncFile(nowMs: number): void {
    const journal = this.#journal;
    const dirty = this.#written > this.#synced || this.#retired.length > 0 || journal !== null;
    if (!this.#canSync || !dirty) return this.#flushed(this.#flushes.length);
    if (this.#syncing || this.#syncingFile) return;
    this.#begin(nowMs);
    const offset = this.#written;
    const retired = this.#retired.length;
    const flushes = this.#flushes.length;
    const covered = journal?.beginSync() ?? 0;
    journal?.skip();
    this.#syncAll([...this.#retired, this.#fd], (error) => {
      if (error === null) {
        for (const fd of this.#retired.splice(0, retired)) closeSync(fd);
        journal?.synced(covered);
        if (this.policy !== "always") this.#leaveJournal();
        this.#flushed(flushes);
      }
      this.#ended(offset, error);
    });
  }

  /** Syncs the file up to what the journal holds, while the journal is used: what it holds is not needed then. */
  #syncBehind(journal: AofJournal): void {
    if (this.#syncingFile || !this.#canSync || this.#retired.length > 0) return;
    this.#syncingFile = true;
    const covered = journal.beginSync();
    this.#syncAll([this.#fd], (error) => {
      this.#syncingFile = false;
      if (error !== null) return this.#failSync(error);
      journal.synced(covered);
      // Somebody may have waited for room.
      this.#sync(0);
    });
  }

  /** Syncs files one after the other, up to the first that fails. */
  #syncAll(fds: readonly number[], done: (error: Error | null) => void): void {
    const next = (index: number): void => {
      fdatasync(fds[index]!, (error) => {
        if (error !== null && error !== undefined) return done(error);
        if (index + 1 < fds.length) next(index + 1);
        else done(null);
      });
    };
    next(0);
  }

  /** A sync has ended that covers the effects up to `offset`. */
  #ended(offset: number, error: Error | null): void {
    this.#syncing = false;
    if (error !== null) return this.#failSync(error);
    if (this.syncFailed) return;
    this.#synced = Math.max(this.#synced, offset);
    if (this.policy === "always") {
      this.#gather();
      this.#gate.advance(this.#synced);
    } else if (
      this.#wanted > this.#synced ||
      this.#journal !== null ||
      this.#flushes.length + this.#retired.length > 0
    ) {
      this.#sync(0);
    }
    this.onSynced();
  }

  #failSync(error: Error): void {
    this.syncFailed = true;
    this.#fail(systemErrorText(error));
    this.#flushed(this.#flushes.length);
    this.#gate.fail();
  }

  /** Ends the waiting of the first `count` who do. */
  #flushed(count: number): void {
    for (const resolve of this.#flushes.splice(0, count)) resolve();
  }

  // ---- the journal ----

  /** Has a journal made, if the policy needs one and there is none yet. */
  #makeJournal(): void {
    const isWanted = this.policy === "always" && !this.#closing;
    if (!isWanted || this.#making !== null || this.#journal !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#making = promise;
    AofJournal.create(this.#journalPath, (journal) => {
      this.#making = null;
      this.#journal = journal;
      if (this.policy !== "always") this.#sync(0);
      resolve();
    });
  }

  /** Goes on without the journal. @param stays whether the file may lack what it holds */
  #leaveJournal(stays = false): void {
    if (stays) this.#journal?.close();
    else this.#journal?.discard();
    this.#journal = null;
  }

  #fail(error: string | null): void {
    if (this.failure === error) return;
    this.failure = error;
    this.onFailure();
  }
}
