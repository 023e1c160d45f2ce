/**
 * The categories of commands that access control knows. Most follow from a command's flags and group; a row names the others.
 */
import type { Command } from "./command.ts";

/** Redis's categories, in the order in which it prints them. */
export const CATEGORIES = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
] as const;

export type Category = (typeof CATEGORIES)[number];

/** The categories of a command as bits: bit n for the one at index n. */
export function categoryBits(command: Command): number {
  return categoriesOf(command).reduce((bits, name) => bits | (1 << CATEGORIES.indexOf(name)), 0);
}

/** Groups whose commands all belong to a category. */
const OF_GROUP: Readonly<Partial<Record<string, Category>>> = {
  generic: "keyspace",
  string: "string",
  hash: "hash",
  list: "list",
  set: "set",
  "sorted-set": "sortedset",
  bitmap: "bitmap",
  hyperloglog: "hyperloglog",
  geo: "geo",
  stream: "stream",
  pubsub: "pubsub",
  connection: "connection",
  transactions: "transaction",
  scripting: "scripting",
};

/** The categories of a command, in Redis's order. A row's "-name" takes one away again. */
export function categoriesOf(command: Command): Category[] {
  const { row } = command;
  const flags = new Set<string>(command.flagNames());
  const found = new Set<string>();
  const scripting = row.group === "scripting";
  if (flags.has("write")) found.add("write");
  // Scripts may write whatever their flags say of the command that runs them.
  if (flags.has("readonly") && !scripting) found.add("read");
  if (flags.has("admin")) {
    found.add("admin");
    found.add("dangerous");
  }
  if (flags.has("pubsub")) found.add("pubsub");
  if (flags.has("blocking")) found.add("blocking");
  found.add(flags.has("fast") ? "fast" : "slow");
  // What only holds subcommands belongs nowhere: its subcommands do.
  const ofGroup = command.subcommands === null ? OF_GROUP[row.group] : undefined;
  if (ofGroup !== undefined) found.add(ofGroup);
  for (const name of row.categories?.split(" ") ?? []) {
    if (name.startsWith("-")) found.delete(name.slice(1));
    else found.add(name);
  }
  return CATEGORIES.filter((category) => found.has(category));
}
