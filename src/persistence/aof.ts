/**
 * The append-only file of a server: loaded at the start, then written by everything that changes data. Switched on and off by
 * `appendonly`; the files are those of Redis 7 (`aof-manifest.ts`), so either server goes on where the other stopped.
 */
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { systemErrorText } from "../base/system-errors.ts";
import type { Engine } from "../commands/engine.ts";
import { AofFiles } from "./aof-files.ts";
import type { LogEnd } from "./aof-load.ts";
import { loadLog } from "./aof-load.ts";
import type { SyncPolicy } from "./aof-log.ts";
import { AofLog } from "./aof-log.ts";
import { DataError } from "./data-error.ts";
import { DirectoryLock, DirectoryLocked } from "./directory-lock.ts";

/** Effects that could not be written are offered again after this time. */
const RETRY_MS = 500;

export class Aof {
  readonly #engine: Engine;
  #files: AofFiles | null = null;
  #lock: DirectoryLock | null = null;
  #log: AofLog | null = null;
  #nextRetryMs = 0;
  #loading: Promise<void> | null = null;
  #stopped = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.info.add("persistence", () => this.#info());
    engine.beatTasks.push(() => this.#beat());
  }

  /**
   * Takes the data directory and finds out which files there are, if `appendonly` says so. Nothing is loaded yet. Throws `DataError`
   * if the server can't start with what it finds.
   */
  open(): void {
    if (!this.#engine.options.flag("appendonly")) return;
    const { options } = this.#engine;
    const directory = resolve(Buffer.from(options.text("dir"), "latin1").toString());
    try {
      this.#lock = new DirectoryLock(directory);
    } catch (error) {
      if (error instanceof DirectoryLocked) throw new DataError(error.message);
      throw new DataError(
        `The data directory ${directory} can't be used: ${systemErrorText(error)}`,
      );
    }
    const files = new AofFiles(
      directory,
      options.text("appenddirname"),
      options.text("appendfilename"),
    );
    try {
      files.read();
    } catch (error) {
      this.#lock.release();
      throw error instanceof DataError ? error : new DataError(systemErrorText(error));
    }
    this.#files = files;
  }

  /** Whether there are files to load. */
  get hasData(): boolean {
    const manifest = this.#files?.manifest;
    return manifest !== undefined && (manifest.base !== null || manifest.increments.length > 0);
  }

  /** Loads the files that there are, and begins to write. Throws `DataError` (as a rejection). */
  load(): Promise<void> {
    this.#loading = this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    const files = this.#files;
    if (files === null) return;
    const { logger, clock } = this.#engine;
    const startMs = clock.monotonicMs;
    const end = await loadLog(this.#engine, files, () => this.#stopped);
    if (this.#stopped) return;
    const seconds = ((clock.monotonicMs - startMs) / 1000).toFixed(3);
    logger.notice(`DB loaded from append only file: ${seconds} seconds`);
    this.#begin(end);
  }

  /** Begins to write where there was nothing to load. Throws `DataError`. */
  begin(): void {
    if (this.#files !== null) this.#begin(null);
  }

  /** Writes and syncs what there is, and gives the directory back. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#loading?.catch(() => {});
    const { gate, logger } = this.#engine;
    if (this.#log !== null) {
      gate.commit();
      logger.notice("Calling fsync() on the AOF file.");
      await this.#log.close();
      this.#engine.record(false);
      gate.setLog(null);
      this.#log = null;
    }
    this.#lock?.release();
    this.#lock = null;
  }

  /** @param end of the increment to go on in, or null to begin one */
  #begin(end: LogEnd | null): void {
    const files = this.#files!;
    const engine = this.#engine;
    let log: AofLog;
    try {
      log = end === null ? this.#create(files) : this.#goOn(files, end);
    } catch (error) {
      throw new DataError(`Can't open the append-only file: ${systemErrorText(error)}`);
    }
    this.#log = log;
    log.onFailure = () => this.#failed(log.failure);
    engine.options.onChange("appendfsync", (policy) => log.setPolicy(policy as SyncPolicy));
    engine.effects.forgetDatabase();
    engine.record(true);
    engine.gate.setLog(log);
  }

  #create(files: AofFiles): AofLog {
    const { file, increment } = files.createIncrement();
    const { fd, size, crc } = increment;
    try {
      const { manifest } = files;
      files.persist({ ...manifest, increments: [...manifest.increments, file] });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new AofLog(this.#engine.gate, fd, size, crc);
  }

  #goOn(files: AofFiles, end: LogEnd): AofLog {
    const last = files.manifest.increments.at(-1)!;
    const fd = openSync(files.path(last), "a");
    return new AofLog(this.#engine.gate, fd, end.size, end.crc);
  }

  /** Writes are refused while effects can't be kept. */
  #failed(failure: string | null): void {
    const { logger } = this.#engine;
    if (failure === null) {
      logger.warning("AOF write error looks solved. The server can write again.");
      this.#engine.refuseWrites("log", null);
      return;
    }
    logger.warning(`Error writing to the AOF file: ${failure}`);
    this.#engine.refuseWrites("log", `MISCONF Errors writing to the AOF file: ${failure}`);
  }

  #beat(): void {
    const log = this.#log;
    if (log === null) return;
    const { gate, clock } = this.#engine;
    const nowMs = clock.monotonicMs;
    if (gate.failing && nowMs >= this.#nextRetryMs) {
      this.#nextRetryMs = nowMs + RETRY_MS;
      gate.commit();
    }
    log.tick(nowMs);
  }

  *#info(): Iterable<readonly [string, string | number]> {
    const log = this.#log;
    yield ["aof_enabled", log === null ? 0 : 1];
    yield ["aof_rewrite_in_progress", 0];
    yield ["aof_rewrite_scheduled", 0];
    yield ["aof_last_rewrite_time_sec", -1];
    yield ["aof_current_rewrite_time_sec", -1];
    yield ["aof_last_bgrewrite_status", "ok"];
    yield ["aof_rewrites", 0];
    yield ["aof_rewrites_consecutive_failures", 0];
    yield ["aof_last_write_status", log?.failure === null || log === null ? "ok" : "err"];
    yield ["aof_last_cow_size", 0];
    if (log === null) return;
    yield ["aof_current_size", log.size];
    yield ["aof_base_size", 0];
    yield ["aof_pending_rewrite", 0];
    yield ["aof_buffer_length", this.#engine.effects.pos];
    yield ["aof_pending_bio_fsync", log.syncing ? 1 : 0];
    yield ["aof_delayed_fsync", log.delayedSyncs];
  }
}
