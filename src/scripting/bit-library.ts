/** `bit`, as Mike Pall's BitOp has it: numbers are cut down to 32 bits, results are signed. */
import { addTable } from "./base-library.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { numberAt, optionalInteger } from "./parameters.ts";
import type { Parameters } from "./parameters.ts";
import type { LuaFunction } from "./values.ts";

function bitsAt(parameters: Parameters, at: number, name: string): number {
  const value = numberAt(parameters, at, name);
  // The nearest integer, of two the even one, and of that the lowest 32 bits.
  const floor = Math.floor(value);
  const rest = value - floor;
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return rounded | 0;
}

function fold(name: string, combine: (a: number, b: number) => number): LuaFunction {
  return (...parameters) => {
    let bits = bitsAt(parameters, 1, name);
    for (let at = 2; at <= parameters.length; at++) {
      bits = combine(bits, bitsAt(parameters, at, name));
    }
    return bits;
  };
}

function shift(name: string, combine: (bits: number, by: number) => number): LuaFunction {
  return (...parameters) => {
    const bits = bitsAt(parameters, 1, name);
    return combine(bits, bitsAt(parameters, 2, name) & 31) | 0;
  };
}

function hexadecimal(...parameters: Parameters): string {
  const bits = bitsAt(parameters, 1, "tohex") >>> 0;
  const wanted = optionalInteger(parameters, 2, "tohex", 8);
  const count = Math.min(8, Math.abs(wanted));
  const digits = count === 0 ? "" : bits.toString(16).padStart(8, "0").slice(-count);
  return wanted < 0 ? digits.toUpperCase() : digits;
}

export function addBitLibrary(environment: Environment): void {
  const functions: Record<string, LuaFunction> = {
    tobit: (...parameters) => bitsAt(parameters, 1, "tobit"),
    bnot: (...parameters) => ~bitsAt(parameters, 1, "bnot"),
    band: fold("band", (a, b) => a & b),
    bor: fold("bor", (a, b) => a | b),
    bxor: fold("bxor", (a, b) => a ^ b),
    lshift: shift("lshift", (bits, by) => bits << by),
    rshift: shift("rshift", (bits, by) => bits >>> by),
    arshift: shift("arshift", (bits, by) => bits >> by),
    rol: shift("rol", (bits, by) => (bits << by) | (bits >>> ((32 - by) & 31))),
    ror: shift("ror", (bits, by) => (bits >>> by) | (bits << ((32 - by) & 31))),
    bswap: (...parameters) => {
      const bits = bitsAt(parameters, 1, "bswap");
      return (bits >>> 24) | ((bits >>> 8) & 0xff00) | ((bits << 8) & 0xff0000) | (bits << 24);
    },
    tohex: hexadecimal,
  };
  define(addTable(environment, "bit"), functions, true);
}
