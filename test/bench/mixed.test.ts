import { describe, expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { judge } from "../../bench/mixed.ts";
import type { ProbeSample } from "../../bench/rig/probe.ts";

const MIB = 1 << 20;
const TIMEOUT_MS = 60_000;
const possible = availableParallelism() >= 2 && Bun.which("taskset") !== null;

function samples(heapsMib: readonly number[], longestMs: number): ProbeSample[] {
  return heapsMib.map((heap, i) => ({
    atMs: i * 1000,
    longestMs: i === 1 ? longestMs : 1,
    longestRunMs: 1,
    rounds: 100,
    heapBytes: heap * MIB,
  }));
}

describe("the verdict on a mixed load", () => {
  test("compares the heap's least sizes, not what lies between two collections", () => {
    expect(judge(samples([20, 60, 20, 60, 21, 90], 5)).met).toBe(true);
    expect(judge(samples([40, 60, 60, 60, 60, 43], 5)).met).toBe(true);
    expect(judge(samples([20, 20, 30, 30, 40, 40], 5)).met).toBe(false);
  });

  test("wants no turn above ten milliseconds", () => {
    expect(judge(samples([20, 20, 20], 10)).met).toBe(true);
    const missed = judge(samples([20, 20, 20], 10.1));
    expect(missed.met).toBe(false);
    expect(missed.longestMs).toBe(10.1);
  });
});

test.skipIf(!possible)(
  "a short mixed load fills all types and gets no errors",
  async () => {
    const child = Bun.spawn(
      [
        ...[process.execPath, "run", join(import.meta.dir, "../../bench/mixed.ts")],
        ...["--minutes", "0.06", "--elements", "20000"],
      ],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    );
    const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    // Whether a turn was too long depends on the machine.
    expect([0, 1], errors).toContain(await child.exited);
    expect(output).toContain(" 0 errors");
    expect(output).toMatch(/^1 /m);
    expect(output).toContain("longest turn");
  },
  TIMEOUT_MS,
);
