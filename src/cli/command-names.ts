/** The command rows of a server while `rename-command` lines change their names. */
import type { CommandRow } from "../commands/row.ts";

export class CommandNames {
  readonly #allRows: () => readonly CommandRow[];
  /** By lower-case name; null as long as every command has its own name. */
  #rows: Map<string, CommandRow> | null = null;
  readonly #removed: CommandRow[] = [];

  /** @param allRows loads the rows of all commands, which takes its time */
  constructor(allRows: () => readonly CommandRow[]) {
    this.#allRows = allRows;
  }

  /** The commands that there are; null: all under their own names. */
  get rows(): readonly CommandRow[] | null {
    return this.#rows === null ? null : [...this.#rows.values(), ...this.#removed];
  }

  /** Gives a command another name, or takes it away if that is empty. @returns an error text, or null */
  rename(from: string, to: string): string | null {
    this.#rows ??= new Map(this.#allRows().map((row) => [row.name, row]));
    const old = from.toLowerCase();
    const name = to.toLowerCase();
    const row = this.#rows.get(old);
    if (row === undefined) return "No such command in rename-command";
    if (name !== old && this.#rows.has(name)) return "Target command name already exists";
    this.#rows.delete(old);
    const renamed = { ...row, renamed: name };
    if (name === "") this.#removed.push(renamed);
    else this.#rows.set(name, renamed);
    return null;
  }
}
