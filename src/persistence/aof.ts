/**
 * The append-only file of a server: loaded at the start, then written by everything that changes data, and rewritten when it has
 * grown. Switched on and off by `appendonly`; the files are those of Redis 7 (`aof-manifest.ts`), so either server goes on where
 * the other stopped.
 */
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { systemErrorText } from "../base/system-errors.ts";
import type { Engine } from "../commands/engine.ts";
import { AofFiles } from "./aof-files.ts";
import type { LogEnd } from "./aof-load.ts";
import type { SyncPolicy } from "./aof-log.ts";
import { AofLog } from "./aof-log.ts";
import type { AofFile } from "./aof-manifest.ts";
import type { AofRewrite } from "./aof-rewrite.ts";
import { DataError } from "./data-error.ts";
import { DirectoryLock, DirectoryLocked } from "./directory-lock.ts";
import { logLoading, rewriting, snapshots } from "./late-parts.ts";

/** Effects that could not be written are offered again after this time, and a log that can't sync is rewritten. */
const RETRY_MS = 500;
/** From so many failed rewrites on, those by growth wait: a minute, then twice as long each time, an hour at most. */
const FAILURES_MAX = 3;
const FAILED_WAIT_MS = 60_000;
const FAILED_WAIT_MAX_MS = 3_600_000;

const CANT_START = "Unable to turn on AOF. Check server logs.";

const byEngine = new WeakMap<Engine, Aof>();

export class Aof {
  readonly #engine: Engine;
  #files: AofFiles | null = null;
  #lock: DirectoryLock | null = null;
  #log: AofLog | null = null;
  #rewrite: AofRewrite | null = null;
  /** What was there before the log that was switched on is in a base. */
  #hasBase = true;
  #isScheduled = false;
  /** Settles when the work on files ends that is under way before or after a rewrite. */
  #working: Promise<void> | null = null;
  /** Bytes of the base, and of the whole log when it was loaded or rewritten last. */
  #baseSize = 0;
  #sizeThen = 0;
  #rewrites = 0;
  #failures = 0;
  #nextRewriteMs = 0;
  #lastSeconds = -1;
  #nextRetryMs = 0;
  #loading: Promise<void> | null = null;
  #stopped = false;

  /** Called when more is synced than before, or there is no log any more. */
  onSynced: () => void = () => {};

  /** The one of an engine. */
  static of(engine: Engine): Aof {
    let aof = byEngine.get(engine);
    if (aof === undefined) {
      aof = new Aof(engine);
      byEngine.set(engine, aof);
    }
    return aof;
  }

  private constructor(engine: Engine) {
    this.#engine = engine;
    engine.info.add("persistence", () => this.#info());
    engine.beatTasks.push(() => this.#beat());
    engine.hooks = { ...engine.hooks, reloadLog: () => this.#reload() };
    engine.options.onChange("appendfsync", (policy) => this.#log?.setPolicy(policy as SyncPolicy));
    engine.options.onChange("aof-timestamp-enabled", () => this.#setStamps());
    engine.options.onChange("aof-disable-auto-gc", () => {
      // The end of a rewrite looks at the option itself.
      if (this.#files !== null && !this.isRewriting) this.#removeHistory(this.#files);
    });
  }

  /** Effects go to a log. */
  get isOn(): boolean {
    return this.#log !== null;
  }

  /** Stream offset up to which all is synced; -1 if nothing is. */
  get synced(): number {
    return this.#log === null || !this.#hasBase ? -1 : this.#log.synced;
  }

  /** Syncs all effects so far, soon. */
  wantSynced(): void {
    this.#log?.want(this.#engine.gate.offset);
  }

  // ---- start and end ----

  /**
   * Takes the data directory and finds out which files there are, if `appendonly` says so. Nothing is loaded yet. Throws `DataError`
   * if the server can't start with what it finds.
   */
  open(): void {
    if (this.#engine.options.flag("appendonly")) this.#open();
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

  /** Begins to write where there was no log to load. What there is of data becomes its base. Throws `DataError`. */
  begin(): void {
    if (this.#files !== null) {
      if (this.#engine.keyspace.size > 0) this.#writeBase(this.#files);
      this.#begin(null);
    }
    this.#engine.options.onApply(["appendonly"], () => this.#switch());
  }

  /** Writes and syncs what there is, and gives the directory back. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#rewrite?.cancel();
    this.#rewrite = null;
    await this.#working;
    await this.#loading?.catch(() => {});
    if (this.#log !== null) {
      this.#engine.logger.notice("Calling fsync() on the AOF file.");
      await this.#end();
    }
    this.#lock?.release();
    this.#lock = null;
  }

  /** Writes all data into a first base, and makes everybody wait. */
  #writeBase(files: AofFiles): void {
    const asCommands = !this.#engine.options.flag("aof-use-rdb-preamble");
    const base = files.nextBase(asCommands);
    const sink = files.createBase();
    let failed = sink.error;
    if (failed === null) {
      const told = (error: string | null): void => void (failed = error);
      snapshots()
        .startSnapshot(this.#engine, sink, told, { forLog: true, asCommands })
        .step(Infinity);
    }
    failed ??= sink.commitSync(files.path(base));
    if (failed !== null) throw new DataError(`Can't write the base of the AOF: ${failed}`);
    files.persist({ ...files.manifest, base });
    this.#baseSize = files.baseSize();
    this.#sizeThen = this.#baseSize;
  }

  async #load(): Promise<void> {
    const files = this.#files!;
    const { logger, clock } = this.#engine;
    const startMs = clock.monotonicMs;
    const loaded = await logLoading().loadLog(this.#engine, files, () => this.#stopped);
    if (loaded === null) return;
    const seconds = ((clock.monotonicMs - startMs) / 1000).toFixed(3);
    logger.notice(`DB loaded from append only file: ${seconds} seconds`);
    this.#baseSize = loaded.baseSize;
    this.#sizeThen = loaded.size;
    this.#begin(loaded.end);
    // A rewrite was interrupted before it had deleted what it made history.
    this.#removeHistory(files);
    this.#engine.options.onApply(["appendonly"], () => this.#switch());
  }

  /**
   * What the log holds takes the place of the data, while everybody waits. Returns an error, and has changed nothing, if that is
   * not possible now. Throws `DataError` if the log is damaged: nobody can vouch for the data then.
   */
  #reload(): string | null {
    const { gate, keyspace, logger } = this.#engine;
    if (keyspace.store.guard !== null || this.isRewriting) {
      return "ERR A snapshot is being written: can't load the AOF right now.";
    }
    if (!gate.commit()) return "ERR The AOF lacks what could not be written to it.";
    const isOn = this.#log !== null;
    try {
      if (!isOn) this.#open();
    } catch (error) {
      return `ERR ${systemErrorText(error)}`;
    }
    if (!this.hasData) return "ERR There is no AOF to load.";
    const { changes } = keyspace.store;
    this.#engine.record(false);
    for (const database of keyspace.databases) database.clear();
    this.#engine.functions.clear();
    logLoading().loadLogAtOnce(this.#engine, this.#files!);
    // None of it is a change that the log lacks: else the command would be taken for one that has made them.
    keyspace.store.changes = changes;
    this.#engine.record(isOn);
    logger.warning("Append Only File loaded by DEBUG LOADAOF");
    return null;
  }

  #open(): void {
    const { options } = this.#engine;
    const directory = resolve(Buffer.from(options.text("dir"), "latin1").toString());
    try {
      this.#lock ??= new DirectoryLock(directory);
    } catch (error) {
      if (error instanceof DirectoryLocked) throw new DataError(error.message);
      throw new DataError(
        `The data directory ${directory} can't be used: ${systemErrorText(error)}`,
      );
    }
    const folder = options.text("appenddirname");
    const files = new AofFiles(directory, folder, options.text("appendfilename"));
    try {
      files.read();
      const lacked = files.recover();
      if (lacked > 0) {
        this.#engine.logger.warning(`${lacked} bytes that the AOF lacked were in its journal`);
      }
    } catch (error) {
      this.#lock.release();
      this.#lock = null;
      throw error instanceof DataError ? error : new DataError(systemErrorText(error));
    }
    this.#files = files;
  }

  // ---- writing ----

  /** @param end of the increment to go on in, or null to begin one */
  #begin(end: LogEnd | null): void {
    const files = this.#files!;
    try {
      this.#write(end === null ? this.#create(files) : this.#goOn(files, end));
    } catch (error) {
      throw new DataError(`Can't open the append-only file: ${systemErrorText(error)}`);
    }
  }

  /** Effects go to a log from now on. */
  #write(log: AofLog): void {
    const engine = this.#engine;
    this.#log = log;
    log.onFailure = () => this.#failed(log.failure);
    log.onSynced = () => this.onSynced();
    log.setPolicy(engine.options.text("appendfsync") as SyncPolicy);
    this.#setStamps();
    engine.effects.forgetDatabase();
    engine.record(true);
    engine.gate.setLog(log);
  }

  #setStamps(): void {
    const { options, clock } = this.#engine;
    if (this.#log !== null) this.#log.stamps = options.flag("aof-timestamp-enabled") ? clock : null;
  }

  /** Effects go nowhere from now on. */
  async #end(): Promise<void> {
    const { gate } = this.#engine;
    const log = this.#log!;
    gate.commit();
    this.#log = null;
    this.onSynced();
    this.#engine.record(false);
    const synced = log.close();
    // What the log has is safe when it is synced, and nobody waits longer for what it could not take.
    await synced;
    if (this.#log === null) gate.setLog(null);
    this.#engine.refuseWrites("log", null);
  }

  #create(files: AofFiles): AofLog {
    const { file, increment } = files.createIncrement();
    try {
      const { manifest } = files;
      files.persist({ ...manifest, increments: [...manifest.increments, file] });
    } catch (error) {
      closeSync(increment.fd);
      throw error;
    }
    return new AofLog(this.#engine.gate, increment, files.journalPath);
  }

  #goOn(files: AofFiles, end: LogEnd): AofLog {
    const last = files.manifest.increments.at(-1)!;
    const fd = openSync(files.path(last), "a");
    return new AofLog(this.#engine.gate, { fd, ...end, seq: last.seq }, files.journalPath);
  }

  /** Puts a changed `appendonly` into effect. */
  #switch(): string | null {
    const wanted = this.#engine.options.flag("appendonly");
    if (wanted === (this.#log !== null)) return null;
    if (!wanted) {
      void this.#rewrite?.cancel();
      this.#rewrite = null;
      void this.#end();
      return null;
    }
    const { logger, keyspace } = this.#engine;
    if (keyspace.store.guard !== null || this.isRewriting) {
      logger.warning("The AOF can't be turned on while a snapshot is being written.");
      return CANT_START;
    }
    try {
      this.#open();
      const files = this.#files!;
      const { file, increment } = files.createIncrement();
      this.#write(new AofLog(this.#engine.gate, increment, files.journalPath));
      this.#hasBase = false;
      // What there was of a log is out of date: the new one counts when its base is there.
      this.#startRewrite(files, file);
    } catch (error) {
      logger.warning(systemErrorText(error));
      return CANT_START;
    }
    return null;
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

  // ---- rewriting ----

  get isRewriting(): boolean {
    return this.#rewrite !== null || this.#working !== null;
  }

  /**
   * Rewrites as soon as the snapshot that is under way has ended. Returns false if there is none.
   * @param always rewrites with the next beat if there is none
   */
  schedule(always: boolean): boolean {
    this.#isScheduled = always || this.#engine.keyspace.store.guard !== null;
    return this.#isScheduled;
  }

  /** Begins to rewrite the log; no snapshot is under way. Returns whether it could. */
  rewrite(): boolean {
    this.#isScheduled = false;
    const log = this.#log;
    if (log !== null && log.failure !== null && !log.syncFailed) return false;
    try {
      if (log === null) {
        this.#open();
        this.#startRewrite(this.#files!, null);
        return true;
      }
    } catch (error) {
      this.#rewritten(systemErrorText(error));
      return false;
    }
    this.#work(this.#prepare(log, this.#files!), (error) => this.#rewritten(error));
    return true;
  }

  /** Notes that files are being worked on, which nobody else does meanwhile. */
  #work(work: Promise<void>, failed: (error: string) => void): void {
    this.#working = work
      .catch((error: unknown) => failed(systemErrorText(error)))
      .finally(() => (this.#working = null));
  }

  /** Makes the new increment and a manifest with it, and then, within one turn, goes on in it and begins the snapshot. */
  async #prepare(log: AofLog, files: AofFiles): Promise<void> {
    const { gate, effects, keyspace } = this.#engine;
    const { file, increment } = await files.prepareIncrement();
    const { manifest } = files;
    const isStill = (): boolean => this.#log === log && !this.#stopped;
    try {
      const place = await files.prepare({
        ...manifest,
        increments: [...manifest.increments, file],
      });
      if (!isStill()) return closeSync(increment.fd);
      if (keyspace.store.guard !== null) {
        this.#isScheduled = true;
        return closeSync(increment.fd);
      }
      if (!gate.commit() && !log.syncFailed) throw new Error(log.failure ?? "");
      place();
    } catch (error) {
      closeSync(increment.fd);
      throw error;
    }
    log.switchTo(increment, files.openFolder());
    effects.forgetDatabase();
    this.#startRewrite(files, file);
  }

  #startRewrite(files: AofFiles, increment: AofFile | null): void {
    const log = increment === null ? null : this.#log;
    const isFirst = increment !== null && !files.manifest.increments.includes(increment);
    const rewrite = new (rewriting().AofRewrite)(this.#engine, files, log, increment, (error) => {
      this.#rewritten(error);
      if (error === null) {
        this.#hasBase = true;
        this.onSynced();
        return this.#collect(files);
      }
      if (!isFirst || this.#log === null) return;
      this.#engine.logger.warning("The AOF is turned off: it has no base.");
      this.#engine.options.record("appendonly", "no");
      void this.#end();
    });
    this.#rewrite = rewrite;
    if (log !== null) log.syncsPaused = this.#engine.options.flag("no-appendfsync-on-rewrite");
    this.#engine.logger.notice("Background append only file rewriting started");
    rewrite.run();
  }

  #rewritten(error: string | null): void {
    const { logger, clock } = this.#engine;
    if (this.#rewrite !== null) {
      this.#lastSeconds = Math.floor((clock.nowMs - this.#rewrite.startedMs) / 1000);
    }
    this.#rewrite = null;
    if (this.#log !== null) this.#log.syncsPaused = false;
    if (error === null) {
      this.#rewrites++;
      this.#failures = 0;
      logger.notice("Background AOF rewrite finished successfully");
      return;
    }
    this.#failures++;
    if (this.#failures >= FAILURES_MAX) {
      const waitMs = FAILED_WAIT_MS * 2 ** (this.#failures - FAILURES_MAX);
      this.#nextRewriteMs = clock.monotonicMs + Math.min(waitMs, FAILED_WAIT_MAX_MS);
    }
    logger.warning(`Background AOF rewrite failed: ${error}`);
  }

  /** Deletes what the log needs no more, and notes its size. */
  #collect(files: AofFiles): void {
    this.#baseSize = files.baseSize();
    this.#sizeThen = this.#baseSize + (this.#log?.size ?? 0);
    this.#removeHistory(files);
  }

  #removeHistory(files: AofFiles): void {
    const { options, logger } = this.#engine;
    if (options.flag("aof-disable-auto-gc")) return;
    this.#work(files.removeHistory(), (error) => {
      logger.warning(`Can't delete old files of the AOF: ${error}`);
    });
  }

  /** Whether the log has grown so much since it was rewritten last that it is time again. */
  #hasGrown(log: AofLog): boolean {
    const { options, clock } = this.#engine;
    const percentage = options.number("auto-aof-rewrite-percentage");
    const size = this.#baseSize + log.size;
    if (percentage === 0 || size < options.number("auto-aof-rewrite-min-size")) return false;
    if (this.#failures >= FAILURES_MAX && clock.monotonicMs < this.#nextRewriteMs) return false;
    const before = Math.max(1, this.#sizeThen);
    return ((size - before) * 100) / before >= percentage;
  }

  // ---- the beat ----

  #beat(): void {
    const engine = this.#engine;
    const log = this.#log;
    // While a script is half done there is nothing to begin a log with.
    const isFree =
      engine.keyspace.store.guard === null && !this.isRewriting && engine.busyScript === null;
    if (this.#isScheduled && isFree) this.rewrite();
    if (log === null) return;
    const nowMs = engine.clock.monotonicMs;
    if (log.failure !== null && nowMs >= this.#nextRetryMs) {
      this.#nextRetryMs = nowMs + RETRY_MS;
      if (!log.syncFailed) engine.gate.commit();
      else if (isFree && !log.syncing) this.rewrite();
    }
    log.tick(nowMs);
    if (isFree && !this.isRewriting && log.failure === null && this.#hasGrown(log)) {
      const percentage = engine.options.text("auto-aof-rewrite-percentage");
      engine.logger.notice(`Starting automatic rewriting of AOF on ${percentage}% growth`);
      this.rewrite();
    }
  }

  *#info(): Iterable<readonly [string, string | number]> {
    const log = this.#log;
    const { clock, effects } = this.#engine;
    const rewrite = this.#rewrite;
    const seconds =
      rewrite === null ? -1 : Math.max(0, Math.floor((clock.nowMs - rewrite.startedMs) / 1000));
    yield ["aof_enabled", log === null ? 0 : 1];
    yield ["aof_rewrite_in_progress", this.isRewriting ? 1 : 0];
    yield ["aof_rewrite_scheduled", this.#isScheduled ? 1 : 0];
    yield ["aof_last_rewrite_time_sec", this.#lastSeconds];
    yield ["aof_current_rewrite_time_sec", seconds];
    yield ["aof_last_bgrewrite_status", this.#failures === 0 ? "ok" : "err"];
    yield ["aof_rewrites", this.#rewrites];
    yield ["aof_rewrites_consecutive_failures", this.#failures];
    yield ["aof_last_write_status", log === null || log.failure === null ? "ok" : "err"];
    yield ["aof_last_cow_size", 0];
    if (log === null) return;
    yield ["aof_current_size", this.#baseSize + log.size];
    yield ["aof_base_size", this.#sizeThen];
    yield ["aof_pending_rewrite", 0];
    yield ["aof_buffer_length", effects.pos];
    yield ["aof_pending_bio_fsync", log.syncing ? 1 : 0];
    yield ["aof_delayed_fsync", log.delayedSyncs];
  }
}
