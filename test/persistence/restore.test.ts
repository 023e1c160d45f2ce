/** RESTORE of every form of a value that there has been, and of what is none. */
import { describe, expect, test } from "bun:test";
import * as format from "../../src/persistence/rdb-format.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";
import {
  double,
  join,
  length,
  listpack,
  payload,
  sealed,
  streamId,
  text,
  uint64,
  ziplist,
  zipmap,
} from "./payload.ts";

const server = new TestEngine();

function restored(bytes: Buffer, ...command: string[]): string {
  expect(show(server.run("RESTORE", "k", "0", bytes, "REPLACE"))).toBe("+OK");
  return show(server.run(...command));
}

const ZIPLIST = ziplist("a", [0xfe, 0xfe], [0xc0, 1, 2], [0xf0, 1, 2, 0xff], "b".repeat(300));
const LIST = `["a", "-2", "513", "-65023", "${"b".repeat(300)}"]`;

describe("what older and newer servers wrote", () => {
  test("lists element by element, as ziplists, as nodes of either kind", () => {
    const { RDB_LIST, RDB_LIST_ZIPLIST, RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2 } = format;
    const all = ["LRANGE", "k", "0", "-1"];
    expect(restored(payload(RDB_LIST, 3, text("a"), text("7"), text("")), ...all)).toBe(
      '["a", "7", ""]',
    );
    expect(restored(payload(RDB_LIST_ZIPLIST, text(ZIPLIST)), ...all)).toBe(LIST);
    const two = payload(RDB_LIST_QUICKLIST, 2, text(ziplist("x", [0xf1])), text(ziplist("y")));
    expect(restored(two, ...all)).toBe('["x", "0", "y"]');
    const mixed = payload(RDB_LIST_QUICKLIST_2, 2, 2, text(listpack("p", 1)), 1, text("plain"));
    expect(restored(mixed, ...all)).toBe('["p", "1", "plain"]');
  });

  test("integers of a ziplist in every width", () => {
    const wide = ziplist(
      ...[[0xd0, 0, 0, 0, 0x80], [0xe0, 1, 0, 0, 0, 0, 0, 0, 0x80], [0xfd], [0xfe, 0x7f]],
    );
    expect(restored(payload(format.RDB_LIST_ZIPLIST, text(wide)), "LRANGE", "k", "0", "-1")).toBe(
      '["-2147483648", "-9223372036854775807", "12", "127"]',
    );
  });

  test("hashes element by element, as zipmaps, ziplists and listpacks", () => {
    const get = ["HGETALL", "k"];
    const { RDB_HASH, RDB_HASH_ZIPMAP, RDB_HASH_ZIPLIST, RDB_HASH_LISTPACK } = format;
    expect(restored(payload(RDB_HASH, 1, text("f"), text("v")), ...get)).toBe('["f", "v"]');
    const map = zipmap(3, ["f", "v"], ["g", "w".repeat(260)]);
    expect(restored(payload(RDB_HASH_ZIPMAP, text(map)), ...get)).toBe(
      `["f", "v", "g", "${"w".repeat(260)}"]`,
    );
    const packed = payload(RDB_HASH_ZIPLIST, text(ziplist("f", "v")));
    expect(restored(packed, ...get)).toBe('["f", "v"]');
    expect(restored(payload(RDB_HASH_LISTPACK, text(listpack("f", 5))), ...get)).toBe('["f", "5"]');
  });

  test("sets as listpacks", () => {
    const set = payload(format.RDB_SET_LISTPACK, text(listpack("a", 5)));
    expect(restored(set, "SMEMBERS", "k")).toBe('["a", "5"]');
  });

  test("sorted sets with scores as text and as doubles, as ziplists and listpacks", () => {
    const range = ["ZRANGE", "k", "0", "-1", "WITHSCORES"];
    const { RDB_ZSET, RDB_ZSET_2, RDB_ZSET_ZIPLIST, RDB_ZSET_LISTPACK } = format;
    const old = payload(RDB_ZSET, 3, text("a"), 254, text("b"), 3, "1.5", text("c"), 255);
    expect(restored(old, ...range)).toBe('["c", "-inf", "b", "1.5", "a", "inf"]');
    const binary = payload(RDB_ZSET_2, 2, text("b"), double(2), text("a"), double(-0.5));
    expect(restored(binary, ...range)).toBe('["a", "-0.5", "b", "2"]');
    const packed = ziplist("a", "1.25", "b", [0xf3]);
    expect(restored(payload(RDB_ZSET_ZIPLIST, text(packed)), ...range)).toBe(
      '["a", "1.25", "b", "2"]',
    );
    const pack = listpack("a", "-inf", "b", 2, "c", 2);
    expect(restored(payload(RDB_ZSET_LISTPACK, text(pack)), ...range)).toBe(
      '["a", "-inf", "b", "2", "c", "2"]',
    );
  });

  test("integers and compressed strings", () => {
    expect(restored(payload(format.RDB_STRING, 0xc0, 0x85), "GET", "k")).toBe('"-123"');
    expect(restored(payload(format.RDB_STRING, 0xc1, 0x39, 0x30), "GET", "k")).toBe('"12345"');
    const packed = payload(format.RDB_STRING, 0xc3, 4, 10, 0, "a", 0xe0, 0, 0);
    expect(show(server.run("RESTORE", "k", "0", packed, "REPLACE"))).toStartWith("-ERR Bad data");
    const right = payload(format.RDB_STRING, 0xc3, 5, 10, 0, "a", 0xe0, 0, 0);
    expect(restored(right, "GET", "k")).toBe('"aaaaaaaaaa"');
  });

  test("streams of the three versions", () => {
    const node = listpack(2, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 1, 0, "w", 4);
    const nodes = join(1, text(streamId(5, 0)), text(node));
    const group = join(1, text("g"), 5, 0);
    const pending = join(1, streamId(5, 0), uint64(1000), 3);
    const seen = uint64(2000);
    const first = payload(
      ...[format.RDB_STREAM_LISTPACKS, nodes, 2, 6, 0, group, pending],
      ...[1, text("c"), seen, 1, streamId(5, 0)],
    );
    const entries = '[["5-0", ["f", "v"]], ["6-0", ["f", "w"]]]';
    expect(restored(first, "XRANGE", "k", "-", "+")).toBe(entries);
    expect(show(server.run("XPENDING", "k", "g"))).toBe('[:1, "5-0", "5-0", [["c", "1"]]]');
    const second = payload(
      ...[format.RDB_STREAM_LISTPACKS_2, nodes, 2, 6, 0, 5, 0, 0, 0, 9, group, 1, pending],
      ...[1, text("c"), seen, 1, streamId(5, 0)],
    );
    expect(restored(second, "XRANGE", "k", "-", "+")).toBe(entries);
    expect(show(server.run("XINFO", "STREAM", "k"))).toContain('"entries-added", :9');
    const third = payload(
      ...[format.RDB_STREAM_LISTPACKS_3, nodes, 2, 6, 0, 5, 0, 0, 0, 9, group, 1, pending],
      ...[1, text("c"), seen, uint64(3000), 1, streamId(5, 0)],
    );
    expect(restored(third, "XRANGE", "k", "-", "+")).toBe(entries);
  });
});

const NODE = listpack(1, 0, 1, "f", 0, 2, 0, 0, "v", 4);
const STREAM = join(1, text(streamId(5, 0)), text(NODE), 1, 6, 0, 5, 0, 0, 0, 1);

/** What is wrong, and the payload's content. */
const DAMAGED: readonly (readonly [string, Buffer])[] = [
  ["a list without elements", join(format.RDB_LIST, 0)],
  ["a list of empty nodes", join(format.RDB_LIST_QUICKLIST_2, 1, 2, text(listpack()))],
  ["a node of an unknown kind", join(format.RDB_LIST_QUICKLIST_2, 1, 3, text(listpack("a")))],
  ["an empty set", join(format.RDB_SET, 0)],
  ["an empty hash", join(format.RDB_HASH, 0)],
  ["an empty sorted set", join(format.RDB_ZSET_2, 0)],
  ["an empty listpack", join(format.RDB_HASH_LISTPACK, text(listpack()))],
  ["an empty intset", join(format.RDB_SET_INTSET, text(2, 0, 0, 0, 0, 0, 0, 0))],
  ["an intset out of order", join(format.RDB_SET_INTSET, text(2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0))],
  ["a member twice", join(format.RDB_SET, 2, text("a"), text("a"))],
  ["a member twice in a listpack", join(format.RDB_SET_LISTPACK, text(listpack("a", "b", "a")))],
  ["a field twice", join(format.RDB_HASH, 2, text("a"), text("1"), text("a"), text("2"))],
  ["a field twice in a listpack", join(format.RDB_HASH_LISTPACK, text(listpack("a", 1, "a", 2)))],
  ["a field without value", join(format.RDB_HASH_LISTPACK, text(listpack("a", 1, "b")))],
  ["a score that is no number", join(format.RDB_ZSET_2, 1, text("a"), double(NaN))],
  ["a text that is no number", join(format.RDB_ZSET, 1, text("a"), 253)],
  ["a score of words", join(format.RDB_ZSET_LISTPACK, text(listpack("a", "one")))],
  ["an empty score", join(format.RDB_ZSET_LISTPACK, text(listpack("a", "")))],
  ["a score 'nan'", join(format.RDB_ZSET_LISTPACK, text(listpack("a", "nan")))],
  ["scores out of order", join(format.RDB_ZSET_LISTPACK, text(listpack("a", 2, "b", 1)))],
  ["members out of order", join(format.RDB_ZSET_LISTPACK, text(listpack("b", 1, "a", 1)))],
  ["a member with two scores", join(format.RDB_ZSET_LISTPACK, text(listpack("a", 1, "a", 2)))],
  ["a member scored twice", join(format.RDB_ZSET_2, 2, text("a"), double(1), text("a"), double(2))],
  [
    "a ziplist with a wrong tail",
    join(format.RDB_LIST_ZIPLIST, text(edit(ziplist("a", "b"), 4, 10))),
  ],
  [
    "a ziplist with a wrong count",
    join(format.RDB_LIST_ZIPLIST, text(edit(ziplist("a", "b"), 8, 9))),
  ],
  [
    "a ziplist with a wrong link",
    join(format.RDB_LIST_ZIPLIST, text(edit(ziplist("a", "b"), 13, 9))),
  ],
  [
    "a zipmap that ends early",
    join(format.RDB_HASH_ZIPMAP, text(zipmap(0, ["f", "v"]).subarray(0, 5))),
  ],
  [
    "a zipmap with a wrong count",
    join(format.RDB_HASH_ZIPMAP, text(edit(zipmap(0, ["f", "v"]), 0, 2))),
  ],
  ["a string that promises 4 GB", join(format.RDB_STRING, 0x80, 255, 255, 255, 255)],
  ["a string that promises 2^63 bytes", join(format.RDB_STRING, 0x81, uint64(127))],
  ["LZF that claims 4 GB", join(format.RDB_STRING, 0xc3, 5, 0x80, 255, 255, 255, 255, "abcde")],
  ["LZF that claims more than it can be", join(format.RDB_STRING, 0xc3, 5, length(6000), "abcde")],
  ["a billion members", join(format.RDB_SET, length(1e9), text("a"))],
  ["a billion nodes", join(format.RDB_LIST_QUICKLIST_2, length(1e9), 2, text(listpack("a")))],
  ["a module's value", join(format.RDB_MODULE_2, 0x81, uint64(1), 0)],
  ["an unknown type", join(99, 0)],
  ["nothing", Buffer.alloc(0)],
  [
    "a node whose live entries are miscounted",
    stream(listpack(2, 0, 1, "f", 0, 2, 0, 0, "v", 4), 2),
  ],
  [
    "a node whose deleted ones are miscounted",
    stream(listpack(1, 1, 1, "f", 0, 2, 0, 0, "v", 4), 1),
  ],
  ["a stream of another length", stream(NODE, 2)],
  ["an entry with a wrong size", stream(listpack(1, 0, 1, "f", 0, 2, 0, 0, "v", 9), 1)],
  ["an id twice", stream(listpack(2, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 0, 0, "v", 4), 2)],
  ["a master entry of a million fields", stream(listpack(1, 0, 127, "f", 0), 1)],
  [
    "a last id below the last",
    join(format.RDB_STREAM_LISTPACKS_2, 1, text(streamId(5, 0)), text(NODE), 1, 4, 0),
  ],
  ["a group twice", join(format.RDB_STREAM_LISTPACKS_2, STREAM, 2, emptyGroup(), emptyGroup())],
  ["an entry pending at two consumers", pendingAt(streamId(5, 0), streamId(5, 0))],
  ["an entry pending at nobody", pendingAt()],
  ["an entry pending at a consumer only", pendingAt(streamId(5, 0), streamId(5, 1))],
];

function edit(bytes: Buffer, at: number, value: number): Buffer {
  const edited = Buffer.from(bytes);
  edited[at] = value;
  return edited;
}

function stream(node: Buffer, entries: number): Buffer {
  const nodes = join(1, text(streamId(5, 0)), text(node));
  return join(format.RDB_STREAM_LISTPACKS_2, nodes, entries, 9, 0, 5, 0, 0, 0, 1, 0);
}

function emptyGroup(): Buffer {
  return join(text("g"), 0, 0, 0, 0, 0);
}

/** A group with one pending entry, and consumers that each hold one of these. */
function pendingAt(...held: Buffer[]): Buffer {
  const consumers = held.map((id, index) => join(text(`c${index}`), uint64(1), 1, id));
  const group = join(text("g"), 5, 0, 1, 1, streamId(5, 0), uint64(1), 1, held.length);
  return join(format.RDB_STREAM_LISTPACKS_2, STREAM, 1, group, ...consumers);
}

describe("RESTORE refuses, and keeps nothing of,", () => {
  for (const [what, content] of DAMAGED) {
    test(what, () => {
      const before = server.blocksWhenEmpty();
      server.run("SET", "k", "as it was");
      const { changes } = server.engine.keyspace.store;
      const reply = server.run("RESTORE", "k", "0", sealed(content), "REPLACE");
      expect(show(reply)).toBe("-ERR Bad data format");
      expect(show(server.run("GET", "k"))).toBe('"as it was"');
      expect(server.engine.keyspace.store.changes).toBe(changes);
      expect(server.blocksWhenEmpty()).toBe(before);
    });
  }

  test("every beginning of a payload of every kind", () => {
    const whole = [
      payload(format.RDB_HASH_ZIPMAP, text(zipmap(3, ["f", "v"]))),
      payload(format.RDB_LIST_ZIPLIST, text(ZIPLIST)),
      payload(format.RDB_ZSET_2, 1, text("a"), double(1)),
      sealed(pendingAt(streamId(5, 0))),
    ];
    for (const bytes of whole) {
      expect(show(server.run("RESTORE", "k", "0", bytes, "REPLACE"))).toBe("+OK");
      const before = server.blocksWhenEmpty();
      for (let end = 0; end < bytes.length - 10; end++) {
        const reply = server.run("RESTORE", "k", "0", sealed(bytes.subarray(0, end)));
        expect(show(reply)).toBe("-ERR Bad data format");
      }
      expect(server.blocksWhenEmpty()).toBe(before);
    }
  });

  test("a wrong checksum, a version of the future, and what is too short", () => {
    const good = payload(format.RDB_STRING, text("abc"));
    const wrong = "-ERR DUMP payload version or checksum are wrong";
    for (const bad of [
      edit(good, 2, 0x7a),
      sealed(join(format.RDB_STRING, text("abc")), 15),
      good.subarray(0, 9),
      Buffer.alloc(0),
    ]) {
      expect(show(server.run("RESTORE", "new", "0", bad))).toBe(wrong);
    }
    const version12 = sealed(join(format.RDB_STRING, text("abc")), 12);
    expect(show(server.run("RESTORE", "new", "0", version12))).toBe("+OK");
  });
});

describe("a value that is too large for its form", () => {
  test("takes the next one, as when commands had made it", () => {
    const small = new TestEngine({
      "hash-max-listpack-entries": "2",
      "zset-max-listpack-entries": "2",
      "set-max-listpack-entries": "2",
      "set-max-intset-entries": "2",
      "list-max-listpack-size": "2",
    });
    const cases: readonly (readonly [Buffer, string])[] = [
      [payload(format.RDB_HASH_LISTPACK, text(listpack("a", 1, "b", 2, "c", 3))), "hashtable"],
      [payload(format.RDB_ZSET_LISTPACK, text(listpack("a", 1, "b", 2, "c", 3))), "skiplist"],
      [payload(format.RDB_SET_LISTPACK, text(listpack("a", "b", "c"))), "hashtable"],
      [payload(format.RDB_SET_INTSET, text(2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 2, 0, 3, 0)), "hashtable"],
      [payload(format.RDB_LIST_QUICKLIST_2, 1, 2, text(listpack(1, 2, 3))), "quicklist"],
    ];
    for (const [bytes, encoding] of cases) {
      expect(show(small.run("RESTORE", "k", "0", bytes, "REPLACE"))).toBe("+OK");
      expect(show(small.run("OBJECT", "ENCODING", "k"))).toBe(`"${encoding}"`);
      // Every member can be found in its new place.
      const dumped = small.bytes("DUMP", "k");
      small.run("RESTORE", "twin", "0", dumped, "REPLACE");
      const [digests] = [small.run("DEBUG", "DIGEST-VALUE", "k", "twin")];
      if (digests.type !== "array") throw new Error(show(digests));
      expect(show(digests.items[0]!)).toBe(show(digests.items[1]!));
    }
  });
});

test("a key is not used by a payload that is to replace it and is none", () => {
  const own = new TestEngine();
  own.engine.clock.freeze(1_700_000_000_000);
  own.engine.beginTurn();
  own.run("SET", "k", "v");
  const dump = own.bytes("DUMP", "k");
  own.engine.clock.advance(7000);
  own.engine.beginTurn();
  const bad = payload(format.RDB_SET, 0);
  const torn = Buffer.from(dump);
  torn[0]! ^= 1;
  for (const bytes of [bad, torn]) {
    expect(show(own.run("RESTORE", "k", "0", bytes, "REPLACE"))).toStartWith("-");
    expect(show(own.run("OBJECT", "IDLETIME", "k"))).toBe(":7");
  }
});
