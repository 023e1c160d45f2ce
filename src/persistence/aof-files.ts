/**
 * The folder of an append-only file: its manifest (`aof-manifest.ts`) and the files that it names.
 *
 * Every step leaves a folder that can be started from, whenever the machine stops: a file is created and synced before a manifest
 * names it, a manifest takes the place of another one in one rename, and a file is deleted only after the manifest that stands
 * no longer needs it. Creating, renaming and deleting are synced with the folder.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorText } from "../base/system-errors.ts";
import { addToCrc, MARK_SIZE, writeMark } from "./aof-marks.ts";
import type { AofFile, AofManifest } from "./aof-manifest.ts";
import { EMPTY_MANIFEST, formatManifest, ManifestError, parseManifest } from "./aof-manifest.ts";
import { DataError } from "./data-error.ts";
import { FileSink, syncFolder } from "./file-sink.ts";
import { recoverJournal } from "./journal-recovery.ts";
import { writeAll } from "./write-all.ts";

/** An increment that was opened for appending. */
export interface Increment {
  readonly fd: number;
  readonly size: number;
  /** Checksum of its bytes. */
  readonly crc: number;
  /** Its number. */
  readonly seq: number;
}

export class AofFiles {
  /** The folder of the files. */
  readonly folder: string;
  readonly #directory: string;
  readonly #name: string;
  #manifest: AofManifest = EMPTY_MANIFEST;

  /** @param directory data directory @param folder `appenddirname` @param name `appendfilename` */
  constructor(directory: string, folder: string, name: string) {
    this.#directory = directory;
    this.folder = join(directory, folder);
    this.#name = name;
  }

  get manifest(): AofManifest {
    return this.#manifest;
  }

  get manifestPath(): string {
    return join(this.folder, `${this.#name}.manifest`);
  }

  /** Beside the increments (`aof-journal.ts`). */
  get journalPath(): string {
    return join(this.folder, `${this.#name}.journal`);
  }

  path(file: AofFile): string {
    return join(this.folder, file.name);
  }

  /**
   * Reads the manifest, and makes a log in one file, as Redis before 7 wrote it, the base of a log in parts. Throws `DataError` if
   * the manifest or a file that it names is not as it should be.
   */
  read(): void {
    this.#removeTemporary();
    const single = join(this.#directory, this.#name);
    if (existsSync(this.manifestPath)) {
      this.#manifest = this.#readManifest();
    } else if (existsSync(single)) {
      this.persist({ ...EMPTY_MANIFEST, base: { name: this.#name, seq: 1, type: "b" } });
    }
    this.#removeUnnamed();
    const { base, increments } = this.#manifest;
    if (base?.name === this.#name && increments.length === 0 && !existsSync(this.path(base))) {
      // Either just now, or a start that was interrupted before this.
      if (existsSync(single)) {
        renameSync(single, this.path(base));
        this.#syncFolder();
      }
    }
    for (const file of [...(base === null ? [] : [base]), ...increments]) {
      if (existsSync(this.path(file))) continue;
      throw new DataError(`The AOF file ${file.name} doesn't exist`);
    }
  }

  /** Completes the increments from the journal, if there is one. Returns how many bytes they lacked. Throws `DataError`. */
  recover(): number {
    return recoverJournal(this.journalPath, (seq) => {
      const file = this.#manifest.increments.find((increment) => increment.seq === seq);
      return file === undefined ? null : this.path(file);
    });
  }

  /** Puts a manifest in the place of the one that stands. Throws what the system says; then the old one stands. */
  persist(manifest: AofManifest): void {
    this.#makeFolder();
    const path = this.manifestPath;
    const temporary = join(this.folder, `temp-${this.#name}.manifest`);
    const fd = openSync(temporary, "w", 0o644);
    try {
      writeAll(fd, Buffer.from(formatManifest(manifest), "latin1"));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    this.#manifest = manifest;
    this.#syncFolder();
  }

  /**
   * Like `persist`, in two steps, so that nobody waits for the disk: the manifest is written and synced beside the one that
   * stands, and takes its place when the function is called that this settles with. After that `syncFolder` makes it last.
   */
  async prepare(manifest: AofManifest): Promise<() => void> {
    const temporary = join(this.folder, `temp-${this.#name}.manifest`);
    const fd = openSync(temporary, "w", 0o644);
    try {
      writeAll(fd, Buffer.from(formatManifest(manifest), "latin1"));
      await sync(fd);
    } finally {
      closeSync(fd);
    }
    return () => {
      renameSync(temporary, this.manifestPath);
      this.#manifest = manifest;
    };
  }

  /** Makes created, renamed and deleted names last. */
  async syncFolder(): Promise<void> {
    const fd = this.openFolder();
    try {
      await sync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** The folder itself, for whoever syncs it together with files; he closes it. */
  openFolder(): number {
    return openSync(this.folder, "r");
  }

  /** Like `createIncrement`, without making anybody wait for the disk. */
  async prepareIncrement(): Promise<{ file: AofFile; increment: Increment }> {
    const created = this.#newIncrement();
    try {
      await sync(created.increment.fd);
    } catch (error) {
      closeSync(created.increment.fd);
      throw error;
    }
    return created;
  }

  /** Creates the next increment, which is named by no manifest yet. Throws what the system says. */
  createIncrement(): { file: AofFile; increment: Increment } {
    this.#makeFolder();
    const created = this.#newIncrement();
    try {
      fdatasyncSync(created.increment.fd);
    } catch (error) {
      closeSync(created.increment.fd);
      throw error;
    }
    return created;
  }

  #newIncrement(): { file: AofFile; increment: Increment } {
    const seq = this.#nextSeq("i");
    const file: AofFile = { name: `${this.#name}.${seq}.incr.aof`, seq, type: "i" };
    // What stands there under this name belongs to no log: a start or a rewrite was interrupted before its manifest.
    const fd = openSync(this.path(file), "w", 0o644);
    closeSync(fd);
    const appending = openSync(this.path(file), "a", 0o644);
    const mark = Buffer.alloc(MARK_SIZE);
    writeMark(mark, 0, 0);
    try {
      writeAll(appending, mark);
    } catch (error) {
      closeSync(appending);
      throw error;
    }
    const crc = addToCrc(0, mark, 0, MARK_SIZE);
    return { file, increment: { fd: appending, size: MARK_SIZE, crc, seq } };
  }

  /** The next base: a snapshot, or a file of commands. */
  nextBase(asCommands: boolean): AofFile {
    const seq = this.#nextSeq("b");
    const name = `${this.#name}.${seq}.base.${asCommands ? "aof" : "rdb"}`;
    return { name, seq, type: "b" };
  }

  /** A file that is to become the next base. */
  createBase(): FileSink {
    this.#makeFolder();
    return new FileSink(join(this.folder, `temp-rewriteaof-bg-${process.pid}.aof`));
  }

  /** Bytes of the base; 0 if there is none. */
  baseSize(): number {
    const { base } = this.#manifest;
    return base === null ? 0 : statSync(this.path(base)).size;
  }

  /** Deletes the files that are history, and takes them out of the manifest. */
  async removeHistory(): Promise<void> {
    const { history } = this.#manifest;
    if (history.length === 0) return;
    // Giving back the blocks of a large file takes its time.
    await Promise.all(history.map((file) => rm(this.path(file), { force: true })));
    const place = await this.prepare({ ...this.#manifest, history: [] });
    place();
  }

  #readManifest(): AofManifest {
    let text;
    try {
      text = readFileSync(this.manifestPath, "latin1");
    } catch (error) {
      throw new DataError(
        `Can't open the AOF manifest ${this.manifestPath} for reading: ${systemErrorText(error)}`,
      );
    }
    try {
      return parseManifest(text);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      throw new DataError(`The AOF manifest ${this.manifestPath} is damaged. ${error.message}`);
    }
  }

  #nextSeq(type: "b" | "i"): number {
    const { base, increments, history } = this.#manifest;
    const files = [...(base === null ? [] : [base]), ...increments, ...history];
    const known = files.filter(({ name }) =>
      type === "b" ? !isIncrement(name) : isIncrement(name),
    );
    return Math.max(0, ...known.map(({ seq }) => seq)) + 1;
  }

  /** Deletes what an interrupted step has left. */
  #removeTemporary(): void {
    if (!existsSync(this.folder)) return;
    for (const name of readdirSync(this.folder)) {
      if (name.startsWith("temp-")) rmSync(join(this.folder, name), { force: true });
    }
  }

  /** Deletes files of this log that the manifest does not name: an interrupted rewrite has left them. */
  #removeUnnamed(): void {
    const { base, increments, history } = this.#manifest;
    if (base === null && increments.length === 0) return;
    const named = new Set([base, ...increments, ...history].map((file) => file?.name));
    for (const name of readdirSync(this.folder)) {
      const isOurs =
        name.startsWith(`${this.#name}.`) && /\.\d+\.(base\.(rdb|aof)|incr\.aof)$/.test(name);
      if (isOurs && !named.has(name)) rmSync(join(this.folder, name), { force: true });
    }
  }

  /** Makes the folder if there is none, and makes its name last. */
  #makeFolder(): void {
    if (mkdirSync(this.folder, { recursive: true }) === undefined) return;
    syncFolder(this.#directory);
  }

  #syncFolder(): void {
    syncFolder(this.folder);
  }
}

function sync(fd: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  fsync(fd, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  return promise;
}

function isIncrement(name: string): boolean {
  return name.endsWith(".incr.aof");
}
