/**
 * Errors of the disk at the n-th call of each kind that the log makes (D10), and syncs that take five seconds (D13): nothing is
 * acknowledged that is not kept, and a failed sync is never taken as done. In `bun run test:long` every n up to fifty.
 */
import { describe, expect, test } from "bun:test";
import { RespClient } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import type { Run } from "../cli/run-hutch.ts";
import { runHutch } from "../cli/run-hutch.ts";
import { checkAfterKill, Counter, end, logged, makeLog, runTraced, strace } from "./faulty-disk.ts";
import { inFolder, incrementPath, journalPath } from "./folder.ts";

const FULL = rounds > 1;
const NTH_MAX = 50;
const COUNTERS = 4;
/** Writes after which it is enough if the call has not come. */
const COUNTS_MAX = 1500;
const TIMEOUT_MS = 120_000;
const WAIT_MS = 50_000;
/** How long a sync takes that stalls, and how long a writer may wait for it with `everysec`. */
const STALL_MS = 5000;
const WAIT_MAX_MS = 2200;
/** How long a reader of other keys may wait meanwhile. */
const READ_MAX_MS = 500;

interface FailingCall {
  readonly name: string;
  /** The file that it is about; without it, calls for any file fail, and the log is rewritten again and again. */
  readonly pathOf?: (folder: string) => string;
}

const CALLS: readonly FailingCall[] = [
  { name: "write", pathOf: incrementPath },
  { name: "pwrite64", pathOf: journalPath },
  { name: "fdatasync" },
  { name: "fsync" },
  { name: "rename" },
];

/** Asks for rewrites until it is told to stop. */
async function rewriteOften(client: RespClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await client.text("BGREWRITEAOF");
    await Bun.sleep(30);
  }
}

async function failAt({ name, pathOf }: FailingCall, nth: number): Promise<void> {
  await inFolder(async (folder) => {
    await makeLog(folder, "always");
    const inject = `${name}:error=EIO:when=${nth}`;
    const run = runTraced(folder, "always", pathOf?.(folder) ?? null, inject);
    try {
      const port = await run.port().catch(() => null);
      const counters: Counter[] = [];
      if (port === null) {
        // It did not start, and another start finds everything.
        expect(run.out()).toContain("Input/output error");
        await checkAfterKill(folder, "always", run);
        return;
      }
      for (let i = 0; i < COUNTERS; i++) {
        counters.push(new Counter(await RespClient.connect(port), `n${i}`));
      }
      const stopped = new AbortController();
      const rewriter = await RespClient.connect(port);
      if (pathOf !== undefined) stopped.abort();
      const rewriting = rewriteOften(rewriter, stopped.signal).catch(() => {});
      const counted = (): number =>
        counters.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
      const hasFailed = (): boolean => run.out().includes("Input/output error");
      await until("the error", () => hasFailed() || counted() > COUNTS_MAX, WAIT_MS);
      const then = counted();
      await until("more writes", () => counted() > then + 50, WAIT_MS);
      stopped.abort();
      await checkAfterKill(folder, "always", run, ...counters);
      await rewriting;
    } finally {
      end(run, "SIGKILL");
      await run.exited;
    }
  });
}

/** Reads a key again and again until it is told to stop. @param waits gets how long each time took, in ms */
async function readOften(
  client: RespClient,
  key: string,
  signal: AbortSignal,
  waits: number[],
): Promise<void> {
  while (!signal.aborted) {
    const startMs = performance.now();
    await client.text("GET", key);
    waits.push(performance.now() - startMs);
    await Bun.sleep(5);
  }
}

/** Runs a server whose syncs stall from the third one of a thread on. */
function runStalling(folder: string, policy: string): Run {
  const calls = policy === "always" ? "fdatasync,pwrite64" : "fdatasync";
  const paths = [incrementPath(folder), journalPath(folder)].map((path) => `-P ${path}`).join(" ");
  const inject = `${calls}:delay_enter=${STALL_MS * 1000}:when=${policy === "always" ? 40 : 1}+`;
  const options = `-f -q -o /dev/null ${paths} -e trace=${calls} -e inject=${inject}`;
  return runHutch(logged(folder, policy), { after: `exec ${strace} ${options} "$@"` });
}

describe.skipIf(strace === null)("an error of the disk", () => {
  for (const call of CALLS) {
    const random = seeded("errors of the disk");
    const nths = FULL
      ? Array.from({ length: NTH_MAX }, (_, i) => i + 1)
      : [1 + random.below(NTH_MAX)];
    test.each(nths)(
      `at ${call.name} number %d loses nothing that was acknowledged (D10)`,
      async (nth) => await failAt(call, nth),
      TIMEOUT_MS,
    );
  }
});

describe.skipIf(strace === null || !FULL)("a sync that takes five seconds", () => {
  test(
    "keeps no writer waiting with everysec, and is counted (D13)",
    async () => {
      await inFolder(async (folder) => {
        await makeLog(folder, "everysec");
        const run = runStalling(folder, "everysec");
        try {
          const client = await RespClient.connect(await run.port());
          const times: number[] = [];
          const began = performance.now();
          while (performance.now() - began < 2 * STALL_MS) {
            const startMs = performance.now();
            expect(await client.text("SET", "k", String(times.length))).toBe("+OK");
            times.push(performance.now() - startMs);
          }
          times.sort((a, b) => a - b);
          const p999 = times[Math.floor(times.length * 0.999)]!;
          console.log(`everysec: ${times.length} writes, p99.9 ${p999.toFixed(1)} ms`);
          expect(p999).toBeLessThan(WAIT_MAX_MS);
          const info = await client.text("INFO", "persistence");
          expect(Number(/aof_delayed_fsync:(\d+)/.exec(info)![1])).toBeGreaterThan(0);
        } finally {
          end(run, "SIGKILL");
          await run.exited;
        }
      });
    },
    TIMEOUT_MS,
  );

  test(
    "keeps writers waiting with always, for no longer than it takes, and nobody who reads other keys (D13)",
    async () => {
      await inFolder(async (folder) => {
        await makeLog(folder, "always");
        const run = runStalling(folder, "always");
        try {
          const client = await RespClient.connect(await run.port());
          const other = await RespClient.connect(await run.port());
          const waits: number[] = [];
          const stopped = new AbortController();
          const reading = readOften(other, "before", stopped.signal, waits);
          let longest = 0;
          const began = performance.now();
          while (longest < STALL_MS * 0.9 && performance.now() - began < 8 * STALL_MS) {
            const startMs = performance.now();
            expect(await client.text("INCR", "k")).toStartWith(":");
            longest = Math.max(longest, performance.now() - startMs);
          }
          console.log(`always: the longest write took ${longest.toFixed(0)} ms`);
          expect(longest).toBeGreaterThan(STALL_MS * 0.9);
          // One that has begun before, and then its own.
          expect(longest).toBeLessThan(3 * STALL_MS);
          stopped.abort();
          await reading;
          const read = Math.max(...waits);
          console.log(
            `always: of ${waits.length} reads of another key the longest took ${read.toFixed(0)} ms`,
          );
          expect(read).toBeLessThan(READ_MAX_MS);
        } finally {
          end(run, "SIGKILL");
          await run.exited;
        }
      });
    },
    TIMEOUT_MS,
  );
});
