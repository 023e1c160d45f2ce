/** Streams as a client sees them, beside what the differential tests compare with redis-server. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { until } from "../support/until.ts";

let server: Instance;
let client: RespClient;
let other: RespClient;

beforeAll(async () => {
  server = startInProcess();
  client = await RespClient.connect(server.port);
  other = await RespClient.connect(server.port);
});

afterAll(async () => {
  client.close();
  other.close();
  await server.stop();
});

beforeEach(async () => {
  await client.call("FLUSHALL");
});

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

/** Sends a command that has to wait; its answer is read by `answer`. */
async function wait(line: string): Promise<void> {
  const { blocking } = server.engine;
  other.write(encodeCommand(line.split(" ")));
  await until("the command to wait", () => blocking.keys > 0);
}

async function answer(): Promise<string> {
  return show(await other.read());
}

test("a stream takes no memory when it is gone, whatever it held", async () => {
  const { arena } = server.engine.keyspace.store;
  await run("SET warm up", "DEL warm");
  const before = arena.usedBytes;
  for (let i = 0; i < 3000; i += 100) {
    const lines = Array.from({ length: 100 }, (_, j) => ["XADD", "s", `${i + j + 1}-1`, "f", "v"]);
    await client.pipeline(lines);
  }
  await run("XGROUP CREATE s g 0", "XGROUP CREATE s h 0", "XREADGROUP GROUP g c STREAMS s >");
  await run("XREADGROUP GROUP h d COUNT 700 STREAMS s >", "COPY s t", "XTRIM t MAXLEN 5");
  expect(await run("XLEN s", "XLEN t", "OBJECT ENCODING s")).toEqual([":3000", ":5", '"stream"']);
  await run("DEL s t");
  const { keyspace } = server.engine;
  await until("all to be freed", () => keyspace.reclaimer.pending === 0);
  while (keyspace.housekeep(1_000_000));
  expect(arena.usedBytes).toBe(before);
});

test("an id below the greatest deleted one is not set", async () => {
  const replies = await run(
    ...[
      "XADD s 5-1 f v",
      "XADD s 6-1 f v",
      "XDEL s 6-1",
      "XDEL s 5-1",
      "XSETID s 5-5",
      "XSETID s 6-1",
    ],
  );
  expect(replies.slice(4)).toEqual([
    "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
    "+OK",
  ]);
});

test("XREAD waits for entries behind those that were there when it began", async () => {
  await run("XADD s 1-1 f old");
  await wait("XREAD BLOCK 0 STREAMS none s $ $");
  await run("XADD s 2-1 f new");
  expect(await answer()).toBe('[["s", [["2-1", ["f", "new"]]]]]');
  await wait("XREAD BLOCK 0 COUNT 1 STREAMS none s 0 9-9");
  await run("XADD s 3-1 f v", "XADD none 1-1 f first");
  expect(await answer()).toBe('[["none", [["1-1", ["f", "first"]]]]]');
});

test("XREAD reads the last entry from +, whatever it is, and waits where there is none", async () => {
  await run("XADD s 1-1 f old", "XADD s 2-1 f v", "XADD s 3-0 f last");
  expect(await run("XREAD STREAMS s none + +", "XREAD COUNT 5 STREAMS s +")).toEqual([
    '[["s", [["3-0", ["f", "last"]]]]]',
    '[["s", [["3-0", ["f", "last"]]]]]',
  ]);
  await run("XDEL s 3-0");
  expect(await run("XREAD STREAMS s +", "XREAD STREAMS none +")).toEqual([
    '[["s", [["2-1", ["f", "v"]]]]]',
    "null array",
  ]);
  await wait("XREAD BLOCK 0 STREAMS none +");
  await run("XADD none 1-1 f first");
  expect(await answer()).toBe('[["none", [["1-1", ["f", "first"]]]]]');
  await run("XGROUP CREATE s g 0");
  expect(await run("XREADGROUP GROUP g c STREAMS s +")).toEqual([
    "-ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of " +
      "this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID " +
      "would just return an empty result set.",
  ]);
});

test("XREADGROUP waits for what is new to the group, or for the group to go", async () => {
  await run("XGROUP CREATE s g $ MKSTREAM");
  await wait("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  await run("XADD s 1-1 f v");
  expect(await answer()).toBe('[["s", [["1-1", ["f", "v"]]]]]');
  expect(await run("XPENDING s g - + 5 none", "XACK s g 1-1")).toEqual(["[]", ":1"]);
  await wait("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  await run("XGROUP DESTROY s g");
  expect(await answer()).toStartWith("-NOGROUP ");
  await run("XGROUP CREATE s g $");
  await wait("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  await run("DEL s");
  expect(await answer()).toStartWith("-NOGROUP ");
});

test("waiting ends with its time", async () => {
  await run("XADD s 1-1 f v");
  expect(await run("XREAD BLOCK 1 STREAMS s $")).toEqual(["null array"]);
  expect(server.engine.blocking.keys).toBe(0);
});

test("changes are counted", async () => {
  const { store } = server.engine.keyspace;
  const counts: number[] = [];
  for (const line of [
    ...[
      "XADD s 1-1 f v",
      "XADD s 1-1 f v",
      "XADD s 2-1 f v",
      "XADD none NOMKSTREAM 1-1 f v",
      "XDEL s 1-1 1-1",
    ],
    ...[
      "XDEL s 1-1",
      "XTRIM s MAXLEN 9",
      "XTRIM s MAXLEN 0",
      "XSETID s 9-9",
      "XGROUP CREATE s g $",
      "XRANGE s - +",
    ],
    ...[
      "XREADGROUP GROUP g c STREAMS s >",
      "XACK s g 1-1",
      "XGROUP DESTROY s g",
      "XGROUP DESTROY s g",
    ],
  ]) {
    const before = store.changes;
    await run(line);
    counts.push(store.changes - before);
  }
  expect(counts).toEqual([1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0]);
});
