/**
 * Rewriting a log: all data as it is now becomes the new base, a snapshot or, as `aof-use-rdb-preamble` says, commands, and a new
 * increment takes what comes after. The files that were there become history and are deleted.
 *
 *   begin    the old increment gets everything so far; a new one is begun, named by the manifest, and in the same turn the
 *            snapshot, so that the two fit together without a gap and without an overlap
 *   slices   the snapshot is written to a temporary file
 *   end      the file is synced and renamed; one manifest names it and the new increment and makes the rest history
 *
 * Whenever it stops in between, the manifest that stands is right: the old base with all increments, or the new base with the new
 * one. A rewrite that fails leaves one increment more.
 *
 * It is also how a log is switched on: then there is no old log, or one that is out of date, and the manifest names the new
 * increment only together with its base (`announces` is false).
 */
import { systemErrorText } from "../base/system-errors.ts";
import type { Engine } from "../commands/engine.ts";
import type { AofFiles } from "./aof-files.ts";
import type { AofLog } from "./aof-log.ts";
import type { AofFile } from "./aof-manifest.ts";
import type { FileSink } from "./file-sink.ts";
import type { Snapshot } from "./snapshot.ts";
import { startSnapshot } from "./snapshot.ts";

export class AofRewrite {
  readonly startedMs: number;
  readonly #engine: Engine;
  readonly #files: AofFiles;
  readonly #log: AofLog | null;
  readonly #increment: AofFile | null;
  readonly #done: (error: string | null) => void;
  readonly #base: AofFile;
  readonly #sink: FileSink;
  readonly #snapshot: Snapshot;
  /** Stream offset that the snapshot stands for. */
  readonly #offset: number;
  /** Effects before it that the failing log could not take: the base holds what they did. */
  readonly #untaken: number;
  #over = false;
  #switching: Promise<void> | null = null;

  /**
   * Begins with the snapshot; the effects from now on go to `increment`, which `log` has been switched to.
   * @param increment null if no log goes on
   * @param done is told once, not after `cancel`
   */
  constructor(
    engine: Engine,
    files: AofFiles,
    log: AofLog | null,
    increment: AofFile | null,
    done: (error: string | null) => void,
  ) {
    this.#engine = engine;
    this.#files = files;
    this.#log = log;
    this.#increment = increment;
    this.#done = done;
    this.startedMs = engine.clock.nowMs;
    this.#offset = engine.gate.offset;
    this.#untaken = engine.effects.pos;
    const asCommands = !engine.options.flag("aof-use-rdb-preamble");
    this.#base = files.nextBase(asCommands);
    this.#sink = files.createBase();
    this.#snapshot = startSnapshot(engine, this.#sink, (error) => this.#written(error), {
      forLog: true,
      asCommands,
    });
  }

  /** Writes all of it in slices. */
  run(): void {
    setImmediate(() => {
      if (this.#over) return;
      this.#engine.beginTurn();
      if (this.#snapshot.step()) this.run();
    });
  }

  /** Ends it; the files stay as they are. Settles when nothing is done to them any more. */
  async cancel(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#snapshot.cancel();
    this.#sink.discard();
    await this.#switching;
  }

  #written(error: string | null): void {
    if (error !== null) {
      this.#sink.discard();
      return this.#end(error);
    }
    void this.#commit();
  }

  /**
   * Gives the base its name. That syncs the folder, and with it the manifest that names the new increment: by then the old one
   * must be on the disk to its end, or a loss of power would leave one that is torn with others behind it.
   */
  async #commit(): Promise<void> {
    await this.#log?.flush();
    if (this.#over) return;
    this.#sink.commit(this.#files.path(this.#base), (reason) => {
      if (reason !== null) return this.#end(reason);
      this.#switching = this.#finish();
    });
  }

  async #finish(): Promise<void> {
    try {
      await this.#switch();
      this.#end(null);
    } catch (failure) {
      this.#end(systemErrorText(failure));
    }
  }

  /** Puts the manifest of the new files in place. */
  async #switch(): Promise<void> {
    const { manifest } = this.#files;
    const first = this.#increment?.seq ?? Infinity;
    const older = manifest.increments.filter(({ seq }) => seq < first);
    const newer = manifest.increments.filter(({ seq }) => seq > first);
    const replaced = [...older.toReversed(), ...(manifest.base === null ? [] : [manifest.base])];
    const place = await this.#files.prepare({
      base: this.#base,
      increments: this.#increment === null ? [] : [this.#increment, ...newer],
      history: [...replaced.map((file): AofFile => ({ ...file, type: "h" })), ...manifest.history],
    });
    if (this.#over) return;
    place();
    await this.#files.syncFolder();
    const log = this.#log;
    if (log?.syncFailed === true) {
      this.#engine.effects.taken(this.#untaken);
      log.covered(this.#offset);
      this.#engine.gate.commit();
    }
  }

  #end(error: string | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#done(error);
  }
}
