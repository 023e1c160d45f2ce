/** `cjson.encode`: what lua-cjson 2.1 writes for a value, byte for byte, except that keys come in the order in which they were set. */
import { LuaError } from "./errors.ts";
import type { JsonOptions } from "./cjson-options.ts";
import { meter } from "./meter.ts";
import { formatGeneral, formatNumber } from "./number-text.ts";
import { LuaTable } from "./table.ts";
import type { LuaValue } from "./values.ts";
import { JSON_NULL, typeName } from "./values.ts";

/** Characters that a string of JSON does not hold as they are. */
// oxlint-disable-next-line no-control-regex
const ESCAPED = /["\\/\x00-\x1f\x7f]/;
// oxlint-disable-next-line no-control-regex
const ALL_ESCAPED = /["\\/\x00-\x1f\x7f]/g;

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Array.from({ length: 128 }, (_, code): [string, string] => [
    String.fromCharCode(code),
    `\\u${code.toString(16).padStart(4, "0")}`,
  ]).concat([
    ['"', '\\"'],
    ["\\", "\\\\"],
    ["/", "\\/"],
    ["\b", "\\b"],
    ["\t", "\\t"],
    ["\n", "\\n"],
    ["\f", "\\f"],
    ["\r", "\\r"],
  ]),
);

const NUMBER_PRECISION = 14;

export function encodeJson(value: LuaValue, options: JsonOptions): string {
  return encode(value, options, 0);
}

function encode(value: LuaValue, options: JsonOptions, depth: number): string {
  switch (typeof value) {
    case "string":
      return encodeText(value);
    case "number":
      return encodeNumber(value, options);
    case "boolean":
      return value ? "true" : "false";
    case "undefined":
      return "null";
    default:
      if (value instanceof LuaTable) return encodeTable(value, options, depth + 1);
      if (value === JSON_NULL) return "null";
      throw refusal(value, "type not supported");
  }
}

function refusal(value: LuaValue, reason: string): LuaError {
  return new LuaError(`Cannot serialise ${typeName(value)}: ${reason}`);
}

function encodeText(text: string): string {
  if (text.length > 4096) meter.reserve(text.length);
  if (!ESCAPED.test(text)) return `"${text}"`;
  return `"${text.replace(ALL_ESCAPED, (char) => ESCAPES.get(char)!)}"`;
}

function encodeNumber(value: number, options: JsonOptions): string {
  if (!Number.isFinite(value)) {
    if (options.encodeInvalidNumbers === "off") {
      throw refusal(value, "must not be NaN or Inf");
    }
    if (options.encodeInvalidNumbers === "null") return "null";
    if (Number.isNaN(value)) return "nan";
  }
  return options.encodePrecision === NUMBER_PRECISION
    ? formatNumber(value)
    : formatGeneral(value, options.encodePrecision, false);
}

function encodeTable(table: LuaTable, options: JsonOptions, depth: number): string {
  if (depth > options.encodeMaxDepth) {
    throw new LuaError(`Cannot serialise, excessive nesting (${depth})`);
  }
  if (--meter.steps < 0) meter.look();
  const length = listLength(table, options);
  return length > 0
    ? encodeList(table, length, options, depth)
    : encodeObject(table, options, depth);
}

/** The length of a table that is a list, or else 0 or -1. */
function listLength(table: LuaTable, options: JsonOptions): number {
  const { list, keys, values } = table;
  let max = 0;
  let count = 0;
  for (let i = 0; i < list.length; i++) {
    if (list[i] === undefined) continue;
    count++;
    max = i + 1;
  }
  for (let i = 0; i < keys.length; i++) {
    if (values[i] === undefined) continue;
    const key = keys[i];
    if (typeof key !== "number" || !Number.isInteger(key) || key < 1) return -1;
    count++;
    max = Math.max(max, key);
  }
  const { sparseRatio, sparseSafe } = options;
  if (sparseRatio > 0 && max > count * sparseRatio && max > sparseSafe) {
    if (!options.sparseConvert) throw refusal(table, "excessively sparse array");
    return -1;
  }
  return max;
}

function encodeList(table: LuaTable, length: number, options: JsonOptions, depth: number): string {
  let text = "[";
  for (let at = 1; at <= length; at++) {
    if (at > 1) text += ",";
    text += encode(table.get(at), options, depth);
  }
  return `${text}]`;
}

function encodeObject(table: LuaTable, options: JsonOptions, depth: number): string {
  let text = "{";
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    if (text.length > 1) text += ",";
    const key = table.keyAt(place);
    if (typeof key === "string") text += encodeText(key);
    else if (typeof key === "number") text += `"${encodeNumber(key, options)}"`;
    else throw refusal(key, "table key must be a number or string");
    text += `:${encode(table.valueAt(place), options, depth)}`;
  }
  return `${text}}`;
}
