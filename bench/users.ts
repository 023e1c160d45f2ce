/**
 * What users cost: `bun run bench/users.ts [rounds]`.
 *
 * redis-benchmark sends SET and GET to a server without users, to one with a hundred as the default user, and to that one as a user who may
 * run a few commands on keys of one pattern only. They take turns, in one order and then in the other. What counts is the CPU time of
 * the server's process, all threads, for one request; ratios are to the server without users, within a round.
 */
import { ownTest, redisBenchmark } from "./compare/redis-benchmark.ts";
import { progress, say, spreadText, table } from "./compare/report.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import { RespClient } from "./rig/resp-client.ts";
import { cpuBetween, sampleCpu } from "./rig/schedstat.ts";
import type { RunningServer } from "./rig/servers.ts";
import { findServers, hutch, start } from "./rig/servers.ts";
import { abba, ratios, spreadOf } from "./rig/statistics.ts";

const USERS = 100;
const OPERATIONS = ["SET", "GET"] as const;
/** Pipeline, and requests that are measured. */
const DEPTHS: readonly (readonly [depth: number, requests: number])[] = [
  [16, 800_000],
  [1, 100_000],
];
/** The kernel brings figures of threads up to date when they are idle. */
const SETTLE_MS = 20;

const rounds = Number(process.argv[2] ?? 4);

/** Who sends, and to which server. */
interface Arm {
  readonly name: string;
  readonly server: RunningServer;
  readonly user?: string;
}

async function addUsers({ port }: RunningServer): Promise<void> {
  const client = await RespClient.connect(port);
  for (let i = 0; i < USERS; i++) {
    const rules = ["on", "nopass", "-@all", "+@read", "+@write", "+@connection", "+config|get"];
    await client.call(["ACL", "SETUSER", `user${i}`, ...rules, "~key:*", `~own${i}:*`]);
  }
  client.close();
}

/** Nanoseconds of CPU that one request takes the server. */
async function measure(
  { server, user }: Arm,
  operation: string,
  depth: number,
  requests: number,
): Promise<number> {
  const test = ownTest(operation);
  await redisBenchmark(server.port, test, depth, requests / 4, user);
  await Bun.sleep(SETTLE_MS);
  const before = sampleCpu(server.pid);
  const load = await redisBenchmark(server.port, test, depth, requests, user);
  await Bun.sleep(SETTLE_MS);
  return cpuBetween(before, sampleCpu(server.pid)).ns / load.requests;
}

async function main(): Promise<void> {
  const machine = describeMachine();
  moveToLoadCore();
  say(machineText(machine));
  const rows: string[][] = [];
  for (const product of [hutch(), ...findServers().slice(0, 1)]) {
    const servers = [await start(product), await start(product)] as const;
    try {
      await addUsers(servers[1]);
      const arms: readonly Arm[] = [
        { name: "no users", server: servers[0] },
        { name: `${USERS} users, the default one`, server: servers[1] },
        { name: `${USERS} users, a restricted one`, server: servers[1], user: "user7" },
      ];
      for (const [depth, requests] of DEPTHS) {
        for (const operation of OPERATIONS) {
          const figures: number[][] = arms.map(() => []);
          for (let round = 0; round < rounds; round++) {
            progress(
              `${product.name}, ${operation}, depth ${depth}, round ${round + 1} of ${rounds}`,
            );
            for (const index of abba([...arms.keys()], round)) {
              figures[index]!.push(await measure(arms[index]!, operation, depth, requests));
            }
          }
          for (const [index, { name }] of arms.entries()) {
            rows.push([
              `${product.name}, ${operation}, ${depth}`,
              name,
              spreadText(spreadOf(figures[index]!), 0),
              spreadText(spreadOf(ratios(figures[index]!, figures[0]!)), 3),
            ]);
          }
        }
      }
    } finally {
      for (const server of servers) await server.stop();
    }
  }
  say(`\n${table(["server, operation, pipeline", "who", "CPU, ns", "ratio"], rows)}`);
}

await main();
process.exit(0);
