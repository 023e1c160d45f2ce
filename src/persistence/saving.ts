/**
 * The snapshot file of a server: when it is written, how that went, and reading it at the start. One object an engine.
 *
 * SAVE, SHUTDOWN and DEBUG RELOAD write it in one go; BGSAVE and the `save` points in slices between the turns of clients.
 * Either way it is written under another name first (file-sink.ts), so the last whole file stays until there is a new one.
 */
import { join } from "node:path";
import { systemErrorCode, systemErrorText } from "../base/system-errors.ts";
import type { Engine } from "../commands/engine.ts";
import { DataError } from "./data-error.ts";
import { FileSink } from "./file-sink.ts";
import { FileSource } from "./file-source.ts";
import { functionPayload, snapshotLoading, snapshots } from "./late-parts.ts";
import type { RdbInput } from "./rdb-input.ts";
import type { RdbLoader } from "./rdb-loader.ts";
import type { Snapshot } from "./snapshot.ts";

/** A slice of loading. */
const SLICE_NS = 1_000_000;
/** After a failure `save` points wait this long. */
const RETRY_MS = 5000;

const IN_PROGRESS = "ERR Background save already in progress";
const RELOAD_FAILED = "ERR Error trying to load the RDB dump, check server logs.";
const MISCONF =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";

interface SavePoint {
  readonly ms: number;
  readonly changes: number;
}

/** A snapshot that is being written in the background. */
interface Background {
  readonly snapshot: Snapshot;
  readonly sink: FileSink;
  readonly startedMs: number;
  /** Changes that are in it. */
  readonly changes: number;
}

const byEngine = new WeakMap<Engine, Saving>();

export class Saving {
  readonly #engine: Engine;
  #points: SavePoint[] = [];
  #background: Background | null = null;
  /** Why the last background snapshot failed, or null. */
  #lastError: string | null = null;
  /** Unix time of the last snapshot. */
  #lastSaveMs: number;
  /** When it was made, and when one was tried last, by the clock that never jumps. */
  #savedAtMs: number;
  #triedAtMs = 0;
  /** Seconds that the last background snapshot took; -1 before the first. */
  #lastSeconds = -1;
  /** Changes that the file has. */
  #savedChanges = 0;
  #saves = 0;
  #loadedKeys = 0;
  #expiredKeys = 0;
  #stopped = false;
  /** BGSAVE SCHEDULE has to wait for another snapshot to end. */
  #isScheduled = false;

  /** The one of an engine. */
  static of(engine: Engine): Saving {
    let saving = byEngine.get(engine);
    if (saving === undefined) {
      saving = new Saving(engine);
      byEngine.set(engine, saving);
    }
    return saving;
  }

  private constructor(engine: Engine) {
    this.#engine = engine;
    this.#lastSaveMs = engine.clock.nowMs;
    this.#savedAtMs = engine.clock.monotonicMs;
    engine.options.onChange("save", (text) => {
      const numbers = text === "" ? [] : text.split(" ").map(Number);
      this.#points = [];
      for (let i = 0; i + 1 < numbers.length; i += 2) {
        this.#points.push({ ms: numbers[i]! * 1000, changes: numbers[i + 1]! });
      }
      this.#refuseIfDue();
    });
    engine.options.onChange("stop-writes-on-bgsave-error", () => this.#refuseIfDue());
    engine.hooks = {
      ...engine.hooks,
      reload: (mode) => this.#reload(mode),
      flushed: () => this.#flushed(),
      packLibraries: (codes) => functionPayload().packLibraries(engine, codes),
      unpackLibraries: (bytes, start, end) => functionPayload().unpackLibraries(bytes, start, end),
    };
    engine.beatTasks.push(() => this.#beat());
    engine.info.add("persistence", () => this.#fields());
  }

  /** Unix time in ms of the last snapshot that was written, or of the start. */
  get lastSaveMs(): number {
    return this.#lastSaveMs;
  }

  /** Whether there are `save` points, and a snapshot is wanted at the end. */
  get isWanted(): boolean {
    return this.#points.length > 0;
  }

  /** A snapshot is being written in the background. */
  get isInProgress(): boolean {
    return this.#background !== null;
  }

  // ---- writing ----

  /** Writes the file at once. Returns an error in Redis's words, or null. */
  save(): string | null {
    const engine = this.#engine;
    if (this.#background !== null) return IN_PROGRESS;
    if (engine.keyspace.store.guard !== null) {
      return "ERR Background append only file rewriting already in progress";
    }
    const { changes } = engine.keyspace.store;
    const sink = new FileSink(this.#temporary());
    let failed: string | null = sink.error;
    if (failed === null) {
      const snapshot = snapshots().startSnapshot(engine, sink, (error) => (failed = error));
      snapshot.step(Infinity);
    }
    failed ??= sink.commitSync(this.#path());
    if (failed !== null) {
      sink.discard();
      engine.logger.warning(`Error saving DB on disk: ${failed}`);
      return "ERR";
    }
    this.#succeeded(changes);
    engine.logger.notice("DB saved on disk");
    return null;
  }

  /** Begins to write the file in the background. Returns an error in Redis's words, or null. */
  startInBackground(): string | null {
    const engine = this.#engine;
    if (this.#background !== null) return IN_PROGRESS;
    if (engine.keyspace.store.guard !== null) {
      return "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";
    }
    this.#isScheduled = false;
    this.#triedAtMs = engine.clock.monotonicMs;
    const { changes } = engine.keyspace.store;
    const sink = new FileSink(this.#temporary());
    if (sink.error !== null) {
      this.#ended(sink.error);
      return "ERR";
    }
    const snapshot = snapshots().startSnapshot(engine, sink, (error) => {
      if (error !== null) sink.discard();
      if (error !== null) this.#ended(error);
      else sink.commit(this.#path(), (reason) => this.#ended(reason));
    });
    this.#background = { snapshot, sink, startedMs: engine.clock.nowMs, changes };
    engine.logger.notice("Background saving started");
    this.#slice(snapshot);
    return null;
  }

  /**
   * Begins as soon as no other snapshot is under way. Returns whether that is later.
   * @param always begins with the next beat, not now
   */
  schedule(always: boolean): boolean {
    this.#isScheduled = always || this.#engine.keyspace.store.guard !== null;
    return this.#isScheduled;
  }

  /** Ends a background snapshot without a file. */
  cancel(): void {
    const background = this.#background;
    if (background === null) return;
    this.#background = null;
    background.snapshot.cancel();
    background.sink.discard();
  }

  /** The server ends: nothing is written or loaded any more. */
  stop(): void {
    this.#stopped = true;
    this.cancel();
  }

  #slice(snapshot: Snapshot): void {
    setImmediate(() => {
      if (this.#background?.snapshot !== snapshot) return;
      this.#engine.beginTurn();
      if (snapshot.step()) this.#slice(snapshot);
    });
  }

  #ended(error: string | null): void {
    const { logger, clock } = this.#engine;
    const background = this.#background;
    this.#background = null;
    this.#lastError = error;
    if (background !== null) {
      this.#lastSeconds = Math.floor((clock.nowMs - background.startedMs) / 1000);
    }
    if (error === null) {
      this.#succeeded(background?.changes ?? this.#savedChanges);
      logger.notice("Background saving terminated with success");
    } else {
      logger.warning(`Background saving error: ${error}`);
    }
    this.#refuseIfDue();
  }

  #succeeded(changes: number): void {
    this.#savedChanges = changes;
    this.#lastSaveMs = this.#engine.clock.nowMs;
    this.#savedAtMs = this.#engine.clock.monotonicMs;
    this.#lastError = null;
    this.#saves++;
    this.#refuseIfDue();
  }

  /** While snapshots are wanted and can't be written, nobody is to rely on writes. */
  #refuseIfDue(): void {
    const engine = this.#engine;
    const refuses =
      this.#lastError !== null &&
      this.#points.length > 0 &&
      engine.options.flag("stop-writes-on-bgsave-error");
    engine.refuseWrites("snapshot", refuses ? MISCONF : null);
  }

  #beat(): void {
    const engine = this.#engine;
    const { guard, changes } = engine.keyspace.store;
    if (this.#stopped || guard !== null || this.#background !== null || engine.loading !== null)
      return;
    // While a script is half done there is nothing to save.
    if (engine.busyScript !== null) return;
    if (this.#isScheduled) {
      this.startInBackground();
      return;
    }
    const nowMs = engine.clock.monotonicMs;
    if (this.#lastError !== null && nowMs - this.#triedAtMs < RETRY_MS) return;
    const made = changes - this.#savedChanges;
    const due = this.#points.find(
      (point) => made >= point.changes && nowMs - this.#savedAtMs > point.ms,
    );
    if (due === undefined) return;
    engine.logger.notice(`${due.changes} changes in ${due.ms / 1000} seconds. Saving...`);
    this.startInBackground();
  }

  /** After FLUSHALL nobody wants the keys back with the next start. */
  #flushed(): void {
    this.cancel();
    if (this.#points.length > 0) this.save();
  }

  // ---- loading ----

  /** Loads the file, if there is one, in slices; the engine is `loading` meanwhile. Rejects with a `DataError`. */
  load(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#loadInSlices((error) => {
      if (error === null) return resolve();
      const name = this.#engine.options.text("dbfilename");
      reject(new DataError(`The snapshot ${name} can't be loaded: ${error}.`));
    });
    return promise;
  }

  /** @param done gets an error in words, or null */
  #loadInSlices(done: (error: string | null) => void): void {
    const engine = this.#engine;
    const source = this.#open();
    if (source === null) return done(null);
    if (typeof source === "string") return done(source);
    const { input, loader } = this.#loader(source);
    const startedMs = engine.clock.nowMs;
    const loading = { startedMs, totalBytes: source.size, loadedBytes: 0, snapshotMemory: 0 };
    engine.loading = loading;
    const step = (): void => {
      if (this.#stopped) return source.close();
      engine.beginTurn();
      let error: string | null;
      try {
        if (loader.step(SLICE_NS)) {
          loading.loadedBytes = input.consumed;
          loading.snapshotMemory = loader.usedMemory;
          setImmediate(step);
          return;
        }
        ({ error } = loader);
      } catch (failure) {
        error = systemErrorText(failure);
      }
      engine.loading = null;
      source.close();
      this.#loaded(loader);
      if (error === null) {
        const seconds = ((engine.clock.nowMs - startedMs) / 1000).toFixed(3);
        const counts = `keys loaded: ${loader.loaded}, keys expired: ${loader.expired}`;
        engine.logger.notice(`Done loading RDB, ${counts}.`);
        engine.logger.notice(`DB loaded from disk: ${seconds} seconds`);
      }
      done(error);
    };
    setImmediate(step);
  }

  #loader(source: FileSource): { input: RdbInput; loader: RdbLoader } {
    const { keyspace, options } = this.#engine;
    const parts = snapshotLoading();
    const input = parts.RdbInput.from(source, source.size);
    const checks = options.flag("rdbchecksum");
    return { input, loader: new parts.RdbLoader(keyspace, input, checks, false) };
  }

  #loaded(loader: RdbLoader): void {
    this.#loadedKeys = loader.loaded;
    this.#expiredKeys = loader.expired;
    this.#engine.functions.loadFile(loader.libraries);
    this.#savedChanges = this.#engine.keyspace.store.changes;
  }

  /** The file, an error in words, or null if there is none. */
  #open(): FileSource | string | null {
    try {
      return new FileSource(this.#path());
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return null;
      return `Fatal error: can't open the RDB file ${this.#path()} for reading: ${systemErrorText(error)}`;
    }
  }

  #reload({
    save,
    flush,
    merge,
  }: {
    save: boolean;
    flush: boolean;
    merge: boolean;
  }): string | null {
    const { keyspace, logger } = this.#engine;
    if (save) {
      this.cancel();
      const error = this.save();
      if (error !== null) return error;
    }
    if (flush) for (const database of keyspace.databases) database.clear();
    const source = this.#open();
    if (source === null || typeof source === "string") {
      logger.warning(source ?? "There is no RDB file to load.");
      return RELOAD_FAILED;
    }
    const { loader } = this.#loader(source);
    loader.merges = merge;
    loader.step(Infinity);
    source.close();
    if (loader.error !== null) {
      logger.warning(`Error loading the RDB file: ${loader.error}`);
      return RELOAD_FAILED;
    }
    this.#loaded(loader);
    logger.warning("DB reloaded by DEBUG RELOAD");
    return null;
  }

  // ---- inside ----

  #path(): string {
    return join(this.#directory(), pathOf(this.#engine.options.text("dbfilename")));
  }

  #temporary(): string {
    return join(this.#directory(), `temp-${process.pid}.rdb`);
  }

  #directory(): string {
    return pathOf(this.#engine.options.text("dir"));
  }

  *#fields(): Iterable<readonly [string, string | number]> {
    const { clock, keyspace } = this.#engine;
    const background = this.#background;
    const startedMs = background?.startedMs ?? 0;
    yield ["current_cow_peak", 0];
    yield ["current_cow_size", 0];
    yield ["current_save_keys_processed", background?.snapshot.keys ?? 0];
    yield ["current_save_keys_total", background === null ? 0 : background.snapshot.total];
    yield ["rdb_changes_since_last_save", keyspace.store.changes - this.#savedChanges];
    yield ["rdb_bgsave_in_progress", background === null ? 0 : 1];
    yield ["rdb_last_save_time", Math.floor(this.#lastSaveMs / 1000)];
    yield ["rdb_last_bgsave_status", this.#lastError === null ? "ok" : "err"];
    yield ["rdb_last_bgsave_time_sec", this.#lastSeconds];
    yield [
      "rdb_current_bgsave_time_sec",
      background === null ? -1 : Math.floor((clock.nowMs - startedMs) / 1000),
    ];
    yield ["rdb_saves", this.#saves];
    yield ["rdb_last_cow_size", 0];
    yield ["rdb_last_load_keys_expired", this.#expiredKeys];
    yield ["rdb_last_load_keys_loaded", this.#loadedKeys];
  }
}

/** Options hold paths as one character a byte. */
function pathOf(text: string): string {
  return Buffer.from(text, "latin1").toString();
}
