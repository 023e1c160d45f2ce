/** The results of a comparison: what is written as JSON, the figures that targets are checked against, the report. */
import type { LatencyFigure } from "../latency.ts";
import { latencyText, p999Ratio } from "../latency.ts";
import type { PauseFigure } from "../pauses.ts";
import { pauseText } from "../pauses.ts";
import type { Machine } from "../rig/machine.ts";
import type { LogPolicy } from "../rig/servers.ts";
import { median, ratios, spreadOf } from "../rig/statistics.ts";
import type { Section, Verdict } from "../targets.ts";
import type { ElementFigure } from "./elements.ts";
import type { StartFigure } from "./first-pong.ts";
import type { Cell, Measurement } from "./grid.ts";
import { logName } from "./log.ts";
import type { MemoryFigure } from "./memory.ts";
import { spreadText, table } from "./report.ts";

export interface Results {
  readonly machine: Machine;
  /** Name and version of everything that was measured. */
  readonly products: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly sections: readonly Section[];
  /** The arm that ratios refer to; null if no other server was found. */
  readonly base: string | null;
  throughput?: readonly Cell[];
  protocols?: readonly Cell[];
  types?: readonly Cell[];
  transactions?: readonly Cell[];
  memory?: readonly MemoryFigure[];
  elements?: readonly ElementFigure[];
  start?: readonly StartFigure[];
  pauses?: PauseFigure;
  latency?: LatencyFigure;
  log?: readonly Cell[];
}

/** Names of arms. */
const HUTCH = "hutch";
export const HUTCH_NATIVE = "hutch, native";
export const HUTCH_RESP = "hutch, RESP";

/** The name of the second server of a kind, which shows how far two equal ones differ. */
export function againName(name: string): string {
  return `${name} (again)`;
}

type Pick = (measurement: Measurement) => number;
const CPU: Pick = (measurement) => measurement.cpuUsPerOp;
const RATE: Pick = (measurement) => measurement.opsPerSecond;

/** An arm's figures divided, round by round, by another's at the same operation and depth. */
function cellRatios(cells: readonly Cell[], cell: Cell, base: string, pick: Pick): number[] | null {
  const other = cells.find(
    (one) => one.arm === base && one.operation === cell.operation && one.depth === cell.depth,
  );
  return other === undefined ? null : ratios(cell.rounds.map(pick), other.rounds.map(pick));
}

/** The figures that targets name. */
export function measuredFigures(results: Results): Map<string, number> {
  const measured = new Map<string, number>();
  const addRatios = (id: string, cells: readonly Cell[], arm: string, base: string): void => {
    for (const cell of cells.filter((one) => one.arm === arm)) {
      const found = cellRatios(cells, cell, base, CPU);
      if (found !== null) measured.set(`${id} ${cell.operation} ${cell.depth}`, median(found));
    }
  };
  const { base, memory, elements, start, pauses, latency } = results;
  if (base !== null) addRatios("cpu", results.throughput ?? [], HUTCH, base);
  if (base !== null) addRatios("types", results.types ?? [], HUTCH, base);
  if (base !== null) addRatios("transactions", results.transactions ?? [], HUTCH, base);
  addRatios("native", results.protocols ?? [], HUTCH_NATIVE, HUTCH_RESP);
  const ownMemory = memory?.find((figure) => figure.product === HUTCH);
  if (ownMemory !== undefined) measured.set("memory", median(ownMemory.warmed));
  for (const figure of elements?.filter((one) => one.product === HUTCH) ?? []) {
    const ratio = elementRatio(elements!, figure, base);
    if (ratio !== null) measured.set(`elements ${figure.kind}`, ratio);
  }
  addLogFigures(measured, results.log ?? [], base);
  const ownStart = start?.find((figure) => figure.product === HUTCH);
  if (ownStart !== undefined) measured.set("start", median(ownStart.ms));
  if (pauses !== undefined) measured.set("pause", pauses.report.pauses.maxMs);
  if (latency !== undefined && base !== null) {
    for (const operation of ["SET", "GET"] as const) {
      measured.set(`latency ${operation}`, p999Ratio(latency, HUTCH, base, operation));
    }
  }
  return measured;
}

/** What the log costs: CPU time against none and against another server's log, and how much slower it is when all is synced. */
function addLogFigures(
  measured: Map<string, number>,
  cells: readonly Cell[],
  base: string | null,
): void {
  const add = (id: string, policy: LogPolicy, to: string, pick: Pick): void => {
    const cell = cells.find((one) => one.arm === logName(HUTCH, policy));
    const found = cell === undefined ? null : cellRatios(cells, cell, to, pick);
    if (found !== null) measured.set(id, median(found));
  };
  add("log cost", "everysec", logName(HUTCH, "none"), CPU);
  if (base === null) return;
  add("log everysec", "everysec", logName(base, "everysec"), CPU);
  add("log always", "always", logName(base, "always"), (one) => 1 / RATE(one));
}

/** A kind's bytes divided by another server's. */
function elementRatio(
  figures: readonly ElementFigure[],
  figure: ElementFigure,
  base: string | null,
): number | null {
  const other = figures.find((one) => one.product === base && one.kind === figure.kind);
  return other === undefined ? null : median(figure.bytes) / median(other.bytes);
}

/** Everything that was measured, as tables. */
export function resultsText(results: Results): string {
  const { base, throughput, protocols, types, memory, elements, start, pauses, latency } = results;
  const parts: string[] = [];
  if (throughput !== undefined) {
    parts.push(heading("redis-benchmark"), cellsText(throughput, base));
  }
  if (protocols !== undefined) {
    parts.push(heading("One load generator for both protocols"), cellsText(protocols, base));
  }
  if (types !== undefined) {
    parts.push(heading("Commands of all types, redis-benchmark"), cellsText(types, base));
  }
  const { transactions } = results;
  if (transactions !== undefined) {
    parts.push(heading("MULTI, ten SETs, EXEC"), cellsText(transactions, base));
  }
  if (memory !== undefined) {
    parts.push(heading("Resident bytes per key beyond key and value"), memoryText(memory));
  }
  if (elements !== undefined) {
    parts.push(heading("Resident bytes per element"), elementsText(elements, base));
  }
  if (start !== undefined) parts.push(heading("First PONG after start"), startText(start));
  if (pauses !== undefined) parts.push(heading("Pauses during inserts"), pauseText(pauses));
  if (latency !== undefined) {
    parts.push(heading("Latency at half load"), latencyText(latency, base ?? HUTCH));
  }
  const { log } = results;
  if (log !== undefined) parts.push(heading("With a log"), logText(log, base));
  return parts.join("\n\n");
}

/** Each policy's arms beside the other server's arm of the same policy. */
function logText(cells: readonly Cell[], base: string | null): string {
  return (["none", "everysec", "always"] as const)
    .map((policy) => {
      const chosen = cells.filter(({ arm }) => arm.endsWith(logName("", policy)));
      return chosen.length === 0
        ? ""
        : cellsText(chosen, base === null ? null : logName(base, policy));
    })
    .filter((text) => text !== "")
    .join("\n\n");
}

function heading(text: string): string {
  return `== ${text}`;
}

function cellsText(cells: readonly Cell[], base: string | null): string {
  const rows = cells.map((cell) => {
    const ratioText = (pick: Pick): string => {
      const found = base === null ? null : cellRatios(cells, cell, base, pick);
      return found === null ? "-" : spreadText(spreadOf(found), 2);
    };
    return [
      `${cell.operation} depth ${cell.depth}, ${cell.arm}`,
      spreadText(spreadOf(cell.rounds.map((one) => RATE(one) / 1000)), 1),
      ratioText(RATE),
      spreadText(spreadOf(cell.rounds.map(CPU)), 3),
      ratioText(CPU),
    ];
  });
  const text = table(["median (range)", "1000 ops/s", "ratio", "CPU us/op", "ratio"], rows);
  const lost = cells.flatMap((cell) => cell.rounds).filter((one) => one.lostNs > 0).length;
  if (lost === 0) return text;
  return `${text}\n\n${lost} measurements miss CPU time of threads that ended meanwhile.`;
}

function memoryText(figures: readonly MemoryFigure[]): string {
  return table(
    ["median (range)", "after warm-up", "from the start"],
    figures.map((figure) => [
      figure.product,
      spreadText(spreadOf(figure.warmed), 1),
      spreadText(spreadOf(figure.raw), 1),
    ]),
  );
}

function elementsText(figures: readonly ElementFigure[], base: string | null): string {
  return table(
    ["median (range)", "bytes", "ratio"],
    figures.map((figure) => [
      `${figure.kind}, ${figure.product}`,
      spreadText(spreadOf(figure.bytes), 1),
      elementRatio(figures, figure, base)?.toFixed(3) ?? "-",
    ]),
  );
}

function startText(figures: readonly StartFigure[]): string {
  return table(
    ["median (range)", "ms"],
    figures.map((figure) => [figure.product, spreadText(spreadOf(figure.ms), 1)]),
  );
}

/** The targets and whether they are met. */
export function verdictsText(verdicts: readonly Verdict[]): string {
  return table(
    ["target", "at most", "measured", ""],
    verdicts.map(({ target, value, met }) => [
      target.title,
      String(target.limit),
      value === undefined ? "-" : value.toFixed(3),
      met ? "met" : "MISSED",
    ]),
  );
}
