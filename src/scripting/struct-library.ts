/**
 * `struct`: binary layouts by format letters, as the library of that name for Lua 5.1 has them on a 64-bit machine.
 *
 *   >  <  ![n]   big-endian, little-endian, alignment to at most n (8)
 *   b B h H l L T i[n] I[n]   integers of 1, 2, 8, 8 and n (4) bytes; small letters are signed
 *   f d   s   c[n]   x        floating point numbers, text that ends with zero, n (1) characters, a byte that is skipped
 */
import { addTable } from "./base-library.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { meter } from "./meter.ts";
import { badArgument, numberAt, optionalInteger, textAt, toInteger } from "./parameters.ts";
import type { LuaResult, LuaValue } from "./values.ts";

const INTEGER_SIZE_MAX = 32;
const ALIGNMENT_MAX = 8;
const SIZE_MAX = 2 ** 31 - 1;

const scratch = new DataView(new ArrayBuffer(8));

/** Walks through a format. */
class Format {
  readonly #text: string;
  readonly #name: string;
  #at = 0;
  littleEndian = true;
  alignment = 1;
  option = "";
  /** Bytes that the option takes; 0 where that depends on the data. */
  size = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  /** Goes on to the next option. */
  next(): boolean {
    if (this.#at >= this.#text.length) return false;
    this.option = this.#text[this.#at++]!;
    this.size = this.#sizeOf(this.option);
    return true;
  }

  /** Bytes that are skipped before the option at an offset. */
  padding(offset: number): number {
    if (this.size === 0 || this.option === "c") return 0;
    const size = Math.min(this.size, this.alignment);
    return (size - (offset & (size - 1))) & (size - 1);
  }

  /** Does what an option says that takes no data. */
  control(): void {
    switch (this.option) {
      case " ":
        return;
      case ">":
      case "<":
        this.littleEndian = this.option === "<";
        return;
      case "!": {
        const alignment = this.#number(ALIGNMENT_MAX);
        if (alignment <= 0 || (alignment & (alignment - 1)) !== 0) {
          throw LuaError.here(`alignment ${alignment} is not a power of 2`);
        }
        this.alignment = alignment;
        return;
      }
      default:
        throw badArgument(1, this.#name, `invalid format option '${this.option}'`);
    }
  }

  #number(absent: number): number {
    const digits = /^\d+/.exec(this.#text.slice(this.#at, this.#at + 20))?.[0];
    if (digits === undefined) return absent;
    this.#at += digits.length;
    const value = Number(digits);
    if (value > SIZE_MAX) throw LuaError.here("integral size overflow");
    return value;
  }

  #sizeOf(option: string): number {
    switch (option) {
      case "b":
      case "B":
      case "x":
        return 1;
      case "h":
      case "H":
        return 2;
      case "f":
        return 4;
      case "l":
      case "L":
      case "T":
      case "d":
        return 8;
      case "c":
        return this.#number(1);
      case "i":
      case "I": {
        const size = this.#number(4);
        if (size > INTEGER_SIZE_MAX) {
          throw LuaError.here(`integral size ${size} is larger than limit of ${INTEGER_SIZE_MAX}`);
        }
        return size;
      }
      default:
        return 0;
    }
  }
}

function isInteger(option: string): boolean {
  return option !== "" && "bBhHlLTiI".includes(option);
}

function ordered(bytes: number[], littleEndian: boolean): string {
  return String.fromCharCode(...(littleEndian ? bytes : bytes.toReversed()));
}

function packInteger(value: number, size: number, littleEndian: boolean): string {
  let bits = BigInt.asUintN(64, BigInt(toInteger(value)));
  if (value >= 2 ** 63) bits = value < 2 ** 64 ? BigInt(value) : 0n;
  const bytes: number[] = [];
  for (let i = 0; i < size; i++) {
    bytes.push(Number(bits & 0xffn));
    bits >>= 8n;
  }
  return ordered(bytes, littleEndian);
}

function packFloat(value: number, size: number, littleEndian: boolean): string {
  if (size === 4) scratch.setFloat32(0, value, true);
  else scratch.setFloat64(0, value, true);
  const bytes = Array.from({ length: size }, (_, i) => scratch.getUint8(i));
  return ordered(bytes, littleEndian);
}

function pack(...given: LuaValue[]): LuaResult {
  // What is missing is nil for this library.
  const parameters = [...given, undefined];
  const format = new Format(textAt(given, 1, "pack"), "pack");
  let result = "";
  let at = 2;
  while (format.next()) {
    const { option, size } = format;
    const padding = format.padding(result.length);
    if (padding > 0) result += "\0".repeat(padding);
    if (isInteger(option)) {
      result += packInteger(numberAt(parameters, at++, "pack"), size, format.littleEndian);
    } else if (option === "x") {
      result += "\0";
    } else if (option === "f" || option === "d") {
      result += packFloat(numberAt(parameters, at++, "pack"), size, format.littleEndian);
    } else if (option === "c" || option === "s") {
      const text = textAt(parameters, at++, "pack");
      const wanted = size === 0 ? text.length : size;
      if (text.length < wanted) throw badArgument(at, "pack", "string too short");
      meter.reserve(result.length + wanted);
      result += text.slice(0, wanted);
      if (option === "s") result += "\0";
    } else {
      format.control();
    }
  }
  return result;
}

function unpackInteger(text: string, at: number, format: Format): number {
  const { size, littleEndian, option } = format;
  let bits = 0n;
  for (let i = 0; i < size; i++) {
    const index = littleEndian ? size - 1 - i : i;
    bits = (bits << 8n) | BigInt(text.charCodeAt(at + index));
  }
  bits = BigInt.asUintN(64, bits);
  const isSigned = option === option.toLowerCase();
  return Number(isSigned ? BigInt.asIntN(Math.min(64, size * 8), bits) : bits);
}

function unpackFloat(text: string, at: number, format: Format): number {
  const { size, littleEndian } = format;
  for (let i = 0; i < size; i++) scratch.setUint8(i, text.charCodeAt(at + i));
  return size === 4 ? scratch.getFloat32(0, littleEndian) : scratch.getFloat64(0, littleEndian);
}

function unpack(...parameters: LuaValue[]): LuaResult {
  const format = new Format(textAt(parameters, 1, "unpack"), "unpack");
  const text = textAt(parameters, 2, "unpack");
  const start = optionalInteger(parameters, 3, "unpack", 1);
  if (start <= 0) throw badArgument(3, "unpack", "offset must be 1 or greater");
  let pos = start - 1;
  const values: LuaValue[] = [];
  const need = (size: number): void => {
    if (pos + size > text.length) throw badArgument(2, "unpack", "data string too short");
  };
  while (format.next()) {
    const { option } = format;
    let { size } = format;
    pos += format.padding(pos);
    need(size);
    if (isInteger(option)) {
      values.push(unpackInteger(text, pos, format));
    } else if (option === "f" || option === "d") {
      values.push(unpackFloat(text, pos, format));
    } else if (option === "c") {
      if (size === 0) {
        const previous = values.pop();
        if (typeof previous !== "number") {
          throw LuaError.here("format 'c0' needs a previous size");
        }
        size = previous;
        if (!(size >= 0)) throw badArgument(2, "unpack", "data string too short");
        size = Math.trunc(size);
        need(size);
      }
      values.push(text.slice(pos, pos + size));
    } else if (option === "s") {
      const end = text.indexOf("\0", pos);
      if (end === -1) throw LuaError.here("unfinished string in data");
      values.push(text.slice(pos, end));
      size = end - pos + 1;
    } else if (option !== "x") {
      format.control();
    }
    pos += size;
  }
  return [...values, pos + 1];
}

function sizeOf(...parameters: LuaValue[]): LuaResult {
  const format = new Format(textAt(parameters, 1, "size"), "size");
  let pos = 0;
  while (format.next()) {
    const { option, size } = format;
    pos += format.padding(pos);
    if (option === "s") throw badArgument(1, "size", "option 's' has no fixed size");
    if (option === "c" && size === 0) {
      throw badArgument(1, "size", "option 'c0' has no fixed size");
    }
    if (!/[\da-zA-Z]/.test(option)) format.control();
    pos += size;
  }
  return pos;
}

export function addStructLibrary(environment: Environment): void {
  const table = addTable(environment, "struct");
  define(table, { pack, size: sizeOf }, true);
  define(table, { unpack }, false);
}
