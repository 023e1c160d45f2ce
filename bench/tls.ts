/**
 * SET and GET by TLS beside redis-server by TLS: `bun run bench/tls.ts [rounds]`.
 *
 * The load is redis-benchmark's, fifty connections with one request under way or a pipeline. Each server is bound to one core and the
 * load to another; they take turns, in one order and then in the other. Beside requests per second stands the CPU time that one takes
 * the server's process: the load encrypts as much as the server does, so it may be what limits both.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownTest, redisBenchmark } from "./compare/redis-benchmark.ts";
import { progress, say, spreadText, table } from "./compare/report.ts";
import { capture, describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import { cpuBetween, sampleCpu } from "./rig/schedstat.ts";
import type { Product, RunningServer } from "./rig/servers.ts";
import { findServers, hutch, start } from "./rig/servers.ts";
import { abba, spreadOf } from "./rig/statistics.ts";

interface Cell {
  readonly name: "SET" | "GET";
  readonly depth: number;
  readonly requests: number;
  /** Each request comes on a connection of its own, with a handshake. */
  readonly reconnects?: boolean;
}

const CELLS: readonly Cell[] = [
  { name: "SET", depth: 1, requests: 60_000 },
  { name: "GET", depth: 1, requests: 60_000 },
  { name: "SET", depth: 16, requests: 600_000 },
  { name: "GET", depth: 16, requests: 600_000 },
  { name: "SET", depth: 64, requests: 1_200_000 },
  { name: "GET", depth: 64, requests: 1_200_000 },
  { name: "GET", depth: 1, requests: 1500, reconnects: true },
];

const rounds = Number(process.argv[2] ?? 4);
const folder = mkdtempSync(join(tmpdir(), "hutch-bench-tls-"));
const certificate = join(folder, "server.crt");
const key = join(folder, "server.key");

/** A server with a TLS port, and that port. */
interface Subject {
  readonly server: RunningServer;
  readonly tlsPort: number;
}

async function startByTls(product: Product): Promise<Subject> {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const tlsPort = listener.port;
  listener.stop(true);
  const words = [
    ...["--tls-port", String(tlsPort), "--tls-auth-clients", "no"],
    ...["--tls-cert-file", certificate, "--tls-key-file", key],
    ...["--tls-ca-cert-file", certificate],
  ];
  return { server: await start(product, { words }), tlsPort };
}

interface Figure {
  readonly perSecond: number;
  readonly cpuUs: number;
}

async function measure({ server, tlsPort }: Subject, cell: Cell): Promise<Figure> {
  const { name, depth, requests, reconnects } = cell;
  const words = ["--tls", "--cacert", certificate, ...(reconnects === true ? ["-k", "0"] : [])];
  await redisBenchmark(tlsPort, ownTest(name), depth, requests / 4, undefined, words);
  const before = sampleCpu(server.pid);
  const result = await redisBenchmark(tlsPort, ownTest(name), depth, requests, undefined, words);
  const { ns } = cpuBetween(before, sampleCpu(server.pid));
  return {
    perSecond: result.requests / result.seconds,
    cpuUs: ns / result.requests / 1000,
  };
}

async function main(): Promise<void> {
  const machine = describeMachine();
  moveToLoadCore();
  capture([
    ...["openssl", "req", "-x509", "-days", "2", "-nodes", "-subj", "/CN=127.0.0.1"],
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
  ]);
  const products = [hutch(), ...findServers().slice(0, 1)];
  say(machineText(machine));
  say(`servers  ${products.map(({ name, version }) => `${name} ${version}`).join(", ")}`);
  const subjects: Subject[] = [];
  const rows: string[][] = [];
  try {
    for (const product of products) subjects.push(await startByTls(product));
    for (const cell of CELLS) {
      const title = `${cell.name}, ${cell.reconnects === true ? "a handshake each" : `depth ${cell.depth}`}`;
      const figures: Figure[][] = subjects.map(() => []);
      for (let round = 0; round < rounds; round++) {
        progress(`${title}, round ${round + 1} of ${rounds}`);
        for (const index of abba([...subjects.keys()], round)) {
          figures[index]!.push(await measure(subjects[index]!, cell));
        }
      }
      rows.push([title, ...rowOf(figures, "perSecond", 0), ...rowOf(figures, "cpuUs", 2)]);
    }
  } finally {
    for (const { server } of subjects) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const names = products.map(({ name }) => name);
  const heads = ["requests/s", "µs of CPU"].flatMap((unit) => [
    ...names.map((name) => `${name}, ${unit}`),
    "ratio",
  ]);
  say(`\n${table(["by TLS", ...heads], rows)}`);
}

/** The figures of each server, and those of the first divided by those of the second. */
function rowOf(figures: readonly Figure[][], field: keyof Figure, digits: number): string[] {
  const values = figures.map((all) => all.map((figure) => figure[field]));
  const [own, other = own] = values as [number[], number[]?];
  const ratios = own.map((value, round) => value / other[round]!);
  return [
    ...values.map((all) => spreadText(spreadOf(all), digits)),
    spreadText(spreadOf(ratios), 2),
  ];
}

await main();
process.exit(0);
