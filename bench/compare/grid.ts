/**
 * Throughput and CPU time over a grid of cells: an operation at a pipeline depth, measured for every arm, round after
 * round. An arm is a server with a load. Before each measurement the arm runs for a while unmeasured, which warms up
 * compilers and caches and tells how many requests fill the wanted time.
 */
import { cpuBetween, sampleCpu } from "../rig/schedstat.ts";
import type { RunningServer } from "../rig/servers.ts";
import { abba } from "../rig/statistics.ts";

export interface Arm {
  readonly name: string;
  readonly server: RunningServer;
  /** Brings the data into the state that so many requests need; not measured. */
  readonly prepare?: (operation: string, requests: number) => Promise<void>;
  /** Sends about so many requests as fast as they are answered. */
  readonly load: (operation: string, depth: number, requests: number) => Promise<LoadResult>;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
}

export interface Measurement {
  readonly opsPerSecond: number;
  /** Microseconds of the server's CPU time, user and system, for one operation. */
  readonly cpuUsPerOp: number;
  /** Nanoseconds of CPU time that ended threads took with them; should be 0. */
  readonly lostNs: number;
}

/** All rounds of one arm at one operation and depth. */
export interface Cell {
  readonly arm: string;
  readonly operation: string;
  readonly depth: number;
  readonly rounds: Measurement[];
}

export interface GridOptions {
  readonly operations: readonly string[];
  readonly depths: readonly number[];
  readonly rounds: number;
  /** What one measurement should take. */
  readonly seconds: number;
  /** Requests per second that a fast server answers of an operation, for those slower than GET. */
  readonly rateMax?: (operation: string) => number;
  /** The unmeasured part before everything, in measurements. */
  readonly warmUp?: number;
  /** Told what is being measured. */
  readonly progress: (text: string) => void;
}

/** Requests per second to begin with, by depth: a third of what a fast server does. */
const FIRST_RATES: ReadonlyMap<number, number> = new Map([
  [1, 30_000],
  [16, 300_000],
  [64, 700_000],
]);
const FIRST_RATE_ELSE = 30_000;

/** The unmeasured part before a measurement, as a share of it; in the first round as long as itself. */
const WARM_UP_SHARE = 0.3;
/** The part before everything, in measurements. */
const FIRST_WARM_UP = 3;

/** Lets the server finish what the last load left behind, so that its threads' figures are up to date. */
const SETTLE_MS = 20;

export async function measureGrid(arms: readonly Arm[], options: GridOptions): Promise<Cell[]> {
  const { operations, depths, rounds, seconds } = options;
  const firstRate = (operation: string, depth: number): number =>
    Math.min(FIRST_RATES.get(depth) ?? FIRST_RATE_ELSE, options.rateMax?.(operation) ?? Infinity);
  const cells: Cell[] = [];
  for (const depth of depths) {
    for (const operation of operations) {
      for (const arm of arms) cells.push({ arm: arm.name, operation, depth, rounds: [] });
    }
  }
  const deepest = Math.max(...depths);
  options.progress(`warm-up: ${operations.join(" and ")}, depth ${deepest}`);
  for (const arm of arms) {
    for (const operation of operations) {
      // Enough commands that compilers are done with them before the first cell, in which there may be few.
      const requests = firstRate(operation, deepest) * seconds * (options.warmUp ?? FIRST_WARM_UP);
      await arm.prepare?.(operation, requests);
      await arm.load(operation, deepest, requests);
    }
  }
  const rates = new Map<Cell, number>();
  for (let round = 0; round < rounds; round++) {
    for (const depth of depths) {
      for (const operation of operations) {
        options.progress(`round ${round + 1} of ${rounds}: ${operation}, depth ${depth}`);
        for (const arm of abba(arms, round)) {
          const cell = cells.find(
            (one) => one.arm === arm.name && one.operation === operation && one.depth === depth,
          )!;
          const guess = rates.get(cell) ?? firstRate(operation, depth);
          const requests = guess * seconds * (round === 0 ? 1 : WARM_UP_SHARE);
          await arm.prepare?.(operation, requests);
          const rate = rateOf(await arm.load(operation, depth, requests));
          rates.set(cell, rate);
          cell.rounds.push(await measure(arm, operation, depth, rate * seconds));
        }
      }
    }
  }
  return cells;
}

async function measure(
  arm: Arm,
  operation: string,
  depth: number,
  requests: number,
): Promise<Measurement> {
  await arm.prepare?.(operation, requests);
  await Bun.sleep(SETTLE_MS);
  const before = sampleCpu(arm.server.pid);
  const result = await arm.load(operation, depth, requests);
  await Bun.sleep(SETTLE_MS);
  const { ns, lostNs } = cpuBetween(before, sampleCpu(arm.server.pid));
  return { opsPerSecond: rateOf(result), cpuUsPerOp: ns / 1000 / result.requests, lostNs };
}

function rateOf(result: LoadResult): number {
  return result.requests / result.seconds;
}
