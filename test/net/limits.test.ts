/** What clients that overdo it cost: many connections, connection storms, readers that do not read, floods before AUTH. */
import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { Socket } from "bun";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";

const LONG = process.env["HUTCH_LONG"] === "1";

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

function fdCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
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
  while (idle.length < 9999) {
    const missing = Math.min(250, 9999 - idle.length);
    idle.push(...(await Promise.all(Array.from({ length: missing }, () => open(port)))));
  }
  for (const probe of idle) probe.socket.write("*1\r\n$4\r\nPING\r\n");
  for (const probe of idle) await probe.until("+PONG\r\n");
  expect(idle.every((probe) => probe.text === "+PONG\r\n")).toBe(true);
  expect((rssKiB(pid) - before) / 10_000).toBeLessThan(20);
  expect(await pingP99(active, 500)).toBeLessThan(5);
  const refused = await open(port);
  await refused.gone;
  expect(refused.text).toBe("-ERR max number of clients reached\r\n");
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
  const storm = LONG ? 50_000 : 10_000;
  for (let done = 0; done < storm; done += 100) {
    const probes = await Promise.all(Array.from({ length: 100 }, () => open(port)));
    probes.forEach((probe, i) => {
      if (i % 4 < 2) probe.socket.write("PING\r\n");
      if (i % 2 === 0) probe.socket.terminate();
      else probe.socket.end();
    });
  }
  await waitUntil(() => Math.abs(fdCount(pid) - before) <= 5, "descriptors are back");
  expect(await pingP99(witness, 10)).toBeGreaterThan(0);
  expect(hutch.output().slice(0, 1000)).not.toContain("rror");
}, 120_000);

const BIG = 50 * 1024 * 1024;

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
    args: ["--client-output-buffer-limit", "normal", "256mb", "64mb", "60"],
  });
  const { port, pid } = hutch;
  await setBig(port);
  const other = await open(port);
  await pingP99(other, 200);
  const before = rssKiB(pid);
  const slow = await open(port, false);
  slow.socket.write("GET big\r\n".repeat(10));
  await waitUntil(() => rssKiB(pid) - before > BIG / 1024 / 2, "the first reply waits to be read");
  expect(await pingP99(other, 200)).toBeLessThan(10);
  expect(rssKiB(pid) - before).toBeLessThan((2.2 * BIG) / 1024);
  // It is only slow: when it reads at last, all ten replies come.
  slow.socket.resume();
  await waitUntil(
    () => slow.received === 10 * (BIG + `$${BIG}\r\n\r\n`.length),
    "all replies came",
  );
}, 60_000);

test("a client above the hard limit of unsent replies is closed at once", async () => {
  hutch = await startHutch({ args: ["--client-output-buffer-limit", "normal", "20mb", "0", "0"] });
  await setBig(hutch.port);
  const slow = await open(hutch.port, false);
  slow.socket.write("GET big\r\n");
  await waitUntil(() => hutch!.output().includes("output buffer limits"), "it is closed");
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

test("floods before AUTH are cut off, cost little, and others do not notice (L5)", async () => {
  hutch = await startHutch({ args: ["--requirepass", "secret"] });
  const { port, pid } = hutch;
  const user = await open(port);
  user.socket.write("AUTH secret\r\n");
  await user.until("+OK");
  await pingP99(user, 200);
  const before = rssKiB(pid);
  const floods = [
    "*1000000000\r\n",
    "*2\r\n$4\r\nAUTH\r\n$536870912\r\n",
    "GET x\r\n".repeat(3000),
    "x".repeat(70_000),
  ];
  const probes = await Promise.all(Array.from({ length: 1000 }, (_, i) => open(port, i % 4 !== 2)));
  const flooding = probes.map((probe, i) =>
    writeAll(probe, Buffer.from(floods[i % floods.length]!)),
  );
  const p99 = await pingP99(user, 500);
  await Promise.all(flooding);
  const refused = probes.filter((_, i) => i % 4 !== 2);
  await Promise.all(refused.map((probe) => probe.gone));
  expect(refused[0]!.text).toContain("unauthenticated multibulk length");
  expect(refused[1]!.text).toContain("unauthenticated bulk length");
  expect((rssKiB(pid) - before) / 1024).toBeLessThan(100);
  expect(p99).toBeLessThan(10);
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

test("a reply that no connection may hold closes its client, and the server goes on", async () => {
  hutch = await startHutch();
  await setBig(hutch.port);
  const greedy = await open(hutch.port);
  greedy.socket.write(`MGET ${"big ".repeat(21)}\r\n`);
  await greedy.gone;
  expect(greedy.received).toBe(0);
  expect(hutch.output()).toContain("a reply of more than");
  const other = await open(hutch.port);
  other.socket.write("PING\r\n");
  await other.until("PONG");
  expect(other.text).toBe("+PONG\r\n");
}, 60_000);
