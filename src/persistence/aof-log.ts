/**
 * The end of the append-only file that grows: effects are written to it at the end of each turn, with a mark behind them
 * (`aof-marks.ts`), and synced as `appendfsync` says.
 *
 *   no         written is safe; the system syncs when it likes
 *   everysec   written is safe; once a second a sync begins, off the main thread
 *   always     synced is safe: a sync begins as soon as there is something to sync and none is under way, so one sync serves all
 *              that was written while the one before it ran; the event loop goes on meanwhile
 *
 * A write that fails leaves nothing behind: what it wrote in part is cut off, and the effects are offered again later. A sync
 * that fails is never taken as done, and none after it is either, since the system may have dropped what it could not write:
 * `failure` stays set until the log goes on in a new file, behind a base that holds everything.
 */
import { closeSync, fdatasync, ftruncateSync, writeSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { systemErrorCode, systemErrorText } from "../base/system-errors.ts";
import type { CommitGate, EffectLog } from "../effects/commit-gate.ts";
import { addToCrc, MARK_SIZE, timeLine, writeMark } from "./aof-marks.ts";

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
  #fd: number;
  #crc: number;
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
  #syncBeganMs = -Infinity;
  #slow = false;
  /** Resolves those who wait for the sync under way. */
  #idle: (() => void)[] = [];
  #closed = false;

  /**
   * @param fd of a file opened for appending, which the log closes
   * @param size its bytes, and `crc` their checksum
   */
  constructor(gate: CommitGate, fd: number, size: number, crc: number) {
    this.#gate = gate;
    this.#fd = fd;
    this.size = size;
    this.#crc = crc;
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
    return this.#syncing;
  }

  write(bytes: Buffer, size: number, offset: number): boolean {
    if (this.syncFailed || !this.#repair()) return false;
    if (this.stamps !== null && !this.#stamp(this.stamps)) return false;
    const crc = addToCrc(this.#crc, bytes, 0, size);
    writeMark(bytes, size, crc);
    const total = size + MARK_SIZE;
    if (!this.#append(bytes, total)) return false;
    this.#crc = addToCrc(crc, bytes, size, total);
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
    if (nowMs - this.#syncBeganMs >= SYNC_INTERVAL_MS) this.#sync(nowMs);
  }

  /** Changes the policy; what waits goes on as the new one says. */
  setPolicy(policy: SyncPolicy): void {
    this.policy = policy;
    if (policy === "always") this.#sync(0);
    else if (!this.syncFailed) this.#gate.advance(this.#written);
  }

  /**
   * Goes on in another file, which has a mark only. The old one is synced and closed.
   * @param folder that names the new file; it is synced, before anything in the new file counts as safe, and closed too
   */
  switchTo(fd: number, size: number, crc: number, folder: number): void {
    this.#retired.push(this.#fd, folder);
    this.#fd = fd;
    this.size = size;
    this.#crc = crc;
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
    this.#fail(null);
    this.#gate.advance(this.policy === "always" ? this.#synced : this.#written);
    this.onSynced();
  }

  /** Syncs what was written. Settles with null, or why it failed. */
  async flush(): Promise<string | null> {
    while (this.#syncing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#sync(0);
    while (this.#syncing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    return this.failure;
  }

  /** Syncs and closes the files. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    for (const fd of [...this.#retired.splice(0), this.#fd]) closeSync(fd);
  }

  // ---- inside ----

  /** Tells the time, if the file does not yet. Returns false if it could not. */
  #stamp(clock: Clock): boolean {
    const seconds = Math.floor(clock.nowMs / 1000);
    if (seconds <= this.#stamped) return true;
    const line = timeLine(seconds);
    if (!this.#append(line, line.length)) return false;
    this.#crc = addToCrc(this.#crc, line, 0, line.length);
    this.#stamped = seconds;
    return true;
  }

  /** Writes bytes[0, size) behind all that is there, or leaves nothing of them. Returns whether it could. */
  #append(bytes: Buffer, size: number): boolean {
    const error = this.#writeAll(bytes, size);
    if (error === null) {
      this.size += size;
      return true;
    }
    this.#torn = true;
    this.#repair();
    this.#fail(error);
    return false;
  }

  /** Writes bytes[0, size). @returns null, or why not all could be written */
  #writeAll(bytes: Buffer, size: number): string | null {
    for (let done = 0; done < size;) {
      try {
        done += writeSync(this.#fd, bytes, done, size - done);
      } catch (error) {
        if (systemErrorCode(error) !== "EINTR") return systemErrorText(error);
      }
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

  #sync(nowMs: number): void {
    const dirty = this.#written > this.#synced || this.#retired.length > 0;
    if (this.#syncing || this.#closed || this.syncFailed || !dirty) return;
    this.#syncing = true;
    this.#slow = false;
    this.#syncBeganMs = nowMs === 0 ? this.#syncBeganMs : nowMs;
    const offset = this.#written;
    const fds = [...this.#retired, this.#fd];
    const retired = this.#retired.length;
    const next = (index: number): void => {
      fdatasync(fds[index]!, (error) => {
        if (error !== null && error !== undefined) return this.#ended(offset, retired, error);
        if (index + 1 < fds.length) next(index + 1);
        else this.#ended(offset, retired, null);
      });
    };
    next(0);
  }

  #ended(offset: number, retired: number, error: Error | null): void {
    this.#syncing = false;
    if (error === null) {
      this.#synced = Math.max(this.#synced, offset);
      for (const fd of this.#retired.splice(0, retired)) closeSync(fd);
      if (this.policy === "always") {
        // The next sync begins before the replies that waited for this one are sent.
        this.#gate.commit();
        this.#sync(0);
        this.#gate.advance(this.#synced);
      } else if (this.#wanted > this.#synced) {
        this.#sync(0);
      }
      this.onSynced();
    } else {
      this.syncFailed = true;
      this.#fail(systemErrorText(error));
      this.#gate.fail();
    }
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #fail(error: string | null): void {
    if (this.failure === error) return;
    this.failure = error;
    this.onFailure();
  }
}
