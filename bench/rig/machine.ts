/** What the figures were measured on, and the cores that the benchmarks use. */
import { readFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";

/** The server under test has this core to itself. */
export const SERVER_CORE = 0;
/** The load generator, and the program that directs it all. */
export const LOAD_CORE = 1;

export interface Machine {
  readonly model: string;
  readonly cores: number;
  readonly threadsPerCore: string;
  readonly level3Cache: string;
  readonly hypervisor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly bun: string;
  readonly date: string;
  /** Runnable processes over the last minute before the run: figures from a busy machine are not worth keeping. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  const facts = parseLscpu(capture(["lscpu"]));
  const memory = /^MemTotal:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "latin1"));
  return {
    model: facts.get("Model name") ?? "unknown",
    cores: Number(facts.get("CPU(s)") ?? availableParallelism()),
    threadsPerCore: facts.get("Thread(s) per core") ?? "unknown",
    level3Cache: facts.get("L3 cache") ?? "unknown",
    hypervisor: facts.get("Hypervisor vendor") ?? "none",
    memoryGiB: Math.round(Number(memory?.[1] ?? 0) / 1048576),
    kernel: release(),
    bun: Bun.version,
    date: new Date().toISOString(),
    loadAverage: Number(readFileSync("/proc/loadavg", "latin1").split(" ")[0]),
  };
}

/** "Name: value" lines; `lscpu` prints them with any indentation. */
export function parseLscpu(text: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) facts.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return facts;
}

/** The machine in three lines. */
export function machineText(machine: Machine): string {
  const { model, cores, threadsPerCore, level3Cache, hypervisor, memoryGiB } = machine;
  return [
    `machine  ${model}, ${cores} cores, ${threadsPerCore} thread(s) per core, L3 ${level3Cache}, ${memoryGiB} GiB, hypervisor ${hypervisor}`,
    `system   Linux ${machine.kernel}, Bun ${machine.bun}, ${machine.date}, load average ${machine.loadAverage}`,
    `cores    server on core ${SERVER_CORE}, load on core ${LOAD_CORE}`,
  ].join("\n");
}

/** Moves this process and the children that it starts from now on to the core of the load. */
export function moveToLoadCore(): void {
  if (availableParallelism() < 2)
    throw new Error("a comparison takes two cores: one for each side");
  capture(["taskset", "-a", "-c", "-p", String(LOAD_CORE), String(process.pid)]);
}

/** All cores, for `onCore`: this process may itself be bound to one. */
export const ALL_CORES = "0-1023";

/** The command, bound to a core. Its process ends when this one does, even if this one is killed. */
export function onCore(core: number | typeof ALL_CORES, command: readonly string[]): string[] {
  return ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", String(core), ...command];
}

/** Runs a command that ends by itself and returns what it printed. */
export function capture(command: readonly string[]): string {
  const result = Bun.spawnSync([...command], { stderr: "pipe" });
  if (result.exitCode !== 0) {
    throw new Error(`${command.join(" ")} ended with ${result.exitCode}: ${result.stderr}`);
  }
  return result.stdout.toString();
}
