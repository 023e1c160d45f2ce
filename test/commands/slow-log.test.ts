/** The slow log: which commands are in it, and what it shows of them. */
import { fullGC, heapSize } from "bun:jsc";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import type { CommandRow } from "../../src/commands/row.ts";
import type { Instance } from "../../src/instance.ts";
import { startInstance } from "../../src/instance.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";

const SLOW_MS = 25;
/** More than the commands beside the slow ones may ever take on a busy machine. */
const LIMIT_US: number = SLOW_MS * 1000 - 2000;

/** Commands that are slow for one reason each, and otherwise quick. */
function slowRow(name: string, flags: string, answer: (size: number) => string): CommandRow {
  return {
    name,
    arity: -1,
    flags,
    since: "1.0.0",
    group: "server",
    summary: "Takes its time.",
    complexity: flags === "fast" ? "O(1)" : "O(N)",
    handler: (_session, args, reply) => {
      Bun.sleepSync(SLOW_MS);
      reply.text(answer(args.count));
    },
  };
}

/** Slow with an argument only, and tells so itself. */
const READING: CommandRow = {
  ...slowRow("slow.reading", "fast", () => "done"),
  handler: (session, args, reply) => {
    if (args.count > 1) Bun.sleepSync(SLOW_MS);
    reply.ok();
    session.engine.slowLog.afterReading(session, args, args.count > 1 ? 100_000 : 1000);
  },
};

const ROWS: readonly CommandRow[] = [
  slowRow("slow.work", "", () => "done"),
  slowRow("slow.reply", "fast", () => "x".repeat(100_000)),
  slowRow("slow.arguments", "fast", () => "done"),
  READING,
];

let hutch: Instance;
let client: RespClient;

beforeEach(async () => {
  const options = new Options(OPTION_ROWS);
  for (const [name, value] of Object.entries({ port: "0", bind: "127.0.0.1", save: "" })) {
    options.set(name, value);
  }
  hutch = startInstance({ options, ownRows: ROWS, verify: true });
  client = await RespClient.connect(hutch.port);
});

afterEach(async () => {
  client.close();
  await hutch.stop();
});

/** The arguments of the entries, oldest first. */
function words(entries: RespValue): string[] {
  if (entries.type !== "array") throw new Error(show(entries));
  return entries.items
    .map((entry) => (entry.type === "array" ? show(entry.items[3]!) : show(entry)))
    .toReversed();
}

async function logged(from: RespClient = client): Promise<string[]> {
  return words(await from.call("SLOWLOG", "GET", -1));
}

describe("commands above the limit are logged", () => {
  const QUICK: readonly string[][] = Array.from({ length: 20 }, (_, i) => ["SET", `k${i}`, "v"]);

  beforeEach(async () => {
    await client.text("CONFIG", "SET", "slowlog-log-slower-than", LIMIT_US);
  });

  test("if their work may be much, wherever they stand in a pipeline", async () => {
    await client.pipeline([...QUICK, ["SLOW.WORK", "a"], ...QUICK, ["SLOW.WORK", "b"], ...QUICK]);
    expect(await logged()).toEqual(['["SLOW.WORK", "a"]', '["SLOW.WORK", "b"]']);
  });

  test("if their reply is long", async () => {
    await client.pipeline([...QUICK, ["SLOW.REPLY"], ...QUICK]);
    expect(await logged()).toEqual(['["SLOW.REPLY"]']);
  });

  test("if their arguments are long, of which the beginning is shown", async () => {
    await client.pipeline([...QUICK, ["SLOW.ARGUMENTS", "x".repeat(100_000)], ...QUICK]);
    const shown = `${"x".repeat(128)}... (99872 more bytes)`;
    expect(await logged()).toEqual([`["SLOW.ARGUMENTS", "${shown}"]`]);
  });

  test("and of long arguments no more is kept than is shown", async () => {
    await client.text("CONFIG", "SET", "slowlog-log-slower-than", 0);
    const value = "x".repeat(4 * 1024 * 1024);
    fullGC();
    const before = heapSize();
    for (let i = 0; i < 20; i++) await client.text("SET", "key", value);
    fullGC();
    // What a connection of each side has in its buffers may be there twice.
    expect(heapSize() - before).toBeLessThan(4 * value.length);
    expect(await logged()).toHaveLength(20);
  });

  test("once, if they have read much, whether they were timed or not", async () => {
    const quick = Array.from({ length: 70 }, () => ["SLOW.READING"]);
    await client.pipeline([["SLOW.READING", "a"], ...quick, ["SLOW.READING", "b"], ...quick]);
    expect(await logged()).toEqual(['["SLOW.READING", "a"]', '["SLOW.READING", "b"]']);
  });

  test("inside a transaction, which is not logged itself", async () => {
    await client.pipeline([["MULTI"], ["SET", "k", "v"], ["SLOW.WORK"], ["GET", "k"], ["EXEC"]]);
    expect(await logged()).toEqual(['["SLOW.WORK"]']);
  });

  test("but not if there is no limit", async () => {
    await client.text("CONFIG", "SET", "slowlog-log-slower-than", -1);
    await client.pipeline([["SLOW.WORK"], ["SLOW.REPLY"]]);
    expect(await logged()).toEqual([]);
  });

  test("with who sent them, when, and for how long", async () => {
    await client.text("CLIENT", "SETNAME", "worker");
    await client.text("SLOW.WORK");
    const entries = await client.call("SLOWLOG", "GET");
    const entry = entries.type === "array" ? entries.items[0]! : entries;
    expect(show(entry)).toMatch(
      /^\[:0, :\d{10}, :\d+, \["SLOW.WORK"\], "127\.0\.0\.1:\d+", "worker"\]$/,
    );
    const microseconds = Number(/^\[:0, :\d+, :(\d+)/.exec(show(entry))![1]);
    expect(microseconds).toBeWithin(LIMIT_US, 1e6);
  });
});

test("slowlog-max-len bounds the log, RESET empties it", async () => {
  await client.text("CONFIG", "SET", "slowlog-log-slower-than", 0, "slowlog-max-len", 3);
  for (let i = 0; i < 6; i++) await client.text("ECHO", i);
  expect(await client.text("SLOWLOG", "LEN")).toBe(":3");
  await client.text("CONFIG", "SET", "slowlog-max-len", 1);
  expect(await client.text("SLOWLOG", "LEN")).toBe(":1");
  await client.text("CONFIG", "SET", "slowlog-max-len", 0);
  expect(await client.text("SLOWLOG", "LEN")).toBe(":0");
  await client.text("CONFIG", "SET", "slowlog-max-len", 10);
  expect(await client.text("SLOWLOG", "RESET")).toBe("+OK");
  expect(await logged()).toEqual(['["SLOWLOG", "RESET"]']);
});

describe.skipIf(redisMissing !== null)("beside redis-server", () => {
  const many = Array.from({ length: 40 }, (_, i) => `a${i}`);
  const LINES: readonly (readonly string[])[] = [
    ["SET", "k", "v"],
    ["get", "k"],
    ["ECHO", "x".repeat(128)],
    ["ECHO", "x".repeat(129)],
    ["ECHO", "x".repeat(5000)],
    ["DEL", ...many.slice(0, 31)],
    ["DEL", ...many.slice(0, 32)],
    ["DEL", ...many],
    ["AUTH", "secret"],
    ["HELLO", "2", "AUTH", "default", "secret", "SETNAME", "n"],
    ["CONFIG", "SET", "requirepass", ""],
    ["CONFIG", "SET", "maxclients", "1000", "requirepass", ""],
    ["MULTI"],
    ["INCR", "n"],
    ["EXEC"],
    ["NOSUCH"],
    ["GET"],
    ["BLPOP", "none", "0.01"],
    ["ECHO", "\x00\xff\r\n"],
    ["SLOWLOG", "GET", "-2"],
    ["SLOWLOG", "GET", "x"],
    ["SLOWLOG", "GET", "1", "2"],
    ["SLOWLOG", "LEN"],
    ["SLOWLOG"],
    ["SLOWLOG", "NOSUCH"],
  ];

  test("with the limit 0 the same commands are logged, cut and without secrets, with the same replies", async () => {
    const redis = await startRedis();
    const oracle = await RespClient.connect(redis.port);
    try {
      const results: string[][] = [];
      for (const one of [client, oracle]) {
        const got: string[] = [];
        await one.text("CONFIG", "SET", "slowlog-log-slower-than", 0);
        await one.text("SLOWLOG", "RESET");
        for (const line of LINES) {
          const reply = await one.text(...line);
          got.push(line[0] === "HELLO" ? "hello" : reply);
        }
        await one.text("CONFIG", "SET", "slowlog-log-slower-than", -1);
        got.push(...(await logged(one)));
        got.push(String(words(await one.call("SLOWLOG", "GET")).length));
        got.push(String(words(await one.call("SLOWLOG", "GET", 3)).length));
        results.push(got);
      }
      expect(results[0]).toEqual(results[1]!);
    } finally {
      oracle.close();
      await redis.stop();
    }
  });
});
