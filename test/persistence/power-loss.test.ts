/**
 * Loss of power under a server that counts (D3, D4): strace tells what it asked the system to write, to sync, to rename and to
 * answer. From that is checked that no reply left too early, and images are made of what would be left if the power had failed at
 * any of these calls; a server starts on each and has what was acknowledged.
 */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../src/base/random.ts";
import type { Run } from "../cli/run-hutch.ts";
import { runHutch } from "../cli/run-hutch.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { inFolder } from "./folder.ts";
import { SyncTrace } from "./sync-trace.ts";
import { systemCalls, TRACED_CALLS } from "./system-calls.ts";
import type { Unsynced } from "./traced-disk.ts";
import { TracedDisk } from "./traced-disk.ts";

const strace = Bun.which("strace");
if (strace === null) console.warn("Skipping tests: strace is missing");

const IMAGES = 25 * rounds;
const COUNTERS = 8;
/** Counts of each counter. */
const COUNTS = 300;
/** What fills the journal's halves, so that they are used again. */
const FILLERS = 150;
const FILLER_SIZE = 60_000;
/** The longest time of which writes may be missing with `everysec`. */
const LOST_MAX_S = 2;

interface Traced {
  readonly text: string;
  readonly root: string;
}

function signal(run: Run): void {
  const pid = /PID: (\d+)/.exec(run.out())?.[1];
  if (pid !== undefined) process.kill(Number(pid), "SIGTERM");
}

/**
 * Runs a server under strace, while clients count and the log is rewritten again and again.
 * @param pauseMs between two counts of a client
 */
async function trace(policy: string, root: string, pauseMs: number): Promise<string> {
  const data = join(root, "data");
  const output = join(root, "trace");
  mkdirSync(data);
  const options = `-f -q -ttt -s 400000 -e trace=${TRACED_CALLS} -o ${output}`;
  const args = [
    ...["--port", "0", "--bind", "127.0.0.1", "--dir", data],
    ...["--appendonly", "yes", "--appendfsync", policy],
  ];
  const run = runHutch(args, { after: `exec ${strace} ${options} "$@"` });
  try {
    const port = await run.port();
    const other = await RespClient.connect(port);
    const counted = new AbortController();
    const rewriting = (async () => {
      const client = await RespClient.connect(port);
      while (!counted.signal.aborted) {
        await client.text("BGREWRITEAOF");
        await Bun.sleep(200 + pauseMs * 20);
      }
    })();
    const filling = (async () => {
      const filler = "x".repeat(FILLER_SIZE);
      const fillers = pauseMs === 0 ? FILLERS : 0;
      for (let i = 0; i < fillers; i++) await other.text("SET", "filler", filler);
    })();
    await Promise.all(
      Array.from({ length: COUNTERS }, async (_, index) => {
        const client = await RespClient.connect(port);
        await client.text("SET", `c${index}`, String((index + 1) * 1_000_000));
        for (let i = 0; i < COUNTS; i++) {
          await client.text("INCR", `c${index}`);
          if (pauseMs > 0) await Bun.sleep(pauseMs);
        }
        client.close();
      }),
    );
    await filling;
    counted.abort();
    await rewriting;
  } finally {
    signal(run);
    await run.exited;
  }
  return readFileSync(output, "latin1");
}

/** The greatest values that were sent to clients, by the number of the counter, with their times. */
class Acknowledged {
  readonly #values: { value: number; time: number }[] = [];

  note(text: string, time: number): void {
    const sent = /"((?::\d{7}\\r\\n)+)"/.exec(text)?.[1];
    for (const [, value] of sent?.matchAll(/:(\d{7})/g) ?? []) {
      this.#values.push({ value: Number(value), time });
    }
  }

  /** The greatest value of each counter that was sent up to a time. */
  until(time: number): Map<number, number> {
    const greatest = new Map<number, number>();
    for (const { value, time: sent } of this.#values) {
      if (sent <= time) greatest.set(Math.floor(value / 1_000_000) - 1, value);
    }
    return greatest;
  }
}

/** Starts a server on an image. @returns what is missing of what must be there, or null */
async function startOn(image: string, needed: Map<number, number>): Promise<string | null> {
  const server = startInProcess({ dir: image, appendonly: "yes", appendfsync: "no" });
  try {
    await server.loaded;
    const client = await RespClient.connect(server.port);
    for (const [counter, value] of needed) {
      const found = await client.text("INCRBY", `c${counter}`, "0");
      if (!(Number(found.slice(1)) >= value)) return `c${counter} is ${found}, not ${value}`;
    }
    client.close();
    return null;
  } catch (error) {
    return `it does not start: ${String(error)}`;
  } finally {
    await server.stop();
  }
}

/**
 * Starts servers on images of calls by chance.
 * @param lostMax seconds before the loss of power of which writes may be missing
 * @returns what was wrong
 */
async function checkImages(
  { text, root }: Traced,
  random: Random,
  lostMax: number,
): Promise<string[]> {
  const data = join(root, "data");
  const calls = [...systemCalls(text)];
  const first = calls.findIndex(({ text: shown }) => shown.includes("c0"));
  const cuts = Array.from({ length: IMAGES }, () => first + random.below(calls.length - first));
  cuts.sort((a, b) => a - b);
  const disk = new TracedDisk(data);
  const acknowledged = new Acknowledged();
  const problems: string[] = [];
  let compared = 0;
  for (const [at, call] of calls.entries()) {
    disk.apply(call);
    if (!call.ended && call.path === "") acknowledged.note(call.text, call.time);
    for (; cuts[0] === at; cuts.shift()) {
      const unsynced = pick<Unsynced>(random, ["cut off", "zeros", "kept"]);
      const image = join(root, "image");
      mkdirSync(image);
      disk.makeImage(data, image, unsynced);
      const needed = acknowledged.until(call.time - lostMax);
      compared += needed.size;
      const problem = await startOn(image, needed);
      if (problem !== null) problems.push(`call ${at}, what is not synced ${unsynced}: ${problem}`);
      rmSync(image, { recursive: true });
    }
  }
  // It is no test if hardly anything had been acknowledged.
  if (compared < (IMAGES * COUNTERS) / 4) problems.push(`only ${compared} counters compared`);
  return problems;
}

describe.skipIf(strace === null)("a loss of power", () => {
  test(
    "finds everything synced that was acknowledged, and loses nothing of it (always, D3, D4)",
    async () => {
      const random = seeded("images of a lost power, always");
      await inFolder(async (root) => {
        const text = await trace("always", root, 0);
        const checked = new SyncTrace(text, join(root, "data"));
        expect(checked.violations).toEqual([]);
        expect(checked.replies).toBeGreaterThan(COUNTERS * COUNTS * 0.9);
        expect(checked.increments.length).toBeGreaterThan(3);
        // Most of them did not wait for the file of the log.
        expect(checked.byJournal).toBeGreaterThan(checked.replies / 2);
        expect(await checkImages({ text, root }, random, 0)).toEqual([]);
      });
    },
    { timeout: 60_000 + IMAGES * 2000 },
  );

  test(
    "costs at most two seconds of writes (everysec, D4)",
    async () => {
      const random = seeded("images of a lost power, everysec");
      await inFolder(async (root) => {
        const text = await trace("everysec", root, 15);
        expect(await checkImages({ text, root }, random, LOST_MAX_S)).toEqual([]);
      });
    },
    { timeout: 60_000 + IMAGES * 2000 },
  );
});
