/**
 * Whether the user of a session may run a command line. Asked by everything that runs commands for somebody: at their arrival, again
 * when EXEC runs them, when one that waited is served, and by scripts. Users who may do everything are never asked.
 *
 * The keys are those of key extraction: a command touches no others (in verify mode `key-guard.ts` sees to it).
 */
import { unreachable } from "../base/assert.ts";
import type { Args } from "../protocol/args.ts";
import type { DenialContext, DenialReason } from "../security/denial-log.ts";
import type { ChannelUses, Inquiry, KeyUses } from "../security/inquiry.ts";
import { ALLOWED, DENIED_CHANNEL, DENIED_COMMAND, DENIED_KEY, READS } from "../security/inquiry.ts";
import type { User } from "../security/user.ts";
import { describeClient } from "./client-list.ts";
import type { Command } from "./command.ts";
import { NO_AUTH } from "./command.ts";
import { extractKeys, KeyList } from "./key-extraction.ts";
import type { Session } from "./session.ts";

const REASONS: Readonly<Record<number, DenialReason>> = {
  [DENIED_COMMAND]: "command",
  [DENIED_KEY]: "key",
  [DENIED_CHANNEL]: "channel",
};

const LATE_REASONS: Readonly<Record<number, string>> = {
  [DENIED_COMMAND]: "no permission to execute the command or subcommand",
  [DENIED_KEY]: "no permission to touch the specified keys",
  [DENIED_CHANNEL]: "no permission to access one of the channels used as arguments to the command",
};

/** The question, filled again and again. */
class CommandLine implements Inquiry {
  commandId = 0;
  isFree = false;
  line: Args = null!;
  firstArgument = 0;
  #command: Command = null!;
  #from = 0;
  #extracted = false;
  readonly #keys = new KeyList();
  readonly #channels = { first: 0, end: 0, patterns: false };

  /** @param from index of the command's name in `args` */
  fill(command: Command, args: Args, from: number): void {
    this.#command = command;
    this.#from = from;
    this.#extracted = false;
    this.commandId = command.id;
    this.isFree = (command.flags & NO_AUTH) !== 0;
    this.line = args;
    this.firstArgument = from + (command.parent === null ? 1 : 2);
  }

  keys(): KeyUses | null {
    if (this.#command.keySpecs.length === 0) return null;
    if (!this.#extracted) {
      // A line without the form that the specifications describe touches no key: the command refuses it.
      extractKeys(this.#command, this.line, this.#from, this.#keys);
      this.#extracted = true;
    }
    return this.#keys;
  }

  channels(): ChannelUses | null {
    const { channels } = this.#command.row;
    if (channels === undefined) return null;
    const uses = this.#channels;
    uses.first = this.#from + 1;
    uses.end = channels === "first" ? Math.min(uses.first + 1, this.line.count) : this.line.count;
    uses.patterns = channels === "patterns";
    return uses;
  }
}

const question = new CommandLine();

/**
 * Whether a user may run the command line that begins at argument `from`: ALLOWED, or what is denied; `user.deniedAt` says which
 * argument.
 */
export function permissionOf(user: User, command: Command, args: Args, from: number): number {
  question.fill(command, args, from);
  return user.check(question);
}

/**
 * The short way to a yes for commands with one key at a fixed place, which nearly all are: true if the session's user may run the command
 * and do everything with the key; false says nothing.
 */
export function isPlainlyAllowed(session: Session, command: Command, args: Args): boolean {
  const at = command.soleKeyAt;
  if (at === -1 || at >= args.count) return false;
  const { bytes } = args;
  return session.user!.allowsFully(command.id, bytes, args.start(at), args.end(at));
}

/** Whether a session may run a command line and besides read every key that there is. */
export function mayReadEveryKey(session: Session, args: Args): boolean {
  const { user, engine } = session;
  if (user === null || user.unrestricted) return true;
  const command = engine.table.find(args);
  if (command === null) return false;
  question.fill(command, args, 0);
  return user.checkWithEveryKey(question, READS);
}

/**
 * Asks whether the session may run a command, and notes it in the log of refusals if not.
 * @returns ALLOWED, or what is denied
 */
export function askPermission(
  session: Session,
  command: Command,
  args: Args,
  context: DenialContext,
): number {
  const { user } = session;
  if (user === null || user.unrestricted) return ALLOWED;
  const denied = permissionOf(user, command, args, 0);
  if (denied === ALLOWED) return ALLOWED;
  const object = denied === DENIED_COMMAND ? command.fullName : args.text(user.deniedAt);
  noteDenial(session, REASONS[denied]!, context, object, user.name);
  return denied;
}

/** Counts a refusal and notes it in the log. @param object the command, key or channel, one character a byte */
export function noteDenial(
  session: Session,
  reason: DenialReason,
  context: DenialContext,
  object: string,
  userName: string,
): void {
  const { engine } = session;
  engine.stats.denied[reason]++;
  engine.access.denials.add({ reason, context, object, userName }, engine.clock.nowMs, () =>
    describeClient(session.client, 0),
  );
}

/** The error that a session gets. */
export function denialError(session: Session, denied: number, command: Command): string {
  return `NOPERM ${denialText(denied, session.user!.name, command)}`;
}

/** What the client is told, without the code. */
function denialText(denied: number, userName: string, command: Command): string {
  switch (denied) {
    case DENIED_COMMAND:
      return `User ${userName} has no permissions to run the '${command.fullName}' command`;
    case DENIED_KEY:
      return "No permissions to access a key";
    case DENIED_CHANNEL:
      return "No permissions to access a channel";
    default:
      return unreachable("what is allowed is not denied");
  }
}

/** What `redis.call` raises, without a code. */
export function denialInScript(session: Session, denied: number, command: Command): string {
  return `ACL failure in script: ${denialText(denied, session.user!.name, command)}`;
}

/** What EXEC answers in the place of a command's reply. */
export function denialInTransaction(denied: number): string {
  return (
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer " +
    `allowed for the following reason: ${LATE_REASONS[denied]}`
  );
}

/** What whoever asks on behalf of a user is told: what it is that is denied. @param object the key or channel */
export function denialDetail(
  denied: number,
  userName: string,
  command: Command,
  object: string,
): string {
  if (denied === DENIED_COMMAND) return denialText(denied, userName, command);
  const what = denied === DENIED_KEY ? "key" : "channel";
  return `User ${userName} has no permissions to access the '${object}' ${what}`;
}
