/**
 * What a value of Lua is in JavaScript:
 *
 *   nil, boolean, number   undefined, boolean, number
 *   string                 string of one character a byte
 *   table                  LuaTable
 *   function               a function; it returns one value as itself, and none or several in an array
 *   thread                 Coroutine
 *   userdata               Userdata: only cjson.null
 */
import type { Coroutine } from "./coroutine.ts";
import { formatNumber, parseNumber } from "./number-text.ts";
import { LuaTable } from "./table.ts";

export type LuaValue =
  undefined | boolean | number | string | LuaTable | LuaFunction | Coroutine | Userdata;

/** What a call gives: an array where it is not one value. Nobody changes that array. */
export type LuaResult = LuaValue | readonly LuaValue[];

export type LuaFunction = (...parameters: LuaValue[]) => LuaResult;

/** No value at all. */
export const NONE: readonly LuaValue[] = [];

/** A null pointer, which stands for JSON's null. */
export class Userdata {
  readonly text = "userdata: (nil)";
}

export const JSON_NULL: Userdata = new Userdata();

export function typeName(value: LuaValue): string {
  switch (typeof value) {
    case "undefined":
      return "nil";
    case "boolean":
    case "number":
    case "string":
    case "function":
      return typeof value;
    default:
      if (value instanceof LuaTable) return "table";
      return value instanceof Userdata ? "userdata" : "thread";
  }
}

/** The first of a call's values. */
export function first(result: LuaResult): LuaValue {
  return Array.isArray(result) ? (result[0] as LuaValue) : (result as LuaValue);
}

/** All of a call's values. */
export function all(result: LuaResult): readonly LuaValue[] {
  return Array.isArray(result) ? (result as readonly LuaValue[]) : [result as LuaValue];
}

/** A string, or a number as text; undefined for anything else. */
export function asText(value: LuaValue): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? formatNumber(value) : undefined;
}

/** A number, or a string that is one; undefined for anything else. */
export function asNumber(value: LuaValue): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" ? parseNumber(value) : undefined;
}

export function isTrue(value: LuaValue): boolean {
  return value !== undefined && value !== false;
}

let nextAddress = 0x55a0_0000_1000;
const addresses = new WeakMap<object, number>();

/** "table: 0x55a000001000": tells objects apart, and says nothing of where they are. */
export function objectName(value: LuaTable | LuaFunction | Coroutine): string {
  let address = addresses.get(value);
  if (address === undefined) {
    address = nextAddress;
    nextAddress += 0x40;
    addresses.set(value, address);
  }
  return `${typeName(value)}: 0x${address.toString(16)}`;
}

/** A script begins: the objects that it names get the same names each time it runs. */
export function restartNames(): void {
  nextAddress = 0x55a0_0000_1000;
}
