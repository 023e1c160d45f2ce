/**
 * What a running script uses, and its end when that is too much. One meter a thread, since a thread runs one script at a time.
 *
 *   steps   counted down at every turn of a loop, every call, and for work in bulk; at zero the clock and the heap are looked at
 *   stack   counted down by what a call that may recurse takes of the engine's stack, and up again when it returns; so that
 *           a command that a script calls always finds enough of it
 *
 * A script that is stopped ends by an exception that nothing in Lua catches.
 */
import { heapSize } from "bun:jsc";
import { nanoseconds } from "../base/clock.ts";
import { SCRIPT_MEMORY_MAX } from "../base/limits.ts";
import { LuaError } from "./errors.ts";

/** Steps between two looks at the clock: well below a millisecond of a tight loop. */
const STEPS = 50_000;
/** Bytes of work in bulk that count as one step. */
const BYTES_PER_STEP_SHIFT = 6;
/** The heap is asked how large it is at most once in this time, since asking takes up to 2 ms. */
const HEAP_INTERVAL_NS = 50_000_000;
/** Registers of all frames of a script together. A frame's size is only estimated; this is half of what there is at least. */
const STACK_SIZE = 200_000;

/** Ends a script from outside. Not an error of Lua: pcall lets it pass. */
export class ScriptStop extends Error {
  override name = "ScriptStop";
}

export class Meter {
  steps = STEPS;
  stack = STACK_SIZE;
  #startNs = 0;
  #limitNs = Infinity;
  #nextHeapNs = Infinity;
  #heapMax = Infinity;
  /** Called when the time is over; throws, or returns for how many nanoseconds more. */
  #onTime: () => number = () => Infinity;

  /**
   * A script begins.
   * @param limitNs nanoseconds until `onTime` is called
   * @param onTime throws a `ScriptStop`, or returns the nanoseconds until it is called again
   */
  begin(limitNs: number, onTime: () => number): void {
    this.steps = STEPS;
    this.stack = STACK_SIZE;
    this.#startNs = 0;
    this.#limitNs = limitNs;
    this.#onTime = onTime;
  }

  /** Work of so many bytes is about to be done. */
  charge(bytes: number): void {
    this.steps -= bytes >> BYTES_PER_STEP_SHIFT;
    if (this.steps < 0) this.look();
  }

  /** So many bytes will be needed at once: refuses them if that is more than a script may have. */
  reserve(bytes: number): void {
    if (bytes > SCRIPT_MEMORY_MAX) throw new LuaError("not enough memory");
    this.charge(bytes);
  }

  /** The steps are used up. */
  look(): void {
    this.steps = STEPS;
    const nowNs = nanoseconds();
    if (this.#startNs === 0) {
      // Scripts that end before this point never ask for the time.
      this.#startNs = nowNs;
      this.#heapMax = heapSize() + SCRIPT_MEMORY_MAX;
      this.#nextHeapNs = nowNs + HEAP_INTERVAL_NS;
      return;
    }
    if (nowNs >= this.#nextHeapNs) {
      this.#nextHeapNs = nowNs + HEAP_INTERVAL_NS;
      if (heapSize() > this.#heapMax) throw new ScriptStop("not enough memory");
    }
    if (nowNs - this.#startNs >= this.#limitNs) {
      this.#limitNs = nowNs - this.#startNs + this.#onTime();
    }
  }

  /** The stack is used up. @param frame what the call wanted, given back */
  overflow(frame: number): never {
    this.stack += frame;
    throw LuaError.here("stack overflow");
  }
}

export const meter: Meter = new Meter();
