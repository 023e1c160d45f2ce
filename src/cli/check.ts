/**
 * `hutch check FILE [--fix]`: examines a file of a log, a snapshot, or all files of a log that its manifest names, in their order,
 * by loading them into an engine of its own, and says where they are damaged. With `--fix` it writes a copy of a file of a log
 * without what can't be read; the file itself is never touched. A snapshot has one checksum for all, so of a damaged one there is
 * no part that can be trusted; and of a log only the last file can be cut, since what follows counts on what stands before it.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { allRows } from "../all-rows.ts";
import { OPTION_ROWS } from "../base/option-table.ts";
import { Options } from "../base/options.ts";
import { systemErrorText } from "../base/system-errors.ts";
import { Engine } from "../commands/engine.ts";
import type { AofManifest } from "../persistence/aof-manifest.ts";
import { ManifestError, parseManifest } from "../persistence/aof-manifest.ts";
import { AofDamaged, AofReader } from "../persistence/aof-reader.ts";
import { EffectReplay } from "../persistence/effect-replay.ts";
import { FileSource } from "../persistence/file-source.ts";
import { isSignature, SIGNATURE_SIZE } from "../persistence/rdb-dialect.ts";
import { RdbInput } from "../persistence/rdb-input.ts";
import { RdbLoader } from "../persistence/rdb-loader.ts";

const USAGE = "Usage: hutch check FILE [--fix]";

/** Bytes at the beginning of a file that tell whether it is a manifest. */
const HEAD_SIZE = 4096;

/** What an examination found. */
interface Finding {
  readonly size: number;
  /** Where what can be read ends. */
  readonly validTo: number;
  readonly commands: number;
  readonly marked: boolean;
  /** What is wrong, or null. */
  readonly problem: string | null;
}

/**
 * Runs the command. @param words those behind `check` @param print takes a line of output
 * @returns the exit status: 0 if the file is sound, or its copy is now
 */
export function check(words: readonly string[], print: (line: string) => void): number {
  const fix = words.includes("--fix");
  const [path, ...more] = words.filter((word) => word !== "--fix");
  if (path === undefined || more.length > 0) {
    print(USAGE);
    return 1;
  }
  const engine = new Engine({ options: new Options(OPTION_ROWS), rows: allRows() });
  try {
    if (isManifest(path)) return checkManifest(engine, path, fix, print);
    return checkFile(engine, path, fix, print);
  } catch (error) {
    print(`${path}: ${systemErrorText(error)}`);
    return 1;
  } finally {
    engine.keyspace.release();
  }
}

/** Whether the first line that is no comment begins as those of manifests do. */
function isManifest(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEAD_SIZE);
    const size = readSync(fd, head, 0, HEAD_SIZE, 0);
    return /^(#.*\n)*\s*file\s/i.test(head.toString("latin1", 0, size));
  } finally {
    closeSync(fd);
  }
}

/** Examines all files of a log, one behind the other, as a start would load them. */
function checkManifest(
  engine: Engine,
  path: string,
  fix: boolean,
  print: (line: string) => void,
): number {
  let manifest: AofManifest;
  try {
    manifest = parseManifest(readFileSync(path, "latin1"));
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    print(`${path} is damaged. ${error.message}`);
    return 1;
  }
  const journal = path.replace(/\.manifest$/, ".journal");
  if (journal !== path && existsSync(journal)) {
    print(
      `${journal} was left by a server that did not end in order: what it has and the files lack,`,
    );
    print("after a loss of power, the next start adds to them.");
  }
  const { base, increments } = manifest;
  const files = [...(base === null ? [] : [base]), ...increments];
  for (const [index, { name }] of files.entries()) {
    const isLast = index === files.length - 1;
    const file = join(dirname(path), Buffer.from(name, "latin1").toString());
    const status = checkFile(engine, file, fix && isLast, print);
    if (status === 0) continue;
    if (!isLast) {
      print(`${files.length - 1 - index} more of ${path} count on it: it can't be cut.`);
    }
    return status;
  }
  print(`${path}: all ${files.length} files are ${fix ? "valid, or a copy is" : "valid"}`);
  return 0;
}

function checkFile(
  engine: Engine,
  path: string,
  fix: boolean,
  print: (line: string) => void,
): number {
  const { size, validTo, commands, marked, problem } = examine(engine, path);
  const checksums = marked ? "with checksums" : "without checksums";
  if (commands > 0) {
    print(`${path}: ${size} bytes ${checksums}, ${commands} commands in the first ${validTo}`);
  }
  if (problem === null) {
    print(`${path} is valid`);
    return 0;
  }
  print(`${path} is damaged at offset ${problem}`);
  const copy = `${path}.fixed`;
  if (validTo === 0) {
    print("Nothing of it can be kept.");
    return 1;
  }
  if (!fix) {
    print(`With --fix the first ${validTo} bytes are written to ${copy}.`);
    return 1;
  }
  copyFileSync(path, copy);
  const fd = openSync(copy, "r+");
  try {
    ftruncateSync(fd, validTo);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  print(`${copy} holds the first ${validTo} bytes; ${size - validTo} bytes are left out`);
  return 0;
}

/** Loads a file behind those that were loaded before. */
function examine(engine: Engine, path: string): Finding {
  const fd = openSync(path, "r");
  const replay = new EffectReplay(engine);
  try {
    const signature = Buffer.alloc(SIGNATURE_SIZE);
    let from = 0;
    if (
      readSync(fd, signature, 0, SIGNATURE_SIZE, 0) === SIGNATURE_SIZE &&
      isSignature(signature)
    ) {
      const { input, error, size } = loadSnapshot(engine, path);
      if (error !== null) {
        const problem = `${input.consumed}: ${error}`;
        return { size, validTo: 0, commands: 0, marked: false, problem };
      }
      from = input.consumed;
    }
    const reader = new AofReader(fd, replay, from);
    let problem: string | null = null;
    try {
      reader.step(Infinity);
      if (reader.torn) problem = `${reader.validTo}: its end is cut off`;
    } catch (error) {
      if (!(error instanceof AofDamaged)) throw error;
      problem = `${error.offset}: ${error.message}`;
    }
    const { size, marked } = reader;
    // Behind a checksum that was right everything is doubtful once one is wrong.
    const validTo = problem !== null && !reader.torn && marked ? reader.validMark : reader.validTo;
    return { size, validTo, commands: replay.commands, marked, problem };
  } finally {
    replay.end();
    closeSync(fd);
  }
}

/** Loads the snapshot that a file begins with. */
function loadSnapshot(
  engine: Engine,
  path: string,
): { input: RdbInput; error: string | null; size: number } {
  const source = new FileSource(path);
  try {
    const input = RdbInput.from(source, source.size);
    const loader = new RdbLoader(engine.keyspace, input, true, true);
    loader.step(Infinity);
    return { input, error: loader.error, size: source.size };
  } finally {
    source.close();
  }
}
