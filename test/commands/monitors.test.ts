/** MONITOR: the lines that it shows, beside those of redis-server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { connect } from "../../src/client/native-client.ts";
import { startInProcess } from "../support/in-process.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";

let hutch: Instance;

beforeAll(() => {
  hutch = startInProcess({ "enable-debug-command": "yes" });
});
afterAll(() => hutch.stop());

/** What a monitor gets until a command with the token runs, without times and addresses. */
async function linesUntil(monitor: RespClient, token: string): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const frame = await monitor.read();
    const line = show(frame)
      .replace(/^\+\d+\.\d{6} /, "")
      .replace(/127\.0\.0\.1:\d+/, "address");
    if (line.includes(token)) return lines;
    lines.push(line);
  }
}

const LINES: readonly (readonly string[])[] = [
  ["SET", "k", 'a"\\\x00\r\n\t\x07\b\xff \xe9'],
  ["get", "k"],
  ["SELECT", "3"],
  ["GET", "k"],
  ["AUTH", "secret"],
  ["HELLO", "3", "AUTH", "default", "x"],
  ["NOSUCH"],
  ["GET"],
  ["CONFIG", "GET", "port"],
  ["MULTI"],
  ["SET", "k", "v"],
  ["GET", "k"],
  ["EXEC"],
  ["BLPOP", "l", "0.01"],
  ["MULTI"],
  ["DISCARD"],
  ["CLIENT", "LIST"],
  ["CLIENT", "GETNAME"],
  ["PING"],
  ["SUBSCRIBE", "x"],
  ["PUBLISH", "y", "z"],
  ["RESET"],
  ["LPUSH", "q", "1"],
  ["BLPOP", "q", "0"],
  ["SLOWLOG", "LEN"],
  ["INFO", "server"],
  ["DEBUG", "SLEEP", "0"],
  ["MULTI"],
  ["NOSUCH"],
  ["EXEC"],
  ["WATCH", "k"],
  ["EXPIRE", "q", "100"],
  ["RANDOMKEY"],
  ["EVAL", "redis.call('set', 'k', ARGV[1]) return redis.call('get', 'k')", "0", "v"],
  ["MONITOR", "x"],
];

describe.skipIf(redisMissing !== null)("MONITOR", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("shows what redis-server shows, and its clients may do what they may there", async () => {
    const results: string[][] = [];
    for (const port of [hutch.port, redis.port]) {
      const monitor = await RespClient.connect(port);
      const client = await RespClient.connect(port);
      expect(await monitor.text("MONITOR")).toBe("+OK");
      for (const line of LINES) await client.call(...line);
      await client.call("ECHO", "--token--");
      const got = await linesUntil(monitor, "--token--");
      for (const line of ["GET k", "SET k v", "ECHO a", "PING", "MONITOR", "SELECT 2"]) {
        monitor.write(`${line}\r\n`);
        // Who watches already is not answered.
        if (line === "MONITOR") continue;
        got.push(show(await monitor.read()).replace(/^\+\d+\.\d+.*/, "a line"));
        if (line === "ECHO a" || line === "PING" || line === "SELECT 2") await monitor.read();
      }
      got.push(await monitor.text("RESET"));
      await client.call("ECHO", "unseen");
      got.push(await monitor.text("ECHO", "end"));
      results.push(got);
      monitor.close();
      client.close();
    }
    expect(results[0]).toEqual(results[1]!);
  });
});

test("MONITOR shows commands of the native protocol too, and who watches is flagged", async () => {
  const monitor = await RespClient.connect(hutch.port);
  await monitor.text("MONITOR");
  const native = await connect({ port: hutch.port });
  await native.set("key", "value");
  await native.get("key");
  native.close();
  const client = await RespClient.connect(hutch.port);
  expect(await client.text("CLIENT", "LIST")).toContain("flags=O");
  await client.call("ECHO", "--token--");
  expect(await linesUntil(monitor, "--token--")).toEqual([
    '[0 address] "set" "key" "value"',
    '[0 address] "get" "key"',
  ]);
  monitor.close();
  await monitor.closed;
  await client.text("PING");
  expect(hutch.engine.isObserved).toBe(false);
  client.close();
});

test("MONITOR cuts what is longer than anybody reads", async () => {
  const monitor = await RespClient.connect(hutch.port);
  await monitor.text("MONITOR");
  const client = await RespClient.connect(hutch.port);
  const mib = 1024 * 1024;
  await client.call("SET", "k", Buffer.alloc(6 * mib));
  await client.call("DEL", ...Array.from({ length: 6 }, () => Buffer.alloc(4 * mib)), "last");
  await client.call("ECHO", "--token--");
  const [set, del] = await linesUntil(monitor, "--token--");
  expect(set!.length).toBe(
    '[0 address] "SET" "k" "".... (2097152 more bytes)'.length - 1 + 16 * mib,
  );
  expect(set!.endsWith(`\\x00"... (${2 * mib} more bytes)`)).toBe(true);
  expect(del!.endsWith('\\x00" ... (6 more arguments)')).toBe(true);
  monitor.close();
  client.close();
}, 30_000);
