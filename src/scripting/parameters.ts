/** Parameters of library functions: checked and converted as Lua's auxiliary library does, with its words when they are wrong. */
import { LuaError, placeAt } from "./errors.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaValue } from "./values.ts";
import { asNumber, asText, typeName } from "./values.ts";

export type Parameters = readonly LuaValue[];

/** @param at position of the parameter, from 1 @param name of the function */
export function badArgument(at: number, name: string, reason: string): LuaError {
  const place = placeAt(1);
  // The object of a method is not counted.
  const shown = place?.isMethod === true ? at - 1 : at;
  if (shown === 0 && at === 1)
    return LuaError.at(place, `calling '${name}' on bad self (${reason})`);
  return LuaError.at(place, `bad argument #${shown} to '${name}' (${reason})`);
}

export function badType(
  parameters: Parameters,
  at: number,
  name: string,
  expected: string,
): LuaError {
  const got = at > parameters.length ? "no value" : typeName(parameters[at - 1]);
  return badArgument(at, name, `${expected} expected, got ${got}`);
}

export function textAt(parameters: Parameters, at: number, name: string): string {
  const value = parameters[at - 1];
  if (typeof value === "string") return value;
  const text = asText(value);
  if (text === undefined) throw badType(parameters, at, name, "string");
  return text;
}

export function numberAt(parameters: Parameters, at: number, name: string): number {
  const value = parameters[at - 1];
  if (typeof value === "number") return value;
  const number = asNumber(value);
  if (number === undefined) throw badType(parameters, at, name, "number");
  return number;
}

/** A number without its fraction. */
export function integerAt(parameters: Parameters, at: number, name: string): number {
  return toInteger(numberAt(parameters, at, name));
}

/** An integer, or `absent` where there is none. */
export function optionalInteger(
  parameters: Parameters,
  at: number,
  name: string,
  absent: number,
): number {
  return parameters[at - 1] === undefined ? absent : integerAt(parameters, at, name);
}

/** An integer as C's `int` takes it: its lowest 32 bits. */
export function intAt(parameters: Parameters, at: number, name: string): number {
  return integerAt(parameters, at, name) | 0;
}

/** The same, or `absent` where there is none. */
export function optionalInt(
  parameters: Parameters,
  at: number,
  name: string,
  absent: number,
): number {
  return parameters[at - 1] === undefined ? absent : intAt(parameters, at, name);
}

export function tableAt(parameters: Parameters, at: number, name: string): LuaTable {
  const value = parameters[at - 1];
  if (!(value instanceof LuaTable)) throw badType(parameters, at, name, "table");
  return value;
}

export function functionAt(parameters: Parameters, at: number, name: string): LuaFunction {
  const value = parameters[at - 1];
  if (typeof value !== "function") throw badType(parameters, at, name, "function");
  return value;
}

/** What must be there, nil included. */
export function anyAt(parameters: Parameters, at: number, name: string): LuaValue {
  if (at > parameters.length) throw badArgument(at, name, "value expected");
  return parameters[at - 1];
}

/** A double as C's 64-bit integer: what does not fit becomes the least of them. */
export function toInteger(value: number): number {
  if (value >= -(2 ** 63) && value < 2 ** 63) return Math.trunc(value) + 0;
  return -(2 ** 63);
}
