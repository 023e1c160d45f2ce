/** Clients that wait for keys: what serves them, in which order, and what ends their waiting. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { LocalCaller } from "../../src/local-caller.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { until } from "../support/until.ts";

let hutch: Instance;
let client: RespClient;
const clients: RespClient[] = [];

async function connect(protocol: 2 | 3 = 2): Promise<RespClient> {
  const fresh = await RespClient.connect(hutch.port, protocol);
  clients.push(fresh);
  return fresh;
}

/** Connects a client and sends a command that has to wait. */
async function waiter(...args: readonly (string | number)[]): Promise<RespClient> {
  const fresh = await connect();
  const before = waiting();
  fresh.write(encodeCommand(args));
  await until("the client to wait", () => waiting() === before + 1);
  return fresh;
}

function waiting(): number {
  return [...hutch.engine.sessions.values()].filter((one) => hutch.engine.blocking.isWaiting(one))
    .length;
}

async function reply(from: RespClient): Promise<string> {
  return show(await from.read());
}

async function idOf(one: RespClient): Promise<number> {
  const id = await one.call("CLIENT", "ID");
  return id.type === "integer" ? Number(id.value) : NaN;
}

function expectNothingLeft(): void {
  expect(hutch.engine.blocking.keys).toBe(0);
  expect(hutch.engine.blocking.timed).toBe(0);
  expect(hutch.engine.keyspace.store.watcher).toBeNull();
}

beforeEach(async () => {
  hutch = startInProcess();
  client = await connect();
});

afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await hutch.stop();
});

describe("a client that waits", () => {
  test("is served by the first push, with the key", async () => {
    const one = await waiter("BLPOP", "a", "b", 0);
    expect(await client.text("RPUSH", "b", "x", "y")).toBe(":2");
    expect(await reply(one)).toBe('["b", "x"]');
    expect(await client.text("LRANGE", "b", 0, -1)).toBe('["y"]');
    expectNothingLeft();
  });

  test("does not wait if one of its keys holds something already", async () => {
    await client.call("RPUSH", "b", "x", "y");
    expect(await client.text("BRPOP", "a", "b", "b", 0)).toBe('["b", "y"]');
    expect(await client.text("BLMOVE", "b", "c", "LEFT", "RIGHT", 0)).toBe('"x"');
    expect(await client.text("BRPOPLPUSH", "c", "c", 0)).toBe('"x"');
    expect(await client.text("BLMPOP", 0, 2, "b", "c", "LEFT", "COUNT", 9)).toBe('["c", ["x"]]');
  });

  test("is served in order of arrival, one element each", async () => {
    const first = await waiter("BLPOP", "a", 0);
    const second = await waiter("BRPOP", "other", "a", 0);
    const third = await waiter("BLPOP", "a", 0);
    await client.call("RPUSH", "a", "1", "2");
    expect(await reply(first)).toBe('["a", "1"]');
    expect(await reply(second)).toBe('["a", "2"]');
    expect(waiting()).toBe(1);
    await client.call("RPUSH", "a", "3");
    expect(await reply(third)).toBe('["a", "3"]');
    expect(await client.text("EXISTS", "a")).toBe(":0");
  });

  test("is served with what a whole pipeline brings, command by command", async () => {
    const first = await waiter("BLMPOP", 0, 1, "a", "LEFT", "COUNT", 5);
    const second = await waiter("BLMPOP", 0, 1, "a", "LEFT", "COUNT", 5);
    await client.pipeline([
      ["RPUSH", "a", "1", "2", "3"],
      ["RPUSH", "a", "4"],
      ["RPUSH", "a", "5"],
    ]);
    expect(await reply(first)).toBe('["a", ["1", "2", "3"]]');
    expect(await reply(second)).toBe('["a", ["4"]]');
    expect(await client.text("LRANGE", "a", 0, -1)).toBe('["5"]');
  });

  test("is served by what another one that waits moves, along a chain", async () => {
    const last = await waiter("BLPOP", "c", 0);
    const middle = await waiter("BLMOVE", "b", "c", "LEFT", "RIGHT", 0);
    const first = await waiter("BRPOPLPUSH", "a", "b", 0);
    expect(await client.text("LPUSH", "a", "x")).toBe(":1");
    expect(await reply(first)).toBe('"x"');
    expect(await reply(middle)).toBe('"x"');
    expect(await reply(last)).toBe('["c", "x"]');
    expect(await client.text("DBSIZE")).toBe(":0");
  });

  test("is served with members of sorted sets, whatever stores them, and not with a list's elements", async () => {
    const lowest = await waiter("BZPOPMIN", "z", 0);
    const highest = await waiter("BZPOPMAX", "other", "z", 0);
    const list = await waiter("BLPOP", "z", 0);
    await client.call("ZADD", "z", 1, "a", 2, "b", 3, "c");
    expect(await reply(lowest)).toBe('["z", "a", "1"]');
    expect(await reply(highest)).toBe('["z", "c", "3"]');
    await client.call("DEL", "z");
    const many = await waiter("BZMPOP", 0, 2, "none", "z", "MAX", "COUNT", 2);
    await client.pipeline([
      ["RPUSH", "numbers", 3, 1, 2],
      ["ZADD", "y", 5, "d", 6, "e", 7, "f"],
      ["ZUNIONSTORE", "z", 1, "y"],
    ]);
    expect(await reply(many)).toBe('["z", [["f", "7"], ["e", "6"]]]');
    await client.call("SORT", "numbers", "STORE", "z");
    expect(await reply(list)).toBe('["z", "1"]');
    expectNothingLeft();
  });

  test("gets the error, and the element stays, if the list to move to is none", async () => {
    await client.call("SET", "target", "text");
    const one = await waiter("BLMOVE", "a", "target", "LEFT", "LEFT", 0);
    await client.call("RPUSH", "a", "x");
    expect(await reply(one)).toStartWith("-WRONGTYPE");
    expect(await client.text("LRANGE", "a", 0, -1)).toBe('["x"]');
  });

  test("is served by keys that come by RENAME, COPY, MOVE and SWAPDB", async () => {
    for (const bring of [
      ["RENAME", "x", "a"],
      ["COPY", "x", "a"],
    ]) {
      const one = await waiter("BLPOP", "a", 0);
      await client.call("RPUSH", "x", bring[0]!);
      await client.call(...bring);
      expect(await reply(one)).toBe(`["a", "${bring[0]}"]`);
      await client.call("DEL", "x");
    }
    for (const bring of [
      ["MOVE", "a", 0],
      ["SWAPDB", 0, 1],
    ]) {
      const one = await waiter("BLPOP", "a", 0);
      await client.pipeline([["SELECT", 1], ["RPUSH", "a", "elsewhere"], bring, ["SELECT", 0]]);
      expect(await reply(one)).toBe('["a", "elsewhere"]');
    }
    expectNothingLeft();
  });

  test("goes on waiting while its key is deleted, of another type, flushed or in another database", async () => {
    const one = await waiter("BLPOP", "a", 0);
    await client.pipeline([
      ["SET", "a", "text"],
      ["DEL", "a"],
      ["SADD", "a", "member"],
      ["RENAME", "a", "b"],
      ["FLUSHALL"],
      ["SELECT", 1],
      ["RPUSH", "a", "elsewhere"],
      ["SELECT", 0],
      ["SWAPDB", 2, 3],
    ]);
    expect(waiting()).toBe(1);
    await client.call("RPUSH", "a", "x");
    expect(await reply(one)).toBe('["a", "x"]');
  });

  test("gets nothing of a key that has expired before the command ended", async () => {
    const one = await waiter("BLPOP", "a", 0);
    await client.pipeline([
      ["RPUSH", "tmp", "x"],
      ["PEXPIREAT", "tmp", 1],
      ["RENAME", "tmp", "a"],
    ]);
    expect(waiting()).toBe(1);
    await client.call("RPUSH", "a", "y");
    expect(await reply(one)).toBe('["a", "y"]');
  });

  test("is shown by INFO and CLIENT LIST", async () => {
    const one = await waiter("BLPOP", "a", "b", 7);
    const id = String([...hutch.engine.sessions.keys()].at(-1)!);
    expect(await client.text("INFO", "clients")).toContain("blocked_clients:1");
    expect(await client.text("INFO", "clients")).toContain("total_blocking_keys:2");
    expect(await client.text("INFO", "clients")).toContain("clients_in_timeout_table:1");
    expect(await client.text("CLIENT", "LIST", "ID", id)).toContain("flags=b");
    one.close();
    await until("the client to be forgotten", () => waiting() === 0);
    expectNothingLeft();
  });
});

describe("what a client has sent behind a command that waits", () => {
  test("waits with it and runs in order", async () => {
    const one = await connect();
    one.write(
      Buffer.concat([
        encodeCommand(["BLPOP", "a", 0]),
        encodeCommand(["LLEN", "a"]),
        encodeCommand(["BLPOP", "b", 0]),
        encodeCommand(["ECHO", "end"]),
      ]),
    );
    await until("the client to wait", () => waiting() === 1);
    await client.call("RPUSH", "a", "1", "2");
    expect(await reply(one)).toBe('["a", "1"]');
    expect(await reply(one)).toBe(":1");
    await until("the client to wait again", () => waiting() === 1);
    expect(one.unread).toBe(0);
    await client.call("RPUSH", "b", "3");
    expect(await reply(one)).toBe('["b", "3"]');
    expect(await reply(one)).toBe('"end"');
  });

  test("runs also if it had arrived in part, or arrives in part while it waits", async () => {
    const echo = encodeCommand(["ECHO", "whole"]);
    for (let cut = 0; cut <= echo.length; cut++) {
      const one = await connect();
      const blpop = encodeCommand(["BLPOP", "a", 0]);
      one.write(Buffer.concat([blpop, echo.subarray(0, cut >>> 1)]));
      await until("the client to wait", () => waiting() === 1);
      one.write(echo.subarray(cut >>> 1, cut));
      await client.call("RPUSH", "a", "x");
      expect(await reply(one)).toBe('["a", "x"]');
      one.write(echo.subarray(cut));
      expect(await reply(one)).toBe('"whole"');
      one.close();
    }
  });

  test("waits for the timeout, CLIENT UNBLOCK and replies switched off as well", async () => {
    const one = await connect();
    const commands = [
      ["CLIENT", "REPLY", "SKIP"],
      ["BLPOP", "a", 0],
      ["BLPOP", "a", 0.001],
      ["BLPOP", "a", 0],
      ["ECHO", "end"],
    ];
    const id = await idOf(one);
    one.write(Buffer.concat(commands.map(encodeCommand)));
    await until("the client to wait", () => waiting() === 1);
    await client.call("RPUSH", "a", "not shown");
    expect(await reply(one)).toBe("null array");
    await until("the client to wait again", () => waiting() === 1);
    expect(await client.text("CLIENT", "UNBLOCK", id, "ERROR")).toBe(":1");
    expect(await reply(one)).toBe("-UNBLOCKED client unblocked via CLIENT UNBLOCK");
    expect(await reply(one)).toBe('"end"');
  });
});

describe("a timeout", () => {
  test("is kept on the server's clock, to the millisecond", async () => {
    hutch.engine.clock.freeze();
    const long = await waiter("BLPOP", "a", 10);
    const short = await waiter("BLMOVE", "a", "b", "LEFT", "LEFT", "2.5");
    const pass = (ms: number): void => {
      hutch.engine.clock.advance(ms);
      hutch.engine.beginTurn();
      hutch.engine.beat();
    };
    pass(2499);
    expect(waiting()).toBe(2);
    pass(1);
    expect(await reply(short)).toBe("null array");
    pass(7499);
    expect(waiting()).toBe(1);
    pass(1);
    expect(await reply(long)).toBe("null array");
    expectNothingLeft();
  });

  test("ends without waiting for the next beat, in order of the times", async () => {
    hutch.engine.options.set("hz", "1");
    // Far enough apart that a pause of the machine between two of the commands does not change their order.
    const times = [0.3, 0.06, 0.18, 0.12, 0.24];
    const order: number[] = [];
    const all = await Promise.all(times.map(() => connect()));
    const begun = performance.now();
    await Promise.all(
      all.map(async (one, i) => {
        expect(await one.text("BRPOP", "a", times[i]!)).toBe("null array");
        order.push(times[i]!);
      }),
    );
    expect(order).toEqual([0.06, 0.12, 0.18, 0.24, 0.3]);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(299);
  });

  test("is null in RESP3", async () => {
    const third = await connect(3);
    expect(await third.text("BLPOP", "a", "0.001")).toBe("null");
  });

  test("is refused if it is none", async () => {
    const notFloat = "-ERR timeout is not a float or out of range";
    for (const [timeout, error] of [
      ["x", notFloat],
      ["", notFloat],
      [" 1", notFloat],
      ["nan", notFloat],
      ["-1", "-ERR timeout is negative"],
      ["-0.002", "-ERR timeout is negative"],
      ["inf", "-ERR timeout is out of range"],
      ["1e300", "-ERR timeout is out of range"],
      ["9223372036854775", "-ERR timeout is out of range"],
    ] as const) {
      expect(await client.text("BLPOP", "a", timeout)).toBe(error);
      expect(await client.text("BRPOP", "a", timeout)).toBe(error);
      expect(await client.text("BLMOVE", "a", "b", "LEFT", "LEFT", timeout)).toBe(error);
      expect(await client.text("BRPOPLPUSH", "a", "b", timeout)).toBe(error);
      expect(await client.text("BLMPOP", timeout, 1, "a", "LEFT")).toBe(error);
      expect(await client.text("BZPOPMIN", "a", timeout)).toBe(error);
      expect(await client.text("BZMPOP", timeout, 1, "a", "MIN")).toBe(error);
    }
    expect(waiting()).toBe(0);
  });
});

describe("waiting ends", () => {
  test("by CLIENT UNBLOCK, as if the time were over or with an error", async () => {
    const one = await connect();
    const id = await idOf(one);
    expect(await client.text("CLIENT", "UNBLOCK", id)).toBe(":0");
    for (const [reason, answer] of [
      [[], "null array"],
      [["timeout"], "null array"],
      [["error"], "-UNBLOCKED client unblocked via CLIENT UNBLOCK"],
    ] as const) {
      one.write(encodeCommand(["BLPOP", "a", 0]));
      await until("the client to wait", () => waiting() === 1);
      expect(await client.text("CLIENT", "UNBLOCK", id, ...reason)).toBe(":1");
      expect(await reply(one)).toBe(answer);
    }
    expect(await client.text("CLIENT", "UNBLOCK", 999999)).toBe(":0");
    expect(await client.text("CLIENT", "UNBLOCK", "x")).toBe(
      "-ERR value is not an integer or out of range",
    );
    expect(await client.text("CLIENT", "UNBLOCK", id, "x")).toBe(
      "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
    );
    expectNothingLeft();
  });

  test("by CLIENT KILL, and the next one in the queue gets the element", async () => {
    const first = await waiter("BLPOP", "a", 0);
    const id = [...hutch.engine.sessions.keys()].at(-1)!;
    const second = await waiter("BLPOP", "a", 0);
    const killed = client.pipeline([
      ["CLIENT", "KILL", "ID", id],
      ["RPUSH", "a", "x"],
    ]);
    await killed;
    expect(await reply(second)).toBe('["a", "x"]');
    await first.closed;
    expect(first.unread).toBe(0);
  });

  test("when the client goes, also with commands behind, and no element is lost with it", async () => {
    const ways: ((one: RespClient) => void)[] = [
      (one) => one.close(),
      (one) => one.endWriting(),
      (one) => {
        one.write(encodeCommand(["RPUSH", "b", "not run"]));
        one.endWriting();
      },
    ];
    for (const go of ways) {
      go(await waiter("BLPOP", "a", 0));
      await until("the client to be forgotten", () => waiting() === 0);
      expect(await client.text("RPUSH", "a", "x")).toBe(":1");
      expect(await client.text("LPOP", "a")).toBe('"x"');
    }
    expect(await client.text("EXISTS", "b")).toBe(":0");
    expectNothingLeft();
  });

  test("when the server stops", async () => {
    const one = await waiter("BLPOP", "a", 0);
    await hutch.stop();
    await one.closed;
    expect(one.unread).toBe(0);
  });
});

test("CLIENT PAUSE holds back those who would serve, and a timeout still ends the waiting", async () => {
  const one = await waiter("BLPOP", "a", 0);
  const other = await waiter("BLPOP", "a", "0.02");
  await client.call("CLIENT", "PAUSE", 100_000, "WRITE");
  const pusher = await connect();
  pusher.write(encodeCommand(["RPUSH", "a", "x"]));
  expect(await reply(other)).toBe("null array");
  await client.call("CLIENT", "UNPAUSE");
  expect(await reply(pusher)).toBe(":1");
  expect(await reply(one)).toBe('["a", "x"]');
});

test("a call of the library waits, and those behind it do not", async () => {
  const caller = new LocalCaller(hutch.engine);
  await caller.call(["SELECT", 3], false);
  const waits = caller.call(["BLPOP", "a", 0], false);
  const late = caller.call(["BRPOP", "b", 0.01], false);
  const stopped = caller.call(["BRPOP", "b", 0], false);
  expect(await caller.call(["RPUSH", "a", "x", "y"], false)).toBe(2);
  expect(await waits).toEqual(["a", "x"]);
  expect(await late).toBeNull();
  caller.stop();
  expect(stopped).rejects.toThrow("the server is stopped");
  expectNothingLeft();
});
