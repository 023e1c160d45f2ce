/** A command of the table, ready to run: its row, the row's facts in the form that execution reads, its counters. */
import { unreachable } from "../base/assert.ts";
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
export const READONLY: number = flagBit("readonly");
export const LOADING: number = flagBit("loading");
export const NO_AUTH: number = flagBit("no_auth");
export const NO_SCRIPT: number = flagBit("noscript");
export const MAY_REPLICATE: number = flagBit("may_replicate");
export const NO_MULTI: number = flagBit("no_multi");

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
  readonly row: CommandRow;
  /** "get", or "config|get" for a subcommand. */
  readonly fullName: string;
  /** The row's own name in upper case, as one-byte characters. */
  readonly upperName: string;
  /** The first letters of the name, by which the table finds it. */
  readonly head: number;
  /** The name is one to four letters, so `head` and its length say all of it. */
  readonly exactHead: boolean;
  readonly arity: number;
  readonly flags: number;
  readonly handler: Handler;
  /** Runs at once although the session queues commands for EXEC. */
  readonly runsInMulti: boolean;
  /** Runs though the session has subscriptions and speaks RESP2. */
  readonly runsSubscribed: boolean;
  readonly isExec: boolean;
  readonly parent: Command | null;
  /** By upper-case name; null if this is no container. */
  readonly subcommands: ReadonlyMap<string, Command> | null;

  // Counters, for INFO commandstats.
  calls = 0;
  /** Calls refused before they ran. */
  rejected = 0;
  /** Calls that answered an error. */
  failed = 0;
  /** Nanoseconds spent, estimated from the calls that were timed. */
  timeNs = 0;
  /** The call that is timed next: each of the first ones, then one in a few. See `timeCall`. */
  timedCall = 0;

  constructor(row: CommandRow, parent: Command | null = null) {
    this.row = row;
    this.parent = parent;
    this.fullName = parent === null ? row.name : `${parent.fullName}|${row.name}`;
    this.upperName = row.name.toUpperCase();
    this.head = letters(Buffer.from(this.upperName, "latin1"), 0, this.upperName.length);
    this.exactHead = /^[A-Z]{1,4}$/.test(this.upperName);
    this.arity = row.arity;
    this.flags = row.flags
      .split(" ")
      .reduce((bits, flag) => (flag === "" ? bits : bits | flagBit(flag as Flag)), 0);
    this.handler = row.handler ?? (() => unreachable("a container has no handler of its own"));
    this.runsInMulti = row.runsInMulti === true;
    this.runsSubscribed = row.runsSubscribed === true;
    this.isExec = this.fullName === "exec";
    this.subcommands =
      row.subcommands === undefined
        ? null
        : new Map(row.subcommands.map((sub) => [sub.name.toUpperCase(), new Command(sub, this)]));
  }

  get keys(): readonly KeySpec[] {
    return this.row.keys ?? [];
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
    for (const sub of this.subcommands?.values() ?? []) sub.resetCounters();
  }
}
