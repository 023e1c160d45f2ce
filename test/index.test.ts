import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { EmbeddedServer } from "../src/index.ts";
import { connect, createServer, ListenError, OptionError, ReplyError } from "../src/index.ts";
import { RespClient } from "./support/resp-client.ts";

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => `not rejected, but resolved with ${String(value)}`,
    (error: unknown) => error,
  );
}

describe("a server in the test's process", () => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await createServer({ port: 0, databases: 4 });
  });
  afterAll(() => server.stop());

  test("runs commands without a socket", async () => {
    expect(await server.call("SET", "k", "v")).toBe("OK");
    expect(await server.call("GET", "k")).toBe("v");
    expect(await server.call("get", "missing")).toBeNull();
  });

  test("takes strings, numbers, bigints and bytes as arguments", async () => {
    await server.call("SET", "text", "naïve");
    expect(await server.call("GET", "text")).toBe("naïve");
    await server.call("SET", "number", 42);
    expect(await server.call("GET", "number")).toBe("42");
    await server.call("SET", "big", 2n ** 62n);
    expect(await server.call("GET", "big")).toBe("4611686018427387904");
    await server.call("SET", Uint8Array.of(0, 255), Uint8Array.of(255, 0));
    expect(await server.callBuffer("GET", Uint8Array.of(0, 255))).toEqual(Buffer.from([255, 0]));
  });

  test("rejects a call that the command answers with an error", async () => {
    const error = (await failure(server.call("SET", "k"))) as ReplyError;
    expect(error).toBeInstanceOf(ReplyError);
    expect(error.code).toBe("ERR");
    expect(error.message).toBe("ERR wrong number of arguments for 'set' command");
    expect(await failure(server.call("NOSUCH"))).toBeInstanceOf(ReplyError);
    expect(await failure(server.call())).toBeInstanceOf(TypeError);
  });

  test("runs calls in their order", async () => {
    const calls = Array.from({ length: 100 }, (_, i) => server.call("SET", "order", i));
    await Promise.all(calls);
    expect(await server.call("GET", "order")).toBe("99");
  });

  test("lets a call wait that CLIENT PAUSE holds back, and those behind it", async () => {
    await server.call("CLIENT", "PAUSE", 60_000, "WRITE");
    expect(await server.call("PING")).toBe("PONG");
    const settled: string[] = [];
    const write = server.call("SET", "paused", "v").then(() => settled.push("SET"));
    const read = server.call("GET", "paused").then((value) => settled.push(`GET ${value}`));
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toEqual([]);
    server.clock.advance(60_000);
    await Promise.all([write, read]);
    expect(settled).toEqual(["SET", "GET v"]);
  });

  test("shows clients what calls did, and calls what clients did", async () => {
    await server.call("SET", "both", "call");
    const client = await RespClient.connect(server.port);
    try {
      expect(await client.text("GET", "both")).toBe('"call"');
      await client.call("SET", "both", "client");
    } finally {
      client.close();
    }
    expect(await server.call("GET", "both")).toBe("client");
  });
});

describe("the options of createServer", () => {
  test("give the port, free if it is 0", async () => {
    await using server = await createServer({ port: 0 });
    expect(server.port).toBeGreaterThan(0);
    const taken = await failure(createServer({ port: server.port }));
    expect(taken).toBeInstanceOf(ListenError);
    expect((taken as Error).message).toContain(`${server.port}`);
  });

  test("set a password for connections, not for calls", async () => {
    await using server = await createServer({ port: 0, password: "sésame" });
    const client = await RespClient.connect(server.port);
    try {
      expect(await client.text("GET", "k")).toStartWith("-NOAUTH");
    } finally {
      client.close();
    }
    expect(await server.call("SET", "k", "v")).toBe("OK");
  });

  test("are refused when they are unknown or out of range", async () => {
    const unknown = (await failure(createServer({ port: 0, colour: "red" }))) as OptionError;
    expect(unknown).toBeInstanceOf(OptionError);
    expect(unknown.option).toBe("colour");
    const wrong = (await failure(createServer({ port: 123456 }))) as OptionError;
    expect(wrong).toBeInstanceOf(OptionError);
    expect(wrong.message).toStartWith("option port: ");
  });

  test("may be written in camel case", async () => {
    await using server = await createServer({ port: 0, protoMaxBulkLen: "2mb" });
    const client = await RespClient.connect(server.port);
    try {
      client.write(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${2 * 1024 * 1024 + 1}\r\n`);
      expect((await client.read()).type).toBe("error");
    } finally {
      client.close();
    }
  });

  test("make the random choices of two servers the same", async () => {
    const choices: unknown[][] = [];
    for (let round = 0; round < 2; round++) {
      await using server = await createServer({ port: 0, seed: 7 });
      for (let i = 0; i < 100; i++) await server.call("SET", `key:${i}`, i);
      const chosen = Array.from({ length: 10 }, () => server.call("RANDOMKEY"));
      choices.push(await Promise.all(chosen));
    }
    expect(choices[0]).toEqual(choices[1]!);
  });
});

describe("the clock of a server", () => {
  test("moves forward by hand, and keys whose time comes are gone", async () => {
    await using server = await createServer({ port: 0 });
    const before = server.clock.nowMs;
    await server.call("SET", "session", "x", "EX", 3600);
    await server.call("SET", "stays", "y");
    server.clock.advance(3_599_000);
    expect(await server.call("GET", "session")).toBe("x");
    server.clock.advance(1_000 + 16);
    expect(await server.call("DBSIZE")).toBe(1);
    expect(await server.call("GET", "session")).toBeNull();
    expect(server.clock.nowMs).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(() => server.clock.advance(-1)).toThrow(RangeError);
  });

  test("stands still when it is frozen", async () => {
    await using server = await createServer({ port: 0 });
    server.clock.freeze(1_700_000_000_000);
    expect(server.clock.nowMs).toBe(1_700_000_000_000);
    expect(await server.call("TIME")).toEqual(["1700000000", "0"]);
    await server.call("SET", "k", "v", "PX", 500);
    expect(await server.call("PTTL", "k")).toBe(500);
    server.clock.advance(499);
    expect(await server.call("PTTL", "k")).toBe(1);
    server.clock.advance(1);
    expect(await server.call("EXISTS", "k")).toBe(0);
  });

  test("expires many keys at once", async () => {
    await using server = await createServer({ port: 0 });
    const calls = Array.from({ length: 5000 }, (_, i) => server.call("SET", i, i, "PX", 1 + i));
    await Promise.all(calls);
    server.clock.advance(60_000);
    expect(await server.call("DBSIZE")).toBe(0);
  });
});

describe("a server that is stopped", () => {
  test("has closed its connections and its port", async () => {
    const server = await createServer({ port: 0 });
    const client = await RespClient.connect(server.port);
    expect(await client.text("PING")).toBe("+PONG");
    await server.stop();
    await client.closed;
    expect(await failure(RespClient.connect(server.port))).toBeInstanceOf(Error);
    await server.stopped;
  });

  test("rejects calls, and may be stopped again", async () => {
    const server = await createServer({ port: 0 });
    await server.stop();
    await server.stop();
    const error = (await failure(server.call("PING"))) as Error;
    expect(error.message).toBe("the server is stopped");
  });

  test("leaves other servers of the process alone", async () => {
    await using other = await createServer({ port: 0 });
    await other.call("SET", "k", "v");
    const server = await createServer({ port: 0 });
    await server.call("SET", "k", "w");
    await server.stop();
    expect(await other.call("GET", "k")).toBe("v");
  });
});

test("an hour of a shop in a millisecond: what a user of the library writes", async () => {
  await using server = await createServer({ port: 0 });
  using carts = await connect({ port: server.port });

  await carts.set("cart:7", "3 apples");
  await server.call("EXPIRE", "cart:7", 3600);
  server.clock.advance(3600 * 1000);

  expect(await carts.get("cart:7")).toBeNull();
});
