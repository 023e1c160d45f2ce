/**
 * The walk of one command: find its row, check what must hold, run it, count it. Everything that runs commands
 * comes through here, whichever protocol or caller.
 */
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import { MAY_REPLICATE, NO_AUTH, WRITE } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

/** Runs the command in `args` and appends its reply to the session's. */
export function execute(session: Session, args: Args): void {
  const { engine } = session;
  let command = engine.table.find(args);
  if (command === null) {
    reject(session, null, unknownCommand(args));
    return;
  }
  if (command.subcommands !== null && args.count > 1) {
    const sub = command.subcommands.get(args.text(1).toUpperCase());
    if (sub === undefined) {
      reject(session, null, unknownSubcommand(command, args));
      return;
    }
    command = sub;
  }
  run(session, command, args);
}

/** Checks and runs a command that was found already. */
export function run(session: Session, command: Command, args: Args): void {
  const { engine, reply } = session;
  const { arity } = command;
  if (arity > 0 ? args.count !== arity : args.count < -arity) {
    reject(session, command, `ERR wrong number of arguments for '${command.fullName}' command`);
    return;
  }
  if (!session.authenticated && (command.flags & NO_AUTH) === 0) {
    reject(session, command, "NOAUTH Authentication required.");
    return;
  }
  session.lastCommand = command;
  const { errors } = reply;
  const store = engine.keyspace.store;
  if (session.noTouch) store.touch = false;
  command.handler(session, args, reply);
  store.touch = true;
  command.calls++;
  session.commands++;
  engine.stats.commandsProcessed++;
  if (reply.errors !== errors) {
    command.failed++;
    engine.stats.errorReplies++;
  }
}

/** Whether CLIENT PAUSE holds the command back. */
export function isPaused(engine: Engine, command: Command): boolean {
  if (engine.pausedUntilMs === 0) return false;
  return engine.pausedAll || (command.flags & (WRITE | MAY_REPLICATE)) !== 0;
}

function reject(session: Session, command: Command | null, error: string): void {
  if (command !== null) command.rejected++;
  session.engine.stats.errorReplies++;
  session.reply.error(error);
}

/** Redis's words: the name and the first arguments, each up to 128 bytes in all. */
function unknownCommand(args: Args): string {
  let shown = "";
  for (let i = 1; i < args.count && shown.length < 128; i++) {
    shown += `'${args.text(i).slice(0, 128 - shown.length)}' `;
  }
  return `ERR unknown command '${args.text(0).slice(0, 128)}', with args beginning with: ${shown}`;
}

function unknownSubcommand(command: Command, args: Args): string {
  const name = args.text(1).slice(0, 128);
  return `ERR unknown subcommand '${name}'. Try ${command.upperName} HELP.`;
}
