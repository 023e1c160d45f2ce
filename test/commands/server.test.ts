import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";

let hutch: Instance;
let client: RespClient;

beforeEach(async () => {
  hutch = startInProcess();
  client = await RespClient.connect(hutch.port);
});

afterEach(async () => {
  client.close();
  await hutch.stop();
});

test("FLUSHDB empties one database, FLUSHALL all; each key counts as a change", async () => {
  const { store } = hutch.engine.keyspace;
  for (const database of [0, 3, 15]) {
    await client.text("SELECT", database);
    await client.text("SET", "k", "v");
  }
  await client.text("SELECT", 3);
  const before = store.changes;
  expect(await client.text("FLUSHDB", "async")).toBe("+OK");
  expect(store.changes).toBe(before + 1);
  expect(await client.text("DBSIZE")).toBe(":0");
  expect(hutch.engine.keyspace.size).toBe(2);
  expect(await client.text("FLUSHALL", "now")).toBe("-ERR syntax error");
  expect(await client.text("FLUSHALL", "SYNC", "x")).toBe("-ERR syntax error");
  expect(hutch.engine.keyspace.size).toBe(2);
  expect(await client.text("FLUSHALL")).toBe("+OK");
  expect(hutch.engine.keyspace.size).toBe(0);
  expect(store.changes).toBe(before + 3);
});

test("SWAPDB exchanges two databases for everybody", async () => {
  const other = await RespClient.connect(hutch.port);
  await client.text("SET", "k", "zero");
  await other.text("SELECT", 1);
  await other.text("SET", "k", "one", "PX", 100_000);
  expect(await client.text("SWAPDB", 0, 1)).toBe("+OK");
  expect(await client.text("GET", "k")).toBe('"one"');
  expect(await other.text("GET", "k")).toBe('"zero"');
  expect(Number((await client.text("PTTL", "k")).slice(1))).toBeGreaterThan(0);
  expect(await client.text("SWAPDB", "a", "b")).toBe("-ERR invalid first DB index");
  expect(await client.text("SWAPDB", 0, "b")).toBe("-ERR invalid second DB index");
  expect(await client.text("SWAPDB", 0, 16)).toBe("-ERR DB index is out of range");
  expect(await client.text("SWAPDB", 5, 5)).toBe("+OK");
  other.close();
});

test("TIME is seconds and microseconds, and follows the server's clock", async () => {
  const microseconds = async (): Promise<number> => {
    const reply = await client.call("TIME");
    if (reply.type !== "array") throw new Error(reply.type);
    const [seconds, rest] = reply.items.map((item) => Number("text" in item ? item.text : NaN));
    expect(rest).toBeLessThan(1_000_000);
    return seconds! * 1e6 + rest!;
  };
  const first = await microseconds();
  expect(Math.abs(first / 1000 - Date.now())).toBeLessThan(10_000);
  expect(await microseconds()).toBeGreaterThanOrEqual(first);
  hutch.engine.clock.freeze(1_700_000_000_123);
  expect(await microseconds()).toBe(1_700_000_000_123_000);
});

test("SHUTDOWN ends the server without a reply", async () => {
  expect(await client.text("SHUTDOWN", "soon")).toBe("-ERR syntax error");
  expect(await client.text("SHUTDOWN", "SAVE", "NOSAVE")).toBe("-ERR syntax error");
  expect(await client.text("SHUTDOWN", "ABORT", "NOW")).toBe("-ERR syntax error");
  expect(await client.text("SHUTDOWN", "ABORT")).toBe("-ERR No shutdown in progress.");
  const before = client.received;
  client.write("SHUTDOWN NOSAVE NOW FORCE\r\nPING\r\n");
  await client.closed;
  expect(client.received).toBe(before);
  await hutch.stopped;
});

test("SHUTDOWN that is refused says why", async () => {
  hutch.engine.hooks = { ...hutch.engine.hooks, shutdown: () => "ERR not now" };
  expect(await client.text("SHUTDOWN")).toBe("-ERR not now");
});

test("LOLWUT ends with the version, whatever it draws", async () => {
  for (const args of [[], ["VERSION", "5"], ["VERSION", "5", "4", "1", "1"], ["x"], ["VERSION"]]) {
    expect(await client.text("LOLWUT", ...args)).toEndWith('Redis ver. 7.4.1\\x0a"');
  }
  const huge = await client.text("LOLWUT", "VERSION", 5, "9007199254740991");
  expect(huge.length).toBeLessThan(10_000);
  expect(await client.text("LOLWUT", "VERSION", 5, "9223372036854775807")).toEndWith(
    'Redis ver. 7.4.1\\x0a"',
  );
  for (const args of [
    ["VERSION", "x"],
    ["VERSION", "5", "x"],
  ]) {
    expect(await client.text("LOLWUT", ...args)).toBe(
      "-ERR value is not an integer or out of range",
    );
  }
});
