/** The arguments of a command as operators may see them, in the slow log and by MONITOR: without passwords. */
import type { Slice } from "../base/slice.ts";
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

const REDACTED = "(redacted)";
const REDACTED_BYTES: Buffer = Buffer.from(REDACTED);

/** The argument's bytes, or those of a word in its place if it is a secret. */
export function readShown(
  { engine }: Session,
  command: Command,
  args: Args,
  index: number,
  out: Slice,
): void {
  if (isSecret(engine, command, args, index)) out.set(REDACTED_BYTES, 0, REDACTED_BYTES.length);
  else out.set(args.bytes, args.start(index), args.end(index));
}

function isSecret(engine: Engine, { ownName }: Command, args: Args, index: number): boolean {
  switch (ownName) {
    case "auth":
      return index > 0;
    case "acl|setuser":
    case "acl|deluser":
    case "acl|getuser":
      return index > 1;
    case "hello":
      return isAfter(args, index, 1, "AUTH") || isAfter(args, index, 2, "AUTH");
    case "migrate":
      return (
        isAfter(args, index, 1, "AUTH") ||
        isAfter(args, index, 1, "AUTH2") ||
        isAfter(args, index, 2, "AUTH2")
      );
    case "config|set":
      // Pairs of names and values from the second argument on.
      return index >= 3 && index % 2 === 1 && isSensitive(engine, args.text(index - 1));
    default:
      return false;
  }
}

/** Whether `word` stands `distance` arguments before the one at `index`. */
function isAfter(args: Args, index: number, distance: number, word: string): boolean {
  return index > distance && args.is(index - distance, word);
}

function isSensitive(engine: Engine, option: string): boolean {
  return engine.options.row(option)?.sensitive === true;
}
