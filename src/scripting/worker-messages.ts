/** What the thread of a script that takes long and the server say to each other. */
import { LuaTable } from "./table.ts";
import type { LuaValue } from "./values.ts";
import { JSON_NULL, Userdata } from "./values.ts";

/** The server to the thread: run this, from its beginning. */
export interface Assignment {
  readonly version: string;
  /** Text of the script, or of the library that the function is in. */
  readonly source: string;
  /** As errors call it. */
  readonly name: string;
  /** Name of the function in the library, or null of a script. */
  readonly functionName: string | null;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** Answers that the script has got already; see `reply-record.ts`. */
  readonly record: Uint8Array;
  /** Where its random numbers began. */
  readonly random: bigint;
  /** Set and notified when an answer stands in the port. */
  readonly signal: Int32Array;
}

/** The thread to the server: something that only the server can do, or the end. */
export type Request =
  | { readonly kind: "call"; readonly parameters: readonly LuaValue[]; readonly state: CallState }
  | { readonly kind: "may-run"; readonly parameters: readonly LuaValue[] }
  | { readonly kind: "log"; readonly level: number; readonly text: string }
  | { readonly kind: "value"; readonly value: PackedValue; readonly protocol: number }
  | { readonly kind: "error"; readonly text: string };

/** What the script has chosen for its calls. */
export interface CallState {
  readonly protocol: number;
  readonly replication: number;
}

/** A value that can be sent: tables as what they hold, what has no reply as nothing. */
export type PackedValue =
  | undefined
  | boolean
  | number
  | string
  | null
  | { readonly list: readonly PackedValue[]; readonly pairs: readonly PackedValue[] };

/** Tables inside tables beyond this are left out: no reply is as deep. */
const DEPTH_MAX = 7990;

export function packValue(value: LuaValue, depth = 0): PackedValue {
  if (value instanceof Userdata) return null;
  if (typeof value === "function") return undefined;
  if (typeof value !== "object") return value;
  if (!(value instanceof LuaTable) || depth > DEPTH_MAX) return undefined;
  const pairs: PackedValue[] = [];
  for (let i = 0; i < value.keys.length; i++) {
    if (value.values[i] === undefined) continue;
    pairs.push(packValue(value.keys[i], depth + 1), packValue(value.values[i], depth + 1));
  }
  return { list: value.list.map((item) => packValue(item, depth + 1)), pairs };
}

export function unpackValue(packed: PackedValue): LuaValue {
  if (packed === null) return JSON_NULL;
  if (typeof packed !== "object") return packed;
  const table = new LuaTable(packed.list.map(unpackValue));
  for (let i = 0; i < packed.pairs.length; i += 2) {
    const key = unpackValue(packed.pairs[i]);
    if (key !== undefined) table.set(key, unpackValue(packed.pairs[i + 1]));
  }
  return table;
}
