/**
 * Loads the data of an RDB file or an AOF into a new data directory. The files are copied there as a log, under a name that no
 * server looks for, and loaded by the loader of a start; only when all of it was understood, the log gets the name by which a server
 * finds it. The source's files are only read, and an import that fails or is stopped leaves nothing that a start would take.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Logger } from "../base/log.ts";
import { OPTION_ROWS } from "../base/option-table.ts";
import { Options } from "../base/options.ts";
import { systemErrorText } from "../base/system-errors.ts";
import type { Instance } from "../instance.ts";
import { startInstance } from "../instance.ts";
import type { AofFile, AofManifest } from "../persistence/aof-manifest.ts";
import {
  EMPTY_MANIFEST,
  formatManifest,
  ManifestError,
  parseManifest,
} from "../persistence/aof-manifest.ts";
import { DataError } from "../persistence/data-error.ts";
import { isSignature, SIGNATURE_SIZE } from "../persistence/rdb-dialect.ts";
import type { FileImport } from "./import-request.ts";
import type { ProgressPlace } from "./progress.ts";
import { grouped, Progress } from "./progress.ts";
import { toBytes } from "./words.ts";

const LOG_FOLDER = "appendonlydir";
const LOG_NAME = "appendonly.aof";
const SNAPSHOT_NAME = "dump.rdb";
/** Where the log stands until it is whole. */
const WORK_FOLDER = "hutch-import.tmp";

/** How often the progress of the loading is looked at. */
const LOOK_MS = 100;

/** A log, and the files that it consists of. */
interface Source {
  readonly manifest: AofManifest;
  /** Path by the name in the manifest. */
  readonly paths: ReadonlyMap<string, string>;
}

/** Imports the files. Throws `DataError` (as a rejection); the data directory has no new data then. */
export async function importFiles(request: FileImport, place: ProgressPlace): Promise<void> {
  const progress = new Progress(place, "bytes");
  const { path, directory } = request;
  try {
    await load(request, progress);
  } catch (error) {
    if (!(error instanceof DataError) && !isSystemError(error)) throw error;
    throw new DataError(`${path} can't be imported: ${systemErrorText(error)}`);
  }
  progress.line(`A server finds the data with: hutch --dir ${directory}`);
}

async function load({ path, directory }: FileImport, progress: Progress): Promise<void> {
  const source = findSource(path);
  mkdirSync(directory, { recursive: true });
  refuseData(directory, path);
  const work = join(directory, WORK_FOLDER);
  rmSync(work, { recursive: true, force: true });
  try {
    const names = copyFiles(source, work);
    const keys = await tryLog(directory, progress).catch((error: unknown) => {
      throw error instanceof DataError ? inNamesOf(error, work, names) : error;
    });
    renameSync(work, join(directory, LOG_FOLDER));
    syncPath(directory);
    progress.line(`${grouped(keys)} keys imported from ${path} to ${directory}`);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}

/** What a path means. */
function findSource(path: string): Source {
  if (path.endsWith(".manifest")) return ofManifest(path);
  if (!statSync(path).isDirectory()) return ofFile(path);
  for (const folder of [path, join(path, LOG_FOLDER)]) {
    const found = existsSync(folder)
      ? readdirSync(folder).filter((name) => name.endsWith(".manifest"))
      : [];
    if (found.length > 1) {
      throw new DataError(`${folder} has more than one manifest; name the one to import`);
    }
    if (found.length === 1) return ofManifest(join(folder, found[0]!));
  }
  throw new DataError("there is no manifest of an AOF in this folder; name the file to import");
}

function ofManifest(path: string): Source {
  let manifest;
  try {
    manifest = parseManifest(readFileSync(path, "latin1"));
  } catch (error) {
    if (error instanceof ManifestError) throw new DataError(error.message);
    throw error;
  }
  const folder = dirname(path);
  const named = [...(manifest.base === null ? [] : [manifest.base]), ...manifest.increments];
  const paths = new Map<string, string>();
  const renamed = (file: AofFile): AofFile => {
    const original = join(folder, Buffer.from(file.name, "latin1").toString());
    const name = nameOf(file, original);
    paths.set(name, original);
    return { ...file, name };
  };
  if (named.length === 0) throw new DataError("its manifest names no file");
  return {
    manifest: {
      base: manifest.base === null ? null : renamed(manifest.base),
      increments: manifest.increments.map(renamed),
      history: [],
    },
    paths,
  };
}

function ofFile(path: string): Source {
  const base: AofFile = { name: "", seq: 1, type: "b" };
  const name = nameOf(base, path);
  return {
    manifest: { ...EMPTY_MANIFEST, base: { ...base, name } },
    paths: new Map([[name, path]]),
  };
}

/** The name that a file of a log has in the new directory. */
function nameOf({ seq, type }: AofFile, path: string): string {
  if (type === "i") return `${LOG_NAME}.${seq}.incr.aof`;
  const signature = Buffer.alloc(SIGNATURE_SIZE);
  const fd = openSync(path, "r");
  try {
    readSync(fd, signature, 0, signature.length, 0);
  } finally {
    closeSync(fd);
  }
  const format = isSignature(signature) ? "rdb" : "aof";
  return `${LOG_NAME}.${seq}.base.${format}`;
}

/** Data that is there already would be hidden, or hide what is imported. */
function refuseData(directory: string, path: string): void {
  for (const name of [LOG_FOLDER, LOG_NAME, SNAPSHOT_NAME]) {
    const there = join(directory, name);
    if (!existsSync(there) || realpathSync(there) === realpathSync(path)) continue;
    throw new DataError(`${there} exists already; an import needs a data directory without data`);
  }
}

/** Copies the files and makes the copies safe. @returns the path of each file by its name */
function copyFiles({ manifest, paths }: Source, work: string): ReadonlyMap<string, string> {
  mkdirSync(work);
  for (const [name, path] of paths) {
    copyFileSync(path, join(work, name));
    syncPath(join(work, name));
  }
  const manifestPath = join(work, `${LOG_NAME}.manifest`);
  writeFileSync(manifestPath, Buffer.from(formatManifest(manifest), "latin1"));
  syncPath(manifestPath);
  syncPath(work);
  return paths;
}

/** Loads the copied log in a server that listens nowhere. @returns the number of keys */
async function tryLog(directory: string, progress: Progress): Promise<number> {
  const options = new Options(OPTION_ROWS);
  const settings: readonly (readonly [string, string])[] = [
    ["dir", toBytes(directory)],
    ["appendonly", "yes"],
    ["appenddirname", WORK_FOLDER],
    ["bind", ""],
    ["save", ""],
  ];
  for (const [name, value] of settings) {
    const reason = options.set(name, value);
    if (reason !== null) throw new DataError(`${name}: ${reason}`);
  }
  const logger = new Logger();
  logger.level = "warning";
  // What is left out of a torn file is told without the stamp of a log.
  logger.write = (line) => progress.line(line.replace(/^.*? # /, ""));
  const instance = startInstance({ options, logger });
  const timer = setInterval(() => show(instance, progress), LOOK_MS);
  try {
    await instance.loaded;
    return instance.engine.keyspace.size;
  } finally {
    clearInterval(timer);
    await instance.stop();
  }
}

function show({ engine }: Instance, progress: Progress): void {
  const { loading } = engine;
  if (loading !== null) progress.update(loading.loadedBytes, loading.totalBytes);
}

/** An error of the loader, about the files that were copied. */
function inNamesOf(error: DataError, work: string, names: ReadonlyMap<string, string>): DataError {
  let text = error.message;
  for (const [name, path] of names) {
    text = text.replaceAll(join(work, name), () => path).replaceAll(name, () => path);
  }
  return new DataError(text);
}

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}
