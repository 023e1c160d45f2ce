/**
 * What a script finds when it begins: the globals, which nobody can change. So the code generator takes functions of the
 * libraries from here once and for all.
 */
import { LuaError } from "./errors.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaValue } from "./values.ts";

/** All functions of libraries. */
const library = new WeakSet<LuaFunction>();
/** Functions that give exactly one value, for the code generator. */
const single = new WeakSet<LuaFunction>();

/** What a script was called with. */
export interface Inputs {
  KEYS: LuaTable;
  ARGV: LuaTable;
}

export class Environment {
  readonly globals: LuaTable = new LuaTable();
  /** What all strings are indexed by. */
  readonly stringMeta: LuaTable = new LuaTable();
  /** KEYS and ARGV of the script that runs; null where there are none. */
  readonly inputs: Inputs | null;

  /** @param hasInputs scripts find KEYS and ARGV among the globals */
  constructor(hasInputs: boolean) {
    this.inputs = hasInputs ? { KEYS: new LuaTable(), ARGV: new LuaTable() } : null;
    if (!hasInputs) return;
    this.globals.set("KEYS", new LuaTable());
    this.globals.set("ARGV", new LuaTable());
  }

  /** A script begins with these. */
  begin(keys: LuaTable, values: LuaTable): void {
    const { inputs } = this;
    if (inputs === null) return;
    inputs.KEYS = keys;
    inputs.ARGV = values;
    // They are the first two of the globals, also for whoever looks them up.
    this.globals.values[0] = keys;
    this.globals.values[1] = values;
  }

  /** Nothing is added any more: every table of the globals is read-only from now on. */
  freeze(): void {
    const { globals } = this;
    const meta = new LuaTable();
    meta.set("__index", (...parameters: LuaValue[]) => {
      throw LuaError.here(
        `Script attempted to access nonexistent global variable '${String(parameters[1])}'`,
      );
    });
    globals.meta = meta;
    freezeTable(globals);
    freezeTable(this.stringMeta);
  }

  /** The value of a global that never changes, or undefined. */
  constant(name: string): LuaValue {
    if (this.inputs !== null && Object.hasOwn(this.inputs, name)) return undefined;
    return this.globals.getKeyed(name);
  }
}

function freezeTable(table: LuaTable): void {
  if (table.readonly) return;
  table.readonly = true;
  if (table.meta !== null) freezeTable(table.meta);
  for (const value of table.values) if (value instanceof LuaTable) freezeTable(value);
}

/** Puts functions into a table of a library. @param areSingle each of them gives exactly one value */
export function define(
  table: LuaTable,
  functions: Readonly<Record<string, LuaFunction>>,
  areSingle: boolean,
): void {
  for (const [name, body] of Object.entries(functions)) {
    table.set(name, body);
    library.add(body);
    if (areSingle) single.add(body);
  }
}

export function isLibraryFunction(body: LuaFunction): boolean {
  return library.has(body);
}

export function givesOne(body: LuaFunction): boolean {
  return single.has(body);
}
