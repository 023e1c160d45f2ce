/** How much one slice of housekeeping frees, counted and not timed: of large values of every kind, and of memory. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { Arena, SEGMENT_SHIFT } from "../../src/memory/arena.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { fillLarge, LARGE_KINDS } from "./large-values.ts";

const MIB = 1024 * 1024;
const ELEMENTS = 20_000;
const SLICE = 256;
/** A node of a tree is freed as a whole: so many elements more than it should be. */
const NODE_MAX = 128;

let instance: Instance | null = null;
afterEach(async () => await instance?.stop());

describe.each(LARGE_KINDS)("a large $name", (kind) => {
  test("is freed in slices of a bounded number of elements, and completely", async () => {
    // Nodes of lists and streams that hold few elements, so that elements tell what is done.
    instance = startInProcess({
      "enable-debug-command": "yes",
      "list-max-listpack-size": "1",
      "stream-node-max-entries": "10",
    });
    const { reclaimer, store } = instance.engine.keyspace;
    const client = await RespClient.connect(instance.port);
    const before = store.arena.blocks;
    await fillLarge(client, kind, "big", ELEMENTS);
    expect(await client.text("DEBUG", "PAUSE-CRON", 1)).toBe("+OK");
    expect(await client.text("UNLINK", "big")).toBe(":1");
    expect(reclaimer.pending).toBe(ELEMENTS);
    let slices = 0;
    for (let more = true; more; slices++) {
      const { pending } = reclaimer;
      more = reclaimer.step(SLICE);
      // Ten entries of a stream, in one node, count as two: they are freed together.
      const limit = kind.name === "stream" ? SLICE * 10 : SLICE + NODE_MAX;
      expect(pending - reclaimer.pending).toBeLessThanOrEqual(limit);
    }
    expect(slices).toBeGreaterThan(kind.name === "stream" ? 8 : 50);
    expect(reclaimer.pending).toBe(0);
    expect(reclaimer.orphans).toBe(0);
    expect(store.arena.blocks).toBe(before);
    client.close();
  });
});

test("many large values that wait are all freed, whatever comes in between", async () => {
  instance = startInProcess({ "enable-debug-command": "yes" });
  const { reclaimer, store } = instance.engine.keyspace;
  const client = await RespClient.connect(instance.port);
  const before = store.arena.blocks;
  await client.text("DEBUG", "PAUSE-CRON", 1);
  const set = LARGE_KINDS.find((kind) => kind.name === "set")!;
  for (let n = 0; n < 20; n++) {
    await fillLarge(client, set, `big:${n}`, 600);
    await client.text("UNLINK", `big:${n}`);
    if (n % 3 === 0) reclaimer.step(SLICE);
  }
  expect(reclaimer.orphans).toBeGreaterThan(10);
  while (reclaimer.step(SLICE));
  expect(reclaimer.orphans).toBe(0);
  expect(store.arena.blocks).toBe(before);
  client.close();
});

test("a long string that grows bit by bit is moved rarely", async () => {
  instance = startInProcess({});
  const { databases, store } = instance.engine.keyspace;
  const client = await RespClient.connect(instance.port);
  await client.text("SETRANGE", "long", 40 * MIB, "x");
  const key = Buffer.from("long");
  const piece = Buffer.alloc(256 * 1024, "y");
  let moves = 0;
  let place = 0;
  for (let n = 0; n < 64; n++) {
    await client.call("APPEND", "long", piece);
    const block = store.entries.block(databases[0]!.peek(key, 0, key.length));
    if (block !== place) moves++;
    place = block;
  }
  expect(moves).toBeLessThanOrEqual(5);
  expect(await client.text("STRLEN", "long")).toBe(`:${40 * MIB + 1 + 64 * piece.length}`);
  expect(await client.text("GETRANGE", "long", 40 * MIB, 40 * MIB + 3)).toBe('"xyyy"');
  client.close();
});

test("memory of a large block goes back a mebibyte at a time", () => {
  const arena = new Arena();
  const size = 100 * MIB;
  const block = arena.allocate(size);
  arena.bytes[block >>> SEGMENT_SHIFT]!.fill(1, 0, size);
  arena.free(block);
  expect(arena.reservedBytes).toBe(0);
  const full = process.memoryUsage.rss();
  let steps = 1;
  while (arena.trim()) steps++;
  expect(steps).toBe(100);
  expect(full - process.memoryUsage.rss()).toBeGreaterThan(90 * MIB);
  arena.release();
});
