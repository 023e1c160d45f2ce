/**
 * Saving and loading beside redis-server: `bun run bench/snapshots.ts [keys]`. Both servers get the same data, a million strings or
 * collections of a million elements, save it and load it again (DEBUG RELOAD NOSAVE), in alternating rounds; the files go to
 * the system's folder for temporary files. Wall time in ms, the median of the rounds.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RespClient } from "../test/support/resp-client.ts";
import { startHutch } from "../test/support/hutch-process.ts";
import { startRedis } from "../test/support/redis-server.ts";
import { median } from "./rig/statistics.ts";

const ROUNDS = 3;
/** Elements that one command adds. */
const BATCH = 1000;

const count = Number(process.argv[2] ?? 1_000_000);

const KINDS: Readonly<Record<string, (index: number) => readonly string[] | null>> = {
  strings: () => null,
  set: (i) => ["SADD", "set", `member:${i}`],
  hash: (i) => ["HSET", "hash", `field:${i}`, `value:${i}`],
  "sorted set": (i) => ["ZADD", "zset", String((i * 7919) % 1_000_003), `member:${i}`],
  list: (i) => ["RPUSH", "list", `element:${i}`],
  stream: (i) => ["XADD", "stream", `${i + 1}-0`, "field", `value:${i}`],
};

async function fill(client: RespClient, kind: string): Promise<void> {
  await client.call("FLUSHALL");
  if (kind === "strings") {
    await client.call("DEBUG", "POPULATE", String(count), "key", "16");
    return;
  }
  const line = KINDS[kind]!;
  for (let i = 0; i < count; i += BATCH) {
    if (kind === "stream") {
      await client.pipeline(Array.from({ length: BATCH }, (_, at) => line(i + at)!));
      continue;
    }
    const [name, key] = line(i)!;
    const elements = Array.from({ length: BATCH }, (_, at) => line(i + at)!.slice(2)).flat();
    await client.call(name!, key!, ...elements);
  }
}

async function time(client: RespClient, ...command: string[]): Promise<number> {
  const start = performance.now();
  const reply = await client.call(...command);
  if (reply.type === "error") throw new Error(`${command.join(" ")}: ${reply.text}`);
  return performance.now() - start;
}

const folders = [
  mkdtempSync(join(tmpdir(), "bench-rdb-")),
  mkdtempSync(join(tmpdir(), "bench-rdb-")),
];
const args = ["--enable-debug-command", "yes", "--save", ""];
const hutch = await startHutch({ args: ["--dir", folders[0]!, ...args] });
const redis = await startRedis(["--dir", folders[1]!]);
const clients = [await RespClient.connect(hutch.port), await RespClient.connect(redis.port)];
try {
  console.log(
    "| data | save: Hutch | redis-server | ratio | load: Hutch | redis-server | ratio | MB |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const kind of Object.keys(KINDS)) {
    const saves: number[][] = [[], []];
    const loads: number[][] = [[], []];
    for (const client of clients) await fill(client, kind);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, client] of clients.entries()) {
        saves[index]!.push(await time(client, "SAVE"));
        loads[index]!.push(await time(client, "DEBUG", "RELOAD", "NOSAVE"));
      }
    }
    const [save, theirSave, load, theirLoad] = [...saves, ...loads].map(median) as [
      number,
      number,
      number,
      number,
    ];
    const bytes = statSync(join(folders[0]!, "dump.rdb")).size / 1e6;
    const figures = [save, theirSave, save / theirSave, load, theirLoad, load / theirLoad, bytes];
    console.log(
      `| ${kind} | ${figures.map((figure) => figure.toFixed(figure < 10 ? 2 : 0)).join(" | ")} |`,
    );
  }
} finally {
  for (const client of clients) client.close();
  await hutch.stop();
  await redis.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
