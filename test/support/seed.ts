/**
 * Random numbers for tests. Every random test takes its generator from here, so that its seed is printed and a failing
 * run can be repeated: HUTCH_SEED=<seed> bun test <file>.
 */
import { Random } from "../../src/base/random.ts";

/** The seed of this run: HUTCH_SEED, or a fresh one. */
export const seed: number = chooseSeed();

/** How many times longer than usual random tests run: HUTCH_ROUNDS, or 1. */
export const rounds: number = Math.max(1, Number(process.env.HUTCH_ROUNDS ?? 1));

const printed = new Set<string>();

/** A generator for one test; prints the seed the first time a test of that name asks. */
export function seeded(name: string): Random {
  if (!printed.has(name)) {
    printed.add(name);
    console.log(`${name}: HUTCH_SEED=${seed}`);
  }
  return new Random(seed);
}

/** One of `choices`. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}

function chooseSeed(): number {
  const given = process.env.HUTCH_SEED;
  if (given === undefined) return crypto.getRandomValues(new Uint32Array(1))[0]!;
  const value = Number(given);
  if (!Number.isInteger(value)) throw new Error(`HUTCH_SEED is not an integer: ${given}`);
  return value;
}
