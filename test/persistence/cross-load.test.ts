/** Random data goes from Hutch to redis-server and back by each kind of file, and is compared key by key (D14). */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "../../src/create-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { until } from "../support/until.ts";
import { canonicalData, canonicalDataOf, differences } from "./canonical.ts";
import { inFolder, manifestPath } from "./folder.ts";
import { loadBytes } from "./memory-file.ts";
import { randomKey } from "./values.ts";

const KEYS = 10_000;
/** Keys that are made at once. */
const BATCH = 100;
/** A busy disk may take its time. */
const WAIT_MS = 60_000;

async function fill(port: number, name: string): Promise<void> {
  const random = seeded(name);
  const client = await RespClient.connect(port);
  const databases = [0, 1, 9, 15];
  for (let i = 0; i < KEYS; i += BATCH) {
    const lines: (readonly string[])[] = [];
    for (let key = i; key < i + BATCH; key++) {
      lines.push(["SELECT", String(databases[random.below(databases.length)])]);
      lines.push(...randomKey(random, `key ${key}`));
    }
    const failed = (await client.pipeline(lines)).find((reply) => reply.type === "error");
    if (failed !== undefined) throw new Error(JSON.stringify(failed));
  }
  client.close();
}

function check(...command: string[]): string {
  const { exitCode, stdout } = Bun.spawnSync(command);
  expect([command[0], exitCode]).toEqual([command[0], 0]);
  return stdout.toString();
}

describe.skipIf(redisMissing !== null)("10,000 random keys (D14)", () => {
  for (let round = 0; round < rounds; round++) {
    test(
      "are the same in redis-server, and here again, by snapshot, by log, and by a log of commands",
      async () => {
        await inFolder(async (folder) => {
          const snapshots = join(folder, "snapshots");
          mkdirSync(snapshots);
          const options = { port: 0, dir: folder, save: "" };
          let ours = await createServer(options);
          await fill(ours.port, `cross-load ${round}`);
          const wanted = await canonicalDataOf(ours.port);
          expect(wanted.size).toBe(KEYS);
          await ours.call("SAVE");
          await ours.stop();

          // The snapshot, and redis-server's own.
          const path = join(folder, "dump.rdb");
          expect(check("redis-check-rdb", path)).toContain("RDB looks OK");
          let redis = await startRedis(["--dir", folder]);
          expect(differences(wanted, await canonicalDataOf(redis.port))).toEqual([]);
          let client = await RespClient.connect(redis.port);
          rmSync(path);
          await client.call("SAVE");
          client.close();
          await redis.stop();
          const engine = new TestEngine();
          expect(loadBytes(engine, readFileSync(path)).error).toBeNull();
          const held = await canonicalData(async (lines) =>
            lines.map((line) => engine.run(...line)),
          );
          expect(differences(wanted, held)).toEqual([]);
          rmSync(path);

          // The log as it was written, and as redis-server rewrites it.
          expect(check("redis-check-aof", manifestPath(folder))).toContain("are valid");
          redis = await startRedis(["--dir", folder, "--appendonly", "yes"]);
          expect(differences(wanted, await canonicalDataOf(redis.port))).toEqual([]);
          client = await RespClient.connect(redis.port);
          await client.call(
            "CONFIG",
            "SET",
            "aof-use-rdb-preamble",
            round % 2 === 0 ? "yes" : "no",
          );
          await client.call("BGREWRITEAOF");
          await until(
            "redis-server has rewritten the log",
            async () => {
              const info = await client.text("INFO", "persistence");
              return info.includes("aof_rewrite_in_progress:0") && info.includes("aof_rewrites:1");
            },
            WAIT_MS,
          );
          client.close();
          await redis.terminate();
          ours = await createServer({ ...options, "aof-use-rdb-preamble": "no" });
          expect(differences(wanted, await canonicalDataOf(ours.port))).toEqual([]);

          // Rewritten here, as commands.
          await ours.call("BGREWRITEAOF");
          await until(
            "the log is rewritten",
            async () => {
              const info = String(await ours.call("INFO", "persistence"));
              return info.includes("aof_rewrite_in_progress:0") && info.includes("aof_rewrites:1");
            },
            WAIT_MS,
          );
          await ours.stop();
          expect(check("redis-check-aof", manifestPath(folder))).toContain("are valid");
          redis = await startRedis(["--dir", folder, "--appendonly", "yes"]);
          expect(differences(wanted, await canonicalDataOf(redis.port))).toEqual([]);
          await redis.stop();
        });
      },
      { timeout: 120_000 },
    );
  }
});
