/** From source text to a function: parses, generates JavaScript, and has the engine compile that. */
import { addChunk } from "./chunk.ts";
import { sourceLines } from "./code.ts";
import type { Environment } from "./environment.ts";
import { generate } from "./generator.ts";
import { LuaSyntaxError } from "./lexer.ts";
import { meter } from "./meter.ts";
import { parse } from "./parser.ts";
import { runtime } from "./runtime.ts";
import type { LuaFunction } from "./values.ts";

export interface CompiledChunk {
  /** The main function. */
  readonly main: LuaFunction;
  /** Names it to `removeChunk`. */
  readonly number: number;
}

/** Lines that the engine puts before the code of a function. */
const HEADER_LINES = 2;

/**
 * Compiles a chunk.
 * @param source one character a byte
 * @param name what errors call the chunk
 * @param origin what it is made of: "@" and a name, or the text itself
 * @returns or why that can't be done
 */
export function compile(
  source: string,
  name: string,
  origin: string,
  environment: Environment,
): CompiledChunk | string {
  let tree;
  try {
    tree = parse(source, name);
  } catch (error) {
    if (error instanceof LuaSyntaxError) return error.message;
    if (error instanceof RangeError) return `${name}: chunk has too many syntax levels`;
    throw error;
  }
  // Only functions that can be left in the middle are generators: others are several times as fast.
  const coroutines = source.includes("coroutine");
  const generated = generate(tree, environment, coroutines);
  const lines = sourceLines("\n".repeat(HEADER_LINES) + generated.source);
  const number = addChunk({ name, origin, lines });
  // The code is made by the generator and names nothing but the parameters.
  // oxlint-disable-next-line no-new-func
  const factory = new Function(
    "$",
    "$k",
    "$m",
    "$globals",
    "$inputs",
    `${generated.source}\n//# sourceURL=lua-chunk-${number}`,
  ) as (...parameters: unknown[]) => LuaFunction;
  const { globals, inputs } = environment;
  return { main: factory(runtime, generated.constants, meter, globals, inputs), number };
}
