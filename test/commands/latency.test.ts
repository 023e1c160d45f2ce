/** LATENCY and what INFO says of latencies: events beside redis-server, histograms against a plain list. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { latencyGraph } from "../../src/commands/latency-graph.ts";
import { LatencyHistogram } from "../../src/commands/latency-histogram.ts";
import { startInProcess } from "../support/in-process.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";

let hutch: Instance;
let client: RespClient;

beforeAll(async () => {
  hutch = startInProcess({ "enable-debug-command": "yes" });
  client = await RespClient.connect(hutch.port);
});
afterAll(async () => {
  client.close();
  await hutch.stop();
});
beforeEach(async () => {
  await client.text("CONFIG", "SET", "latency-monitor-threshold", 0);
  await client.text("LATENCY", "RESET");
});

describe("a histogram of latencies", () => {
  test("has the percentiles of all that was recorded, at most 7 % too high", () => {
    const random = seeded("latencies");
    const histogram = new LatencyHistogram();
    const all: number[] = [];
    for (let i = 0; i < 5000; i++) {
      const ns = Math.floor(2 ** (random.fraction() * 34));
      const calls = i % 3 === 0 ? 64 : 1;
      histogram.record(ns, calls);
      for (let one = 0; one < calls; one++) all.push(ns);
    }
    all.sort((a, b) => a - b);
    expect(histogram.calls).toBe(all.length);
    for (const percent of [0, 1, 50, 90, 99, 99.9, 100]) {
      const exact = all[Math.max(1, Math.ceil((percent / 100) * all.length)) - 1]!;
      const read = histogram.percentile(percent);
      expect(read).toBeGreaterThanOrEqual(exact);
      expect(read).toBeLessThanOrEqual(Math.ceil(exact * 1.07));
    }
  });

  test("counts in steps that end with all calls", () => {
    const histogram = new LatencyHistogram();
    for (const ns of [1, 900, 5000, 5000, 30_000, 2e6, 1e13]) histogram.record(ns, 1);
    const steps = histogram.steps();
    expect(steps.map(({ microseconds }) => microseconds).slice(0, 4)).toEqual([1, 8, 33, 2113]);
    expect(steps.map(({ calls }) => calls)).toEqual([2, 4, 5, 6, 7]);
  });
});

test("LATENCY HISTOGRAM and INFO latencystats show what commands took", async () => {
  await client.text("CONFIG", "RESETSTAT");
  expect(await client.text("LATENCY", "HISTOGRAM", "get", "nosuch")).toBe("[]");
  for (let i = 0; i < 10; i++) await client.text("GET", "k");
  const shown = await client.text("LATENCY", "HISTOGRAM", "GET", "config|get");
  expect(shown).toMatch(/^\["get", \["calls", :10, "histogram_usec", \[(:\d+, :\d+(, )?)+\]\]\]$/);
  expect(await client.text("LATENCY", "HISTOGRAM", "latency")).toContain("latency|histogram");
  const info = await client.text("INFO", "latencystats");
  expect(info).toMatch(
    /latency_percentiles_usec_get:p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}/,
  );
  await client.text("CONFIG", "SET", "latency-tracking-info-percentiles", "75");
  expect(await client.text("INFO", "latencystats")).toMatch(/usec_get:p75=\d+\.\d{3}[^,]/);
  await client.text("CONFIG", "SET", "latency-tracking-info-percentiles", "50 99 99.9");

  await client.text("CONFIG", "SET", "latency-tracking", "no");
  await client.text("CONFIG", "RESETSTAT");
  await client.text("GET", "k");
  expect(await client.text("LATENCY", "HISTOGRAM", "get")).toBe("[]");
  await client.text("CONFIG", "SET", "latency-tracking", "yes");
});

test("samples of one second are one, the longest", async () => {
  const { latency, clock } = hutch.engine;
  await client.text("CONFIG", "SET", "latency-monitor-threshold", 50);
  for (const ms of [49, 60, 80, 70]) latency.note("expire-cycle", ms * 1e6);
  const time = Math.floor(clock.nowMs / 1000);
  expect(await client.text("LATENCY", "HISTORY", "expire-cycle")).toBe(`[[:${time}, :80]]`);
  clock.advance(1000);
  latency.note("expire-cycle", 55e6);
  const expected = `[["expire-cycle", :${time + 1}, :55, :80]]`;
  expect(await client.text("LATENCY", "LATEST")).toBe(expected);
});

test("a graph has a column for each sample", () => {
  const samples = [1, 5, 12, 3].map((ms, i) => ({ time: 1000 + i * 50, ms }));
  const lines = latencyGraph("command", { samples, maxMs: 20 }, 1_160_000).split("\n");
  expect(lines[0]).toBe("command - high 12 ms, low 1 ms (all time high 20 ms)");
  expect(lines.slice(2, 6)).toEqual(["  #", "  #", " o#", "_###"]);
  expect(lines.slice(7, 10)).toEqual(["2111", "mmm0", "   s"]);
});

describe.skipIf(redisMissing !== null)("beside redis-server", () => {
  test("commands above the threshold are events, the same subcommands take the same arguments", async () => {
    const redis = await startRedis();
    const oracle = await RespClient.connect(redis.port);
    try {
      const results: string[][] = [];
      for (const one of [client, oracle]) {
        const got: string[] = [];
        await one.text("CONFIG", "SET", "latency-monitor-threshold", 20);
        await one.text("DEBUG", "SLEEP", "0.03");
        for (const line of [
          "LATENCY LATEST",
          "LATENCY HISTORY command",
          "LATENCY HISTORY nosuch",
          "LATENCY GRAPH nosuch",
          "LATENCY RESET nosuch",
          "LATENCY RESET command nosuch command",
          "LATENCY RESET",
          "LATENCY LATEST",
          "LATENCY GRAPH",
          "LATENCY HISTORY",
          "LATENCY LATEST x",
          "LATENCY NOSUCH",
          "LATENCY",
          "LATENCY HISTOGRAM nosuch",
        ]) {
          const reply = await one.text(...line.split(" "));
          got.push(reply.replaceAll(/:\d{10}/g, ":time").replaceAll(/:(2|3|4)\d\b/g, ":ms"));
        }
        results.push(got);
      }
      expect(results[0]).toEqual(results[1]!);
    } finally {
      oracle.close();
      await redis.stop();
    }
  });
});
