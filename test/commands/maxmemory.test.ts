/** The limit of memory: when room is made, how much at a time, and what everybody sees of it. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { createServer } from "../../src/index.ts";
import {
  commandsOf,
  createEngine,
  dataOf,
  replay,
  send,
  takeEffects,
} from "../effects/two-engines.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { until } from "../support/until.ts";

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.";
const MIB = 1024 * 1024;

/** Fills a server with strings of 100 bytes: about 150 bytes a key. */
function fill(server: TestEngine, count: number, prefix = "k"): void {
  for (let i = 0; i < count; i++) server.run("SET", `${prefix}:${i}`, "v".repeat(100));
}

function limit(server: TestEngine, bytes: number): void {
  server.run("CONFIG", "SET", "maxmemory", `${bytes}`);
}

/** A field of INFO as a number. */
function field(server: TestEngine, name: string): number {
  const text = server.bytes("INFO", "everything").toString("latin1");
  return Number(new RegExp(`^${name}:(\\S*)\r$`, "m").exec(text)![1]);
}

describe("memory that is used", () => {
  test("stays below the limit, whatever is written, where keys may go", () => {
    const server = new TestEngine({ "maxmemory-policy": "allkeys-lru", maxmemory: `${MIB}` });
    const { memoryLimit } = server.engine;
    for (let i = 0; i < 30_000; i++) {
      server.run("SET", `k:${i}`, "v".repeat(i % 500));
      expect(memoryLimit.counted).toBeLessThan(MIB + 2048);
    }
    expect(field(server, "evicted_keys")).toBeGreaterThan(20_000);
    expect(field(server, "used_memory")).toBeLessThan(MIB + 2048);
    expect(field(server, "used_memory_peak")).toBeGreaterThan(MIB - 2048);
    expect(field(server, "maxmemory")).toBe(MIB);
  });

  test("is that of the arena, to the byte, while there are no clients", () => {
    const server = new TestEngine();
    const before = field(server, "used_memory");
    expect(before).toBe(server.engine.keyspace.store.arena.usedBytes);
    expect(field(server, "used_memory_startup")).toBe(before);
    server.run("SET", "k", "v".repeat(100_000));
    const after = field(server, "used_memory");
    expect(after - before).toBe(field(server, "allocator_allocated") - before);
    expect(after - before).toBeGreaterThan(100_000);
    expect(field(server, "used_memory_dataset")).toBeGreaterThan(100_000);
  });

  test("does not grow a table of keys that would exceed the limit", () => {
    const server = new TestEngine({ "maxmemory-policy": "allkeys-random" });
    for (let i = 0; i < 65_536; i++) server.run("SET", `k:${i}`, "v");
    const { counted } = server.engine.memoryLimit;
    // A larger table takes half a mebibyte, another key 48 bytes.
    limit(server, counted + 100_000);
    for (let i = 65_536; i < 67_500; i++) server.run("SET", `k:${i}`, "v");
    expect(field(server, "evicted_keys")).toBe(0);
    for (let i = 67_500; i < 100_000; i++) server.run("SET", `k:${i}`, "v");
    expect(server.engine.keyspace.size).toBeGreaterThan(60_000);
    expect(server.engine.memoryLimit.counted).toBeLessThan(counted + 101_000);
  });
});

describe("a full server", () => {
  test("says how long it has been so, until there is room again", () => {
    const server = new TestEngine();
    server.engine.clock.freeze();
    limit(server, 1);
    expect(show(server.run("SET", "k", "v"))).toBe(OOM);
    server.engine.clock.advance(5000);
    expect(field(server, "current_eviction_exceeded_time")).toBe(5000);
    expect(field(server, "total_eviction_exceeded_time")).toBe(5000);
    limit(server, 0);
    server.engine.clock.advance(5000);
    expect(field(server, "current_eviction_exceeded_time")).toBe(0);
    expect(field(server, "total_eviction_exceeded_time")).toBe(5000);
    server.run("CONFIG", "RESETSTAT");
    expect(field(server, "total_eviction_exceeded_time")).toBe(0);
  });

  test("takes writes again once something was deleted, though its memory comes back in slices", () => {
    const server = new TestEngine();
    server.run("SADD", "large", ...Array.from({ length: 50_000 }, (_, i) => `member:${i}`));
    limit(server, server.engine.memoryLimit.counted - 1);
    expect(show(server.run("SET", "k", "v"))).toBe(OOM);
    server.run("DEL", "large");
    expect(server.engine.keyspace.reclaimer.pending).toBeGreaterThan(40_000);
    expect(show(server.run("SET", "k", "v"))).toBe("+OK");
  });

  test("evicts nothing for memory that is free soon", () => {
    const server = new TestEngine({
      "maxmemory-policy": "allkeys-random",
      "maxmemory-eviction-tenacity": "0",
    });
    fill(server, 1000);
    server.run("SADD", "large", ...Array.from({ length: 100_000 }, (_, i) => `member:${i}`));
    const { counted } = server.engine.memoryLimit;
    server.run("DEL", "large");
    limit(server, counted - 2_000_000);
    for (let i = 0; i < 50; i++) server.run("SET", "another", "v");
    while (server.engine.keyspace.housekeep(1e9));
    expect(field(server, "evicted_keys")).toBe(0);
    expect(server.engine.keyspace.size).toBe(1001);
  });

  test("neither evicts nor refuses while clients are paused", () => {
    const server = new TestEngine({ "maxmemory-policy": "allkeys-random" });
    fill(server, 10);
    server.run("CLIENT", "PAUSE", "100000", "WRITE");
    limit(server, 1);
    server.run("PING");
    expect(server.engine.keyspace.size).toBe(10);
    server.run("CLIENT", "UNPAUSE");
    server.run("PING");
    expect(server.engine.keyspace.size).toBe(0);
  });

  test("refuses the commands of its own protocol", async () => {
    const server = await createServer({ port: 0, maxmemory: 1 });
    const { connect } = await import("../../src/index.ts");
    const client = await connect({ port: server.port });
    expect(client.set("k", "v")).rejects.toThrow("command not allowed when used memory");
    expect(await client.get("k")).toBeNull();
    client.close();
    await server.stop();
  });

  test("refuses an own command's first write that may need memory, and lets one end that has written", async () => {
    const server = await createServer({
      port: 0,
      maxmemory: 1,
      commands: {
        fresh: { run: ({ call }) => String(call("SET", "a", 1)) },
        begun: {
          run: ({ call }) => {
            call("DEL", "a");
            call("SET", "b", 1);
          },
        },
        denied: { flags: ["write", "denyoom"], run: () => "never" },
      },
    });
    expect(server.call("FRESH")).rejects.toThrow("OOM command not allowed");
    expect(await server.call("BEGUN")).toBe("OK");
    expect(server.call("DENIED")).rejects.toThrow("OOM command not allowed");
    expect(await server.call("DBSIZE")).toBe(1);
    await server.stop();
  });
});

describe("a slice of eviction", () => {
  test("has a bound, and the rest is done between turns", () => {
    const server = new TestEngine({
      "maxmemory-policy": "allkeys-random",
      "maxmemory-eviction-tenacity": "0",
    });
    fill(server, 5000);
    const { memoryLimit, keyspace } = server.engine;
    let told = 0;
    memoryLimit.onWork = () => told++;
    limit(server, MIB / 4);
    expect(told).toBe(1);
    expect(show(server.run("PING"))).toBe("+PONG");
    expect(keyspace.size).toBe(5000 - 16);
    let slices = 0;
    while (memoryLimit.step()) {
      slices++;
      expect(keyspace.size).toBe(5000 - 16 - 16 * slices);
    }
    expect(memoryLimit.counted).toBeLessThanOrEqual(MIB / 4);
    expect(keyspace.size).toBeGreaterThan(1000);
  });

  test("is one for all commands of a turn", () => {
    const server = new TestEngine({
      "maxmemory-policy": "allkeys-random",
      "maxmemory-eviction-tenacity": "0",
    });
    fill(server, 5000);
    limit(server, MIB / 4);
    const { engine } = server;
    let left = 5000;
    for (let turn = 0; turn < 5; turn++) {
      engine.beginTurn();
      for (let i = 0; i < 10; i++) server.run("PING");
      // Sixteen, and one for each command that follows.
      expect(engine.keyspace.size).toBe(left - 16 - 9);
      left = engine.keyspace.size;
    }
  });

  test("frees at least twice what the command brings", () => {
    const server = new TestEngine({
      "maxmemory-policy": "allkeys-random",
      "maxmemory-eviction-tenacity": "0",
    });
    fill(server, 20_000);
    const { memoryLimit } = server.engine;
    const { counted } = memoryLimit;
    limit(server, MIB / 4);
    let sent = 0;
    for (let i = 0; i < 5; i++) {
      server.run("SET", `large:${i}`, "v".repeat(100_000));
      sent += 100_000;
      expect(memoryLimit.counted).toBeLessThan(counted - sent + 50_000);
    }
  });

  test("without end at a tenacity of 100", () => {
    const server = new TestEngine({
      "maxmemory-policy": "allkeys-random",
      "maxmemory-eviction-tenacity": "100",
    });
    fill(server, 20_000);
    limit(server, MIB / 4);
    server.run("PING");
    expect(server.engine.memoryLimit.counted).toBeLessThanOrEqual(MIB / 4);
  });

  test("is noted by the latency monitor", () => {
    const server = new TestEngine({
      "maxmemory-policy": "allkeys-random",
      "maxmemory-eviction-tenacity": "100",
      "latency-monitor-threshold": "1",
    });
    fill(server, 50_000);
    limit(server, MIB / 4);
    server.run("PING");
    expect(show(server.run("LATENCY", "LATEST"))).toContain('"eviction-cycle"');
    expect(server.bytes("LATENCY", "DOCTOR").toString()).toContain("eviction-cycle: ");
  });
});

describe("evicted keys", () => {
  test.each([
    ["no", "DEL"],
    ["yes", "UNLINK"],
  ])("are deletions in the log, lazyfree-lazy-eviction %s", (lazy, name) => {
    const server = new TestEngine({
      "maxmemory-policy": "allkeys-random",
      "lazyfree-lazy-eviction": lazy,
    });
    server.engine.record(true);
    server.run("SET", "a", "v");
    server.run("SELECT", "2");
    server.run("SET", "b", "v", "EX", "100");
    takeEffects(server.engine);
    limit(server, 1);
    server.run("MULTI");
    server.run("DISCARD");
    const commands = commandsOf(takeEffects(server.engine));
    const deletions = commands.filter(([word]) => word !== "SELECT");
    expect(deletions.toSorted()).toEqual([
      [name, "a"],
      [name, "b"],
    ]);
  });

  test("are gone as well where the log is run again", () => {
    const random = seeded("eviction in the log");
    for (let round = 0; round < 10 * rounds; round++) {
      const policy = pick(random, [
        "allkeys-lru",
        "allkeys-random",
        "volatile-ttl",
        "volatile-lfu",
      ]);
      const engine = createEngine();
      engine.options.set("maxmemory-policy", policy);
      engine.options.set("maxmemory", "60000");
      engine.record(true);
      const session = engine.createSession();
      for (let i = 0; i < 1000; i++) {
        const key = `k:${random.below(600)}`;
        const text = "x".repeat(random.below(300));
        const line = pick(random, [
          ["SET", key, text],
          ["SET", key, text, "PX", `${1000 + random.below(100_000)}`],
          ["RPUSH", `list:${key}`, text, text],
          ["ZADD", `zset:${key}`, `${i}`, text],
          ["EXPIRE", `list:${key}`, "100"],
          ["EVAL", "redis.call('set', KEYS[1], ARGV[1], 'EX', 50) return 1", "1", key, text],
          ["SELECT", `${random.below(3)}`],
          ["DEL", key],
          ["MULTI"],
          ["EXEC"],
        ]);
        send(session, line);
        if (random.below(20) === 0) engine.clock.advance(random.below(2000));
      }
      send(session, ["DISCARD"]);
      expect(engine.keyspace.eviction.evicted).toBeGreaterThan(0);
      const copy = createEngine();
      copy.clock.advance(engine.clock.nowMs - copy.clock.nowMs);
      replay(copy, takeEffects(engine));
      expect(dataOf(copy)).toEqual(dataOf(engine));
    }
  });

  test("with large values are freed in slices, and no others go meanwhile", () => {
    const server = new TestEngine({
      "maxmemory-policy": "volatile-ttl",
      "maxmemory-eviction-tenacity": "1",
    });
    fill(server, 500);
    const before = server.engine.memoryLimit.counted;
    server.run("SADD", "large", ...Array.from({ length: 100_000 }, (_, i) => `member:${i}`));
    server.run("EXPIRE", "large", "100");
    for (let i = 0; i < 500; i++) server.run("EXPIRE", `k:${i}`, `${1000 + i}`);
    limit(server, before + 500_000);
    const { memoryLimit, keyspace } = server.engine;
    let slices = 0;
    do {
      const freed = memoryLimit.counted;
      server.run("PING");
      slices++;
      expect(freed - memoryLimit.counted).toBeLessThan(1_000_000);
    } while (memoryLimit.counted > memoryLimit.bytes);
    expect(slices).toBeGreaterThan(5);
    expect(keyspace.eviction.evicted).toBe(1);
    expect(keyspace.size).toBe(500);
  });

  test("are deleted before a transaction or a script, and never within", () => {
    const server = new TestEngine({ "maxmemory-policy": "allkeys-random" });
    server.engine.record(true);
    fill(server, 50);
    limit(server, server.engine.memoryLimit.counted + 200);
    takeEffects(server.engine);
    const script =
      "for i = 1, 20 do redis.call('set', 'new:' .. i, string.rep('x', 1000)) end return redis.call('dbsize')";
    expect(show(server.run("EVAL", script, "0"))).toBe(":70");
    const { eviction } = server.engine.keyspace;
    expect(eviction.evicted).toBe(0);
    server.run("MULTI");
    for (let i = 0; i < 5; i++) server.run("SET", `later:${i}`, "x".repeat(1000));
    expect(eviction.evicted).toBeGreaterThan(0);
    takeEffects(server.engine);
    server.run("EXEC");
    const words = commandsOf(takeEffects(server.engine)).map(([word]) => word);
    const from = words.indexOf("MULTI");
    expect(new Set(words.slice(0, from))).toEqual(new Set(from === 0 ? [] : ["DEL"]));
    expect(words.slice(from)).toEqual(["MULTI", "SET", "SET", "SET", "SET", "SET", "EXEC"]);
  });
});

describe("with clients", () => {
  let hutch: Instance;
  const clients: RespClient[] = [];
  const connect = async (protocol: 2 | 3 = 2): Promise<RespClient> => {
    const client = await RespClient.connect(hutch.port, protocol);
    clients.push(client);
    return client;
  };

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await hutch.stop();
  });

  test("a limit that is set below what is in use evicts without anybody asking", async () => {
    hutch = startInProcess({
      "maxmemory-policy": "allkeys-lru",
      "maxmemory-eviction-tenacity": "0",
    });
    const client = await connect();
    await client.pipeline(
      Array.from({ length: 20_000 }, (_, i) => ["SET", `k:${i}`, "v".repeat(100)]),
    );
    await client.call("CONFIG", "SET", "maxmemory", `${MIB}`);
    const { memoryLimit } = hutch.engine;
    await until("keys are evicted", () => memoryLimit.counted <= MIB);
    expect(hutch.engine.keyspace.size).toBeGreaterThan(3000);
  });

  test("their buffers count, and are no longer counted when they have gone", async () => {
    hutch = startInProcess();
    const { clientMemory, keyspace } = hutch.engine;
    const client = await connect();
    const idle = clientMemory.total;
    expect(idle).toBeGreaterThan(1000);
    await client.call("SET", "large", "v".repeat(3 * MIB));
    expect(keyspace.store.arena.usedBytes).toBeGreaterThan(3 * MIB);
    const slow = await connect();
    slow.pause();
    for (let i = 0; i < 5; i++) slow.write(encodeCommand(["GET", "large"]));
    await until("replies wait", () => clientMemory.total > idle + 2 * MIB);
    const listed = await client.text("CLIENT", "LIST");
    const totals = [...listed.matchAll(/tot-mem=(\d+)/g)].map(([, bytes]) => Number(bytes));
    expect(Math.max(...totals)).toBeGreaterThan(2 * MIB);
    slow.close();
    await until("they are gone", () => clientMemory.total < idle + 100_000);
    const queueing = await connect();
    await queueing.call("MULTI");
    for (let i = 0; i < 10; i++) await queueing.call("SET", "k", "v".repeat(100_000));
    expect(clientMemory.total).toBeGreaterThan(idle + 1_000_000);
    queueing.close();
    await until("queued bytes are gone", () => clientMemory.total < idle + 100_000);
    client.close();
    await until("all clients are gone", () => clientMemory.total === 0);
  });

  test("unread replies make keys go", async () => {
    const maxmemory = `${6 * MIB}`;
    hutch = startInProcess({
      maxmemory,
      "maxmemory-policy": "allkeys-random",
      "maxmemory-clients": "0",
    });
    const client = await connect();
    await client.pipeline(
      Array.from({ length: 20_000 }, (_, i) => ["SET", `k:${i}`, "v".repeat(100)]),
    );
    await client.call("SET", "large", "v".repeat(2 * MIB));
    const before = hutch.engine.keyspace.size;
    expect(before).toBeGreaterThan(19_000);
    const slow = await connect();
    slow.pause();
    slow.write(Buffer.concat(Array.from({ length: 4 }, () => encodeCommand(["GET", "large"]))));
    await until("replies wait", () => hutch.engine.clientMemory.total > 2 * MIB);
    await client.call("PING");
    await until("room is made", () => hutch.engine.memoryLimit.counted <= 6 * MIB);
    expect(hutch.engine.keyspace.size).toBeLessThan(before);
  });

  test("a key that is evicted is invalidated before the reply that made room", async () => {
    hutch = startInProcess({ "maxmemory-policy": "allkeys-random" });
    const tracking = await connect(3);
    const client = await connect();
    await client.call("SET", "k", "v");
    await tracking.call("CLIENT", "TRACKING", "ON");
    await tracking.call("GET", "k");
    await client.call("CONFIG", "SET", "maxmemory", "1");
    tracking.write(encodeCommand(["GET", "k"]));
    const frames = [show(await tracking.read()), show(await tracking.read())];
    expect(frames).toEqual(['>["invalidate", ["k"]]', "null"]);
  });

  test("a script that takes long keeps what it found when it began", async () => {
    hutch = startInProcess({
      "maxmemory-policy": "noeviction",
      "busy-reply-threshold": "20",
    });
    const client = await connect();
    const other = await connect();
    await client.call("CONFIG", "SET", "maxmemory", "1");
    const script = "local t = 0 while t < 3e7 do t = t + 1 end return redis.pcall('set', 'k', 'v')";
    client.write(encodeCommand(["EVAL", script, "0"]));
    await until("the script takes long", () => hutch.engine.busyScript !== null);
    for (let i = 0; i < 5; i++) await other.call("GET", "k");
    expect(show(await client.read())).toBe(OOM);
  });
});
