/** Times of members in dumps and files: those of fields as Redis 7.4 writes them, the others in a field that Redis passes over. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as format from "../../src/persistence/rdb-format.ts";
import { startSnapshot } from "../../src/persistence/snapshot.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";
import { loadBytes, MemorySink } from "./memory-file.ts";
import { length, listpack, payload, sealed, text, uint64 } from "./payload.ts";

const NOW_MS = 1_700_000_000_000;
const DUE = String(NOW_MS + 5000);
const LATER = String(NOW_MS + 70_000);

function engine(): TestEngine {
  const server = new TestEngine();
  server.engine.clock.freeze(NOW_MS);
  server.engine.beginTurn();
  return server;
}

function fillHashes(server: TestEngine): void {
  server.run("HSET", "small", "a", "1", "b", "2", "c", "3");
  server.run("HPEXPIREAT", "small", DUE, "FIELDS", "1", "b");
  server.run("HPEXPIREAT", "small", LATER, "FIELDS", "1", "c");
  for (let i = 0; i < 1000; i++) server.run("HSET", "large", `field ${i}`, "v");
  server.run("HPEXPIREAT", "large", DUE, "FIELDS", "2", "field 7", "field 8");
}

function fillSets(server: TestEngine): void {
  server.run("SADD", "set", "a", "b", "1");
  server.run("SPEXPIREAT", "set", DUE, "MEMBERS", "2", "a", "1");
  server.run("ZADD", "zset", "1", "a", "2", "b");
  server.run("ZPEXPIREAT", "zset", LATER, "MEMBERS", "1", "b");
}

function checkHashes(server: TestEngine, suffix = ""): void {
  const times = server.run("HPEXPIRETIME", `small${suffix}`, "FIELDS", "3", "a", "b", "c");
  expect(show(times)).toBe(`[:-1, :${DUE}, :${LATER}]`);
  const large = server.run("HPEXPIRETIME", `large${suffix}`, "FIELDS", "2", "field 7", "field 9");
  expect(show(large)).toBe(`[:${DUE}, :-1]`);
  expect(show(server.run("HLEN", `large${suffix}`))).toBe(":1000");
}

function checkSets(server: TestEngine): void {
  const set = server.run("SPEXPIRETIME", "set", "MEMBERS", "3", "a", "b", "1");
  expect(show(set)).toBe(`[:${DUE}, :-1, :${DUE}]`);
  const zset = server.run("ZPEXPIRETIME", "zset", "MEMBERS", "2", "a", "b");
  expect(show(zset)).toBe(`[:-1, :${LATER}]`);
}

function snapshotOf(server: TestEngine): Buffer {
  const sink = new MemorySink();
  startSnapshot(server.engine, sink, () => {}).step(Infinity);
  return sink.bytes;
}

describe("the times of members", () => {
  test("of hashes are in their dumps", () => {
    const server = engine();
    fillHashes(server);
    for (const key of ["small", "large"]) {
      const dump = server.bytes("DUMP", key);
      expect(dump.readUInt16LE(dump.length - 10)).toBe(12);
      expect(show(server.run("RESTORE", `${key} twin`, "0", dump))).toBe("+OK");
    }
    checkHashes(server, " twin");
    expect(show(server.run("OBJECT", "ENCODING", "small twin"))).toBe('"listpackex"');
  });

  test("of sets and sorted sets are in their dumps, in a form of our own", () => {
    const server = engine();
    fillSets(server);
    for (let i = 0; i < 1000; i++) server.run("SADD", "large", `member ${i}`);
    server.run("SPEXPIREAT", "large", DUE, "MEMBERS", "2", "member 7", "member 8");
    const dumps = new Map(["set", "zset", "large"].map((key) => [key, server.bytes("DUMP", key)]));
    server.run("SADD", "plain", "a", "b");
    expect(server.bytes("DUMP", "plain")[0]).not.toBe(format.RDB_MEMBER_TIMES);
    const copy = engine();
    for (const [key, dump] of dumps) {
      expect(dump[0]).toBe(format.RDB_MEMBER_TIMES);
      expect(show(copy.run("RESTORE", key, "0", dump))).toBe("+OK");
      // What is there is replaced with all its times.
      expect(show(copy.run("RESTORE", key, "0", dump, "REPLACE"))).toBe("+OK");
      const digest = show(server.run("DEBUG", "DIGEST-VALUE", key));
      expect(show(copy.run("DEBUG", "DIGEST-VALUE", key))).toBe(digest);
    }
    checkSets(copy);
    expect(show(copy.run("COPY", "zset", "twin"))).toBe(":1");
    expect(show(copy.run("ZPEXPIRETIME", "twin", "MEMBERS", "1", "b"))).toBe(`[:${LATER}]`);
    copy.engine.clock.advance(10_000);
    copy.engine.beginTurn();
    expect(show(copy.run("SMEMBERS", "set"))).toBe('["b"]');
    expect(show(copy.run("SCARD", "large"))).toBe(":998");
  });

  test("that have come when the value is restored take their members along", () => {
    const server = engine();
    fillSets(server);
    const dump = server.bytes("DUMP", "set");
    server.engine.clock.advance(10_000);
    server.engine.beginTurn();
    expect(show(server.run("RESTORE", "late", "0", dump))).toBe("+OK");
    expect(show(server.run("SMEMBERS", "late"))).toBe('["b"]');
  });

  test("go into the log as commands of their own, which no older server passes over", () => {
    const server = engine();
    fillSets(server);
    const dump = server.bytes("DUMP", "zset");
    const { effects } = server.engine;
    server.engine.record(true);
    server.run("RESTORE", "k", "5000", dump);
    const told = effects.buffer.toString("latin1", 0, effects.pos);
    expect(told).toContain("RESTORE");
    expect(told).not.toContain(dump.toString("latin1"));
    expect(told).toContain(
      `ZPEXPIREAT\r\n$1\r\nk\r\n$13\r\n${LATER}\r\n$7\r\nMEMBERS\r\n$1\r\n1\r\n$1\r\nb`,
    );
  });

  test("are in snapshots, whose version is 12 then", () => {
    const server = engine();
    fillSets(server);
    fillHashes(server);
    const bytes = snapshotOf(server);
    expect(bytes.toString("latin1", 0, 9)).toBe("REDIS0012");
    const copy = engine();
    const loader = loadBytes(copy, bytes, 100);
    expect([loader.error, loader.loaded]).toEqual([null, 4]);
    checkHashes(copy);
    checkSets(copy);
    copy.engine.clock.advance(10_000);
    copy.engine.beginTurn();
    expect(show(copy.run("HKEYS", "small"))).toBe('["a", "c"]');
    expect(show(copy.run("SMEMBERS", "set"))).toBe('["b"]');
  });

  test("of many members are written a few at a time, and stay as they were meanwhile", () => {
    const server = engine();
    for (let i = 0; i < 2000; i++) server.run("ZADD", "zset", String(i), `member ${i}`);
    for (let i = 0; i < 2000; i++) {
      server.run("ZPEXPIREAT", "zset", String(NOW_MS + 1000 + i), "MEMBERS", "1", `member ${i}`);
    }
    const digest = show(server.run("DEBUG", "DIGEST-VALUE", "zset"));
    const sink = new MemorySink();
    const snapshot = startSnapshot(server.engine, sink, () => {});
    // Some of its times are written.
    snapshot.step(0);
    server.run("ZPERSIST", "zset", "MEMBERS", "1", "member 1999");
    snapshot.step(Infinity);
    const bytes = sink.bytes.toString("latin1");
    expect(bytes.split(format.AUX_MEMBER_TIMES).length - 1).toBeGreaterThan(20);
    const copy = engine();
    expect(loadBytes(copy, sink.bytes, 1000).error).toBeNull();
    const times = copy.run("ZPEXPIRETIME", "zset", "MEMBERS", "2", "member 0", "member 1999");
    expect(show(times)).toBe(`[:${NOW_MS + 1000}, :${NOW_MS + 2999}]`);
    expect(show(copy.run("DEBUG", "DIGEST-VALUE", "zset"))).toBe(digest);
  });

  test("stay in a snapshot as they were, though members expire while it is written", () => {
    const server = engine();
    fillSets(server);
    fillHashes(server);
    const sink = new MemorySink();
    const snapshot = startSnapshot(server.engine, sink, () => {});
    server.engine.clock.advance(10_000);
    server.engine.beginTurn();
    while (server.engine.keyspace.housekeep(1e9));
    server.run("HKEYS", "small");
    snapshot.step(Infinity);
    const copy = engine();
    expect(loadBytes(copy, sink.bytes).error).toBeNull();
    checkHashes(copy);
    checkSets(copy);
  });

  test("come in the other forms that 7.4 has had", () => {
    const server = engine();
    const dueMs = Number(DUE);
    const forms = [
      payload(
        ...[
          format.RDB_HASH_METADATA,
          uint64(dueMs),
          2,
          1,
          text("b"),
          text("2"),
          0,
          text("a"),
          text("1"),
        ],
      ),
      payload(
        ...[format.RDB_HASH_METADATA_PRE_GA, 2, 0, text("a"), text("1")],
        ...[0x81, uint64(dueMs).reverse(), text("b"), text("2")],
      ),
      payload(format.RDB_HASH_LISTPACK_EX, uint64(9), text(listpack("b", 2, 9, "a", 1, 0))),
      payload(format.RDB_HASH_LISTPACK_EX_PRE_GA, text(listpack("b", 2, 9, "a", 1, 0))),
    ];
    for (const [index, bytes] of forms.entries()) {
      if (index === 2) server.engine.clock.freeze(1);
      server.engine.beginTurn();
      expect(show(server.run("RESTORE", "k", "0", bytes, "REPLACE"))).toBe("+OK");
      const times = server.run("HPEXPIRETIME", "k", "FIELDS", "2", "a", "b");
      expect(show(times)).toBe(`[:-1, :${index < 2 ? DUE : 9}]`);
    }
  });

  test("are refused where they can't be", () => {
    const server = engine();
    const before = server.blocksWhenEmpty();
    for (const content of [
      payload(format.RDB_HASH_METADATA, uint64(2 ** 50), 1, 1, text("b"), text("2")),
      payload(
        format.RDB_HASH_METADATA,
        uint64(9),
        2,
        1,
        text("b"),
        text("2"),
        1,
        text("b"),
        text("2"),
      ),
      payload(format.RDB_HASH_LISTPACK_EX, uint64(9), text(listpack("b", 2, "c"))),
      payload(format.RDB_HASH_LISTPACK_EX, uint64(9), text(listpack("b", 2))),
    ]) {
      const bytes = sealed(content.subarray(0, -10));
      expect(show(server.run("RESTORE", "k", "0", bytes))).toBe("-ERR Bad data format");
    }
    expect(server.blocksWhenEmpty()).toBe(before);
    const set = [format.RDB_SET, 1, text("a")] as const;
    const times = text(text("a"), uint64(5));
    expect(
      show(server.run("RESTORE", "k", "0", payload(format.RDB_MEMBER_TIMES, times, ...set))),
    ).toBe("+OK");
    const left = server.blocksWhenEmpty();
    for (const content of [
      [text(text("b"), uint64(5)), ...set],
      [text(text("a"), uint64(2 ** 50)), ...set],
      [text(text("a"), 1, 2, 3), ...set],
      [times],
      [times, format.RDB_MEMBER_TIMES, times, ...set],
      [times, format.RDB_HASH, 1, text("a"), text("v")],
      [times, format.RDB_STRING, text("a")],
      [times, format.RDB_SET, 0],
    ]) {
      const bytes = payload(format.RDB_MEMBER_TIMES, ...content);
      expect(show(server.run("RESTORE", "k", "0", bytes))).toBe("-ERR Bad data format");
    }
    expect(server.blocksWhenEmpty()).toBe(left);
    const field = Buffer.concat([text("x"), uint64(5)]);
    const file = Buffer.concat([
      Buffer.from("REDIS0010"),
      Buffer.of(format.OPCODE_AUX),
      text(format.AUX_MEMBER_TIMES),
      Buffer.concat([length(field.length), field]),
      Buffer.of(format.RDB_SET),
      text("k"),
      Buffer.of(1),
      text("a"),
      Buffer.of(format.OPCODE_EOF),
      Buffer.alloc(8),
    ]);
    expect(loadBytes(server, file).error).toContain("times of a key's members");
  });

  test.skipIf(redisMissing !== null)(
    "of sets and sorted sets do not trouble redis-server",
    async () => {
      const dir = mkdtempSync(join(tmpdir(), "hutch-times-"));
      const server = new TestEngine({ dir, save: "" });
      server.run("SADD", "set", "a", "b");
      server.run("SPEXPIREAT", "set", "4000000000000", "MEMBERS", "1", "a");
      expect(show(server.run("SAVE"))).toBe("+OK");
      // Only times of fields need version 12.
      expect(readFileSync(join(dir, "dump.rdb")).toString("latin1", 0, 9)).toBe("REDIS0010");
      const redis = await startRedis(["--dir", dir]);
      const client = await RespClient.connect(redis.port);
      try {
        expect(show(await client.call("SORT", "set", "ALPHA"))).toBe('["a", "b"]');
      } finally {
        client.close();
        await redis.stop();
        rmSync(dir, { recursive: true });
      }
    },
  );

  test("are moved by MIGRATE, and stay here if the other server does not know them", async () => {
    const from = startInProcess();
    const to = startInProcess();
    const client = await RespClient.connect(from.port);
    const there = await RespClient.connect(to.port);
    const move = (port: number, key: string): Promise<string> =>
      client.text("MIGRATE", "127.0.0.1", String(port), key, "0", "5000");
    const far = "4000000000000";
    try {
      await client.pipeline([
        ["SADD", "set", "a", "b"],
        ["SPEXPIREAT", "set", far, "MEMBERS", "1", "a"],
        ["ZADD", "zset", "1", "a", "2", "b"],
        ["ZPEXPIREAT", "zset", far, "MEMBERS", "1", "b"],
      ]);
      expect(await move(to.port, "set")).toBe("+OK");
      expect(await there.text("SPEXPIRETIME", "set", "MEMBERS", "2", "a", "b")).toBe(
        `[:${far}, :-1]`,
      );
      if (redisMissing !== null) return;
      const redis = await startRedis();
      try {
        expect(await move(redis.port, "zset")).toBe(
          "-ERR Target instance replied with error: ERR Bad data format",
        );
        expect(await client.text("ZPEXPIRETIME", "zset", "MEMBERS", "1", "b")).toBe(`[:${far}]`);
      } finally {
        await redis.stop();
      }
    } finally {
      client.close();
      there.close();
      await from.stop();
      await to.stop();
    }
  });
});
