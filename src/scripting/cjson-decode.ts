/** `cjson.decode`: what lua-cjson 2.1 reads, its lenient numbers included, and its words for what it does not. */
import type { JsonOptions } from "./cjson-options.ts";
import { LuaError } from "./errors.ts";
import { meter } from "./meter.ts";
import { parseNumber } from "./number-text.ts";
import { LuaTable } from "./table.ts";
import type { LuaValue } from "./values.ts";
import { JSON_NULL } from "./values.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A number as strtod takes it from the front of a text. */
const NUMBER =
  /[+-]?(?:0[xX](?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+)(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)/iy;
/** What is a number for strtod, but not in JSON. */
const LENIENT = /\+|-?0[xX\d]|-?inf|-?nan/iy;
/** A number of JSON, as JavaScript reads it too. */
const PLAIN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

export function decodeJson(text: string, options: JsonOptions): LuaValue {
  // An encoding of wider characters would have zeros among the first two.
  if (text.length >= 2 && (text.charCodeAt(0) === 0 || text.charCodeAt(1) === 0)) {
    throw new LuaError("JSON parser does not support UTF-16 or UTF-32");
  }
  meter.charge(text.length * 4);
  return new Decoder(text, options).whole();
}

class Decoder {
  readonly #text: string;
  readonly #options: JsonOptions;
  #pos = 0;
  #depth = 0;

  constructor(text: string, options: JsonOptions) {
    this.#text = text;
    this.#options = options;
  }

  whole(): LuaValue {
    const value = this.#value();
    this.#skipSpace();
    if (!this.#atEnd()) throw this.#unexpected("the end");
    return value;
  }

  /** Zero ends C's text. */
  #atEnd(): boolean {
    return this.#pos >= this.#text.length || this.#text.charCodeAt(this.#pos) === 0;
  }

  #skipSpace(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#pos);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#pos++;
    }
  }

  #value(): LuaValue {
    this.#skipSpace();
    const text = this.#text;
    switch (text[this.#pos]) {
      case '"':
        return this.#string();
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case "t":
        if (!text.startsWith("true", this.#pos)) break;
        this.#pos += 4;
        return true;
      case "f":
        if (!text.startsWith("false", this.#pos)) break;
        this.#pos += 5;
        return false;
      case "n":
        if (!text.startsWith("null", this.#pos)) return this.#number();
        this.#pos += 4;
        return JSON_NULL;
      default:
        return this.#number();
    }
    throw this.#unexpected("value");
  }

  #number(): LuaValue {
    const text = this.#text;
    PLAIN.lastIndex = this.#pos;
    if (PLAIN.test(text)) {
      const from = this.#pos;
      this.#pos = PLAIN.lastIndex;
      return Number(text.slice(from, this.#pos));
    }
    const start = text[this.#pos] ?? "";
    LENIENT.lastIndex = this.#pos;
    const isLenient = LENIENT.test(text);
    const isDigits = start === "-" || (start >= "0" && start <= "9");
    if (!isDigits && !(isLenient && this.#options.decodeInvalidNumbers)) {
      throw this.#unexpected("value");
    }
    NUMBER.lastIndex = this.#pos;
    const found = NUMBER.exec(text);
    if (found === null || (isLenient && !this.#options.decodeInvalidNumbers)) {
      throw this.#error("value", "invalid number", this.#pos);
    }
    this.#pos = NUMBER.lastIndex;
    return parseNumber(found[0]);
  }

  #string(): string {
    const text = this.#text;
    const from = this.#pos + 1;
    // Most strings are what stands between two quotes.
    const end = text.indexOf('"', from);
    if (end !== -1) {
      let at = from;
      while (at < end) {
        const code = text.charCodeAt(at);
        if (code === BACKSLASH || code === 0) break;
        at++;
      }
      if (at === end) {
        this.#pos = end + 1;
        return text.slice(from, end);
      }
    }
    return this.#escapedString(from);
  }

  #escapedString(from: number): string {
    const text = this.#text;
    let result = "";
    let at = from;
    for (;;) {
      const code = at < text.length ? text.charCodeAt(at) : 0;
      if (code === QUOTE) break;
      if (code === 0) throw this.#error("value", "unexpected end of string", at);
      if (code !== BACKSLASH) {
        result += text[at++]!;
        continue;
      }
      const letter = text[at + 1] ?? "";
      if (letter === "u") {
        const length = this.#unicodeLength(at);
        if (length === 0) throw this.#error("value", "invalid unicode escape code", at);
        result += unicode(text, at, length);
        at += length;
        continue;
      }
      const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
      if (plain === undefined) throw this.#error("value", "invalid escape code", at);
      result += plain;
      at += 2;
    }
    this.#pos = at + 1;
    return result;
  }

  /** Characters of the escape that begins at `at`: 6, 12 for a pair of surrogates, or 0 if it is none. */
  #unicodeLength(at: number): number {
    const code = hexadecimal(this.#text, at);
    if (code < 0 || (code & 0xf800) === 0xd800) {
      // The first of a pair, which the second must follow.
      if (code < 0 || (code & 0x400) !== 0) return 0;
      const low = hexadecimal(this.#text, at + 6);
      return low >= 0 && (low & 0xfc00) === 0xdc00 ? 12 : 0;
    }
    return 6;
  }

  #descend(): void {
    if (++this.#depth > this.#options.decodeMaxDepth) {
      throw new LuaError(
        `Found too many nested data structures (${this.#depth}) at character ${this.#pos}`,
      );
    }
  }

  #object(): LuaTable {
    this.#pos++;
    this.#descend();
    const table = new LuaTable();
    this.#skipSpace();
    if (this.#text[this.#pos] === "}") return this.#close(table);
    for (;;) {
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#pos) !== QUOTE) throw this.#unexpected("object key string");
      const key = this.#string();
      this.#skipSpace();
      if (this.#text[this.#pos] !== ":") throw this.#unexpected("colon");
      this.#pos++;
      table.set(key, this.#value());
      this.#skipSpace();
      const next = this.#text[this.#pos];
      if (next === "}") return this.#close(table);
      if (next !== ",") throw this.#unexpected("comma or object end");
      this.#pos++;
    }
  }

  #array(): LuaTable {
    this.#pos++;
    this.#descend();
    const list: LuaValue[] = [];
    const table = new LuaTable(list);
    this.#skipSpace();
    if (this.#text[this.#pos] === "]") return this.#close(table);
    for (;;) {
      list.push(this.#value());
      this.#skipSpace();
      const next = this.#text[this.#pos];
      if (next === "]") return this.#close(table);
      if (next !== ",") throw this.#unexpected("comma or array end");
      this.#pos++;
    }
  }

  #close(table: LuaTable): LuaTable {
    this.#pos++;
    this.#depth--;
    return table;
  }

  /** The error of finding something else at the current place. */
  #unexpected(expected: string): LuaError {
    const at = this.#pos;
    return this.#error(expected, this.#tokenName(), at);
  }

  #error(expected: string, found: string, at: number): LuaError {
    return new LuaError(`Expected ${expected} but found ${found} at character ${at + 1}`);
  }

  /** The token at the current place, by the name that lua-cjson has for it. */
  #tokenName(): string {
    if (this.#atEnd()) return "T_END";
    const text = this.#text;
    const char = text[this.#pos]!;
    const simple = TOKENS.get(char);
    if (simple !== undefined) return simple;
    if (text.startsWith("true", this.#pos) || text.startsWith("false", this.#pos)) {
      return "T_BOOLEAN";
    }
    if (text.startsWith("null", this.#pos)) return "T_NULL";
    LENIENT.lastIndex = this.#pos;
    if (char === "-" || (char >= "0" && char <= "9") || LENIENT.test(text)) {
      NUMBER.lastIndex = this.#pos;
      return NUMBER.test(text) ? "T_NUMBER" : "invalid number";
    }
    return "invalid token";
  }
}

const TOKENS: ReadonlyMap<string, string> = new Map([
  ["{", "T_OBJ_BEGIN"],
  ["}", "T_OBJ_END"],
  ["[", "T_ARR_BEGIN"],
  ["]", "T_ARR_END"],
  [",", "T_COMMA"],
  [":", "T_COLON"],
  ['"', "T_STRING"],
]);

/** The four digits of the escape at `at`, or -1. */
function hexadecimal(text: string, at: number): number {
  const digits = text.slice(at, at + 6);
  return /^\\u[\da-fA-F]{4}$/.test(digits) ? Number.parseInt(digits.slice(2), 16) : -1;
}

/** The bytes of an escaped character in UTF-8. */
function unicode(text: string, at: number, length: number): string {
  const high = hexadecimal(text, at);
  const low = length === 12 ? hexadecimal(text, at + 6) : 0;
  const code = length === 12 ? ((high & 0x3ff) << 10) + (low & 0x3ff) + 0x10000 : high;
  return Buffer.from(String.fromCodePoint(code)).toString("latin1");
}
