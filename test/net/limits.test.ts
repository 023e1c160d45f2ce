/**
 * What clients that overdo it cost: many connections, connection storms, readers that do not read, floods before AUTH. At full
 * size (`bun run test:long`) numbers and times are those of the table of faults; else a share of the numbers, and times that
 * a busy machine keeps.
 */
import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { Socket } from "bun";
import { AUTH_TIMEOUT_MS } from "../../src/base/limits.ts";
import { crowding } from "../support/crowding.ts";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { startPings } from "../support/ping-probe.ts";
import { rounds } from "../support/seed.ts";

const FULL = rounds > 1;
/** How much longer than at full size, on a machine that is quiet then, an answer may take. */
const PATIENCE = FULL ? 1 : 10 * crowding();

let hutch: HutchProcess | null = null;
afterEach(async () => {
  await hutch?.stop();
  hutch = null;
});

interface Probe {
  readonly socket: Socket<undefined>;
  /** Everything received so far, as one-byte characters. */
  text: string;
  received: number;
  closed: boolean;
  /** Settles when `text` contains the words, or the connection is closed. */
  until(words: string): Promise<void>;
  readonly gone: Promise<void>;
}

async function open(port: number, read = true): Promise<Probe> {
  const gone = Promise.withResolvers<void>();
  let wake: (() => void) | null = null;
  const probe = { text: "", received: 0, closed: false, gone: gone.promise } as Probe & {
    socket: Socket<undefined>;
  };
  const end = (): void => {
    probe.closed = true;
    gone.resolve();
    wake?.();
  };
  probe.until = async (words) => {
    while (!probe.text.includes(words) && !probe.closed) {
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  probe.socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, chunk) {
        probe.received += chunk.length;
        if (probe.text.length < 4096) probe.text += chunk.toString("latin1");
        wake?.();
      },
      close: end,
      error: end,
    },
  });
  if (!read) probe.socket.pause();
  return probe;
}

function rssKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

/** Connections of this machine that were reset, since it started. */
function resets(): number {
  const [names, values] = readFileSync("/proc/net/snmp", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Tcp:"))
    .map((line) => line.split(" "));
  return Number(values![names!.indexOf("EstabResets")]);
}

function fdCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await Bun.sleep(10);
  }
}

/** The 99th percentile of `count` PINGs one after another, in milliseconds. */
async function pingP99(probe: Probe, count: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    probe.text = "";
    probe.socket.write("PING\r\n");
    await probe.until("PONG");
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(count * 0.99)]!;
}

test("10,000 idle connections answer, cost at most 20 KB each, and the next one is told so (L1)", async () => {
  hutch = await startHutch({ args: ["--maxclients", "10000"] });
  const { port, pid } = hutch;
  const active = await open(port);
  await pingP99(active, 100);
  const before = rssKiB(pid);
  const idle: Probe[] = [];
  // One is active, one measures.
  while (idle.length < 9998) {
    const missing = Math.min(250, 9998 - idle.length);
    idle.push(...(await Promise.all(Array.from({ length: missing }, () => open(port)))));
  }
  for (const probe of idle) probe.socket.write("*1\r\n$4\r\nPING\r\n");
  for (const probe of idle) await probe.until("+PONG\r\n");
  expect(idle.every((probe) => probe.text === "+PONG\r\n")).toBe(true);
  expect((rssKiB(pid) - before) / 10_000).toBeLessThan(20);
  const pings = await startPings(port);
  const refused = await open(port);
  await refused.gone;
  expect(refused.text).toBe("-ERR max number of clients reached\r\n");
  await pingP99(active, 500);
  expect((await pings.take()).p99Ms).toBeLessThan(5 * PATIENCE);
  await pings.stop();
  for (const probe of idle) probe.socket.terminate();
  await pingP99(active, 10);
  const again = await open(port);
  again.socket.write("PING\r\n");
  await again.until("PONG");
  expect(again.text).toBe("+PONG\r\n");
}, 60_000);

test("a storm of connections, half of them reset, leaves no file descriptor behind (L2)", async () => {
  hutch = await startHutch();
  const { port, pid } = hutch;
  const witness = await open(port);
  await pingP99(witness, 10);
  const before = fdCount(pid);
  const storm = FULL ? 50_000 : 5_000;
  const resetsBefore = resets();
  const begin = performance.now();
  for (let done = 0; done < storm; done += 100) {
    const probes = await Promise.all(Array.from({ length: 100 }, () => open(port)));
    probes.forEach((probe, i) => {
      if (i % 4 < 2) probe.socket.write("PING\r\n");
      if (i % 2 === 0) probe.socket.terminate();
      else probe.socket.end();
    });
  }
  if (FULL) expect(performance.now() - begin).toBeLessThan(20_000);
  expect(resets() - resetsBefore).toBeGreaterThanOrEqual(storm / 2);
  await waitUntil(() => Math.abs(fdCount(pid) - before) <= 5, "descriptors are back");
  expect(await pingP99(witness, 10)).toBeGreaterThan(0);
  expect(hutch.output().slice(0, 1000)).not.toContain("rror");
}, 120_000);

const MIB = 1024 * 1024;
const BIG: number = (FULL ? 100 : 50) * MIB;

/** Writes all of `bytes`, or as much as the peer takes before it closes. */
async function writeAll(probe: Probe, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length && !probe.closed) {
    const taken = probe.socket.write(bytes, at, bytes.length - at);
    if (taken < 0) return;
    at += taken;
    if (taken === 0) await Bun.sleep(1);
  }
}

async function setBig(port: number): Promise<void> {
  const writer = await open(port);
  const frame = Buffer.concat([
    Buffer.from(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${BIG}\r\n`),
    Buffer.alloc(BIG, 120),
    Buffer.from("\r\n"),
  ]);
  await writeAll(writer, frame);
  await writer.until("+OK");
  writer.socket.end();
}

test("a client that asks for much and never reads costs one reply above the bound, and nobody else waits (L4)", async () => {
  hutch = await startHutch({
    args: ["--client-output-buffer-limit", "normal", "256mb", "0", "0"],
  });
  const { port, pid } = hutch;
  await setBig(port);
  const pings = await startPings(port);
  await Bun.sleep(500);
  const aloneMs = (await pings.take()).p99Ms;
  const before = rssKiB(pid);
  const slow = await open(port, false);
  slow.socket.write("GET big\r\n".repeat(10));
  const witness = await open(port);
  const isWaiting = async (): Promise<boolean> => {
    witness.text = "";
    witness.socket.write("CLIENT LIST\r\nPING\r\n");
    await witness.until("PONG");
    return [...witness.text.matchAll(/omem=(\d+)/g)].some(([, size]) => Number(size) > BIG / 2);
  };
  await waitUntil(isWaiting, "the first reply waits to be read");
  await pings.take();
  await Bun.sleep(500);
  expect((await pings.take()).p99Ms).toBeLessThan(Math.max(2 * aloneMs, PATIENCE));
  expect(rssKiB(pid) - before).toBeLessThan((1.1 * 256 * MIB) / 1024);
  expect(rssKiB(pid) - before).toBeLessThan((2.2 * BIG) / 1024);
  // It is only slow: when it reads at last, all ten replies come.
  slow.socket.resume();
  await waitUntil(
    () => slow.received === 10 * (BIG + `$${BIG}\r\n\r\n`.length),
    "all replies came",
  );
  await pings.stop();
}, 60_000);

test("a client above the hard limit of unsent replies is closed at once", async () => {
  hutch = await startHutch({ args: ["--client-output-buffer-limit", "normal", "20mb", "0", "0"] });
  await setBig(hutch.port);
  const before = rssKiB(hutch.pid);
  const slow = await open(hutch.port, false);
  slow.socket.write("GET big\r\n");
  await waitUntil(() => hutch!.output().includes("output buffer limits"), "it is closed");
  expect(rssKiB(hutch.pid) - before).toBeLessThan((1.1 * 20 * MIB) / 1024);
  slow.socket.resume();
  await slow.gone;
  expect(slow.received).toBeLessThan(BIG);
});

test("a client above the soft limit is closed after its time, not before", async () => {
  hutch = await startHutch({
    args: ["--client-output-buffer-limit", "normal", "200mb", "10mb", "1"],
  });
  await setBig(hutch.port);
  const slow = await open(hutch.port, false);
  const start = performance.now();
  slow.socket.write("GET big\r\n");
  await waitUntil(() => hutch!.output().includes("output buffer limits"), "it is closed");
  expect(performance.now() - start).toBeGreaterThan(1000);
});

for (const [kind, begin, option] of [
  ["subscriber", "SUBSCRIBE news\r\n", "pubsub 64mb 0 0"],
  ["client that watches all commands", "MONITOR\r\n", "normal 64mb 0 0"],
] as const) {
  test(`a ${kind} that never reads is closed at the hard limit, costs no more, and nobody else waits (L4)`, async () => {
    hutch = await startHutch({ args: ["--client-output-buffer-limit", ...option.split(" ")] });
    const { port, pid } = hutch;
    const publisher = await open(port);
    const content = "x".repeat(100_000);
    const publish = `*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$${content.length}\r\n${content}\r\n`;
    const publishes = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        publisher.text = "";
        publisher.socket.write(publish);
        await publisher.until("\r\n");
      }
    };
    await publishes(300);
    const pings = await startPings(port);
    await pings.take();
    await publishes(300);
    const aloneMs = (await pings.take()).p99Ms;
    const before = rssKiB(pid);
    const slow = await open(port);
    slow.socket.write(begin);
    await slow.until("\r\n");
    slow.socket.pause();
    await pings.take();
    let highest = 0;
    await waitUntil(async () => {
      await publishes(10);
      highest = Math.max(highest, rssKiB(pid) - before);
      return hutch!.output().includes("output buffer limits");
    }, "it is closed");
    expect((await pings.take()).p99Ms).toBeLessThan(Math.max(2 * aloneMs, PATIENCE));
    // The allocator rounds what waits up, by an eighth at most; the heap of JavaScript comes and goes.
    expect(highest).toBeLessThan((1.1 * 1.125 * 64 * MIB + 16 * MIB) / 1024);
    slow.socket.resume();
    await slow.gone;
    await pings.stop();
  }, 60_000);
}

/** What a flooding connection sends, again and again until it is cut off. */
const FLOODS: readonly string[] = [
  "*1000000000\r\n",
  "*2\r\n$4\r\nAUTH\r\n$536870912\r\n",
  "GET x\r\n".repeat(3000),
  "x".repeat(70_000),
];
/** The one of them whose answers nobody reads. */
const UNREAD = 2;

/** Sends byte after byte of a password until the server has had enough. Returns after how many milliseconds that was. */
async function sendSlowly(port: number): Promise<number> {
  const probe = await open(port);
  const begin = performance.now();
  probe.socket.write("*2\r\n$4\r\nAUTH\r\n$16384\r\n");
  while (!probe.closed) {
    probe.socket.write("y");
    await Bun.sleep(20);
  }
  return performance.now() - begin;
}

test("floods before AUTH are cut off, cost little, and others do not notice (L5)", async () => {
  hutch = await startHutch({ args: ["--requirepass", "secret"] });
  const { port, pid } = hutch;
  const user = await open(port);
  user.socket.write("AUTH secret\r\n");
  await user.until("+OK");
  await pingP99(user, 200);
  const connected = async (): Promise<number> => {
    user.text = "";
    user.socket.write("INFO clients\r\n");
    await user.until("connected_clients");
    return Number(/connected_clients:(\d+)/.exec(user.text)![1]);
  };
  const pings = await startPings(port, "secret");
  const before = rssKiB(pid);
  let highest = before;
  const sampling = setInterval(() => (highest = Math.max(highest, rssKiB(pid))), 5);
  const count = 1000;
  const flooding = Array.from({ length: count }, async (_, i) => {
    const probe = await open(port, i % FLOODS.length !== UNREAD);
    const flood = Buffer.from(FLOODS[i % FLOODS.length]!);
    // Whoever does not read does not see that it is over.
    do {
      await writeAll(probe, flood);
      await Bun.sleep(1);
    } while (i % FLOODS.length !== UNREAD && !probe.closed);
    return probe;
  });
  const dripping = Array.from({ length: FULL ? 250 : 50 }, () => sendSlowly(port));
  const probes = await Promise.all(flooding);
  for (const tookMs of await Promise.all(dripping)) {
    expect(tookMs).toBeGreaterThan(AUTH_TIMEOUT_MS / 2);
    expect(tookMs).toBeLessThan(AUTH_TIMEOUT_MS * 2);
  }
  await waitUntil(async () => (await connected()) === 2, "all of them are closed");
  clearInterval(sampling);
  const { p99Ms } = await pings.take();
  await pings.stop();
  expect(probes[0]!.text).toContain("unauthenticated multibulk length");
  expect(probes[1]!.text).toContain("unauthenticated bulk length");
  expect((highest - before) / 1024).toBeLessThan(100);
  expect(p99Ms).toBeLessThan(10 * PATIENCE);
  for (const probe of probes) probe.socket.terminate();
}, 60_000);

test("a drip of single bytes before AUTH is not buffered beyond its bound", async () => {
  hutch = await startHutch({ args: ["--requirepass", "secret"] });
  const drip = await open(hutch.port);
  drip.socket.write("*2\r\n$4\r\nAUTH\r\n$16384\r\n");
  for (let i = 0; i < 70 && !drip.closed; i++) {
    drip.socket.write("y".repeat(1000));
    await Bun.sleep(0);
  }
  await drip.gone;
  expect(drip.text).not.toContain("+OK");
});

test("commands that do not end are bounded by client-query-buffer-limit", async () => {
  hutch = await startHutch({ args: ["--client-query-buffer-limit", "3mb"] });
  const before = rssKiB(hutch.pid);
  const endless = await open(hutch.port);
  const modest = await open(hutch.port);
  for (const probe of [endless, modest]) probe.socket.write(`*2\r\n$4\r\nECHO\r\n$${64 * MIB}\r\n`);
  await writeAll(modest, Buffer.alloc(2 * MIB, 120));
  await writeAll(endless, Buffer.alloc(64 * MIB, 120));
  await endless.gone;
  expect(endless.received).toBe(0);
  expect(hutch.output()).toContain("Closing client that reached max query buffer length");
  expect(rssKiB(hutch.pid) - before).toBeLessThan((24 * MIB) / 1024);
  expect(modest.closed).toBe(false);
  modest.socket.terminate();
});

test("a reply that no connection may hold closes its client, and the server goes on", async () => {
  hutch = await startHutch();
  await setBig(hutch.port);
  const greedy = await open(hutch.port);
  greedy.socket.write(`MGET ${"big ".repeat(21)}\r\n`);
  await greedy.gone;
  expect(greedy.received).toBe(0);
  expect(hutch.output()).toContain("output buffer limits");
  const other = await open(hutch.port);
  other.socket.write("PING\r\n");
  await other.until("PONG");
  expect(other.text).toBe("+PONG\r\n");
}, 60_000);
