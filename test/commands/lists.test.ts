/** Lists as a client sees them, where redis-server 7.0 is no reference. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";

let server: Instance;
let client: RespClient;

beforeAll(async () => {
  server = startInProcess();
  client = await RespClient.connect(server.port);
});

afterAll(async () => {
  client.close();
  await server.stop();
});

beforeEach(() => {
  emptyAll(server);
});

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

/** Changes that the lines make, as INFO counts them. */
async function changesOf(...lines: readonly string[]): Promise<number> {
  const { store } = server.engine.keyspace;
  const before = store.changes;
  await run(...lines);
  return store.changes - before;
}

describe("OBJECT ENCODING", () => {
  test("of a list changes where redis-server changes it since 7.2", async () => {
    await client.call("RPUSH", "l", ..."x".repeat(128));
    expect(await run("OBJECT ENCODING l")).toEqual(['"listpack"']);
    await client.call("RPUSH", "l", "y".repeat(8000));
    expect(await run("OBJECT ENCODING l")).toEqual(['"quicklist"']);
    await client.call("LSET", "l", "-1", "z");
    expect(await run("RPOP l", "OBJECT ENCODING l")).toEqual(['"z"', '"listpack"']);
  });

  test("follows list-max-listpack-size", async () => {
    await run("CONFIG SET list-max-listpack-size 2");
    expect(await run("RPUSH l a b", "OBJECT ENCODING l", "RPUSH l c", "OBJECT ENCODING l")).toEqual(
      [":2", '"listpack"', ":3", '"quicklist"'],
    );
    expect(await run("LTRIM l -1 -1", "OBJECT ENCODING l")).toEqual(["+OK", '"listpack"']);
    expect(await run("LINSERT l AFTER c d", "OBJECT ENCODING l")).toEqual([":2", '"listpack"']);
    expect(await run("LINSERT l AFTER none d", "OBJECT ENCODING l")).toEqual([":-1", '"listpack"']);
    expect(await run("LMOVE l l LEFT RIGHT", "LRANGE l 0 -1")).toEqual(['"c"', '["d", "c"]']);
    await run("CONFIG SET list-max-listpack-size -2");
  });
});

describe("changes are counted", () => {
  test("for every element that comes or goes", async () => {
    expect(await changesOf("RPUSH l a b c", "LPUSH l d")).toBe(4);
    expect(await changesOf("LPUSHX none a", "LRANGE l 0 -1", "LPOS l a", "LINDEX l 0")).toBe(0);
    expect(await changesOf("LPOP l 0", "LPOP none", "LREM l 0 none", "LTRIM l 0 -1")).toBe(0);
    expect(await changesOf("LSET l 0 x", "LINSERT l BEFORE x y")).toBe(2);
    expect(await changesOf("LSET l 99 x", "LINSERT l BEFORE none y")).toBe(0);
    expect(await changesOf("LMOVE l m LEFT LEFT", "RPOPLPUSH none l")).toBe(1);
    expect(await changesOf("LMPOP 1 l LEFT COUNT 2")).toBe(2);
    expect(await changesOf("RPOP l 9")).toBe(2);
    expect(await changesOf("RPUSH l a b a", "LREM l 0 a", "LTRIM l 5 9")).toBe(6);
  });
});

describe("memory", () => {
  test("of lists that were emptied, trimmed, moved and overwritten comes back", async () => {
    const { arena } = server.engine.keyspace.store;
    const { blocks } = arena;
    for (let i = 0; i < 5; i++) {
      await client.call("RPUSH", "l", ...Array.from({ length: 500 }, (_, n) => `element ${n}`));
      await client.call("LPUSH", "l", "x".repeat(20_000));
    }
    await run("COPY l m", "LPOP l 700", "LTRIM l 100 -100", "LMOVE l n LEFT LEFT", "SET n text");
    await run("LREM m 0 none", "DEL l n", "RPUSH o a b", "LPOP o", "RPOP o", "LTRIM m 5 2");
    expect(await run("DBSIZE")).toEqual([":0"]);
    expect(arena.blocks).toBe(blocks);
  });

  test("of a large list that was deleted comes back in slices", async () => {
    const { arena } = server.engine.keyspace.store;
    const { blocks } = arena;
    const values = Array.from({ length: 1000 }, (_, i) => `${i}`.padStart(100, "0"));
    for (let i = 0; i < 20; i++) await client.call("RPUSH", "l", ...values);
    expect(arena.blocks).toBeGreaterThan(blocks + 400);
    expect(await run("UNLINK l", "EXISTS l")).toEqual([":1", ":0"]);
    expect(arena.blocks).toBeGreaterThan(blocks);
    await until("the nodes to be freed", () => arena.blocks === blocks);
  });

  test("is reckoned by MEMORY USAGE", async () => {
    const values = Array.from({ length: 10_000 }, (_, i) => `element ${i}`);
    await client.call("RPUSH", "l", ...values);
    const bytes = values.join("").length;
    for (const samples of ["0", "5"]) {
      const usage = Number(
        (await client.text("MEMORY", "USAGE", "l", "SAMPLES", samples)).slice(1),
      );
      expect(usage).toBeGreaterThan(bytes);
      expect(usage).toBeLessThan(bytes * 1.4);
    }
  });
});

test("LRANGE replies with long ranges of elements of all lengths", async () => {
  const values = Array.from({ length: 700 }, (_, i) =>
    i % 7 === 0 ? String(i * 1000) : "v".repeat(i % 100),
  );
  await client.call("RPUSH", "l", ...values);
  for (const [first, last] of [
    [0, 699],
    [3, 602],
    [-600, -1],
    [350, 350],
  ] as const) {
    const reply = await client.call("LRANGE", "l", String(first), String(last));
    const texts =
      reply.type === "array" ? reply.items.map((item) => ("text" in item ? item.text : "")) : [];
    expect(texts).toEqual(values.slice(first, last === -1 ? undefined : last + 1));
  }
});

test("LPOS refuses the one rank whose opposite is no integer", async () => {
  expect(await run("LPOS l a RANK -9223372036854775808")).toEqual([
    "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
  ]);
});

test("an element that does not fit into a list's blocks is moved with all of its bytes", async () => {
  const large = "abcdefgh".repeat(10_000);
  await client.call("RPUSH", "l", "a", large, "b");
  expect(await client.text("LMOVE", "l", "m", "LEFT", "LEFT")).toBe('"a"');
  expect(await client.text("LMOVE", "l", "m", "LEFT", "RIGHT")).toBe(`"${large}"`);
  expect(await client.text("LMOVE", "m", "m", "RIGHT", "LEFT")).toBe(`"${large}"`);
  expect(await client.text("LRANGE", "m", "0", "-1")).toBe(`["${large}", "a"]`);
});
