import { expect, test } from "bun:test";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { rmSync } from "node:fs";
import type { Results } from "../../bench/compare/results.ts";

const TIMEOUT_MS = 60_000;
const needed = ["redis-server", "redis-benchmark", "taskset"];
const possible = availableParallelism() >= 2 && needed.every((name) => Bun.which(name) !== null);

test.skipIf(!possible)(
  "a short comparison starts all servers, measures both protocols and writes what it found",
  async () => {
    const file = join(tmpdir(), `hutch-compare-${process.pid}.json`);
    const child = Bun.spawn(
      [
        ...[process.execPath, "run", join(import.meta.dir, "../../bench/compare.ts")],
        ...["--quick", "--rounds", "1", "--seconds", "0.1", "--only", "throughput,protocols"],
        ...["--operations", "SET", "--depths", "64", "--json", file],
      ],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    );
    const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    try {
      expect(await child.exited, errors).toBe(0);
      const results = (await Bun.file(file).json()) as Results;
      const arms = [...results.throughput!, ...results.protocols!].map((cell) => cell.arm);
      for (const arm of ["hutch", "redis-server", "redis-server (again)", "hutch, native"]) {
        expect(arms).toContain(arm);
        expect(output).toContain(`SET depth 64, ${arm}`);
      }
      for (const cell of [...results.throughput!, ...results.protocols!]) {
        expect(cell.rounds).toHaveLength(1);
        expect(cell.rounds[0]!.opsPerSecond).toBeGreaterThan(0);
        expect(cell.rounds[0]!.cpuUsPerOp).toBeGreaterThan(0);
      }
      expect(output).toContain("SET, depth 64: CPU time per operation, redis-server = 1");
    } finally {
      rmSync(file, { force: true });
    }
  },
  TIMEOUT_MS,
);
