/** Commands that an embedder adds. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedServer, OwnCommands } from "../src/index.ts";
import { createServer, OptionError, ReplyError, StatusReply } from "../src/index.ts";

const COMMANDS: OwnCommands = {
  /** COUNTER.MAX key value: keeps the greatest value that came. */
  "counter.max": {
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: { first: 1 },
    summary: "Keeps the greatest of the values that it was given.",
    run({ call, keys, args }) {
      const [key] = keys;
      const value = Number(args[1]);
      const before = call("GET", key!);
      if (before !== null && Number(before) >= value) return Number(before);
      call("SET", key!, value);
      call("INCR", "changes");
      return value;
    },
  },
  "all.kinds": {
    flags: ["readonly"],
    run: () => [
      undefined,
      null,
      "ü",
      Uint8Array.of(0, 255),
      7,
      1.5,
      2n ** 60n,
      2n ** 70n,
      true,
      new Error("one of many"),
      new StatusReply("FINE"),
      new Set([1]),
      new Map([["a", 1]]),
      { b: [2] },
    ],
  },
  "half.done": {
    run({ call }) {
      call("SET", "first", 1);
      call("SET", "second", 2);
      call("INCR", "text");
      call("SET", "third", 3);
    },
  },
  "only.reads": { flags: ["readonly"], run: ({ call }) => call("SET", "k", "v") as string },
  waits: { run: ({ call }) => call("BLPOP", "no-list", 0) as null },
  subscribes: { run: ({ call }) => call("MULTI") as null },
  promises: { run: (() => Promise.resolve(1)) as never },
  breaks: {
    run() {
      throw new TypeError("broken\r\n+OK");
    },
  },
  "raw.copy": {
    arity: 3,
    keys: { first: 1, last: 2 },
    run: ({ callBuffer, call, keys }) => {
      call("SET", keys[1]!, callBuffer("GET", keys[0]!) as Buffer);
    },
  },
  "too.large": {
    run: ({ call }) =>
      (call("MGET", ...Array.from({ length: 200 }, () => "large")) as unknown[]).length,
  },
  "key.count": { keys: { first: 1, last: -1, step: 2 }, run: ({ keys }) => keys.map(String) },
  outer: { run: ({ call }) => [call("counter.max", "nested", 5), call("GET", "nested")] as never },
};

describe("a server with commands of its embedder's", () => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await createServer({ port: 0, commands: COMMANDS });
  });
  afterAll(() => server.stop());

  test("clients and the embedder call them like any other", async () => {
    const client = new RedisClient(`redis://127.0.0.1:${server.port}`);
    expect(await client.send("COUNTER.MAX", ["b", "7"])).toBe(7);
    client.close();
    expect(await server.call("COUNTER.MAX", "c", "5")).toBe(5);
    expect(await server.call("counter.max", "c", "3")).toBe(5);
    expect(await server.call("Counter.Max", "c", 9)).toBe(9);
    expect(await server.call("GET", "changes")).toBe("3");
  });

  test("their arity is checked, and COMMAND knows them", async () => {
    await expect(server.call("COUNTER.MAX", "c")).rejects.toThrow(
      "ERR wrong number of arguments for 'counter.max' command",
    );
    const [info] = (await server.call("COMMAND", "INFO", "counter.max")) as unknown[][];
    expect(info!.slice(0, 2)).toEqual(["counter.max", 3]);
    expect(await server.call("COMMAND", "GETKEYS", "counter.max", "c", "1")).toEqual(["c"]);
    expect(await server.call("COMMAND", "GETKEYS", "key.count", "a", "x", "b", "y")).toEqual([
      "a",
      "b",
    ]);
    expect(await server.call("key.count", "a", "x", "b", "y")).toEqual(["a", "b"]);
  });

  test("every kind of value is a reply", async () => {
    const values = (await server.callBuffer("ALL.KINDS")) as unknown[];
    expect(values.map((value) => (value instanceof ReplyError ? value.message : value))).toEqual([
      "OK",
      null,
      Buffer.from("ü"),
      Buffer.from([0, 255]),
      7,
      1.5,
      2n ** 60n,
      Buffer.from(String(2n ** 70n)),
      true,
      "ERR one of many",
      "FINE",
      new Set([1]),
      new Map([[Buffer.from("a"), 1]]),
      new Map([[Buffer.from("b"), [2]]]),
    ] as never);
  });

  test("bytes stay bytes", async () => {
    await server.call("SET", "from", Uint8Array.of(0, 13, 10, 255));
    await server.call("RAW.COPY", "from", "to");
    expect(await server.callBuffer("GET", "to")).toEqual(Buffer.from([0, 13, 10, 255]));
  });

  test("what one throws is an error in one line, and what it changed before stays", async () => {
    await server.call("SET", "text", "abc");
    await expect(server.call("HALF.DONE")).rejects.toThrow("value is not an integer");
    expect(await server.call("MGET", "first", "second", "third")).toEqual(["1", "2", null]);
    await expect(server.call("BREAKS")).rejects.toThrow("ERR broken +OK");
    expect(await server.call("PING")).toBe("PONG");
  });

  test("a reply that is larger than any may be is an error to them, and the next call works", async () => {
    await server.call("SETRANGE", "large", 20_000_000, "x");
    await expect(server.call("TOO.LARGE")).rejects.toThrow("the reply of the command is too large");
    expect(await server.call("OUTER")).toEqual([5, "5"]);
    await server.call("DEL", "large", "nested");
  });

  test("none waits, none needs a connection, one that reads does not write, and promises are no answers", async () => {
    await expect(server.call("WAITS")).rejects.toThrow("not allowed from script");
    await expect(server.call("SUBSCRIBES")).rejects.toThrow("not allowed from script");
    await expect(server.call("ONLY.READS")).rejects.toThrow("Write commands are not allowed");
    await expect(server.call("PROMISES")).rejects.toThrow("no promises");
  });

  test("they run in the client's database, in transactions, and call each other", async () => {
    await server.call("SELECT", "3");
    await server.call("MULTI");
    await server.call("COUNTER.MAX", "c", "1");
    await server.call("OUTER");
    expect(await server.call("EXEC")).toEqual([1, [5, "5"]]);
    expect(await server.call("GET", "c")).toBe("1");
    await server.call("SELECT", "0");
    expect(await server.call("EXISTS", "nested")).toBe(0);
  });

  test("a name that is taken or can't be sent is refused", async () => {
    const run = (): string => "";
    for (const name of ["get", "GET", "a b", ""]) {
      await expect(createServer({ port: 0, commands: { [name]: { run } } })).rejects.toThrow(
        OptionError,
      );
    }
  });
});

test("the log gets what their calls changed, in one block, and a start without them loads it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "hutch-own-"));
  try {
    const first = await createServer({ port: 0, dir, commands: COMMANDS });
    await first.call("COUNTER.MAX", "c", 5);
    await first.stop();
    const log = readFileSync(
      join(dir, "appendonlydir", "appendonly.aof.1.incr.aof"),
      "latin1",
    ).replace(/#.*\r\n/g, "");
    expect(log.split("\r\n").filter((line) => /^[a-zA-Z]/.test(line))).toEqual([
      "MULTI",
      "SELECT",
      "SET",
      "c",
      "INCR",
      "changes",
      "EXEC",
    ]);
    const second = await createServer({ port: 0, dir });
    expect(await second.call("MGET", "c", "changes")).toEqual(["5", "1"]);
    await second.stop();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
