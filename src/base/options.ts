/**
 * The options of a server: values by name over the one table of rows. The command line, the config file, CONFIG GET
 * and SET and the help text all read the same rows.
 */

export interface OptionRow {
  readonly name: string;
  /** Older names that mean the same. */
  readonly aliases?: readonly string[];
  /** memory: bytes, accepts "64mb". list: words. special: checked by `check` alone. */
  readonly type: "text" | "flag" | "integer" | "memory" | "choice" | "list";
  /** As CONFIG GET prints it. */
  readonly default: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Can't be changed at run time. */
  readonly fixed?: boolean;
  /** Known, kept and shown, but without meaning here. */
  readonly inert?: boolean;
  /** One line. */
  readonly help: string;
}

export class Options {
  readonly rows: ReadonlyMap<string, OptionRow>;
  readonly #values: Map<string, string> = new Map();
  readonly #listeners: Map<string, ((value: string) => void)[]> = new Map();

  constructor(rows: readonly OptionRow[]) {
    this.rows = new Map(rows.map((row) => [row.name, row]));
    for (const row of rows) this.#values.set(row.name, row.default);
  }

  text(name: string): string {
    return this.#values.get(name)!;
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  flag(name: string): boolean {
    return this.text(name) === "yes";
  }

  /** Calls `listener` now and after every change. */
  onChange(name: string, listener: (value: string) => void): void {
    const listeners = this.#listeners.get(name) ?? [];
    listeners.push(listener);
    this.#listeners.set(name, listeners);
    listener(this.text(name));
  }

  /** Sets a value. @returns an error text, or null */
  set(name: string, value: string): string | null {
    if (!this.rows.has(name)) return "Unknown option";
    this.#values.set(name, value);
    for (const listener of this.#listeners.get(name) ?? []) listener(value);
    return null;
  }
}
