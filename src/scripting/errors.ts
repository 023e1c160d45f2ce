/**
 * Errors of Lua and where they came from.
 *
 * Nothing is noted while a script runs: the line is read from the engine's stack trace when somebody wants to know it. The code
 * of a chunk has a name of its own there, and every operation that may fail stands on a line of its own, of which the chunk knows
 * the line in the source.
 */
import { chunkAt } from "./chunk.ts";
import type { LuaValue } from "./values.ts";

/** Frames that are looked at. */
const FRAMES_MAX = 50;

const FRAME = /lua-chunk-(\d+):(\d+)(?::\d+)?\)?$/;

/** A place in a script. */
export interface Place {
  /** Name of the chunk, as "user_script". */
  readonly chunk: string;
  /** What the chunk is made of, as "@user_script". */
  readonly origin: string;
  readonly line: number;
  /** What is called there is a method. */
  readonly isMethod: boolean;
}

export class LuaError extends Error {
  override name = "LuaError";
  /** What was thrown: any value. */
  readonly value: LuaValue;
  #place: Place | null | undefined;

  constructor(value: LuaValue) {
    super("");
    this.value = value;
  }

  /** An error with the place of the function that runs now before its message. */
  static here(message: string): LuaError {
    return LuaError.at(placeAt(1), message);
  }

  /** An error with a place before its message. */
  static at(place: Place | null, message: string): LuaError {
    const error = new LuaError(
      place === null ? message : `${place.chunk}:${place.line}: ${message}`,
    );
    error.#place = place;
    return error;
  }

  /** Where in a script it was thrown, or null. */
  get place(): Place | null {
    if (this.#place === undefined) this.#place = findPlace(this.stack ?? "", 1);
    return this.#place;
  }
}

/** Where the function runs that called, `level` 1, or the one that called that, 2 and so on; null if that is not Lua. */
export function placeAt(level: number): Place | null {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES_MAX;
  Error.captureStackTrace(holder, placeAt);
  Error.stackTraceLimit = limit;
  return findPlace(holder.stack ?? "", level);
}

function findPlace(stack: string, level: number): Place | null {
  let left = level;
  for (const line of stack.split("\n")) {
    const frame = FRAME.exec(line);
    // What pcall calls was called by no Lua function.
    if (frame === null && !(left < level && line.includes("protectedCall"))) continue;
    if (--left > 0) continue;
    const chunk = frame === null ? null : chunkAt(Number(frame[1]));
    if (chunk === null) return null;
    const marked = chunk.lines[Number(frame![2])] ?? 0;
    const { name, origin } = chunk;
    return { chunk: name, origin, line: Math.abs(marked), isMethod: marked < 0 };
  }
  return null;
}
