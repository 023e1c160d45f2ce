/** RDB of Redis 8 and Valkey 9: what is the same is read, and what is not is refused with what was found. Written from rdb.h. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { createServer } from "../../src/create-server.ts";
import * as format from "../../src/persistence/rdb-format.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";
import { inFolder, logFolder, manifestPath } from "./folder.ts";
import { loadBytes } from "./memory-file.ts";
import { join, listpack, sealed, text, uint64 } from "./payload.ts";

const DUE_MS = 4_000_000_000_000;
const NO_TIME = Buffer.alloc(8, 255);

/** A hash as Valkey 9 writes it, its third field with a time later than any that we have. */
const TIMED_HASH = [
  ...[3, text("a"), text("1"), NO_TIME],
  ...[text("b"), text("2"), uint64(DUE_MS), text("c"), text("3"), uint64(2 ** 60)],
] as const;

function file(header: string, ...records: (Buffer | number | string)[]): Buffer {
  return join(header, ...records, format.OPCODE_EOF, Buffer.alloc(8));
}

const STRING = join(format.RDB_STRING, text("k"), text("v"));

function checkTimes(server: TestEngine, key: string): void {
  expect(show(server.run("HGETALL", key))).toBe('["a", "1", "b", "2", "c", "3"]');
  const times = show(server.run("HPEXPIRETIME", key, "FIELDS", "3", "a", "b", "c"));
  expect(times).toBe(`[:-1, :${DUE_MS}, :${2 ** 46 - 1}]`);
}

describe("a file", () => {
  test("of Valkey 9 is loaded, with the times of fields", () => {
    for (const header of ["VALKEY080", "VALKEY081"]) {
      const server = new TestEngine();
      const hash = join(format.VALKEY_HASH_2, text("h"), ...TIMED_HASH);
      const bytes = file(
        header,
        format.OPCODE_AUX,
        text("valkey-ver"),
        text("9.0.0"),
        STRING,
        hash,
      );
      const loader = loadBytes(server, bytes, 20);
      expect([loader.error, loader.loaded]).toEqual([null, 2]);
      checkTimes(server, "h");
    }
  });

  test("of a version of Redis 8 that adds what is not in it is loaded", () => {
    const server = new TestEngine();
    for (const header of ["REDIS0013", "REDIS0014"]) {
      server.run("FLUSHALL");
      expect(loadBytes(server, file(header, STRING)).error).toBe(null);
      expect(show(server.run("GET", "k"))).toBe('"v"');
    }
  });

  test("that holds what nobody here can read is refused, with what that is and whose", () => {
    for (const [bytes, reason] of [
      [
        file("REDIS0013", 26, text("s"), 0),
        "type 26, which nobody here can read; the file is of Redis's version 13",
      ],
      [
        file("REDIS0014", 27, text("s"), 0),
        "type 27, which nobody here can read; the file is of Redis's version 14",
      ],
      [file("REDIS0013", format.OPCODE_FOREIGN, 1), "metadata of a module"],
      [
        file("VALKEY081", 23, text("p"), 0),
        "type 23, which nobody here can read; the file is of Valkey's version 81",
      ],
      [file("VALKEY080", 24, text("p"), 0), "type 24, which nobody here can read"],
      [file("VALKEY080", format.OPCODE_FOREIGN, 1), "a slot that is being moved"],
      [file("VALKEY080", 242, 1), "type 242"],
      [file("REDIS0015", STRING), "Redis's version 15 can't be read, 1 to 14 can"],
      [file("REDIS0080", STRING), "Redis's version 80 can't be read, 1 to 14 can"],
      [file("VALKEY082", STRING), "Valkey's version 82 can't be read, 80 to 81 can"],
      [file("VALKEY011", STRING), "Valkey's version 11 can't be read, 80 to 81 can"],
      [file("VALKEYabc", STRING), "this is no RDB file"],
    ] as const) {
      expect(loadBytes(new TestEngine(), bytes).error).toContain(reason);
    }
  });

  test("of Valkey 9 may be the base of a log", async () => {
    await inFolder(async (folder) => {
      mkdirSync(logFolder(folder));
      const name = "appendonly.aof.1.base.rdb";
      writeFileSync(manifestPath(folder), `file ${name} seq 1 type b\n`);
      writeFileSync(joinPath(logFolder(folder), name), file("VALKEY080", STRING));
      const server = await createServer({ port: 0, dir: folder, save: "" });
      expect(await server.call("GET", "k")).toBe("v");
      await server.stop();
    });
  });
});

describe("a payload", () => {
  test("of Valkey 9 is restored: its type 22 is not Redis's", () => {
    const server = new TestEngine();
    const valkey = join(format.VALKEY_HASH_2, ...TIMED_HASH);
    expect(show(server.run("RESTORE", "h", "0", sealed(valkey, 80)))).toBe("+OK");
    checkTimes(server, "h");
    const redis = join(format.RDB_HASH_METADATA_PRE_GA, 1, 0, text("f"), text("v"));
    expect(show(server.run("RESTORE", "r", "0", sealed(redis, 12)))).toBe("+OK");
    expect(show(server.run("HGETALL", "r"))).toBe('["f", "v"]');
    expect(show(server.run("RESTORE", "x", "0", sealed(valkey, 12)))).toBe("-ERR Bad data format");
    expect(show(server.run("RESTORE", "x", "0", sealed(redis, 80)))).toBe("-ERR Bad data format");
  });

  test("of a version that nobody here can read is refused as Redis does", () => {
    const server = new TestEngine();
    const content = join(format.RDB_STRING, text("v"));
    for (const version of [0, 1, 10, 12, 13, 14, 80, 81]) {
      const reply = server.run("RESTORE", "k", "0", sealed(content, version), "REPLACE");
      expect(show(reply)).toBe("+OK");
    }
    for (const version of [15, 79, 82, 65535]) {
      const reply = server.run("RESTORE", "k", "0", sealed(content, version), "REPLACE");
      expect(show(reply)).toBe("-ERR DUMP payload version or checksum are wrong");
    }
  });

  test("goes into the log in the lowest version that holds the value, whichever it came in", () => {
    const server = new TestEngine();
    const { effects } = server.engine;
    server.engine.record(true);
    const plain = join(format.RDB_SET_LISTPACK, text(listpack("a", "b")));
    const timed = join(format.VALKEY_HASH_2, ...TIMED_HASH);
    for (const [content, version, told] of [
      [plain, 10, 10],
      [plain, 11, 10],
      [plain, 14, 10],
      [plain, 80, 10],
      [timed, 80, 12],
    ] as const) {
      effects.taken(effects.pos);
      server.run("RESTORE", "k", "0", sealed(content, version), "REPLACE");
      const args = effects.buffer.subarray(0, effects.pos);
      const [, size] = /RESTORE\r\n\$1\r\nk\r\n\$1\r\n0\r\n\$(\d+)\r\n/.exec(
        args.toString("latin1"),
      )!;
      const at = args.indexOf(`$${size}\r\n`) + size!.length + 3;
      const payload = args.subarray(at, at + Number(size));
      expect(payload.readUInt16LE(payload.length - 10)).toBe(told);
      const digest = show(server.run("DEBUG", "DIGEST-VALUE", "k"));
      expect(show(server.run("RESTORE", "again", "0", payload, "REPLACE"))).toBe("+OK");
      expect(show(server.run("DEBUG", "DIGEST-VALUE", "again"))).toBe(digest);
    }
  });

  test("of Valkey's hashes that is damaged is refused", () => {
    const server = new TestEngine();
    const before = server.blocksWhenEmpty();
    for (const content of [
      [2, text("a"), text("1"), NO_TIME, text("a"), text("2"), NO_TIME],
      [1, text("a"), text("1"), 1, 2, 3],
      [9, text("a"), text("1"), NO_TIME],
      [0],
    ]) {
      const bytes = sealed(join(format.VALKEY_HASH_2, ...content), 80);
      expect(show(server.run("RESTORE", "h", "0", bytes))).toBe("-ERR Bad data format");
    }
    expect(server.blocksWhenEmpty()).toBe(before);
  });
});
