/** A case of the differential tests: what is sent, as data, and how the answers are compared. */
import type { Argument } from "../support/resp-client.ts";
import { toBytes } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { quote, show } from "../support/resp-value.ts";

/**
 * How two replies are compared.
 *   "exact"        type and content (what is compared unless the case says otherwise)
 *   "type"         the outermost type only: for times, ids, random choices, memory sizes
 *   "error-class"  errors by their first word, anything else exactly
 *   "unordered"    the elements of the outermost array, set or map in any order
 *   "doubles"      numbers as numbers, also within texts: "0.1" and "0.10000000000000001" are equal
 *   {near: n}      integers (also as bulk strings) that differ by at most n, anything else exactly
 *   a function     true where the replies are equal enough
 */
export type Compare =
  | "exact"
  | "type"
  | "error-class"
  | "unordered"
  | "doubles"
  | { readonly near: number }
  | ((ours: RespValue, theirs: RespValue) => boolean);

/** A command line as in redis-cli ("SET k \"a b\\x00\""), or its arguments one by one (a character of a string is a byte). */
export type CommandLine = string | readonly Argument[];

export interface DetailedStep {
  readonly run?: CommandLine;
  /** Instead of `run`: bytes that are sent as they are, one character a byte. */
  readonly raw?: string;
  readonly compare?: Compare;
  /** Name of the connection that sends it; without, the case's first one. */
  readonly on?: string;
  /** Frames that answer it, if not one (CLIENT REPLY, SUBSCRIBE with several channels, several commands in `raw`). */
  readonly frames?: number;
}

export type Step = CommandLine | DetailedStep;

export interface Case {
  /** A sentence about behaviour. */
  readonly name: string;
  readonly steps: readonly Step[];
  /** For all steps that do not say otherwise. */
  readonly compare?: Compare;
  /** Both, if absent. */
  readonly protocols?: readonly (2 | 3)[];
  /** Compares the whole data set afterwards; true if absent. */
  readonly data?: boolean;
  /** Commands that put the server back as it was (CONFIG SET), run on a connection of their own; replies are not compared. */
  readonly cleanup?: readonly CommandLine[];
}

/** A step with everything spelled out. */
export interface PlainStep {
  readonly args: readonly Argument[] | null;
  readonly bytes: Buffer | null;
  readonly compare: Compare;
  readonly on: string;
  readonly frames: number;
  /** Connections whose numbers the arguments name. */
  readonly ids: readonly string[];
  /** What reports print. */
  readonly shown: string;
}

/** The connection whose number an argument stands for ("{id:other}", "{id:}" for the first one), or null. */
export function connectionOf(argument: Argument): string | null {
  return /^\{id:(\w*)\}$/.exec(String(argument))?.[1] ?? null;
}

const WORD = /\s*("(?:[^"\\]|\\.)*"|[^\s"]+)/y;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** The arguments of a command line: words, or in double quotes anything with \n \r \t \xHH \" \\. */
export function splitLine(line: CommandLine): readonly Argument[] {
  if (typeof line !== "string") return line;
  const words: string[] = [];
  WORD.lastIndex = 0;
  for (let at = 0; at < line.trimEnd().length; at = WORD.lastIndex) {
    const word = WORD.exec(line)?.[1];
    if (word === undefined) throw new Error(`unbalanced quotes: ${line}`);
    words.push(word.startsWith('"') ? unescape(word.slice(1, -1)) : word);
  }
  return words;
}

function unescape(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, other: string) =>
    hex === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(parseInt(hex, 16)),
  );
}

/** Half a second may pass on one of the servers between a command that sets a time and TTL, which rounds. */
const TTL_COMPARE: Compare = { near: 1 };

/** The step with everything spelled out. */
export function plainStep(step: Step, standard: Compare): PlainStep {
  const detailed: DetailedStep =
    typeof step === "string" || Array.isArray(step)
      ? { run: step as CommandLine }
      : (step as DetailedStep);
  const args = detailed.run === undefined ? null : splitLine(detailed.run);
  const isTtl = args !== null && String(args[0]).toUpperCase() === "TTL";
  return {
    args,
    bytes: args === null ? Buffer.from(detailed.raw!, "latin1") : null,
    compare: detailed.compare ?? (isTtl && standard === "exact" ? TTL_COMPARE : standard),
    on: detailed.on ?? "",
    frames: detailed.frames ?? 1,
    ids: (args ?? []).map(connectionOf).filter((name) => name !== null),
    shown: args === null ? `raw ${quote(detailed.raw!)}` : showLine(args),
  };
}

/** The arguments as a line that can be typed into redis-cli. */
export function showLine(args: readonly Argument[]): string {
  return args
    .map((argument) => {
      const text = toBytes(argument).toString("latin1");
      return /^[\w:*.+-]+$/.test(text) ? text : quote(text);
    })
    .join(" ");
}

/** Whether the replies are equal as far as `compare` demands it. */
export function isEqual(ours: RespValue, theirs: RespValue, compare: Compare): boolean {
  if (typeof compare === "function") return compare(ours, theirs);
  if (show(ours) === show(theirs)) return true;
  if (ours.type !== theirs.type) return false;
  if (typeof compare === "object") return isNear(ours, theirs, compare.near);
  switch (compare) {
    case "exact":
      return false;
    case "type":
      // An error in place of an answer is told by its type; two errors must be the same.
      return ours.type !== "error";
    case "error-class":
      return ours.type === "error" && firstWord(ours) === firstWord(theirs);
    case "unordered":
      return sorted(ours) === sorted(theirs);
    case "doubles":
      // redis-server 7.0 writes 17 digits of a double, Hutch as 7.2 does the fewest that read back as the same one.
      return showDoubles(ours) === showDoubles(theirs);
  }
}

function showDoubles(value: RespValue): string {
  return show(value).replace(/-?\d+\.?\d*(e[+-]?\d+)?/g, (text) => String(Number(text)));
}

function isNear(ours: RespValue, theirs: RespValue, distance: number): boolean {
  const a = numberOf(ours);
  const b = numberOf(theirs);
  // A negative answer says that there is no number.
  return a >= 0 && b >= 0 && Math.abs(a - b) <= distance;
}

function numberOf(value: RespValue): number {
  if (value.type === "integer") return Number(value.value);
  return value.type === "bulk" && value.text !== "" ? Number(value.text) : NaN;
}

function firstWord(value: RespValue): string {
  return show(value).split(" ", 1)[0]!;
}

function sorted(value: RespValue): string {
  if (value.type === "map") {
    return value.items
      .map(([key, item]) => `${show(key)}: ${show(item)}`)
      .toSorted()
      .join();
  }
  if ("items" in value && value.type !== "attribute")
    return value.items.map(show).toSorted().join();
  return show(value);
}
