/** Rewriting logs: what is there before is there after, whatever happens meanwhile (D12). */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "../../src/create-server.ts";
import type { EmbeddedServer } from "../../src/create-server.ts";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { compareData } from "../differential/data-set.ts";
import { inFolder, logFolder, manifestPath } from "./folder.ts";

const KILLS = 12 * rounds;

function serve(dir: string, more: Readonly<Record<string, string>> = {}) {
  return createServer({ port: 0, dir, "enable-debug-command": "yes", save: "", ...more });
}

async function field(server: EmbeddedServer, name: string): Promise<string> {
  const info = String(await server.call("INFO", "persistence"));
  return new RegExp(`${name}:(.*)`).exec(info)?.[1]?.trim() ?? "";
}

async function rewritten(server: EmbeddedServer, times: number): Promise<void> {
  await until("the rewrite", async () => (await field(server, "aof_rewrites")) === String(times));
  await until("its end", async () => (await field(server, "aof_rewrite_in_progress")) === "0");
}

function manifest(folder: string): string[] {
  return readFileSync(manifestPath(folder), "latin1").trim().split("\n");
}

describe("a log that is rewritten", () => {
  test("holds the data and what came since, in the files of Redis 7", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      for (let i = 0; i < 2000; i++) void server.call("INCR", `n${i % 50}`);
      await server.call("RPUSH", "list", "a", "b");
      await server.call("SET", "expires", "1", "EX", "100");
      expect(await server.call("BGREWRITEAOF")).toBe(
        "Background append only file rewriting started",
      );
      await server.call("RPUSH", "list", "c");
      await rewritten(server, 1);
      await server.call("SELECT", "3");
      await server.call("SET", "after", "1");
      const digest = await server.call("DEBUG", "DIGEST");
      expect(manifest(folder)).toEqual([
        "file appendonly.aof.1.base.rdb seq 1 type b",
        "file appendonly.aof.2.incr.aof seq 2 type i",
      ]);
      expect(readdirSync(logFolder(folder)).toSorted()).toEqual([
        "appendonly.aof.1.base.rdb",
        "appendonly.aof.2.incr.aof",
        "appendonly.aof.manifest",
      ]);
      await server.stop();
      server = await serve(folder);
      expect(await server.call("DEBUG", "DIGEST")).toBe(digest);
      await server.call("BGREWRITEAOF");
      await rewritten(server, 1);
      expect(await server.call("DEBUG", "DIGEST")).toBe(digest);
      expect(manifest(folder)[0]).toContain("appendonly.aof.2.base.rdb");
      await server.stop();
    });
  });

  test("is rewritten by itself when it has grown", async () => {
    await inFolder(async (folder) => {
      const server = await serve(folder, { "auto-aof-rewrite-min-size": "100kb" });
      const value = "x".repeat(1000);
      for (let i = 0; i < 300; i++) await server.call("SET", "k", value);
      await until("a rewrite", async () => Number(await field(server, "aof_rewrites")) > 0);
      await until("its end", async () => (await field(server, "aof_rewrite_in_progress")) === "0");
      expect(Number(await field(server, "aof_current_size"))).toBeLessThan(250_000);
      await server.stop();
    });
  });

  test("can be switched on and off while the server runs", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder, { appendonly: "no" });
      await server.call("SET", "a", "1");
      await server.call("CONFIG", "SET", "appendonly", "yes");
      await server.call("SET", "b", "1");
      await rewritten(server, 1);
      await server.call("SET", "c", "1");
      await server.call("CONFIG", "SET", "appendonly", "no");
      await server.call("SET", "lost", "1");
      await server.stop();
      server = await serve(folder);
      expect(((await server.call("KEYS", "*")) as string[]).toSorted()).toEqual(["a", "b", "c"]);
      await server.stop();
    });
  });

  test("keeps history where that is wished", async () => {
    await inFolder(async (folder) => {
      const server = await serve(folder, { "aof-disable-auto-gc": "yes" });
      await server.call("SET", "a", "1");
      for (const times of [1, 2]) {
        await server.call("BGREWRITEAOF");
        await rewritten(server, times);
      }
      expect(manifest(folder)).toEqual([
        "file appendonly.aof.2.base.rdb seq 2 type b",
        "file appendonly.aof.2.incr.aof seq 2 type h",
        "file appendonly.aof.1.base.rdb seq 1 type h",
        "file appendonly.aof.1.incr.aof seq 1 type h",
        "file appendonly.aof.3.incr.aof seq 3 type i",
      ]);
      await server.stop();
    });
  });

  test("begins with the snapshot that it finds, where there is no log yet", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder, { appendonly: "no" });
      await server.call("SET", "a", "1");
      await server.call("SAVE");
      await server.stop();
      const args = ["--dir", folder, "--appendonly", "yes", "--save", ""];
      const program = await startHutch({ args });
      const client = await RespClient.connect(program.port);
      expect(await client.text("INCR", "a")).toBe(":2");
      await program.stop();
      server = await serve(folder);
      expect(await server.call("GET", "a")).toBe("2");
      expect(manifest(folder)[0]).toBe("file appendonly.aof.1.base.rdb seq 1 type b");
      await server.stop();
    });
  });

  test("loses its leftovers at the next start", async () => {
    await inFolder(async (folder) => {
      await (await serve(folder)).stop();
      mkdirSync(logFolder(folder), { recursive: true });
      for (const name of ["temp-rewriteaof-bg-1.aof", "appendonly.aof.9.base.rdb", "other"]) {
        writeFileSync(`${logFolder(folder)}/${name}`, "x");
      }
      await (await serve(folder)).stop();
      expect(readdirSync(logFolder(folder)).toSorted()).toEqual([
        "appendonly.aof.1.incr.aof",
        "appendonly.aof.manifest",
        "other",
      ]);
    });
  });

  test.skipIf(redisMissing !== null)("is loaded by redis-server, and its log here", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      for (let i = 0; i < 500; i++) void server.call("HSET", `h${i % 9}`, `f${i}`, "v");
      await server.call("BGREWRITEAOF");
      await rewritten(server, 1);
      await server.call("SET", "after", "1");
      await server.stop();
      const check = Bun.spawnSync(["redis-check-aof", manifestPath(folder)]);
      expect(check.stdout.toString()).toContain("All AOF files and manifest are valid");
      const redis = await startRedis(["--appendonly", "yes", "--dir", folder]);
      const client = await RespClient.connect(redis.port);
      expect(await client.text("DBSIZE")).toBe(":10");
      await client.text("BGREWRITEAOF");
      await until("redis-server", async () => {
        const info = await client.text("INFO", "persistence");
        return info.includes("aof_rewrite_in_progress:0") && info.includes("aof_rewrites:1");
      });
      await client.text("SET", "by-redis", "1");
      client.close();
      await redis.terminate();
      server = await serve(folder);
      const again = await startRedis(["--appendonly", "yes", "--dir", folder]);
      expect(await compareData(server.port, again.port)).toEqual([]);
      await again.stop();
      await server.stop();
    });
  });
});

function fill(count: number): string[][] {
  return Array.from({ length: count }, (_, i) => ["SET", `key:${i}`, "value"]);
}

test(
  "a server that is killed while it rewrites its log has every increment that it acknowledged (D12)",
  async () => {
    await inFolder(async (folder) => {
      const random = seeded("kills in rewrites");
      const start = (): Promise<HutchProcess> => {
        const preamble = ["--aof-use-rdb-preamble", pick(random, ["yes", "no"])];
        const args = ["--dir", folder, "--appendonly", "yes", "--save", "", ...preamble];
        return startHutch({ args });
      };
      let server = await start();
      let acknowledged = 0;
      let rewrites = 0;
      try {
        for (let kill = 0; kill < KILLS; kill++) {
          const client = await RespClient.connect(server.port);
          const rewriter = await RespClient.connect(server.port);
          if (kill === 0) await client.pipeline(fill(5000));
          let sent = acknowledged;
          const counting = (async () => {
            for (;;) {
              sent++;
              const reply = await client.text("INCR", "n");
              if (!reply.startsWith(":")) throw new Error(reply);
              acknowledged = Number(reply.slice(1));
            }
          })().catch(() => {});
          const rewriting = (async () => {
            for (;;) {
              const reply = await rewriter.text("BGREWRITEAOF");
              if (reply.includes("started")) rewrites++;
              await Bun.sleep(1);
            }
          })().catch(() => {});
          const before = rewrites;
          await until("a rewrite", () => rewrites > before && acknowledged > 0);
          await Bun.sleep(random.below(60));
          await server.stop();
          await Promise.all([counting, rewriting]);
          server = await start();
          const reader = await RespClient.connect(server.port);
          const n = Number((await reader.text("GET", "n")).match(/\d+/)?.[0] ?? 0);
          reader.close();
          expect(n).toBeGreaterThanOrEqual(acknowledged);
          expect(n).toBeLessThanOrEqual(sent);
          acknowledged = n;
        }
        console.log(
          `${KILLS} kills in ${rewrites} rewrites, ${acknowledged} increments, none lost`,
        );
        expect(rewrites).toBeGreaterThan(KILLS / 2);
      } finally {
        await server.stop();
      }
      // Whatever was interrupted, nothing lies around.
      const size = readdirSync(logFolder(folder)).length;
      expect(size).toBeLessThanOrEqual(manifest(folder).length + 2);
      expect(statSync(manifestPath(folder)).size).toBeGreaterThan(0);
    });
  },
  { timeout: 120_000 * rounds },
);
