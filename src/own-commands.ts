/**
 * Commands that an embedder adds: `createServer({ commands: { ... } })`. Each becomes a row of the one command table, so clients
 * find it in COMMAND, and its arity, flags and keys are checked like those of any other command.
 *
 * A command runs in one turn: nobody else's command runs between its calls, and what they change is kept together or not at
 * all. The log gets the effects of its calls, not the command, so it may do what it likes.
 */
import type { CommandRow, Flag, KeySpec } from "./commands/row.ts";
import { InnerCaller } from "./commands/inner-caller.ts";
import type { Session } from "./commands/session.ts";
import type { AnswerValue } from "./commands/value-reply.ts";
import { errorText, replyValue } from "./commands/value-reply.ts";
import type { CallArgument } from "./local-caller.ts";
import type { Args } from "./protocol/args.ts";
import type { Reply } from "./protocol/reply.ts";
import type { ReplyValue } from "./protocol/resp-reply-decoder.ts";

/** What a command of the embedder's is run with. */
export interface OwnCommandCall {
  /** The arguments that are keys, in their order. */
  readonly keys: readonly Buffer[];
  /** All arguments behind the command's name, keys included. */
  readonly args: readonly Buffer[];
  /**
   * Runs a command in the database of the client. Replies have the types of RESP3, strings decoded as UTF-8.
   * @throws {ReplyError} the error that it answered
   */
  call(...args: readonly CallArgument[]): ReplyValue;
  /** Like `call`, with bulk strings as Buffers. */
  callBuffer(...args: readonly CallArgument[]): ReplyValue;
}

/** A command of the embedder's. */
export interface OwnCommand {
  /** Arguments with the command's name; negative: at least that many. Default: -1, any number. */
  readonly arity?: number;
  /** Redis's flags. Default: "write", the one that is right if nothing is known. */
  readonly flags?: readonly Flag[];
  /** Which arguments are keys; `last` counts from the end if negative. Default: none. */
  readonly keys?: { readonly first: number; readonly last?: number; readonly step?: number };
  /** One line for COMMAND DOCS. */
  readonly summary?: string;
  /**
   * Answers one call. What it throws becomes an error reply; what its calls have changed by then stays.
   * @returns see `AnswerValue`: undefined is OK
   */
  run(call: OwnCommandCall): AnswerValue;
}

export type OwnCommands = Readonly<Record<string, OwnCommand>>;

const DEFAULT_FLAGS: readonly Flag[] = ["write"];

/** The rows of an embedder's commands. */
export function ownRows(commands: OwnCommands): CommandRow[] {
  return Object.entries(commands).map(([name, command]) => rowOf(name.toLowerCase(), command));
}

function rowOf(name: string, command: OwnCommand): CommandRow {
  const {
    arity = -1,
    flags = DEFAULT_FLAGS,
    keys,
    summary = "A command of this server's own.",
  } = command;
  return {
    name,
    arity,
    flags: flags.join(" "),
    since: "0.1.0",
    group: "generic",
    summary,
    complexity: "depends on the command",
    runsCommands: true,
    ...(keys === undefined ? {} : { keys: [keySpec(keys, flags)] }),
    handler: (session, args, reply) => runOwn(command, session, args, reply),
  };
}

function keySpec(
  { first, last = first, step = 1 }: NonNullable<OwnCommand["keys"]>,
  flags: readonly Flag[],
): KeySpec {
  return {
    flags: flags.includes("write") ? "RW access update" : "RO access",
    begin: first,
    find: { last: last < 0 ? last : last - first, step },
  };
}

function runOwn(command: OwnCommand, session: Session, args: Args, reply: Reply): void {
  const values = Array.from({ length: args.count - 1 }, (_, i) => bytesOf(args, i + 1));
  const caller = InnerCaller.of(session.engine);
  const from = reply.pos;
  const mayWrite = (command.flags ?? DEFAULT_FLAGS).includes("write");
  try {
    const answer = caller.runAsOne(session, mayWrite, () =>
      command.run({
        args: values,
        keys: keysOf(command, values),
        call: (...parts) => caller.call(parts.map(partOf), false),
        callBuffer: (...parts) => caller.call(parts.map(partOf), true),
      }),
    );
    replyValue(reply, answer);
  } catch (error) {
    reply.takeBack(from);
    reply.error(errorText(error instanceof Error ? error : new Error(String(error))));
  }
}

function keysOf({ keys }: OwnCommand, values: readonly Buffer[]): Buffer[] {
  if (keys === undefined) return [];
  const { first, last = first, step = 1 } = keys;
  const end = last < 0 ? values.length + 1 + last : last;
  return values.filter((_, i) => i + 1 >= first && i + 1 <= end && (i + 1 - first) % step === 0);
}

function partOf(part: CallArgument): string | Uint8Array {
  return part instanceof Uint8Array ? part : String(part);
}

function bytesOf(args: Args, index: number): Buffer {
  return Buffer.from(args.bytes.subarray(args.start(index), args.end(index)));
}
