/** Replies of RESP2 and RESP3 as values of Lua, in the conversion that Redis documents for scripts. */
import { unreachable } from "../base/assert.ts";
import { latin1Text } from "../base/bytes.ts";
import { errorTable } from "./error-table.ts";
import { JSON_NULL } from "./values.ts";
import { rawSet } from "./operations.ts";
import { ShortStrings } from "./short-strings.ts";
import { LuaTable } from "./table.ts";
import type { LuaValue } from "./values.ts";

const CR = 13;
/** Any integer of so many digits is a double. */
const DIGITS_EXACT = 15;

export class ReplyReader {
  #bytes: Buffer = Buffer.alloc(0);
  #pos = 0;
  readonly #strings = new ShortStrings();
  /** The reply is an error. */
  failed = false;

  /** Byte after the reply that was read last. */
  get end(): number {
    return this.#pos;
  }

  /** Reads the one reply that begins at `start`. */
  read(bytes: Buffer, start: number): LuaValue {
    // Most are strings of up to nine bytes, or of two digits, or none.
    if (bytes[start] === 0x24) {
      const digit = bytes[start + 1]! - 0x30;
      if (bytes[start + 2] === CR) return this.#short(bytes, start + 4, digit);
      if (bytes[start + 3] === CR) {
        return this.#short(bytes, start + 5, digit * 10 + bytes[start + 2]! - 0x30);
      }
    }
    this.#bytes = bytes;
    this.#pos = start;
    this.failed = bytes[start] === 0x2d;
    return this.#value();
  }

  /** The string of `length` bytes that begins at `from`; of a length that is none, false. */
  #short(bytes: Buffer, from: number, length: number): LuaValue {
    this.failed = false;
    if (length < 0) {
      // No line break stands behind it.
      this.#pos = from;
      return false;
    }
    const end = from + length;
    this.#pos = end + 2;
    return this.#strings.text(bytes, from, end);
  }

  #value(): LuaValue {
    const bytes = this.#bytes;
    const type = bytes[this.#pos++];
    switch (type) {
      case 0x24: // $
        return this.#bulk();
      case 0x3a: // :
        return this.#integer();
      case 0x2b: // +
        return field("ok", this.#line());
      case 0x2d: // -
        return this.#error();
      case 0x2a: // *
        return this.#array();
      case 0x5f: // _
        this.#line();
        return undefined;
      case 0x23: // #
        return this.#line() === "t";
      case 0x2c: // ,
        return field("double", double(this.#line()));
      case 0x28: // (
        return field("big_number", this.#line());
      case 0x25: // %
        return this.#map();
      case 0x7e: // ~
        return this.#set();
      case 0x3e: // >
        return this.#array();
      case 0x3d: // =
        return this.#verbatim();
      case 0x7c: // |
        for (let left = 2 * this.#integer(); left > 0; left--) this.#value();
        return this.#value();
      default:
        return unreachable(`a reply of type ${type}`);
    }
  }

  #line(): string {
    const bytes = this.#bytes;
    const from = this.#pos;
    let at = from;
    while (bytes[at] !== CR) at++;
    this.#pos = at + 2;
    return this.#strings.text(bytes, from, at);
  }

  #integer(): number {
    const bytes = this.#bytes;
    let at = this.#pos;
    const isNegative = bytes[at] === 0x2d;
    if (isNegative) at++;
    let value = 0;
    const from = at;
    for (let byte = bytes[at]!; byte !== CR; byte = bytes[++at]!) {
      value = value * 10 + (byte - 0x30);
    }
    // Of more digits each step rounds.
    if (at - from > DIGITS_EXACT) value = Number(latin1Text(bytes, from, at));
    this.#pos = at + 2;
    return isNegative ? -value : value;
  }

  #bulk(): LuaValue {
    const length = this.#integer();
    if (length < 0) return false;
    const from = this.#pos;
    this.#pos = from + length + 2;
    return this.#strings.text(this.#bytes, from, from + length);
  }

  #error(): LuaValue {
    const table = errorTable(`-${this.#line()}`);
    // It was counted when the command answered it.
    table.set("ignore_error_stats_update", true);
    return table;
  }

  #array(): LuaValue {
    const count = this.#integer();
    if (count < 0) return false;
    const list: LuaValue[] = [];
    let last = 0;
    for (let i = 0; i < count; i++) {
      const value = this.#value();
      list.push(value);
      if (value !== undefined) last = i + 1;
    }
    // A list ends with a value.
    list.length = last;
    return new LuaTable(list);
  }

  #map(): LuaValue {
    const table = new LuaTable();
    for (let left = this.#integer(); left > 0; left--) {
      const key = this.#value();
      rawSet(table, key ?? JSON_NULL, this.#value());
    }
    return field("map", table);
  }

  #set(): LuaValue {
    const table = new LuaTable();
    for (let left = this.#integer(); left > 0; left--) {
      rawSet(table, this.#value() ?? JSON_NULL, true);
    }
    return field("set", table);
  }

  #verbatim(): LuaValue {
    const text = this.#bulk() as string;
    const table = new LuaTable();
    table.set("string", text.slice(4));
    table.set("format", text.slice(0, 3));
    return field("verbatim_string", table);
  }
}

function field(name: string, value: LuaValue): LuaTable {
  return LuaTable.of(name, value);
}

function double(text: string): number {
  if (text === "inf") return Infinity;
  return text === "-inf" ? -Infinity : Number(text);
}
