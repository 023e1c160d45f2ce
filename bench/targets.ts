/**
 * What the figures must reach, and the check of a run against it. Ratios are medians over the rounds of a run, each round's
 * figure divided by that of redis-server in the same round.
 */

/** Parts of a comparison that can be run alone. */
export const SECTIONS = [
  "throughput",
  "protocols",
  "memory",
  "start",
  "pauses",
  "latency",
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Target {
  /** Names the figure among the measured ones. */
  readonly id: string;
  readonly section: Section;
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

function perOperation(
  id: string,
  section: Section,
  title: string,
  limits: readonly (readonly [depth: number, limit: number])[],
): Target[] {
  return limits.flatMap(([depth, limit]) =>
    ["SET", "GET"].map((operation) => ({
      id: `${id} ${operation} ${depth}`,
      section,
      title: `${operation}, depth ${depth}: ${title}`,
      limit,
    })),
  );
}

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
  {
    id: "memory",
    section: "memory",
    title: "resident bytes per key beyond key and value",
    limit: 32,
  },
  { id: "start", section: "start", title: "first PONG, ms", limit: 100 },
  { id: "pause", section: "pauses", title: "longest pause during inserts, ms", limit: 5 },
  ...["SET", "GET"].map((operation) => ({
    id: `latency ${operation}`,
    section: "latency" as const,
    title: `${operation}: p99.9 latency at half load, redis-server = 1`,
    limit: 1,
  })),
];

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
