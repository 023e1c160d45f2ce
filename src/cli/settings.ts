/**
 * Puts settings in force, one after another: the lines of a config file, the options of the command line, variables of the
 * environment. `save` lines of one source add up, and together take the place of what an earlier source said.
 */
import { Glob } from "bun";
import { readFileSync } from "node:fs";
import type { Options } from "../base/options.ts";
import { systemErrorText } from "../base/system-errors.ts";
import type { UserLine } from "../security/rule-text.ts";
import type { CommandNames } from "./command-names.ts";
import { StartError, fileError } from "./config-error.ts";
import { fromBytes, splitWords, toBytes } from "./words.ts";

/** Files that include each other without end are stopped at this depth. */
const INCLUDE_DEPTH_MAX = 16;

/** Directives of old versions that mean nothing any more: accepted with one argument. */
const FORGOTTEN: ReadonlySet<string> = new Set([
  "list-max-ziplist-entries",
  "list-max-ziplist-value",
  "lua-replicate-commands",
]);

const BAD_DIRECTIVE = "Bad directive or wrong number of arguments";

/** Directives that are no options: they would change who may do what, so they are never passed over in silence. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ["loadmodule", "modules are not supported"],
]);

export class SettingSource {
  readonly #options: Options;
  readonly #names: CommandNames;
  readonly #users: UserLine[];
  #saveSeen = false;

  /** @param users gets the users that are declared */
  constructor(options: Options, names: CommandNames, users: UserLine[]) {
    this.#users = users;
    this.#options = options;
    this.#names = names;
  }

  /** Applies one setting. @param words its name and arguments @returns an error text, or null */
  apply(words: readonly string[]): string | null {
    const name = words[0]!.toLowerCase();
    const args = words.slice(1);
    const row = this.#options.row(name);
    if (row?.name === "save") return this.#save(args);
    if (row !== undefined) return this.#options.setWords(name, args);
    if (FORGOTTEN.has(name) && args.length === 1) return null;
    if (name === "rename-command" && args.length === 2) {
      return this.#names.rename(args[0]!, args[1]!);
    }
    if (name === "user" && args.length > 0) {
      this.#users.push({ name: args[0]!, rules: args.slice(1) });
      return null;
    }
    if (name === "sentinel") return "sentinel directive while not in sentinel mode";
    if (args.length > 0 && UNSUPPORTED.has(name)) return UNSUPPORTED.get(name)!;
    return BAD_DIRECTIVE;
  }

  #save(args: readonly string[]): string | null {
    const before = this.#saveSeen ? this.#options.words("save") : [];
    const nothing = args.length === 0 || (args.length === 1 && args[0] === "");
    const error = this.#options.setWords("save", [...before, ...(nothing ? [] : args)]);
    if (error === null) this.#saveSeen = true;
    return error;
  }

  /** Applies the lines of a config file; throws `StartError` at the first that can't be. @param text one character a byte */
  applyLines(text: string, depth = 0): void {
    for (const [index, raw] of text.split("\n").entries()) {
      const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
      if (line === "" || line.startsWith("#")) continue;
      const words = splitWords(line);
      if (words === null) {
        const what = line.includes("\0") ? "Zero byte" : "Unbalanced quotes";
        throw fileError(index + 1, { line, reason: `${what} in configuration line` });
      }
      if (words.length === 0) continue;
      if (words[0]!.toLowerCase() === "include" && words.length === 2) {
        if (depth === INCLUDE_DEPTH_MAX) {
          throw fileError(index + 1, { line, reason: "Files include each other too deeply" });
        }
        for (const path of filesOf(words[1]!)) this.applyLines(readConfig(path), depth + 1);
        continue;
      }
      const reason = this.apply(words);
      if (reason !== null) throw fileError(index + 1, { line, reason });
    }
  }
}

/** The files that an `include` names. A pattern may name none. */
function filesOf(path: string): string[] {
  if (!/[*?[]/.test(path)) return [path];
  const found = [...new Glob(fromBytes(path)).scanSync({ dot: false, absolute: true })];
  return found.toSorted().map(toBytes);
}

/** @param path one character a byte */
export function readConfig(path: string): string {
  try {
    return readFileSync(fromBytes(path), "latin1");
  } catch (error) {
    throw new StartError(
      `Fatal error, can't open config file '${path}': ${systemErrorText(error)}`,
    );
  }
}
