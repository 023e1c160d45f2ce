/**
 * What a fuzzer is: something that makes cases from random numbers, and checks them. A case is bytes, and all of it: how it is
 * cut up, or what is tried on what it makes, follows from the bytes. So a case that was kept says everything that is needed to
 * run it again, and can be made smaller by leaving out parts of it.
 */
import { Random } from "../../src/base/random.ts";

export interface Target {
  /** As `--only` takes it. */
  readonly name: string;
  /** What is tried, in one line. */
  readonly what: string;
  /** A case that takes longer, in ms, is a failure. */
  readonly hangMs: number;
  /**
   * Whether a case may fail by the clock: two servers do not see the same millisecond. What fails once only is no failure then.
   */
  readonly isTimed?: boolean;
  /** Why it can't run here, or null. */
  readonly missing?: string | null;
  /** @param random for what all cases are made from, the same for the same seed */
  start(random: Random): Run | Promise<Run>;
}

/** A target at work. */
export interface Run {
  /** The case that follows from the random numbers. */
  make(random: Random): Buffer;
  /**
   * Runs one case. What it leaves behind, the next one does not notice. Throws if a promise is broken.
   * @returns what came of it, in a word that is counted
   */
  check(bytes: Buffer): string | Promise<string>;
  /** The parts that a smaller case may do without; bytes, if absent. */
  parts?(bytes: Buffer): readonly Buffer[];
  /** The process whose memory is watched, if not this one. */
  readonly pid?: number;
  /** Figures for the report. */
  figures?(): Readonly<Record<string, number>>;
  stop?(): void | Promise<void>;
}

/** Random numbers that follow from the bytes of a case. */
export function randomOf(bytes: Uint8Array): Random {
  return new Random(Bun.hash.crc32(bytes));
}

/** Random numbers of one step of a run, which no step before it has a part in. */
export function randomOfStep(seed: number, step: number): Random {
  return new Random(Math.imul(step, 0x9e3779b1) ^ seed);
}
