/**
 * The manifest of the append-only file: which files it consists of, in which order they are read. Redis 7's format:
 *
 *   file appendonly.aof.2.base.rdb seq 2 type b      at most one: the data as it was once
 *   file appendonly.aof.2.incr.aof seq 2 type i      what was written since, the last one still growing
 *   file appendonly.aof.1.incr.aof seq 1 type h      history: needed no more, to be deleted
 *
 * One line a file; keys and values in pairs, unknown keys are skipped, "#" begins a comment, a name with blanks stands in double
 * quotes. A damaged manifest is refused with Redis's reasons: guessing which files to read would lose data.
 */
import { Args } from "../protocol/args.ts";
import { splitInline } from "../protocol/inline.ts";

export type AofFileType = "b" | "h" | "i";

/** A file of the log. */
export interface AofFile {
  readonly name: string;
  readonly seq: number;
  readonly type: AofFileType;
}

/** The files of a log, without those that are history. */
export interface AofManifest {
  readonly base: AofFile | null;
  /** Ascending. */
  readonly increments: readonly AofFile[];
  /** The latest first. */
  readonly history: readonly AofFile[];
}

export const EMPTY_MANIFEST: AofManifest = { base: null, increments: [], history: [] };

/** A manifest that can't be trusted; the message names the line. */
export class ManifestError extends Error {
  override name = "ManifestError";
}

/** Longest line with its end: Redis's AOF_MANIFEST_LINE_MAX_LEN. */
const LINE_MAX = 1024;

/** Reads a manifest. Throws `ManifestError`. @param text one character a byte */
export function parseManifest(text: string): AofManifest {
  let base: AofFile | null = null;
  const increments: AofFile[] = [];
  const history: AofFile[] = [];
  let lastIncrement = 0;
  const lines = text.split("\n");
  if (text === "") throw new ManifestError("Found an empty AOF manifest");
  for (const [index, line] of lines.entries()) {
    const refuse = (reason: string): never => {
      throw new ManifestError(`${reason}: line ${index + 1} is '${line.slice(0, 100)}'`);
    };
    const isLast = index === lines.length - 1;
    if (isLast && line === "") break;
    if (line.startsWith("#")) continue;
    // A line without an end is one whose end did not fit into the buffer, or was never written.
    if (line.length >= LINE_MAX - 1 || isLast) {
      refuse("The AOF manifest file contains too long line");
    }
    const file = parseLine(line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ""), refuse);
    if (file.type === "b") {
      if (base !== null) refuse("Found duplicate base file information");
      base = file;
    } else if (file.type === "h") {
      history.push(file);
    } else {
      if (file.seq <= lastIncrement) refuse("Found a non-monotonic sequence number");
      lastIncrement = file.seq;
      increments.push(file);
    }
  }
  return { base, increments, history };
}

function parseLine(line: string, refuse: (reason: string) => never): AofFile {
  const args = new Args();
  const bytes = Buffer.from(line, "latin1");
  const error = splitInline(bytes, 0, bytes.length, args);
  if (error !== null || args.count < 6 || args.count % 2 !== 0) {
    refuse("Invalid AOF manifest file format");
  }
  let name = "";
  let seq = 0;
  let type = "";
  for (let i = 0; i < args.count; i += 2) {
    if (args.is(i, "FILE")) {
      name = args.text(i + 1);
      if (/[/\\]/.test(name)) refuse("File can't be a path, just a filename");
    } else if (args.is(i, "SEQ")) {
      seq = Number.parseInt(args.text(i + 1), 10) || 0;
    } else if (args.is(i, "TYPE")) {
      type = args.text(i + 1).charAt(0);
    }
  }
  if (name === "" || seq === 0 || type === "") refuse("Mismatched manifest key");
  if (type !== "b" && type !== "h" && type !== "i") return refuse("Unknown AOF file type");
  return { name, seq, type };
}

/** The text of a manifest, one character a byte. */
export function formatManifest({ base, increments, history }: AofManifest): string {
  const files = [...(base === null ? [] : [base]), ...history, ...increments];
  return files
    .map(({ name, seq, type }) => `file ${quoted(name)} seq ${seq} type ${type}\n`)
    .join("");
}

function quoted(name: string): string {
  if (/^[!#-&(-[\]-~]+$/.test(name)) return name;
  const escaped = name.replace(/[^ -~]|["\\]/g, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${escaped}"`;
}
