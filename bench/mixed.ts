/**
 * A mixed load for a long time: `bun run bench/mixed.ts [--minutes 10] [--elements 5000000]`.
 *
 * The server is filled with elements of all types, half of them in five big collections, the others in small ones and
 * strings. Then fifty connections send commands by chance on all of it, one at a time each. A probe inside the server's
 * process (`rig/probe.ts`) writes every second how long the longest turn of the event loop was and how large the JavaScript
 * heap is. It ends with status 1 if a turn was longer than 10 ms or the heap has grown.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random } from "../src/base/random.ts";
import { progress, say, table } from "./compare/report.ts";
import { MixedData } from "./mixed/mixed-data.ts";
import { CONNECTIONS } from "./rig/load-generator.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import type { ProbeSample } from "./rig/probe.ts";
import { RespClient } from "./rig/resp-client.ts";
import { residentBytes } from "./rig/schedstat.ts";
import type { RunningServer } from "./rig/servers.ts";
import { hutchWithPreload, start } from "./rig/servers.ts";
import { median } from "./rig/statistics.ts";

const PROBE: string = fileURLToPath(new URL("./rig/probe.ts", import.meta.url));
const TURN_MAX_MS = 10;
/** The heap's least size in a part of the run, which a collection has just left, may grow by so much of it, or so many bytes. */
const HEAP_GROWTH_MAX = 1.1;
const HEAP_SLACK: number = 2 << 20;
/** The load runs unmeasured for this long: code is compiled, and the heap gets the size that the load needs. */
const WARM_UP_SECONDS = 20;
const SEED = 3;
const MIB: number = 1 << 20;

export interface MixedFigure {
  readonly elements: number;
  readonly commands: number;
  readonly seconds: number;
  /** Replies that were errors: none of the commands should have any. */
  readonly errors: number;
  /** One for each second. */
  readonly samples: readonly ProbeSample[];
  /** Resident bytes when the load began and when it ended. */
  readonly residentBefore: number;
  readonly residentAfter: number;
}

export interface MixedVerdict {
  readonly longestMs: number;
  /** Without the time in which the server's thread waited for a core. */
  readonly longestRunMs: number;
  /** The heap's least size in the first and in the last third. */
  readonly heapFirst: number;
  readonly heapLast: number;
  readonly met: boolean;
}

/** @param samples three at least */
export function judge(samples: readonly ProbeSample[]): MixedVerdict {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const least = (part: readonly ProbeSample[]): number =>
    Math.min(...part.map((sample) => sample.heapBytes));
  const heapFirst = least(samples.slice(0, third));
  const heapLast = least(samples.slice(-third));
  const longestMs = Math.max(...samples.map((sample) => sample.longestMs));
  const longestRunMs = Math.max(...samples.map((sample) => sample.longestRunMs));
  const flat = heapLast <= Math.max(heapFirst * HEAP_GROWTH_MAX, heapFirst + HEAP_SLACK);
  return { longestMs, longestRunMs, heapFirst, heapLast, met: longestMs <= TURN_MAX_MS && flat };
}

async function measureMixed(elements: number, minutes: number): Promise<MixedFigure> {
  const directory = mkdtempSync(join(tmpdir(), "hutch-mixed-"));
  const samplesFile = join(directory, "samples");
  try {
    const server = await start(hutchWithPreload(PROBE), {
      env: { HUTCH_PROBE_REPORT: join(directory, "report"), HUTCH_PROBE_SAMPLES: samplesFile },
    });
    try {
      const data = new MixedData(elements, new Random(SEED));
      progress(`filling ${data.elements} elements`);
      const client = await RespClient.connect(server.port);
      await data.fill(client);
      client.close();
      progress("warming up");
      await load(server, data, Math.min(WARM_UP_SECONDS, minutes * 60));
      const residentBefore = residentBytes(server.pid);
      progress(`mixed load for ${minutes} minutes`);
      const sinceMs = Date.now();
      const { commands, errors, seconds } = await load(server, data, minutes * 60);
      const samples = readFileSync(samplesFile, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as ProbeSample)
        .filter((sample) => sample.atMs - 1000 >= sinceMs);
      const residentAfter = residentBytes(server.pid);
      const { elements: filled } = data;
      return {
        elements: filled,
        commands,
        seconds,
        errors,
        samples,
        residentBefore,
        residentAfter,
      };
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Sends commands on all connections for some time. */
async function load(
  server: RunningServer,
  data: MixedData,
  seconds: number,
): Promise<{ readonly commands: number; readonly errors: number; readonly seconds: number }> {
  const begin = performance.now();
  const end = begin + seconds * 1000;
  let commands = 0;
  let errors = 0;
  const send = async (): Promise<void> => {
    const client = await RespClient.connect(server.port);
    while (performance.now() < end) {
      const command = data.command();
      const reply = await client.call(command);
      commands++;
      if (reply[0] === ERROR && errors++ === 0)
        progress(`${command.join(" ")}: ${reply.toString()}`);
      if (command[0] !== "XREADGROUP") continue;
      const ids = reply.toString("latin1").match(ENTRY_ID) ?? [];
      if (ids.length > 0) await client.call(["XACK", "stream", "group", ...ids]);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  return { commands, errors, seconds: (performance.now() - begin) / 1000 };
}

const ERROR: number = "-".charCodeAt(0);
const ENTRY_ID = /\d+-\d+/g;

/** A row for each minute, and the verdict. */
export function mixedText(figure: MixedFigure): string {
  const { samples } = figure;
  const rows: string[][] = [];
  for (let at = 0; at < samples.length; at += 60) {
    const part = samples.slice(at, at + 60);
    const heaps = part.map((sample) => sample.heapBytes / MIB);
    rows.push([
      String(at / 60 + 1),
      Math.max(...part.map((sample) => sample.longestMs)).toFixed(2),
      Math.max(...part.map((sample) => sample.longestRunMs)).toFixed(2),
      median(part.map((sample) => sample.rounds)).toFixed(0),
      Math.min(...heaps).toFixed(1),
      median(heaps).toFixed(1),
      Math.max(...heaps).toFixed(1),
    ]);
  }
  const verdict = judge(samples);
  return [
    `${figure.elements} elements of all types; ${figure.commands} commands in ${figure.seconds.toFixed(0)} s, ${figure.errors} errors`,
    table(
      [
        "minute",
        "longest turn, ms",
        "without waits",
        "turns/s",
        "heap MiB, least",
        "median",
        "most",
      ],
      rows,
    ),
    `longest turn ${verdict.longestMs.toFixed(2)} ms (without waiting for the core ${verdict.longestRunMs.toFixed(2)}), at most ${TURN_MAX_MS}; ` +
      `least heap ${(verdict.heapFirst / MIB).toFixed(1)} MiB in the first third, ${(verdict.heapLast / MIB).toFixed(1)} in the last; ` +
      `resident ${(figure.residentBefore / MIB).toFixed(0)} MiB before, ${(figure.residentAfter / MIB).toFixed(0)} after: ` +
      (verdict.met ? "met" : "MISSED"),
  ].join("\n\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      elements: { type: "string", default: "5000000" },
      json: { type: "string" },
    },
  });
  const machine = describeMachine();
  moveToLoadCore();
  say(machineText(machine));
  const figure = await measureMixed(Number(values.elements), Number(values.minutes));
  say(`\n${mixedText(figure)}`);
  if (values.json !== undefined) {
    await Bun.write(values.json, JSON.stringify({ machine, mixed: figure }, null, 2));
  }
  process.exit(judge(figure.samples).met ? 0 : 1);
}
