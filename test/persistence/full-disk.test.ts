/**
 * A disk that is full (D9): a file system in memory of 16 MB, which only the server sees. Writes are refused or wait, reads are
 * answered, nothing acknowledged is lost, and when there is space again it goes on by itself.
 */
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statfsSync, unlinkSync } from "node:fs";
import { runHutch } from "../cli/run-hutch.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";
import { inFolder, incrementPath } from "./folder.ts";

const MOUNT = "mount -t tmpfs -o size=16m none";

const canMount =
  Bun.which("unshare") !== null &&
  Bun.spawnSync(["unshare", "-m", "sh", "-c", `${MOUNT} /tmp`]).exitCode === 0;
if (!canMount) console.warn("Skipping tests: a file system can't be mounted here");

/** How soon writes are to go on when there is space again. */
const RECOVERY_MS = 2000;
const VALUE_SIZE = 50_000;

describe.skipIf(!canMount)("a log on a disk of 16 MB (D9)", () => {
  for (const policy of ["always", "everysec", "no"]) {
    test(`refuses writes while it is full, keeps what it acknowledged, and goes on by itself (${policy})`, async () => {
      await inFolder(async (folder) => {
        const args = [
          ...["--port", "0", "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
          ...["--appendonly", "yes", "--appendfsync", policy],
        ];
        // Half of it is taken by something else.
        const fill = `head -c 8000000 /dev/zero > ${folder}/other`;
        const program = `${MOUNT} ${folder} && ${fill} && exec "$@"`;
        const run = runHutch(args, { after: `exec unshare -m sh -c '${program}' sh "$@"` });
        try {
          const port = await run.port();
          const inside = `/proc/${run.pid}/root${folder}`;
          const client = await RespClient.connect(port);
          const other = await RespClient.connect(port);
          const value = "x".repeat(VALUE_SIZE);
          let acknowledged = 0;
          const writing = (async () => {
            for (;;) {
              const reply = await client.text("SET", `k${acknowledged}`, value);
              if (reply === "+OK") acknowledged++;
              else if (!reply.startsWith("-MISCONF")) return reply;
            }
          })().catch(() => "");
          await until("a refusal", async () => {
            return (await other.text("PING")).startsWith("-MISCONF");
          });
          expect(acknowledged).toBeGreaterThan(50);
          expect(await other.text("SET", "other", "1")).toBe(
            "-MISCONF Errors writing to the AOF file: No space left on device",
          );
          expect(await other.text("STRLEN", "k0")).toBe(`:${VALUE_SIZE}`);
          expect(await other.text("INFO", "persistence")).toContain("aof_last_write_status:err");
          // No part of a write stays.
          const tail = readFileSync(incrementPath(inside)).toString("latin1").slice(-15);
          expect(tail).toMatch(/^#CRC:[0-9a-f]{8}\r\n$/);
          // Nor can the log be rewritten there.
          expect(await other.text("BGREWRITEAOF")).toStartWith(
            "-ERR Can't execute an AOF background",
          );
          const before = acknowledged;
          expect(statfsSync(inside).bavail).toBeLessThan(VALUE_SIZE / 4096 + 1);

          unlinkSync(`${inside}/other`);
          const freed = performance.now();
          await until("writes", () => acknowledged > before);
          expect(performance.now() - freed).toBeLessThan(RECOVERY_MS);
          await until("the end of it", async () => (await other.text("PING")) === "+PONG");
          expect(await other.text("SET", "other", "2")).toBe("+OK");

          // The mount ends with the process, but not before what holds it open.
          const held = openSync(inside, "r");
          run.kill("SIGKILL");
          await run.exited;
          await writing;
          const copied = Bun.spawnSync(["cp", "-r", `/proc/${process.pid}/fd/${held}/.`, folder]);
          closeSync(held);
          expect(copied.stderr.toString()).toBe("");
          const again = runHutch(args);
          const reader = await RespClient.connect(await again.port());
          await until("the data", async () => !(await reader.text("PING")).startsWith("-LOADING"));
          for (let i = 0; i < acknowledged; i++) {
            expect(await reader.text("STRLEN", `k${i}`)).toBe(`:${VALUE_SIZE}`);
          }
          expect(await reader.text("GET", "other")).toContain("2");
          expect(Number((await reader.text("DBSIZE")).slice(1))).toBeLessThanOrEqual(
            acknowledged + 2,
          );
          await again.stop();
        } finally {
          await run.stop();
        }
      });
    });
  }
});
