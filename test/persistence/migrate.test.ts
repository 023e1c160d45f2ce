/** MIGRATE: beside redis-server, and what only a server that goes on serving meanwhile has to get right. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { freePort } from "../support/free-port.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import type { Argument } from "../support/resp-client.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { everyKind } from "./values.ts";

const HOST = "127.0.0.1";

describe.skipIf(redisMissing !== null)("MIGRATE", () => {
  let source: Instance;
  let redis: RedisServer;
  let target: RedisServer;
  let ours: RespClient;
  let theirs: RespClient;
  let there: RespClient;

  beforeAll(async () => {
    source = startInProcess({ "enable-debug-command": "yes" });
    redis = await startRedis();
    target = await startRedis();
    ours = await RespClient.connect(source.port);
    theirs = await RespClient.connect(redis.port);
    there = await RespClient.connect(target.port);
  });
  afterAll(async () => {
    for (const client of [ours, theirs, there]) client.close();
    await source.stop();
    await redis.stop();
    await target.stop();
  });
  beforeEach(async () => {
    emptyAll(source);
    await theirs.call("FLUSHALL");
    await there.call("FLUSHALL");
  });

  test("moves values of every kind with their times to live", async () => {
    const lines = everyKind(seeded("migrate"), "");
    await ours.pipeline(lines);
    await ours.call("PEXPIRE", "short", 1_000_000);
    const before = new Map<string, string>();
    const keys = JSON.parse(await ours.text("KEYS", "*")) as string[];
    for (const key of keys) before.set(key, await ours.text("DEBUG", "DIGEST-VALUE", key));
    expect(await ours.text("MIGRATE", HOST, target.port, "", 0, 5000, "KEYS", ...keys)).toBe("+OK");
    expect(await ours.text("DBSIZE")).toBe(":0");
    for (const [key, digest] of before) {
      expect(await there.text("DEBUG", "DIGEST-VALUE", key)).toBe(digest);
    }
    const left = Number((await there.text("PTTL", "short")).slice(1));
    expect(left).toBeGreaterThan(900_000);
    expect(left).toBeLessThanOrEqual(1_000_000);
  });

  test("answers what redis-server answers, and leaves the same keys on both sides", async () => {
    const locked = await startRedis(["--requirepass", "secret"]);
    const closed = freePort();
    const cases: readonly (readonly Argument[])[] = [
      [target.port, "a", 0, 1000],
      [target.port, "a", 0, 1000, "COPY"],
      [target.port, "there", 0, 1000],
      [target.port, "there", 0, 1000, "REPLACE"],
      [target.port, "there", 0, 1000, "copy", "replace"],
      [target.port, "", 0, 1000, "KEYS", "a", "there", "missing", "b"],
      [target.port, "", 3, -1, "REPLACE", "KEYS", "a", "a", "there"],
      [target.port, "", 0, 1000, "KEYS", "a", "a"],
      [target.port, "", 0, 1000, "KEYS"],
      [target.port, "missing", 0, 1000],
      [target.port, "a", 0, 1000, "KEYS", "b"],
      [target.port, "a", 0, 1000, "NONSENSE"],
      [target.port, "a", 0, 1000, "AUTH"],
      [target.port, "a", 0, 1000, "AUTH2", "u"],
      [target.port, "a", "x", 1000],
      [target.port, "a", 0, "x"],
      [target.port, "a", "x", "y"],
      [locked.port, "a", 0, 1000],
      [locked.port, "a", 0, 1000, "AUTH", "wrong"],
      [locked.port, "a", 0, 1000, "AUTH2", "nobody", "secret"],
      [locked.port, "a", 0, 1000, "AUTH2", "default", "secret"],
      [locked.port, "b", 0, 1000, "AUTH", "secret"],
      [closed, "a", 0, 1000],
      ["x", "a", 0, 1000],
      [target.port],
    ];
    const atLocked = await RespClient.connect(locked.port);
    await atLocked.call("AUTH", "secret");
    try {
      for (const words of cases) {
        const answers: string[] = [];
        for (const client of [ours, theirs]) {
          await client.pipeline([["FLUSHALL"], ["MSET", "a", "1", "b", "2", "there", "3"]]);
          await there.pipeline([["FLUSHALL"], ["SET", "there", "old"]]);
          await atLocked.call("FLUSHALL");
          const answer = await client.text("MIGRATE", HOST, ...words);
          const state = [
            await client.text("MGET", "a", "b", "there"),
            await there.text("MGET", "a", "b", "there"),
            await there.text("INFO", "keyspace"),
            await atLocked.text("DBSIZE"),
          ];
          answers.push([answer, ...state].join("\n"));
        }
        expect(`${words.join(" ")}\n${answers[0]}`).toBe(`${words.join(" ")}\n${answers[1]}`);
      }
    } finally {
      atLocked.close();
      await locked.stop();
    }
  }, 30_000);

  test("sends no key when the target refuses the password or the database, where redis-server does", async () => {
    await ours.call("SET", "ours", "1");
    await theirs.call("SET", "theirs", "1");
    for (const words of [
      [99, 1000],
      [0, 1000, "AUTH2", "nobody", "wrong"],
    ]) {
      const answer = await ours.text("MIGRATE", HOST, target.port, "ours", ...words);
      expect(await there.text("EXISTS", "ours")).toBe(":0");
      expect(await ours.text("GET", "ours")).toBe('"1"');
      expect(answer).toBe(await theirs.text("MIGRATE", HOST, target.port, "theirs", ...words));
    }
  });

  test("says that nobody has the name, and that nobody answers in time", async () => {
    await ours.call("SET", "a", "1");
    await theirs.call("SET", "a", "1");
    const silent = Bun.listen({ hostname: HOST, port: 0, socket: { data: () => {} } });
    try {
      for (const words of [
        ["nobody.invalid", 1, "a", 0, 500],
        [HOST, silent.port, "a", 0, 100],
      ]) {
        expect(await ours.text("MIGRATE", ...words)).toBe(await theirs.text("MIGRATE", ...words));
      }
    } finally {
      silent.stop(true);
    }
    expect(await ours.text("GET", "a")).toBe('"1"');
  });

  test("serves others meanwhile, and sends again what they change", async () => {
    const other = await RespClient.connect(source.port);
    await ours.pipeline([
      ["SET", "changed", "old"],
      ["SET", "deleted", "old"],
      ["SET", "same", "old"],
      ["SET", "timed", "old"],
    ]);
    // The target stands still.
    process.kill(target.pid, "SIGSTOP");
    let moved;
    try {
      moved = ours.text(
        ...["MIGRATE", HOST, target.port, "", 0, 8000, "KEYS"],
        ...["changed", "deleted", "same", "timed"],
      );
      await until("the waiting", async () =>
        (await other.text("INFO", "clients")).includes("blocked_clients:1"),
      );
      await other.pipeline([
        ["SET", "changed", "new"],
        ["DEL", "deleted"],
        ["PEXPIRE", "timed", 5_000_000],
      ]);
    } finally {
      process.kill(target.pid, "SIGCONT");
    }
    expect(await moved).toBe("+OK");
    expect(await ours.text("DBSIZE")).toBe(":0");
    expect(await there.text("MGET", "changed", "deleted", "same")).toBe(
      '["new", null bulk, "old"]',
    );
    expect(await there.text("PTTL", "timed")).not.toBe(":-1");
    other.close();
  });

  test("keeps the keys of a client that has gone meanwhile", async () => {
    const other = await RespClient.connect(source.port);
    await ours.call("SET", "a", "1");
    process.kill(target.pid, "SIGSTOP");
    try {
      other.write(`MIGRATE ${HOST} ${target.port} a 0 8000\r\n`);
      await until("the waiting", async () =>
        (await ours.text("INFO", "clients")).includes("blocked_clients:1"),
      );
      other.close();
      await until("the end of the connection", async () =>
        (await ours.text("INFO", "clients")).includes("blocked_clients:0"),
      );
    } finally {
      process.kill(target.pid, "SIGCONT");
    }
    await until("the copy", async () => (await there.text("EXISTS", "a")) === ":1");
    expect(await ours.text("GET", "a")).toBe('"1"');
  });
});
