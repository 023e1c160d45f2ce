/** What is known of how keys are used: how it changes with the time, and that files keep it, ours and those of redis-server. */
import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as format from "../../src/persistence/rdb-format.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";
import { inFolder } from "./folder.ts";
import { loadBytes } from "./memory-file.ts";

const NOW_MS = 1_700_000_000_000;
const LFU = { "maxmemory-policy": "allkeys-lfu" };
const LRU = { "maxmemory-policy": "volatile-lru" };

function engine(options: Record<string, string>): TestEngine {
  const server = new TestEngine({ save: "", ...options });
  server.engine.clock.freeze(NOW_MS);
  server.engine.beginTurn();
  return server;
}

function pass(server: TestEngine, minutes: number): void {
  server.engine.clock.advance(minutes * 60_000);
  server.engine.beginTurn();
}

function frequency(server: TestEngine, key: string): number {
  return Number(show(server.run("OBJECT", "FREQ", key)).slice(1));
}

describe("the frequency of uses", () => {
  test("loses one with each period, and never falls below zero", () => {
    const server = engine({ ...LFU, "lfu-decay-time": "2" });
    server.run("SET", "k", "v");
    const dump = server.bytes("DUMP", "k");
    server.run("RESTORE", "k", "0", dump, "REPLACE", "FREQ", "20");
    expect(frequency(server, "k")).toBe(20);
    pass(server, 3);
    expect(frequency(server, "k")).toBe(19);
    pass(server, 1);
    expect(frequency(server, "k")).toBe(18);
    pass(server, 500);
    expect(frequency(server, "k")).toBe(0);
    server.run("CONFIG", "SET", "lfu-decay-time", "0");
    expect(frequency(server, "k")).toBe(20);
  });

  test("grows the more slowly the higher it is, up to 255", () => {
    const server = engine(LFU);
    server.run("SET", "k", "v");
    const counts = [100, 1000, 100_000].map((uses) => {
      for (let i = 0; i < uses; i++) server.run("GET", "k");
      return frequency(server, "k");
    });
    // The table of Redis's configuration: about 10 after a hundred uses, 18 after a thousand, 142 after a hundred thousand.
    expect(counts[0]).toBeGreaterThan(6);
    expect(counts[0]).toBeLessThan(16);
    expect(counts[1]).toBeGreaterThan(counts[0]!);
    expect(counts[1]).toBeLessThan(30);
    expect(counts[2]).toBeGreaterThan(110);
    expect(counts[2]).toBeLessThan(175);
    server.run("CONFIG", "SET", "lfu-log-factor", "0");
    for (let i = 0; i < 300; i++) server.run("GET", "k");
    expect(frequency(server, "k")).toBe(255);
  });

  test("is not changed by a client that asked for it", () => {
    const server = engine({ ...LFU, "lfu-log-factor": "0" });
    server.run("SET", "k", "v");
    server.run("CLIENT", "NO-TOUCH", "ON");
    server.run("GET", "k");
    expect(frequency(server, "k")).toBe(5);
    server.run("TOUCH", "k");
    expect(frequency(server, "k")).toBe(6);
  });
});

describe("a snapshot", () => {
  test("says of keys what the policy asks for, and nothing without one", async () => {
    await inFolder(async (folder) => {
      for (const [options, opcode] of [
        [LFU, [format.OPCODE_FREQ, 5]],
        [LRU, [format.OPCODE_IDLE, 60]],
        [{}, []],
      ] as const) {
        const server = engine({ ...options, dir: folder, rdbchecksum: "no" });
        server.run("SET", "k", "v", "PXAT", "4000000000000");
        pass(server, 1);
        if (options === LFU) server.run("CONFIG", "SET", "lfu-decay-time", "0");
        server.run("SAVE");
        const bytes = readFileSync(join(folder, "dump.rdb"));
        const record = Buffer.from([...opcode, format.RDB_STRING, 1, 0x6b, 1, 0x76, 255]);
        expect(bytes.subarray(-8 - record.length, -8).toString("hex")).toBe(record.toString("hex"));
        const copy = engine({ ...options, "lfu-decay-time": "0" });
        expect(loadBytes(copy, bytes).error).toBeNull();
        const idle = { ":60": LRU, ":0": {} }[show(copy.run("OBJECT", "IDLETIME", "k"))];
        if (options === LFU) expect(frequency(copy, "k")).toBe(5);
        else expect(idle).toEqual(options);
      }
    });
  });

  test.skipIf(redisMissing !== null)(
    "is understood by redis-server, and its own here",
    async () => {
      await inFolder(async (folder) => {
        const ours = new TestEngine({ save: "", dir: folder, ...LFU });
        for (const [key, uses] of [
          ["a", "77"],
          ["b", "200"],
        ] as const) {
          ours.run("SET", key, "v");
          const dump = ours.bytes("DUMP", key);
          ours.run("RESTORE", key, "100000000", dump, "REPLACE", "FREQ", uses);
        }
        ours.run("SAVE");
        const redis = await startRedis(["--dir", folder, "--maxmemory-policy", "allkeys-lfu"]);
        const client = await RespClient.connect(redis.port);
        try {
          // A minute may have ended meanwhile.
          expect(["77", "76"]).toContain((await client.text("OBJECT", "FREQ", "a")).slice(1));
          expect(["200", "199"]).toContain((await client.text("OBJECT", "FREQ", "b")).slice(1));
          rmSync(join(folder, "dump.rdb"));
          await client.call("SAVE");
          const copy = new TestEngine(LFU);
          expect(loadBytes(copy, readFileSync(join(folder, "dump.rdb"))).error).toBeNull();
          expect(frequency(copy, "a")).toBeGreaterThan(74);
          expect(frequency(copy, "b")).toBeGreaterThan(197);
        } finally {
          client.close();
          await redis.stop();
        }
      });
    },
  );
});
