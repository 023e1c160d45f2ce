/** A coroutine: a function of Lua that is run piece by piece. The script's functions are generators then; see `invoke.ts`. */
import { LuaError } from "./errors.ts";
import type { LuaGenerator } from "./invoke.ts";
import { isGenerator, YieldRequest } from "./invoke.ts";
import { meter } from "./meter.ts";
import type { LuaFunction, LuaResult, LuaValue } from "./values.ts";
import { all } from "./values.ts";

export type CoroutineStatus = "suspended" | "running" | "normal" | "dead";

function enter(coroutine: Coroutine): void {
  current = coroutine;
}

/** What a coroutine that resumes another takes of the stack. */
const RESUME_FRAME = 400;

/** The coroutine that runs now; null in the main program. */
let current: Coroutine | null = null;

export class Coroutine {
  status: CoroutineStatus = "suspended";
  readonly #body: LuaFunction;
  #generator: LuaGenerator | null = null;

  constructor(body: LuaFunction) {
    this.#body = body;
  }

  static get current(): Coroutine | null {
    return current;
  }

  /** Forgets what a script that was stopped left running. */
  static reset(): void {
    current = null;
  }

  /** Runs up to the next yield or the end. @throws {LuaError} what the coroutine throws, or why it can't be resumed */
  resume(values: readonly LuaValue[]): readonly LuaValue[] {
    if (this.status !== "suspended") {
      throw new LuaError(`cannot resume ${this.status} coroutine`);
    }
    if (meter.stack < RESUME_FRAME) meter.overflow(0);
    const outer = current;
    const { stack } = meter;
    if (outer !== null) outer.status = "normal";
    enter(this);
    this.status = "running";
    meter.stack -= RESUME_FRAME;
    try {
      return this.#step(values);
    } catch (error) {
      this.status = "dead";
      throw error;
    } finally {
      meter.stack = stack;
      current = outer;
      if (outer !== null) outer.status = "running";
    }
  }

  #step(values: readonly LuaValue[]): readonly LuaValue[] {
    if (this.#generator === null) {
      const result = this.#body(...values) as LuaResult | YieldRequest;
      if (result instanceof YieldRequest) {
        // The body is coroutine.yield itself: what it is resumed with is its result.
        this.#generator = echo();
        this.#generator.next([]);
        this.status = "suspended";
        return result.values;
      }
      if (!isGenerator(result)) return this.#end(result as LuaResult);
      this.#generator = result;
      return this.#take(result.next([]));
    }
    return this.#take(this.#generator.next(values));
  }

  #take(step: IteratorResult<readonly LuaValue[], LuaResult>): readonly LuaValue[] {
    if (step.done === true) return this.#end(step.value);
    this.status = "suspended";
    return step.value;
  }

  #end(result: LuaResult): readonly LuaValue[] {
    this.status = "dead";
    return all(result);
  }
}

function* echo(): LuaGenerator {
  return yield [];
}
