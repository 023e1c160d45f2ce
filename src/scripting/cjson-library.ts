/** `cjson`. */
import { addTable } from "./base-library.ts";
import { decodeJson } from "./cjson-decode.ts";
import { encodeJson } from "./cjson-encode.ts";
import type { JsonOptions } from "./cjson-options.ts";
import { defaultJsonOptions, resetJsonOptions } from "./cjson-options.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { badArgument, integerAt, textAt } from "./parameters.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaResult, LuaValue } from "./values.ts";
import { asText, JSON_NULL } from "./values.ts";

const INTEGER_MAX = 2 ** 31 - 1;

/** The options of the module that scripts find. */
const shared = defaultJsonOptions();

/** A script has chosen something. */
let isChanged = false;

/** A script begins. */
export function restartJson(): void {
  if (!isChanged) return;
  resetJsonOptions(shared);
  isChanged = false;
}

function onlyOne(parameters: readonly LuaValue[], name: string): void {
  if (parameters.length !== 1) throw badArgument(1, name, "expected 1 argument");
}

/** Functions that answer an option, and set it if they are given one. */
function settings(options: JsonOptions): Record<string, LuaFunction> {
  const integer = (
    name: string,
    key: "encodeMaxDepth" | "decodeMaxDepth" | "encodePrecision",
    max: number,
  ): LuaFunction => {
    return (...parameters) => {
      isChanged = true;
      if (parameters.length > 1) throw badArgument(2, name, "found too many arguments");
      if (parameters[0] !== undefined) options[key] = bounded(parameters, 1, name, 1, max);
      return options[key];
    };
  };
  const flag = (name: string, key: "encodeKeepBuffer" | "decodeInvalidNumbers"): LuaFunction => {
    return (...parameters) => {
      isChanged = true;
      if (parameters.length > 1) throw badArgument(2, name, "found too many arguments");
      if (parameters[0] !== undefined) options[key] = onOrOff(parameters[0], name);
      return options[key];
    };
  };
  return {
    encode_max_depth: integer("encode_max_depth", "encodeMaxDepth", INTEGER_MAX),
    decode_max_depth: integer("decode_max_depth", "decodeMaxDepth", INTEGER_MAX),
    encode_number_precision: integer("encode_number_precision", "encodePrecision", 14),
    encode_keep_buffer: flag("encode_keep_buffer", "encodeKeepBuffer"),
    decode_invalid_numbers: flag("decode_invalid_numbers", "decodeInvalidNumbers"),
    encode_invalid_numbers: (...parameters) => {
      isChanged = true;
      const [value] = parameters;
      if (value === "null") options.encodeInvalidNumbers = "null";
      else if (value !== undefined) {
        options.encodeInvalidNumbers = onOrOff(value, "encode_invalid_numbers") ? "on" : "off";
      }
      const chosen = options.encodeInvalidNumbers;
      return chosen === "null" ? chosen : chosen === "on";
    },
    encode_sparse_array: (...parameters) => sparseArray(options, parameters),
  };
}

function bounded(
  parameters: readonly LuaValue[],
  at: number,
  name: string,
  min: number,
  max: number,
): number {
  const value = integerAt(parameters, at, name);
  if (value >= min && value <= max) return value;
  throw badArgument(at, name, `expected integer between ${min} and ${max}`);
}

function onOrOff(value: LuaValue, name: string): boolean {
  if (typeof value === "boolean") return value;
  if (value === "on" || value === "off") return value === "on";
  throw badArgument(1, name, `invalid option '${String(value)}'`);
}

function sparseArray(options: JsonOptions, parameters: readonly LuaValue[]): LuaResult {
  const name = "encode_sparse_array";
  isChanged = true;
  if (parameters.length > 3) throw badArgument(4, name, "found too many arguments");
  if (parameters[0] !== undefined) options.sparseConvert = onOrOff(parameters[0], name);
  if (parameters[1] !== undefined) {
    options.sparseRatio = bounded(parameters, 2, name, 0, INTEGER_MAX);
  }
  if (parameters[2] !== undefined)
    options.sparseSafe = bounded(parameters, 3, name, 0, INTEGER_MAX);
  return [options.sparseConvert, options.sparseRatio, options.sparseSafe];
}

/** The place of an error is where the library was called, however deep inside it the error came up. */
function placed(work: () => LuaValue): LuaValue {
  try {
    return work();
  } catch (error) {
    if (error instanceof LuaError) throw LuaError.here(asText(error.value)!);
    throw error;
  }
}

function fill(table: LuaTable, options: JsonOptions): void {
  define(
    table,
    {
      encode: (...parameters) => {
        onlyOne(parameters, "encode");
        return placed(() => encodeJson(parameters[0], options));
      },
      decode: (...parameters) => {
        onlyOne(parameters, "decode");
        const text = textAt(parameters, 1, "decode");
        return placed(() => decodeJson(text, options));
      },
      new: () => {
        const copy = new LuaTable();
        fill(copy, { ...defaultJsonOptions() });
        return copy;
      },
    },
    true,
  );
  define(table, settings(options), false);
  table.set("null", JSON_NULL);
  table.set("_NAME", "cjson");
  table.set("_VERSION", "2.1.0");
}

export function addJsonLibrary(environment: Environment): void {
  fill(addTable(environment, "cjson"), shared);
}
