/**
 * Runs a target: case after case, each from its own random numbers, until the time or the steps are over. What must hold for
 * every case of every target is checked here: it throws nothing, takes no longer than its target allows, leaves JavaScript's own
 * objects as they were, and memory does not grow for ever.
 */
import { heapSize } from "bun:jsc";
import { cpuMs } from "../support/cpu-time.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { byteParts, shrink } from "./shrink.ts";
import type { Run, Target } from "./target.ts";
import { randomOfStep } from "./target.ts";
import { Random } from "../../src/base/random.ts";

export interface Limits {
  readonly seed: number;
  readonly steps: number;
  /** The first step, if not 0. */
  readonly from?: number;
  /** Milliseconds, the making of small cases beside. */
  readonly ms: number;
  /** The target ends with so many failures. */
  readonly failures?: number;
}

/** Who is told how a run goes. */
export interface Progress {
  /** Called after each step. */
  step?(step: number): void;
  failure?(failure: Failure): void;
}

export interface Failure {
  readonly step: number;
  readonly problem: string;
  /** The smallest case that was found to fail. */
  readonly bytes: Buffer;
}

export interface Report {
  readonly steps: number;
  /** How many cases came out in which way. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly failures: readonly Failure[];
  /** Cases that failed once, and not again, where that may happen. */
  readonly once: readonly string[];
  /** Growth of resident memory in ten minutes, in percent, and how long it was watched. */
  readonly memorySlope: number;
  readonly watchedMs: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Times that a case is run again before its failure, or its slowness, is believed. */
const ATTEMPTS = 3;
/** The heap may be so much larger at the end than after the first tenth, in bytes. */
const HEAP_GROWTH_MAX = 64 * 1024 * 1024;
/** Collections before the heap is measured. */
const COLLECTIONS = 4;
/** Resident memory may grow so much in ten minutes, in percent, where it was watched that long. */
const SLOPE_MAX = 1;
const SLOPE_MS = 600_000;

/** Runs a target to the end of its time or steps. */
export async function runTarget(
  target: Target,
  limits: Limits,
  progress: Progress = {},
): Promise<Report> {
  const fuzzer = new Fuzzer(target, limits, progress);
  try {
    return await fuzzer.run();
  } finally {
    await fuzzer.stop();
  }
}

/** Runs one case. Returns what is wrong, or null. */
export async function replay(target: Target, seed: number, bytes: Buffer): Promise<string | null> {
  const fuzzer = new Fuzzer(target, { seed, steps: 1, ms: Infinity }, {});
  try {
    return await fuzzer.problemOf(bytes);
  } finally {
    await fuzzer.stop();
  }
}

class Fuzzer {
  readonly #target: Target;
  readonly #limits: Limits;
  readonly #progress: Progress;
  readonly #outcomes: Record<string, number> = {};
  readonly #failures: Failure[] = [];
  readonly #once: string[] = [];
  #run: Run | null = null;
  #slowestMs = 0;

  constructor(target: Target, limits: Limits, progress: Progress) {
    this.#target = target;
    this.#limits = limits;
    this.#progress = progress;
  }

  async run(): Promise<Report> {
    const { seed, steps, ms, from = 0, failures = Infinity } = this.#limits;
    await this.#started();
    const memory = new MemoryWatch();
    const begun = performance.now();
    let shrinkingMs = 0;
    let heapAfterTenth = Infinity;
    let step = from;
    const share = (): number => Math.max((step - from) / steps, (performance.now() - begun) / ms);
    for (; step < from + steps && this.#failures.length < failures; step++) {
      if (performance.now() - begun - shrinkingMs >= ms) break;
      const run = await this.#started();
      const bytes = run.make(randomOfStep(seed, step));
      const problem = await this.#check(bytes);
      if (problem !== null) {
        const start = performance.now();
        await this.#investigate(step, bytes, problem);
        shrinkingMs += performance.now() - start;
      }
      memory.look(this.#run?.pid ?? process.pid);
      if (heapAfterTenth === Infinity && share() >= 0.1) heapAfterTenth = await heapInUse();
      this.#progress.step?.(step);
    }
    const growth = (await heapInUse()) - heapAfterTenth;
    if (growth > HEAP_GROWTH_MAX) this.#fail(step, `the heap grew by ${growth} bytes`);
    if (memory.ms > SLOPE_MS && memory.slope > SLOPE_MAX) {
      this.#fail(step, `resident memory grows by ${memory.slope.toFixed(2)} % in ten minutes`);
    }
    return {
      steps: step - from,
      outcomes: this.#outcomes,
      slowestMs: this.#slowestMs,
      failures: this.#failures,
      once: this.#once,
      memorySlope: memory.slope,
      watchedMs: memory.ms,
      figures: this.#run?.figures?.() ?? {},
    };
  }

  /** What is wrong with a case, or null: it counts only if it is wrong in a run of its own. */
  async problemOf(bytes: Buffer): Promise<string | null> {
    await this.stop();
    const problem = await this.#check(bytes);
    if (problem !== null) await this.stop();
    return problem;
  }

  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = null;
    await run?.stop?.();
  }

  async #started(): Promise<Run> {
    this.#run ??= await this.#target.start(new Random(this.#limits.seed));
    return this.#run;
  }

  /** Runs a case. Returns what is wrong, or null. */
  async #check(bytes: Buffer): Promise<string | null> {
    let ms = Infinity;
    let outcome = "";
    // A pause of the machine is no hang: a case that hangs does so again.
    for (let attempt = 0; ms > this.#target.hangMs && attempt <= ATTEMPTS; attempt++) {
      const run = await this.#started();
      const begun = Bun.nanoseconds();
      const cpuBegun = cpuMs();
      try {
        const checked = run.check(bytes);
        outcome = typeof checked === "string" ? checked : await checked;
      } catch (error) {
        return describe(error);
      }
      // On a machine that does other things too, a case that waits for a core has not run.
      ms = Math.min(ms, (Bun.nanoseconds() - begun) / 1e6, cpuMs() - cpuBegun);
    }
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    if (ms > this.#target.hangMs) return `took ${ms.toFixed(1)} ms`;
    return prototypeProblem();
  }

  /** Finds out whether a case fails by itself, and makes it small. */
  async #investigate(step: number, bytes: Buffer, problem: string): Promise<void> {
    let again: string | null = null;
    for (let attempt = 0; again === null && attempt < ATTEMPTS; attempt++) {
      again = await this.problemOf(bytes);
    }
    if (again === null) {
      if (this.#target.isTimed === true) this.#once.push(`step ${step}: ${problem}`);
      else this.#fail(step, `only after the steps before it: ${problem}`, bytes);
      return;
    }
    const parts = (await this.#started()).parts?.(bytes) ?? byteParts(bytes);
    const smallest = await shrink(parts, async (some) => (await this.problemOf(some)) !== null);
    this.#fail(step, (await this.problemOf(smallest)) ?? problem, smallest);
  }

  #fail(step: number, problem: string, bytes: Buffer = Buffer.alloc(0)): void {
    const failure = { step, problem, bytes };
    this.#failures.push(failure);
    this.#progress.failure?.(failure);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\n${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** What a case has done to JavaScript's own objects, or null. */
function prototypeProblem(): string | null {
  const plain: Record<string, unknown> = {};
  if (plain.x === undefined && Object.keys(Object.prototype).length === 0) return null;
  const names = Object.keys(Object.prototype);
  for (const name of names) Reflect.deleteProperty(Object.prototype, name);
  return `Object.prototype has ${names}`;
}

/**
 * Bytes of the heap that are in use. A collection keeps what stands on the stack or is about to be finalized, so there are several, turns
 * of the event loop apart, and the least counts: garbage is no growth.
 */
async function heapInUse(): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < COLLECTIONS; i++) {
    await Bun.sleep(1);
    Bun.gc(true);
    least = Math.min(least, heapSize());
  }
  return least;
}
