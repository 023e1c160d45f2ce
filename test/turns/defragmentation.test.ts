/**
 * Moving blocks together gives memory back to the system and keeps nobody waiting: strings of many sizes, of which most go and
 * others come, and values so large that they are moved in pieces. At full size (`bun run test:long`) some gigabyte, and five million
 * elements.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { crowding } from "../support/crowding.ts";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import type { PingProbe } from "../support/ping-probe.ts";
import { startPings } from "../support/ping-probe.ts";
import type { Random } from "../../src/base/random.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { LARGE_KINDS } from "./large-values.ts";

const FULL = rounds > 1;
const MIB = 1024 * 1024;
/** So many that what they leave is several times what the process itself takes and gives back meanwhile. */
const KEYS = FULL ? 3_000_000 : 400_000;
const ELEMENTS = FULL ? 5_000_000 : 30_000;
const LIMIT: number = (FULL ? 1024 : 32) * MIB;
/** Bytes that are written before sizes change. */
const WRITTEN: number = (FULL ? 1.5 : 1.1) * LIMIT;
/** Bytes of a key beside its value, about. */
const ENTRY_SIZE = 60;
/** What a process has resident without data; counts only where the limit is small. */
const PROCESS_SIZE = FULL ? 0 : 100 * MIB;
const STALL_MAX_MS = FULL ? 20 : 150 * crowding();
const TIMEOUT_MS = FULL ? 900_000 : 120_000;
const BATCH = 500;
/** Elements that two values get in turn. */
const ADDED = 1000;
const TEXT: string = "x".repeat(4000);

let hutch: HutchProcess | null = null;
let client: RespClient;
let pings: PingProbe | null = null;

async function start(...args: string[]): Promise<void> {
  hutch = await startHutch({ args: ["--enable-debug-command", "yes", ...args] });
  client = await RespClient.connect(hutch.port);
}

afterEach(async () => {
  client.close();
  await pings?.stop();
  await hutch?.stop();
  pings = null;
  hutch = null;
});

async function run(line: string): Promise<string> {
  return await client.text(...line.split(" "));
}

/** The digest of all data; of very much of it nobody waits for it, but it is counted. */
async function digestOf(): Promise<string> {
  return FULL ? `${await run("DBSIZE")} keys` : await run("DEBUG DIGEST");
}

async function info(...fields: string[]): Promise<number[]> {
  const text = await run("INFO everything");
  return fields.map((field) => Number(new RegExp(`${field}:([\\d.]+)`).exec(text)![1]));
}

/** Sends a command for each of the numbers below `count` that `make` gives one for. */
async function send(count: number, make: (n: number) => string[] | null): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const commands: Buffer[] = [];
    for (let n = from; n < Math.min(count, from + BATCH); n++) {
      const command = make(n);
      if (command !== null) commands.push(encodeCommand(command));
    }
    client.write(Buffer.concat(commands));
    await client.readMany(commands.length);
  }
}

/** A share of the keys goes, others of another size come. */
async function churn(random: Random): Promise<void> {
  await send(KEYS, (n) => ["SET", `key:${n}`, TEXT.slice(0, random.below(200))]);
  await send(KEYS, (n) => (random.below(3) === 0 ? null : ["DEL", `key:${n}`]));
  await send(KEYS / 6, (n) => ["SET", `other:${n}`, TEXT.slice(0, 400 + random.below(500))]);
}

async function isAtRest(): Promise<boolean> {
  const [running, allocated, active] = await info(
    "active_defrag_running",
    "allocator_allocated",
    "allocator_active",
  );
  // Of little data the last span of each size may be empty.
  return running === 0 && active! < allocated! * 1.25 + 4 * MIB;
}

describe("active defragmentation", () => {
  test(
    "gives back what most strings have left, and clients do not wait for it",
    async () => {
      await start("--active-defrag-ignore-bytes", "1mb");
      await churn(seeded("defragmentation of a process"));
      const digest = await digestOf();
      const [allocated, active, resident] = await info(
        "allocator_allocated",
        "allocator_active",
        "used_memory_rss",
      );
      expect(active! / allocated!).toBeGreaterThan(1.3);
      pings = await startPings(hutch!.port);
      await pings.take();
      await run("CONFIG SET activedefrag yes");
      await until("blocks to be moved together", isAtRest, TIMEOUT_MS);
      const { maxMs } = await pings.take();
      await run("MEMORY PURGE");
      const wasted = active! - allocated!;
      // What the process itself takes, and gives back, is less.
      await until("memory to go back", async () => {
        const [now] = await info("used_memory_rss");
        return resident! - now! > wasted / 2;
      });
      expect(await digestOf()).toBe(digest);
      if (FULL) {
        const [now] = await info("used_memory_rss");
        console.log(
          `strings: resident ${resident! / MIB} MiB, then ${now! / MIB}, longest wait ${maxMs} ms`,
        );
      }
      expect(maxMs).toBeLessThan(STALL_MAX_MS);
    },
    TIMEOUT_MS,
  );

  test.each(LARGE_KINDS)(
    "moves a large $name in pieces",
    async (kind) => {
      await start("--active-defrag-ignore-bytes", "1mb");
      // Two that lie side by side; one of them goes.
      for (let from = 0; from < ELEMENTS; from += ADDED) {
        for (const key of ["stays", "goes"]) {
          client.write(kind.add(key, from, from + ADDED));
          await client.readMany(kind.encoding === "stream" ? ADDED : 1);
        }
      }
      await run("DEL goes");
      const digest = await digestOf();
      pings = await startPings(hutch!.port);
      await pings.take();
      await run("CONFIG SET activedefrag yes");
      await until("all to be moved", isAtRest, TIMEOUT_MS);
      const { maxMs } = await pings.take();
      expect(await digestOf()).toBe(digest);
      if (FULL) console.log(`${kind.name}: longest wait ${maxMs} ms`);
      expect(maxMs).toBeLessThan(STALL_MAX_MS);
    },
    TIMEOUT_MS,
  );
});

describe("under maxmemory", () => {
  test(
    "memory stays within 1.3 times the limit while values change their sizes",
    async () => {
      await start("--maxmemory", `${LIMIT}`, "--maxmemory-policy", "allkeys-lru");
      const random = seeded("sizes that change");
      const phases: readonly (() => number)[] = [
        () => 10 + random.below(190),
        () => 300 + random.below(200),
        () => 1000 + random.below(2000),
        () => 50 + random.below(50),
        () => random.below(random.below(4) === 0 ? 4000 : 300),
      ];
      let residentMax = 0;
      let activeMax = 0;
      for (const [phase, size] of phases.entries()) {
        let left = WRITTEN;
        for (let round = 0; left > 0; round++) {
          const values = Array.from({ length: BATCH }, () => TEXT.slice(0, size()));
          for (const { length } of values) left -= length + ENTRY_SIZE;
          await send(BATCH, (n) => ["SET", `key:${phase}:${round}:${n}`, values[n]!]);
          if (round % 20 > 0) continue;
          const [resident, active] = await info("used_memory_rss", "allocator_active");
          residentMax = Math.max(residentMax, resident!);
          activeMax = Math.max(activeMax, active!);
        }
      }
      const [moves] = await info("active_defrag_hits");
      expect(moves).toBeGreaterThan(0);
      if (FULL) {
        console.log(
          `${LIMIT / MIB} MiB: pages ${activeMax / LIMIT}, resident ${residentMax / LIMIT}`,
        );
      }
      expect(activeMax / LIMIT).toBeLessThan(1.3);
      expect((residentMax - PROCESS_SIZE) / LIMIT).toBeLessThan(1.3);
    },
    TIMEOUT_MS,
  );
});
