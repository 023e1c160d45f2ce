/** The texts of `--help` and `--version`. */
import { OPTION_GROUPS } from "../base/option-table.ts";
import type { OptionRow } from "../base/options.ts";
import { HUTCH_VERSION, REDIS_VERSION } from "../base/version.ts";

const USAGE = `Usage: hutch [config-file] [--option value ...] [-]

  hutch                                  listen on 127.0.0.1:6379
  hutch --port 7000 --dir ./hutch-data   any option of the table below
  hutch redis.conf --loglevel verbose    a file in the form of redis.conf, and options
  hutch check FILE [--fix]               examines a log, by its manifest or one file, or a snapshot; repairs a copy
  hutch import SOURCE                    takes over a Redis's or Valkey's data; 'hutch import' alone says how
  echo 'port 7000' | hutch -             the file from standard input
  hutch -h, --help                       this text
  hutch -v, --version                    the version

The environment sets options too: HUTCH_PORT=7000, HUTCH_MAXCLIENTS=100. The command line wins over the
environment, the environment over the file, the file over the defaults. Sizes may be written as 100k, 64mb, 1gb.
Options marked with - are accepted, kept and shown by CONFIG GET, but have no effect.
`;

const DEFAULT_SHOWN_MAX = 24;

function line(row: OptionRow): string {
  const initial = row.default === "" ? '""' : row.default;
  const shown =
    initial.length > DEFAULT_SHOWN_MAX ? `${initial.slice(0, DEFAULT_SHOWN_MAX - 3)}...` : initial;
  const choices = row.choices === undefined ? "" : ` (${row.choices.join(", ")})`;
  const mark = row.inert === true ? "-" : " ";
  return `${mark} --${row.name.padEnd(38)}${shown.padEnd(DEFAULT_SHOWN_MAX + 1)} ${row.help}${choices}`;
}

export function helpText(): string {
  const groups = OPTION_GROUPS.map(([subject, rows]) => {
    const lines = rows.filter((row) => row.hidden !== true).map(line);
    return `${subject}\n${lines.join("\n")}\n`;
  });
  return `${USAGE}\n${groups.join("\n")}`;
}

export function versionText(): string {
  return `Hutch server v=${HUTCH_VERSION} redis=${REDIS_VERSION} bun=${Bun.version} bits=64`;
}
