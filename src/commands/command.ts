/** A command of the table, ready to run: its row, the row's facts in the form that execution reads, its counters. */
import { LatencyHistogram } from "./latency-histogram.ts";
import { unreachable } from "../base/assert.ts";
import { categoryBits } from "./acl-categories.ts";
import { accessOf, isFound, keySpecsOf, soleKeyOf } from "./key-specs.ts";
import type { CommandRow, Flag, Handler, KeySpec } from "./row.ts";

const FLAG_NAMES: readonly Flag[] = [
  "write",
  "readonly",
  "denyoom",
  "admin",
  "pubsub",
  "noscript",
  "blocking",
  "loading",
  "stale",
  "skip_monitor",
  "skip_slowlog",
  "asking",
  "fast",
  "no_auth",
  "may_replicate",
  "no_mandatory_keys",
  "no_async_loading",
  "no_multi",
  "movablekeys",
  "allow_busy",
  "protected",
  "touches_arbitrary_keys",
];

/** The bit of a flag. */
export function flagBit(flag: Flag): number {
  return 1 << FLAG_NAMES.indexOf(flag);
}

export const WRITE: number = flagBit("write");
export const DENY_OOM: number = flagBit("denyoom");
export const READONLY: number = flagBit("readonly");
export const FAST: number = flagBit("fast");
export const LOADING: number = flagBit("loading");
export const NO_AUTH: number = flagBit("no_auth");
export const ALLOW_BUSY: number = flagBit("allow_busy");
export const NO_SCRIPT: number = flagBit("noscript");
export const MAY_REPLICATE: number = flagBit("may_replicate");
export const NO_MULTI: number = flagBit("no_multi");
export const ADMIN: number = flagBit("admin");
export const SKIP_MONITOR: number = flagBit("skip_monitor");
export const SKIP_SLOW_LOG: number = flagBit("skip_slowlog");

/** What need not be looked at for its time, by its complexity. */
const QUICK = /^O\((1|log)/;
/** Commands whose work is that of their arguments or of their reply, though they are not called fast, or that tell how much it was. */
const BOUNDED: ReadonlySet<string> = new Set([
  ...["del", "mset", "msetnx", "lrange", "smembers", "hgetall", "hkeys", "hvals", "getrange"],
  ...["substr", "setrange", "zrange", "zrevrange", "xrange", "xrevrange", "hrandfield"],
  "bitcount",
]);

/** Clears the bit that tells the cases of an ASCII letter apart. */
export const UPPER_CASE = 0xdf;

/** The first four letters of a name as one integer, whatever their case; shorter names are filled up with zero. */
export function letters(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= 4) {
    return (
      (bytes[start]! |
        (bytes[start + 1]! << 8) |
        (bytes[start + 2]! << 16) |
        (bytes[start + 3]! << 24)) &
      0xdfdfdfdf
    );
  }
  let word = 0;
  for (let i = 0; i < length; i++) word |= (bytes[start + i]! & UPPER_CASE) << (i * 8);
  return word;
}

export class Command {
  /** Small integer by which access control knows the command; the table gives every command and subcommand another. */
  id = 0;
  readonly row: CommandRow;
  /** "get", or "config|get" for a subcommand: as clients know it. */
  readonly fullName: string;
  /** The same as its row has it, whatever `rename-command` says: what the code knows it by, and the log. */
  readonly ownName: string;
  /** Its own name, or its container's, if clients know it by another one; else null. */
  readonly renamedFrom: string | null;
  /** The row's own name in upper case, as one-byte characters. */
  readonly upperName: string;
  /** The first letters of the name and the last ones, by which the table finds it. */
  readonly head: number;
  readonly tail: number;
  /** The name is up to eight letters and nothing else, so `head`, `tail` and its length say all of it. */
  readonly isShort: boolean;
  readonly arity: number;
  readonly flags: number;
  readonly handler: Handler;
  /** Its work may grow with the data, beyond its arguments and its reply: each call is timed. */
  readonly mayBeSlow: boolean;
  /** Index of the argument that is the first key, or 0 if none is at a fixed place. */
  readonly keyAt: number;
  /** The row's, or 0. */
  readonly memberAt: number;
  /** Runs at once although the session queues commands for EXEC. */
  readonly runsInMulti: boolean;
  /** Runs though the session has subscriptions and speaks RESP2. */
  readonly runsSubscribed: boolean;
  readonly isExec: boolean;
  /** Within a transaction it is queued: it is neither refused then nor run at once. */
  readonly isQueued: boolean;
  readonly parent: Command | null;
  /** By upper-case name; null if this is no container. */
  readonly subcommands: ReadonlyMap<string, Command> | null;
  /** The specifications that name keys; none if the command has no keys. */
  readonly keySpecs: readonly KeySpec[];
  /** Index of the one key, for the many commands that have exactly one, at a fixed place; else -1. */
  readonly soleKeyAt: number;
  /** What is done with that key, as bits: see `accessOf`. */
  readonly soleKeyAccess: number;
  /** It touches no other keys than those that the specifications find. */
  readonly namesItsKeys: boolean;
  /** And it changes nothing: its reply shows what these keys hold. */
  readonly onlyReadsItsKeys: boolean;
  /** Its reply shows nothing of the data. */
  readonly showsNoData: boolean;

  // Counters, for INFO commandstats.
  calls = 0;
  /** Calls refused before they ran. */
  rejected = 0;
  /** Calls that answered an error. */
  failed = 0;
  /** Nanoseconds spent, estimated from the calls that were timed. */
  timeNs = 0;
  /** How long the timed calls took; null before the first. */
  latency: LatencyHistogram | null = null;
  /** The call that is timed next: each of the first ones, then one in a few. See `timeCall`. */
  timedCall = 0;
  #categories: number | undefined;

  constructor(row: CommandRow, parent: Command | null = null) {
    this.row = row;
    this.parent = parent;
    const shown = row.renamed ?? row.name;
    this.fullName = parent === null ? shown : `${parent.fullName}|${shown}`;
    this.ownName = parent === null ? row.name : `${parent.ownName}|${row.name}`;
    this.renamedFrom =
      parent === null ? (shown === row.name ? null : row.name) : parent.renamedFrom;
    this.upperName = shown.toUpperCase();
    const name = Buffer.from(this.upperName, "latin1");
    this.head = letters(name, 0, name.length);
    this.tail = letters(name, Math.max(0, name.length - 4), name.length);
    this.isShort = /^[A-Z]{1,8}$/.test(this.upperName);
    this.arity = row.arity;
    this.flags = row.flags
      .split(" ")
      .reduce((bits, flag) => (flag === "" ? bits : bits | flagBit(flag as Flag)), 0);
    this.handler = row.handler ?? (() => unreachable("a container has no handler of its own"));
    this.mayBeSlow =
      (this.flags & (FAST | SKIP_SLOW_LOG)) === 0 &&
      !QUICK.test(row.complexity) &&
      !BOUNDED.has(this.ownName);
    const firstKey = row.keys?.[0]?.begin;
    this.keyAt = typeof firstKey === "number" ? firstKey : 0;
    this.memberAt = row.memberAt ?? 0;
    this.runsInMulti = row.runsInMulti === true;
    this.runsSubscribed = row.runsSubscribed === true;
    this.isExec = this.ownName === "exec";
    this.isQueued = !this.runsInMulti && (this.flags & NO_MULTI) === 0;
    this.keySpecs = keySpecsOf(row);
    this.soleKeyAt = soleKeyOf(this.keySpecs);
    this.soleKeyAccess = this.soleKeyAt === -1 ? 0 : accessOf(this.keySpecs[0]!.flags);
    const runsCommands = row.runsCommands === true || row.group === "scripting";
    this.namesItsKeys =
      !runsCommands && this.keySpecs.length > 0 && this.keySpecs.every((spec) => isFound(spec));
    this.onlyReadsItsKeys = this.namesItsKeys && (this.flags & READONLY) !== 0;
    this.showsNoData = row.group === "connection" && (this.flags & WRITE) === 0;
    this.subcommands =
      row.subcommands === undefined
        ? null
        : new Map(row.subcommands.map((sub) => [sub.name.toUpperCase(), new Command(sub, this)]));
  }

  /** Counts the time of a call. @param calls for how many it stands @param tracks counts in the histogram as well */
  addTime(ns: number, calls: number, tracks: boolean): void {
    this.timeNs += ns * calls;
    if (!tracks) return;
    this.latency ??= new LatencyHistogram();
    this.latency.record(ns, calls);
  }

  /** All specifications, those of what is not a key included. */
  get keys(): readonly KeySpec[] {
    return this.row.keys ?? [];
  }

  get children(): readonly Command[] {
    return this.subcommands === null ? [] : [...this.subcommands.values()];
  }

  /** Bit n: it belongs to the category at index n. */
  get categories(): number {
    this.#categories ??= categoryBits(this);
    return this.#categories;
  }

  /** The flags' names, in Redis's order. */
  flagNames(): Flag[] {
    return FLAG_NAMES.filter((flag) => this.flags & flagBit(flag));
  }

  resetCounters(): void {
    this.calls = 0;
    this.rejected = 0;
    this.failed = 0;
    this.timeNs = 0;
    this.timedCall = 0;
    this.latency = null;
    for (const sub of this.subcommands?.values() ?? []) sub.resetCounters();
  }
}
