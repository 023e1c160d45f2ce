/**
 * Loading a log: its base, then its increments, in slices between which the server answers that it is loading, or at once for
 * whoever has to wait for it anyway. A base is a snapshot
 * or a file of commands, and a file of an older Redis may be both, one behind the other.
 */
import { closeSync, fstatSync, ftruncateSync, fsyncSync, openSync, readSync } from "node:fs";
import { nanoseconds } from "../base/clock.ts";
import { systemErrorText } from "../base/system-errors.ts";
import type { Engine } from "../commands/engine.ts";
import type { AofFiles } from "./aof-files.ts";
import type { AofFile } from "./aof-manifest.ts";
import { AofDamaged, AofReader } from "./aof-reader.ts";
import { DataError } from "./data-error.ts";
import { EffectReplay } from "./effect-replay.ts";
import { FileSource } from "./file-source.ts";
import { isSignature, SIGNATURE_SIZE } from "./rdb-dialect.ts";
import { RdbInput } from "./rdb-input.ts";
import { RdbLoader } from "./rdb-loader.ts";

/** One slice; between slices clients are answered. */
const SLICE_NS = 8_000_000;

/** What the loading found out about the file that the log goes on in. */
export interface LogEnd {
  readonly size: number;
  readonly crc: number;
}

/** What was loaded. */
export interface Loaded {
  /** The end of the last increment, or null if there is none. */
  readonly end: LogEnd | null;
  /** Bytes of the base, and of all files. */
  readonly baseSize: number;
  readonly size: number;
}

/**
 * Loads everything that the manifest names. Throws `DataError`; the data is incomplete then.
 * @param isStopped whether the server stops meanwhile; then the loading ends early
 * @returns null if it ended early
 */
export async function loadLog(
  engine: Engine,
  files: AofFiles,
  isStopped: () => boolean,
): Promise<Loaded | null> {
  const loading = slices(engine, files, SLICE_NS);
  for (;;) {
    const { done, value } = loading.next();
    if (done === true) return value;
    await new Promise((resolve) => setImmediate(resolve));
    if (isStopped()) loading.return(null);
  }
}

/** The same while everybody waits. */
export function loadLogAtOnce(engine: Engine, files: AofFiles): void {
  const loading = slices(engine, files, Infinity);
  while (loading.next().done !== true);
}

/** Loads until `sliceNs` are over, again and again. */
function* slices(
  engine: Engine,
  files: AofFiles,
  sliceNs: number,
): Generator<void, Loaded | null, void> {
  const { base, increments } = files.manifest;
  const all = [...(base === null ? [] : [base]), ...increments];
  const sizes = all.map((file) => sizeOf(files.path(file)));
  engine.loading = {
    startedMs: engine.clock.nowMs,
    totalBytes: sizes.reduce((sum, size) => sum + size, 0),
    loadedBytes: 0,
    snapshotMemory: 0,
  };
  const replay = new EffectReplay(engine);
  let end: LogEnd | null = null;
  try {
    for (const [index, file] of all.entries()) {
      const isLast = index === all.length - 1;
      const found = yield* loadFile(engine, files, file, replay, isLast, sliceNs);
      if (file.type === "i") end = found;
    }
  } finally {
    replay.end();
    engine.loading = null;
  }
  if (replay.failed > 0) {
    engine.logger.warning(
      `${replay.failed} commands of the log answered an error, the first one: ${replay.firstError}`,
    );
  }
  const size = sizes.reduce((sum, one) => sum + one, 0);
  return { end, baseSize: base === null ? 0 : sizes[0]!, size };
}

function* loadFile(
  engine: Engine,
  files: AofFiles,
  file: AofFile,
  replay: EffectReplay,
  isLast: boolean,
  sliceNs: number,
): Generator<void, LogEnd, void> {
  const path = files.path(file);
  const fd = openSync(path, "r+");
  try {
    const signature = Buffer.alloc(SIGNATURE_SIZE);
    const { loading } = engine;
    const before = loading!.loadedBytes;
    let from = 0;
    if (
      readSync(fd, signature, 0, SIGNATURE_SIZE, 0) === SIGNATURE_SIZE &&
      isSignature(signature)
    ) {
      from = yield* loadSnapshot(engine, path, file, sliceNs);
    }
    const reader = new AofReader(fd, replay, from);
    while (reader.step(nanoseconds() + sliceNs)) {
      loading!.loadedBytes = before + reader.position;
      yield;
    }
    loading!.loadedBytes = before + reader.size;
    if (reader.torn) cut(engine, file, fd, reader, isLast);
    return { size: reader.validTo, crc: reader.crc };
  } catch (error) {
    if (!(error instanceof AofDamaged)) throw error;
    throw new DataError(
      `Bad file format reading the append only file ${file.name} at offset ${error.offset}: ${error.message}. ` +
        `Make a backup of your AOF file, then use 'hutch check --fix ${path}'.`,
    );
  } finally {
    closeSync(fd);
  }
}

/** Loads the snapshot that a file begins with. @returns where it ends */
function* loadSnapshot(
  engine: Engine,
  path: string,
  file: AofFile,
  sliceNs: number,
): Generator<void, number, void> {
  const source = new FileSource(path);
  try {
    const input = RdbInput.from(source, source.size);
    const checks = engine.options.flag("rdbchecksum");
    const loader = new RdbLoader(engine.keyspace, input, checks, true);
    const loading = engine.loading!;
    const before = loading.loadedBytes;
    while (loader.step(sliceNs)) {
      loading.loadedBytes = before + input.consumed;
      loading.snapshotMemory = loader.usedMemory;
      yield;
    }
    if (loader.error === null) {
      engine.functions.loadFile(loader.libraries);
      return input.consumed;
    }
    throw new DataError(
      `Error reading the RDB base file ${file.name}, AOF loading aborted: ${loader.error}`,
    );
  } finally {
    source.close();
  }
}

/** Cuts off the torn end of the last file, if that is allowed. */
function cut(engine: Engine, file: AofFile, fd: number, reader: AofReader, isLast: boolean): void {
  const { logger, options } = engine;
  if (!isLast) {
    throw new DataError(
      `The append only file ${file.name} ends at offset ${reader.validTo} in the middle of a command, though others follow it`,
    );
  }
  if (!options.flag("aof-load-truncated")) {
    throw new DataError(
      `Unexpected end of file reading the append only file ${file.name}. You can: 1) Make a backup of your AOF file, ` +
        "then use 'hutch check --fix <file>'. 2) Alternatively you can set the 'aof-load-truncated' configuration " +
        "option to yes and restart the server.",
    );
  }
  logger.warning(`!!! Warning: short read while loading the AOF file ${file.name}!!!`);
  logger.warning(`!!! Truncating the AOF ${file.name} at offset ${reader.validTo} !!!`);
  try {
    ftruncateSync(fd, reader.validTo);
    fsyncSync(fd);
  } catch (error) {
    throw new DataError(`Error truncating the AOF file ${file.name}: ${systemErrorText(error)}`);
  }
  logger.warning(`AOF ${file.name} loaded anyway because aof-load-truncated is enabled`);
}

function sizeOf(path: string): number {
  const fd = openSync(path, "r");
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}
