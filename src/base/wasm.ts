/**
 * A small assembler of WebAssembly: one function and its memory as a module. Expressions and statements are calls that may lie
 * in one another, and what they give is the code in the binary format, nested as they were:
 *
 *   set(sum, add(get(sum), load8(get(at))))       sum += memory[at]
 *
 * For the few loops in which the processor's own words count: loads of any width at any place, 64-bit arithmetic, population count.
 * Addresses and variables are 32-bit integers where nothing else is said. Memory is at most some hundred kilobytes, and what is
 * worked on is copied into it.
 */

/** Bytes of the binary format. */
export type Code = number | readonly Code[];
/** The number of a variable: first come the parameters, then the other ones. */
export type Variable = number;

interface FunctionSetup {
  /** 64 KiB each. */
  readonly pages: number;
  /** Parameters, all of 32 bits; it gives back a number of 32 bits. */
  readonly parameters: number;
  /** Further variables, which begin as zero: those of 32 bits come first. */
  readonly variables32: number;
  readonly variables64: number;
  readonly body: Code;
}

export interface WasmFunction {
  readonly memory: Buffer;
  readonly call: (...args: number[]) => number;
}

const MAGIC_AND_VERSION = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const TYPE_SECTION = 1;
const FUNCTION_SECTION = 3;
const MEMORY_SECTION = 5;
const EXPORT_SECTION = 7;
const CODE_SECTION = 10;
const FUNCTION_TYPE = 0x60;
const EXPORTED_FUNCTION = 0;
const EXPORTED_MEMORY = 2;
const I32 = 0x7f;
const I64 = 0x7e;
const NO_VALUE = 0x40;
const END = 0x0b;
/** Addresses may be any. */
const UNALIGNED = 0;

/** Makes a module of one function and its memory. */
export function assemble(setup: FunctionSetup): WasmFunction {
  const { pages, parameters, variables32, variables64, body } = setup;
  const types = [1, FUNCTION_TYPE, parameters, Array.from({ length: parameters }, () => I32)];
  const variables = [2, unsigned(variables32), I32, unsigned(variables64), I64];
  const code = flat([variables, body, END]);
  const bytes = flat([
    MAGIC_AND_VERSION,
    section(TYPE_SECTION, [types, 1, I32]),
    section(FUNCTION_SECTION, [1, 0]),
    section(MEMORY_SECTION, [1, 0, unsigned(pages)]),
    section(EXPORT_SECTION, [2, name("m"), EXPORTED_MEMORY, 0, name("f"), EXPORTED_FUNCTION, 0]),
    section(CODE_SECTION, [1, unsigned(code.length), code]),
  ]);
  const made = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports;
  const { buffer } = made["m"] as WebAssembly.Memory;
  return { memory: Buffer.from(buffer), call: made["f"] as WasmFunction["call"] };
}

function section(id: number, content: Code): Code {
  const bytes = flat(content);
  return [id, unsigned(bytes.length), bytes];
}

function name(letter: string): Code {
  return [1, letter.charCodeAt(0)];
}

function flat(code: Code): number[] {
  const bytes: number[] = [];
  const add = (part: Code): void => {
    if (typeof part === "number") bytes.push(part);
    else for (const inner of part) add(inner);
  };
  add(code);
  return bytes;
}

/** Seven bits a byte, the low ones first. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** The same of a signed number: the last byte's sixth bit is the sign. */
function signed(value: number): number[] {
  if (value >= -64 && value < 64) return [value & 127];
  return [(value & 127) | 128, ...signed(value >> 7)];
}

/** The same of 64 bits. */
function signed64(value: bigint): number[] {
  if (value >= -64n && value < 64n) return [Number(value & 127n)];
  return [Number((value & 127n) | 128n), ...signed64(value >> 7n)];
}

// ---- values of 32 bits ----

export const constant = (value: number): Code => [0x41, signed(value)];
export const get = (variable: Variable): Code => [0x20, unsigned(variable)];
export const add = (a: Code, b: Code): Code => [a, b, 0x6a];
export const subtract = (a: Code, b: Code): Code => [a, b, 0x6b];
export const multiply = (a: Code, b: Code): Code => [a, b, 0x6c];
export const and = (a: Code, b: Code): Code => [a, b, 0x71];
export const or = (a: Code, b: Code): Code => [a, b, 0x72];
export const xor = (a: Code, b: Code): Code => [a, b, 0x73];
export const shiftLeft = (a: Code, bits: number): Code => [a, constant(bits), 0x74];
/** Zeros come from above. */
export const shiftRight = (a: Code, bits: number): Code => [a, constant(bits), 0x76];
/** `a` if the condition is not zero, else `b`; both are computed. */
export const choose = (condition: Code, a: Code, b: Code): Code => [a, b, condition, 0x1b];

// ---- conditions: 0 or 1 ----

export const isZero = (a: Code): Code => [a, 0x45];
export const equal = (a: Code, b: Code): Code => [a, b, 0x46];
export const isLess = (a: Code, b: Code): Code => [a, b, 0x48];
export const isLessUnsigned = (a: Code, b: Code): Code => [a, b, 0x49];
export const isGreater = (a: Code, b: Code): Code => [a, b, 0x4a];

// ---- memory: `offset` is added to the address ----

export const load8 = (address: Code, offset = 0): Code => [
  ...[address, 0x2d, UNALIGNED, unsigned(offset)],
];
export const load32 = (address: Code, offset = 0): Code => [
  ...[address, 0x28, UNALIGNED, unsigned(offset)],
];
export const store8 = (address: Code, value: Code, offset = 0): Code => [
  ...[address, value, 0x3a, UNALIGNED, unsigned(offset)],
];
export const store32 = (address: Code, value: Code, offset = 0): Code => [
  ...[address, value, 0x36, UNALIGNED, unsigned(offset)],
];

// ---- values of 64 bits ----

/** @param value of any sign; its low 64 bits */
export const constant64 = (value: bigint): Code => [0x42, signed64(BigInt.asIntN(64, value))];
/** A value of 32 bits without sign. */
export const widen = (a: Code): Code => [a, 0xad];
export const load64 = (address: Code, offset = 0): Code => [
  ...[address, 0x29, UNALIGNED, unsigned(offset)],
];
export const store64 = (address: Code, value: Code, offset = 0): Code => [
  ...[address, value, 0x37, UNALIGNED, unsigned(offset)],
];
export const add64 = (a: Code, b: Code): Code => [a, b, 0x7c];
export const multiply64 = (a: Code, b: Code): Code => [a, b, 0x7e];
export const or64 = (a: Code, b: Code): Code => [a, b, 0x84];
export const xor64 = (a: Code, b: Code): Code => [a, b, 0x85];
/** Zeros come from above. */
export const shiftRight64 = (a: Code, bits: number): Code => [a, 0x42, signed(bits), 0x88];
/** The same by as many bits as a value of 32 bits says, below 64. */
export const shiftRight64By = (a: Code, bits: Code): Code => [a, widen(bits), 0x88];
export const shiftLeft64By = (a: Code, bits: Code): Code => [a, widen(bits), 0x86];
export const countOnes64 = (a: Code): Code => [a, 0x7b];
/** Zeros below the lowest one; 64 if there is none. */
export const trailingZeros64 = (a: Code): Code => [a, 0x7a];
export const isZero64 = (a: Code): Code => [a, 0x50];
/** The low 32 bits. */
export const low32 = (a: Code): Code => [a, 0xa7];

// ---- statements ----

export const set = (variable: Variable, value: Code): Code => [value, 0x21, unsigned(variable)];
/** Adds to a variable. */
export const increase = (variable: Variable, by: Code): Code =>
  set(variable, add(get(variable), by));
export const when = (condition: Code, ...then: Code[]): Code => [
  ...[condition, 0x04, NO_VALUE, then, END],
];
/** `leave` inside goes on behind it. */
export const block = (...body: Code[]): Code => [0x02, NO_VALUE, body, END];
/** `leave` inside goes on at its beginning; at its end it is over. */
export const loop = (...body: Code[]): Code => [0x03, NO_VALUE, body, END];
/** Leaves the innermost block, loop or `when` around it, or the one so many further out. */
export const leave = (outer = 0): Code => [0x0c, outer];
export const leaveIf = (condition: Code, outer = 0): Code => [condition, 0x0d, outer];
export const giveBack = (value: Code): Code => [value, 0x0f];
