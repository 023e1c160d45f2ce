/** How the program shows that it loads its data, and what INFO says of it. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Logger } from "../../src/base/log.ts";
import type { Loading } from "../../src/commands/engine.ts";
import { AofFiles } from "../../src/persistence/aof-files.ts";
import { loadLog } from "../../src/persistence/aof-load.ts";
import { Saving } from "../../src/persistence/saving.ts";
import { showLoading } from "../../src/cli/loading-progress.ts";
import { freePort } from "../support/free-port.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";
import { until } from "../support/until.ts";
import { inFolder, logFolder, manifestPath } from "../persistence/folder.ts";

const SERVER = new URL("../../src/server.ts", import.meta.url).pathname;
const SCRIPT = Bun.which("script");

/** Leaves a snapshot in the folder whose loading takes some slices. */
function fill(folder: string): void {
  const source = new TestEngine({ dir: folder, save: "" });
  source.run("DEBUG", "POPULATE", "200000", "key", "20");
  source.run("SAVE");
}

/** A log of commands instead. */
function fillLog(folder: string): void {
  mkdirSync(logFolder(folder));
  writeFileSync(manifestPath(folder), "file appendonly.aof.1.incr.aof seq 1 type i\n");
  const commands = Array.from(
    { length: 200_000 },
    (_, i) => `*3\r\n$3\r\nSET\r\n$${`key:${i}`.length}\r\nkey:${i}\r\n$5\r\nvalue\r\n`,
  );
  writeFileSync(join(logFolder(folder), "appendonly.aof.1.incr.aof"), commands.join(""));
}

describe("a server that loads", () => {
  test.skipIf(SCRIPT === null)(
    "draws a bar below its log on a terminal, and takes it away",
    async () => {
      await inFolder(async (folder) => {
        fill(folder);
        const port = freePort();
        const command = [process.execPath, "run", SERVER, "--port", `${port}`, "--dir", folder];
        const line = [...command, "--save", '""', "--appendonly", "no"].join(" ");
        const child = Bun.spawn([SCRIPT!, "-qec", line, "/dev/null"], {
          stdin: "pipe",
          stdout: "pipe",
        });
        let printed = "";
        try {
          for await (const chunk of child.stdout) {
            printed += new TextDecoder().decode(chunk);
            if (printed.includes("Ready to accept")) break;
          }
        } finally {
          const client = await RespClient.connect(port);
          void client.call("SHUTDOWN", "NOSAVE").catch(() => {});
          await child.exited;
          client.close();
        }
        const shown = printed.replaceAll("\x1b[K", "ERASED");
        expect(shown).toMatch(/\rERASED\[#*-+\] +\d+% {2}[\d,]+ of [\d,]+ bytes/);
        expect(shown).toMatch(/\rERASED\d+:M .* Done loading RDB, keys loaded: 200000/);
        expect(shown.slice(shown.lastIndexOf("ERASED"))).not.toContain("bytes");
      });
    },
  );

  test("logs a line every five seconds elsewhere", async () => {
    const lines: string[] = [];
    const logger = new Logger();
    logger.level = "notice";
    logger.write = (line) => lines.push(line.replace(/^.*? \* /, ""));
    const loading = { startedMs: 0, totalBytes: 1000, loadedBytes: 10, snapshotMemory: 0 };
    const { promise, resolve } = Promise.withResolvers<void>();
    let nowMs = 0;
    const write = (): void => {
      throw new Error("there is no terminal");
    };
    showLoading({ loading }, logger, promise, { isTerminal: false, write, nowMs: () => nowMs });
    loading.loadedBytes = 500;
    nowMs = 5000;
    await until("a line", () => lines.length > 0);
    resolve();
    await promise;
    expect(lines).toEqual(["Loading: 50%: 500 of 1,000 bytes, 100 a second, 5 s left"]);
  });

  test("says in INFO how far it is, and refuses what needs the data", () => {
    const server = new TestEngine();
    server.engine.clock.freeze(1_700_000_004_000);
    server.engine.beginTurn();
    server.engine.loading = {
      ...{ startedMs: 1_700_000_000_000, totalBytes: 1000, loadedBytes: 250, snapshotMemory: 777 },
    };
    const info = show(server.run("INFO", "persistence"));
    const fields = info.match(/(async_)?loading\w*:[\d.]+/g);
    expect(fields).toEqual([
      "loading:1",
      "loading_start_time:1700000000",
      "loading_total_bytes:1000",
      "loading_rdb_used_mem:777",
      "loading_loaded_bytes:250",
      "loading_loaded_perc:25.00",
      "loading_eta_seconds:12",
      "async_loading:0",
    ]);
    const refusal = "-LOADING Redis is loading the dataset in memory";
    expect(show(server.run("GET", "k"))).toBe(refusal);
    server.engine.loading = null;
    expect(show(server.run("INFO", "persistence"))).not.toContain("loading_start");
  });

  test.each([
    ["a snapshot", fill],
    ["a log", fillLog],
  ] as const)("of %s knows the bytes that are read, and those that there are", async (_, make) => {
    await inFolder(async (folder) => {
      make(folder);
      const { engine } = new TestEngine({ dir: folder, save: "" });
      const files = new AofFiles(folder, "appendonlydir", "appendonly.aof");
      files.read();
      const loaded = make === fill ? Saving.of(engine).load() : loadLog(engine, files, () => false);
      const seen: Loading[] = [];
      while (engine.loading !== null) {
        seen.push({ ...engine.loading });
        await new Promise((resolve) => setImmediate(resolve));
      }
      await loaded;
      expect(engine.keyspace.size).toBe(200_000);
      const last = seen.at(-1)!;
      expect(seen.length).toBeGreaterThan(2);
      expect(seen[0]!.loadedBytes).toBeLessThan(last.loadedBytes);
      expect(last.loadedBytes).toBeGreaterThan(last.totalBytes / 2);
      expect(last.loadedBytes).toBeLessThanOrEqual(last.totalBytes);
      expect(last.snapshotMemory > 1e6).toBe(make === fill);
    });
  });
});
