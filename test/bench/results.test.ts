import { describe, expect, test } from "bun:test";
import type { Cell } from "../../bench/compare/grid.ts";
import { parseRate } from "../../bench/compare/redis-benchmark.ts";
import { table } from "../../bench/compare/report.ts";
import type { Results } from "../../bench/compare/results.ts";
import { measuredFigures, resultsText } from "../../bench/compare/results.ts";
import { causeOf, parseProbeLog } from "../../bench/pauses.ts";
import { parseLscpu } from "../../bench/rig/machine.ts";

function cell(arm: string, cpuUs: readonly number[]): Cell {
  return {
    arm,
    operation: "SET",
    depth: 64,
    rounds: cpuUs.map((cpuUsPerOp) => ({ opsPerSecond: 1e6 / cpuUsPerOp, cpuUsPerOp, lostNs: 0 })),
  };
}

const RESULTS: Results = {
  machine: {
    model: "a model",
    cores: 2,
    threadsPerCore: "1",
    level3Cache: "1 MiB",
    hypervisor: "none",
    memoryGiB: 1,
    kernel: "6",
    bun: "1",
    date: "",
    loadAverage: 0,
  },
  products: [],
  options: {},
  sections: ["throughput", "protocols", "types", "memory", "elements", "start"],
  base: "redis-server",
  throughput: [cell("hutch", [1, 3, 2]), cell("redis-server", [2, 4, 8])],
  protocols: [cell("hutch, native", [3]), cell("hutch, RESP", [4]), cell("redis-server", [1])],
  types: [cell("hutch", [3, 4, 5]), cell("redis-server", [4, 4, 4])],
  elements: [
    { kind: "one hash", product: "hutch", bytes: [50, 30, 40] },
    { kind: "one hash", product: "redis-server", bytes: [80] },
  ],
  memory: [{ product: "hutch", raw: [90, 80, 100], warmed: [30, 20, 25] }],
  start: [
    { product: "hutch", ms: [50, 70, 60] },
    { product: "redis-server", ms: [5] },
  ],
};

describe("the figures that targets name", () => {
  const figures = measuredFigures(RESULTS);

  test("CPU time is compared round by round with the other server", () => {
    // Ratios 0.5, 0.75, 0.25; the ratio of the medians would be 0.5 too, so one round more tells them apart.
    expect(figures.get("cpu SET 64")).toBe(0.5);
    const skewed = {
      ...RESULTS,
      throughput: [cell("hutch", [1, 9]), cell("redis-server", [2, 3])],
    };
    expect(measuredFigures(skewed).get("cpu SET 64")).toBe(1.75);
  });

  test("the native protocol is compared with RESP on the same server", () => {
    expect(figures.get("native SET 64")).toBe(0.75);
  });

  test("memory is the median after warm-up, and the start that of the source", () => {
    expect(figures.get("memory")).toBe(25);
    expect(figures.get("start")).toBe(60);
  });

  test("commands of all types and bytes of elements are compared with the other server", () => {
    expect(figures.get("types SET 64")).toBe(1);
    expect(figures.get("elements one hash")).toBe(0.5);
  });

  test("what was not measured has no figure", () => {
    expect(figures.has("pause")).toBe(false);
    expect(measuredFigures({ ...RESULTS, base: null }).has("cpu SET 64")).toBe(false);
    expect(measuredFigures({ ...RESULTS, base: null }).has("elements one hash")).toBe(false);
  });
});

test("the report has a table for each section that was measured", () => {
  const text = resultsText(RESULTS);
  expect(text).toContain("SET depth 64, hutch, native");
  expect(text).toContain("25.0 (20.0-30.0)");
  expect(text).toContain("60.0 (50.0-70.0)");
  expect(text).toContain("one hash, hutch");
  expect(text).toContain("40.0 (30.0-50.0)");
  expect(text).not.toContain("Pauses");
});

test("tables align the first column to the left and the others to the right", () => {
  expect(table(["a", "bb"], [["long", "1"]])).toBe("a     bb\n----  --\nlong   1");
});

describe("reading what tools print", () => {
  test("redis-benchmark's CSV yields the rate of the operation asked for", () => {
    const csv = '"test","rps","avg_latency_ms"\n"SET","123456.78","0.2"\n"GET","9.5","0.1"\n';
    expect(parseRate(csv, "SET")).toBe(123456.78);
    expect(parseRate(csv, "GET")).toBe(9.5);
    expect(() => parseRate('"test","rps"\n', "GET")).toThrow(SyntaxError);
    expect(parseRate('"ZRANK a (b) __rand_int__","7","0.1"\n', "ZRANK a (b) __rand_int__")).toBe(7);
  });

  test("lscpu's lines are found whatever their indentation", () => {
    const facts = parseLscpu("Model name:   A: B\n  L3 cache:  32 MiB\n\nnothing\n");
    expect(facts.get("Model name")).toBe("A: B");
    expect(facts.get("L3 cache")).toBe("32 MiB");
  });
});

describe("the log of the probe", () => {
  const pause = { ms: 4, callbackMs: 1, waitedMs: 0, othersMs: 0, receivedBytes: 0 };
  const mark = (value: object): string => `hutch-probe-long ${JSON.stringify(value)}`;
  const collection =
    "[GC<0x1>: M a=1kb o=1 p=1.5ms (max 1.5)... p=2.75ms (max 2.75), cycle 9ms END]";

  test("a pause gets the collections since the pause before, each by its longest stop", () => {
    const { pauses, collectionsMs } = parseProbeLog(
      [collection, mark(pause), "something else", mark({ ...pause, ms: 3 }), collection].join("\n"),
    );
    expect(collectionsMs).toEqual([2.75, 2.75]);
    expect(pauses.map((one) => one.collectionsMs)).toEqual([[2.75], []]);
  });

  test("a pause's cause is what accounts for half of it", () => {
    const explained = { ...pause, keys: 0, collectionsMs: [] };
    expect(causeOf({ ...explained, waitedMs: 3, othersMs: 3 })).toContain("threads of its own");
    expect(causeOf({ ...explained, waitedMs: 3 })).toContain("another process");
    expect(causeOf({ ...explained, collectionsMs: [2.5] })).toContain("collection");
    expect(causeOf({ ...explained, callbackMs: 2 })).toBe("commands");
  });
});
