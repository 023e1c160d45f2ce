/**
 * Saving and loading beside redis-server: `bun run bench/snapshots.ts [--keys 1000000] [--kinds list,stream] [--rounds 5]`. Both
 * servers get the same data, a million strings or collections of a million elements, save it and load it again (DEBUG RELOAD
 * NOSAVE), in alternating rounds, and then load the log of the commands that made it (DEBUG LOADAOF): a SET or XADD for each
 * element, of other kinds a thousand elements a command. The files go to the system's folder for temporary files. Wall time in ms,
 * the median of the rounds.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RespClient } from "../test/support/resp-client.ts";
import { startHutch } from "../test/support/hutch-process.ts";
import { startRedis } from "../test/support/redis-server.ts";
import { median } from "./rig/statistics.ts";

/** Elements that one command adds. */
const BATCH = 1000;

const { values: options } = parseArgs({
  options: {
    keys: { type: "string", default: "1000000" },
    kinds: { type: "string" },
    rounds: { type: "string", default: "5" },
  },
});
const count = Number(options.keys);
const roundCount = Number(options.rounds);

const KINDS: Readonly<Record<string, (index: number) => readonly string[]>> = {
  strings: (i) => ["SET", `key:${i}`, `value:${i}`.padEnd(16, "-")],
  set: (i) => ["SADD", "set", `member:${i}`],
  hash: (i) => ["HSET", "hash", `field:${i}`, `value:${i}`],
  "sorted set": (i) => ["ZADD", "zset", String((i * 7919) % 1_000_003), `member:${i}`],
  list: (i) => ["RPUSH", "list", `element:${i}`],
  stream: (i) => ["XADD", "stream", `${i + 1}-0`, "field", `value:${i}`],
};

async function fill(client: RespClient, kind: string): Promise<void> {
  await client.call("FLUSHALL");
  const line = KINDS[kind]!;
  for (let i = 0; i < count; i += BATCH) {
    if (kind === "stream" || kind === "strings") {
      await client.pipeline(Array.from({ length: BATCH }, (_, at) => line(i + at)));
      continue;
    }
    const [name, key] = line(i);
    const elements = Array.from({ length: BATCH }, (_, at) => line(i + at).slice(2)).flat();
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
const kinds = options.kinds?.split(",") ?? Object.keys(KINDS);

/** Starts both servers, each in its folder, with some more arguments. */
async function withServers(
  args: readonly string[],
  use: (clients: readonly RespClient[]) => Promise<void>,
): Promise<void> {
  const common = ["--enable-debug-command", "yes", "--save", ""];
  const hutch = await startHutch({ args: ["--dir", folders[0]!, ...common, ...args] });
  const redis = await startRedis(["--dir", folders[1]!, ...args]);
  const clients = [await RespClient.connect(hutch.port), await RespClient.connect(redis.port)];
  try {
    await use(clients);
  } finally {
    for (const client of clients) client.close();
    await hutch.stop();
    await redis.stop();
  }
}

/** Runs commands on both servers, in alternating rounds. @returns for each command the median of each server's times */
async function alternate(
  clients: readonly RespClient[],
  commands: readonly (readonly string[])[],
): Promise<number[][]> {
  const times = commands.map((): number[][] => clients.map(() => []));
  for (let round = 0; round < roundCount; round++) {
    for (const [index, client] of clients.entries()) {
      for (const [at, command] of commands.entries()) {
        times[at]![index]!.push(await time(client, ...command));
      }
    }
  }
  return times.map((both) => both.map(median));
}

/** A server's figure, redis-server's, and the ratio. */
function cells([ours, theirs]: readonly number[]): string[] {
  return [ours!.toFixed(0), theirs!.toFixed(0), (ours! / theirs!).toFixed(2)];
}

try {
  const rows = new Map<string, string[]>();
  await withServers([], async (clients) => {
    for (const kind of kinds) {
      for (const client of clients) await fill(client, kind);
      const [save, load] = await alternate(clients, [["SAVE"], ["DEBUG", "RELOAD", "NOSAVE"]]);
      const size = statSync(join(folders[0]!, "dump.rdb")).size / 1e6;
      rows.set(kind, [...cells(save!), ...cells(load!), size.toFixed(1)]);
    }
  });
  for (const kind of kinds) {
    const logged = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
    await withServers(logged, async (clients) => {
      for (const client of clients) await fill(client, kind);
      const [load] = await alternate(clients, [["DEBUG", "LOADAOF"]]);
      rows.get(kind)!.push(...cells(load!));
    });
    for (const folder of folders) {
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    }
  }
  const each = ["Hutch", "redis-server", "ratio"];
  const header = ["data", ...each, ...each, "MB", ...each];
  console.log("saving, loading, loading the log; ms");
  console.log(`| ${header.join(" | ")} |\n| ${header.map(() => "---").join(" | ")} |`);
  for (const [kind, row] of rows) console.log(`| ${kind} | ${row.join(" | ")} |`);
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
