/** `table`, Lua 5.0's functions included. Sorting is Lua's own algorithm, so that a wrong order function fails alike. */
import { addTable, READONLY } from "./base-library.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { invoke } from "./invoke.ts";
import { meter } from "./meter.ts";
import { comparisonText, less } from "./operations.ts";
import { functionAt, intAt, optionalInt, tableAt, textAt } from "./parameters.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaResult, LuaValue } from "./values.ts";
import { asText, first, isTrue, NONE, typeName } from "./values.ts";

function refuseReadonly(table: LuaTable): void {
  if (table.readonly) throw new LuaError(READONLY);
}

function insert(...parameters: LuaValue[]): LuaResult {
  const table = tableAt(parameters, 1, "insert");
  refuseReadonly(table);
  const end = table.length + 1;
  switch (parameters.length) {
    case 2:
      table.set(end, parameters[1]);
      return NONE;
    case 3: {
      const at = intAt(parameters, 2, "insert");
      const value = parameters[2];
      const { list } = table;
      if (at >= 1 && at <= list.length && end === list.length + 1 && value !== undefined) {
        list.splice(at - 1, 0, value);
        meter.charge((end - at) * 8);
        return NONE;
      }
      for (let to = Math.max(end, at); to > at; to--) {
        // There may be two billion of them, whatever is in the table.
        if (--meter.steps < 0) meter.look();
        table.set(to, table.get(to - 1));
      }
      table.set(at, value);
      return NONE;
    }
    default:
      throw LuaError.here("wrong number of arguments to 'insert'");
  }
}

function remove(...parameters: LuaValue[]): LuaResult {
  const table = tableAt(parameters, 1, "remove");
  const end = table.length;
  const at = optionalInt(parameters, 2, "remove", end);
  if (at < 1 || at > end) return NONE;
  refuseReadonly(table);
  const { list } = table;
  const value = table.get(at);
  if (end === list.length && at < end) {
    list.splice(at - 1, 1);
    meter.charge((end - at) * 8);
    return value;
  }
  for (let to = at; to < end; to++) table.set(to, table.get(to + 1));
  table.set(end, undefined);
  return value;
}

function concat(...parameters: LuaValue[]): LuaResult {
  const table = tableAt(parameters, 1, "concat");
  const separator = parameters[1] === undefined ? "" : textAt(parameters, 2, "concat");
  const from = optionalInt(parameters, 3, "concat", 1);
  const to = parameters[3] === undefined ? table.length : intAt(parameters, 4, "concat");
  const parts: string[] = [];
  let size = 0;
  for (let at = from; at <= to; at++) {
    const value = table.get(at);
    const text = asText(value);
    if (text === undefined) {
      throw LuaError.here(
        `invalid value (${typeName(value)}) at index ${at} in table for 'concat'`,
      );
    }
    size += text.length + separator.length;
    if (size > 4096) meter.reserve(size);
    parts.push(text);
  }
  return parts.join(separator);
}

// ---- sorting ----

type Less = (a: LuaValue, b: LuaValue) => boolean;

function sort(...parameters: LuaValue[]): LuaResult {
  const table = tableAt(parameters, 1, "sort");
  let isLess: Less = plainLess;
  if (parameters[1] !== undefined) {
    const order = functionAt(parameters, 2, "sort");
    isLess = (a, b) => isTrue(first(invoke(order, a, b)));
  }
  refuseReadonly(table);
  sortRange(table, 1, table.length, isLess);
  return NONE;
}

function swap(table: LuaTable, a: number, valueA: LuaValue, b: number, valueB: LuaValue): void {
  table.set(a, valueA);
  table.set(b, valueB);
}

/** The library itself is no place in a script: an error has none. */
function plainLess(a: LuaValue, b: LuaValue): boolean {
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (typeof a === "string" && typeof b === "string") return a < b;
  if (a instanceof LuaTable && b instanceof LuaTable && a.meta !== null) return less(a, b);
  throw new LuaError(comparisonText(a, b));
}

/** Quicksort with the median of three; the larger part is sorted by the loop, so the depth is logarithmic. */
function sortRange(table: LuaTable, from: number, to: number, isLess: Less): void {
  let low = from;
  let high = to;
  while (low < high) {
    meter.charge((high - low) * 8);
    const a = table.get(low);
    const b = table.get(high);
    if (isLess(b, a)) swap(table, low, b, high, a);
    if (high - low === 1) return;
    const middle = Math.floor((low + high) / 2);
    const m = table.get(middle);
    const l = table.get(low);
    if (isLess(m, l)) {
      swap(table, middle, l, low, m);
    } else {
      const h = table.get(high);
      if (isLess(h, m)) swap(table, middle, h, high, m);
    }
    if (high - low === 2) return;
    const pivot = table.get(middle);
    swap(table, middle, table.get(high - 1), high - 1, pivot);
    const border = partition(table, low, high, pivot, isLess);
    if (border - low < high - border) {
      sortRange(table, low, border - 1, isLess);
      low = border + 1;
    } else {
      sortRange(table, border + 1, high, isLess);
      high = border - 1;
    }
  }
}

function partition(
  table: LuaTable,
  low: number,
  high: number,
  pivot: LuaValue,
  isLess: Less,
): number {
  let i = low;
  let j = high - 1;
  for (;;) {
    let left = table.get(++i);
    while (isLess(left, pivot)) {
      if (i > high) throw LuaError.here("invalid order function for sorting");
      left = table.get(++i);
    }
    let right = table.get(--j);
    while (isLess(pivot, right)) {
      if (j < low) throw LuaError.here("invalid order function for sorting");
      right = table.get(--j);
    }
    if (j < i) break;
    swap(table, i, right, j, left);
  }
  swap(table, high - 1, table.get(i), i, table.get(high - 1));
  return i;
}

// ---- Lua 5.0 ----

/** Calls a function for each pair until it gives a value. */
function forEach(table: LuaTable, callee: LuaFunction): LuaResult {
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    const value = first(invoke(callee, table.keyAt(place), table.valueAt(place)));
    if (value !== undefined) return value;
  }
  return NONE;
}

function forEachItem(table: LuaTable, callee: LuaFunction): LuaResult {
  const end = table.length;
  for (let at = 1; at <= end; at++) {
    const value = first(invoke(callee, at, table.get(at)));
    if (value !== undefined) return value;
  }
  return NONE;
}

function maxKey(table: LuaTable): number {
  let max = 0;
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    const key = table.keyAt(place);
    if (typeof key === "number" && key > max) max = key;
  }
  return max;
}

export function addTableLibrary(environment: Environment): void {
  const table = addTable(environment, "table");
  define(
    table,
    {
      concat,
      getn: (...p) => tableAt(p, 1, "getn").length,
      maxn: (...p) => maxKey(tableAt(p, 1, "maxn")),
    },
    true,
  );
  define(
    table,
    {
      foreach: (...p) => forEach(tableAt(p, 1, "foreach"), functionAt(p, 2, "foreach")),
      foreachi: (...p) => forEachItem(tableAt(p, 1, "foreachi"), functionAt(p, 2, "foreachi")),
      insert,
      remove,
      setn: (...p) => {
        tableAt(p, 1, "setn");
        throw LuaError.here("'setn' is obsolete");
      },
      sort,
    },
    false,
  );
}
