/**
 * What stands in a realm before its library does: `register`, `call`, `log`, `utf8`, `text`, `StatusReply`, `CallError`, and the
 * conversion between values and replies.
 *
 * This function is not run where it stands: its text is compiled again inside each realm, so that every object that a library can
 * reach was made there. So it must not use anything from outside itself.
 *
 * Bytes cross the border as strings of one character a byte, and nothing else does. `exchange` takes such a string and gives one: it
 * is the one thing of the host's in the realm, and stays in this closure. Strict functions can't be asked who called them,
 * and what leads from a stack trace to the functions of the host is taken away. A library can spoil the builtins of its realm,
 * and thereby this code, but that is all it can reach.
 *
 * Requests to the host are commands as RESP, or "!" and a line for the log; its answers are RESP3 replies. Strings
 * that a library sees are byte strings, as in Lua: `utf8` and `text` convert.
 */

/** What the host needs of a realm. Both functions never throw. */
export interface RealmInside {
  /** The library was run. @returns what it registered: lines of name, flags with spaces between, description, with tabs between */
  loaded(): string;
  /** Runs a function. @param input RESP: the array of the array of keys and the array of arguments @returns a RESP3 reply */
  run(name: string, input: string): string;
}

/** A function that a library has registered. */
interface Registered {
  readonly run: (input: { call: unknown; keys: unknown; args: unknown }) => unknown;
  readonly flags: string[];
  readonly description: string;
}

export function realmPrelude(exchange: (request: string) => string): RealmInside {
  // Ways to other realms, to threads and to the process's output.
  const unwanted = ["console", "WebAssembly", "Atomics", "SharedArrayBuffer", "ShadowRealm"];
  for (const name of [...unwanted, "WeakRef", "FinalizationRegistry"]) {
    Reflect.deleteProperty(globalThis, name);
  }
  // Stack traces as objects are made outside.
  const errors = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
  for (const type of [...errors, AggregateError]) {
    for (const name of ["prepareStackTrace", "captureStackTrace"]) {
      Reflect.deleteProperty(type, name);
      Object.defineProperty(type, name, { value: undefined, writable: false });
    }
  }

  const DEPTH_MAX = 128;
  const functions = new Map<string, Registered>();
  let isLoading = true;

  /** A reply like the "OK" of SET, which is no bulk string. */
  class StatusReply {
    readonly text: string;

    constructor(line: unknown) {
      this.text = String(line);
    }
  }

  /** A command has answered an error. */
  class CallError extends Error {
    override name = "CallError";
  }

  function register(
    name: unknown,
    body: unknown,
    options: { flags?: Iterable<unknown>; description?: unknown } = {},
  ): void {
    if (!isLoading) throw new Error("register can be called only while the library is loaded");
    if (typeof name !== "string" || !/^\w+$/.test(name)) {
      throw new Error(
        "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
      );
    }
    if (typeof body !== "function") throw new TypeError("register takes a name and a function");
    if (functions.has(name)) throw new Error("Function already exists in the library");
    functions.set(name, {
      run: body as Registered["run"],
      flags: [...(options.flags ?? [])].map(String),
      description: oneLine(String(options.description ?? "")),
    });
  }

  // ---- strings ----

  /** A text as the string of its UTF-8 bytes. */
  function utf8(value: unknown): string {
    return unescape(encodeURIComponent(String(value).toWellFormed()));
  }

  /** The text whose UTF-8 bytes a string has; throws `URIError` if they are none. */
  function text(value: unknown): string {
    return decodeURIComponent(escape(String(value)));
  }

  function fromBytes(bytes: Uint8Array): string {
    const STRIDE = 4096;
    let string = "";
    for (let at = 0; at < bytes.length; at += STRIDE) {
      string += String.fromCharCode(...bytes.subarray(at, at + STRIDE));
    }
    return string;
  }

  function byteString(value: string): string {
    for (let i = 0; i < value.length; i++) {
      if (value.charCodeAt(i) > 0xff) {
        throw new TypeError("a string of more than one byte a character: utf8() makes it one");
      }
    }
    return value;
  }

  function argument(value: unknown): string {
    if (typeof value === "string") return byteString(value);
    if (typeof value === "number" || typeof value === "bigint") return String(value);
    if (value instanceof Uint8Array) return fromBytes(value);
    throw new TypeError("arguments of a command are strings, numbers or Uint8Arrays");
  }

  /** So that nobody puts a second reply or a second line into one. */
  function oneLine(value: string): string {
    return utf8(value).replace(/[\r\n\t\0]+/g, " ");
  }

  // ---- the host ----

  function ask(request: string): string {
    try {
      return exchange(request);
    } catch {
      // Whatever it is, it was not made here.
    }
    throw new CallError("ERR the call was interrupted");
  }

  function call(...parts: unknown[]): unknown {
    if (parts.length === 0) throw new TypeError("call takes at least the name of a command");
    let request = `*${parts.length}\r\n`;
    for (const part of parts) request += bulk(argument(part));
    const value = decode(ask(request));
    if (value instanceof CallError) throw value;
    return value;
  }

  function log(message: unknown): void {
    ask(`!${oneLine(String(message))}`);
  }

  // ---- replies, read ----

  let input = "";
  let pos = 0;

  function decode(reply: string): unknown {
    input = reply;
    pos = 0;
    return item();
  }

  function items(count: number): unknown[] {
    const all: unknown[] = [];
    for (let left = count; left > 0; left--) all.push(item());
    return all;
  }

  function map(count: number): Map<unknown, unknown> {
    const pairs = new Map<unknown, unknown>();
    for (let left = count; left > 0; left--) {
      const key = item();
      pairs.set(key, item());
    }
    return pairs;
  }

  function bulkItem(length: number): string {
    const value = input.slice(pos, pos + length);
    pos += length + 2;
    return value;
  }

  function item(): unknown {
    const type = input[pos];
    const end = input.indexOf("\r\n", pos);
    const line = input.slice(pos + 1, end);
    pos = end + 2;
    const isNull = line === "-1";
    if (type === "+") return line;
    if (type === "-") return new CallError(line);
    if (type === ":") return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line);
    if (type === "$") return isNull ? null : bulkItem(Number(line));
    if (type === "*" || type === ">") return isNull ? null : items(Number(line));
    if (type === "%") return map(Number(line));
    if (type === "~") return new Set(items(Number(line)));
    if (type === ",") return Number(line.replace("inf", "Infinity"));
    if (type === "#") return line === "t";
    if (type === "(") return BigInt(line);
    // A verbatim string begins with its kind.
    if (type === "=") return bulkItem(Number(line)).slice(4);
    return null;
  }

  // ---- replies, written ----

  function bulk(value: string): string {
    return `$${value.length}\r\n${value}\r\n`;
  }

  function aggregate(
    type: string,
    count: number,
    values: Iterable<unknown>,
    depth: number,
  ): string {
    let reply = `${type}${count}\r\n`;
    for (const value of values) reply += encode(value, depth + 1);
    return reply;
  }

  function encodeNumber(value: number): string {
    if (Number.isSafeInteger(value)) return `:${value}\r\n`;
    if (Number.isNaN(value)) return ",nan\r\n";
    return `,${String(value).replace("Infinity", "inf")}\r\n`;
  }

  function encode(value: unknown, depth: number): string {
    if (depth > DEPTH_MAX) throw new Error("the reply is nested too deep");
    if (value === null || value === undefined) return "_\r\n";
    if (typeof value === "string") return bulk(byteString(value));
    if (typeof value === "number") return encodeNumber(value);
    if (typeof value === "boolean") return value ? "#t\r\n" : "#f\r\n";
    if (typeof value === "bigint") {
      return `${BigInt.asIntN(64, value) === value ? ":" : "("}${value}\r\n`;
    }
    if (typeof value !== "object") throw new TypeError(`a ${typeof value} is no reply`);
    if (value instanceof Uint8Array) return bulk(fromBytes(value));
    if (value instanceof StatusReply) return `+${oneLine(value.text)}\r\n`;
    if (value instanceof Error) return errorReply(value);
    if (value instanceof Promise) throw new TypeError("a function answers at once: no promises");
    if (Array.isArray(value)) return aggregate("*", value.length, value, depth);
    if (value instanceof Set) return aggregate("~", value.size, value, depth);
    const pairs = value instanceof Map ? [...value] : Object.entries(value);
    return aggregate("%", pairs.length, pairs.flat(), depth);
  }

  function errorReply(error: unknown): string {
    const message = String(error instanceof Error ? error.message : error);
    // An error of Redis begins with its kind.
    return `-${oneLine(/^[A-Z]+ /.test(message) ? message : `ERR ${message}`)}\r\n`;
  }

  function run(name: string, request: string): string {
    try {
      try {
        const [keys, args] = decode(request) as unknown[];
        return encode(functions.get(name)!.run({ call, keys, args }), 0);
      } catch (error) {
        return errorReply(error);
      }
    } catch {
      return "-ERR the function failed, and so did what it threw\r\n";
    }
  }

  function loaded(): string {
    isLoading = false;
    let lines = "";
    for (const [name, { flags, description }] of functions) {
      lines += `${name}\t${flags.join(" ")}\t${description}\n`;
    }
    return lines;
  }

  const given = { register, call, log, utf8, text, StatusReply, CallError };
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(globalThis, name, { value, writable: false, configurable: false });
  }
  return { loaded, run };
}
