/**
 * Scripts beside redis-server: `bun run bench/scripts.ts [names]`. Both servers run the same scripts by EVALSHA, in alternating
 * rounds, each server on one core and the load on the other. CPU is what the server's process takes for one call, all threads.
 * All keys exist before the first script, so that a figure does not depend on which scripts ran before it.
 */
import { table } from "./compare/report.ts";
import { measureGrid } from "./compare/grid.ts";
import { redisBenchmark } from "./compare/redis-benchmark.ts";
import { KEY_RANGE, keyOf } from "./rig/requests.ts";
import { RespClient } from "./rig/resp-client.ts";
import type { RunningServer } from "./rig/servers.ts";
import { findServers, hutch, start } from "./rig/servers.ts";
import { median, ratios, spreadOf } from "./rig/statistics.ts";

interface Subject {
  readonly script: string;
  readonly depth: number;
  /** At most so many times redis-server's CPU time. */
  readonly target: number;
  /** Calls in a second of a fast server. */
  readonly rate: number;
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  "get and set": {
    script: "local v = redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], ARGV[1]) return v",
    depth: 16,
    target: 0.8,
    rate: 300_000,
  },
  "a thousand calls": {
    script:
      "local n = 0 for i = 1, 1000 do n = n + #(redis.call('GET', KEYS[1]) or '') end return n",
    depth: 1,
    target: 0.35,
    rate: 3000,
  },
  "a loop of a million steps": {
    script: "local s = 0 for i = 1, 1000000 do s = s + i % 7 * 2 end return s",
    depth: 1,
    target: 0.4,
    rate: 200,
  },
  "fib(25)": {
    script:
      "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(25)",
    depth: 1,
    target: 0.4,
    rate: 500,
  },
  "building a string": {
    script:
      "local parts = {} for i = 1, 2000 do parts[#parts + 1] = 'item ' .. i .. ',' end " +
      "local s = table.concat(parts) for i = 1, 200 do s = s .. i end return #s",
    depth: 1,
    target: 1,
    rate: 3000,
  },
  "cjson, 10 KB": {
    script:
      "local t = {} for i = 1, 100 do t[i] = {id = i, name = 'user ' .. i, tags = {'a', 'b', 'c'}, score = i / 3, active = true, " +
      "note = 'some text that is long enough'} end " +
      "local text = cjson.encode(t) return #cjson.encode(cjson.decode(text))",
    depth: 1,
    target: 1,
    rate: 3000,
  },
};

/** What redis-benchmark's scripts are given, and what keys hold. */
const VALUE = "value";
/** Commands in one write that fills the keyspace. */
const FILL_BATCH = 1000;

const ROUNDS = 3;
const SECONDS = 0.7;

async function load(server: RunningServer): Promise<ReadonlyMap<string, string>> {
  const client = await RespClient.connect(server.port);
  const shas = new Map<string, string>();
  for (const [name, { script }] of Object.entries(SUBJECTS)) {
    const reply = (await client.call(["SCRIPT", "LOAD", script])).toString("latin1");
    shas.set(name, reply.split("\r\n")[1]!);
  }
  const fill = { count: KEY_RANGE, command: (index: number) => ["SET", keyOf(index), VALUE] };
  await client.callMany(fill, FILL_BATCH);
  client.close();
  return shas;
}

const names = process.argv.slice(2);
const wanted = Object.entries(SUBJECTS).filter(
  ([name]) => names.length === 0 || names.some((part) => name.includes(part)),
);
const redis = findServers().find(({ name }) => name === "redis-server");
if (redis === undefined) throw new Error("redis-server is not installed");
const servers = [await start(hutch()), await start(redis)];
const rows: string[][] = [];
try {
  const shas = await load(servers[0]!);
  await load(servers[1]!);
  for (const [name, { depth, target, rate }] of wanted) {
    const test = {
      name,
      command: ["EVALSHA", shas.get(name)!, "1", "key:__rand_int__", VALUE],
      range: KEY_RANGE,
    };
    const arms = servers.map((server) => ({
      name: server.product.name,
      server,
      load: (_: string, pipeline: number, requests: number) =>
        redisBenchmark(server.port, test, pipeline, requests),
    }));
    const cells = await measureGrid(arms, {
      operations: [name],
      depths: [depth],
      rounds: ROUNDS,
      seconds: SECONDS,
      rateMax: () => rate,
      progress: () => {},
    });
    const [ours, theirs] = servers.map(({ product }) =>
      cells.find(({ arm }) => arm === product.name)!.rounds.map(({ cpuUsPerOp }) => cpuUsPerOp),
    ) as [number[], number[]];
    const { min: low, max: high } = spreadOf(ratios(ours, theirs));
    const ratio = median(ours) / median(theirs);
    rows.push([
      `${name}, ${depth}`,
      median(ours).toFixed(2),
      median(theirs).toFixed(2),
      `${ratio.toFixed(2)} (${low.toFixed(2)} - ${high.toFixed(2)})`,
      `${target}${ratio > target ? " missed" : ""}`,
    ]);
  }
} finally {
  for (const server of servers) await server.stop();
}
console.log(table(["script, pipeline", "CPU, µs: Hutch", "redis-server", "ratio", "target"], rows));
