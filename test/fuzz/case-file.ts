/** The file of a case that failed: some lines about it, an empty line, and the bytes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CaseFile {
  readonly target: string;
  readonly seed: number;
  readonly step: number;
  /** What went wrong. */
  readonly problem: string;
  readonly bytes: Buffer;
}

const TITLE = "A case of Hutch's fuzzers";

/** Writes it into a folder. Returns its path. */
export function writeCase(folder: string, found: CaseFile): string {
  const path = join(folder, `hutch-fuzz-${found.target}-${found.seed}-${found.step}.case`);
  const lines = [
    TITLE,
    `target: ${found.target}`,
    `seed: ${found.seed}`,
    `step: ${found.step}`,
    `problem: ${found.problem.replaceAll("\n", " ").slice(0, 1000)}`,
    `again: bun run fuzz --replay ${path}`,
    "",
    "",
  ];
  writeFileSync(path, Buffer.concat([Buffer.from(lines.join("\n"), "latin1"), found.bytes]));
  return path;
}

/** Reads it back. */
export function readCase(path: string): CaseFile {
  const all = readFileSync(path);
  const end = all.indexOf("\n\n");
  const lines = all.toString("latin1", 0, end).split("\n");
  if (lines[0] !== TITLE) throw new Error(`${path} is no case`);
  const field = (name: string): string =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
  return {
    target: field("target"),
    seed: Number(field("seed")),
    step: Number(field("step")),
    problem: field("problem"),
    bytes: all.subarray(end + 2),
  };
}
