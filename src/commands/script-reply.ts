/** What a script returns as a reply, in the conversion that Redis documents for scripts. */
import type { Reply } from "../protocol/reply.ts";
import { toInteger } from "../scripting/parameters.ts";
import { LuaTable } from "../scripting/table.ts";
import type { LuaValue } from "../scripting/values.ts";
import { JSON_NULL } from "../scripting/values.ts";

/** Tables inside tables, as many as Lua's own stack would take. */
const DEPTH_MAX = 7980;
const TOO_DEEP = "ERR reached lua stack limit";

const ARRAY = 0x2a;
const MAP = 0x25;
const SET = 0x7e;

/**
 * @param protocol what the script chose by `setresp`: booleans of protocol 3 stay booleans
 */
export function writeValue(reply: Reply, value: LuaValue, protocol: number, depth = 0): void {
  switch (typeof value) {
    case "string":
      return reply.text(value);
    case "number":
      return writeNumber(reply, value);
    case "boolean":
      if (protocol === 3) return reply.boolean(value);
      return value ? reply.integer(1) : reply.null();
    default:
      if (!(value instanceof LuaTable)) return reply.null();
      if (depth >= DEPTH_MAX || reply.overflowed) return reply.error(TOO_DEEP);
      writeTable(reply, value, protocol, depth + 1);
  }
}

function writeNumber(reply: Reply, value: number): void {
  const integer = toInteger(value);
  if (Number.isSafeInteger(integer)) reply.integer(integer);
  else reply.bigInteger(BigInt(integer));
}

function writeTable(reply: Reply, table: LuaTable, protocol: number, depth: number): void {
  if (table.keys.length > 0 && writeNamed(reply, table, protocol, depth)) return;
  const { list } = table;
  const end = list.indexOf(undefined);
  const count = end === -1 ? list.length : end;
  reply.array(count);
  for (let i = 0; i < count; i++) writeValue(reply, list[i], protocol, depth);
}

/** A table whose field says which reply it is. Returns false if it is a list. */
function writeNamed(reply: Reply, table: LuaTable, protocol: number, depth: number): boolean {
  const error = table.getKeyed("err");
  if (typeof error === "string") {
    reply.error(error);
    return true;
  }
  const ok = table.getKeyed("ok");
  if (typeof ok === "string") {
    // C's text ends at the first zero byte.
    reply.line(0x2b, ok.split("\0", 1)[0]!);
    return true;
  }
  const double = table.getKeyed("double");
  if (typeof double === "number") {
    reply.double(double);
    return true;
  }
  const big = table.getKeyed("big_number");
  if (typeof big === "string") {
    if (reply.version === 3) reply.line(0x28, big);
    else reply.text(big.replace(/[\r\n]/g, " "));
    return true;
  }
  const verbatim = table.getKeyed("verbatim_string");
  if (verbatim instanceof LuaTable) {
    const format = verbatim.getKeyed("format");
    const text = verbatim.getKeyed("string");
    if (typeof format === "string" && typeof text === "string") {
      reply.verbatim(text, format.slice(0, 3).padEnd(3));
      return true;
    }
  }
  return writeCollection(reply, table, protocol, depth);
}

function writeCollection(reply: Reply, table: LuaTable, protocol: number, depth: number): boolean {
  const map = table.getKeyed("map");
  if (map instanceof LuaTable) {
    const place = reply.reserveLength();
    const count = writeItems(reply, map, protocol, depth, true);
    if (reply.version === 3) reply.patchLength(place, MAP, count);
    else reply.patchLength(place, ARRAY, count * 2);
    return true;
  }
  const set = table.getKeyed("set");
  if (set instanceof LuaTable) {
    const place = reply.reserveLength();
    const count = writeItems(reply, set, protocol, depth, false);
    reply.patchLength(place, reply.version === 3 ? SET : ARRAY, count);
    return true;
  }
  return false;
}

function writeItems(
  reply: Reply,
  table: LuaTable,
  protocol: number,
  depth: number,
  withValues: boolean,
): number {
  let count = 0;
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    const key = table.keyAt(place);
    // A null can't be a key in Lua; it stands for one.
    writeValue(reply, key === JSON_NULL ? undefined : key, protocol, depth);
    if (withValues) writeValue(reply, table.valueAt(place), protocol, depth);
    count++;
  }
  return count;
}
