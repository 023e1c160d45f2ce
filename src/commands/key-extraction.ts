/**
 * The keys of a command line, found by the key specifications of the command's row. Whoever needs to know which keys a
 * command touches asks here, so that nobody's idea of them differs from another's.
 */
import { isWord } from "../base/bytes.ts";
import { leadingInt32 } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { KeyUses } from "../security/inquiry.ts";
import type { Command } from "./command.ts";
import { accessOf, hasFlag } from "./key-specs.ts";
import type { KeySpec } from "./row.ts";

/** The keys of one command line. One object is filled again and again. */
export class KeyList implements KeyUses {
  count = 0;
  /** Whether all keys are there that the line itself says it has. */
  isWhole = true;
  /** Indexes of the arguments that are keys. */
  readonly positions: number[] = [];
  /** What the command does with each: the flags of a `KeySpec`. */
  readonly flags: string[] = [];
  /** The same as bits: see `accessOf`. */
  readonly access: number[] = [];

  push(position: number, flags: string, access: number): void {
    this.positions[this.count] = position;
    this.flags[this.count] = flags;
    this.access[this.count] = access;
    this.count++;
  }
}

/** Whether the command can have keys at all. */
export function hasKeys(command: Command): boolean {
  return command.keySpecs.length > 0;
}

/**
 * Finds the keys of the command line that begins at argument `from` and fills `list` with them. A number of keys is read as Redis
 * does that for whoever asks about keys: more loosely than by the command, which refuses what is not quite a number.
 * @returns false, the list empty, if the line has no keys where the specifications say that they stand
 */
export function extractKeys(command: Command, args: Args, from: number, list: KeyList): boolean {
  list.count = 0;
  list.isWhole = true;
  const { soleKeyAt } = command;
  if (soleKeyAt !== -1) {
    if (from + soleKeyAt >= args.count) return false;
    const { flags, flagsOf } = command.keySpecs[0]!;
    const own = flagsOf?.(args, from);
    const access = own === undefined ? command.soleKeyAccess : accessOf(own);
    list.push(from + soleKeyAt, own ?? flags, access);
    return true;
  }
  for (const spec of command.keySpecs) {
    if (extract(spec, args, from, list)) continue;
    list.count = 0;
    return false;
  }
  return list.count > 0;
}

function extract(spec: KeySpec, args: Args, from: number, list: KeyList): boolean {
  const count = args.count - from;
  if (spec.locate !== undefined) {
    const at = spec.locate(args, from);
    if (at !== 0) pushRange(spec, args, from, at - from, lastLocated(spec, at - from, count), list);
    return true;
  }
  // Only the command can tell, when it runs.
  if (spec.begin === "unknown" || spec.find === "unknown") return true;
  let first = beginOf(spec, args, from, count);
  // A keyword may be missing.
  if (first === 0) return true;
  const { find } = spec;
  let last: number;
  if ("countAt" in find) {
    if (first + find.countAt >= count) return false;
    const countAt = from + first + find.countAt;
    const keys = leadingInt32(args.bytes, args.start(countAt), args.end(countAt));
    first += find.firstKey;
    last = first + (keys - 1) * find.step;
    // The command refuses the line: nobody is asked about any of its keys, the others neither.
    if (last < first || last >= count) return false;
  } else if (find.last >= 0) {
    last = first + find.last;
  } else if (find.limit === undefined || find.limit === 0) {
    last = count + find.last;
  } else {
    // Only the first of `limit` equal parts holds keys.
    last = first + Math.floor((count - first) / find.limit) + find.last;
  }
  // What is not there is passed over: there may be other keys, and the command refuses the line if it has to.
  if (last < first || last >= count) {
    list.isWhole = false;
    return true;
  }
  pushRange(spec, args, from, first, last, list);
  // Some keys stand where no specification can tell.
  return !hasFlag(spec, "incomplete");
}

/** Where the keys end of which `locate` found the first: it is the only one, or they go on to the end of the line. */
function lastLocated({ find }: KeySpec, first: number, count: number): number {
  return find !== "unknown" && "last" in find && find.last < 0 ? count + find.last : first;
}

/** Adds the keys from `first` to `last`, both relative to `from`. */
function pushRange(
  spec: KeySpec,
  args: Args,
  from: number,
  first: number,
  last: number,
  list: KeyList,
): void {
  const { find } = spec;
  const step = find === "unknown" ? 1 : find.step;
  const flags = spec.flagsOf?.(args, from) ?? spec.flags;
  const access = accessOf(flags);
  for (let i = first; i <= last; i += step) list.push(from + i, flags, access);
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
