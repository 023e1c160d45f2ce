/** Client-side caching where redis-server can't be asked: the bounded table, clients that go, commands that wait, own commands. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { until } from "../support/until.ts";

let hutch: Instance;
let client: RespClient;
let other: RespClient;
const clients: RespClient[] = [];

async function connect(protocol: 2 | 3 = 3): Promise<RespClient> {
  const fresh = await RespClient.connect(hutch.port, protocol);
  clients.push(fresh);
  return fresh;
}

beforeEach(async () => {
  hutch = startInProcess({ "enable-debug-command": "yes" });
  client = await connect();
  other = await connect();
});

afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await hutch.stop();
});

/** Sends PING and gives what comes before its reply. */
async function messages(from: RespClient): Promise<string[]> {
  from.write(encodeCommand(["PING"]));
  const found: string[] = [];
  for (;;) {
    const frame = show(await from.read());
    if (frame === "+PONG") return found;
    found.push(frame);
  }
}

describe("client-side caching", () => {
  test("forgets keys above tracking-table-max-keys, and says so to those who have read them", async () => {
    await client.call("CONFIG", "SET", "tracking-table-max-keys", "100");
    await client.call("CLIENT", "TRACKING", "ON");
    const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`);
    client.write(Buffer.concat(keys.map((key) => encodeCommand(["GET", key]))));
    const frames: string[] = [];
    for (let i = 0; i < 1900; i++) frames.push(show(await client.read()));
    expect(hutch.engine.tracking.keys.count).toBe(100);
    const forgotten = frames.filter((frame) => frame.startsWith(">"));
    expect(new Set(forgotten).size).toBe(900);
    // Of those that are left each is still told of.
    await other.call("MSET", ...keys.flatMap((key) => [key, "1"]));
    const later = await messages(client);
    expect(new Set([...forgotten, ...later]).size).toBe(1000);
    expect(hutch.engine.tracking.keys.count).toBe(0);
  });

  test("brings the table below a lower limit, a little with each beat", async () => {
    await client.call("CLIENT", "TRACKING", "ON");
    await client.call("MGET", ...Array.from({ length: 500 }, (_, i) => `key:${i}`));
    await other.call("CONFIG", "SET", "tracking-table-max-keys", "10");
    await until("the table to shrink", () => hutch.engine.tracking.keys.count === 10);
    expect(await messages(client)).toHaveLength(490);
  });

  test("costs nothing any more when the last client that tracks has gone, and gives the memory back", async () => {
    const { engine } = hutch;
    const { store } = engine.keyspace;
    const { blocks } = store.arena;
    for (const options of [[], ["BCAST", "PREFIX", "a"], ["OPTOUT"]]) {
      const tracker = await connect();
      await tracker.call("CLIENT", "TRACKING", "ON", ...options);
      await tracker.call("MGET", ...Array.from({ length: 3000 }, (_, i) => `key:${i}`));
      expect(store.observer).not.toBeNull();
      expect(engine.special).not.toBe(0);
      tracker.close();
      await until("it to be forgotten", () => engine.tracking.count === 0);
      expect(store.observer).toBeNull();
      expect(engine.special).toBe(0);
      expect(engine.tracking.prefixes).toBe(0);
    }
    await until("the memory to come back", () => store.arena.blocks === blocks);
  });

  test("tells a client that waits for a key before it is served", async () => {
    await client.call("CLIENT", "TRACKING", "ON");
    client.write(encodeCommand(["XREAD", "BLOCK", "0", "STREAMS", "s", "$"]));
    await until("it to wait", () => hutch.engine.blocking.keys === 1);
    await other.call("XADD", "s", "1-1", "f", "v");
    const frames = [show(await client.read()), show(await client.read())];
    expect(frames.toSorted()).toEqual(['%{"s": [["1-1", ["f", "v"]]]}', '>["invalidate", ["s"]]']);
  });

  test("tells of what time does while nobody sends anything", async () => {
    await client.call("SET", "k", "1", "PX", "60000");
    await client.call("SADD", "s", "a", "b");
    await client.call("SPEXPIRE", "s", "60000", "MEMBERS", "1", "a");
    await client.call("CLIENT", "TRACKING", "ON");
    await client.call("GET", "k");
    await client.call("SMEMBERS", "s");
    hutch.engine.clock.advance(61_000);
    const frames = [show(await client.read()), show(await client.read())];
    expect(frames.toSorted()).toEqual(['>["invalidate", ["k"]]', '>["invalidate", ["s"]]']);
  });

  test("tells a hundred clients of a key that all have read, each once", async () => {
    const readers = await Promise.all(Array.from({ length: 100 }, () => connect()));
    for (const reader of readers) {
      await reader.call("CLIENT", "TRACKING", "ON");
      await reader.call("GET", "k");
    }
    expect(hutch.engine.tracking.keys.items).toBe(100);
    await other.call("SET", "k", "1");
    await other.call("SET", "k", "2");
    for (const reader of readers)
      expect(await messages(reader)).toEqual(['>["invalidate", ["k"]]']);
  });

  test("counts prefixes towards client-query-buffer-limit", async () => {
    await other.call("CONFIG", "SET", "client-query-buffer-limit", "1mb");
    let prefixes = 0;
    for (; prefixes < 10_000; prefixes++) {
      try {
        await client.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", `prefix-${prefixes}-`);
      } catch {
        break;
      }
    }
    expect(prefixes).toBeWithin(1000, 2000);
    await until("it to be forgotten", () => hutch.engine.tracking.prefixes === 0);
  });

  test("takes a hundred thousand prefixes at once, and finds two that overlap, without delay", async () => {
    const prefixes = Array.from({ length: 100_000 }, (_, i) => `prefix-${i}-`);
    const options = (names: readonly string[]): string[] =>
      names.flatMap((name) => ["PREFIX", name]);
    const begin = performance.now();
    expect(
      await client.text(
        "CLIENT",
        "TRACKING",
        "ON",
        "BCAST",
        ...options([...prefixes, "prefix-99"]),
      ),
    ).toBe(
      "-ERR Prefix 'prefix-99' overlaps with another provided prefix 'prefix-99-'. Prefixes for a single client must not overlap.",
    );
    expect(await client.text("CLIENT", "TRACKING", "ON", "BCAST", ...options(prefixes))).toBe(
      "+OK",
    );
    await other.call("SET", "prefix-4711-", "1");
    expect(await messages(client)).toEqual(['>["invalidate", ["prefix-4711-"]]']);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  test("survives names of JavaScript as keys and prefixes", async () => {
    await client.call(
      "CLIENT",
      "TRACKING",
      "ON",
      "BCAST",
      "PREFIX",
      "__proto__",
      "PREFIX",
      "constructor",
    );
    await other.call("MSET", "__proto__", "1", "constructor", "1", "toString", "1");
    expect(await messages(client)).toEqual([
      '>["invalidate", ["__proto__"]]',
      '>["invalidate", ["constructor"]]',
    ]);
  });
});
