/** Every target of `bun run fuzz` for a moment. */
import { describe, expect, test } from "bun:test";
import { rounds, seed } from "../support/seed.ts";
import { runTarget } from "./run-target.ts";
import { TARGETS } from "./targets.ts";

interface Part {
  readonly steps: number;
  /** What must have come of some cases, or nothing was tested. */
  readonly outcomes: readonly string[];
}

const PARTS: Readonly<Record<string, Part>> = {
  requests: { steps: 30_000, outcomes: ["complete", "refused", "incomplete"] },
  restore: { steps: 1500, outcomes: ["taken", "refused"] },
  snapshots: { steps: 60, outcomes: ["loaded", "refused"] },
  logs: { steps: 60, outcomes: ["loaded", "refused"] },
  lua: { steps: 1200, outcomes: ["result", "error"] },
  acl: { steps: 2000, outcomes: ["taken", "refused"] },
  config: { steps: 1000, outcomes: ["taken", "refused"] },
  patterns: { steps: 20_000, outcomes: ["matches", "does not match", "large"] },
  commands: { steps: 6, outcomes: ["RESP2", "RESP3"] },
  oracle: { steps: 4, outcomes: ["RESP2", "RESP3"] },
};
/** Of so few cases all may speak the same protocol. */
const FEW = 20;

describe("every target of the fuzzer", () => {
  for (const target of TARGETS) {
    test.skipIf((target.missing ?? null) !== null)(
      `finds nothing: ${target.name}, ${target.what}`,
      async () => {
        const { steps, outcomes } = PARTS[target.name]!;
        console.log(`${target.name}: bun run fuzz --only ${target.name} --seed ${seed}`);
        const report = await runTarget(target, {
          seed,
          steps: steps * rounds,
          ms: Infinity,
          failures: 1,
        });
        for (const { step, problem } of report.failures)
          throw new Error(`step ${step}: ${problem}`);
        if (report.steps >= FEW)
          expect(Object.keys(report.outcomes)).toEqual(expect.arrayContaining([...outcomes]));
      },
      120_000 * rounds,
    );
  }
});
