/** Errors of commands and of `redis`'s functions: tables with the field `err`, whose first word is a code. */
import { LuaTable } from "./table.ts";

/** @param text "-CODE message", or a message that gets the code ERR */
export function errorTable(text: string): LuaTable {
  let message = text;
  if (!text.startsWith("-")) {
    message = `ERR ${text}`;
  } else {
    const space = text.indexOf(" ");
    message = space === -1 ? `ERR ${text.slice(1)}` : text.slice(1);
  }
  const table = new LuaTable();
  // Line ends at both ends go away, as Redis has it.
  table.set("err", message.replace(/^[\r\n]+|[\r\n]+$/g, ""));
  return table;
}
