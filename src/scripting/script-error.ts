/** The error that a script ends with, as the client gets it: its own text, and where it happened. */
import { caughtValue } from "./base-library.ts";
import { LuaError } from "./errors.ts";
import { ScriptStop } from "./meter.ts";
import { LuaTable } from "./table.ts";
import { asText } from "./values.ts";

/** @param name of the script: its SHA1, or a function's name */
export function scriptErrorText(error: unknown, name: string): string {
  if (error instanceof ScriptStop) return `ERR ${error.message} script: ${name}`;
  const value = caughtValue(error);
  let text: string;
  const place = error instanceof LuaError ? error.place : null;
  let source = place?.origin ?? null;
  if (value instanceof LuaTable) {
    text = asText(value.getKeyed("err")) ?? "ERR unknown error";
    const ownSource = asText(value.getKeyed("source"));
    if (place === null && ownSource !== undefined) source = ownSource;
  } else {
    text = `ERR ${asText(value) ?? (value === undefined ? "nil" : String(value))}`;
  }
  if (source === null) return `${text} script: ${name}`;
  return `${text} script: ${name}, on ${source}:${place?.line ?? 0}.`;
}
