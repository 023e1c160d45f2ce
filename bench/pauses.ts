/**
 * The longest pause while keys are inserted at full speed: `bun run bench/pauses.ts [--keys 10000000] [--all-cores]`.
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
import type { Distribution, LongPause, ProbeReport } from "./rig/probe.ts";
import { LONG_MARK } from "./rig/probe.ts";
import { keyOf, requestOf } from "./rig/requests.ts";
import type { RunningServer } from "./rig/servers.ts";
import { hutchWithPreload, start } from "./rig/servers.ts";

const PROBE: string = fileURLToPath(new URL("./rig/probe.ts", import.meta.url));
const REPORT_TIMEOUT_MS = 10_000;
const SHOWN = 10;

/** A long pause with the collections that ended since the long pause before it. */
export interface ExplainedPause extends LongPause {
  /** Keys inserted when it happened, about. */
  readonly keys: number;
  /** Longest stop in ms of each collection since the long pause before. */
  readonly collectionsMs: readonly number[];
}

export interface PauseFigure {
  readonly keys: number;
  readonly seconds: number;
  readonly report: ProbeReport;
  /** Pauses of 2 ms and more, longest first. */
  readonly long: readonly ExplainedPause[];
  readonly collections: number;
  /** Longest stop of any collection in ms. */
  readonly longestCollectionMs: number;
  /** The longest time in ms a client waited for a pipeline of 64. */
  readonly longestWaitMs: number;
}

/** @param allCores lets the server's compilers and collectors run beside it, not only in its place */
export async function measurePauses(keys: number, allCores = false): Promise<PauseFigure> {
  const directory = mkdtempSync(join(tmpdir(), "hutch-pauses-"));
  try {
    const reportFile = join(directory, "report.json");
    const server = await start(hutchWithPreload(PROBE), {
      env: { HUTCH_PROBE_REPORT: reportFile, BUN_JSC_logGC: "1" },
      allCores,
    });
    try {
      const generator = await LoadGenerator.start("resp", server.port);
      const filled = await generator.fill(0, keys);
      await generator.stop();
      const report = await reportOf(server, reportFile);
      return pauseFigure(report, server.errorOutput, filled);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Asks the probe for its report. */
async function reportOf(server: RunningServer, reportFile: string): Promise<ProbeReport> {
  server.signal("SIGUSR2");
  const deadline = performance.now() + REPORT_TIMEOUT_MS;
  while (!existsSync(reportFile) || readFileSync(reportFile).length === 0) {
    if (performance.now() > deadline) throw new Error(`no report: ${server.errorOutput}`);
    await Bun.sleep(10);
  }
  return JSON.parse(readFileSync(reportFile, "utf8")) as ProbeReport;
}

function pauseFigure(report: ProbeReport, errorOutput: string, filled: FillResult): PauseFigure {
  const { pauses, collectionsMs } = parseProbeLog(errorOutput);
  return {
    keys: filled.requests,
    seconds: filled.seconds,
    report,
    long: pauses.toSorted((a, b) => b.ms - a.ms),
    collections: collectionsMs.length,
    longestCollectionMs: Math.max(0, ...collectionsMs),
    longestWaitMs: filled.longestMs,
  };
}

/** Reads the probe's lines and the engine's log of collections, which stand in one stream in order of time. */
export function parseProbeLog(text: string): {
  readonly pauses: ExplainedPause[];
  readonly collectionsMs: number[];
} {
  const requestSize = requestOf("resp", "SET", keyOf(0)).length;
  const pauses: ExplainedPause[] = [];
  const collectionsMs: number[] = [];
  let since = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(LONG_MARK)) {
      const pause = JSON.parse(line.slice(LONG_MARK.length)) as LongPause;
      const keys = Math.floor(pause.receivedBytes / requestSize);
      pauses.push({ ...pause, keys, collectionsMs: collectionsMs.slice(since) });
      since = collectionsMs.length;
    } else if (line.includes("[GC<")) {
      // A collection's line holds one "p=<ms>ms" for each time it stopped the program.
      const stops = [...line.matchAll(/\bp=([0-9.]+)ms/g)].map((match) => Number(match[1]));
      if (stops.length > 0) collectionsMs.push(Math.max(...stops));
    }
  }
  return { pauses, collectionsMs };
}

/** What most likely made a pause long: the first cause that accounts for half of it. */
export function causeOf(pause: ExplainedPause): string {
  const half = pause.ms / 2;
  const collection = Math.max(0, ...pause.collectionsMs);
  if (pause.waitedMs >= half) {
    const whom = pause.othersMs >= pause.waitedMs / 2 ? "threads of its own" : "another process";
    return `waited ${pause.waitedMs.toFixed(1)} ms while ${whom} had the core`;
  }
  if (collection >= half) return `collection, ${collection.toFixed(1)} ms`;
  return pause.callbackMs >= half ? "commands" : "the runtime, or the system";
}

export function pauseText(figure: PauseFigure): string {
  const row = (name: string, found: Distribution): string[] => [
    name,
    String(found.count),
    ...[found.p50Ms, found.p99Ms, found.p9999Ms, found.maxMs].map((ms) => ms.toFixed(3)),
  ];
  const unwaited = Math.max(0, ...figure.long.map((pause) => pause.ms - pause.waitedMs));
  const parts = [
    `${figure.keys} keys inserted in ${figure.seconds.toFixed(1)} s; a client waited at most ${figure.longestWaitMs.toFixed(1)} ms for a pipeline`,
    table(
      ["ms", "count", "p50", "p99", "p99.99", "longest"],
      [
        row("pauses", figure.report.pauses),
        row("data callbacks", figure.report.callbacks),
        row("rounds of the event loop with work", figure.report.rounds),
      ],
    ),
    `${figure.collections} collections, longest stop ${figure.longestCollectionMs.toFixed(1)} ms; ${figure.long.length} pauses of 2 ms and more, the longest ${unwaited.toFixed(1)} ms without the time spent waiting for the core`,
  ];
  if (figure.long.length > 0) {
    parts.push(
      table(
        ["longest pauses, ms", "at key", "in a callback, ms", "probably"],
        figure.long
          .slice(0, SHOWN)
          .map((pause) => [
            pause.ms.toFixed(2),
            String(pause.keys),
            pause.callbackMs.toFixed(2),
            causeOf(pause),
          ]),
      ),
    );
  }
  return parts.join("\n\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      keys: { type: "string", default: "10000000" },
      "all-cores": { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const machine = describeMachine();
  moveToLoadCore();
  say(machineText(machine));
  const figure = await measurePauses(Number(values.keys), values["all-cores"]);
  say(`\n${pauseText(figure)}`);
  if (values.json !== undefined) {
    await Bun.write(values.json, JSON.stringify({ machine, pauses: figure }, null, 2));
  }
  process.exit(0);
}
