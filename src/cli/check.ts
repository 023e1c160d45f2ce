/**
 * `hutch check FILE [--fix]`: examines a file of a log, by running it on an engine of its own, and says where it is damaged. With
 * `--fix` it writes a copy without what can't be read; the file itself is never touched.
 */
import { closeSync, copyFileSync, fsyncSync, ftruncateSync, openSync, readSync } from "node:fs";
import { ALL_ROWS } from "../all-rows.ts";
import { OPTION_ROWS } from "../base/option-table.ts";
import { Options } from "../base/options.ts";
import { systemErrorText } from "../base/system-errors.ts";
import { Engine } from "../commands/engine.ts";
import { AofDamaged, AofReader } from "../persistence/aof-reader.ts";
import { EffectReplay } from "../persistence/effect-replay.ts";

const USAGE = "Usage: hutch check FILE [--fix]";

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
  try {
    return checkFile(path, fix, print);
  } catch (error) {
    print(`${path}: ${systemErrorText(error)}`);
    return 1;
  }
}

function checkFile(path: string, fix: boolean, print: (line: string) => void): number {
  const { size, validTo, commands, marked, problem } = examine(path);
  const checksums = marked ? "with checksums" : "without checksums";
  print(`${path}: ${size} bytes ${checksums}, ${commands} commands in the first ${validTo}`);
  if (problem === null) {
    print(`${path} is valid`);
    return 0;
  }
  print(`${path} is damaged at offset ${problem}`);
  const copy = `${path}.fixed`;
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

function examine(path: string): Finding {
  const engine = new Engine({ options: new Options(OPTION_ROWS), rows: ALL_ROWS });
  const fd = openSync(path, "r");
  const replay = new EffectReplay(engine);
  try {
    const signature = Buffer.alloc(5);
    if (readSync(fd, signature, 0, 5, 0) === 5 && signature.toString("latin1") === "REDIS") {
      throw new Error("a snapshot, which this version can't examine");
    }
    const reader = new AofReader(fd, replay);
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
    engine.keyspace.release();
  }
}
