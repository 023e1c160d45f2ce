import { expect, test } from "bun:test";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { rmSync } from "node:fs";
import type { Cell } from "../../bench/compare/grid.ts";
import type { Results } from "../../bench/compare/results.ts";

/** Runs a short comparison with these options, and returns what it printed and wrote. */
async function compare(
  options: readonly string[],
): Promise<{ readonly output: string; readonly results: Results }> {
  const file = join(tmpdir(), `hutch-compare-${process.pid}.json`);
  const child = Bun.spawn(
    [
      ...[process.execPath, "run", join(import.meta.dir, "../../bench/compare.ts")],
      ...["--quick", "--rounds", "1", "--seconds", "0.1", "--json", file, ...options],
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  try {
    expect(await child.exited, errors).toBe(0);
    return { output, results: (await Bun.file(file).json()) as Results };
  } finally {
    rmSync(file, { force: true });
  }
}

const TIMEOUT_MS = 60_000;
const needed = ["redis-server", "redis-benchmark", "taskset"];
const possible = availableParallelism() >= 2 && needed.every((name) => Bun.which(name) !== null);

test.skipIf(!possible)(
  "a short comparison starts all servers, measures both protocols and writes what it found",
  async () => {
    const { output, results } = await compare([
      "--only",
      "throughput,protocols",
      "--operations",
      "SET",
      "--depths",
      "64",
    ]);
    const arms = [...results.throughput!, ...results.protocols!].map((cell) => cell.arm);
    for (const arm of ["hutch", "redis-server", "redis-server (again)", "hutch, native"]) {
      expect(arms).toContain(arm);
      expect(output).toContain(`SET depth 64, ${arm}`);
    }
    expectMeasured([...results.throughput!, ...results.protocols!]);
    expect(output).toContain("SET, depth 64: CPU time per operation, redis-server = 1");
  },
  TIMEOUT_MS,
);

test.skipIf(!possible)(
  "a short comparison of the types measures the operations and kinds that were asked for",
  async () => {
    const operations = ["LPOP", "SORT", "one hash"];
    const { output, results } = await compare([
      ...["--only", "types,elements", "--depths", "1", "--elements", "2000"],
      ...["--operations", operations.join(",")],
    ]);
    const cells = results.types!;
    expect(cells.map((cell) => cell.operation)).toEqual(
      ["LPOP", "SORT"].flatMap((name) => [name, name, name]),
    );
    expectMeasured(cells);
    expect(results.elements!.map((figure) => figure.kind)).toEqual(["one hash", "one hash"]);
    expect(output).toContain("one hash: resident bytes per element, redis-server = 1");
    expect(output).not.toContain("LPUSH");
  },
  TIMEOUT_MS,
);

function expectMeasured(cells: readonly Cell[]): void {
  for (const cell of cells) {
    expect(cell.rounds).toHaveLength(1);
    expect(cell.rounds[0]!.opsPerSecond).toBeGreaterThan(0);
    expect(cell.rounds[0]!.cpuUsPerOp).toBeGreaterThan(0);
  }
}
