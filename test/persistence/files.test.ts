/** Snapshot files: written, read, exchanged with redis-server, damaged. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as format from "../../src/persistence/rdb-format.ts";
import { Saving } from "../../src/persistence/saving.ts";
import { startHutch } from "../support/hutch-process.ts";
import { startInProcess } from "../support/in-process.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { until } from "../support/until.ts";
import { loadBytes } from "./memory-file.ts";
import { join as bytesOf, length, listpack, text, uint64 } from "./payload.ts";
import { everyKind } from "./values.ts";

const folders: string[] = [];
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "hutch-rdb-"));
  folders.push(path);
  return path;
}

/** An engine with values of every kind in two databases, some of which expire. */
function filled(name: string, options: Record<string, string> = {}): TestEngine {
  const random = seeded(name);
  const server = new TestEngine({ dir: folder(), save: "", ...options });
  for (const line of everyKind(random, "")) server.run(...line);
  server.run("SELECT", "9");
  for (const line of everyKind(random, "other ")) server.run(...line);
  server.run("PEXPIREAT", "other short", "4000000000000");
  server.run("EXPIRE", "other stream", "100000");
  server.run("SELECT", "0");
  return server;
}

function savedFile(server: TestEngine): string {
  expect(show(server.run("SAVE"))).toBe("+OK");
  return join(server.engine.options.text("dir"), "dump.rdb");
}

function digest(server: TestEngine): string {
  return show(server.run("DEBUG", "DIGEST"));
}

describe("SAVE", () => {
  test("writes what DEBUG RELOAD reads back, with the times of expiry, and leaves no other file", () => {
    for (const compression of ["yes", "no"]) {
      const server = filled("save", { rdbcompression: compression });
      const wanted = digest(server);
      const path = savedFile(server);
      server.run("SELECT", "9");
      const due = show(server.run("PEXPIRETIME", "other stream"));
      expect(show(server.run("DEBUG", "RELOAD"))).toBe("+OK");
      expect(digest(server)).toBe(wanted);
      expect(show(server.run("PEXPIRETIME", "other short"))).toBe(":4000000000000");
      expect(show(server.run("PEXPIRETIME", "other stream"))).toBe(due);
      expect(readdirSync(join(path, ".."))).toEqual(["dump.rdb"]);
    }
  });

  test("counts changes from the last snapshot, and tells its time", () => {
    const server = new TestEngine({ dir: folder(), save: "" });
    server.engine.clock.freeze(1_700_000_000_000);
    server.engine.beginTurn();
    Saving.of(server.engine);
    for (let i = 0; i < 5; i++) server.run("SET", `k${i}`, "v");
    const info = (): string => show(server.run("INFO", "persistence"));
    expect(info()).toContain("rdb_changes_since_last_save:5");
    expect(show(server.run("SAVE"))).toBe("+OK");
    expect(info()).toContain("rdb_changes_since_last_save:0");
    expect(info()).toContain("rdb_last_save_time:1700000000");
    expect(show(server.run("LASTSAVE"))).toBe(":1700000000");
    server.run("DEL", "k1");
    expect(info()).toContain("rdb_changes_since_last_save:1");
  });

  test("that can't be written says so, and keeps the file that is there", () => {
    const server = filled("unwritable");
    const path = savedFile(server);
    const before = readFileSync(path);
    server.engine.options.record("dir", join(path, "..", "missing"));
    expect(show(server.run("SAVE"))).toBe("-ERR");
    expect(show(server.run("BGSAVE"))).toBe("-ERR");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("DEBUG RELOAD keeps what is there if told so, and lets the file win only with MERGE", () => {
    const server = new TestEngine({ dir: folder(), save: "" });
    server.run("SET", "a", "1");
    server.run("SAVE");
    server.run("SET", "a", "2");
    server.run("SET", "b", "2");
    expect(show(server.run("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH"))).toStartWith(
      "-ERR Error trying",
    );
    expect(show(server.run("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"))).toBe("+OK");
    expect(show(server.run("MGET", "a", "b"))).toBe('["1", "2"]');
    expect(show(server.run("DEBUG", "RELOAD", "NOSAVE"))).toBe("+OK");
    expect(show(server.run("MGET", "a", "b"))).toBe('["1", null bulk]');
    expect(show(server.run("DEBUG", "RELOAD", "ALL"))).toStartWith("-ERR DEBUG RELOAD only");
  });

  test("leaves out keys whose time has come when it is loaded", () => {
    const server = new TestEngine({ dir: folder(), save: "" });
    server.engine.clock.freeze(1_700_000_000_000);
    server.engine.beginTurn();
    server.run("SET", "short", "v", "PX", "10");
    server.run("SADD", "set", "a");
    server.run("PEXPIRE", "set", "10");
    server.run("SET", "long", "v", "PX", "1000");
    const saved = readFileSync(savedFile(server));
    const copy = new TestEngine();
    copy.engine.clock.freeze(1_700_000_000_011);
    copy.engine.beginTurn();
    const loader = loadBytes(copy, saved);
    expect([loader.error, loader.loaded, loader.expired]).toEqual([null, 1, 2]);
    expect(show(copy.run("PTTL", "long"))).toBe(":989");
  });
});

describe("BGSAVE", () => {
  test("writes the same file while the server goes on", async () => {
    const dir = folder();
    const hutch = startInProcess({ dir });
    const client = await RespClient.connect(hutch.port);
    try {
      await client.pipeline(everyKind(seeded("bgsave"), "").map((line) => line));
      // In one write, so that nothing is done between them.
      const replies = await client.pipeline([["BGSAVE"], ["BGSAVE"], ["SAVE"], ["BGSAVE", "NOW"]]);
      expect(replies.map(show)).toEqual([
        "+Background saving started",
        "-ERR Background save already in progress",
        "-ERR Background save already in progress",
        "-ERR syntax error",
      ]);
      await until("the snapshot is written", async () =>
        (await client.text("INFO", "persistence")).includes("rdb_bgsave_in_progress:0"),
      );
      const info = await client.text("INFO", "persistence");
      expect(info).toContain("rdb_last_bgsave_status:ok");
      expect(info).toContain("rdb_saves:1");
      const copy = new TestEngine();
      expect(loadBytes(copy, readFileSync(join(dir, "dump.rdb"))).error).toBeNull();
      expect(copy.engine.keyspace.size).toBe(hutch.engine.keyspace.size);
    } finally {
      client.close();
      await hutch.stop();
    }
  });

  test("comes by itself at a save point; after a failure writes are refused until one succeeds", async () => {
    const dir = folder();
    const hutch = startInProcess({ dir, save: "1 2" });
    const { engine } = hutch;
    const client = await RespClient.connect(hutch.port);
    try {
      engine.clock.freeze();
      await client.call("SET", "a", "1");
      engine.clock.advance(1500);
      engine.beat();
      expect(existsSync(join(dir, "dump.rdb"))).toBe(false);
      await client.call("SET", "b", "1");
      engine.beat();
      await until("the save point has come", () => existsSync(join(dir, "dump.rdb")));
      await until("the end of the snapshot", async () =>
        (await client.text("INFO", "persistence")).includes("rdb_bgsave_in_progress:0"),
      );
      engine.options.record("dir", join(dir, "missing"));
      await client.pipeline([
        ["SET", "c", "1"],
        ["SET", "d", "1"],
      ]);
      engine.clock.advance(1500);
      await until("writes are refused", async () =>
        show(await client.call("SET", "e", "1")).startsWith("-MISCONF Redis is configured"),
      );
      expect(show(await client.call("PING"))).toStartWith("-MISCONF");
      expect(show(await client.call("GET", "c"))).toBe('"1"');
      expect(await client.text("INFO", "persistence")).toContain("rdb_last_bgsave_status:err");
      expect(show(await client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no"))).toBe(
        "+OK",
      );
      expect(show(await client.call("SET", "e", "1"))).toBe("+OK");
      expect(show(await client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes"))).toBe(
        "+OK",
      );
      engine.options.record("dir", dir);
      engine.clock.advance(6000);
      await until(
        "writes are taken again",
        async () => show(await client.call("SET", "e", "1")) === "+OK",
      );
    } finally {
      client.close();
      await hutch.stop();
    }
  });

  test("FLUSHALL ends it, and with save points empties the file as well", async () => {
    const dir = folder();
    const hutch = startInProcess({ dir, save: "3600 1" });
    const client = await RespClient.connect(hutch.port);
    try {
      await client.call("SET", "a", "1");
      await client.call("SAVE");
      const [started, flushed] = await client.pipeline([["BGSAVE"], ["FLUSHALL"]]);
      expect([show(started!), show(flushed!)]).toEqual(["+Background saving started", "+OK"]);
      const copy = new TestEngine();
      expect(loadBytes(copy, readFileSync(join(dir, "dump.rdb"))).loaded).toBe(0);
      expect(readdirSync(dir)).toEqual(["dump.rdb"]);
    } finally {
      client.close();
      await hutch.stop();
    }
  });
});

describe("the program", () => {
  test("has after a restart what SHUTDOWN saved, and nothing that NOSAVE left", async () => {
    const dir = folder();
    const args = ["--dir", dir, "--save", "3600", "1"];
    let hutch = await startHutch({ args });
    let client = await RespClient.connect(hutch.port);
    await client.call("RPUSH", "list", "a", "b");
    void client.call("SHUTDOWN").catch(() => {});
    expect(await hutch.exited).toBe(0);
    client.close();
    hutch = await startHutch({ args });
    client = await RespClient.connect(hutch.port);
    await until(
      "the list is loaded",
      async () => show(await client.call("LRANGE", "list", "0", "-1")) === '["a", "b"]',
    );
    await client.call("SET", "lost", "v");
    void client.call("SHUTDOWN", "NOSAVE").catch(() => {});
    expect(await hutch.exited).toBe(0);
    client.close();
    hutch = await startHutch({ args });
    client = await RespClient.connect(hutch.port);
    await until(
      "only the list is loaded",
      async () => show(await client.call("KEYS", "*")) === '["list"]',
    );
    await client.call("SET", "kept", "v");
    hutch.kill("SIGTERM");
    expect(await hutch.exited).toBe(0);
    client.close();
    const copy = new TestEngine();
    expect(loadBytes(copy, readFileSync(join(dir, "dump.rdb"))).loaded).toBe(2);
  });

  test("does not start with a file that it can't read, and says why", async () => {
    const dir = folder();
    writeFileSync(join(dir, "dump.rdb"), "REDIS0010 and nothing that would be data");
    const hutch = await startHutch({ args: ["--dir", dir] }).catch((error: Error) => error);
    if (!(hutch instanceof Error)) {
      expect(await hutch.exited).toBe(1);
      expect(hutch.output()).toContain("dump.rdb can't be loaded");
    } else expect(hutch.message).toContain("dump.rdb can't be loaded");
  });

  test("answers -LOADING and INFO while it loads", async () => {
    const dir = folder();
    const source = new TestEngine({ dir, save: "" });
    source.run("DEBUG", "POPULATE", "50000", "key", "20");
    source.run("SAVE");
    const hutch = await startHutch({ args: ["--dir", dir] });
    const client = await RespClient.connect(hutch.port);
    try {
      const seen = new Set<string>();
      await until("all keys are loaded", async () => {
        const [info, get, size] = await client.pipeline([
          ["INFO", "persistence"],
          ["GET", "key:1"],
          ["DBSIZE"],
        ]);
        if (show(info!).includes("loading:1")) seen.add(show(get!));
        return show(size!) === ":50000";
      });
      for (const reply of seen)
        expect(reply).toBe("-LOADING Redis is loading the dataset in memory");
    } finally {
      client.close();
      await hutch.stop();
    }
  });
});

describe.skipIf(redisMissing !== null)("beside redis-server", () => {
  test(
    "each loads the other's file, and redis-check-rdb finds nothing wrong with ours",
    async () => {
      for (let round = 0; round < 2 * rounds; round++) {
        const server = filled("files both ways");
        // What Redis's digest does not tell apart from ours by its time.
        const wanted = digest(server);
        const path = savedFile(server);
        const check = Bun.spawnSync(["redis-check-rdb", path]);
        expect([check.exitCode, check.stdout.toString()]).toEqual([
          0,
          expect.stringContaining("RDB looks OK"),
        ]);
        const redis = await startRedis(["--dir", join(path, ".."), "--dbfilename", "dump.rdb"]);
        const client = await RespClient.connect(redis.port);
        try {
          expect(show(await client.call("DEBUG", "DIGEST"))).toBe(wanted);
          rmSync(path);
          await client.call("SAVE");
          const copy = new TestEngine();
          const loader = loadBytes(copy, readFileSync(path), 1000);
          expect([loader.error, loader.expired]).toEqual([null, 0]);
          expect(digest(copy)).toBe(wanted);
          copy.run("SELECT", "9");
          expect(show(copy.run("PEXPIRETIME", "other short"))).toBe(":4000000000000");
        } finally {
          client.close();
          await redis.stop();
        }
      }
    },
    { timeout: 60_000 * rounds },
  );
});

/** A file by hand. */
function file(...records: (Buffer | number | string)[]): Buffer {
  return bytesOf("REDIS0012", ...records, format.OPCODE_EOF, Buffer.alloc(8));
}

const KEY = bytesOf(format.RDB_STRING, text("k"), text("v"));

describe("files of others", () => {
  test("may have every opcode; what is of no use here is passed over or kept", () => {
    const server = new TestEngine();
    server.engine.clock.freeze(90_000);
    server.engine.beginTurn();
    const loader = loadBytes(
      server,
      file(
        ...[format.OPCODE_AUX, text("redis-ver"), text("255.255.255")],
        ...[format.OPCODE_FUNCTION2, text("#!lua name=lib\n")],
        ...[format.OPCODE_SELECTDB, 3, format.OPCODE_RESIZEDB, length(1e9), length(5)],
        ...[format.OPCODE_SLOT_INFO, 1, 2, 3],
        ...[format.OPCODE_EXPIRETIME, Buffer.of(100, 0, 0, 0), format.OPCODE_FREQ, 9, KEY],
        ...[format.OPCODE_IDLE, length(77), format.RDB_STRING, text("idle"), text("v")],
        // Some old versions left keys without elements behind.
        ...[
          format.RDB_SET,
          text("empty"),
          0,
          format.RDB_HASH_LISTPACK,
          text("e"),
          text(listpack()),
        ],
        ...[
          format.OPCODE_EXPIRETIME_MS,
          uint64(2 ** 60),
          format.RDB_STRING,
          text("far"),
          text("v"),
        ],
      ),
    );
    expect([loader.error, loader.loaded]).toEqual([null, 3]);
    expect(loader.libraries.map(String)).toEqual(["#!lua name=lib\n"]);
    expect(loader.fields.get("redis-ver")).toBe("255.255.255");
    server.run("SELECT", "3");
    expect(show(server.run("PEXPIRETIME", "k"))).toBe(":100000");
    expect(show(server.run("OBJECT", "IDLETIME", "idle"))).toBe(":77");
    expect(show(server.run("PEXPIRETIME", "far"))).toBe(`:${2n ** 60n}`);
  });

  test("keep their function libraries through a snapshot", () => {
    const dir = folder();
    const library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
    writeFileSync(join(dir, "dump.rdb"), file(format.OPCODE_FUNCTION2, text(library), KEY));
    const server = new TestEngine({ dir, save: "" });
    Saving.of(server.engine);
    expect(show(server.run("DEBUG", "RELOAD", "NOSAVE"))).toBe("+OK");
    expect(show(server.run("DEBUG", "RELOAD"))).toBe("+OK");
    const copy = new TestEngine();
    const loader = loadBytes(copy, readFileSync(join(dir, "dump.rdb")));
    expect(loader.libraries.map(String)).toEqual([library]);
  });

  const BAD: readonly (readonly [string, Buffer, string])[] = [
    ["nothing at all", Buffer.alloc(0), "ends too early"],
    ["no RDB", Buffer.from("hello, this is a text"), "no RDB file"],
    ["a version of the future", Buffer.from("REDIS0099"), "version 99"],
    ["the version 0", Buffer.from("REDIS0000"), "version 0"],
    ["no end", bytesOf("REDIS0010", KEY), "ends too early"],
    ["no checksum", bytesOf("REDIS0010", KEY, format.OPCODE_EOF), "ends too early"],
    ["a wrong checksum", bytesOf("REDIS0010", KEY, format.OPCODE_EOF, "12345678"), "checksum"],
    ["a key twice", file(KEY, KEY), "a key twice"],
    ["a database that there is not", file(format.OPCODE_SELECTDB, 16, KEY), "a database 16"],
    ["data of a module", file(format.OPCODE_MODULE_AUX, 1), "a module"],
    ["a value of a module", file(format.RDB_MODULE_2, text("k"), 1), "a module"],
    ["functions of a release candidate", file(format.OPCODE_FUNCTION_PRE_GA, 1), "functions"],
    ["an unknown type", file(77, text("k"), 1), "type 77"],
    [
      "4 GB in 100 bytes",
      file(format.RDB_STRING, text("k"), length(2 ** 32 - 1), "abc"),
      "longer than",
    ],
    [
      "a billion members in 100 bytes",
      file(format.RDB_SET, text("k"), length(1e9), "abc"),
      "more elements",
    ],
  ];
  for (const [what, bytes, error] of BAD) {
    test(`are refused with ${what}`, () => {
      const server = new TestEngine();
      const loader = loadBytes(server, bytes, 7);
      expect(loader.error).toContain(error);
    });
  }
});

test(
  "every changed bit of a file is noticed; without a checksum the file is refused or loaded, and nothing else happens (D7)",
  () => {
    const random = seeded("bits of a file");
    const server = new TestEngine({ dir: folder(), save: "" });
    for (const line of everyKind(random, ""))
      if (!/large|giant|blob/.test(line[1]!)) server.run(...line);
    const whole = readFileSync(savedFile(server));
    const bits: number[] = [];
    for (let bit = 0; bit < 64 * 8; bit++) bits.push(bit, whole.length * 8 - 1 - bit);
    for (let i = 0; i < 1000 * rounds; i++) bits.push(random.below(whole.length * 8));
    const copy = new TestEngine();
    const empty = copy.blocksWhenEmpty();
    for (const [index, bit] of bits.entries()) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const { error } = loadBytes(copy, bytes, pick(random, [50, 4096, Infinity]));
      // The digits of the version: an older one has no checksum.
      if (bit >> 3 < 5 || bit >> 3 > 8) expect([bit, error]).toEqual([bit, expect.any(String)]);
      bytes.fill(0, bytes.length - 8);
      copy.run("FLUSHALL");
      loadBytes(copy, bytes);
      copy.run("FLUSHALL");
      if (index % 100 === 0) expect(copy.blocksWhenEmpty()).toBe(empty);
    }
  },
  { timeout: 120_000 * rounds },
);
