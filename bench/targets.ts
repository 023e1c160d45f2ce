/**
 * What the figures must reach, and the check of a run against it. Ratios are medians over the rounds of a run, each round's
 * figure divided by that of redis-server in the same round.
 */

import { ELEMENT_KINDS } from "./compare/element-kinds.ts";
import { TYPE_OPERATIONS } from "./compare/type-operations.ts";
import { HEAVY_DEPTH } from "./compare/types.ts";

/** Parts of a comparison that can be run alone. */
export const SECTIONS = [
  "throughput",
  "protocols",
  "types",
  "transactions",
  "memory",
  "elements",
  "start",
  "pauses",
  "latency",
  "log",
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Target {
  /** Names the figure among the measured ones. */
  readonly id: string;
  readonly section: Section;
  /** The cell that it is about; left out of a run of other cells. */
  readonly operation?: string;
  readonly depth?: number;
  readonly title: string;
  /** The figure must not be above it. */
  readonly limit: number;
}

export interface Verdict {
  readonly target: Target;
  /** undefined if it was to be measured but was not. */
  readonly value: number | undefined;
  readonly met: boolean;
}

/** Two equal servers differ by as much without pipelining, where the kernel does nearly all of the work. */
const NOISE_UNPIPELINED = 1.02;

type Limit = readonly [depth: number, limit: number];

function perOperation(
  id: string,
  section: Section,
  title: string,
  limits: readonly Limit[],
  operations: readonly string[] = ["SET", "GET"],
): Target[] {
  return limits.flatMap(([depth, limit]) =>
    operations.map((operation) => ({
      id: `${id} ${operation} ${depth}`,
      section,
      operation,
      depth,
      title: `${operation}, depth ${depth}: ${title}`,
      limit,
    })),
  );
}

/** Operations of all types against redis-server. Where the work of one is all that counts, it must not be slower. */
const TYPE_LIMITS: readonly Limit[] = [
  [64, 0.7],
  [16, 0.9],
  [1, 1.05],
];
const HEAVY_LIMITS: readonly Limit[] = [[HEAVY_DEPTH, 1]];

export const TARGETS: readonly Target[] = [
  ...perOperation("cpu", "throughput", "CPU time per operation, redis-server = 1", [
    [64, 0.55],
    [16, 0.8],
    [1, NOISE_UNPIPELINED],
  ]),
  ...perOperation("native", "protocols", "CPU time per operation in native frames, RESP = 1", [
    [64, 1],
    [16, 1],
    [1, NOISE_UNPIPELINED],
  ]),
  ...TYPE_OPERATIONS.flatMap(({ name, heavy }) =>
    perOperation(
      "types",
      "types",
      "CPU time per operation, redis-server = 1",
      heavy ? HEAVY_LIMITS : TYPE_LIMITS,
      [name],
    ),
  ),
  ...perOperation(
    "transactions",
    "transactions",
    "CPU time per transaction of ten SETs, redis-server = 1",
    [
      [16, 0.7],
      [1, 0.7],
    ],
    ["MULTI"],
  ),
  {
    id: "memory",
    section: "memory",
    title: "resident bytes per key beyond key and value",
    limit: 32,
  },
  ...ELEMENT_KINDS.map(({ name, limit }) => ({
    id: `elements ${name}`,
    section: "elements" as const,
    operation: name,
    title: `${name}: resident bytes per element, redis-server = 1`,
    limit,
  })),
  { id: "start", section: "start", title: "first PONG, ms", limit: 100 },
  { id: "pause", section: "pauses", title: "longest pause during inserts, ms", limit: 5 },
  ...["SET", "GET"].map((operation) => ({
    id: `latency ${operation}`,
    section: "latency" as const,
    title: `${operation}: p99.9 latency at half load, redis-server = 1`,
    limit: 1,
  })),
  {
    id: "log cost",
    section: "log",
    title: "SET with everysec, depth 16: CPU time per operation, without a log = 1",
    limit: 1.25,
  },
  {
    id: "log everysec",
    section: "log",
    title: "SET with everysec, depth 16: CPU time per operation, redis-server = 1",
    limit: 0.8,
  },
  {
    id: "log always",
    section: "log",
    title: "SET with always, depth 1: time per operation, redis-server = 1",
    limit: 0.67,
  },
];

/** The targets of the cells that were chosen; a null list chooses all. */
export function targetsOf(
  operations: readonly string[] | null,
  depths: readonly number[],
): readonly Target[] {
  return TARGETS.filter(
    ({ operation, depth }) =>
      (operation === undefined || operations === null || operations.includes(operation)) &&
      (depth === undefined || depths.includes(depth)),
  );
}

/**
 * Checks the targets of the sections that were run. A figure that is missing, or is no number, is a target missed.
 * @param measured figures by target id
 */
export function checkTargets(
  measured: ReadonlyMap<string, number>,
  sections: readonly Section[],
  targets: readonly Target[] = TARGETS,
): Verdict[] {
  return targets
    .filter((target) => sections.includes(target.section))
    .map((target) => {
      const value = measured.get(target.id);
      return { target, value, met: value !== undefined && value <= target.limit };
    });
}
