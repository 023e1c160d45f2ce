/**
 * What a limit of memory costs: `bun run bench/eviction.ts [policies]`. redis-benchmark sends SETs of keys that are nearly always new to
 * Hutch and to redis-server, which are full: each makes a key go, by the policy. Both have the same limit, in which Hutch holds more
 * than twice as many keys. Rounds alternate, each server is on one core and the load on the other. CPU is what the server's process
 * takes for one SET, all threads.
 */
import type { Test } from "./compare/redis-benchmark.ts";
import { redisBenchmark } from "./compare/redis-benchmark.ts";
import { measureGrid } from "./compare/grid.ts";
import { say, table } from "./compare/report.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import { KEY_RANGE } from "./rig/requests.ts";
import { RespClient } from "./rig/resp-client.ts";
import type { RunningServer } from "./rig/servers.ts";
import { findServers, hutch, start } from "./rig/servers.ts";
import { median, ratios, spreadOf } from "./rig/statistics.ts";

const LIMIT: number = 64 * 1024 * 1024;
/** Keys are drawn from so many: almost none of them is there. */
const MANY = 1_000_000_000;
/** A limit that is never reached. */
const FAR: number = 64 * LIMIT;
/** SETs that fill a server. */
const FILLING = 3_000_000;

const ROUNDS = 4;
const SECONDS = 1;
const DEPTH = 16;

interface Subject {
  readonly name: string;
  readonly policy: string;
  readonly limit: number;
  readonly keys: number;
}

const POLICIES = [
  ...["allkeys-random", "allkeys-lru", "allkeys-lfu"],
  ...["volatile-random", "volatile-lru", "volatile-lfu", "volatile-ttl"],
];

const SUBJECTS: readonly Subject[] = [
  { name: "no limit", policy: "noeviction", limit: 0, keys: KEY_RANGE },
  { name: "far from the limit", policy: "noeviction", limit: FAR, keys: KEY_RANGE },
  ...POLICIES.map((policy) => ({ name: policy, policy, limit: LIMIT, keys: MANY })),
];

function testOf({ name, keys }: Subject): Test {
  const command = ["SET", "key:__rand_int__", "value-----------", "EX", "100000"];
  return { name, command, range: keys };
}

/** What each server was set up for last. */
const settings = new Map<RunningServer, Subject>();

/** Brings a server to where the subject is measured: empty, or full. */
async function prepare(server: RunningServer, subject: Subject): Promise<void> {
  const before = settings.get(server);
  if (before === subject) return;
  settings.set(server, subject);
  const { policy, limit, keys } = subject;
  const client = await RespClient.connect(server.port);
  await client.call(["CONFIG", "SET", "maxmemory", `${limit}`, "maxmemory-policy", policy]);
  if (before === undefined || before.keys !== keys) {
    await client.call(["FLUSHALL"]);
    await redisBenchmark(server.port, testOf(subject), 64, keys === MANY ? FILLING : 4 * keys);
  }
  client.close();
}

async function main(): Promise<void> {
  say(machineText(describeMachine()));
  moveToLoadCore();
  const names = process.argv.slice(2);
  const wanted = SUBJECTS.filter(
    ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
  );
  const redis = findServers().find(({ name }) => name === "redis-server");
  if (redis === undefined) throw new Error("redis-server is not installed");
  const servers = [await start(hutch()), await start(redis)] as const;
  const rows: string[][] = [];
  try {
    const arms = servers.map((server) => ({
      name: server.product.name,
      server,
      load: async (name: string, pipeline: number, requests: number) => {
        const subject = wanted.find((one) => one.name === name)!;
        await prepare(server, subject);
        return redisBenchmark(server.port, testOf(subject), pipeline, requests);
      },
    }));
    for (const { name } of wanted) {
      const cells = await measureGrid(arms, {
        operations: [name],
        depths: [DEPTH],
        rounds: ROUNDS,
        seconds: SECONDS,
        rateMax: () => 1_000_000,
        progress: () => {},
      });
      const [ours, theirs] = servers.map(({ product }) =>
        cells.find(({ arm }) => arm === product.name)!.rounds.map(({ cpuUsPerOp }) => cpuUsPerOp),
      ) as [number[], number[]];
      const { min: low, max: high } = spreadOf(ratios(ours, theirs));
      const ratio = median(ours) / median(theirs);
      rows.push([
        name,
        median(ours).toFixed(2),
        median(theirs).toFixed(2),
        `${ratio.toFixed(2)} (${low.toFixed(2)} - ${high.toFixed(2)})`,
      ]);
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  console.log(
    table([`SET EX, pipeline ${DEPTH}`, "CPU, µs: Hutch", "redis-server", "ratio"], rows),
  );
}

await main();
