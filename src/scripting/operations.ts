/**
 * Operations on values whose types are not known before: the short ways that most take, and the ways through metatables
 * and conversions behind them. Errors name the operand as Lua does: "local 'x'", "field 'y'".
 */
import { SCRIPT_STRING_MAX } from "../base/limits.ts";
import { LuaError } from "./errors.ts";
import { invoke } from "./invoke.ts";
import { meter } from "./meter.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaResult, LuaValue } from "./values.ts";
import { asNumber, asText, first, isTrue, typeName } from "./values.ts";

/** Metatables of metatables that are followed. */
const CHAIN_MAX = 100;
/** Strings up to this size are not counted: what makes them is counted by itself. */
const FREE_SIZE = 4096;

/** What every string is indexed by: the string library. */
const stringMeta: { index: LuaTable | null } = { index: null };

export function setStringMethods(table: LuaTable): void {
  stringMeta.index = table;
}

/** The value's field `name` of its metatable. */
export function metaField(value: LuaValue, name: string): LuaValue {
  if (value instanceof LuaTable) return value.meta?.getKeyed(name);
  if (typeof value === "string" && name === "__index") return stringMeta.index ?? undefined;
  return undefined;
}

/** An error about an operand. @param name what it is called in the source, or "" */
function operandError(action: string, value: LuaValue, name: string): LuaError {
  const type = typeName(value);
  return LuaError.here(
    name === ""
      ? `attempt to ${action} a ${type} value`
      : `attempt to ${action} ${name} (a ${type} value)`,
  );
}

// ---- indexing ----

export function index(object: LuaValue, key: LuaValue, name: string): LuaValue {
  if (object instanceof LuaTable) {
    const value = object.get(key);
    if (value !== undefined || object.meta === null) return value;
  }
  return indexSlow(object, key, name);
}

/** `index` by a key that is known to be a string. */
export function indexText(object: LuaValue, key: string, name: string): LuaValue {
  if (object instanceof LuaTable) {
    const value = object.getKeyed(key);
    if (value !== undefined || object.meta === null) return value;
  }
  return indexSlow(object, key, name);
}

function indexSlow(start: LuaValue, key: LuaValue, name: string): LuaValue {
  let object = start;
  for (let i = 0; i < CHAIN_MAX; i++) {
    let handler: LuaValue;
    if (object instanceof LuaTable) {
      const value = object.get(key);
      if (value !== undefined) return value;
      handler = object.meta?.getKeyed("__index");
      if (handler === undefined) return undefined;
    } else {
      handler = metaField(object, "__index");
      if (handler === undefined) throw operandError("index", object, i === 0 ? name : "");
    }
    if (typeof handler === "function") return first(invoke(handler, object, key));
    object = handler;
  }
  throw LuaError.here("loop in gettable");
}

export function setIndex(object: LuaValue, key: LuaValue, value: LuaValue, name: string): void {
  if (object instanceof LuaTable && object.meta === null) rawSet(object, key, value);
  else setSlow(object, key, value, name);
}

/** Sets without looking at the metatable. */
export function rawSet(table: LuaTable, key: LuaValue, value: LuaValue): void {
  if (table.readonly) throw LuaError.here("Attempt to modify a readonly table");
  if (typeof key === "number") {
    if (Number.isNaN(key)) throw LuaError.here("table index is NaN");
  } else if (key === undefined) {
    throw LuaError.here("table index is nil");
  }
  table.set(key, value);
}

function setSlow(start: LuaValue, key: LuaValue, value: LuaValue, name: string): void {
  let object = start;
  for (let i = 0; i < CHAIN_MAX; i++) {
    let handler: LuaValue;
    if (object instanceof LuaTable) {
      handler = object.meta?.getKeyed("__newindex");
      if (handler === undefined || object.get(key) !== undefined) {
        rawSet(object, key, value);
        return;
      }
    } else {
      handler = metaField(object, "__newindex");
      if (handler === undefined) throw operandError("index", object, i === 0 ? name : "");
    }
    if (typeof handler === "function") {
      invoke(handler, object, key, value);
      return;
    }
    object = handler;
  }
  throw LuaError.here("loop in settable");
}

// ---- calls ----

/** What is called when `value` is: itself, or what its metatable says. The error of a value that can't be called comes with the call. */
export function callable(value: LuaValue, name: string): LuaFunction {
  if (typeof value === "function") return value;
  const handler = metaField(value, "__call");
  if (typeof handler === "function") return (...rest) => handler(value, ...rest);
  return () => {
    throw operandError("call", value, name);
  };
}

// ---- arithmetic ----

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  __add: (a, b) => a + b,
  __sub: (a, b) => a - b,
  __mul: (a, b) => a * b,
  __div: (a, b) => a / b,
  __mod: (a, b) => a - Math.floor(a / b) * b,
  __pow: power,
};

/** An arithmetic operation whose operands are not both numbers. @param event as "__add" */
export function arithmetic(
  event: string,
  a: LuaValue,
  b: LuaValue,
  nameA: string,
  nameB: string,
): LuaValue {
  const numberA = asNumber(a);
  if (numberA !== undefined) {
    const numberB = asNumber(b);
    if (numberB !== undefined) return ARITHMETIC[event]!(numberA, numberB);
  }
  const handler = metaField(a, event) ?? metaField(b, event);
  if (handler !== undefined) return first(invoke(callable(handler, ""), a, b));
  if (numberA === undefined) throw operandError("perform arithmetic on", a, nameA);
  throw operandError("perform arithmetic on", b, nameB);
}

/** C's pow, which knows some results where JavaScript gives NaN. */
export function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && (b === Infinity || b === -Infinity))) return 1;
  const result = a ** b;
  if (Math.abs(result) < 2 ** 53 || a === 2) return result;
  // The engine multiplies step by step, which rounds each time where the result is beyond the exact integers.
  const isExact = Number.isSafeInteger(a) && Number.isInteger(b) && Number.isFinite(result);
  return isExact ? Number(BigInt(a) ** BigInt(b)) : result;
}

export function negate(value: LuaValue, name: string): LuaValue {
  const number = asNumber(value);
  if (number !== undefined) return -number;
  const handler = metaField(value, "__unm");
  if (handler === undefined) throw operandError("perform arithmetic on", value, name);
  return first(invoke(callable(handler, ""), value, value));
}

export function length(value: LuaValue, name: string): LuaValue {
  if (value instanceof LuaTable) return value.length;
  if (typeof value === "string") return value.length;
  throw operandError("get length of", value, name);
}

export function concat(a: LuaValue, b: LuaValue, nameA: string, nameB: string): LuaValue {
  if (typeof a === "string" && typeof b === "string") {
    const size = a.length + b.length;
    if (size > FREE_SIZE) countString(size);
    return a + b;
  }
  const textA = asText(a);
  const textB = asText(b);
  if (textA !== undefined && textB !== undefined) return textA + textB;
  const handler = metaField(a, "__concat") ?? metaField(b, "__concat");
  if (handler !== undefined) return first(invoke(callable(handler, ""), a, b));
  if (textA === undefined) throw operandError("concatenate", a, nameA);
  throw operandError("concatenate", b, nameB);
}

function countString(size: number): void {
  if (size > SCRIPT_STRING_MAX) throw new LuaError("not enough memory");
  // The engine puts long strings together only when somebody looks into them.
  meter.charge(size >> 4);
}

// ---- comparisons ----

export function equal(a: LuaValue, b: LuaValue): boolean {
  if (a === b) return true;
  if (!(a instanceof LuaTable && b instanceof LuaTable)) return false;
  const handler = commonHandler(a, b, "__eq");
  return handler !== undefined && isTrue(first(invoke(callable(handler, ""), a, b)));
}

/** A handler that both tables' metatables have. */
function commonHandler(a: LuaValue, b: LuaValue, event: string): LuaValue {
  const handler = metaField(a, event);
  return handler !== undefined && handler === metaField(b, event) ? handler : undefined;
}

export function less(a: LuaValue, b: LuaValue): boolean {
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (typeof a === "string" && typeof b === "string") return a < b;
  const handler = typeName(a) === typeName(b) ? commonHandler(a, b, "__lt") : undefined;
  if (handler === undefined) throw comparisonError(a, b);
  return isTrue(first(invoke(callable(handler, ""), a, b)));
}

export function lessOrEqual(a: LuaValue, b: LuaValue): boolean {
  if (typeof a === "number" && typeof b === "number") return a <= b;
  if (typeof a === "string" && typeof b === "string") return a <= b;
  if (typeName(a) === typeName(b)) {
    const handler = commonHandler(a, b, "__le");
    if (handler !== undefined) return isTrue(first(invoke(callable(handler, ""), a, b)));
    const reverse = commonHandler(a, b, "__lt");
    if (reverse !== undefined) return !isTrue(first(invoke(callable(reverse, ""), b, a)));
  }
  throw comparisonError(a, b);
}

function comparisonError(a: LuaValue, b: LuaValue): LuaError {
  return LuaError.here(comparisonText(a, b));
}

export function comparisonText(a: LuaValue, b: LuaValue): string {
  const typeA = typeName(a);
  const typeB = typeName(b);
  return typeA === typeB
    ? `attempt to compare two ${typeA} values`
    : `attempt to compare ${typeA} with ${typeB}`;
}

// ---- loops ----

/** A bound of a numeric loop as a number. */
export function loopNumber(value: LuaValue, what: string): number {
  const number = asNumber(value);
  if (number === undefined) throw LuaError.here(`'for' ${what} must be a number`);
  return number;
}

/** The call of a loop's iterator. */
export function iterate(iterator: LuaValue, state: LuaValue, control: LuaValue): LuaResult {
  return callable(iterator, "")(state, control);
}
