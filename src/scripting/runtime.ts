/** What generated code may use, under the names by which it does. */
import { LuaError } from "./errors.ts";
import { run } from "./invoke.ts";
import {
  arithmetic,
  callable,
  concat,
  equal,
  index,
  indexText,
  iterate,
  length,
  less,
  lessOrEqual,
  loopNumber,
  negate,
  power,
  rawSet,
  setIndex,
} from "./operations.ts";
import { cursor } from "./cursor.ts";
import { LuaTable } from "./table.ts";
import type { LuaValue } from "./values.ts";
import { all, first, NONE } from "./values.ts";

/** Lua 5.0's table of further arguments. */
function argTable(values: readonly LuaValue[]): LuaTable {
  const table = new LuaTable([...values]);
  table.set("n", values.length);
  return table;
}

export const runtime = {
  LuaError,
  LuaTable,
  NONE,
  all,
  argTable,
  arithmetic,
  callable,
  concat,
  cursor,
  equal,
  first,
  index,
  indexText,
  iterate,
  length,
  less,
  lessOrEqual,
  loopNumber,
  negate,
  power,
  rawSet,
  run,
  setIndex,
};
