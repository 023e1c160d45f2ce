/**
 * The command table of a server: finds a command by the bytes of its name, without making a string of them.
 * Names are looked up in a small open-addressed table by their first four letters, last four letters and length.
 */
import { isWord } from "../base/bytes.ts";
import { COMMANDS_MAX } from "../security/catalogue.ts";
import { assert } from "../base/assert.ts";
import type { Args } from "../protocol/args.ts";
import { Command, letters } from "./command.ts";
import type { CommandRow } from "./row.ts";

const SLOTS = 2048;

export class CommandTable {
  readonly #slots: (Command | null)[] = new Array<Command | null>(SLOTS).fill(null);
  readonly #commands: Command[] = [];
  /** By their own names, of which clients may know others, or none. */
  readonly #byOwnName: Map<string, Command> = new Map();
  #hasRenamed = false;
  #nextId = 0;

  constructor(rows: readonly CommandRow[]) {
    for (const row of rows) this.add(row);
  }

  /** Adds a command; its names must be free. */
  add(row: CommandRow): Command {
    const command = new Command(row);
    for (const one of [command, ...command.children]) one.id = this.#nextId++;
    assert(this.#nextId < COMMANDS_MAX, "a set of commands has a bit for each");
    this.#byOwnName.set(command.ownName, command);
    if (command.renamedFrom !== null) this.#hasRenamed = true;
    if (command.fullName === "") return command;
    let slot = slotOf(command.head, command.tail, command.upperName.length);
    while (this.#slots[slot] !== null) slot = (slot + 1) % SLOTS;
    this.#slots[slot] = command;
    this.#commands.push(command);
    return command;
  }

  /** The command that the first argument names, or null. Subcommands are not looked at. */
  find(args: Args): Command | null {
    const { bytes } = args;
    const start = args.starts[0]!;
    const end = args.ends[0]!;
    const length = end - start;
    const head = letters(bytes, start, end);
    const tail = length > 4 ? letters(bytes, end - 4, end) : head;
    let slot = slotOf(head, tail, length);
    for (;;) {
      const command = this.#slots[slot]!;
      if (command === null) return null;
      if (
        command.head === head &&
        command.tail === tail &&
        command.upperName.length === length &&
        (command.isShort || isWord(bytes, start, end, command.upperName))
      ) {
        return command;
      }
      slot = (slot + 1) % SLOTS;
    }
  }

  /** Like `find`, by the name that is the command's own: that of a log. */
  findOwn(args: Args): Command | null {
    if (!this.#hasRenamed) return this.find(args);
    return this.byOwnName(args.text(0).toLowerCase());
  }

  /** A command by the name that its row has, without subcommands. */
  byOwnName(name: string): Command | null {
    return this.#byOwnName.get(name) ?? null;
  }

  /** A command by name: "get", or "config|get". Letters of either case. */
  byName(name: string): Command | null {
    const [first = "", second, ...more] = name.toUpperCase().split("|");
    const command = this.#commands.find((candidate) => candidate.upperName === first) ?? null;
    if (command === null || second === undefined) return command;
    return more.length > 0 ? null : (command.subcommands?.get(second) ?? null);
  }

  /** All commands that clients know, without subcommands, in the order in which they were added. */
  get commands(): readonly Command[] {
    return this.#commands;
  }
}

function slotOf(head: number, tail: number, length: number): number {
  return ((Math.imul(head ^ Math.imul(tail, 31), 0x9e3779b1) >>> 16) + length * 17) & (SLOTS - 1);
}
