/** Who is disconnected for saying nothing, or for having gone without a word; and who is not. */
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { AUTH_TIMEOUT_MS } from "../../src/base/limits.ts";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";

let hutch: Instance;
afterEach(() => hutch.stop());

/** A client, the words that make it what it is said. */
async function open(
  ...words: readonly string[]
): Promise<{ client: RespClient; gone: () => boolean }> {
  const client = await RespClient.connect(hutch.port);
  let isGone = false;
  void client.closed.then(() => (isGone = true));
  await client.call("PING");
  if (words.length > 0) client.write(`${words.join(" ")}\r\n`);
  return { client, gone: () => isGone };
}

describe("timeout", () => {
  test("disconnects clients that say nothing for so long, but none that waits for something", async () => {
    hutch = startInProcess({ timeout: "300" });
    const { engine } = hutch;
    const idle = await open();
    const inTransaction = await open("MULTI");
    const waiting = [
      await open("BLPOP", "list", "0"),
      await open("XREAD", "BLOCK", "0", "STREAMS", "s", "$"),
      await open("SUBSCRIBE", "channel"),
      await open("PSUBSCRIBE", "pattern"),
      await open("MONITOR"),
    ];
    await until("all to wait", () => engine.blocking.keys === 2 && engine.monitors.size === 1);
    engine.clock.advance(297_000);
    const busy = await open();
    await Bun.sleep(1200);
    expect([idle, inTransaction, ...waiting].some(({ gone }) => gone())).toBe(false);
    engine.clock.advance(4000);
    await until("the idle ones to be closed", () => idle.gone() && inTransaction.gone());
    await Bun.sleep(1200);
    expect([busy, ...waiting].some(({ gone }) => gone())).toBe(false);
    expect(await busy.client.text("LPUSH", "list", "x")).toBe(":1");
    expect((await waiting[0]!.client.read()).type).toBe("array");
    engine.clock.advance(301_000);
    await until("who waits no more", () => waiting[0]!.gone());
    for (const { client } of [idle, inTransaction, busy, ...waiting]) client.close();
  });

  test("of 0 disconnects nobody, and may be set while the server runs", async () => {
    hutch = startInProcess();
    const { client, gone } = await open();
    hutch.engine.clock.advance(86_400_000);
    await Bun.sleep(1200);
    expect(gone()).toBe(false);
    expect(await client.text("CONFIG", "SET", "timeout", "10")).toBe("+OK");
    hutch.engine.clock.advance(11_000);
    await client.closed;
  });
});

test("who does not log in is disconnected in time, whatever timeout says", async () => {
  hutch = startInProcess({ requirepass: "secret" });
  const known = await RespClient.connect(hutch.port);
  expect(await known.text("AUTH", "secret")).toBe("+OK");
  const { client, gone } = await open("AUTH", "wrong");
  hutch.engine.clock.advance(AUTH_TIMEOUT_MS - 1500);
  await Bun.sleep(1200);
  expect(gone()).toBe(false);
  hutch.engine.clock.advance(1600);
  await client.closed;
  expect(await known.text("PING")).toBe("+PONG");
  known.close();
});

/** The timer that the kernel keeps for the server's side of a connection: "02" is keep-alive; and the time until it fires. */
function timerOf(client: RespClient): { kind: string; seconds: number } {
  const ports = [hutch.port, client.localPort].map((port) =>
    port.toString(16).toUpperCase().padStart(4, "0"),
  );
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(`:${ports[0]}`) !== true || !fields[2]!.endsWith(`:${ports[1]}`))
      continue;
    const [kind = "", ticks = "0"] = fields[5]!.split(":");
    return { kind, seconds: Number.parseInt(ticks, 16) / 100 };
  }
  throw new Error("there is no such connection");
}

test.skipIf(process.platform !== "linux")(
  "tcp-keepalive is set on the sockets of new connections",
  async () => {
    hutch = startInProcess();
    const first = await open();
    expect(timerOf(first.client)).toEqual({ kind: "02", seconds: expect.closeTo(300, -1) });
    await first.client.call("CONFIG", "SET", "tcp-keepalive", "60");
    const second = await open();
    expect(timerOf(second.client)).toEqual({ kind: "02", seconds: expect.closeTo(60, -1) });
    await first.client.call("CONFIG", "SET", "tcp-keepalive", "0");
    const third = await open();
    expect(timerOf(third.client).kind).toBe("00");
    for (const { client } of [first, second, third]) client.close();
  },
);
