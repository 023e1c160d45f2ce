/** CONFIG: the options at run time. */
import { matchesGlob } from "../base/glob.ts";
import type { OptionRow } from "../base/options.ts";
import { UNKNOWN_OPTION, inertWarning } from "../base/options.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { SYNTAX_ERROR } from "./guards.ts";
import { helpOf } from "./help.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

const GLOB_SIGNS = /[*?[]/;

function get(session: Session, args: Args, reply: Reply): void {
  const { options } = session.engine;
  // By lower-case name, each with the name to show: what was asked for by its full name keeps the client's letters.
  const found = new Map<string, readonly [shown: string, row: OptionRow]>();
  for (let i = 2; i < args.count; i++) {
    const pattern = args.text(i);
    if (!GLOB_SIGNS.test(pattern)) {
      const row = options.row(pattern);
      const key = pattern.toLowerCase();
      if (row !== undefined && !found.has(key)) found.set(key, [pattern, row]);
      continue;
    }
    for (const [name, row] of options.names()) {
      if (row.hidden === true || found.has(name)) continue;
      const text = Buffer.from(name, "latin1");
      if (matchesGlob(args.bytes, args.start(i), args.end(i), text, 0, text.length, true)) {
        found.set(name, [name, row]);
      }
    }
  }
  reply.map(found.size);
  for (const [shown, row] of found.values()) {
    reply.text(shown);
    reply.text(options.text(row.name));
  }
}

function set(session: Session, args: Args, reply: Reply): void {
  const { options } = session.engine;
  if (args.count % 2 !== 0) return reply.error(SYNTAX_ERROR);
  const rows: OptionRow[] = [];
  const changes: [name: string, value: string][] = [];
  for (let i = 2; i < args.count; i += 2) {
    const name = args.text(i);
    const row = options.row(name);
    if (row === undefined) return reply.error(unknownOption(name));
    if (row.fixed === true) return reply.error(failed(name, "can't set immutable config"));
    if (row.protected === true && !mayChangeProtected(session)) {
      return reply.error(failed(name, "can't set protected config"));
    }
    if (rows.includes(row) && !isOtherName(row, name, changes)) {
      return reply.error(failed(name, "duplicate parameter"));
    }
    rows.push(row);
    changes.push([name, args.text(i + 1)]);
  }
  const refusal = options.setAll(changes);
  if (refusal === null) {
    for (const row of rows) {
      if (row.inert === true)
        session.engine.logger.warning(inertWarning(row, options.text(row.name)));
    }
    return reply.ok();
  }
  if (refusal.error === UNKNOWN_OPTION) return reply.error(unknownOption(refusal.name));
  reply.error(failed(refusal.name, refusal.error));
}

/** Whether `name` was not given yet: Redis takes an option twice if it is called by its name and by its alias. */
function isOtherName(
  row: OptionRow,
  name: string,
  changes: readonly (readonly [string, string])[],
): boolean {
  if (row.aliases === undefined) return false;
  return !changes.some(([given]) => given.toLowerCase() === name.toLowerCase());
}

function unknownOption(name: string): string {
  return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
}

function failed(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

/** Who may change `dir` and the like: nobody, everybody, or those on the same machine. */
function mayChangeProtected(session: Session): boolean {
  const who = session.engine.options.text("enable-protected-configs");
  if (who !== "local") return who === "yes";
  // A session without a peer is the process itself.
  return session.peer?.isLocal ?? true;
}

function rewrite(session: Session, _args: Args, reply: Reply): void {
  const { engine } = session;
  const error = engine.hooks.rewriteConfig();
  if (error !== null) return reply.error(error);
  engine.logger.notice("CONFIG REWRITE executed with success.");
  reply.ok();
}

function resetStatistics(session: Session, _args: Args, reply: Reply): void {
  const { engine } = session;
  engine.stats.reset();
  for (const command of engine.table.loaded) command.resetCounters();
  for (const command of engine.nativeCommands) command.resetCounters();
  const { store, reclaimer } = engine.keyspace;
  engine.keyspace.expiryNs = 0;
  engine.keyspace.defragmentation.resetFigures();
  reclaimer.freed = 0;
  engine.keyspace.eviction.evicted = 0;
  engine.memoryLimit.resetExceeded();
  store.hits = 0;
  store.misses = 0;
  store.expired = 0;
  store.expiredMembers = 0;
  reply.ok();
}

const help = helpOf([
  "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "GET <pattern>",
  "    Return parameters matching the glob-like <pattern> and their values.",
  "SET <directive> <value>",
  "    Set the configuration <directive> to <value>.",
  "RESETSTAT",
  "    Reset statistics reported by the INFO command.",
  "REWRITE",
  "    Rewrite the configuration file.",
  "HELP",
  "    Prints this help.",
]);

const ADMIN = "admin noscript loading stale";

export const configRows: readonly CommandRow[] = [
  {
    name: "config",
    arity: -2,
    flags: "",
    since: "2.0.0",
    group: "server",
    summary: "Reads and changes the options of the server.",
    complexity: "Depends on subcommand.",
    subcommands: [
      {
        name: "get",
        arity: -3,
        flags: ADMIN,
        since: "2.0.0",
        group: "server",
        summary: "Returns the options whose names match patterns.",
        complexity: "O(N) when N is the number of configuration parameters provided",
        syntax: "parameter:string...",
        history: [["7.0.0", "Takes several patterns."]],
        handler: get,
      },
      {
        name: "set",
        arity: -4,
        flags: ADMIN,
        since: "2.0.0",
        group: "server",
        summary: "Changes options while the server runs, all of those given or none.",
        complexity: "O(N) when N is the number of configuration parameters provided",
        syntax: "data:(parameter:string value:string)...",
        history: [["7.0.0", "Sets several parameters at once."]],
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: set,
      },
      {
        name: "rewrite",
        arity: 2,
        flags: ADMIN,
        since: "2.8.0",
        group: "server",
        summary: "Writes the options in force back to the config file.",
        complexity: "O(1)",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: rewrite,
      },
      {
        name: "resetstat",
        arity: 2,
        flags: ADMIN,
        since: "2.0.0",
        group: "server",
        summary: "Sets the counters of INFO back to zero.",
        complexity: "O(1)",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler: resetStatistics,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "5.0.0",
        group: "server",
        summary: "Lists the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
    ],
  },
];
