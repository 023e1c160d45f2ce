/**
 * The keys of a command line, found by the key specifications of the command's row. Whoever needs to know which keys a
 * command touches asks here, so that nobody's idea of them differs from another's.
 */
import { isWord } from "../base/bytes.ts";
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import type { KeySpec } from "./row.ts";

/** The keys of one command line. One object is filled again and again. */
export class KeyList {
  count = 0;
  /** Indexes of the arguments that are keys. */
  readonly positions: number[] = [];
  /** What the command does with each: the flags of a `KeySpec`. */
  readonly flags: string[] = [];

  push(position: number, flags: string): void {
    this.positions[this.count] = position;
    this.flags[this.count] = flags;
    this.count++;
  }
}

/** Whether the command can have keys at all. */
export function hasKeys(command: Command): boolean {
  return command.keys.some((spec) => !hasFlag(spec, "not_key"));
}

/**
 * Finds the keys of the command line that begins at argument `from` and fills `list` with them.
 * @returns false, the list empty, if the line has not the form that the specifications describe
 */
export function extractKeys(command: Command, args: Args, from: number, list: KeyList): boolean {
  list.count = 0;
  for (const spec of command.keys) {
    if (hasFlag(spec, "not_key")) continue;
    if (!extract(spec, args, from, list)) {
      list.count = 0;
      return false;
    }
  }
  return true;
}

function extract(spec: KeySpec, args: Args, from: number, list: KeyList): boolean {
  const count = args.count - from;
  if (spec.begin === "unknown" || spec.find === "unknown") {
    const at = spec.locate?.(args, from) ?? 0;
    if (at !== 0) list.push(at, spec.flags);
    return true;
  }
  let first = beginOf(spec, args, from, count);
  // A keyword that may be missing follows keys that stand elsewhere.
  if (first === 0) return list.count > 0;
  const { find } = spec;
  let last: number;
  if ("countAt" in find) {
    if (first + find.countAt >= count) return false;
    const keys = args.integer(from + first + find.countAt);
    // More keys than arguments is refused below; NaN is no count.
    if (!(keys > 0)) return false;
    first += find.firstKey;
    last = first + (keys - 1) * find.step;
  } else if (find.last >= 0) {
    last = first + find.last;
  } else if (find.limit === undefined || find.limit === 0) {
    last = count + find.last;
  } else {
    // Only the first of `limit` equal parts holds keys.
    last = first + Math.floor((count - first) / find.limit) + find.last;
  }
  if (last < first || last >= count) return false;
  const flags = spec.flagsOf?.(args, from) ?? spec.flags;
  for (let i = first; i <= last; i += find.step) list.push(from + i, flags);
  // Some keys stand where no specification can tell.
  return !hasFlag(spec, "incomplete");
}

/** Where the specification begins, relative to `from`; 0 if its keyword is not there. */
function beginOf(spec: KeySpec, args: Args, from: number, count: number): number {
  const { begin } = spec;
  if (begin === "unknown") return 0;
  if (typeof begin === "number") return begin;
  const forward = begin.from > 0;
  const step = forward ? 1 : -1;
  for (let i = forward ? begin.from : count + begin.from; i > 0 && i < count; i += step) {
    const at = from + i;
    if (isWord(args.bytes, args.start(at), args.end(at), begin.keyword)) return i + 1;
  }
  return 0;
}

function hasFlag(spec: KeySpec, flag: string): boolean {
  return spec.flags.includes(flag);
}
