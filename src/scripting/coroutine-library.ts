/** `coroutine`. */
import { addTable, caughtValue } from "./base-library.ts";
import { Coroutine } from "./coroutine.ts";
import { define, isLibraryFunction } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { YieldRequest } from "./invoke.ts";
import { badArgument } from "./parameters.ts";
import type { LuaResult, LuaValue } from "./values.ts";

function coroutineAt(parameters: readonly LuaValue[]): Coroutine {
  const [value] = parameters;
  if (!(value instanceof Coroutine)) throw badArgument(1, "resume", "coroutine expected");
  return value;
}

function resume(...parameters: LuaValue[]): LuaResult {
  const coroutine = coroutineAt(parameters);
  try {
    return [true, ...coroutine.resume(parameters.slice(1))];
  } catch (error) {
    return [false, caughtValue(error)];
  }
}

function create(name: string, parameters: readonly LuaValue[]): Coroutine {
  const [body] = parameters;
  if (typeof body !== "function" || isLibraryFunction(body)) {
    throw badArgument(1, name, "Lua function expected");
  }
  return new Coroutine(body);
}

function wrap(...parameters: LuaValue[]): LuaResult {
  const coroutine = create("wrap", parameters);
  return (...values) => {
    try {
      return coroutine.resume(values);
    } catch (error) {
      // Where the coroutine was resumed comes before where it failed.
      const value = caughtValue(error);
      if (typeof value === "string") throw LuaError.here(value);
      throw error;
    }
  };
}

function yieldValues(...parameters: LuaValue[]): LuaResult {
  if (Coroutine.current === null) {
    throw new LuaError("attempt to yield across metamethod/C-call boundary");
  }
  // The code that called this function yields; see `invoke.ts`.
  return new YieldRequest(parameters) as unknown as LuaResult;
}

export function addCoroutineLibrary(environment: Environment): void {
  const table = addTable(environment, "coroutine");
  define(
    table,
    {
      create: (...parameters) => create("create", parameters),
      running: () => Coroutine.current ?? undefined,
      status: (...parameters) => coroutineAt(parameters).status,
    },
    true,
  );
  define(table, { resume, wrap, yield: yieldValues }, false);
}
