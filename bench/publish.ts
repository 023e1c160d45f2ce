/**
 * What a PUBLISH costs the server beside redis-server, by the number of subscribers: `bun run bench/publish.ts [rounds]`.
 *
 * A publisher sends PUBLISHes of 16 bytes, one or a pipeline, and the next when all subscribers have got all messages. Each server is
 * bound to one core and the load to another; they take turns, in one order and then in the other. What counts is the CPU time of
 * the server's process, all threads, for one PUBLISH.
 */
import type { Socket } from "bun";
import { progress, say, spreadText, table } from "./compare/report.ts";
import { describeMachine, machineText, moveToLoadCore } from "./rig/machine.ts";
import { cpuBetween, sampleCpu } from "./rig/schedstat.ts";
import type { RunningServer } from "./rig/servers.ts";
import { findServers, hutch, start } from "./rig/servers.ts";
import { abba, spreadOf } from "./rig/statistics.ts";

/** Subscribers, PUBLISHes sent in one write, and how many of them are measured. */
const CELLS: readonly (readonly [subscribers: number, depth: number, publishes: number])[] = [
  [1, 1, 40_000],
  [1, 16, 160_000],
  [100, 1, 3000],
  [100, 16, 16_000],
  [10_000, 1, 30],
];
/** Connections opened at a time: fewer than the backlog of a listener holds. */
const OPENED_AT_ONCE = 200;
/** The kernel brings figures of threads up to date when they are idle. */
const SETTLE_MS = 20;
const CLOSE_MS = 200;

const rounds = Number(process.argv[2] ?? 4);
const CONTENT = "x".repeat(16);
const PUBLISH = Buffer.from(`*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$16\r\n${CONTENT}\r\n`);
const SUBSCRIBE = "*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n";
const CONFIRMATION = "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n";
const MESSAGE = `*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$16\r\n${CONTENT}\r\n`;

/** Connections to one server, and the bytes that are still to come on all of them together. */
class Load {
  #pending = 0;
  #done: () => void = () => {};
  readonly #sockets: Socket[] = [];
  #publisher: Socket | null = null;
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async #connect(): Promise<Socket> {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#port,
      socket: {
        data: (_socket, chunk) => {
          this.#pending -= chunk.length;
          if (this.#pending === 0) this.#done();
        },
      },
    });
    this.#sockets.push(socket);
    return socket;
  }

  /** Sends bytes and waits for so many. */
  #exchange(socket: Socket, bytes: string | Buffer, expected: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pending += expected;
    this.#done = resolve;
    socket.write(bytes);
    return promise;
  }

  async subscribe(count: number): Promise<void> {
    this.#publisher ??= await this.#connect();
    await this.#exchange(this.#publisher, "CONFIG SET maxclients 12000\r\n", 5);
    while (this.#sockets.length - 1 < count) {
      const missing = Math.min(OPENED_AT_ONCE, count - (this.#sockets.length - 1));
      const sockets = await Promise.all(Array.from({ length: missing }, () => this.#connect()));
      for (const socket of sockets) await this.#exchange(socket, SUBSCRIBE, CONFIRMATION.length);
    }
  }

  /** Publishes messages in pipelines of `depth`, and waits for each pipeline's messages and replies. */
  async publish(publishes: number, depth: number): Promise<void> {
    const subscribers = this.#sockets.length - 1;
    const bytes = Buffer.concat(Array.from({ length: depth }, () => PUBLISH));
    const reply = `:${subscribers}\r\n`.length;
    const expected = depth * (reply + subscribers * MESSAGE.length);
    for (let sent = 0; sent < publishes; sent += depth) {
      await this.#exchange(this.#publisher!, bytes, expected);
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

/** Microseconds of CPU that one PUBLISH takes the server. Its connections are opened for this: all at once would be too many. */
async function measure(
  server: RunningServer,
  subscribers: number,
  publishes: number,
  depth: number,
): Promise<number> {
  const load = new Load(server.port);
  try {
    await load.subscribe(subscribers);
    await load.publish(Math.ceil(publishes / 4), depth);
    await Bun.sleep(SETTLE_MS);
    const before = sampleCpu(server.pid);
    await load.publish(publishes, depth);
    await Bun.sleep(SETTLE_MS);
    return cpuBetween(before, sampleCpu(server.pid)).ns / publishes / 1000;
  } finally {
    load.close();
    // The server learns that they have gone.
    await Bun.sleep(CLOSE_MS);
  }
}

async function main(): Promise<void> {
  const machine = describeMachine();
  moveToLoadCore();
  const products = [hutch(), ...findServers().slice(0, 1)];
  say(machineText(machine));
  say(`servers  ${products.map(({ name, version }) => `${name} ${version}`).join(", ")}`);
  const rows: string[][] = [];
  for (const [subscribers, depth, publishes] of CELLS) {
    const servers: RunningServer[] = [];
    const figures: number[][] = products.map(() => []);
    try {
      for (const product of products) servers.push(await start(product));
      for (let round = 0; round < rounds; round++) {
        progress(`${subscribers} subscribers, depth ${depth}, round ${round + 1} of ${rounds}`);
        for (const index of abba([...servers.keys()], round)) {
          figures[index]!.push(await measure(servers[index]!, subscribers, publishes, depth));
        }
      }
    } finally {
      for (const server of servers) await server.stop();
    }
    const ratios = figures[0]!.map((own, round) => own / (figures[1]?.[round] ?? own));
    rows.push([
      `${subscribers}, depth ${depth}`,
      ...figures.map((all) => spreadText(spreadOf(all), 2)),
      spreadText(spreadOf(ratios), 2),
    ]);
  }
  say(
    `\n${table(["subscribers", ...products.map(({ name }) => `${name}, µs of CPU`), "ratio"], rows)}`,
  );
}

await main();
process.exit(0);
