/** `string`. Positions count from 1, negative ones from the end, as in Lua. */
import { addTable } from "./base-library.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { invoke } from "./invoke.ts";
import { meter } from "./meter.ts";
import { index, setStringMethods } from "./operations.ts";
import { badArgument, functionAt, integerAt, optionalInteger, textAt } from "./parameters.ts";
import { Matcher } from "./pattern.ts";
import { formatString } from "./string-format.ts";
import { LuaTable } from "./table.ts";
import type { LuaResult, LuaValue } from "./values.ts";
import { asText, first, isTrue, NONE, typeName } from "./values.ts";

/** Characters that make a pattern more than plain text. */
const SPECIALS = /[\^$*+?.([%-]/;

/** Values that `string.byte` may give. */
const BYTES_MAX = 8000;

/** A position from the start: 0 is before the first character. */
function fromStart(position: number, length: number): number {
  return position >= 0 ? position : Math.max(0, length + position + 1);
}

function sub(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "sub");
  const from = Math.max(1, fromStart(integerAt(parameters, 2, "sub"), text.length));
  const to = fromStart(optionalInteger(parameters, 3, "sub", -1), text.length);
  return text.slice(from - 1, Math.max(from - 1, to));
}

function byte(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "byte");
  const start = fromStart(optionalInteger(parameters, 2, "byte", 1), text.length);
  const end = fromStart(optionalInteger(parameters, 3, "byte", start), text.length);
  const from = Math.max(1, start);
  const to = Math.min(end, text.length);
  if (from > to) return NONE;
  if (from === to) return text.charCodeAt(from - 1);
  if (to - from >= BYTES_MAX) throw LuaError.here("string slice too long");
  const codes: number[] = [];
  for (let at = from - 1; at < to; at++) codes.push(text.charCodeAt(at));
  return codes;
}

function char(...parameters: LuaValue[]): LuaResult {
  const codes = parameters.map((_, i) => {
    const code = integerAt(parameters, i + 1, "char");
    if (code < 0 || code > 255) throw badArgument(i + 1, "char", "invalid value");
    return code;
  });
  return codes.length < 1000
    ? String.fromCharCode(...codes)
    : codes.map((code) => String.fromCharCode(code)).join("");
}

function repeat(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "rep");
  const count = Math.max(0, integerAt(parameters, 2, "rep"));
  if (text.length === 0 || count === 0) return "";
  meter.reserve(text.length * count);
  return text.repeat(count);
}

function reverse(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "reverse");
  meter.charge(text.length);
  return Buffer.from(text, "latin1").reverse().toString("latin1");
}

/** Only letters of ASCII have two cases. */
function lower(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "lower");
  meter.charge(text.length);
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function upper(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "upper");
  meter.charge(text.length);
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

// ---- searching ----

function find(parameters: LuaValue[], isFind: boolean): LuaResult {
  const name = isFind ? "find" : "match";
  const text = textAt(parameters, 1, name);
  const pattern = textAt(parameters, 2, name);
  let start = optionalInteger(parameters, 3, name, 1);
  start = Math.max(0, (start < 0 ? text.length + start + 1 : start) - 1);
  if (start > text.length) start = text.length;
  if (isFind && (isTrue(parameters[3]) || !SPECIALS.test(pattern))) {
    meter.charge(text.length - start);
    const at = text.indexOf(pattern, start);
    return at === -1 ? undefined : [at + 1, at + pattern.length];
  }
  const isAnchored = pattern.startsWith("^");
  const matcher = new Matcher(text, pattern);
  for (let at = start; at <= text.length; at++) {
    const end = matcher.matchAt(at, isAnchored ? 1 : 0);
    if (end !== -1) {
      if (!isFind) return matcher.captures(at, end, true);
      return [at + 1, end, ...matcher.captures(at, end, false)];
    }
    if (isAnchored) break;
  }
  return undefined;
}

function matchAll(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "gmatch");
  const matcher = new Matcher(text, textAt(parameters, 2, "gmatch"));
  let from = 0;
  return () => {
    for (let at = from; at <= text.length; at++) {
      const end = matcher.matchAt(at, 0);
      if (end === -1) continue;
      from = end === at ? end + 1 : end;
      return matcher.captures(at, end, true);
    }
    from = text.length + 1;
    return undefined;
  };
}

function substitute(...parameters: LuaValue[]): LuaResult {
  const text = textAt(parameters, 1, "gsub");
  const given = textAt(parameters, 2, "gsub");
  const isAnchored = given.startsWith("^");
  const replacement = parameters[2];
  const kind = typeof replacement;
  if (
    kind !== "number" &&
    kind !== "string" &&
    kind !== "function" &&
    !(replacement instanceof LuaTable)
  ) {
    throw badArgument(3, "gsub", "string/function/table expected");
  }
  const countMax = optionalInteger(parameters, 4, "gsub", text.length + 1);
  const matcher = new Matcher(text, given);
  const parts: string[] = [];
  let size = 0;
  let at = 0;
  let count = 0;
  while (count < countMax) {
    const end = matcher.matchAt(at, isAnchored ? 1 : 0);
    if (end !== -1) {
      count++;
      const part = replaced(matcher, replacement, at, end);
      size += part.length;
      meter.reserve(size);
      parts.push(part);
    }
    if (end !== -1 && end > at) at = end;
    else if (at < text.length) parts.push(text[at++]!);
    else break;
    if (isAnchored) break;
  }
  parts.push(text.slice(at));
  return [parts.join(""), count];
}

/** What a match is replaced by. */
function replaced(matcher: Matcher, replacement: LuaValue, start: number, end: number): string {
  let value: LuaValue;
  if (typeof replacement === "function") {
    value = first(invoke(replacement, ...matcher.captures(start, end, true)));
  } else if (replacement instanceof LuaTable) {
    value = index(replacement, matcher.capture(0, start, end), "");
  } else {
    return expanded(matcher, asText(replacement)!, start, end);
  }
  if (value === undefined || value === false) return matcher.subject.slice(start, end);
  const text = asText(value);
  if (text === undefined) {
    throw LuaError.here(`invalid replacement value (a ${typeName(value)})`);
  }
  return text;
}

/** A replacement with "%1" and the like filled in. */
function expanded(matcher: Matcher, template: string, start: number, end: number): string {
  if (!template.includes("%")) return template;
  return template.replace(/%([\s\S]?)/g, (_, digit: string) => {
    if (digit === "") return "\0";
    if (digit < "0" || digit > "9") return digit;
    if (digit === "0") return matcher.subject.slice(start, end);
    return asText(matcher.capture(Number(digit) - 1, start, end))!;
  });
}

export function addStringLibrary(environment: Environment): void {
  const table = addTable(environment, "string");
  define(
    table,
    {
      char,
      dump: (...parameters) => {
        functionAt(parameters, 1, "dump");
        throw LuaError.here("unable to dump given function");
      },
      format: formatString,
      gfind: matchAll,
      gmatch: matchAll,
      len: (...parameters) => textAt(parameters, 1, "len").length,
      lower,
      rep: repeat,
      reverse,
      sub,
      upper,
    },
    true,
  );
  define(
    table,
    {
      byte,
      find: (...parameters) => find(parameters, true),
      gsub: substitute,
      match: (...parameters) => find(parameters, false),
    },
    false,
  );
  setStringMethods(table);
  environment.stringMeta.set("__index", table);
}
