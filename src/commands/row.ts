/**
 * A row of the command table: everything that is to be known about a command, once. Execution reads arity and flags from
 * it, COMMAND and COMMAND DOCS print it, ACL takes its categories from it, key extraction its key specifications.
 */
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { ScriptFlags } from "./script-flags.ts";
import type { Session } from "./session.ts";

/** Runs a command: reads its arguments, writes exactly one reply. */
export type Handler = (session: Session, args: Args, reply: Reply) => void;

/** Redis's command flags, as COMMAND INFO names them. */
export type Flag =
  | "write"
  | "readonly"
  | "denyoom"
  | "admin"
  | "pubsub"
  | "noscript"
  | "blocking"
  | "loading"
  | "stale"
  | "skip_monitor"
  | "skip_slowlog"
  | "asking"
  | "fast"
  | "no_auth"
  | "may_replicate"
  | "no_async_loading"
  | "no_multi"
  | "movablekeys"
  | "allow_busy"
  | "no_mandatory_keys"
  | "protected"
  | "touches_arbitrary_keys";

/**
 * Where a command's keys stand and what it does with them, as COMMAND INFO's key specifications.
 *   begin   index of the first key, or a keyword after which keys begin, searched from `from`
 *           "unknown" where only the command can tell, or `locate`
 *   find    a range (last: relative to the first, negative counts from the end; step; limit) or a count argument
 */
export interface KeySpec {
  /** Space separated: RW RO OW RM access update insert delete not_key incomplete variable_flags. */
  readonly flags: string;
  readonly begin: number | "unknown" | { readonly keyword: string; readonly from: number };
  readonly find:
    | { readonly last: number; readonly step: number; readonly limit?: number }
    | { readonly countAt: number; readonly firstKey: number; readonly step: number }
    | "unknown";
  /**
   * Finds the key, or the first of those up to the end of the line, where `begin` and `find` are too simple to be right: its index in
   * `args`, or 0. @param from index of the command's name
   */
  readonly locate?: (args: Args, from: number) => number;
  readonly notes?: string;
  /** With `variable_flags`: the flags of one command line. @param from index of the command's name in `args` */
  readonly flagsOf?: (args: Args, from: number) => string;
}

export interface CommandRow {
  /** Lower case; of a subcommand only its own word ("get" of "config|get"). */
  readonly name: string;
  /** The name that clients know it by instead (`rename-command`), in lower case; empty: they do not know it. */
  readonly renamed?: string;
  /** Arguments with the name included; negative: at least that many. */
  readonly arity: number;
  /** Space separated `Flag`s. */
  readonly flags: string;
  /** Which arguments are channels that are published or subscribed to; "patterns": all are patterns of channels. */
  readonly channels?: "first" | "all" | "patterns";
  /** Key specifications, in the order in which keys are extracted. */
  readonly keys?: readonly KeySpec[];
  /** First Redis version with the command; of one that only Hutch has, its first Hutch version, which is below 1. */
  readonly since: string;
  /** Redis's group: "string", "generic", "connection", "server", ... */
  readonly group: string;
  /** One line in our own words. */
  readonly summary: string;
  /** As "O(1)" or "O(N) where N is ...". */
  readonly complexity: string;
  /** ACL categories beyond those that follow from flags and group, space separated. */
  readonly categories?: string;
  /** Version since which the command is deprecated, and what to use instead. */
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Made for the server's own use and its tests, not for applications. */
  readonly systemCommand?: boolean;
  /** The arguments in the notation of `syntax.ts`. */
  readonly syntax?: string;
  /** COMMAND tips, as "nondeterministic_output". */
  readonly tips?: readonly string[];
  /** Versions in which the command changed: [version, what]. */
  readonly history?: readonly (readonly [string, string])[];
  /**
   * Index of the argument that names a member or field of the first key's value, negative from the end: where a pipeline
   * brings many such commands, the members are fetched from memory together.
   */
  readonly memberAt?: number;
  /** The flags that the script or function declares which a command line runs; null if it is not known, or none. */
  readonly scriptFlags?: (session: Session, args: Args) => ScriptFlags | null;
  /** Runs at once although the session queues commands for EXEC. */
  readonly runsInMulti?: boolean;
  /** Runs though the session has subscriptions and speaks RESP2. */
  readonly runsSubscribed?: boolean;
  /** Runs further commands, on whatever keys it likes. */
  readonly runsCommands?: boolean;
  /** Absent in a container, whose work is done by its subcommands. */
  readonly handler?: Handler;
  readonly subcommands?: readonly CommandRow[];
}

/** Commands whose rows are loaded when one of them is first asked for. */
export interface LateRows {
  /** In lower case, in the order of the rows. */
  readonly names: readonly string[];
  readonly rows: () => readonly CommandRow[];
}

/** The key specification of a command whose one key is its first argument. */
export function oneKey(flags: string, flagsOf?: KeySpec["flagsOf"]): readonly KeySpec[] {
  const spec: KeySpec = { flags, begin: 1, find: { last: 0, step: 1 } };
  return [flagsOf === undefined ? spec : { ...spec, flagsOf }];
}
