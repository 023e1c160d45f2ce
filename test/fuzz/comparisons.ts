/**
 * How the replies of random lines are compared with redis-server's, and what has to follow a line whose effect is left to chance
 * so that both servers hold the same again.
 */
import type { Compare } from "../differential/case.ts";
import { isEqual } from "../differential/case.ts";
import { compareOf } from "../differential/grammar.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import { ALL_KEYS } from "./command-lines.ts";

/** Replies of commands with subcommands begin with a name of two words. */
const PARENTS: ReadonlySet<string> = new Set([
  ...["acl", "client", "command", "config", "debug", "function", "latency", "memory", "object"],
  ...["pubsub", "script", "slowlog", "xgroup", "xinfo"],
]);

/** Commands that run the line behind their keys: where the number of keys stands. */
const RUNNERS: Readonly<Record<string, number>> = {
  eval: 2,
  eval_ro: 2,
  evalsha: 2,
  evalsha_ro: 2,
  fcall: 2,
  fcall_ro: 2,
};

const COMPARES: Readonly<Record<string, Compare>> = {
  // What comes is left to chance, how much does not.
  hrandfield: sameLength,
  srandmember: sameLength,
  zrandmember: sameLength,
  spop: sameLength,
  "client|id": "type",
  // For which commands a consumer comes into being has changed in 7.2.
  "xinfo|groups": "type",
  "xgroup|createconsumer": "type",
  "function|list": sameWords,
};

/** "xinfo|stream" for XINFO STREAM x. */
export function nameOf(line: readonly string[]): string {
  const first = (line[0] ?? "").toLowerCase();
  return PARENTS.has(first) && line.length > 1 ? `${first}|${line[1]!.toLowerCase()}` : first;
}

/** The line that a script or a function runs, or the line itself. */
export function innermost(line: readonly string[]): readonly string[] {
  const at = RUNNERS[nameOf(line)];
  if (at === undefined) return line;
  const keys = Number(line[at]);
  if (!Number.isInteger(keys) || keys < 0) return line;
  const inner = line.slice(at + 1 + keys);
  return inner.length === 0 ? line : innermost(inner);
}

export function compareOfLine(line: readonly string[]): Compare {
  const inner = innermost(line);
  const name = nameOf(inner);
  const compare = compareOfName(name, inner);
  if (inner === line) return compare;
  // In a script doubles are strings, and sets and maps arrays.
  return compare === "type" ? sameKind : compare;
}

function compareOfName(name: string, line: readonly string[]): Compare {
  if (isUnsorted(line)) return sameLength;
  if (isByName(line)) return "type";
  return COMPARES[name] ?? compareOf(name);
}

/** Whether members are found by their names: what that finds is open where their scores are not the same. */
function isByName(line: readonly string[]): boolean {
  return /^z.*lex/i.test(line[0] ?? "") || line.some((word) => /^bylex$/i.test(word));
}

/** Whether a SORT may leave elements in whatever order they have: those for which the pattern gives the same. */
function isUnsorted(line: readonly string[]): boolean {
  return /^sort/i.test(line[0] ?? "") && line.some((word) => /^by$/i.test(word));
}

/** A BITFIELD that changes nothing makes the key all the same, of which redis-server does not tell who watches it. */
function isUntold(name: string, line: readonly string[]): boolean {
  return name === "bitfield" && line.some((word) => /^fail$/i.test(word));
}

/** Lines that must come first: what counts or digests in redis-server sees keys whose time has come, until they are touched. */
export function preceding(line: readonly string[]): string[][] {
  return /^(dbsize|debug\|digest-value)$/.test(nameOf(line)) ? [["TOUCH", ...ALL_KEYS]] : [];
}

/** Lines that must follow for the sake of what is left to chance. */
export function following(line: readonly string[]): string[][] {
  const inner = innermost(line);
  if (inner.length < 2) return [];
  const name = nameOf(inner);
  const isOpen = name === "spop" || (isByName(inner) && /^z(rem|rangestore)/.test(name));
  if (isOpen || isUntold(name, inner)) return [["DEL", inner[1]!]];
  if (!name.startsWith("sort")) return [];
  // A sorted set that SORT has read is a skiplist in redis-server, which keeps the sign of a zero; a listpack does not.
  const stored = inner.flatMap((word, i) => (/^store$/i.test(word) ? [inner[i + 1] ?? ""] : []));
  return [["DEL", inner[1]!, ...stored]];
}

/** Whether two answers that were chosen by chance have as many elements, or are the same error. */
function sameLength(ours: RespValue, theirs: RespValue): boolean {
  return lengthOf(ours) === lengthOf(theirs);
}

function lengthOf(value: RespValue): string {
  if ("items" in value) return `${value.items.length} items`;
  return value.type === "bulk" ? "one" : show(value);
}

/** Functions of a library come in any order. */
function sameWords(ours: RespValue, theirs: RespValue): boolean {
  const [a, b] = [ours, theirs].map((value) =>
    show(value)
      .split(/[\s,[\]{}]+/)
      .toSorted()
      .join(" "),
  );
  return a === b;
}

function sameKind(ours: RespValue, theirs: RespValue): boolean {
  return isEqual(ours, theirs, "type");
}
