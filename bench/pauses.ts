/**
 * The longest pause while keys are inserted at full speed: `bun run bench/pauses.ts [--keys 10000000]`.
 *
 * The server runs with a probe inside its process (`rig/probe.ts`), on its own core as always; fifty connections send
 * pipelines of 64 SETs of new keys. Nothing is left out: growing tables, new segments, collections and the compilation
 * of code fall into the time, and so does every moment in which the operating system gave the core to somebody else.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { say, table } from "./compare/report.ts";
import type { FillResult } from "./rig/load-generator.ts";
import { LoadGenerator } from "./rig/load-generator.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import type { Distribution, LongGap, ProbeReport } from "./rig/probe.ts";
import { LONG_MARK } from "./rig/probe.ts";
import { keyOf, requestOf } from "./rig/requests.ts";
import { hutchWithPreload, start } from "./rig/servers.ts";

const PROBE: string = fileURLToPath(new URL("./rig/probe.ts", import.meta.url));
const REPORT_TIMEOUT_MS = 10_000;
const SHOWN = 10;

/** A long gap with the collections that ended since the gap before it. */
export interface ExplainedGap extends LongGap {
  /** Keys inserted when it happened, about. */
  readonly keys: number;
  /** Longest stop in ms of each collection since the long gap before. */
  readonly collectionsMs: readonly number[];
}

export interface PauseFigure {
  readonly keys: number;
  readonly seconds: number;
  readonly report: ProbeReport;
  /** Gaps of 2 ms and more, longest first. */
  readonly long: readonly ExplainedGap[];
  readonly collections: number;
  /** Longest stop of any collection in ms. */
  readonly longestCollectionMs: number;
  /** The longest time in ms a client waited for a pipeline of 64. */
  readonly longestWaitMs: number;
}

export async function measurePauses(keys: number): Promise<PauseFigure> {
  const directory = mkdtempSync(join(tmpdir(), "hutch-pauses-"));
  const reportFile = join(directory, "report.json");
  const server = await start(hutchWithPreload(PROBE), {
    env: { HUTCH_PROBE_REPORT: reportFile, BUN_JSC_logGC: "1" },
  });
  try {
    const generator = await LoadGenerator.start("resp", server.port);
    const filled = await generator.fill(0, keys);
    await generator.stop();
    server.signal("SIGUSR2");
    const deadline = performance.now() + REPORT_TIMEOUT_MS;
    while (!existsSync(reportFile) || readFileSync(reportFile).length === 0) {
      if (performance.now() > deadline) throw new Error(`no report: ${server.errorOutput}`);
      await Bun.sleep(10);
    }
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as ProbeReport;
    return pauseFigure(report, server.errorOutput, filled);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function pauseFigure(report: ProbeReport, errorOutput: string, filled: FillResult): PauseFigure {
  const { gaps, collectionsMs } = parseProbeLog(errorOutput);
  return {
    keys: filled.requests,
    seconds: filled.seconds,
    report,
    long: gaps.toSorted((a, b) => b.ms - a.ms),
    collections: collectionsMs.length,
    longestCollectionMs: Math.max(0, ...collectionsMs),
    longestWaitMs: filled.longestMs,
  };
}

/** Reads the probe's lines and the engine's log of collections, which stand in one stream in order of time. */
export function parseProbeLog(text: string): {
  readonly gaps: ExplainedGap[];
  readonly collectionsMs: number[];
} {
  const requestSize = requestOf("resp", "SET", keyOf(0)).length;
  const gaps: ExplainedGap[] = [];
  const collectionsMs: number[] = [];
  let since = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(LONG_MARK)) {
      const gap = JSON.parse(line.slice(LONG_MARK.length)) as LongGap;
      const keys = Math.floor(gap.receivedBytes / requestSize);
      gaps.push({ ...gap, keys, collectionsMs: collectionsMs.slice(since) });
      since = collectionsMs.length;
    } else if (line.includes("[GC<")) {
      // A collection's line holds one "p=<ms>ms" for each time it stopped the program.
      const stops = [...line.matchAll(/\bp=([0-9.]+)ms/g)].map((match) => Number(match[1]));
      if (stops.length > 0) collectionsMs.push(Math.max(...stops));
    }
  }
  return { gaps, collectionsMs };
}

/** What most likely made a gap long: the first cause that accounts for half of it. */
export function causeOf(gap: ExplainedGap): string {
  const half = gap.ms / 2;
  const collection = Math.max(0, ...gap.collectionsMs);
  if (gap.waitedMs >= half) {
    const whom = gap.othersMs >= gap.waitedMs / 2 ? "threads of its own" : "another process";
    return `waited ${gap.waitedMs.toFixed(1)} ms while ${whom} had the core`;
  }
  if (collection >= half) return `collection, ${collection.toFixed(1)} ms`;
  if (gap.buffers.length > 0) {
    return `new buffers: ${gap.buffers.map((size) => `${size / 1048576} MiB`).join(", ")}`;
  }
  return gap.callbackMs >= half ? "one callback" : "many callbacks, or the runtime";
}

export function pauseText(figure: PauseFigure): string {
  const row = (name: string, found: Distribution): string[] => [
    name,
    String(found.count),
    ...[found.p50Ms, found.p99Ms, found.p9999Ms, found.maxMs].map((ms) => ms.toFixed(3)),
  ];
  const unwaited = Math.max(0, ...figure.long.map((gap) => gap.ms - gap.waitedMs));
  const parts = [
    `${figure.keys} keys inserted in ${figure.seconds.toFixed(1)} s; a client waited at most ${figure.longestWaitMs.toFixed(1)} ms for a pipeline`,
    table(
      ["ms", "count", "p50", "p99", "p99.99", "longest"],
      [
        row("gaps between rounds of the event loop", figure.report.gaps),
        row("data callbacks", figure.report.callbacks),
      ],
    ),
    `${figure.collections} collections, longest stop ${figure.longestCollectionMs.toFixed(1)} ms; ${figure.long.length} gaps of 2 ms and more, the longest ${unwaited.toFixed(1)} ms without the time spent waiting for the core`,
  ];
  if (figure.long.length > 0) {
    parts.push(
      table(
        ["longest gaps, ms", "at key", "longest callback, ms", "probably"],
        figure.long
          .slice(0, SHOWN)
          .map((gap) => [
            gap.ms.toFixed(2),
            String(gap.keys),
            gap.callbackMs.toFixed(2),
            causeOf(gap),
          ]),
      ),
    );
  }
  return parts.join("\n\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { keys: { type: "string", default: "10000000" }, json: { type: "string" } },
  });
  const machine = describeMachine();
  moveToLoadCore();
  say(machineText(machine));
  const figure = await measurePauses(Number(values.keys));
  say(`\n${pauseText(figure)}`);
  if (values.json !== undefined) {
    await Bun.write(values.json, JSON.stringify({ machine, pauses: figure }, null, 2));
  }
  process.exit(0);
}
