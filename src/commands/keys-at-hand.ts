/**
 * The keys of a command that is about to run; where it is EXEC, those of all commands that it will run. For what holds a command
 * back before it has changed anything.
 */
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import { extractKeys, KeyList } from "./key-extraction.ts";
import type { Session } from "./session.ts";

/** Says whether a key is the one looked for. */
export type TestKey = (bytes: Buffer, start: number, end: number) => boolean;

const keyList = new KeyList();

/**
 * Whether `test` holds for one of the keys.
 * @param flags only keys of commands that have one of these, as bits; 0: of all commands
 */
export function someKeyAtHand(
  session: Session,
  command: Command,
  args: Args,
  flags: number,
  test: TestKey,
): boolean {
  const { transaction } = session;
  if (transaction === null) return someKey(command, args, flags, test);
  if (!command.isExec || transaction.failed) return false;
  if (flags !== 0 && (transaction.flags & flags) === 0) return false;
  transaction.rewind();
  return transaction.commands.some((queued) => someKey(queued, transaction.next(), flags, test));
}

function someKey(command: Command, args: Args, flags: number, test: TestKey): boolean {
  if (flags !== 0 && (command.flags & flags) === 0) return false;
  if (!extractKeys(command, args, 0, keyList)) return false;
  for (let i = 0; i < keyList.count; i++) {
    const at = keyList.positions[i]!;
    if (test(args.bytes, args.start(at), args.end(at))) return true;
  }
  return false;
}
