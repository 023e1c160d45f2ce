/** The command rows of a server while `rename-command` lines change their names. */
import type { CommandRow } from "../commands/row.ts";

export class CommandNames {
  /** By lower-case name. */
  readonly #rows: Map<string, CommandRow>;
  readonly #removed: CommandRow[] = [];

  constructor(rows: readonly CommandRow[]) {
    this.#rows = new Map(rows.map((row) => [row.name, row]));
  }

  get rows(): readonly CommandRow[] {
    return [...this.#rows.values(), ...this.#removed];
  }

  /** Gives a command another name, or takes it away if that is empty. @returns an error text, or null */
  rename(from: string, to: string): string | null {
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
