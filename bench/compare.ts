/**
 * Hutch against every redis-server and valkey-server on the PATH, in one run: `bun run bench:compare`.
 *
 * Each server is bound to one core and the load to another; they take turns round by round, in one order and then in the
 * other. A second redis-server takes part, so that the tables show how far two equal servers differ: what is smaller
 * than that is noise. README.md tells what each section measures.
 *
 *   --rounds 6          rounds of throughput and protocols; an even number keeps the orders balanced
 *   --seconds 1.5       what one measurement should take
 *   --only a,b          sections to run: throughput, protocols, types, transactions, memory, elements, start,
 *                       pauses, latency, log
 *   --operations A,B    operations of throughput, protocols and types, kinds of elements; all if not given
 *   --depths 1,16,64    pipelines of the same
 *   --elements 500000   elements of each kind
 *   --keys 1000000      keys of the memory section        --pause-keys 10000000
 *   --quick             few and short rounds: whether everything works, not figures to keep
 *   --json FILE         writes everything that was measured
 *   --check             ends with status 1 if a target (targets.ts) is missed
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { differences, nativeDifferences } from "./compare/alike.ts";
import { measureFirstPong } from "./compare/first-pong.ts";
import type { Arm, Cell, GridOptions } from "./compare/grid.ts";
import { ELEMENT_KINDS } from "./compare/element-kinds.ts";
import { measureElements } from "./compare/elements.ts";
import { measureGrid } from "./compare/grid.ts";
import { measureLog } from "./compare/log.ts";
import { measureMemory } from "./compare/memory.ts";
import { ownTest, redisBenchmark } from "./compare/redis-benchmark.ts";
import { progress, say } from "./compare/report.ts";
import type { Results } from "./compare/results.ts";
import {
  againName,
  HUTCH_NATIVE,
  HUTCH_RESP,
  measuredFigures,
  resultsText,
  verdictsText,
} from "./compare/results.ts";
import { TYPE_OPERATIONS } from "./compare/type-operations.ts";
import { measureTypes } from "./compare/types.ts";
import { measureLatency } from "./latency.ts";
import { measurePauses } from "./pauses.ts";
import { fillKeys, LoadGenerator } from "./rig/load-generator.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import type { Operation, Protocol } from "./rig/requests.ts";
import { KEY_RANGE } from "./rig/requests.ts";
import type { Product, RunningServer } from "./rig/servers.ts";
import { findServers, hutch, hutchCompiled, start } from "./rig/servers.ts";
import type { Section } from "./targets.ts";
import { checkTargets, SECTIONS, targetsOf } from "./targets.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string" },
    seconds: { type: "string" },
    only: { type: "string" },
    operations: { type: "string" },
    depths: { type: "string", default: "1,16,64" },
    keys: { type: "string" },
    elements: { type: "string" },
    "pause-keys": { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    check: { type: "boolean", default: false },
  },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 2 : 6));
const seconds = Number(values.seconds ?? (quick ? 0.3 : 1.5));
const keys = Number(values.keys ?? (quick ? 100_000 : 1_000_000));
const pauseKeys = Number(values["pause-keys"] ?? (quick ? 500_000 : 10_000_000));
const elements = Number(values.elements ?? (quick ? 20_000 : 500_000));
const typeRounds = Number(values.rounds ?? (quick ? 1 : 3));
const typeSeconds = Number(values.seconds ?? (quick ? 0.1 : 0.4));
const elementRounds = 1;
const memoryRounds = quick ? 1 : 3;
const startRounds = quick ? 2 : 10;
const latencyRounds = quick ? 1 : 4;
const latencySeconds = quick ? 1 : 5;
/** Transactions in one write: twelve commands each. */
const TRANSACTION_DEPTH_MAX = 16;
const TRANSACTION_RATE_MAX = 30_000;
const sections = chosenSections(values.only);
const chosen = values.operations?.split(",") ?? null;
const depths = values.depths.split(",").map(Number);
const grid: GridOptions = {
  operations: chosenOf(["SET", "GET"]),
  depths,
  rounds,
  seconds,
  progress,
};

/** Of the names those that were asked for. */
function chosenOf(names: readonly string[]): readonly string[] {
  return chosen === null ? names : names.filter((name) => chosen.includes(name));
}

function chosenSections(only: string | undefined): Section[] {
  if (only === undefined) return [...SECTIONS];
  return only.split(",").map((name) => {
    const section = SECTIONS.find((one) => one === name);
    if (section === undefined) throw new Error(`--only ${name}: not one of ${SECTIONS.join(", ")}`);
    return section;
  });
}

/** Stops a run that was asked for something that no section measures. */
function checkChosen(): void {
  const known = [...TYPE_OPERATIONS, ...ELEMENT_KINDS].map(({ name }) => name);
  const unknown = chosen?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length === 0) return;
  throw new Error(`--operations ${unknown.join(",")}: not among ${known.join(", ")}`);
}

/** Starts one server of each product, and stops them all after `use`. */
async function withServers<T>(
  products: readonly Product[],
  use: (servers: readonly RunningServer[]) => Promise<T>,
): Promise<T> {
  const servers: RunningServer[] = [];
  try {
    for (const product of products) servers.push(await start(product));
    return await use(servers);
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** Stops the run if the servers would not do the same work. */
async function checkAlike(products: readonly Product[]): Promise<void> {
  const lines = await withServers(products, async (servers) => [
    ...(await differences(servers)),
    ...(await nativeDifferences(servers[0]!)),
  ]);
  if (lines.length === 0) return;
  throw new Error(`The servers do not answer alike:\n${lines.join("\n")}`);
}

function measureThroughput(
  products: readonly Product[],
  names: readonly string[],
): Promise<readonly Cell[]> {
  return withServers(products, async (servers) => {
    const arms: Arm[] = servers.map((server, index) => ({
      name: names[index]!,
      server,
      load: (operation, depth, requests) =>
        redisBenchmark(server.port, ownTest(operation), depth, requests),
    }));
    for (const server of servers) await fillKeys(server.port, 0, KEY_RANGE);
    return measureGrid(arms, grid);
  });
}

/** Transactions of ten SETs; no tool sends them, so it is our own load generator. */
function measureTransactions(
  products: readonly Product[],
  names: readonly string[],
): Promise<readonly Cell[]> {
  return withServers(products, async (servers) => {
    const generators: LoadGenerator[] = [];
    try {
      for (const server of servers) {
        await fillKeys(server.port, 0, KEY_RANGE);
        generators.push(await LoadGenerator.start("resp", server.port));
      }
      const arms: Arm[] = servers.map((server, index) => ({
        name: names[index]!,
        server,
        load: (_operation, depth, requests) => generators[index]!.closed("MULTI", depth, requests),
      }));
      const shallow = depths.filter((depth) => depth <= TRANSACTION_DEPTH_MAX);
      const rateMax = (): number => TRANSACTION_RATE_MAX;
      return await measureGrid(arms, { ...grid, operations: ["MULTI"], depths: shallow, rateMax });
    } finally {
      for (const generator of generators) await generator.stop();
    }
  });
}

/** Hutch in both protocols and the other servers in RESP, all with the same load generator. */
function measureProtocols(
  products: readonly Product[],
  names: readonly string[],
): Promise<readonly Cell[]> {
  return withServers(products, async (servers) => {
    const arms: Arm[] = [];
    const generators: LoadGenerator[] = [];
    const add = async (name: string, server: RunningServer, protocol: Protocol): Promise<void> => {
      const generator = await LoadGenerator.start(protocol, server.port);
      generators.push(generator);
      arms.push({
        name,
        server,
        load: (operation, depth, requests) =>
          generator.closed(operation as Operation, depth, requests),
      });
    };
    try {
      for (const [index, server] of servers.entries()) {
        await fillKeys(server.port, 0, KEY_RANGE);
        if (index === 0) await add(HUTCH_NATIVE, server, "native");
        await add(index === 0 ? HUTCH_RESP : names[index]!, server, "resp");
      }
      return await measureGrid(arms, grid);
    } finally {
      for (const generator of generators) await generator.stop();
    }
  });
}

function measureTypeCells(
  products: readonly Product[],
  names: readonly string[],
): Promise<readonly Cell[]> {
  const options: GridOptions = {
    operations: chosenOf(TYPE_OPERATIONS.map(({ name }) => name)),
    depths,
    rounds: typeRounds,
    seconds: typeSeconds,
    progress,
  };
  return withServers(products, (servers) => measureTypes(servers, names, options));
}

async function main(): Promise<boolean> {
  checkChosen();
  const machine = describeMachine();
  moveToLoadCore();
  const others = findServers();
  const base = others[0] ?? null;
  const distinct = [hutch(), ...others];
  // The second server of the base's kind comes last, so that in every round it stands apart from the first.
  const arms = base === null ? distinct : [...distinct, base];
  const names = arms.map((product, index) =>
    index === distinct.length ? againName(product.name) : product.name,
  );
  const results: Results = {
    machine,
    products: distinct.map((product) => `${product.name} ${product.version}`),
    options: { rounds, seconds, typeRounds, typeSeconds, keys, elements, pauseKeys, quick },
    sections,
    base: base?.name ?? null,
  };
  say(machineText(machine));
  say(`servers  ${results.products.join(", ")}`);
  say(
    `load     50 connections, ${KEY_RANGE} random keys of 16 bytes, values of 16 bytes; ` +
      `${rounds} rounds of ${seconds} s; ratios refer to ${results.base ?? "nothing"}`,
  );
  await checkAlike(distinct);

  if (sections.includes("throughput")) results.throughput = await measureThroughput(arms, names);
  if (sections.includes("protocols")) results.protocols = await measureProtocols(arms, names);
  if (sections.includes("types")) results.types = await measureTypeCells(arms, names);
  if (sections.includes("transactions")) {
    results.transactions = await measureTransactions(arms, names);
  }
  if (sections.includes("memory")) {
    results.memory = await measureMemory(distinct, keys, memoryRounds, progress);
  }
  if (sections.includes("elements")) {
    const kinds = ELEMENT_KINDS.filter(({ name }) => chosenOf([name]).length > 0);
    results.elements = await measureElements(distinct, kinds, elements, elementRounds, progress);
  }
  if (sections.includes("start")) {
    const directory = mkdtempSync(join(tmpdir(), "hutch-compiled-"));
    try {
      const [own, ...rest] = distinct;
      const products = [own!, hutchCompiled(directory), ...rest];
      results.start = await measureFirstPong(products, startRounds, progress);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  if (sections.includes("log")) {
    const compared = base === null ? [hutch()] : [hutch(), base];
    results.log = await measureLog(compared, { rounds, seconds, progress });
  }
  if (sections.includes("pauses")) {
    progress(`pauses while ${pauseKeys} keys are inserted`);
    results.pauses = await measurePauses(pauseKeys);
  }
  if (sections.includes("latency")) {
    const products = arms.map((product, index) => ({ name: names[index]!, product }));
    results.latency = await measureLatency(products, latencyRounds, latencySeconds);
  }

  const verdicts = checkTargets(measuredFigures(results), sections, targetsOf(chosen, depths));
  say(`\n${resultsText(results)}`);
  if (verdicts.length > 0) say(`\n== Targets\n\n${verdictsText(verdicts)}`);
  if (values.json !== undefined) await Bun.write(values.json, JSON.stringify(results, null, 2));
  return verdicts.every((verdict) => verdict.met);
}

try {
  const met = await main();
  process.exit(values.check && !met ? 1 : 0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
