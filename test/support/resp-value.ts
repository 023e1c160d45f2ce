/**
 * Replies as plain values that keep their RESP type, so that a map differs from a flat array, a double from a string and
 * RESP3's null from a null bulk string. Bytes are strings of one character a byte.
 */

export type RespValue =
  | { readonly type: "simple" | "error" | "bulk" | "bulk error"; readonly text: string }
  | { readonly type: "integer" | "bignum"; readonly value: bigint }
  | { readonly type: "double"; readonly text: string }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "null" | "null bulk" | "null array" }
  | { readonly type: "verbatim"; readonly format: string; readonly text: string }
  | { readonly type: "array" | "set" | "push"; readonly items: readonly RespValue[] }
  | { readonly type: "map"; readonly items: readonly (readonly [RespValue, RespValue])[] }
  | {
      readonly type: "attribute";
      readonly items: readonly (readonly [RespValue, RespValue])[];
      readonly value: RespValue;
    };

/** A reader's position in what has arrived. */
export interface Cursor {
  readonly bytes: Buffer;
  readonly end: number;
  pos: number;
}

/**
 * Reads one whole value, attributes included, and moves the cursor behind it.
 * @returns undefined, the cursor anywhere, if the value is not there completely
 * @throws if the bytes are not RESP
 */
export function readValue(cursor: Cursor): RespValue | undefined {
  const line = readLine(cursor);
  if (line === undefined) return undefined;
  const rest = line.slice(1);
  switch (line[0]) {
    case "+":
      return { type: "simple", text: rest };
    case "-":
      return { type: "error", text: rest };
    case ":":
      return { type: "integer", value: integer(rest) };
    case "(":
      return { type: "bignum", value: integer(rest) };
    case ",":
      return { type: "double", text: rest };
    case "#":
      if (rest !== "t" && rest !== "f") throw new Error(`not a boolean: ${line}`);
      return { type: "boolean", value: rest === "t" };
    case "_":
      if (rest !== "") throw new Error(`not a null: ${line}`);
      return { type: "null" };
    case "$":
      return rest === "-1" ? { type: "null bulk" } : readText(cursor, length(rest), "bulk");
    case "!":
      return readText(cursor, length(rest), "bulk error");
    case "=":
      return readText(cursor, length(rest), "verbatim");
    case "*":
      return rest === "-1" ? { type: "null array" } : readItems(cursor, length(rest), "array");
    case "~":
      return readItems(cursor, length(rest), "set");
    case ">":
      return readItems(cursor, length(rest), "push");
    case "%": {
      const items = readPairs(cursor, length(rest));
      return items && { type: "map", items };
    }
    case "|": {
      const items = readPairs(cursor, length(rest));
      const value = items && readValue(cursor);
      return value && { type: "attribute", items: items!, value };
    }
    default:
      throw new Error(`not a reply: ${JSON.stringify(line.slice(0, 80))}`);
  }
}

/** The value on one line, types included: +OK, -ERR x, :1, "bulk", null, [a, b], %{k: v}, ~{a}, >[a], ,1.5, #t. */
export function show(value: RespValue): string {
  switch (value.type) {
    case "simple":
      return `+${value.text}`;
    case "error":
      return `-${value.text}`;
    case "bulk":
      return quote(value.text);
    case "bulk error":
      return `!${quote(value.text)}`;
    case "integer":
      return `:${value.value}`;
    case "bignum":
      return `(${value.value}`;
    case "double":
      return `,${value.text}`;
    case "boolean":
      return value.value ? "#t" : "#f";
    case "null":
    case "null bulk":
    case "null array":
      return value.type;
    case "verbatim":
      return `=${value.format}:${quote(value.text)}`;
    case "array":
      return `[${value.items.map(show).join(", ")}]`;
    case "set":
      return `~{${value.items.map(show).join(", ")}}`;
    case "push":
      return `>[${value.items.map(show).join(", ")}]`;
    case "map":
      return `%{${showPairs(value.items)}}`;
    case "attribute":
      return `|{${showPairs(value.items)}}${show(value.value)}`;
  }
}

/** The bytes in quotes, what is not printable as \xHH. */
export function quote(text: string): string {
  const escaped = text.replace(/[^ -~]|["\\]/g, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${escaped}"`;
}

function showPairs(pairs: readonly (readonly [RespValue, RespValue])[]): string {
  return pairs.map(([key, value]) => `${show(key)}: ${show(value)}`).join(", ");
}

function readLine(cursor: Cursor): string | undefined {
  const { bytes, pos, end } = cursor;
  const at = bytes.indexOf(10, pos);
  if (at < 0 || at >= end) return undefined;
  if (bytes[at - 1] !== 13 || at - 1 < pos) throw new Error("a line ends without CR");
  cursor.pos = at + 1;
  return bytes.toString("latin1", pos, at - 1);
}

function readText(
  cursor: Cursor,
  size: number,
  type: "bulk" | "bulk error" | "verbatim",
): RespValue | undefined {
  const { bytes, pos, end } = cursor;
  if (pos + size + 2 > end) return undefined;
  if (bytes[pos + size] !== 13 || bytes[pos + size + 1] !== 10) {
    throw new Error("a bulk string is longer than its length says");
  }
  cursor.pos = pos + size + 2;
  const text = bytes.toString("latin1", pos, pos + size);
  if (type !== "verbatim") return { type, text };
  if (text[3] !== ":") throw new Error("a verbatim string without its format");
  return { type, format: text.slice(0, 3), text: text.slice(4) };
}

function readItems(
  cursor: Cursor,
  count: number,
  type: "array" | "set" | "push",
): RespValue | undefined {
  const items: RespValue[] = [];
  for (let i = 0; i < count; i++) {
    const item = readValue(cursor);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return { type, items };
}

function readPairs(cursor: Cursor, count: number): [RespValue, RespValue][] | undefined {
  const pairs: [RespValue, RespValue][] = [];
  for (let i = 0; i < count; i++) {
    const key = readValue(cursor);
    const value = key && readValue(cursor);
    if (value === undefined) return undefined;
    pairs.push([key!, value]);
  }
  return pairs;
}

function integer(text: string): bigint {
  if (!/^-?(0|[1-9]\d*)$/.test(text)) throw new Error(`not an integer: ${JSON.stringify(text)}`);
  return BigInt(text);
}

function length(text: string): number {
  if (!/^(0|[1-9]\d*)$/.test(text)) throw new Error(`not a length: ${JSON.stringify(text)}`);
  return Number(text);
}
