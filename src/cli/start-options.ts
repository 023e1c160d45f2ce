/**
 * From the command line, the environment and the config file to the options of a server. A later source wins: the defaults, the
 * file with its standard input, the environment, the command line.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
} from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { OPTION_ROWS } from "../base/option-table.ts";
import { Options } from "../base/options.ts";
import { systemErrorText } from "../base/system-errors.ts";
import type { CommandRow } from "../commands/row.ts";
import type { UserLine } from "../security/rule-text.ts";
import type { CommandLine } from "./arguments.ts";
import { environmentSettings, lineOf, parseArguments } from "./arguments.ts";
import { CommandNames } from "./command-names.ts";
import { configError, settingError } from "./config-error.ts";
import { SettingSource, readConfig } from "./settings.ts";
import { fromBytes, toBytes } from "./words.ts";

export interface Start {
  readonly commandLine: CommandLine;
  readonly options: Options;
  /** Absolute path of the config file, one character a byte, or null. */
  readonly configFile: string | null;
  /** The commands under the names that the config file gives them; null if it gives none another. */
  readonly rows: readonly CommandRow[] | null;
  /** Users that are declared, not yet looked at. */
  readonly users: readonly UserLine[];
}

/**
 * Reads everything that sets options; throws `StartError` at the first that can't be. Works in the directory `dir` from
 * then on.
 */
export function readStart(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  allRows: () => readonly CommandRow[],
): Start {
  const options = new Options(OPTION_ROWS);
  const names = new CommandNames(allRows);
  const users: UserLine[] = [];
  const commandLine = parseArguments(argv.map(toBytes), options);
  if (commandLine.wants !== "start") {
    return { commandLine, options, configFile: null, rows: null, users };
  }
  options.record("dir", toBytes(process.cwd()));
  // Redis's default is to keep nothing but snapshots; this program loses no write unless it is told that it may.
  options.record("appendonly", "yes");
  let isPlaced = false;
  options.onApply(["dir"], () => {
    isPlaced = true;
    return changeDirectory(options);
  });

  const configFile =
    commandLine.configFile === null ? null : toBytes(resolve(fromBytes(commandLine.configFile)));
  const fileSource = new SettingSource(options, names, users);
  if (configFile !== null) fileSource.applyLines(readConfig(configFile));
  if (commandLine.fromInput) fileSource.applyLines(readFileSync(0, "latin1"));

  const environmentSource = new SettingSource(options, names, users);
  for (const { variable, name, value } of environmentSettings(environment, options)) {
    const bytes = toBytes(value);
    const isList = options.row(name)!.type === "list";
    makeDirectory(name, bytes);
    const reason = environmentSource.apply([name, ...(isList ? bytes.split(" ") : [bytes])]);
    if (reason !== null) {
      throw settingError("In the environment", { line: `${variable}=${bytes}`, reason });
    }
  }

  const commandSource = new SettingSource(options, names, users);
  for (const setting of commandLine.settings) {
    if (setting.length === 2) makeDirectory(setting[0]!, setting[1]!);
    const reason = commandSource.apply(setting);
    if (reason !== null)
      throw settingError("On the command line", { line: lineOf(setting), reason });
  }

  if (commandLine.fromInput && options.flag("daemonize")) {
    const reason = "a server with a config file from standard input can't go to the background";
    throw settingError("On the command line", { line: "-", reason });
  }
  if (!isPlaced && configFile === null && !commandLine.fromInput && options.flag("appendonly")) {
    makeDirectory("dir", DATA_DIRECTORY);
    const reason = options.set("dir", DATA_DIRECTORY);
    if (reason !== null) throw configError(`Can't use ${DATA_DIRECTORY}: ${reason}`);
  }
  checkLogFile(options);
  return { commandLine, options, configFile, rows: names.rows, users };
}

/** Where data goes that nobody named a place for, unless a config file shows that everything is arranged as for Redis. */
const DATA_DIRECTORY = "./hutch-data";

/** Makes `dir` the working directory, as Redis does: relative paths of other options start there. */
function changeDirectory(options: Options): string | null {
  try {
    process.chdir(fromBytes(options.text("dir")));
    accessSync(".", constants.R_OK | constants.X_OK);
  } catch (error) {
    return systemErrorText(error);
  }
  options.record("dir", toBytes(process.cwd()));
  return null;
}

/**
 * A folder beside the working directory that a person names on the command line (`--dir ./hutch-data`) is made. An absolute path and a
 * path in a config file must exist: there a new folder would hide a mistake.
 */
function makeDirectory(name: string, path: string): void {
  const folder = fromBytes(path);
  if (name.toLowerCase() !== "dir" || path === "" || isAbsolute(folder) || existsSync(folder)) {
    return;
  }
  try {
    mkdirSync(folder);
  } catch {
    // Changing into it fails next, and says why.
  }
}

function checkLogFile(options: Options): void {
  const path = options.text("logfile");
  if (path === "") return;
  try {
    closeSync(openSync(fromBytes(path), "a"));
  } catch (error) {
    throw configError(`Can't open the log file: ${systemErrorText(error)}`);
  }
}
