/** Walks through a table without a call per step: what `for ... in pairs(t)` and `ipairs(t)` come to. */
import { LuaError } from "./errors.ts";
import { LuaTable } from "./table.ts";
import type { LuaResult, LuaValue } from "./values.ts";

/** Lua's `next`. */
export function next(...parameters: LuaValue[]): LuaResult {
  const [table, key] = parameters;
  if (!(table instanceof LuaTable)) throw LuaError.here(expectedTable("next", parameters));
  const from = table.placeAfter(key);
  if (from === -1) throw new LuaError("invalid key to 'next'");
  const place = table.nextPlace(from);
  return place === -1 ? undefined : [table.keyAt(place), table.valueAt(place)];
}

/** What `ipairs` gives as its iterator. */
export function nextPosition(...parameters: LuaValue[]): LuaResult {
  const [table, at] = parameters;
  if (!(table instanceof LuaTable)) throw LuaError.here(expectedTable("?", parameters));
  const position = Number(at) + 1;
  const value = table.get(position);
  return value === undefined ? [] : [position, value];
}

function expectedTable(name: string, parameters: readonly LuaValue[]): string {
  const got =
    parameters.length === 0
      ? "no value"
      : parameters[0] === undefined
        ? "nil"
        : typeof parameters[0];
  return `bad argument #1 to '${name}' (table expected, got ${got})`;
}

export interface Cursor {
  key: LuaValue;
  value: LuaValue;
  /** Goes on to the next key. Returns false behind the last. */
  advance(): boolean;
}

/** A cursor that does what the iterator would, or null. */
export function cursor(iterator: LuaValue, state: LuaValue, control: LuaValue): Cursor | null {
  if (!(state instanceof LuaTable)) return null;
  if (iterator === next && control === undefined) return new TableCursor(state);
  return iterator === nextPosition && control === 0 ? new ListCursor(state) : null;
}

class TableCursor implements Cursor {
  key: LuaValue = undefined;
  value: LuaValue = undefined;
  readonly #table: LuaTable;
  #place = 0;
  /** Length of the list when the place was found: if it is another, places have moved. */
  #listLength: number;
  #keyCount: number;

  constructor(table: LuaTable) {
    this.#table = table;
    this.#listLength = table.list.length;
    this.#keyCount = table.keys.length;
  }

  advance(): boolean {
    const table = this.#table;
    if (table.list.length !== this.#listLength || table.keys.length !== this.#keyCount) {
      this.#listLength = table.list.length;
      this.#keyCount = table.keys.length;
      // A key that went from the end of the list has no place any more, and none that follows it in the list has.
      const place = table.placeAfter(this.key);
      this.#place = place === -1 ? table.list.length : place;
    }
    const place = table.nextPlace(this.#place);
    if (place === -1) return false;
    this.#place = place + 1;
    this.key = table.keyAt(place);
    this.value = table.valueAt(place);
    return true;
  }
}

class ListCursor implements Cursor {
  key: LuaValue = 0;
  value: LuaValue = undefined;
  readonly #table: LuaTable;
  #position = 0;

  constructor(table: LuaTable) {
    this.#table = table;
  }

  advance(): boolean {
    this.#position++;
    this.key = this.#position;
    this.value = this.#table.get(this.#position);
    return this.value !== undefined;
  }
}
