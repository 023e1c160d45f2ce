/**
 * Commands whose answers are as long as the data, or longer (L9): the output limit stops them before they have written much more
 * than it, what they take of memory is bounded, and the server goes on.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { fillLarge, LARGE_KINDS } from "./large-values.ts";

const FULL = rounds > 1;
const ELEMENTS = FULL ? 1_000_000 : 100_000;
const MIB = 1024 * 1024;
const PONG = "+PONG\r\n";
const LIMIT = 32 * MIB;
/** The batch of replies doubles as it grows, and what it was is still there while it is copied. */
const GROWTH_MAX: number = 2 * LIMIT + 24 * MIB;

let hutch: HutchProcess;
let client: RespClient;

beforeAll(async () => {
  hutch = await startHutch({ args: ["--enable-debug-command", "yes"] });
  client = await RespClient.connect(hutch.port);
  for (const kind of LARGE_KINDS) {
    if (kind.name !== "stream")
      await fillLarge(client, kind, kind.name.replace(" ", "-"), ELEMENTS);
  }
  await client.text("DEBUG", "POPULATE", ELEMENTS);
}, 60_000);
afterAll(async () => {
  client.close();
  await hutch.stop();
});

function rss(): number {
  const status = readFileSync(`/proc/${hutch.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

/** Sends a command and then a PING, and gives what came before the PONG: its first line and its size. */
async function sizeOf(line: string): Promise<{ readonly header: string; readonly size: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let first: Buffer | null = null;
  let size = 0;
  let tail = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: hutch.port,
    socket: {
      data(_socket, chunk) {
        first ??= Buffer.from(chunk);
        size += chunk.length;
        tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - PONG.length))).slice(
          -PONG.length,
        );
        if (tail === PONG) resolve();
      },
      close: () => reject(new Error("the server closed the connection")),
    },
  });
  socket.write(`${line}\r\nPING\r\n`);
  await promise;
  socket.terminate();
  return { header: first!.toString("latin1", 0, first!.indexOf("\r")), size: size - PONG.length };
}

describe("whole (L9)", () => {
  const lines = [
    "KEYS *",
    "SMEMBERS set",
    "LRANGE list 0 -1",
    "HGETALL hash",
    "ZRANGE sorted-set 0 -1 WITHSCORES",
  ];
  test.each(lines)(
    "%s answers all elements",
    async (line) => {
      const { header, size } = await sizeOf(line);
      const perElement = /HGETALL|WITHSCORES/.test(line) ? 2 : 1;
      // KEYS answers those of the collections as well.
      const others = line.startsWith("KEYS") ? 4 : 0;
      expect(header).toBe(`*${ELEMENTS * perElement + others}`);
      expect(size).toBeGreaterThan(ELEMENTS * perElement * "$5\r\n12345\r\n".length);
    },
    60_000,
  );
});

describe("above the output limit (L9)", () => {
  const lines = [
    "HRANDFIELD hash -10000000 WITHVALUES",
    "SRANDMEMBER set -10000000",
    "ZRANDMEMBER sorted-set -10000000 WITHSCORES",
  ];
  test.each(lines)(
    "%s is stopped in the middle",
    async (line) => {
      expect(
        await client.text("CONFIG", "SET", "client-output-buffer-limit", `normal ${LIMIT} 0 0`),
      ).toBe("+OK");
      const greedy = await RespClient.connect(hutch.port);
      await greedy.text("PING");
      const before = rss();
      let highest = before;
      const sampling = setInterval(() => (highest = Math.max(highest, rss())), 1);
      const begin = performance.now();
      greedy.write(`${line}\r\n`);
      await greedy.closed;
      const tookMs = performance.now() - begin;
      clearInterval(sampling);
      expect(greedy.received).toBe(PONG.length);
      await until("the log to say so", () => hutch.output().includes("output buffer limits"));
      expect(Math.max(highest, rss()) - before).toBeLessThan(GROWTH_MAX);
      // Writing all of it would take seconds.
      if (FULL) expect(tookMs).toBeLessThan(2000);
      expect(await client.text("PING")).toBe("+PONG");
    },
    60_000,
  );

  test.each(lines)("%s without a limit answers an error if it asks for more", async (line) => {
    const more = line.replace("-10000000", "-10000001");
    expect(await client.text(...more.split(" "))).toBe("-ERR value is out of range");
  });

  test("a command that changes data is not stopped in the middle of it", async () => {
    await client.text("CONFIG", "SET", "client-output-buffer-limit", "normal 65536 0 0");
    const greedy = await RespClient.connect(hutch.port);
    greedy.write(`SPOP set ${ELEMENTS - 10}\r\n`);
    await greedy.closed;
    expect(greedy.received).toBe(0);
    expect(await client.text("SCARD", "set")).toBe(":10");
    const left = await client.call("SMEMBERS", "set");
    expect(left.type === "array" && left.items.length).toBe(10);
    const also = await RespClient.connect(hutch.port);
    also.write(`LPOP list ${ELEMENTS - 10}\r\n`);
    await also.closed;
    expect(await client.text("LLEN", "list")).toBe(":10");
  }, 60_000);
});
