/**
 * Only in verify mode: the rows of a server with handlers that may look up the keys of their command line and no others. So a test fails
 * that runs a command which touches a key that key extraction does not know, and access control therefore not either.
 */
import type { Args } from "../protocol/args.ts";
import { Command } from "./command.ts";
import { extractKeys, KeyList } from "./key-extraction.ts";
import type { CommandRow } from "./row.ts";

export function guardedRow(row: CommandRow, parent: Command | null = null): CommandRow {
  // It serves to extract keys only; the one that is run is made of the new row.
  const command = new Command({ ...row, subcommands: undefined! }, parent);
  const { handler, subcommands } = row;
  return {
    ...row,
    ...(subcommands === undefined
      ? {}
      : { subcommands: subcommands.map((sub) => guardedRow(sub, command)) }),
    ...(handler === undefined
      ? {}
      : {
          handler: (session, args, reply) => {
            const { keyGuard } = session.engine.keyspace;
            if (keyGuard === null) return handler(session, args, reply);
            keyGuard.during(keysOf(command, args), () => handler(session, args, reply));
          },
        }),
  };
}

/** The names of the keys; null if the command may look up any. */
function keysOf(command: Command, args: Args): ReadonlySet<string> | null {
  if (looksUpAny(command)) return null;
  const list = new KeyList();
  extractKeys(command, args, 0, list);
  return new Set(list.positions.slice(0, list.count).map((at) => args.text(at)));
}

/** Commands without keys that look at those that somebody watches: what ends a transaction, and what changes a database as a whole. */
const LOOK_AT_WATCHED: ReadonlySet<string> = new Set([
  "discard",
  "exec",
  "flushall",
  "flushdb",
  "reset",
  "swapdb",
  "unwatch",
]);

/** SORT checks by itself whether it may read what its patterns name; DEBUG and its like are for those who may do everything. */
function looksUpAny({ row, keySpecs }: Command): boolean {
  const flags = row.flags.split(" ");
  if (LOOK_AT_WATCHED.has(row.name)) return true;
  if (flags.includes("admin") || flags.includes("touches_arbitrary_keys")) return true;
  return keySpecs.some(({ begin, locate }) => begin === "unknown" && locate === undefined);
}
