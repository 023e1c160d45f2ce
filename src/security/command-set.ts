/**
 * The commands that a selector allows: a bit for each, by id, and the rules that led there, in their order, because they are
 * what is written down and read again.
 *
 * A rule takes the place of an earlier one about the same; one about a whole command also of those about its subcommands and first
 * arguments. "+@all" and "-@all" begin anew.
 */
import type { CatalogueCommand } from "./catalogue.ts";
import { COMMANDS_MAX } from "./catalogue.ts";

const WORD_BITS = 32;

export class CommandSet {
  /** Every command is allowed, and none was taken away since. */
  all = false;
  readonly #bits: Uint32Array = new Uint32Array(COMMANDS_MAX / WORD_BITS);
  /** By id of a command that is not allowed: first arguments with which it is, in lower case. */
  readonly #firstArguments: Map<number, string[]> = new Map();
  /** Without "+@all" and "-@all", as "+get" and "-@admin". */
  #rules: string[] = [];

  /** Makes this the same as another one. */
  copyFrom(other: CommandSet): void {
    this.all = other.all;
    this.#bits.set(other.#bits);
    this.#firstArguments.clear();
    for (const [id, words] of other.#firstArguments) this.#firstArguments.set(id, [...words]);
    this.#rules = [...other.#rules];
  }

  allows(id: number): boolean {
    return (this.#bits[id >>> 5]! & (1 << (id & 31))) !== 0;
  }

  /** Whether the command is allowed with this first argument, though not with others. */
  allowsWith(id: number, firstArgument: string): boolean {
    return this.#firstArguments.get(id)?.includes(firstArgument.toLowerCase()) ?? false;
  }

  /** Whether there are rules about first arguments of the command. */
  asksForFirstArgument(id: number): boolean {
    return this.#firstArguments.has(id);
  }

  // ---- rules ----

  /** Allows or takes away everything, commands that do not exist yet included. */
  setAll(allow: boolean): void {
    this.#bits.fill(allow ? 0xffffffff : 0);
    this.all = allow;
    this.#firstArguments.clear();
    this.#rules = [];
  }

  /** Allows or takes away a command with its subcommands, or a subcommand. */
  set(command: CatalogueCommand, allow: boolean): void {
    this.#change(command, allow);
    this.#note(command.fullName, allow);
  }

  /**
   * Allows or takes away the commands of a category.
   * @param name without "@" @param bit of the category @param commands all that there are
   */
  setCategory(
    name: string,
    bit: number,
    commands: readonly CatalogueCommand[],
    allow: boolean,
  ): void {
    for (const command of commands) {
      if ((command.categories & bit) !== 0) this.#change(command, allow);
    }
    this.#note(`@${name}`, allow);
  }

  /** Allows a command with one first argument. */
  allowFirstArgument(command: CatalogueCommand, argument: string): void {
    const lower = argument.toLowerCase();
    const words = this.#firstArguments.get(command.id) ?? [];
    if (!words.includes(lower)) words.push(lower);
    this.#firstArguments.set(command.id, words);
    this.#note(`${command.fullName}|${lower}`, true);
  }

  /** The rules that make this set of an empty one. */
  describe(): string {
    // Whoever began with everything may also run what does not exist yet.
    const first = this.allows(COMMANDS_MAX - 1) ? "+@all" : "-@all";
    return [first, ...this.#rules].join(" ");
  }

  #change(command: CatalogueCommand, allow: boolean): void {
    this.#setBit(command.id, allow);
    this.#firstArguments.delete(command.id);
    for (const child of command.children) this.#setBit(child.id, allow);
  }

  #setBit(id: number, allow: boolean): void {
    const bit = 1 << (id & 31);
    if (allow) {
      this.#bits[id >>> 5]! |= bit;
      return;
    }
    this.#bits[id >>> 5]! &= ~bit;
    this.all = false;
  }

  #note(what: string, allow: boolean): void {
    this.#rules = this.#rules.filter((rule) => {
      const about = rule.slice(1);
      return about !== what && !about.startsWith(`${what}|`);
    });
    this.#rules.push(`${allow ? "+" : "-"}${what}`);
  }
}
