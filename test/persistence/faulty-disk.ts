/** A server on a disk that fails: strace lets calls of its log fail, counters tell what was acknowledged. */
import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { Run } from "../cli/run-hutch.ts";
import { runHutch } from "../cli/run-hutch.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";
import { logFolder, manifestPath } from "./folder.ts";

/** strace, or null where it is missing. */
export const strace: string | null = Bun.which("strace");

export function logged(folder: string, policy: string, more: readonly string[] = []): string[] {
  return [
    ...["--port", "0", "--bind", "127.0.0.1", "--dir", folder],
    ...["--appendonly", "yes", "--appendfsync", policy, ...more],
  ];
}

/** Starts the program after a command of the shell, and connects. */
export async function start(
  args: string[],
  after?: string,
): Promise<{ run: Run; client: RespClient }> {
  const run = runHutch(args, after === undefined ? {} : { after });
  const client = await RespClient.connect(await run.port());
  await until("the data", async () => !(await client.text("DBSIZE")).startsWith("-LOADING"));
  return { run, client };
}

/** Sends a signal to a server that another program has started: what was run is that program. */
export function end(run: Run, signal: NodeJS.Signals): void {
  const pid = /PID: (\d+)/.exec(run.out())?.[1];
  try {
    if (pid !== undefined) process.kill(Number(pid), signal);
  } catch {
    // It has ended.
  }
}

/** A log that is there already, so that only its own calls are counted. */
export async function makeLog(folder: string, policy: string): Promise<void> {
  const { run, client } = await start(logged(folder, policy));
  await client.text("SET", "before", "1");
  await run.stop();
}

/**
 * Runs the program while strace lets calls fail.
 * @param path only calls with files of this path; null: all @param inject of strace: calls, error, which ones of each thread
 */
export function runTraced(
  folder: string,
  policy: string,
  path: string | null,
  inject: string,
): Run {
  const [calls] = inject.split(":", 1);
  const only = path === null ? "" : `-P ${path}`;
  const options = `-f -q -o /dev/null ${only} -e trace=${calls} -e inject=${inject}`;
  return runHutch(logged(folder, policy), { after: `exec ${strace} ${options} "$@"` });
}

/** Counts a key, "n" if not told otherwise, up, one after the other, until the connection breaks or a write is refused. */
export class Counter {
  /** The last value that was acknowledged. */
  acknowledged = 0;
  readonly ended: Promise<void>;
  readonly key: string;

  constructor(client: RespClient, key = "n") {
    this.key = key;
    this.ended = this.#count(client).catch(() => {});
  }

  async #count(client: RespClient): Promise<void> {
    for (;;) {
      const reply = await client.text("INCR", this.key);
      if (reply.startsWith("-LOADING") || reply.startsWith("-MISCONF")) continue;
      if (!reply.startsWith(":")) throw new Error(reply);
      this.acknowledged = Number(reply.slice(1));
    }
  }
}

/** Kills the server, starts another one, and compares. @returns what the first counter has then */
export async function checkAfterKill(
  folder: string,
  policy: string,
  run: Run,
  ...counters: readonly Counter[]
): Promise<number> {
  end(run, "SIGKILL");
  await run.exited;
  const again = await start(logged(folder, policy));
  const found: number[] = [];
  for (const counter of counters) {
    await counter.ended;
    const { key, acknowledged } = counter;
    const n = Number((await again.client.text("INCRBY", key, "0")).slice(1));
    expect(n).toBeGreaterThanOrEqual(acknowledged);
    expect(n).toBeLessThanOrEqual(acknowledged + 1);
    found.push(n);
  }
  expect(await again.client.text("GET", "before")).toContain("1");
  // Whatever was interrupted, nothing lies around that no manifest names.
  const manifest = readFileSync(manifestPath(folder), "latin1");
  const names = readdirSync(logFolder(folder)).filter(
    (name) => !/\.(?:manifest|journal)$/.test(name),
  );
  expect(names.filter((name) => !manifest.includes(`file ${name} `))).toEqual([]);
  await again.run.stop();
  return found[0]!;
}
