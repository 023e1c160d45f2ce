/** Lua's basic functions, as far as Redis lets scripts have them. */
import { next, nextPosition } from "./cursor.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError, placeAt } from "./errors.ts";
import { invoke } from "./invoke.ts";
import { meter, ScriptStop } from "./meter.ts";
import { callable, metaField, rawSet } from "./operations.ts";
import { parseInteger, parseNumber } from "./number-text.ts";
import type { Parameters } from "./parameters.ts";
import {
  anyAt,
  badArgument,
  badType,
  functionAt,
  integerAt,
  numberAt,
  optionalInt,
  optionalInteger,
  tableAt,
  textAt,
} from "./parameters.ts";
import { LuaTable } from "./table.ts";
import type { LuaResult, LuaValue } from "./values.ts";
import { all, asText, first, isTrue, NONE, objectName, typeName, Userdata } from "./values.ts";

/** The library itself is no place in a script. */
export const READONLY = "Attempt to modify a readonly table";

/** Values that `unpack` may give. */
const UNPACK_MAX = 7999;

/** Compiles source text, or says why it can't be. */
export type Compile = (source: string, name: string, origin: string) => LuaValue | LuaError;

/** A value as text, by its metatable if that says how. */
function toText(value: LuaValue): LuaValue {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return asText(value)!;
    case "undefined":
      return "nil";
    case "boolean":
      return String(value);
    default: {
      const handler = metaField(value, "__tostring");
      if (handler !== undefined) {
        return first(invoke(callable(handler, ""), value));
      }
      return value instanceof Userdata ? value.text : objectName(value);
    }
  }
}

/** What a `catch` of Lua may see of what was thrown; throws on what it may not. */
export function caughtValue(error: unknown): LuaValue {
  if (error instanceof LuaError) return error.value;
  if (error instanceof ScriptStop) throw error;
  if (error instanceof RangeError) {
    // The engine's own bounds: its stack, and the size of its strings.
    return /stack/i.test(error.message) ? "stack overflow" : "not enough memory";
  }
  throw error;
}

/** As Redis has it: an error that is a table gives its field `err`. */
function protectedCall(...parameters: LuaValue[]): LuaResult {
  // Redis's own pcall finds its own mark in the place of what is missing.
  if (parameters.length === 0) return [false, "attempt to call a boolean value"];
  const [callee, ...rest] = parameters;
  const { stack } = meter;
  try {
    return [true, ...all(invoke(callable(callee, ""), ...rest))];
  } catch (error) {
    const value = caughtValue(error);
    meter.stack = stack;
    const message = value instanceof LuaTable ? value.getKeyed("err") : undefined;
    return [false, message === undefined || asText(message) === undefined ? value : message];
  }
}

function protectedCallWithHandler(...parameters: LuaValue[]): LuaResult {
  const [callee, handler] = parameters;
  if (parameters.length < 2) throw badArgument(2, "xpcall", "value expected");
  const { stack } = meter;
  try {
    return [true, ...all(invoke(callable(callee, "")))];
  } catch (error) {
    const value = caughtValue(error);
    meter.stack = stack;
    return [false, first(invoke(callable(handler, ""), value))];
  }
}

function raise(...parameters: LuaValue[]): LuaResult {
  const [value] = parameters;
  const level = optionalInteger(parameters, 2, "error", 1);
  const text = asText(value);
  if (text === undefined || level <= 0) throw new LuaError(value);
  const place = placeAt(level);
  throw new LuaError(place === null ? text : `${place.chunk}:${place.line}: ${text}`);
}

function select(...parameters: LuaValue[]): LuaResult {
  if (parameters[0] === "#") return parameters.length - 1;
  let at = integerAt(parameters, 1, "select");
  if (at < 0) at = parameters.length + at;
  if (at < 1) throw badArgument(1, "select", "index out of range");
  return parameters.slice(at);
}

/** @param values a table's list; positions as `unpack` takes them */
function unpack(...parameters: LuaValue[]): LuaResult {
  const table = tableAt(parameters, 1, "unpack");
  const from = optionalInt(parameters, 2, "unpack", 1);
  const to = optionalInt(parameters, 3, "unpack", table.length);
  if (from > to) return NONE;
  if (to - from >= UNPACK_MAX) throw LuaError.here("too many results to unpack");
  if (from === 1 && to === table.list.length) return table.list.slice();
  const values: LuaValue[] = [];
  for (let at = from; at <= to; at++) values.push(table.get(at));
  return values;
}

function toNumber(...parameters: LuaValue[]): LuaResult {
  const base = optionalInteger(parameters, 2, "tonumber", 10);
  if (base === 10) {
    const value = anyAt(parameters, 1, "tonumber");
    if (typeof value === "number") return value;
    return typeof value === "string" ? parseNumber(value) : undefined;
  }
  const text = textAt(parameters, 1, "tonumber");
  if (base < 2 || base > 36) throw badArgument(2, "tonumber", "base out of range");
  return parseInteger(text, base);
}

function setMetatable(...parameters: LuaValue[]): LuaResult {
  const table = tableAt(parameters, 1, "setmetatable");
  const meta = parameters[1];
  if (!(meta instanceof LuaTable) && (meta !== undefined || parameters.length < 2)) {
    throw badArgument(2, "setmetatable", "nil or table expected");
  }
  if (table.meta?.getKeyed("__metatable") !== undefined) {
    throw LuaError.here("cannot change a protected metatable");
  }
  if (table.readonly) throw new LuaError(READONLY);
  table.meta = meta ?? null;
  return table;
}

function getMetatable(environment: Environment, parameters: Parameters): LuaResult {
  const value = anyAt(parameters, 1, "getmetatable");
  const meta =
    typeof value === "string"
      ? environment.stringMeta
      : value instanceof LuaTable
        ? value.meta
        : null;
  return meta?.getKeyed("__metatable") ?? meta ?? undefined;
}

function assert(...parameters: LuaValue[]): LuaResult {
  const value = anyAt(parameters, 1, "assert");
  if (isTrue(value)) return parameters;
  const message = parameters[1];
  if (message === undefined) throw LuaError.here("assertion failed!");
  const text = asText(message);
  if (text === undefined) throw badType(parameters, 2, "assert", "string");
  throw new LuaError(text);
}

function rawEqual(...parameters: LuaValue[]): LuaResult {
  return anyAt(parameters, 1, "rawequal") === anyAt(parameters, 2, "rawequal");
}

function rawGet(...parameters: LuaValue[]): LuaResult {
  return tableAt(parameters, 1, "rawget").get(anyAt(parameters, 2, "rawget"));
}

function rawSetValue(...parameters: LuaValue[]): LuaResult {
  const table = tableAt(parameters, 1, "rawset");
  if (table.readonly) throw new LuaError(READONLY);
  rawSet(table, anyAt(parameters, 2, "rawset"), anyAt(parameters, 3, "rawset"));
  return table;
}

function pairs(...parameters: LuaValue[]): LuaResult {
  return [next, tableAt(parameters, 1, "pairs"), undefined];
}

function listPairs(...parameters: LuaValue[]): LuaResult {
  return [nextPosition, tableAt(parameters, 1, "ipairs"), 0];
}

/** There is nothing to collect by hand: answers what a program can go on with. */
function collectGarbage(...parameters: LuaValue[]): LuaResult {
  const option = parameters[0] === undefined ? "collect" : textAt(parameters, 1, "collectgarbage");
  switch (option) {
    case "count":
      return 40;
    case "step":
      return true;
    case "collect":
    case "stop":
    case "restart":
      return 0;
    case "setpause":
    case "setstepmul":
      return 200;
    default:
      throw badArgument(1, "collectgarbage", `invalid option '${option}'`);
  }
}

function loadText(compile: Compile, source: string, name: string): LuaResult {
  const shown = name.startsWith("=") || name.startsWith("@") ? name.slice(1) : chunkLabel(name);
  const compiled = compile(source, shown, name);
  return compiled instanceof LuaError ? [undefined, compiled.value] : compiled;
}

/** How Lua names a chunk by its text: the first line of it. */
function chunkLabel(source: string): string {
  const [line = ""] = source.split(/[\r\n]/, 1);
  const max = 60 - '[string "..."]'.length - 1;
  if (line.length === source.length && line.length <= max) return `[string "${line}"]`;
  return `[string "${line.slice(0, max)}..."]`;
}

function loaders(compile: Compile): Record<string, (...parameters: LuaValue[]) => LuaResult> {
  return {
    loadstring(...parameters) {
      const source = textAt(parameters, 1, "loadstring");
      const name = parameters[1] === undefined ? source : textAt(parameters, 2, "loadstring");
      return loadText(compile, source, name);
    },
    load(...parameters) {
      const reader = functionAt(parameters, 1, "load");
      const name = parameters[1] === undefined ? "=(load)" : textAt(parameters, 2, "load");
      let source = "";
      for (;;) {
        let piece: LuaValue;
        const { stack } = meter;
        try {
          piece = first(invoke(reader));
        } catch (error) {
          const value = caughtValue(error);
          meter.stack = stack;
          return [undefined, value];
        }
        if (piece === undefined || piece === "") return loadText(compile, source, name);
        if (typeof piece !== "string") return [undefined, "reader function must return a string"];
        meter.reserve(source.length + piece.length);
        source += piece;
      }
    },
  };
}

export function addBaseLibrary(environment: Environment, compile: Compile): void {
  const { globals } = environment;
  define(
    globals,
    {
      tonumber: toNumber,
      tostring: (...parameters) => toText(anyAt(parameters, 1, "tostring")),
      type: (...parameters) => typeName(anyAt(parameters, 1, "type")),
      rawequal: rawEqual,
      rawget: rawGet,
      rawset: rawSetValue,
      setmetatable: setMetatable,
      getmetatable: (...parameters) => getMetatable(environment, parameters),
      collectgarbage: collectGarbage,
      gcinfo: () => 40,
    },
    true,
  );
  define(
    globals,
    {
      assert,
      error: raise,
      ipairs: listPairs,
      next,
      pairs,
      pcall: protectedCall,
      select,
      unpack,
      xpcall: protectedCallWithHandler,
      ...loaders(compile),
    },
    false,
  );
  globals.set("_VERSION", "Lua 5.1");
  globals.set("_G", globals);
}

/** A library's table, under its name. */
export function addTable(environment: Environment, name: string): LuaTable {
  const table = new LuaTable();
  environment.globals.set(name, table);
  return table;
}

export function numberFunction(
  name: string,
  compute: (value: number) => number,
): (...parameters: Parameters) => LuaResult {
  return (...parameters) => compute(numberAt(parameters, 1, name));
}
