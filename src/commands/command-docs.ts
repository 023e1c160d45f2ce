/** What COMMAND DOCS says of a command, as maps that leave out what a command does not have. */
import type { Reply } from "../protocol/reply.ts";
import type { Command } from "./command.ts";
import type { ArgumentDoc } from "./syntax.ts";
import { parseSyntax } from "./syntax.ts";

/** A field of a map: its name, and what writes its value. */
type Field = readonly [name: string, write: () => void];

/** Writes the command's name and its documentation: two replies, a pair of a map. */
export function writeDocs(command: Command, reply: Reply): void {
  const { row } = command;
  const text = (value: string): (() => void) => {
    return () => reply.text(value);
  };
  const fields: Field[] = [
    ["summary", text(row.summary)],
    ["since", text(row.since)],
    ["group", text(row.group)],
    ["complexity", text(row.complexity)],
  ];
  const docFlags: string[] = [];
  if (row.deprecated !== undefined) docFlags.push("deprecated");
  if (row.systemCommand) docFlags.push("syscmd");
  if (docFlags.length > 0) fields.push(["doc_flags", () => writeWords(docFlags, reply)]);
  if (row.deprecated !== undefined) {
    const { since, replacedBy } = row.deprecated;
    fields.push(["deprecated_since", text(since)]);
    fields.push(["replaced_by", text(replacedBy)]);
  }
  if (row.history !== undefined) {
    const { history } = row;
    fields.push(["history", () => writeHistory(history, reply)]);
  }
  if (row.syntax !== undefined) {
    const items = parseSyntax(row.syntax);
    fields.push(["arguments", () => writeArguments(items, reply)]);
  }
  if (command.subcommands !== null) {
    const { subcommands } = command;
    fields.push([
      "subcommands",
      () => {
        reply.map(subcommands.size);
        for (const sub of subcommands.values()) writeDocs(sub, reply);
      },
    ]);
  }
  reply.text(command.fullName);
  writeMap(fields, reply);
}

function writeHistory(history: readonly (readonly [string, string])[], reply: Reply): void {
  reply.set(history.length);
  for (const [version, change] of history) {
    reply.array(2);
    reply.text(version);
    reply.text(change);
  }
}

function writeArguments(items: readonly ArgumentDoc[], reply: Reply): void {
  reply.array(items.length);
  for (const item of items) writeArgument(item, reply);
}

function writeArgument(item: ArgumentDoc, reply: Reply): void {
  const fields: Field[] = [
    ["name", () => reply.text(item.name)],
    ["type", () => reply.text(item.type)],
  ];
  const addText = (name: string, value: string | null): void => {
    if (value !== null) fields.push([name, () => reply.text(value)]);
  };
  addText("display_text", item.display);
  if (item.keySpec >= 0) fields.push(["key_spec_index", () => reply.integer(item.keySpec)]);
  addText("token", item.token);
  addText("since", item.since);
  addText("deprecated_since", item.deprecatedSince);
  const flags: string[] = [];
  if (item.optional) flags.push("optional");
  if (item.multiple) flags.push("multiple");
  if (item.multipleToken) flags.push("multiple_token");
  if (flags.length > 0) fields.push(["flags", () => writeWords(flags, reply)]);
  if (item.children.length > 0) {
    fields.push(["arguments", () => writeArguments(item.children, reply)]);
  }
  writeMap(fields, reply);
}

function writeMap(fields: readonly Field[], reply: Reply): void {
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.text(name);
    write();
  }
}

/** A set of simple strings. */
export function writeWords(words: readonly string[], reply: Reply): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}
