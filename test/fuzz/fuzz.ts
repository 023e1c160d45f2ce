/**
 * `bun run fuzz`: all fuzzers, or some. The time is shared out between them; a case that fails is made small and kept in a file,
 * from which it can be run again.
 */
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { readCase, writeCase } from "./case-file.ts";
import type { Failure, Report } from "./run-target.ts";
import { replay, runTarget } from "./run-target.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets.ts";
import { Watchdog } from "./watchdog.ts";

const HELP = `bun run fuzz [options]
  --seconds <n>     how long, all targets together (300, unless --steps is given)
  --steps <n>       cases of each target
  --from <n>        the first of them
  --seed <n>        repeats a run
  --only <targets>  names with commas between
  --cases <folder>  where cases that fail are kept (the system's folder of temporary files)
  --replay <file>   runs such a case again
Targets:`;

const SECONDS = 300;
const FAILURES_MAX = 10;
const WATCHED_MIN_MS = 300_000;
const SHOWN_EVERY_MS = 30_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    steps: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    cases: { type: "string", default: tmpdir() },
    replay: { type: "string" },
    help: { type: "boolean" },
  },
});

if (values.help === true) printHelp();
else if (values.replay !== undefined) process.exit(await replayFile(values.replay));
else process.exit((await runAll()) ? 0 : 1);

function printHelp(): void {
  console.log(HELP);
  for (const { name, what } of TARGETS) console.log(`  ${name.padEnd(16)}${what}`);
}

function numberOf(name: "seconds" | "steps" | "seed" | "from"): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a number`);
  return value;
}

function chosenTargets(): readonly Target[] {
  if (values.only === undefined) return TARGETS;
  return values.only.split(",").map(targetOf);
}

function targetOf(name: string): Target {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  return target;
}

/** @returns whether nothing failed */
async function runAll(): Promise<boolean> {
  const seed = numberOf("seed") ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
  const steps = numberOf("steps") ?? Infinity;
  const seconds = numberOf("seconds") ?? (steps === Infinity ? SECONDS : Infinity);
  const from = numberOf("from") ?? 0;
  const targets = chosenTargets();
  const ms = (seconds * 1000) / targets.length;
  console.log(`seed ${seed}`);
  let failed = false;
  for (const target of targets) {
    if (target.missing !== undefined && target.missing !== null) {
      console.log(`${target.name}: left out: ${target.missing}`);
      continue;
    }
    const again = `bun run fuzz --only ${target.name} --seed ${seed} --from # --steps 1`;
    const watchdog = new Watchdog(`${target.name}: HANGS at step #: ${again}`);
    let shown = performance.now();
    watchdog.step(from);
    const report = await runTarget(
      target,
      { seed, steps, from, ms, failures: FAILURES_MAX },
      {
        step(step) {
          watchdog.step(step + 1);
          if (performance.now() - shown < SHOWN_EVERY_MS) return;
          shown = performance.now();
          console.log(`${target.name}: ${step}`);
        },
        failure: (failure) => keep(target, seed, failure),
      },
    );
    watchdog.stop();
    print(target, report);
    if (report.failures.length > 0) failed = true;
  }
  return !failed;
}

function keep(target: Target, seed: number, { step, problem, bytes }: Failure): void {
  const path = writeCase(values.cases, { target: target.name, seed, step, problem, bytes });
  console.log(`${target.name}: FAILED at step ${step}: ${problem}`);
  console.log(`  kept in ${path}: bun run fuzz --replay ${path}`);
}

function print(target: Target, report: Report): void {
  const counts = Object.entries({ ...report.outcomes, ...report.figures });
  const shown = counts.map(([name, count]) => `${name} ${count}`).join(", ");
  // Over less the line says nothing.
  const isWatched = report.watchedMs > WATCHED_MIN_MS;
  const memory = isWatched ? `; memory ${report.memorySlope.toFixed(2)} % in 10 minutes` : "";
  for (const text of report.once) console.log(`${target.name}: once, and not again: ${text}`);
  console.log(
    `${target.name}: ${report.steps} cases: ${shown}; ${report.failures.length} failed; ` +
      `slowest ${report.slowestMs.toFixed(1)} ms${memory}`,
  );
}

/** @returns the exit code */
async function replayFile(path: string): Promise<number> {
  const { target, seed, bytes } = readCase(path);
  const problem = await replay(targetOf(target), seed, bytes);
  console.log(problem ?? "nothing is wrong");
  return problem === null ? 0 : 1;
}
