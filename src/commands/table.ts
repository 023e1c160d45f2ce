/**
 * The command table of a server: finds a command by the bytes of its name, without making a string of them.
 * Names are looked up in a small open-addressed table by their first four letters, last four letters and length. Of commands that are loaded
 * late only the names are known at first: a name that is not in the table may be one of them.
 */
import { isWord } from "../base/bytes.ts";
import { COMMANDS_MAX } from "../security/catalogue.ts";
import { assert } from "../base/assert.ts";
import type { Args } from "../protocol/args.ts";
import { Command, letters } from "./command.ts";
import type { CommandRow, LateRows } from "./row.ts";

const SLOTS = 2048;
/** No command that is loaded late has a longer name. */
const NAME_MAX = 32;
/** No name has this length. */
const NO_LENGTH = -1;

export class CommandTable {
  readonly #slots: (Command | null)[] = new Array<Command | null>(SLOTS).fill(null);
  readonly #commands: Command[] = [];
  /** By their own names, of which clients may know others, or none. */
  readonly #byOwnName: Map<string, Command> = new Map();
  #hasRenamed = false;
  /** The short name that was found last, which nearly always is looked for again, and its command. */
  #lastHead = 0;
  #lastTail = 0;
  #lastLength = NO_LENGTH;
  #last: Command | null = null;
  /** What is still to be loaded, by the names of its commands in lower case. */
  readonly #late: Map<string, LateRows> = new Map();
  /** Makes the row of a command out of the one that is given. */
  readonly #prepare: (row: CommandRow) => CommandRow;
  #nextId = 0;

  constructor(
    rows: readonly CommandRow[],
    late: readonly LateRows[] = [],
    prepare: (row: CommandRow) => CommandRow = (row) => row,
  ) {
    this.#prepare = prepare;
    for (const row of rows) this.add(row);
    for (const group of late) for (const name of group.names) this.#late.set(name, group);
  }

  /** Adds a command; its names must be free. */
  add(row: CommandRow): Command {
    const command = new Command(this.#prepare(row));
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
    const start = args.start(0);
    const end = args.end(0);
    const length = end - start;
    const head = letters(bytes, start, end);
    const tail = length > 4 ? letters(bytes, end - 4, end) : head;
    return head === this.#lastHead && tail === this.#lastTail && length === this.#lastLength
      ? this.#last
      : this.#search(args, head, tail);
  }

  /** `find` for a name of these first and last letters that was not found a moment ago. */
  #search(args: Args, head: number, tail: number): Command | null {
    const { bytes } = args;
    const start = args.start(0);
    const end = args.end(0);
    const length = end - start;
    let slot = slotOf(head, tail, length);
    for (;;) {
      const command = this.#slots[slot]!;
      if (command === null) return this.#late.size === 0 ? null : this.#findLate(args);
      const isAlike =
        command.head === head && command.tail === tail && command.upperName.length === length;
      if (isAlike && command.isShort) {
        this.#lastHead = head;
        this.#lastTail = tail;
        this.#lastLength = length;
        this.#last = command;
        return command;
      }
      if (isAlike && isWord(bytes, start, end, command.upperName)) return command;
      slot = (slot + 1) % SLOTS;
    }
  }

  /** Loads the command that the first argument names, if it is one of those that are loaded late. */
  #findLate(args: Args): Command | null {
    return args.length(0) <= NAME_MAX && this.#load(args.text(0).toLowerCase())
      ? this.find(args)
      : null;
  }

  /** Loads the group of a command. Returns false if none that is still to be loaded has one of the name. */
  #load(name: string): boolean {
    const group = this.#late.get(name);
    if (group === undefined) return false;
    // What can't be read now, since the process may open no further file, can be later.
    const rows = group.rows();
    for (const one of group.names) this.#late.delete(one);
    for (const row of rows) this.add(row);
    return true;
  }

  /** Like `find`, by the name that is the command's own: that of a log. */
  findOwn(args: Args): Command | null {
    if (!this.#hasRenamed) return this.find(args);
    return this.byOwnName(args.text(0).toLowerCase());
  }

  /** A command by the name that its row has, without subcommands. */
  byOwnName(name: string): Command | null {
    this.#load(name);
    return this.#byOwnName.get(name) ?? null;
  }

  /** A command by name: "get", or "config|get". Letters of either case. */
  byName(name: string): Command | null {
    const [first = "", second, ...more] = name.toUpperCase().split("|");
    this.#load(first.toLowerCase());
    const command = this.#commands.find((candidate) => candidate.upperName === first) ?? null;
    if (command === null || second === undefined) return command;
    return more.length > 0 ? null : (command.subcommands?.get(second) ?? null);
  }

  /** All commands that clients know, without subcommands, in the order in which they were added. Loads those that are still to be loaded. */
  get commands(): readonly Command[] {
    for (const name of this.#late.keys()) this.#load(name);
    return this.#commands;
  }

  /** Those that are loaded: all that have ever run. */
  get loaded(): readonly Command[] {
    return this.#commands;
  }
}

function slotOf(head: number, tail: number, length: number): number {
  return ((Math.imul(head ^ Math.imul(tail, 31), 0x9e3779b1) >>> 16) + length * 17) & (SLOTS - 1);
}
