/** HyperLogLogs as a client sees them, beside what the differential tests compare with redis-server. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";

const DAMAGED = "-INVALIDOBJ Corrupted HLL object detected";

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

async function setSparse(key: string, runs: Buffer): Promise<void> {
  const header = Buffer.from("HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80", "latin1");
  await client.call("SET", key, Buffer.concat([header, runs]));
}

test("PFSELFTEST passes", async () => {
  expect(await run("PFSELFTEST")).toEqual(["+OK"]);
});

test("a value copied by GET and SET goes on counting", async () => {
  for (let i = 0; i < 2000; i += 100) {
    await client.call("PFADD", "a", ...Array.from({ length: 100 }, (_, j) => `element ${i + j}`));
    const value = await client.call("GET", "a");
    if (value.type !== "bulk") throw new Error("no value");
    await client.call("SET", "b", Buffer.from(value.text, "latin1"));
    const [a, b] = await run("PFCOUNT a", "PFCOUNT b");
    expect(a).toBe(b!);
    expect(Math.abs(Number(a!.slice(1)) - i - 100)).toBeLessThanOrEqual(3 + i * 0.04);
    expect(await run("PFADD b x:y", "PFADD b x:y")).toEqual([":1", ":0"]);
  }
  expect(await run("PFDEBUG ENCODING a")).toEqual(["+dense"]);
});

test("a damaged value is refused and stays as it is", async () => {
  const longest = 2 * 16384;
  for (const runs of [
    Buffer.alloc(0),
    Buffer.from([0x7f]),
    Buffer.from([0x7f, 0xff, 0x7f, 0xff, 0xff]),
    Buffer.alloc(longest + 2, "\x40\x00", "latin1"),
    Buffer.alloc(1_000_000, "\x40\x00", "latin1"),
  ]) {
    await setSparse("k", runs);
    const before = await client.text("GET", "k");
    expect(await run("PFCOUNT k", "PFMERGE m k", "PFDEBUG TODENSE k", "PFCOUNT k k")).toEqual([
      DAMAGED,
      DAMAGED,
      DAMAGED,
      DAMAGED,
    ]);
    expect(await client.text("GET", "k")).toBe(before);
    expect(await run("EXISTS m")).toEqual([":0"]);
  }
  // Too long to be valid whatever it holds: no element is looked for.
  expect(await run("PFADD k a", "PFDEBUG DECODE k")).toEqual([DAMAGED, DAMAGED]);
});

test("an element that meets damage undoes those before it", async () => {
  // Four registers: the first element's is one of them, others lie behind the end.
  await setSparse("k", Buffer.from([0x3f, 0x3f, 0x3f, 0x3f]));
  const before = await client.text("GET", "k");
  const elements = Array.from({ length: 400 }, (_, i) => `${i}`);
  const found: string[] = [];
  for (const element of elements) {
    if ((await client.text("PFADD", "k", element)) === ":1") found.push(element);
  }
  expect(found.length).toBeGreaterThan(0);
  await setSparse("k", Buffer.from([0x3f, 0x3f, 0x3f, 0x3f]));
  const other = elements.find((element) => !found.includes(element))!;
  expect(await client.text("PFADD", "k", found[0]!, other)).toBe(DAMAGED);
  expect(await client.text("GET", "k")).toBe(before);
});

test("changes are counted: new registers, a new key, an estimate that is kept", async () => {
  const { store } = server.engine.keyspace;
  const counts: number[] = [];
  for (const line of [
    ...["PFADD k", "PFADD k", "PFADD k a b c", "PFADD k a", "PFCOUNT k", "PFCOUNT k"],
    ...["PFCOUNT k none", "PFMERGE k", "PFDEBUG ENCODING k", "PFDEBUG TODENSE k", "PFADD k d e"],
  ]) {
    const before = store.changes;
    await run(line);
    counts.push(store.changes - before);
  }
  expect(counts).toEqual([1, 0, 3, 0, 1, 0, 0, 1, 0, 1, 2]);
});

test("a dense value takes the room of its registers and no more; all of it comes back", async () => {
  const { arena } = server.engine.keyspace.store;
  const before = arena.usedBytes;
  const elements = Array.from({ length: 5000 }, (_, i) => `${i}`);
  for (let i = 0; i < 5000; i += 50) await client.call("PFADD", "k", ...elements.slice(i, i + 50));
  expect(await run("PFDEBUG ENCODING k", "STRLEN k")).toEqual(["+dense", ":12304"]);
  expect(arena.usedBytes - before).toBeLessThan(15_000);
  await run("PFMERGE copy k", "DEL k copy");
  expect(arena.usedBytes).toBe(before);
});

test("an unknown subcommand is named up to its first zero byte", async () => {
  await run("PFADD k a");
  const reply = await client.text("PFDEBUG", "FOO\0BAR", "k");
  expect(reply).toBe("-ERR Unknown PFDEBUG subcommand 'FOO'");
});
