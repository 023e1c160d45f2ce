/** Disks that are full or broken under the log (D9, D10): nothing is acknowledged that is not kept. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { runHutch } from "../cli/run-hutch.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";
import {
  checkAfterKill,
  Counter,
  end,
  logged,
  makeLog,
  runTraced,
  start,
  strace,
} from "./faulty-disk.ts";
import { inFolder, incrementPath, journalPath, logFolder, manifestPath } from "./folder.ts";

const prlimit = Bun.which("prlimit");
if (strace === null || prlimit === null)
  console.warn("Skipping tests: strace or prlimit is missing");

/** Bytes to which the log can grow: as on a disk that is full then. */
const FILE_MAX = 64 * 1024;

/** Waits until the log has been rewritten and old files are gone. */
async function rewritten(client: RespClient): Promise<void> {
  await until("the rewrite", async () => {
    const info = await client.text("INFO", "persistence");
    return info.includes("aof_rewrites:1") && info.includes("aof_rewrite_in_progress:0");
  });
}

describe.skipIf(prlimit === null)("a log on a full disk (D9)", () => {
  for (const policy of ["always", "everysec"]) {
    test(`refuses writes, answers reads, keeps what it acknowledged, and recovers (${policy})`, async () => {
      await inFolder(async (folder) => {
        // Blocks of this shell are 512 bytes; the signal that comes with the error is ignored.
        const limit = `trap '' XFSZ; ulimit -S -f ${FILE_MAX / 512}`;
        const { run, client } = await start(logged(folder, policy), limit);
        try {
          let acknowledged = 0;
          const value = "x".repeat(900);
          const other = await RespClient.connect(await run.port());
          const writing = (async () => {
            for (;;) {
              const reply = await client.text("SET", `k${acknowledged}`, value);
              if (reply !== "+OK") return reply;
              acknowledged++;
            }
          })();
          await until("a refusal", async () => {
            return (await other.text("PING")).startsWith("-MISCONF");
          });
          expect(await other.text("SET", "other", "1")).toBe(
            "-MISCONF Errors writing to the AOF file: File too large",
          );
          expect(await other.text("GET", "k0")).toContain(value);
          expect(await other.text("INFO", "persistence")).toContain("aof_last_write_status:err");
          // What was written in part is gone again: the file ends with a whole write.
          expect(statSync(incrementPath(folder)).size).toBeLessThanOrEqual(FILE_MAX);
          const tail = readFileSync(incrementPath(folder), "latin1").slice(-15);
          expect(tail).toMatch(/^#CRC:[0-9a-f]{8}\r\n$/);
          const before = acknowledged;

          const raised = Bun.spawnSync([prlimit!, "--pid", String(run.pid), "--fsize=unlimited"]);
          expect(raised.stderr.toString()).toBe("");
          await until("the end of it", async () => {
            return (await other.text("SET", "other", "2")) === "+OK";
          });
          await until("the writer", () => acknowledged > before + 10);
          run.kill("SIGKILL");
          await writing.catch(() => {});
          await run.exited;
          const again = await start(logged(folder, policy));
          for (let i = 0; i < acknowledged; i++) {
            expect(await again.client.text("STRLEN", `k${i}`)).toBe(":900");
          }
          expect(again.run.out()).not.toContain("Truncating");
          await again.run.stop();
        } finally {
          await run.stop();
        }
      });
    });
  }
});

describe.skipIf(strace === null)("a log on a broken disk (D10)", () => {
  for (const policy of ["always", "everysec"]) {
    for (const nth of policy === "always" ? [1, 2, 5] : [1]) {
      // strace counts the calls of each thread by itself, and any thread may have the next sync.
      test(`acknowledges nothing after sync ${nth} has failed, until a new base holds everything (${policy})`, async () => {
        await inFolder(async (folder) => {
          // The log is there already, so that only its own syncs are counted.
          const first = await start(logged(folder, policy));
          await first.client.text("SET", "before", "1");
          await first.run.stop();
          const inject = `fdatasync:error=EIO:when=${nth}`;
          const trace = `${strace} -f -q -o /dev/null -P ${incrementPath(folder)} -e trace=fdatasync -e inject=${inject} "$@"`;
          const run = runHutch(logged(folder, policy), { after: `exec ${trace}` });
          try {
            const client = await RespClient.connect(await run.port());
            let acknowledged = 0;
            let refused = "";
            const writing = (async () => {
              for (;;) {
                const reply = await client.text("SET", "n", String(acknowledged + 1));
                if (reply.startsWith("-LOADING")) continue;
                if (reply !== "+OK") {
                  refused = reply;
                  return;
                }
                acknowledged++;
              }
            })().catch(() => {});
            const other = await RespClient.connect(await run.port());
            await until("a refusal", async () => {
              return (await other.text("PING")).startsWith("-MISCONF");
            });
            // No later sync makes it good, but a new base does, which holds everything.
            await until("a new base", async () => (await other.text("PING")) === "+PONG");
            expect(await other.text("SET", "other", "2")).toBe("+OK");
            expect(readFileSync(manifestPath(folder), "latin1")).toContain("1.base.rdb");
            expect(await other.text("GET", "before")).toContain("1");
            expect(refused === "" || refused.startsWith("-MISCONF")).toBe(true);
            end(run, "SIGKILL");
            await run.exited;
            await writing;
            const again = await start(logged(folder, policy));
            const n = Number((await again.client.text("GET", "n")).match(/\d+/)?.[0] ?? 0);
            expect(n).toBeGreaterThanOrEqual(acknowledged);
            expect(n).toBeLessThanOrEqual(acknowledged + 1);
            expect(await again.client.text("GET", "other")).toContain("2");
            await again.run.stop();
          } finally {
            end(run, "SIGKILL");
            await run.exited;
          }
        });
      });
    }
  }

  // Threads share the 32 writes that make the journal; the first write of a thread that fails is one of them, and there is no journal.
  for (const when of ["1", "40", "33+"]) {
    test(`acknowledges nothing that a failed write of the journal was to keep (write ${when} of a thread)`, async () => {
      await inFolder(async (folder) => {
        await makeLog(folder, "always");
        const inject = `pwrite64:error=EIO:when=${when}`;
        const run = runTraced(folder, "always", journalPath(folder), inject);
        try {
          const counters = await Promise.all(
            Array.from({ length: 4 }, async (_, i) => {
              return new Counter(await RespClient.connect(await run.port()), `n${i}`);
            }),
          );
          const other = await RespClient.connect(await run.port());
          if (when === "1") await until("writes", () => counters[0]!.acknowledged > 300);
          else {
            await until("the failure", () => {
              return run.out().includes("Error writing to the AOF file: Input/output error");
            });
            // A new base holds everything, and the log goes on behind it.
            const before = counters[0]!.acknowledged;
            await until("the end of it", () => counters[0]!.acknowledged > before + 100);
          }
          expect(await other.text("SET", "other", "2")).toBe("+OK");
          await checkAfterKill(folder, "always", run, ...counters);
        } finally {
          end(run, "SIGKILL");
          await run.exited;
        }
      });
    });
  }

  for (const policy of ["always", "everysec"]) {
    for (const when of ["1", "2", "7", "3+"]) {
      test(`acknowledges nothing that a failed write of the log was to keep (${policy}, write ${when})`, async () => {
        await inFolder(async (folder) => {
          await makeLog(folder, policy);
          const inject = `write,pwrite64:error=EIO:when=${when}`;
          const run = runTraced(folder, policy, incrementPath(folder), inject);
          try {
            const counter = new Counter(await RespClient.connect(await run.port()));
            const other = await RespClient.connect(await run.port());
            // One failure is soon made good, perhaps before anybody is refused.
            await until("the failure", () => {
              return run.out().includes("Error writing to the AOF file: Input/output error");
            });
            expect(await other.text("GET", "before")).toContain("1");
            if (when.endsWith("+")) {
              expect(await other.text("SET", "other", "1")).toBe(
                "-MISCONF Errors writing to the AOF file: Input/output error",
              );
              // It can't be written at all: what was asked for is not there after the next start.
              const { acknowledged } = counter;
              await Bun.sleep(700);
              expect(counter.acknowledged).toBe(acknowledged);
              expect(await checkAfterKill(folder, policy, run, counter)).toBe(acknowledged);
              return;
            }
            const before = counter.acknowledged;
            await until("the end of it", () => counter.acknowledged > before + 10);
            expect(await other.text("SET", "other", "2")).toBe("+OK");
            await checkAfterKill(folder, policy, run, counter);
          } finally {
            end(run, "SIGKILL");
            await run.exited;
          }
        });
      });
    }
  }

  for (const [what, calls, when, failures] of [
    ["the rename of the manifest that names the new increment", "rename", 1, 1],
    ["the rename of the new base", "rename", 2, 1],
    ["the rename of the manifest that names the new base", "rename", 3, 1],
    ["a sync of the folder", "fsync", 1, 1],
  ] as const) {
    test(`loses nothing when a rewrite ends because ${what} fails`, async () => {
      await inFolder(async (folder) => {
        // With `always` the folder is also synced for the journal.
        const policy = calls === "fsync" ? "everysec" : "always";
        await makeLog(folder, policy);
        const inject = `${calls}:error=EIO:when=${when}`;
        const path = calls === "fsync" ? logFolder(folder) : null;
        const run = runTraced(folder, policy, path, inject);
        try {
          const client = await RespClient.connect(await run.port());
          const counter = new Counter(await RespClient.connect(await run.port()));
          await until("writes", () => counter.acknowledged > 10);
          for (let failed = 1; failed <= failures; failed++) {
            expect(await client.text("BGREWRITEAOF")).toContain("started");
            await until("the failure", async () => {
              const info = await client.text("INFO", "persistence");
              return info.includes(`rewrites_consecutive_failures:${failed}`);
            });
          }
          expect(run.out()).toContain("Background AOF rewrite failed: ");
          const then = counter.acknowledged;
          await until("more writes", () => counter.acknowledged > then + 10);
          await checkAfterKill(folder, policy, run, counter);
        } finally {
          end(run, "SIGKILL");
          await run.exited;
        }
      });
    });
  }

  // Each call that a rewrite makes to the file system is where the process may end: `what` is what it leaves undone.
  for (const [what, calls, when, seq] of [
    ["the new increment is synced", "fsync", 1, 3],
    ["the manifest takes its place that names the new increment", "rename", 1, null],
    ["the new base has its name", "rename", 2, null],
    ["the manifest takes its place that names the new base", "rename", 3, null],
    ["old files are deleted", "unlink,unlinkat", 1, 2],
    ["the manifest takes its place that names no old files", "rename", 4, null],
  ] as const) {
    for (const policy of ["always", "everysec"]) {
      test(`a rewrite that is killed before ${what} has lost nothing (${policy}, D12)`, async () => {
        await inFolder(async (folder) => {
          await makeLog(folder, policy);
          const first = await start(logged(folder, policy));
          await first.client.text("BGREWRITEAOF");
          await rewritten(first.client);
          await first.run.stop();
          const path = seq === null ? null : incrementPath(folder, seq);
          const inject = `${calls}:error=EIO:signal=SIGKILL:when=${when}`;
          const run = runTraced(folder, policy, path, inject);
          try {
            const client = await RespClient.connect(await run.port());
            const counter = new Counter(await RespClient.connect(await run.port()));
            await until("writes", () => counter.acknowledged > 10);
            await client.text("BGREWRITEAOF").catch(() => {});
            await run.exited;
            await checkAfterKill(folder, policy, run, counter);
            const again = await start(logged(folder, policy));
            await again.client.text("BGREWRITEAOF");
            await rewritten(again.client);
            const names = readdirSync(logFolder(folder));
            expect(names.filter((name) => !name.endsWith(".journal")).length).toBe(3);
            const n = Number((await again.client.text("INCR", "n")).slice(1));
            expect(n).toBeGreaterThan(counter.acknowledged);
            await again.run.stop();
          } finally {
            end(run, "SIGKILL");
            await run.exited;
          }
        });
      });
    }
  }
});
