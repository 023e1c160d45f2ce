import { afterEach, beforeEach, expect, test } from "bun:test";
import { Rate } from "../../src/commands/rate.ts";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { exchange, native } from "../support/native-requests.ts";
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

async function textOf(...sections: string[]): Promise<string> {
  const reply = await client.call("INFO", ...sections);
  if (reply.type !== "bulk") throw new Error(reply.type);
  return reply.text;
}

async function fieldsOf(...sections: string[]): Promise<Map<string, string>> {
  const lines = (await textOf(...sections)).split("\r\n").filter((line) => line.includes(":"));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
}

async function titlesOf(...sections: string[]): Promise<string[]> {
  return [...(await textOf(...sections)).matchAll(/^# (.*)\r$/gm)].map((match) => match[1]!);
}

const DEFAULT = [
  ...["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules"],
  ...["Errorstats", "Cluster", "Keyspace"],
];

test("shows the sections that are asked for, each once, in one order", async () => {
  expect(await titlesOf()).toEqual(DEFAULT);
  expect(await titlesOf("default")).toEqual(DEFAULT);
  const all = [...DEFAULT];
  all.splice(8, 0, "Commandstats");
  all.splice(10, 0, "Latencystats");
  expect(await titlesOf("ALL")).toEqual(all);
  expect(await titlesOf("everything", "server")).toEqual(all);
  expect(await titlesOf("Stats", "cpu", "nothing", "server", "stats")).toEqual([
    "Server",
    "Stats",
    "CPU",
  ]);
  expect(await textOf("nothing", "__proto__")).toBe("");
});

test("separates sections by an empty line", async () => {
  expect(await textOf("cluster", "modules")).toBe(
    "# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n",
  );
});

test("is verbatim text in RESP3", async () => {
  await client.call("HELLO", 3);
  const reply = await client.call("INFO", "cluster");
  expect(reply).toMatchObject({ type: "verbatim", format: "txt" });
});

test("has the fields that clients and monitoring read", async () => {
  const fields = await fieldsOf("everything");
  expect(fields.get("redis_version")).toBe("7.4.1");
  expect(fields.get("hutch_version")).toMatch(/^\d+\.\d+\.\d+$/);
  expect(fields.get("redis_mode")).toBe("standalone");
  expect(fields.get("process_id")).toBe(`${process.pid}`);
  expect(fields.get("tcp_port")).toBe(`${hutch.port}`);
  expect(fields.get("run_id")).toMatch(/^[0-9a-f]{40}$/);
  expect(fields.get("connected_clients")).toBe("1");
  expect(fields.get("loading")).toBe("0");
  expect(fields.get("role")).toBe("master");
  expect(fields.get("connected_slaves")).toBe("0");
  expect(fields.get("maxmemory_policy")).toBe("noeviction");
  for (const name of ["used_memory", "used_memory_rss", "used_memory_peak", "used_cpu_user"]) {
    expect([name, Number(fields.get(name)) > 0]).toEqual([name, true]);
  }
  expect(fields.get("used_memory_human")).toMatch(/^\d+\.\d\d[KMG]$/);
  expect(fields.get("mem_fragmentation_ratio")).toMatch(/^\d+\.\d\d$/);
  for (const [name, value] of fields) {
    expect([name, /undefined|NaN|Infinity/.test(value)]).toEqual([name, false]);
  }
});

test("counts keys, those that expire, and their mean time to live", async () => {
  hutch.engine.clock.freeze();
  await client.text("SET", "a", "v");
  await client.text("SELECT", 9);
  for (let i = 0; i < 10; i++) await client.text("SET", `k${i}`, "v", "PX", 50_000 + i * 10_000);
  const fields = await fieldsOf("keyspace");
  expect([...fields]).toEqual([
    ["db0", "keys=1,expires=0,avg_ttl=0,subexpiry=0"],
    ["db9", "keys=10,expires=10,avg_ttl=95000,subexpiry=0"],
  ]);
});

test("counts hits, misses, expired keys and commands", async () => {
  await client.pipeline([["SET", "k", "v", "PX", 1000], ["GET", "k"], ["GET", "no"], ["NOSUCH"]]);
  hutch.engine.clock.advance(2000);
  await client.text("GET", "k");
  const fields = await fieldsOf("stats");
  expect(fields.get("keyspace_hits")).toBe("1");
  expect(fields.get("keyspace_misses")).toBe("2");
  expect(fields.get("expired_keys")).toBe("1");
  // Neither the unknown command nor the INFO that is running.
  expect(fields.get("total_commands_processed")).toBe("4");
  expect(fields.get("total_error_replies")).toBe("1");
  expect(fields.get("total_connections_received")).toBe("1");
  expect(Number(fields.get("total_net_input_bytes"))).toBeGreaterThan(100);
});

test("counts reads, writes, what is freed in slices and what active expiry takes, until RESETSTAT", async () => {
  await client.pipeline([["PING"], ["DEBUG"]]);
  await client.text("SADD", "l", ...Array.from({ length: 2000 }, (_, index) => `m${index}`));
  for (let i = 0; i < 300; i++) await client.text("SET", `k${i}`, "v", "PX", 100);
  await client.text("UNLINK", "l");
  hutch.engine.clock.advance(1000);
  hutch.engine.beginTurn();
  while (hutch.engine.keyspace.housekeep(1e6));
  const fields = await fieldsOf("stats", "memory", "cpu");
  expect(Number(fields.get("total_reads_processed"))).toBeGreaterThan(300);
  expect(Number(fields.get("total_writes_processed"))).toBeGreaterThan(300);
  expect(fields.get("lazyfreed_objects")).toBe("1");
  expect(hutch.engine.keyspace.expiryNs).toBeGreaterThan(0);
  expect(fields.get("expire_cycle_cpu_milliseconds")).toMatch(/^\d+$/);
  expect(fields.get("used_cpu_user_main_thread")).toMatch(/^\d+\.\d{6}$/);
  expect(await client.text("CONFIG", "RESETSTAT")).toBe("+OK");
  const after = await fieldsOf("stats", "memory");
  expect(Number(after.get("total_writes_processed"))).toBeLessThan(3);
  expect(after.get("lazyfreed_objects")).toBe("0");
});

test("counts errors by their code", async () => {
  await client.pipeline([
    ["NOSUCH"],
    ["GET"],
    ["SELECT", "x"],
    ["HELLO", 9],
    ["AUTH", "a", "b"],
    ["CLIENT", "constructor"],
  ]);
  const fields = await fieldsOf("errorstats");
  expect([...fields]).toEqual([
    ["errorstat_ERR", "count=4"],
    ["errorstat_NOPROTO", "count=1"],
    ["errorstat_WRONGPASS", "count=1"],
  ]);
});

test("a flood of error codes does not grow without bound", () => {
  const { stats } = hutch.engine;
  for (let i = 0; i < 1000; i++) stats.countError(`CODE${i} text`);
  stats.countError("no code at all");
  stats.countError("WORD");
  expect(stats.errors.size).toBeLessThanOrEqual(129);
  expect([...stats.errors.values()].reduce((sum, { count }) => sum + count, 0)).toBe(1002);
});

test("counts calls, refusals, failures and time by command", async () => {
  for (let i = 0; i < 1000; i++) client.write("GET k\r\n");
  await client.readMany(1000);
  await client.pipeline([["GET"], ["SELECT", "x"], ["CLIENT", "ID"], ["CLIENT", "NOSUCH"]]);
  const fields = await fieldsOf("commandstats");
  expect(fields.get("cmdstat_get")).toMatch(
    /^calls=1000,usec=[1-9]\d*,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0$/,
  );
  expect(fields.get("cmdstat_select")).toMatch(/^calls=1,.*,rejected_calls=0,failed_calls=1$/);
  expect(fields.get("cmdstat_client|id")).toMatch(/^calls=1,/);
  expect(fields.has("cmdstat_client")).toBe(false);
  expect(fields.has("cmdstat_set")).toBe(false);
  expect(await client.text("CONFIG", "RESETSTAT")).toBe("+OK");
  expect([...(await fieldsOf("commandstats")).keys()]).toEqual(["cmdstat_config|resetstat"]);
});

test("counts the commands of the native protocol apart", async () => {
  await exchange(hutch.port, [native.set("k", "v"), native.get("k"), native.get("k")]);
  const fields = await fieldsOf("commandstats");
  expect(fields.get("cmdstat_native|get")).toStartWith("calls=2,");
  expect(fields.get("cmdstat_native|set")).toStartWith("calls=1,");
});

test("estimates the time of commands without timing them all", async () => {
  const command = hutch.engine.table.byName("get")!;
  for (let i = 0; i < 5000; i++) client.write("GET k\r\n");
  await client.readMany(5000);
  expect(command.timedCall).toBeGreaterThanOrEqual(5000);
  expect(command.timedCall).toBeLessThan(5000 + 64);
  const perCallNs = command.timeNs / command.calls;
  expect(perCallNs).toBeGreaterThan(0);
  expect(perCallNs).toBeLessThan(1e6);
});

test("a rate is the mean of the last samples, and a counter set back is no growth", () => {
  const rate = new Rate();
  rate.sample(1000, 0);
  for (let i = 1; i <= 16; i++) rate.sample(1000 + i * 50, i * 100);
  expect(rate.perSecond).toBe(500);
  // Too early for a sample.
  rate.sample(1_000_000, 1650);
  expect(rate.perSecond).toBe(500);
  for (let i = 17; i <= 32; i++) rate.sample(0, i * 100);
  expect(rate.perSecond).toBe(0);
});
