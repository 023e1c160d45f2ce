/** `maxmemory-clients`: who takes the most is closed first, whatever he takes it for; the others stay. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { cpuMs } from "../support/cpu-time.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;

let hutch: Instance;
let observer: RespClient;
const clients: RespClient[] = [];

beforeAll(async () => {
  hutch = startInProcess();
  observer = await RespClient.connect(hutch.port);
  await observer.call("CLIENT", "NO-EVICT", "ON");
  await observer.call("SET", "big", "x".repeat(4 * MIB));
});
afterAll(async () => {
  observer.close();
  await hutch.stop();
});
beforeEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await until("all others to be gone", () => hutch.engine.sessions.size === 1);
  await observer.call("CONFIG", "SET", "maxmemory", "0", "maxmemory-clients", "0");
  await observer.call("CONFIG", "RESETSTAT");
});

async function open(): Promise<RespClient> {
  const client = await RespClient.connect(hutch.port);
  clients.push(client);
  await client.call("PING");
  return client;
}

/** Begins a SET that needs so many bytes more than it sends. */
async function fill(client: RespClient, size: number): Promise<void> {
  const before = total();
  client.write(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${size + 100}\r\n`);
  client.write(Buffer.alloc(size, 120));
  await until("it to arrive", () => total() >= before + size || evicted() > 0);
}

function total(): number {
  return hutch.engine.clientMemory.total;
}

function evicted(): number {
  return hutch.engine.stats.evictedClients;
}

async function evictedAre(count: number): Promise<void> {
  await until(`${count} to be closed`, () => evicted() >= count);
  expect(evicted()).toBe(count);
  expect(await observer.text("INFO", "stats")).toContain(`evicted_clients:${count}\\x0d`);
}

describe("a client is closed for", () => {
  const WAYS: Readonly<Record<string, (client: RespClient) => Promise<void> | void>> = {
    "a command that does not end": (client) => fill(client, 2 * MIB),
    "commands that it has queued": (client) => {
      client.write("MULTI\r\n");
      for (let i = 0; i < 30; i++) client.write(`SET k${i} ${"x".repeat(60_000)}\r\n`);
    },
    "replies that it does not read": (client) => {
      client.pause();
      client.write("GET big\r\nGET big\r\nGET big\r\n");
    },
    "keys that it watches": (client) => {
      for (let i = 0; i < 40; i++) client.write(`WATCH ${i}${"k".repeat(50_000)}\r\n`);
    },
    "channels that it has subscribed to": (client) => {
      for (let i = 0; i < 40; i++) client.write(`SSUBSCRIBE ${i}${"c".repeat(50_000)}\r\n`);
    },
    "prefixes that it tracks": (client) => {
      for (let i = 0; i < 400; i++) {
        client.write(
          `CLIENT TRACKING ON BCAST PREFIX ${String(i).padStart(3, "0")}${"p".repeat(5000)}\r\n`,
        );
      }
    },
  };
  for (const [name, way] of Object.entries(WAYS)) {
    test(name, async () => {
      await observer.call("CONFIG", "SET", "maxmemory-clients", "1mb");
      const small = await open();
      const large = await open();
      if (name.startsWith("prefixes")) await large.call("HELLO", "3");
      await way(large);
      large.resume();
      await large.closed;
      await evictedAre(1);
      expect(await small.text("PING")).toBe("+PONG");
    });
  }
});

test("the largest are closed first, and no more than must be", async () => {
  const sizes = [200, 900, 100, 600, 300].map((kib) => kib * 1024);
  const opened: RespClient[] = [];
  for (const size of sizes) {
    const client = await open();
    opened.push(client);
    await fill(client, size);
  }
  const closed: number[] = [];
  opened.forEach((client, index) => void client.closed.then(() => closed.push(index)));
  await observer.call("CONFIG", "SET", "maxmemory-clients", "1mb");
  await evictedAre(2);
  await until("their ends", () => closed.length === 2);
  expect(closed.toSorted()).toEqual([1, 3]);
  expect(total()).toBeLessThan(MIB);
});

test("who has said CLIENT NO-EVICT stays, until he takes it back", async () => {
  const large = await open();
  await large.call("CLIENT", "NO-EVICT", "ON");
  const small = await open();
  await observer.call("CONFIG", "SET", "maxmemory-clients", "1mb");
  const value = "x".repeat(2 * MIB);
  large.write(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n`);
  large.write(value);
  // Everybody else goes, since what they take is not enough.
  await small.closed;
  await evictedAre(1);
  large.write("\r\n");
  expect(await large.read()).toEqual({ type: "simple", text: "OK" });
  await large.call("CLIENT", "NO-EVICT", "OFF");
  await fill(large, 2 * MIB);
  await large.closed;
  await evictedAre(2);
});

test("the limit may be a share of maxmemory, by default a twentieth, and is not lower than 128 KiB", async () => {
  const { options, clientMemory } = hutch.engine;
  const limits: [string, string, number][] = [
    ["0", "5%", Infinity],
    ["100mb", "5%", 5 * MIB],
    ["100mb", "50%", 50 * MIB],
    ["100mb", "0", Infinity],
    ["100mb", "0%", Infinity],
    ["100mb", "10mb", 10 * MIB],
    ["1mb", "5%", 128 * 1024],
    ["0", "1", 128 * 1024],
  ];
  for (const [maxmemory, clientsMax, limit] of limits) {
    options.setAll([
      ["maxmemory", maxmemory],
      ["maxmemory-clients", clientsMax],
    ]);
    expect([maxmemory, clientsMax, clientMemory.limit]).toEqual([maxmemory, clientsMax, limit]);
  }
  expect(options.rows.get("maxmemory-clients")!.default).toBe("5%");
});

test("many clients at once are closed in slices, and nothing of them is left in the sum", async () => {
  await observer.call("CONFIG", "SET", "maxmemory-clients", "60mb");
  const before = total();
  const many = await Promise.all(Array.from({ length: 300 }, open));
  for (const client of many) {
    client.write("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n");
    client.write(Buffer.alloc(150_000, 120));
  }
  await until("all to arrive", () => total() > 50 * MIB);
  const { clientEviction, options } = hutch.engine;
  expect(options.set("maxmemory-clients", "10mb")).toBeNull();
  const start = cpuMs();
  clientEviction.evict();
  expect(cpuMs() - start).toBeLessThan(10);
  await until("enough to be closed", () => total() <= 10 * MIB);
  expect(evicted()).toBeGreaterThan(200);
  expect(evicted()).toBeLessThan(300);
  for (const client of clients.splice(0)) client.close();
  await until("all to be gone", () => hutch.engine.sessions.size === 1);
  expect(total()).toBeLessThanOrEqual(before);
});
