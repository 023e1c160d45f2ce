/**
 * What access control has to know of commands. The command table is handed in as a catalogue: users are rules over it, and know
 * nothing else of commands.
 */

/** A command, or a subcommand of one. */
export interface CatalogueCommand {
  /** Small integer, another for every command and subcommand; below `COMMANDS_MAX`. */
  readonly id: number;
  /** "get", or "config|get" for a subcommand. */
  readonly fullName: string;
  /** What it is a subcommand of, or null. */
  readonly parent: CatalogueCommand | null;
  /** None if it is no container. */
  readonly children: readonly CatalogueCommand[];
  /** Bit n: it belongs to the category at index n of the catalogue's `categories`. */
  readonly categories: number;
}

export interface Catalogue {
  /** Names of the categories, in lower case. */
  readonly categories: readonly string[];
  /** All commands, subcommands included. */
  readonly commands: readonly CatalogueCommand[];
  /** A command by name ("get", "config|get"), letters of either case; null if there is none. */
  find(name: string): CatalogueCommand | null;
}

/** Room for commands in a set of them. The greatest id stands for those that do not exist yet. */
export const COMMANDS_MAX = 1024;
