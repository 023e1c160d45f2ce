/**
 * A write to a large value while a snapshot is written keeps nobody else waiting: at full size (`bun run test:long`) five million
 * elements, and the longest wait of a client is held against 20 ms; else a hundred thousand.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crowding } from "../support/crowding.ts";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import type { PingProbe } from "../support/ping-probe.ts";
import { startPings } from "../support/ping-probe.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { fillLarge, LARGE_KINDS } from "./large-values.ts";

const FULL = rounds > 1;
const ELEMENTS = FULL ? 5_000_000 : 100_000;
const STALL_MAX_MS = FULL ? 20 : 150 * crowding();
/** A stall of ours shows each time; one of the machine does not. */
const ATTEMPTS = 3;
const TIMEOUT_MS = FULL ? 600_000 : 60_000;

const WRITES: Readonly<Record<string, string>> = {
  list: "RPUSH big x",
  hash: "HSET big x y",
  set: "SADD big x",
  "sorted set": "ZADD big 1 x",
  stream: "XADD big * x y",
};

let folder = "";
let hutch: HutchProcess;
let client: RespClient;
let pings: PingProbe;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hutch-snapshot-"));
  hutch = await startHutch({ args: ["--dir", folder] });
  client = await RespClient.connect(hutch.port);
  pings = await startPings(hutch.port);
});
afterAll(async () => {
  client.close();
  await pings.stop();
  await hutch.stop();
  rmSync(folder, { recursive: true });
});

async function isSaving(): Promise<boolean> {
  const info = await client.text("INFO", "persistence");
  return info.includes("rdb_bgsave_in_progress:1");
}

describe("a write to a value that a snapshot has not written", () => {
  test.each(LARGE_KINDS)(
    "waits, and nobody else does: a large $name",
    async (kind) => {
      await fillLarge(client, kind, "big", ELEMENTS);
      let bestMs = Infinity;
      for (let attempt = 0; attempt < ATTEMPTS && bestMs >= STALL_MAX_MS; attempt++) {
        await pings.take();
        await client.text("BGSAVE");
        const startedMs = performance.now();
        expect(await client.text(...WRITES[kind.name]!.split(" "))).not.toStartWith("-");
        const waitedMs = performance.now() - startedMs;
        await until("the end of the snapshot", async () => !(await isSaving()));
        const { maxMs, p99Ms } = await pings.take();
        bestMs = Math.min(bestMs, maxMs);
        if (!FULL) continue;
        const times = [waitedMs, maxMs, p99Ms].map((ms) => ms.toFixed(1));
        console.log(`${kind.name}: waited ${times[0]} ms; PINGs: max ${times[1]}, p99 ${times[2]}`);
      }
      expect(bestMs).toBeLessThan(STALL_MAX_MS);
      await client.text("FLUSHALL");
    },
    TIMEOUT_MS,
  );
});
