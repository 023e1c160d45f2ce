/**
 * The command line: `hutch [config-file] [--name value ...] [-]`. As in Redis the word after an option's name is its value even
 * if it begins with dashes, more words follow it for options that take several, `"--name value"` may be one argument,
 * and `--save` without a value means no snapshots. `--name=value` works as well.
 */
import type { Options } from "../base/options.ts";
import { quote } from "../base/quote.ts";
import { splitWords } from "./words.ts";

export interface CommandLine {
  readonly wants: "start" | "help" | "version";
  /** Path as it was given, or null. */
  readonly configFile: string | null;
  /** `-`: more lines of a config file come from standard input. */
  readonly fromInput: boolean;
  /** Each with its name and arguments. */
  readonly settings: readonly (readonly string[])[];
}

/** @param argv the arguments, one character a byte */
export function parseArguments(argv: readonly string[], options: Options): CommandLine {
  const settings: string[][] = [];
  let wants: CommandLine["wants"] = "start";
  let fromInput = false;
  let at = 0;
  const configFile = argv.length > 0 && !argv[0]!.startsWith("-") ? argv[at++]! : null;
  for (; at < argv.length; at++) {
    const argument = argv[at]!;
    if (argument === "-" && (at === 0 || at === argv.length - 1)) {
      fromInput = true;
    } else if (argument === "--help" || (argument === "-h" && settings.length === 0)) {
      wants = "help";
    } else if (argument === "--version" || (argument === "-v" && settings.length === 0)) {
      wants = "version";
    } else if (argument.startsWith("--")) {
      const setting = settingOf(argument.slice(2), options);
      settings.push(setting);
      if (setting.length > 1) continue;
      const next = argv[at + 1];
      const isSave = setting[0]!.toLowerCase() === "save";
      if (isSave && (next === undefined || next.startsWith("--"))) setting.push("");
      else if (next !== undefined) setting.push(argv[++at]!);
    } else if (settings.length > 0) {
      settings.at(-1)!.push(argument);
    } else {
      settings.push([argument]);
    }
  }
  return { wants, configFile, fromInput, settings };
}

/** The words of an argument without its dashes. */
function settingOf(text: string, options: Options): string[] {
  const [, name, value] = /^([\w-]+)=([^]*)$/.exec(text) ?? [];
  if (name !== undefined && options.row(name) !== undefined) return [name, value!];
  const words = splitWords(text);
  return words === null || words.length === 0 ? [text] : words;
}

/** A setting as a line of a config file, for messages. */
export function lineOf([name, ...args]: readonly string[]): string {
  return [name, ...args.map(quote)].join(" ");
}

/** The variables of the environment that set options: `HUTCH_PORT` sets `port`. Others are not looked at. */
export function environmentSettings(
  environment: Readonly<Record<string, string | undefined>>,
  options: Options,
): { variable: string; name: string; value: string }[] {
  const settings: { variable: string; name: string; value: string }[] = [];
  for (const name of options.rows.keys()) {
    const variable = `HUTCH_${name.toUpperCase().replaceAll("-", "_")}`;
    const value = environment[variable];
    if (value !== undefined) settings.push({ variable, name, value });
  }
  return settings;
}
