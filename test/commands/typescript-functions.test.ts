/** FUNCTION LOAD "#!ts ...": functions in TypeScript, called by FCALL. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { EmbeddedServer } from "../../src/index.ts";
import { createServer, ReplyError } from "../../src/index.ts";
import { startHutch } from "../support/hutch-process.ts";
import { until } from "../support/until.ts";

const LIBRARY = `#!ts name=shop
interface Input { keys: string[]; args: string[]; call(...words: (string | number)[]): any }

let calls = 0;

register("add", ({ keys, args, call }: Input): number => {
  const total = Number(call("GET", keys[0]) ?? 0) + Number(args[0]);
  call("SET", keys[0], total);
  call("RPUSH", keys[0] + ":log", args[0]);
  return total;
});

register("kinds", () => [
  undefined, null, utf8("ü"), new Uint8Array([0, 255]), 7, 1.5, 2n ** 60n, true, new StatusReply("FINE"),
  new Error("one of many"), new Set([1]), new Map([["a", 1]]), { b: ["c"] },
], { flags: ["no-writes"], description: "all kinds of replies" });

register("replies", ({ call }: Input) => {
  call("DEL", "h", "s", "z");
  call("HSET", "h", "f", "v");
  call("SADD", "s", "m");
  call("ZADD", "z", 1.5, "m");
  const map: Map<string, string> = call("HGETALL", "h");
  const set: Set<string> = call("SMEMBERS", "s");
  return [map.get("f"), set.has("m"), call("ZSCORE", "z", "m"), call("GET", "none"), call("PING")];
});

register("reads", ({ call }: Input) => call("SET", "k", "v"), { flags: ["no-writes"] });
register("fails", ({ call }: Input) => { call("SET", "half", "1"); call("INCR", "text"); });
register("catches", ({ call }: Input) => { try { call("INCR", "text"); } catch (error) { return error.message; } });
register("throws", () => { throw new Error("broken\\r\\n+OK"); });
register("counts", () => ++calls);
register("echo", ({ keys, args }: Input) => [keys, args]);
register("promise", async () => 1);
register("waits", ({ call }: Input) => call("BLPOP", "nothing", 0));
register("deep", () => { let a: any = []; for (let i = 0; i < 1000; i++) a = [a]; return a; });
`;

describe("functions in TypeScript", () => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await createServer({ port: 0, enableTypescriptFunctions: true });
    expect(await server.call("FUNCTION", "LOAD", LIBRARY)).toBe("shop");
  });
  afterAll(() => server.stop());

  test("are called with keys and arguments, and call commands", async () => {
    expect(await server.call("FCALL", "add", 1, "total", 5)).toBe(5);
    expect(await server.call("FCALL", "ADD", 1, "total", 7)).toBe(12);
    expect(await server.call("LRANGE", "total:log", 0, -1)).toEqual(["5", "7"]);
    expect(await server.call("FCALL", "echo", 2, "a", "b", "c")).toEqual([["a", "b"], ["c"]]);
  });

  test("are listed like others", async () => {
    const [library] = (await server.call("FUNCTION", "LIST")) as Map<string, unknown>[];
    expect(library!.get("engine")).toBe("TS");
    const functions = library!.get("functions") as Map<string, unknown>[];
    expect(functions.map((one) => one.get("name"))).toContain("add");
    const kinds = functions.find((one) => one.get("name") === "kinds")!;
    expect(kinds.get("flags")).toEqual(new Set(["no-writes"]));
    expect(kinds.get("description")).toBe("all kinds of replies");
    const stats = (await server.call("FUNCTION", "STATS")) as Map<string, Map<string, unknown>>;
    expect([...stats.get("engines")!.keys()]).toEqual(["LUA", "TS"]);
  });

  test("answer every kind of value", async () => {
    const values = (await server.callBuffer("FCALL_RO", "kinds", 0)) as unknown[];
    expect(values.map((value) => (value instanceof ReplyError ? value.message : value))).toEqual([
      null,
      null,
      Buffer.from("ü"),
      Buffer.from([0, 255]),
      7,
      1.5,
      2n ** 60n,
      true,
      "FINE",
      "ERR one of many",
      new Set([1]),
      new Map([[Buffer.from("a"), 1]]),
      new Map([[Buffer.from("b"), [Buffer.from("c")]]]),
    ] as never);
  });

  test("get replies with the types of RESP3", async () => {
    expect(await server.call("FCALL", "replies", 0)).toEqual(["v", true, 1.5, null, "PONG"]);
  });

  test("hand every byte through", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(await server.callBuffer("FCALL", "echo", 1, bytes, bytes)).toEqual([
      [Buffer.from(bytes)],
      [Buffer.from(bytes)],
    ]);
  });

  test("that fail leave what they changed, and answer one line", async () => {
    await server.call("SET", "text", "abc");
    await expect(server.call("FCALL", "fails", 0)).rejects.toThrow("value is not an integer");
    expect(await server.call("GET", "half")).toBe("1");
    expect(await server.call("FCALL", "catches", 0)).toStartWith("ERR value is not an integer");
    await expect(server.call("FCALL", "throws", 0)).rejects.toThrow("ERR broken +OK");
    expect(await server.call("PING")).toBe("PONG");
  });

  test("are refused what scripts are refused", async () => {
    await expect(server.call("FCALL", "reads", 0)).rejects.toThrow(
      "Write commands are not allowed",
    );
    await expect(server.call("FCALL_RO", "add", 1, "k", 1)).rejects.toThrow(
      "Can not execute a script with write flag using *_ro command",
    );
    await expect(server.call("FCALL", "waits", 0)).rejects.toThrow("not allowed from script");
    await expect(server.call("FCALL", "promise", 0)).rejects.toThrow("no promises");
    await expect(server.call("FCALL", "deep", 0)).rejects.toThrow("nested too deep");
    await expect(server.call("FCALL", "nosuch", 0)).rejects.toThrow("Function not found");
    await expect(server.call("FCALL", "add", "x")).rejects.toThrow("Bad number of keys");
  });

  test("run in transactions and in the client's database", async () => {
    await server.call("SELECT", 2);
    await server.call("MULTI");
    await server.call("FCALL", "add", 1, "total", 1);
    await server.call("FCALL", "add", 1, "total", 1);
    expect(await server.call("EXEC")).toEqual([1, 2]);
    await server.call("SELECT", 0);
    expect(await server.call("GET", "total")).toBe("12");
  });

  test("keep what their library leaves in its variables, and forget it when it is loaded again", async () => {
    expect(await server.call("FCALL", "counts", 0)).toBe(1);
    expect(await server.call("FCALL", "counts", 0)).toBe(2);
    await server.call("FUNCTION", "LOAD", "REPLACE", LIBRARY);
    expect(await server.call("FCALL", "counts", 0)).toBe(1);
  });

  test.each([
    ['#!ts name=bad\nregister("x", ', "Error compiling function"],
    ["#!ts name=bad\nconst a: = 1;", "Error compiling function: Unexpected ="],
    ["#!ts name=bad\nthrow new Error('no')", "Error compiling function: no"],
    [
      "#!ts name=bad\ncall('SET', 'k', 'v')",
      "commands can't be called while the library is loaded",
    ],
    ["#!ts name=bad\n1", "No functions registered"],
    ["#!ts name=bad\nregister('a b', () => 1)", "names can only contain"],
    ["#!ts name=bad\nregister('a', () => 1); register('a', () => 1)", "already exists"],
    ["#!ts name=bad\nregister('a', () => 1, { flags: ['bogus'] })", "unknown flag given"],
    ["#!ts name=bad\nregister('add', () => 1)", "Function add already exists"],
    [
      "#!ts name=bad\nimport fs from 'node:fs'; register('a', () => fs)",
      "Error compiling function",
    ],
    ["#!ts name=bad\nfor (;;);", "Error compiling function"],
  ])("a library that can't be loaded says why: %j", async (code, error) => {
    await expect(server.call("FUNCTION", "LOAD", code)).rejects.toThrow(error);
    expect(await server.call("FCALL", "echo", 0)).toEqual([[], []]);
  });
});

test("libraries in TypeScript are refused unless they are asked for", async () => {
  await using server = await createServer({ port: 0 });
  await expect(server.call("FUNCTION", "LOAD", LIBRARY)).rejects.toThrow("switched off");
  await expect(server.call("CONFIG", "SET", "enable-typescript-functions", "yes")).rejects.toThrow(
    "immutable",
  );
});

test("libraries and what their functions changed are there again after a start", async () => {
  const dir = mkdtempSync(join(tmpdir(), "hutch-ts-"));
  const setup = { port: 0, dir, enableTypescriptFunctions: true };
  try {
    const first = await createServer(setup);
    await first.call("FUNCTION", "LOAD", LIBRARY);
    await first.call("FCALL", "add", 1, "total", 5);
    await first.stop();
    const second = await createServer(setup);
    expect(await second.call("GET", "total")).toBe("5");
    expect(await second.call("FCALL", "add", 1, "total", 5)).toBe(10);
    await second.call("BGREWRITEAOF");
    await until("the rewrite", async () =>
      String(await second.call("INFO", "persistence")).includes("aof_rewrites:1"),
    );
    await second.stop();
    const third = await createServer(setup);
    expect(await third.call("FCALL", "add", 1, "total", 5)).toBe(15);
    await third.stop();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

describe("a function that takes long", () => {
  const connections: Redis[] = [];
  afterEach(() => {
    for (const redis of connections.splice(0)) redis.disconnect();
  });

  const CODE = `#!ts name=slow
register("loop", () => { for (;;); });
register("stubborn", ({ call }: any) => { for (;;) { try { call("PING"); } catch {} } });
register("writes", ({ keys, call }: any) => { call("SET", keys[0], "1"); for (let n = 0; ; n++) { if (call("GET", "stop")) return n; } });
register("grows", () => { const kept: number[][] = []; for (;;) kept.push(new Array(100_000).fill(1.5)); });
register("fine", () => "fine");
`;

  test("keeps others waiting no longer than the threshold, and can be killed", async () => {
    const hutch = await startHutch({
      args: ["--enable-typescript-functions", "yes", "--busy-reply-threshold", "50"],
    });
    try {
      const caller = new Redis(hutch.port);
      const other = new Redis(hutch.port);
      connections.push(caller, other);
      await caller.call("FUNCTION", "LOAD", CODE);
      for (const name of ["loop", "stubborn"]) {
        const result = caller.call("FCALL", name, 0).then(
          () => "ended",
          (error: Error) => error.message,
        );
        await until("BUSY", async () => {
          const answer = await other.get("k").catch((error: Error) => error.message);
          return String(answer).startsWith("BUSY");
        });
        expect(await other.ping()).toBe("PONG");
        expect(await other.call("FUNCTION", "KILL")).toBe("OK");
        expect(await result).toContain("killed by user");
        expect(await other.call("FCALL", "fine", 0)).toBe("fine");
      }
      expect(
        await caller.call("FCALL", "grows", 0).catch((error: Error) => error.message),
      ).toContain("too much memory");
      expect(await other.call("FCALL", "fine", 0)).toBe("fine");

      const written = caller.call("FCALL", "writes", 1, "k").catch((error: Error) => error.message);
      await until("UNKILLABLE", async () => {
        const answer = await other.call("FUNCTION", "KILL").catch((error: Error) => error.message);
        return String(answer).startsWith("UNKILLABLE");
      });
      void written;
    } finally {
      await hutch.stop();
    }
  }, 60_000);

  test("is stopped in a transaction, where nobody could stop it", async () => {
    await using server = await createServer({
      port: 0,
      enableTypescriptFunctions: true,
      busyReplyThreshold: 50,
    });
    await server.call("FUNCTION", "LOAD", CODE);
    await server.call("MULTI");
    await server.call("FCALL", "loop", 0);
    await server.call("SET", "k", "v");
    const [error, ok] = (await server.call("EXEC")) as unknown[];
    expect(String(error)).toContain("ran for too long");
    expect(ok).toBe("OK");
  });
});
