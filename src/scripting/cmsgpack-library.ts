/**
 * `cmsgpack`: MessagePack as lua-cmsgpack 0.4 writes and reads it. Integers take the fewest bytes, fractions four where that is
 * exact; what lies deeper than 16 tables becomes nil.
 *
 * Format: github.com/msgpack/msgpack/blob/master/spec.md
 */
import { addTable } from "./base-library.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { meter } from "./meter.ts";
import { rawSet } from "./operations.ts";
import { badArgument, integerAt, optionalInteger, textAt } from "./parameters.ts";
import { LuaTable } from "./table.ts";
import type { LuaResult, LuaValue } from "./values.ts";

const DEPTH_MAX = 16;

const scratch = new DataView(new ArrayBuffer(8));

/** A type byte and a number of `size` bytes in big-endian order. */
function tagged(type: number, value: number, size: number): string {
  let text = String.fromCharCode(type);
  for (let shift = size - 1; shift >= 0; shift--) {
    text += String.fromCharCode(Math.floor(value / 256 ** shift) & 0xff);
  }
  return text;
}

function scratchText(type: number, size: number): string {
  let text = String.fromCharCode(type);
  for (let i = 0; i < size; i++) text += String.fromCharCode(scratch.getUint8(i));
  return text;
}

// ---- packing ----

function packInteger(value: number): string {
  if (value >= 0) {
    if (value <= 0x7f) return String.fromCharCode(value);
    if (value <= 0xff) return tagged(0xcc, value, 1);
    if (value <= 0xffff) return tagged(0xcd, value, 2);
    if (value <= 0xffff_ffff) return tagged(0xce, value, 4);
    scratch.setBigUint64(0, BigInt(value));
    return scratchText(0xcf, 8);
  }
  if (value >= -32) return String.fromCharCode(256 + value);
  if (value >= -0x80) return tagged(0xd0, value + 0x100, 1);
  if (value >= -0x8000) return tagged(0xd1, value + 0x1_0000, 2);
  if (value >= -0x8000_0000) return tagged(0xd2, value + 0x1_0000_0000, 4);
  scratch.setBigInt64(0, BigInt(value));
  return scratchText(0xd3, 8);
}

function packNumber(value: number): string {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) return packInteger(value);
  if (Math.fround(value) === value) {
    scratch.setFloat32(0, value);
    return scratchText(0xca, 4);
  }
  scratch.setFloat64(0, value);
  return scratchText(0xcb, 8);
}

function packText(text: string): string {
  const { length } = text;
  if (length > 4096) meter.reserve(length);
  if (length < 32) return String.fromCharCode(0xa0 | length) + text;
  if (length <= 0xff) return tagged(0xd9, length, 1) + text;
  return tagged(length <= 0xffff ? 0xda : 0xdb, length, length <= 0xffff ? 2 : 4) + text;
}

/** The header of an array or a map. */
function packCount(count: number, short: number, long: number): string {
  if (count <= 15) return String.fromCharCode(short | count);
  return count <= 0xffff ? tagged(long, count, 2) : tagged(long + 1, count, 4);
}

function isList(table: LuaTable): boolean {
  let max = 0;
  let count = 0;
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    const key = table.keyAt(place);
    if (typeof key !== "number" || key <= 0 || !Number.isInteger(key)) return false;
    max = Math.max(max, key);
    count++;
  }
  return max === count;
}

function packTable(table: LuaTable, depth: number): string {
  if (--meter.steps < 0) meter.look();
  if (isList(table)) {
    const { length } = table;
    let text = packCount(length, 0x90, 0xdc);
    for (let at = 1; at <= length; at++) text += pack(table.get(at), depth);
    return text;
  }
  let count = 0;
  let text = "";
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    text += pack(table.keyAt(place), depth) + pack(table.valueAt(place), depth);
    count++;
  }
  return packCount(count, 0x80, 0xde) + text;
}

function pack(value: LuaValue, depth: number): string {
  switch (typeof value) {
    case "string":
      return packText(value);
    case "number":
      return packNumber(value);
    case "boolean":
      return value ? "\xc3" : "\xc2";
    default:
      if (value instanceof LuaTable && depth < DEPTH_MAX) return packTable(value, depth + 1);
      return "\xc0";
  }
}

// ---- unpacking ----

class Reader {
  readonly #text: string;
  pos: number;

  constructor(text: string, pos: number) {
    this.#text = text;
    this.pos = pos;
  }

  get left(): number {
    return this.#text.length - this.pos;
  }

  value(): LuaValue {
    if (--meter.steps < 0) meter.look();
    const type = this.#unsigned(1);
    if (type <= 0x7f) return type;
    if (type >= 0xe0) return type - 256;
    if (type <= 0x8f) return this.#map(type & 15);
    if (type <= 0x9f) return this.#list(type & 15);
    if (type <= 0xbf) return this.#bytes(type & 31);
    switch (type) {
      case 0xc0:
        return undefined;
      case 0xc2:
      case 0xc3:
        return type === 0xc3;
      case 0xca:
        this.#load(4);
        return scratch.getFloat32(0);
      case 0xcb:
        this.#load(8);
        return scratch.getFloat64(0);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << (type - 0xcc));
      case 0xcf:
        this.#load(8);
        return Number(scratch.getBigUint64(0));
      case 0xd0:
        this.#load(1);
        return scratch.getInt8(0);
      case 0xd1:
        this.#load(2);
        return scratch.getInt16(0);
      case 0xd2:
        this.#load(4);
        return scratch.getInt32(0);
      case 0xd3:
        this.#load(8);
        return Number(scratch.getBigInt64(0));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#bytes(this.#unsigned(1 << (type - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#unsigned(type === 0xdc ? 2 : 4));
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(type === 0xde ? 2 : 4));
      default:
        throw LuaError.here("Bad data format in input.");
    }
  }

  #need(size: number): void {
    if (this.left < size) throw LuaError.here("Missing bytes in input.");
  }

  #unsigned(size: number): number {
    this.#need(size);
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + this.#text.charCodeAt(this.pos++);
    return value;
  }

  #load(size: number): void {
    this.#need(size);
    for (let i = 0; i < size; i++) scratch.setUint8(i, this.#text.charCodeAt(this.pos++));
  }

  #bytes(length: number): string {
    this.#need(length);
    this.pos += length;
    return this.#text.slice(this.pos - length, this.pos);
  }

  #list(count: number): LuaTable {
    const table = new LuaTable();
    for (let at = 1; at <= count; at++) table.set(at, this.value());
    return table;
  }

  #map(count: number): LuaTable {
    const table = new LuaTable();
    for (let i = 0; i < count; i++) {
      const key = this.value();
      rawSet(table, key, this.value());
    }
    return table;
  }
}

/** @param limit values to read at most; 0 with an offset of 0: all of them, and then no offset is answered */
function unpack(text: string, limit: number, offset: number): LuaResult {
  if (offset < 0 || limit < 0) {
    throw LuaError.here(
      `Invalid request to unpack with offset of ${offset} and limit of ${text.length}.`,
    );
  }
  if (offset > text.length) {
    throw LuaError.here(`Start offset ${offset} greater than input length ${text.length}.`);
  }
  const readsAll = limit === 0 && offset === 0;
  const reader = new Reader(text, offset);
  const values: LuaValue[] = [];
  const countMax = readsAll ? Infinity : limit;
  while (reader.left > 0 && values.length < countMax) values.push(reader.value());
  if (readsAll) return values;
  return [reader.left === 0 ? -1 : reader.pos, ...values];
}

export function addMessagePackLibrary(environment: Environment): void {
  const table = addTable(environment, "cmsgpack");
  define(
    table,
    {
      pack: (...parameters) => {
        if (parameters.length === 0) throw badArgument(0, "pack", "MessagePack pack needs input.");
        return parameters.map((value) => pack(value, 0)).join("");
      },
    },
    true,
  );
  define(
    table,
    {
      unpack: (...p) => unpack(textAt(p, 1, "unpack"), 0, 0),
      unpack_one: (...p) =>
        unpack(textAt(p, 1, "unpack_one"), 1, optionalInteger(p, 2, "unpack_one", 0)),
      unpack_limit: (...p) => {
        const limit = integerAt(p, 2, "unpack_limit");
        return unpack(
          textAt(p, 1, "unpack_limit"),
          limit,
          optionalInteger(p, 3, "unpack_limit", 0),
        );
      },
    },
    false,
  );
  table.set("_NAME", "cmsgpack");
  table.set("_VERSION", "lua-cmsgpack 0.4.0");
  table.set("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo");
  table.set("_DESCRIPTION", "MessagePack C implementation for Lua");
}
