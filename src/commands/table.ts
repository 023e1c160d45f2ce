/**
 * The command table of a server: finds a command by the bytes of its name, without making a string of them.
 * Names are looked up in a small open-addressed table by their length and first and last letters.
 */
import { isWord } from "../base/bytes.ts";
import type { Args } from "../protocol/args.ts";
import { Command } from "./command.ts";
import type { CommandRow } from "./row.ts";

const SLOTS = 2048;

export class CommandTable {
  readonly #slots: (Command | null)[] = new Array<Command | null>(SLOTS).fill(null);
  readonly #commands: Command[] = [];

  constructor(rows: readonly CommandRow[]) {
    for (const row of rows) this.add(row);
  }

  /** Adds a command; its name must be free. */
  add(row: CommandRow): Command {
    const command = new Command(row);
    const name = Buffer.from(command.upperName, "latin1");
    let slot = slotOf(name, 0, name.length);
    while (this.#slots[slot] !== null) slot = (slot + 1) % SLOTS;
    this.#slots[slot] = command;
    this.#commands.push(command);
    return command;
  }

  /** The command that the first argument names, or null. Subcommands are not looked at. */
  find(args: Args): Command | null {
    const start = args.starts[0]!;
    const end = args.ends[0]!;
    let slot = slotOf(args.bytes, start, end);
    for (;;) {
      const command = this.#slots[slot]!;
      if (command === null || isWord(args.bytes, start, end, command.upperName)) return command;
      slot = (slot + 1) % SLOTS;
    }
  }

  /** A command by name: "get", or "config|get". Letters of either case. */
  byName(name: string): Command | null {
    const [first = "", second, ...more] = name.toUpperCase().split("|");
    const command = this.#commands.find((candidate) => candidate.upperName === first) ?? null;
    if (command === null || second === undefined) return command;
    return more.length > 0 ? null : (command.subcommands?.get(second) ?? null);
  }

  /** All commands, without subcommands, in the order in which they were added. */
  get commands(): readonly Command[] {
    return this.#commands;
  }
}

function slotOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  // Clearing the bit that tells the cases of a letter apart.
  const first = bytes[start]! & 0xdf;
  const second = bytes[start + (length >>> 1)]! & 0xdf;
  const last = bytes[end - 1]! & 0xdf;
  return (first * 31 + second * 17 + last * 7 + length * 101) % SLOTS;
}
