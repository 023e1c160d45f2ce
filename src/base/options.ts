/**
 * The options of a server: values by name over the one table of rows. The command line, the environment, the config file,
 * CONFIG GET, SET and REWRITE and the help text all read the same rows.
 *
 * A value is kept as the text that CONFIG GET prints (sizes in bytes, words in their canonical form), one character a byte.
 * Nobody looks a value up on a hot path: `onChange` hands it over once and after every change.
 */
import { parseValue } from "./option-values.ts";

export type OptionType = "text" | "flag" | "integer" | "memory" | "choice" | "list";

/** A value in its canonical form, or why it is none. */
export type Parsed = { readonly value: string } | { readonly error: string };

export interface OptionRow {
  readonly name: string;
  /** Older names that mean the same. */
  readonly aliases?: readonly string[];
  /** memory: bytes, accepts "64mb". list: several words in the config file and on the command line. */
  readonly type: OptionType;
  /** As CONFIG GET prints it. */
  readonly default: string;
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  readonly choices?: readonly string[];
  /** A size may be a percentage as well. */
  readonly percent?: boolean;
  /** An integer that is written in base 8. */
  readonly octal?: boolean;
  /** Takes the place of the type's own rule, or follows it: see `parseValue`. */
  readonly check?: (words: readonly string[], current: string) => Parsed;
  /** Can't be changed at run time. */
  readonly fixed?: boolean;
  /** Can be changed at run time only if `enable-protected-configs` allows it. */
  readonly protected?: boolean;
  /** Put into effect even by the value that it has already: what it names may have changed. */
  readonly volatile?: boolean;
  /** Shown by CONFIG GET only under its full name. */
  readonly hidden?: boolean;
  /** Holds a secret: never logged. */
  readonly sensitive?: boolean;
  /** Known, kept and shown, but without meaning here. */
  readonly inert?: boolean;
  /** One line. */
  readonly help: string;
}

/** What the log says of an option that has a value although it has no effect. */
export function inertWarning({ name, sensitive }: OptionRow, value: string): string {
  const shown = sensitive === true ? "..." : value;
  return `WARNING: '${name} ${shown}' is accepted, but has no effect in this version.`;
}

/** Why a change was refused, and the option that refused it. */
export interface Refusal {
  readonly name: string;
  readonly error: string;
}

/** Puts changed options into effect. @returns an error text if that can't be, or null */
export type Applier = () => string | null;

/** What a row of this name would be, were there one. */
export const UNKNOWN_OPTION = "Unknown option";

export class Options {
  /** By name, without aliases. */
  readonly rows: ReadonlyMap<string, OptionRow>;
  readonly #byAnyName: Map<string, OptionRow> = new Map();
  readonly #values: Map<string, string> = new Map();
  readonly #listeners: Map<string, ((value: string) => void)[]> = new Map();
  readonly #appliers: Map<string, Applier> = new Map();

  constructor(rows: readonly OptionRow[]) {
    this.rows = new Map(rows.map((row) => [row.name, row]));
    for (const row of rows) {
      this.#values.set(row.name, row.default);
      this.#byAnyName.set(row.name, row);
      for (const alias of row.aliases ?? []) this.#byAnyName.set(alias, row);
    }
  }

  /** The row of a name or alias, letters of either case. */
  row(name: string): OptionRow | undefined {
    return this.#byAnyName.get(name.toLowerCase());
  }

  /** All names and aliases with their rows. */
  names(): Iterable<readonly [name: string, row: OptionRow]> {
    return this.#byAnyName;
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

  /** The words of a list; none if it is empty. */
  words(name: string): string[] {
    const text = this.text(name);
    return text === "" ? [] : text.split(" ");
  }

  /** Calls `listener` now and after every change. */
  onChange(name: string, listener: (value: string) => void): void {
    const listeners = this.#listeners.get(name) ?? [];
    listeners.push(listener);
    this.#listeners.set(name, listeners);
    listener(this.text(name));
  }

  /**
   * Has `apply` run after a change of any of `names`, with the new values in place; if it refuses, the change is taken back
   * and `apply` runs again with the old ones.
   */
  onApply(names: readonly string[], apply: Applier): void {
    for (const name of names) this.#appliers.set(name, apply);
  }

  /** Sets a value. @param value as CONFIG SET takes it @returns an error text, or null */
  set(name: string, value: string): string | null {
    return this.setAll([[name, value]])?.error ?? null;
  }

  /** Sets a value from the words of a line of the config file. @returns an error text, or null */
  setWords(name: string, words: readonly string[]): string | null {
    const row = this.row(name);
    if (row === undefined) return UNKNOWN_OPTION;
    if (row.type !== "list" && words.length !== 1) return "wrong number of arguments";
    const parsed = parseValue(row, words, this.text(row.name));
    if ("error" in parsed) return parsed.error;
    return this.#replace(new Map([[row.name, parsed.value]]))?.error ?? null;
  }

  /**
   * Notes what became of an option: a free port that was found, the absolute path of a directory. Nothing is checked or
   * applied. @param value in its canonical form
   */
  record(name: string, value: string): void {
    if (this.text(name) === value) return;
    this.#values.set(name, value);
    for (const listener of this.#listeners.get(name) ?? []) listener(value);
  }

  /** Sets several values, or none if one is refused. @returns what was refused, or null */
  setAll(changes: readonly (readonly [name: string, value: string])[]): Refusal | null {
    const values = new Map<string, string>();
    for (const [name, value] of changes) {
      const row = this.row(name);
      if (row === undefined) return { name, error: UNKNOWN_OPTION };
      const words = row.type === "list" ? value.split(" ") : [value];
      const parsed = parseValue(row, words, values.get(row.name) ?? this.text(row.name));
      if ("error" in parsed) return { name: name.toLowerCase(), error: parsed.error };
      values.set(row.name, parsed.value);
    }
    return this.#replace(values);
  }

  /** Puts parsed values in place, applies them, and tells those who listen. */
  #replace(values: ReadonlyMap<string, string>): Refusal | null {
    const before = new Map<string, string>();
    for (const [name, value] of values) {
      const old = this.text(name);
      if (old === value && this.rows.get(name)!.volatile !== true) continue;
      before.set(name, old);
      this.#values.set(name, value);
    }
    const applied = new Set<Applier>();
    for (const name of before.keys()) {
      const apply = this.#appliers.get(name);
      if (apply === undefined || applied.has(apply)) continue;
      applied.add(apply);
      const error = apply();
      if (error === null) continue;
      for (const [changed, old] of before) this.#values.set(changed, old);
      for (const again of applied) again();
      return { name, error };
    }
    for (const name of before.keys()) {
      for (const listener of this.#listeners.get(name) ?? []) listener(this.text(name));
    }
    return null;
  }
}
