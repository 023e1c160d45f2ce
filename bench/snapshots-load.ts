/**
 * Snapshots under load: `bun run bench/snapshots-load.ts [--megabytes 1000] [--rate 20000] [--rounds 3]`. A server is filled, and
 * gets SETs at a constant rate, first without a snapshot and then while BGSAVE (L11) is writing one, in alternating rounds; redis-server
 * gets the same. Latency counts from when a request was due (`rig/load.ts`), memory is the most that was resident
 * meanwhile, relative to what was before. The server is bound to one core, with all its threads and, as to redis-server, the
 * process that it forks.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { progress, say, table } from "./compare/report.ts";
import type { OpenResult } from "./rig/load-generator.ts";
import { LoadGenerator } from "./rig/load-generator.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import { KEY_RANGE } from "./rig/requests.ts";
import { RespClient } from "./rig/resp-client.ts";
import { residentBytes } from "./rig/schedstat.ts";
import type { Product, RunningServer } from "./rig/servers.ts";
import { findServers, hutch, start } from "./rig/servers.ts";
import { median } from "./rig/statistics.ts";

const VALUE_SIZE = 1000;
const FILL_BATCH = 500;
/** Of one stretch; stretches follow each other until the snapshot is written. */
const STRETCH_SECONDS = 0.5;
const WARM_UP_SECONDS = 2;

interface Figures {
  readonly p99Us: number;
  readonly maxUs: number;
}

interface Round {
  readonly without: Figures;
  readonly during: Figures;
  readonly seconds: number;
  readonly memory: number;
}

/** A value that does not get shorter by compressing. */
function valueOf(index: number): string {
  let text = "";
  for (let state = index + 1; text.length < VALUE_SIZE;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, VALUE_SIZE);
}

async function measure(
  product: Product,
  rate: number,
  megabytes: number,
  rounds: number,
): Promise<Round[]> {
  const server = await start(product);
  const generator = await LoadGenerator.start("resp", server.port);
  try {
    const client = await RespClient.connect(server.port);
    await generator.fill(0, KEY_RANGE);
    const count = Math.floor((megabytes * 1e6) / VALUE_SIZE);
    const command = (index: number): string[] => ["SET", `big:${index}`, valueOf(index)];
    await client.callMany({ count, command }, FILL_BATCH);
    await generator.open("SET", rate, WARM_UP_SECONDS);
    const found: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`${product.name}, round ${round + 1} of ${rounds}`);
      const without = await stretches(generator, rate, 4);
      found.push({ without, ...(await duringSnapshot(server, generator, client, rate)) });
    }
    return found;
  } finally {
    await generator.stop();
    await server.stop();
  }
}

/** The median of the stretches' p99, and the longest of all. */
async function stretches(generator: LoadGenerator, rate: number, count: number): Promise<Figures> {
  const results: OpenResult[] = [];
  for (let i = 0; i < count; i++) results.push(await generator.open("SET", rate, STRETCH_SECONDS));
  return figuresOf(results);
}

function figuresOf(results: readonly OpenResult[]): Figures {
  return {
    p99Us: median(results.map(({ p99Us }) => p99Us)),
    maxUs: Math.max(...results.map(({ maxUs }) => maxUs)),
  };
}

async function duringSnapshot(
  server: RunningServer,
  generator: LoadGenerator,
  client: RespClient,
  rate: number,
): Promise<Omit<Round, "without">> {
  writeFileSync(`/proc/${server.pid}/clear_refs`, "5");
  const before = residentBytes(server.pid);
  const startedMs = performance.now();
  await client.call(["BGSAVE"]);
  const results: OpenResult[] = [];
  do results.push(await generator.open("SET", rate, STRETCH_SECONDS));
  while (await isSaving(client));
  const seconds = (performance.now() - startedMs) / 1000;
  // A stretch that went on behind the end of the snapshot says little of it.
  if (results.length > 1) results.pop();
  return { during: figuresOf(results), seconds, memory: mostResident(server.pid) / before };
}

async function isSaving(client: RespClient): Promise<boolean> {
  return String(await client.call(["INFO", "persistence"])).includes("rdb_bgsave_in_progress:1");
}

/** The most that was resident since it was asked to count anew. */
function mostResident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

const { values } = parseArgs({
  options: {
    megabytes: { type: "string", default: "1000" },
    rate: { type: "string", default: "20000" },
    rounds: { type: "string", default: "3" },
  },
});
moveToLoadCore();
say(machineText(describeMachine()));
const rows: string[][] = [];
for (const product of [hutch(), ...findServers()]) {
  const rounds = await measure(
    product,
    Number(values.rate),
    Number(values.megabytes),
    Number(values.rounds),
  );
  const ms = (pick: (round: Round) => number, digits = 2): string =>
    (median(rounds.map(pick)) / 1000).toFixed(digits);
  const most = (pick: (round: Round) => number): string =>
    (Math.max(...rounds.map(pick)) / 1000).toFixed(1);
  rows.push([
    product.name,
    ms(({ without }) => without.p99Us),
    ms(({ during }) => during.p99Us),
    most(({ without }) => without.maxUs),
    most(({ during }) => during.maxUs),
    median(rounds.map(({ seconds }) => seconds)).toFixed(1),
    median(rounds.map(({ memory }) => memory)).toFixed(3),
  ]);
}
say(
  table(
    ["latency, ms", "p99", "p99, BGSAVE", "longest", "longest, BGSAVE", "seconds", "memory"],
    rows,
  ),
);
process.exit(0);
