/**
 * Latency at half load: `bun run bench/latency.ts [--rounds 4] [--seconds 5]`.
 *
 * First the highest rate of every server is measured, 50 connections without pipelining. Then all get the same constant
 * rate, half of the lowest of these, and each request's latency counts from the moment at which it was due
 * (`rig/load.ts`). Servers alternate; a second redis-server shows how far two equal servers differ.
 */
import { parseArgs } from "node:util";
import { progress, say, spreadText, table } from "./compare/report.ts";
import type { OpenResult } from "./rig/load-generator.ts";
import { LoadGenerator } from "./rig/load-generator.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import type { SingleOperation } from "./rig/requests.ts";
import { KEY_RANGE } from "./rig/requests.ts";
import type { Product, RunningServer } from "./rig/servers.ts";
import { findServers, hutch, start } from "./rig/servers.ts";
import { abba, median, ratios, spreadOf } from "./rig/statistics.ts";

const OPERATIONS: readonly SingleOperation[] = ["SET", "GET"];
/** How long the highest rate is measured, after as long a warm-up. */
const MAX_RATE_SECONDS = 1.5;
const FIRST_RATE = 50_000;
/** An unmeasured stretch at the rate before each measurement. */
const WARM_UP_SECONDS = 0.5;

export interface LatencySeries {
  readonly server: string;
  readonly operation: SingleOperation;
  /** Requests per second that the server answered at most. */
  readonly maxRate: number;
  readonly rounds: OpenResult[];
}

export interface LatencyFigure {
  /** The constant rate by operation. */
  readonly rates: Readonly<Record<SingleOperation, number>>;
  readonly series: readonly LatencySeries[];
}

interface Subject {
  readonly name: string;
  readonly server: RunningServer;
  readonly generator: LoadGenerator;
}

/** @param products by the name that the report gives them; the same product may occur twice */
export async function measureLatency(
  products: readonly { readonly name: string; readonly product: Product }[],
  rounds: number,
  seconds: number,
): Promise<LatencyFigure> {
  const subjects: Subject[] = [];
  try {
    for (const { name, product } of products) {
      const server = await start(product);
      const generator = await LoadGenerator.start("resp", server.port);
      subjects.push({ name, server, generator });
      await generator.fill(0, KEY_RANGE);
    }
    const rates: Record<SingleOperation, number> = { SET: 0, GET: 0 };
    const series: LatencySeries[] = [];
    for (const operation of OPERATIONS) {
      for (const { name, generator } of subjects) {
        progress(`highest rate of ${name}, ${operation}`);
        const warm = await generator.closed(operation, 1, FIRST_RATE * MAX_RATE_SECONDS);
        const requests = (warm.requests / warm.seconds) * MAX_RATE_SECONDS;
        const result = await generator.closed(operation, 1, requests);
        const maxRate = result.requests / result.seconds;
        series.push({ server: name, operation, maxRate, rounds: [] });
      }
      const found = series.filter((one) => one.operation === operation).map((one) => one.maxRate);
      rates[operation] = Math.floor(Math.min(...found) / 2);
    }
    for (let round = 0; round < rounds; round++) {
      for (const operation of OPERATIONS) {
        progress(`latency, round ${round + 1} of ${rounds}: ${operation}`);
        for (const { name, generator } of abba(subjects, round)) {
          await generator.open(operation, rates[operation], WARM_UP_SECONDS);
          const result = await generator.open(operation, rates[operation], seconds);
          seriesOf(series, name, operation).rounds.push(result);
        }
      }
    }
    return { rates, series };
  } finally {
    for (const { server, generator } of subjects) {
      await generator.stop();
      await server.stop();
    }
  }
}

function seriesOf(
  series: readonly LatencySeries[],
  name: string,
  op: SingleOperation,
): LatencySeries {
  return series.find((one) => one.server === name && one.operation === op)!;
}

/** Median over the rounds of a server's p99.9 divided by another's in the same round. @param pick which p99.9 */
export function p999Ratio(
  figure: LatencyFigure,
  server: string,
  base: string,
  operation: SingleOperation,
  pick: (result: OpenResult) => number = (result) => result.p999Us,
): number {
  const p999 = (name: string): number[] =>
    seriesOf(figure.series, name, operation).rounds.map(pick);
  return median(ratios(p999(server), p999(base)));
}

/** @param base the server whose p99.9 the ratios refer to */
export function latencyText(figure: LatencyFigure, base: string): string {
  const rows = figure.series.map((one) => {
    const spread = (pick: (result: OpenResult) => number): string =>
      spreadText(spreadOf(one.rounds.map(pick)), 0);
    return [
      `${one.operation} ${one.server}`,
      one.maxRate.toFixed(0),
      String(figure.rates[one.operation]),
      spread((result) => result.p50Us),
      spread((result) => result.p99Us),
      spread((result) => result.p999Us),
      p999Ratio(figure, one.server, base, one.operation).toFixed(2),
      spread((result) => result.lagP999Us),
      spread((result) => result.serverP999Us),
      p999Ratio(figure, one.server, base, one.operation, (result) => result.serverP999Us).toFixed(
        2,
      ),
    ];
  });
  return table(
    [
      "latency, us, median (range)",
      "max/s",
      "at/s",
      "p50",
      "p99",
      "p99.9",
      "ratio",
      "load's own p99.9",
      "server's p99.9",
      "ratio",
    ],
    rows,
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "4" },
      seconds: { type: "string", default: "5" },
      json: { type: "string" },
    },
  });
  const machine = describeMachine();
  moveToLoadCore();
  say(machineText(machine));
  const others = findServers();
  const base = others[0];
  const products = [hutch(), ...others].map((product) => ({ name: product.name, product }));
  if (base !== undefined) products.push({ name: `${base.name} (again)`, product: base });
  const figure = await measureLatency(products, Number(values.rounds), Number(values.seconds));
  say(`\n${latencyText(figure, base?.name ?? "hutch")}`);
  if (values.json !== undefined) {
    await Bun.write(values.json, JSON.stringify({ machine, latency: figure }, null, 2));
  }
  process.exit(0);
}
