/** COMMAND and its subcommands: what the command table knows, for clients. */
import { matchesGlob } from "../base/glob.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Category } from "./acl-categories.ts";
import { categoriesOf } from "./acl-categories.ts";
import type { Command } from "./command.ts";
import { flagBit } from "./command.ts";
import { writeDocs, writeWords } from "./command-docs.ts";
import { SYNTAX_ERROR } from "./guards.ts";
import { extractKeys, hasKeys, KeyList } from "./key-extraction.ts";
import { helpOf } from "./help.ts";
import type { CommandRow, Flag, KeySpec } from "./row.ts";
import type { Session } from "./session.ts";

const NO_MANDATORY_KEYS: number = flagBit("no_mandatory_keys");

/** Flags that Redis does not show. */
const HIDDEN_FLAGS: ReadonlySet<Flag> = new Set(["protected", "touches_arbitrary_keys"]);

const keyList = new KeyList();

function all(session: Session, _args: Args, reply: Reply): void {
  const { commands } = session.engine.table;
  reply.array(commands.length);
  for (const command of commands) writeInfo(command, reply);
}

function info(session: Session, args: Args, reply: Reply): void {
  if (args.count === 2) return all(session, args, reply);
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const command = session.engine.table.byName(args.text(i));
    if (command === null) reply.null();
    else writeInfo(command, reply);
  }
}

function docs(session: Session, args: Args, reply: Reply): void {
  const { table } = session.engine;
  const found: Command[] = [];
  if (args.count === 2) found.push(...table.commands);
  for (let i = 2; i < args.count; i++) {
    const command = table.byName(args.text(i));
    if (command !== null) found.push(command);
  }
  reply.map(found.length);
  for (const command of found) writeDocs(command, reply);
}

function count(session: Session, _args: Args, reply: Reply): void {
  reply.integer(session.engine.table.commands.length);
}

function list(session: Session, args: Args, reply: Reply): void {
  let wanted = (_command: Command): boolean => true;
  if (args.count > 2) {
    if (args.count !== 5 || !args.is(2, "FILTERBY")) return reply.error(SYNTAX_ERROR);
    if (args.is(3, "MODULE")) {
      wanted = () => false;
    } else if (args.is(3, "ACLCAT")) {
      const category = args.text(4).toLowerCase() as Category;
      wanted = (command) => categoriesOf(command).includes(category);
    } else if (args.is(3, "PATTERN")) {
      wanted = (command) => isMatched(command.fullName, args, 4);
    } else {
      return reply.error(SYNTAX_ERROR);
    }
  }
  const names: string[] = [];
  for (const command of session.engine.table.commands) {
    if (wanted(command)) names.push(command.fullName);
    for (const sub of command.subcommands?.values() ?? []) {
      if (wanted(sub)) names.push(sub.fullName);
    }
  }
  reply.array(names.length);
  for (const name of names) reply.text(name);
}

function isMatched(name: string, args: Args, index: number): boolean {
  const { bytes } = args;
  const text = Buffer.from(name, "latin1");
  return matchesGlob(bytes, args.start(index), args.end(index), text, 0, text.length, true);
}

function getKeys(session: Session, args: Args, reply: Reply): void {
  const command = keysOrReply(session, args, reply);
  if (command === null) return;
  reply.array(keyList.count);
  for (let i = 0; i < keyList.count; i++) writeKey(args, keyList.positions[i]!, reply);
}

function getKeysAndFlags(session: Session, args: Args, reply: Reply): void {
  const command = keysOrReply(session, args, reply);
  if (command === null) return;
  reply.array(keyList.count);
  for (let i = 0; i < keyList.count; i++) {
    reply.array(2);
    writeKey(args, keyList.positions[i]!, reply);
    writeWords(accessFlags(keyList.flags[i]!), reply);
  }
}

function writeKey(args: Args, position: number, reply: Reply): void {
  reply.bulk(args.bytes, args.start(position), args.end(position));
}

/** What is done with a key, without what is said about the specification itself. */
function accessFlags(flags: string): string[] {
  return flags.split(" ").filter((flag) => flag !== "variable_flags" && flag !== "incomplete");
}

/** The command that begins at the third argument, its keys in `keyList`; else answers an error and returns null. */
function keysOrReply(session: Session, args: Args, reply: Reply): Command | null {
  const command = commandAt(session, args, 2);
  if (command === null) {
    reply.error("ERR Invalid command specified");
    return null;
  }
  if (!hasKeys(command)) {
    reply.error("ERR The command has no key arguments");
    return null;
  }
  const { arity } = command;
  const given = args.count - 2;
  if (arity > 0 ? given !== arity : given < -arity) {
    reply.error("ERR Invalid number of arguments specified for command");
    return null;
  }
  if (!extractKeys(command, args, 2, keyList) || !keyList.isWhole) {
    keyList.count = 0;
    if ((command.flags & NO_MANDATORY_KEYS) === 0) {
      reply.error("ERR Invalid arguments specified for command");
      return null;
    }
  }
  return command;
}

/** The command or subcommand that the arguments from `index` on name. */
function commandAt(session: Session, args: Args, index: number): Command | null {
  const name = args.text(index);
  // "config|get" is a name of the table, but no command that can be sent.
  const command = name.includes("|") ? null : session.engine.table.byName(name);
  if (command === null || command.subcommands === null || args.count === index + 1) return command;
  return command.subcommands.get(args.text(index + 1).toUpperCase()) ?? null;
}

// ---- COMMAND INFO ----

function writeInfo(command: Command, reply: Reply): void {
  const range = legacyRange(command.keys);
  reply.array(10);
  reply.text(command.fullName);
  reply.integer(command.arity);
  writeWords(
    command.flagNames().filter((flag) => !HIDDEN_FLAGS.has(flag)),
    reply,
  );
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  writeWords(
    categoriesOf(command).map((category) => `@${category}`),
    reply,
  );
  const tips = command.row.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.text(tip);
  reply.set(command.keys.length);
  for (const spec of command.keys) writeSpec(spec, reply);
  if (command.subcommands === null) return reply.set(0);
  reply.array(command.subcommands.size);
  for (const sub of command.subcommands.values()) writeInfo(sub, reply);
}

/** First, last and step as clients knew them before there were key specifications: what the simple ones add up to. */
function legacyRange(specs: readonly KeySpec[]): { first: number; last: number; step: number } {
  let first = 0;
  let last = 0;
  let step = 0;
  for (const { begin, find } of specs) {
    if (typeof begin !== "number" || find === "unknown" || "countAt" in find) continue;
    const end = find.last < 0 ? find.last : begin + find.last;
    if (first === 0) {
      first = begin;
      last = end;
      step = find.step;
    } else if (step === 1 && find.step === 1 && begin === last + 1) {
      last = end;
    }
  }
  return { first, last, step };
}

function writeSpec(spec: KeySpec, reply: Reply): void {
  const { begin, find, notes } = spec;
  reply.map(notes === undefined ? 3 : 4);
  if (notes !== undefined) {
    reply.text("notes");
    reply.text(notes);
  }
  reply.text("flags");
  writeWords(spec.flags.split(" "), reply);
  reply.text("begin_search");
  if (typeof begin === "number") writePart("index", { index: begin }, reply);
  else if (begin === "unknown") writePart("unknown", {}, reply);
  else writePart("keyword", { keyword: begin.keyword, startfrom: begin.from }, reply);
  reply.text("find_keys");
  if (find === "unknown") {
    writePart("unknown", {}, reply);
  } else if ("countAt" in find) {
    const { countAt, firstKey, step } = find;
    writePart("keynum", { keynumidx: countAt, firstkey: firstKey, keystep: step }, reply);
  } else {
    const { last, step, limit = 0 } = find;
    writePart("range", { lastkey: last, keystep: step, limit }, reply);
  }
}

function writePart(
  type: string,
  spec: Readonly<Record<string, number | string>>,
  reply: Reply,
): void {
  const fields = Object.entries(spec);
  reply.map(2);
  reply.text("type");
  reply.text(type);
  reply.text("spec");
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.text(name);
    if (typeof value === "number") reply.integer(value);
    else reply.text(value);
  }
}

// ---- the rows ----

const help = helpOf([
  "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "(no subcommand)",
  "    What clients need to know of every command.",
  "COUNT",
  "    How many commands there are.",
  "DOCS [<command-name> ...]",
  "    What there is to read on the named commands, or on all.",
  "GETKEYS <full-command>",
  "    Which arguments of a command line are keys.",
  "GETKEYSANDFLAGS <full-command>",
  "    The same, with what the command does to each key.",
  "INFO [<command-name> ...]",
  "    What clients need to know of the named commands, or of all.",
  "LIST [FILTERBY MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>]",
  "    The names of all commands, or of those that belong to a module or category or match a pattern.",
  "HELP",
  "    Prints this help.",
]);

const PLACE = { flags: "loading stale", group: "server" } as const;

export const commandInfoRows: readonly CommandRow[] = [
  {
    ...PLACE,
    name: "command",
    arity: -1,
    since: "2.8.13",
    summary: "Tells clients what they need to know of every command.",
    complexity: "O(N) where N is the number of commands",
    categories: "connection",
    tips: ["nondeterministic_output_order"],
    handler: all,
    subcommands: [
      {
        ...PLACE,
        name: "count",
        arity: 2,
        since: "2.8.13",
        summary: "Returns how many commands there are.",
        complexity: "O(1)",
        categories: "connection",
        handler: count,
      },
      {
        ...PLACE,
        name: "docs",
        arity: -2,
        since: "7.0.0",
        summary: "Returns what there is to read on commands.",
        complexity: "O(N) where N is the number of commands asked for",
        categories: "connection",
        tips: ["nondeterministic_output_order"],
        syntax: "[command-name:string...]",
        handler: docs,
      },
      {
        ...PLACE,
        name: "getkeys",
        arity: -3,
        since: "2.8.13",
        summary: "Returns the keys of a command line.",
        complexity: "O(N) where N is the number of arguments of the command line",
        categories: "connection",
        syntax: "command:string [arg:string...]",
        handler: getKeys,
      },
      {
        ...PLACE,
        name: "getkeysandflags",
        arity: -3,
        since: "7.0.0",
        summary: "Returns the keys of a command line, and what the command does to each.",
        complexity: "O(N) where N is the number of arguments of the command line",
        categories: "connection",
        syntax: "command:string [arg:string...]",
        handler: getKeysAndFlags,
      },
      {
        ...PLACE,
        name: "help",
        arity: 2,
        since: "5.0.0",
        summary: "Lists the subcommands.",
        complexity: "O(1)",
        categories: "connection",
        handler: help,
      },
      {
        ...PLACE,
        name: "info",
        arity: -2,
        since: "2.8.13",
        summary: "Tells clients what they need to know of some commands, or of all.",
        complexity: "O(N) where N is the number of commands asked for",
        categories: "connection",
        tips: ["nondeterministic_output_order"],
        history: [["7.0.0", "Without a name it tells of all commands."]],
        syntax: "[command-name:string...]",
        handler: info,
      },
      {
        ...PLACE,
        name: "list",
        arity: -2,
        since: "7.0.0",
        summary: "Returns the names of commands.",
        complexity: "O(N) where N is the number of commands",
        categories: "connection",
        tips: ["nondeterministic_output_order"],
        syntax:
          "[FILTERBY filterby:<MODULE module-name:string|ACLCAT category:string|" +
          "PATTERN pattern:pattern>]",
        handler: list,
      },
    ],
  },
];
