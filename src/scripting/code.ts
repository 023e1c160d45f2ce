/**
 * Pieces of generated JavaScript, and what is known of a function while its code is made.
 *
 * An operation that may fail begins a line of the code, and that line begins with a comment that holds the number of its
 * line in the source: so code can be put together in any order, and the lines are counted when all of it is there.
 */
import type { Expression, FunctionBody, Local } from "./syntax.ts";
import type { LuaValue } from "./values.ts";

/** What is known of a value before the script runs. */
export type KnownType = "number" | "string" | "boolean" | "nil" | "any";

/** An expression in JavaScript. */
export interface Code {
  readonly js: string;
  readonly type: KnownType;
}

export const NIL: Code = { js: "undefined", type: "nil" };

/**
 * Stands in the code where a function ends, until it is known whether its frame is counted. A control character never
 * stands in code as such.
 */
export const LEAVE = "\x01leave;";

/** Registers that a call takes beside local variables and temporaries. */
const FRAME_BASE = 24;

/** A function whose code is being made. */
export class FunctionState {
  readonly body: FunctionBody;
  readonly outer: FunctionState | null;
  /** Local variables and temporaries that it has had so far. */
  locals = 0;
  temporaries = 0;
  /** Calls what is not known to end without calling this function again. */
  mayRecurse = false;
  #used = 0;

  constructor(body: FunctionBody, outer: FunctionState | null) {
    this.body = body;
    this.outer = outer;
  }

  /** Registers of its frame, estimated. */
  get frame(): number {
    return FRAME_BASE + this.locals + this.temporaries;
  }

  /** A temporary variable that nobody uses until `release`. */
  temporary(): string {
    const name = `$t${this.#used++}`;
    this.temporaries = Math.max(this.temporaries, this.#used);
    return name;
  }

  /** Temporaries in use, to give to `release`. */
  mark(): number {
    return this.#used;
  }

  release(mark: number): void {
    this.#used = mark;
  }
}

/** Code that begins a line which stands for a line of the source. @param line negative at the call of a method */
export function atLine(line: number, js: string): string {
  return `\n/*${line}*/${js}`;
}

/** The source's line by line of the code; lines of the code count from 1. */
export function sourceLines(code: string): number[] {
  const lines = [0];
  let last = 0;
  for (const line of code.split("\n")) {
    const mark = /^\/\*(-?\d+)\*\//.exec(line);
    if (mark !== null) last = Number(mark[1]);
    lines.push(last);
  }
  return lines;
}

/** A string of one character a byte as a literal. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

export function localName(local: Local): string {
  return `${local.name}$${local.id}`;
}

/** A number as an expression. */
export function numberCode(value: number): string {
  if (value === Infinity) return "(1 / 0)";
  if (Number.isNaN(value)) return "NaN";
  return value < 0 || Object.is(value, -0)
    ? `(-${Object.is(value, -0) ? 0 : -value})`
    : String(value);
}

/** Whether the code may be written twice: it has no effect, and nothing between the two changes it. */
export function isSimple(expression: Expression): boolean {
  switch (expression.kind) {
    case "local":
    case "number":
    case "nil":
    case "boolean":
      return true;
    case "string":
      return expression.value.length < 32;
    default:
      return false;
  }
}

/** Whether a call or "...", which gives any number of values. */
export function isMultiple(expression: Expression | undefined): boolean {
  return expression?.kind === "call" || expression?.kind === "dots";
}

/** What an operand is called in an error, as a literal. */
export function operandName(expression: Expression): string {
  switch (expression.kind) {
    case "local":
      return quote(`${expression.upvalue ? "upvalue" : "local"} '${expression.local.name}'`);
    case "global":
      return quote(`global '${expression.name}'`);
    case "index": {
      const { key } = expression;
      return quote(`field '${key.kind === "string" ? key.value.split("\0", 1)[0] : "?"}'`);
    }
    default:
      return '""';
  }
}

export function typeOf(value: LuaValue): KnownType {
  switch (typeof value) {
    case "number":
    case "string":
    case "boolean":
      return typeof value as KnownType;
    case "undefined":
      return "nil";
    default:
      return "any";
  }
}
