/**
 * Calls of Lua's functions by the libraries and by metatables. Where a script uses coroutines its functions are generators: a call
 * from here runs them to their end, and a coroutine can't be left in the middle of it, as in Lua 5.1.
 */
import { LuaError } from "./errors.ts";
import { meter } from "./meter.ts";
import type { LuaFunction, LuaResult, LuaValue } from "./values.ts";

/** What the frames of a library function that calls one of Lua take of the stack. */
const CALL_FRAMES = 60;

/** What `coroutine.yield` gives to the code that called it, which then yields. */
export class YieldRequest {
  readonly values: readonly LuaValue[];

  constructor(values: readonly LuaValue[]) {
    this.values = values;
  }
}

export type LuaGenerator = Generator<readonly LuaValue[], LuaResult, readonly LuaValue[]>;

/** What all generator objects inherit from. */
const GeneratorPrototype = Object.getPrototypeOf(
  Object.getPrototypeOf((function* () {})()),
) as object;

export function isGenerator(value: unknown): value is LuaGenerator {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.prototype.isPrototypeOf.call(GeneratorPrototype, value)
  );
}

export function invoke(callee: LuaFunction, ...parameters: LuaValue[]): LuaResult {
  if ((meter.stack -= CALL_FRAMES) < 0) meter.overflow(CALL_FRAMES);
  const result = settle(callee(...parameters));
  meter.stack += CALL_FRAMES;
  return result;
}

/** The values of a call that may have begun a generator or asked to yield. */
export function settle(result: LuaResult): LuaResult {
  if (typeof result !== "object" || Array.isArray(result)) return result;
  if ((result as unknown) instanceof YieldRequest) throw boundaryError();
  if (!isGenerator(result)) return result;
  const step = result.next();
  if (step.done !== true) throw boundaryError();
  return step.value;
}

/** Used by the code of scripts with coroutines at every call. */
export function* run(result: LuaResult): LuaGenerator {
  if (typeof result !== "object" || Array.isArray(result)) return result;
  if ((result as unknown) instanceof YieldRequest) {
    return yield (result as unknown as YieldRequest).values;
  }
  return isGenerator(result) ? yield* result : result;
}

function boundaryError(): LuaError {
  return new LuaError("attempt to yield across metamethod/C-call boundary");
}
