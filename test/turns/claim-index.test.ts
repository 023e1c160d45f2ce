/**
 * The first XREADGROUP CLAIM on a group with very many pending entries has them put in the order of their delivery: in steps, and
 * nobody but who asked for it waits. A million at full size (`bun run test:long`).
 */
import { afterEach, expect, test } from "bun:test";
import { crowding } from "../support/crowding.ts";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { startPings } from "../support/ping-probe.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds } from "../support/seed.ts";
import { fillLarge, LARGE_KINDS } from "./large-values.ts";

const FULL = rounds > 1;
const PENDING = FULL ? 1_000_000 : 100_000;
const STALL_MAX_MS = FULL ? 20 : 40 * crowding();
const ATTEMPTS = 3;
const BATCH = 10_000;

let hutch: HutchProcess | null = null;
afterEach(async () => await hutch?.stop());

test("the first CLAIM keeps nobody waiting but who asks for it", async () => {
  hutch = await startHutch();
  const client = await RespClient.connect(hutch.port);
  const run = (line: string): Promise<string> => client.text(...line.split(" "));
  await fillLarge(
    client,
    LARGE_KINDS.find((kind) => kind.name === "stream")!,
    "s",
    PENDING,
  );
  const pings = await startPings(hutch.port);
  let bestMs = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS && bestMs >= STALL_MAX_MS; attempt++) {
    const group = `g${attempt}`;
    await run(`XGROUP CREATE s ${group} 0`);
    for (let read = 0; read < PENDING; read += BATCH) {
      await run(`XREADGROUP GROUP ${group} a COUNT ${BATCH} STREAMS s >`);
    }
    // None has been pending for so long: nothing is answered, and without BLOCK at once.
    await pings.take();
    const begin = performance.now();
    expect(await run(`XREADGROUP GROUP ${group} b CLAIM 9999999 STREAMS s >`)).toBe("null array");
    const tookMs = performance.now() - begin;
    const { maxMs } = await pings.take();
    if (FULL) console.log(`CLAIM: ${tookMs.toFixed(0)} ms, others ${maxMs.toFixed(1)} ms`);
    bestMs = Math.min(bestMs, maxMs);
    expect(await run(`XREADGROUP GROUP ${group} b COUNT 2 CLAIM 0 STREAMS s >`)).toMatch(
      /^\[\["s", \[\["1-1", .*\["2-1", /,
    );
  }
  expect(bestMs).toBeLessThan(STALL_MAX_MS);
  await pings.stop();
  client.close();
}, 300_000);

test("the first CLAIM in a transaction does not wait", async () => {
  hutch = await startHutch();
  const client = await RespClient.connect(hutch.port);
  const run = (line: string): Promise<string> => client.text(...line.split(" "));
  await fillLarge(
    client,
    LARGE_KINDS.find((kind) => kind.name === "stream")!,
    "s",
    5000,
  );
  await run("XGROUP CREATE s g 0");
  await run("XREADGROUP GROUP g a STREAMS s >");
  await run("MULTI");
  await run("XREADGROUP GROUP g b COUNT 1 CLAIM 0 STREAMS s >");
  expect(await run("EXEC")).toMatch(/^\[\[\["s", \[\["1-1", /);
  client.close();
}, 60_000);
