/** Damage that once did harm to servers (S6): payloads and whole files of Redis's tests, and defects of meaning put together here. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import * as format from "../../src/persistence/rdb-format.ts";
import { freePort } from "../support/free-port.ts";
import { SERVER } from "../support/hutch-process.ts";
import type { Measured } from "../support/peak-memory.ts";
import { runMeasured } from "../support/peak-memory.ts";
import { show } from "../support/resp-value.ts";
import { seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { DAMAGE_CLASSES, DAMAGED_FILE, FILE_OF_NOTHING } from "./corrupt-payloads.ts";
import { incrementPath, inFolder, logFolder, manifestPath } from "./folder.ts";
import { loadBytes } from "./memory-file.ts";
import { double, join, listpack, sealed, streamId, text, uint64, ziplist } from "./payload.ts";
import { useValue } from "./use-value.ts";

/** How long a value that was taken is tried. */
const USE_MS = 200;

const BAD_DATA = "-ERR Bad data format";

/** Restores what may be damaged; if it is taken, it must be a sound value. Returns the reply. */
function tryContent(server: TestEngine, what: string, content: Buffer): string {
  const random = seeded(what);
  const reply = show(server.run("RESTORE", "key", "0", sealed(content, 12), "REPLACE"));
  expect(["+OK", BAD_DATA]).toContain(reply);
  const end = reply === "+OK" ? performance.now() + USE_MS : 0;
  while (performance.now() < end) {
    server.run("RESTORE", "key", "0", sealed(content, 12), "REPLACE");
    useValue(random, server, "key", 20);
  }
  const { size } = server.engine.keyspace;
  expect(show(server.run("DBSIZE"))).toBe(`:${size}`);
  const keys = server.run("KEYS", "*");
  expect(keys.type === "array" && keys.items.length).toBe(size);
  expect(show(server.run("PING"))).toBe("+PONG");
  return reply;
}

describe("damage (S5) of the kind of", () => {
  for (const { what, contents } of DAMAGE_CLASSES) {
    test(`${what} is refused or harmless`, () => {
      const server = new TestEngine();
      const empty = server.blocksWhenEmpty();
      for (const digits of contents) tryContent(server, what, Buffer.from(digits, "hex"));
      expect(server.blocksWhenEmpty()).toBe(empty);
    });
  }
});

const NODE = listpack(2, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 1, 0, "w", 4);
/** Entries 5-0 and 6-0; two were added in all. */
const STREAM = join(1, text(streamId(5, 0)), text(NODE), 2, 6, 0, 5, 0, 0, 0, 2);
const PENDING = join(streamId(5, 0), uint64(1000), 1);
const GROUP = join(text("g"), 6, 0, 2);

function consumer(name: string, ...pending: Buffer[]): Buffer {
  return join(text(name), uint64(9), uint64(9), pending.length, ...pending);
}

function stream(...groups: Buffer[]): Buffer {
  return join(format.RDB_STREAM_LISTPACKS_3, STREAM, groups.length, ...groups);
}

/** What is wrong, and the content. */
const REFUSED: readonly (readonly [string, Buffer])[] = [
  [
    "a pending entry that two consumers have",
    stream(
      join(GROUP, 1, PENDING, 2, consumer("a", streamId(5, 0)), consumer("b", streamId(5, 0))),
    ),
  ],
  [
    "a pending entry that one consumer has twice",
    stream(join(GROUP, 1, PENDING, 1, consumer("a", streamId(5, 0), streamId(5, 0)))),
  ],
  ["a pending entry that nobody has", stream(join(GROUP, 1, PENDING, 0))],
  [
    "a consumer with an entry that is not pending",
    stream(join(GROUP, 1, PENDING, 1, consumer("a", streamId(5, 0), streamId(6, 0)))),
  ],
  ["an entry that is pending twice", stream(join(GROUP, 2, PENDING, PENDING, 0))],
  ["a consumer twice", stream(join(GROUP, 0, 2, consumer("a"), consumer("a")))],
  ["a group twice", stream(join(GROUP, 0, 0), join(GROUP, 0, 0))],
  [
    "a stream with another length than it has entries",
    join(
      ...[format.RDB_STREAM_LISTPACKS_2, 1, text(streamId(5, 0)), text(NODE)],
      3,
      6,
      0,
      5,
      0,
      0,
      0,
      3,
      0,
    ),
  ],
  [
    "a stream whose node counts other entries than it has",
    join(
      ...[format.RDB_STREAM_LISTPACKS_2, 1, text(streamId(5, 0))],
      text(listpack(3, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 1, 0, "w", 4)),
      ...[3, 6, 0, 5, 0, 0, 0, 3, 0],
    ),
  ],
  [
    "a stream with a node twice",
    join(
      ...[format.RDB_STREAM_LISTPACKS_2, 2, text(streamId(5, 0)), text(NODE)],
      ...[text(streamId(5, 0)), text(NODE), 4, 6, 0, 5, 0, 0, 0, 4, 0],
    ),
  ],
  ["a score that is not a number", join(format.RDB_ZSET_2, 1, text("a"), double(NaN))],
  ["the same as text", join(format.RDB_ZSET, 1, text("a"), 253)],
  ["the same in a listpack", join(format.RDB_ZSET_LISTPACK, text(listpack("a", "nan")))],
  ["the same in a ziplist", join(format.RDB_ZSET_ZIPLIST, text(ziplist("a", "nan")))],
  [
    "a time of a field that is no number",
    join(format.RDB_HASH_LISTPACK_EX, uint64(1), text(listpack("f", "v", "x"))),
  ],
  [
    "a time of a field beyond all times",
    join(format.RDB_HASH_METADATA, uint64(2 ** 52), 1, 1, text("f"), text("v")),
  ],
  [
    "a field without its time",
    join(format.RDB_HASH_LISTPACK_EX, uint64(1), text(listpack("f", "v"))),
  ],
  [
    "a field with times twice",
    join(format.RDB_HASH_LISTPACK_EX, uint64(1), text(listpack("f", "v", 0, "f", "w", 0))),
  ],
];

describe("a payload is refused (S6) that has", () => {
  for (const [what, content] of REFUSED) {
    test(what, () => {
      const server = new TestEngine();
      const empty = server.blocksWhenEmpty();
      expect(tryContent(server, what, content)).toBe(BAD_DATA);
      expect(server.blocksWhenEmpty()).toBe(empty);
    });
  }

  test("and without the defect it is taken", () => {
    const server = new TestEngine();
    const right = stream(join(GROUP, 1, PENDING, 2, consumer("a", streamId(5, 0)), consumer("b")));
    expect(tryContent(server, "right", right)).toBe("+OK");
  });
});

test("a file whose keys have no elements is loaded without them", () => {
  const server = new TestEngine();
  const loader = loadBytes(server, Buffer.from(FILE_OF_NOTHING, "base64"));
  expect([loader.error, loader.loaded, server.engine.keyspace.size]).toEqual([null, 0, 0]);
});

/** A whole file without a checksum. */
function file(...records: (Buffer | number | string)[]): Buffer {
  return join("REDIS0012", ...records, format.OPCODE_EOF, Buffer.alloc(8));
}

const HUGE = Buffer.of(0x80, 0xff, 0xff, 0xff, 0xff);
const HUGER = Buffer.of(0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

const FILES: readonly (readonly [string, Buffer])[] = [
  ["Redis's damaged ziplists", Buffer.from(DAMAGED_FILE, "base64")],
  ["a string of 4 GB", file(format.RDB_STRING, text("k"), HUGE, "abc")],
  ["a key of 2^63 bytes", file(format.RDB_STRING, HUGER, "abc")],
  [
    "4 GB that are compressed to three bytes",
    file(format.RDB_STRING, text("k"), 0xc3, 3, HUGE, "abc"),
  ],
  ["4 billion members", file(format.RDB_SET, text("k"), HUGE, "abc")],
  ["4 billion fields", file(format.RDB_HASH, text("k"), HUGE, "abc")],
  ["4 billion members with scores", file(format.RDB_ZSET_2, text("k"), HUGE, "abc")],
  ["4 billion nodes", file(format.RDB_LIST_QUICKLIST_2, text("k"), HUGE, "abc")],
  ["4 billion nodes of a stream", file(format.RDB_STREAM_LISTPACKS_2, text("k"), HUGE, "abc")],
  [
    "a slot of the cluster beyond the last, of 2^63 keys, and no keys",
    file(format.OPCODE_SLOT_INFO, HUGER, HUGER, HUGER, format.RDB_STRING, text("k"), HUGE),
  ],
  ["a library of 4 GB", file(format.OPCODE_FUNCTION2, HUGE, "abc")],
  [
    "times of members that are none",
    file(
      format.OPCODE_AUX,
      text(format.AUX_MEMBER_TIMES),
      text("abc"),
      format.RDB_SET,
      text("k"),
      1,
      text("a"),
    ),
  ],
  [
    "a pending entry that two consumers have",
    file(
      format.RDB_STREAM_LISTPACKS_3,
      ...[text("k"), STREAM, 1, GROUP, 1, PENDING, 2],
      ...[consumer("a", streamId(5, 0)), consumer("b", streamId(5, 0))],
    ),
  ],
];

function start(folder: string, appendonly: string): Promise<Measured> {
  const options = ["--port", `${freePort()}`, "--dir", folder, "--save", ""];
  return runMeasured([process.execPath, SERVER, ...options, "--appendonly", appendonly]);
}

describe("the program does not start, and takes little time and memory to say so, with a file that announces (S6, S7)", () => {
  for (const [what, bytes] of FILES) {
    test(what, async () => {
      await inFolder(async (folder) => {
        writeFileSync(joinPath(folder, "dump.rdb"), bytes);
        const began = performance.now();
        const { status, output, peakBytes } = await start(folder, "no");
        expect(performance.now() - began).toBeLessThan(5000);
        expect([status, output]).toEqual([1, expect.stringContaining("can't be loaded")]);
        expect(peakBytes).toBeGreaterThan(10 << 20);
        expect(peakBytes).toBeLessThan(256 << 20);
      });
    });
  }

  test.each([
    ["an argument of 4 GB", "*2\r\n$3\r\nDEL\r\n$4294967296\r\nabc"],
    ["4 billion arguments", "*4294967296\r\n$3\r\nDEL\r\n$1\r\na\r\n"],
  ])("%s in a log", async (_, log) => {
    await inFolder(async (folder) => {
      mkdirSync(logFolder(folder));
      writeFileSync(manifestPath(folder), "file appendonly.aof.1.incr.aof seq 1 type i\n");
      writeFileSync(incrementPath(folder), log);
      const { status, output, peakBytes } = await start(folder, "yes");
      expect([status, output]).toEqual([
        1,
        expect.stringContaining("Bad file format reading the append only file"),
      ]);
      expect(peakBytes).toBeLessThan(256 << 20);
    });
  });

  test("4 billion keys and has one: the announcement is a hint, and the keys are loaded", () => {
    const server = new TestEngine();
    const hint = [format.OPCODE_RESIZEDB, HUGE, HUGE, format.OPCODE_SLOT_INFO, HUGER, HUGER, HUGER];
    const loader = loadBytes(server, file(...hint, format.RDB_STRING, text("k"), text("v")));
    expect([loader.error, loader.loaded]).toEqual([null, 1]);
  });
});
