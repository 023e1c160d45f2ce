/** What a library says of a function that it registers: `redis.register_function{function_name = ..., callback = ..., ...}`. */
import { LuaTable } from "./table.ts";
import type { LuaFunction } from "./values.ts";
import { asText } from "./values.ts";

export interface FunctionDescription {
  readonly name: string;
  readonly callback: LuaFunction;
  /** Undefined if there is none. */
  readonly description: string | undefined;
  readonly flags: readonly string[];
}

/** @returns or an error text */
export function readDescription(table: LuaTable): FunctionDescription | string {
  let name: string | undefined;
  let callback: LuaFunction | undefined;
  let description: string | undefined;
  let flags: string[] = [];
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    const key = asText(table.keyAt(place));
    const value = table.valueAt(place);
    switch (key?.toLowerCase()) {
      case undefined:
        return "named argument key given to redis.register_function is not a string";
      case "function_name":
        name = asText(value);
        if (name === undefined) {
          return "function_name argument given to redis.register_function must be a string";
        }
        break;
      case "description":
        description = asText(value);
        if (description === undefined) {
          return "description argument given to redis.register_function must be a string";
        }
        break;
      case "callback":
        if (typeof value !== "function") {
          return "callback argument given to redis.register_function must be a function";
        }
        callback = value;
        break;
      case "flags": {
        if (!(value instanceof LuaTable)) {
          return "flags argument to redis.register_function must be a table representing function flags";
        }
        const texts = value.list.map(asText);
        if (texts.includes(undefined)) return "unknown flag given";
        flags = (texts as string[]).map((flag) => flag.toLowerCase());
        break;
      }
      default:
        return "unknown argument given to redis.register_function";
    }
  }
  if (name === undefined) return "redis.register_function must get a function name argument";
  if (callback === undefined) return "redis.register_function must get a callback argument";
  return { name, callback, description, flags };
}
