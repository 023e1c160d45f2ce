/** Commands on strings as a client sees them. What redis-server 7.0 has is compared with it in `test/differential`. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../../src/memory/arena.ts";
import { ENCODING_NAMES, TYPE_LIST, TYPE_STRING } from "../../src/types/kinds.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const SYNTAX = "-ERR syntax error";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range";

const START_MS = 1_700_000_000_000;

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
  server.engine.clock.freeze(START_MS);
});

/** Runs the lines in order and gives the replies; arguments stand between single spaces. */
async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

function find(key: string): number {
  const bytes = Buffer.from(key);
  return server.engine.keyspace.databases[0]!.peek(bytes, 0, bytes.length);
}

/** Unix time in ms at which the key expires, -1 if never, -2 if there is no such key. */
function dueMs(key: string): number {
  const entry = find(key);
  if (entry === NULL_REF) return -2;
  return server.engine.keyspace.databases[0]!.expiryMs(entry as never);
}

function encoding(key: string): string {
  return ENCODING_NAMES[server.engine.keyspace.store.entries.encoding(find(key) as never)]!;
}

function typeOf(key: string): number {
  return server.engine.keyspace.store.entries.type(find(key) as never);
}

/** Bits of an entry's head that make a blob pass for a list: its type, and an encoding that no string has. */
const LIST_BITS = TYPE_LIST | (8 << 3);

/** Makes `key` a key of another type, whose value is a block of its own. */
async function makeList(key: string): Promise<void> {
  await run(`SET ${key} ${"x".repeat(5000)}`);
  const entry = find(key);
  expect(encoding(key)).toBe("raw");
  const words = server.engine.keyspace.store.arena.words[entry >>> SEGMENT_SHIFT]!;
  words[((entry & SEGMENT_MASK) << 2) + 2]! |= LIST_BITS;
  expect(typeOf(key)).toBe(TYPE_LIST);
}

describe("a key of another type", () => {
  const REPLIES: readonly (readonly [line: string, reply: string])[] = [
    ["GET l", WRONG_TYPE],
    ["GETSET l v", WRONG_TYPE],
    ["GETDEL l", WRONG_TYPE],
    ["GETEX l", WRONG_TYPE],
    ["GETEX l EX 0", WRONG_TYPE],
    ["GETEX l EX x", WRONG_TYPE],
    ["GETEX l FOO", SYNTAX],
    ["STRLEN l", WRONG_TYPE],
    ["SET l v GET", WRONG_TYPE],
    ["SET l v XX GET", WRONG_TYPE],
    ["SET l v EX 0 GET", "-ERR invalid expire time in 'set' command"],
    ["SET l v NX", "null bulk"],
    ["SET l v IFEQ x", WRONG_TYPE],
    ["SET l v IFNE x", WRONG_TYPE],
    ["SET l v IFDEQ short", WRONG_TYPE],
    ["SET l v IFDNE short", WRONG_TYPE],
    ["SETNX l v", ":0"],
    ["SETEX l 0 v", "-ERR invalid expire time in 'setex' command"],
    ["MGET l l", "[null bulk, null bulk]"],
    ["MSETNX l v m v", ":0"],
    ["MSETEX 1 l v NX", ":0"],
    ["APPEND l v", WRONG_TYPE],
    ["APPEND l ", WRONG_TYPE],
    ["GETRANGE l 0 -1", WRONG_TYPE],
    ["GETRANGE l x 1", NOT_AN_INTEGER],
    ["SUBSTR l 0 -1", WRONG_TYPE],
    ["SETRANGE l 1 v", WRONG_TYPE],
    ["SETRANGE l 1 ", WRONG_TYPE],
    ["SETRANGE l -1 v", "-ERR offset is out of range"],
    ["SETRANGE l 9999999999 v", WRONG_TYPE],
    ["INCR l", WRONG_TYPE],
    ["DECR l", WRONG_TYPE],
    ["INCRBY l 1", WRONG_TYPE],
    ["INCRBY l x", NOT_AN_INTEGER],
    ["DECRBY l 1", WRONG_TYPE],
    ["DECRBY l -9223372036854775808", "-ERR decrement would overflow"],
    ["INCRBYFLOAT l 1", WRONG_TYPE],
    ["INCRBYFLOAT l x", WRONG_TYPE],
    ["INCREX l", WRONG_TYPE],
    ["INCREX l BYFLOAT 1.5", WRONG_TYPE],
    ["INCREX l EXAT 1", WRONG_TYPE],
    ["LCS l l", "-ERR The specified keys must contain string values"],
    ["LCS none l LEN", "-ERR The specified keys must contain string values"],
    ["LCS l none foo", "-ERR The specified keys must contain string values"],
    ["DIGEST l", WRONG_TYPE],
    ["DELEX l IFEQ x", "-ERR Key should be of string type if conditions are specified"],
    ["DELEX l FOO x", "-ERR Key should be of string type if conditions are specified"],
    ["DELIFEQ l x", WRONG_TYPE],
  ];

  test.each(REPLIES)("is answered as Redis does and stays as it is: %s", async (line, reply) => {
    await makeList("l");
    const { changes } = server.engine.keyspace.store;
    expect(await run(line)).toEqual([reply]);
    expect(typeOf("l")).toBe(TYPE_LIST);
    expect(server.engine.keyspace.store.changes).toBe(changes);
  });

  test.each(["SET l v", "SET l v XX", "MSET l v", "SETEX l 10 v", "PSETEX l 10 v", "MSETEX 1 l v"])(
    "is replaced by %s",
    async (line) => {
      await makeList("l");
      await run(line);
      expect(typeOf("l")).toBe(TYPE_STRING);
      expect(await run("GET l")).toEqual(['"v"']);
    },
  );

  test("is deleted by DELEX without a condition", async () => {
    await makeList("l");
    expect(await run("DELEX l", "DELEX l")).toEqual([":1", ":0"]);
  });
});

describe("SET", () => {
  test("IFEQ sets where the old value is equal and exists", async () => {
    expect(await run("SET k b IFEQ a", "SET k a", "SET k b IFEQ x", "SET k b ifeq a")).toEqual([
      "null bulk",
      "+OK",
      "null bulk",
      "+OK",
    ]);
    expect(await run("GET k", "SET k 12", "SET k c IFEQ 12", "SET k d IFEQ cc", "GET k")).toEqual([
      '"b"',
      "+OK",
      "+OK",
      "null bulk",
      '"c"',
    ]);
  });

  test("IFNE sets where the old value differs or does not exist", async () => {
    expect(await run("SET k a IFNE a", "SET k b IFNE a", "SET k b IFNE x", "GET k")).toEqual([
      "+OK",
      "null bulk",
      "+OK",
      '"b"',
    ]);
  });

  test("IFDEQ and IFDNE compare the digest, letters of either case", async () => {
    await run("SET k hello");
    expect(await run("DIGEST k")).toEqual(['"9555e8555c62dcfd"']);
    expect(await run("SET k x IFDEQ 9555e8555c62dcfe", "SET k x IFDNE 9555E8555C62DCFD")).toEqual([
      "null bulk",
      "null bulk",
    ]);
    expect(
      await run("SET k hello IFDEQ 9555E8555C62DCFD", "SET k x IFDNE zzzzzzzzzzzzzzzz"),
    ).toEqual(["+OK", "+OK"]);
    expect(await run("SET n x IFDEQ 9555e8555c62dcfd", "SET n x IFDNE 9555e8555c62dcfd")).toEqual([
      "null bulk",
      "+OK",
    ]);
  });

  test("a digest that can't be one is an error once there is a value to compare", async () => {
    const error = "-ERR must be exactly 16 hexadecimal characters";
    await run("SET k hello");
    for (const digest of ["", "9555e8555c62dcf", "09555e8555c62dcfd"]) {
      expect(await run(`SET k v IFDEQ ${digest}`, `SET k v GET IFDNE ${digest}`)).toEqual([
        error,
        error,
      ]);
      expect(await run(`SET none v IFDEQ ${digest}`)).toEqual(["null bulk"]);
    }
    expect(await run("GET k")).toEqual(['"hello"']);
  });

  test("with GET answers the old value whether the comparison was met or not", async () => {
    expect(
      await run("SET k a", "SET k b GET IFEQ x", "SET k b IFEQ a GET", "SET k c IFNE b GET"),
    ).toEqual(["+OK", '"a"', '"a"', '"b"']);
    expect(
      await run("GET k", "SET n v IFEQ x GET", "GET n", "SET n v IFNE x GET", "GET n"),
    ).toEqual(['"b"', "null bulk", "null bulk", "null bulk", '"v"']);
  });

  test("comparisons exclude each other, NX and XX", async () => {
    await run("SET k a");
    for (const options of ["NX IFEQ a", "IFEQ a XX", "IFEQ a IFNE b", "IFDEQ a IFEQ b", "IFEQ"]) {
      expect(await run(`SET k v ${options}`)).toEqual([SYNTAX]);
    }
    expect(await run("SET k v IFEQ x IFEQ a", "GET k")).toEqual(["+OK", '"v"']);
  });

  test("a comparison that is not met leaves value and time as they are", async () => {
    await run("SET k a EX 100", "SET k b EX 5 IFEQ x", "SET k b IFNE a");
    expect(await run("GET k")).toEqual(['"a"']);
    expect(dueMs("k")).toBe(START_MS + 100_000);
    await run("SET k b IFEQ a PX 7");
    expect(dueMs("k")).toBe(START_MS + 7);
  });

  test("takes expiry times up to the last millisecond of 64 bits", async () => {
    const last = 2n ** 63n - 1n;
    const most = last - BigInt(START_MS);
    const error = "-ERR invalid expire time in 'set' command";
    expect(await run(`SET k v PX ${most}`, `SET k v PX ${most + 1n}`)).toEqual(["+OK", error]);
    expect(await run(`SET k v PXAT ${last}`, `SET k v PXAT ${last + 1n}`)).toEqual([
      "+OK",
      NOT_AN_INTEGER,
    ]);
    const seconds = last / 1000n;
    expect(await run(`SET k v EXAT ${seconds}`, `SET k v EXAT ${seconds + 1n}`)).toEqual([
      "+OK",
      error,
    ]);
    const low = 2n ** 53n + 1n;
    expect(await run(`SET k v PXAT ${low}`, "PEXPIRETIME k")).toEqual(["+OK", `:${low}`]);
  });

  test("lets a key expire when its time comes and not before", async () => {
    await run("SET a v PX 1000", "SET b v EXAT 1700000002", "SETEX c 3 v", "PSETEX d 3500 v");
    server.engine.clock.advance(999);
    expect(await run("MGET a b c d")).toEqual(['["v", "v", "v", "v"]']);
    server.engine.clock.advance(1);
    expect(await run("MGET a b c d")).toEqual(['[null bulk, "v", "v", "v"]']);
    server.engine.clock.advance(2000);
    expect(await run("MGET a b c d")).toEqual(['[null bulk, null bulk, null bulk, "v"]']);
    expect(await run("GETEX d PERSIST")).toEqual(['"v"']);
    server.engine.clock.advance(10_000);
    expect(await run("GET d", "SET d w PXAT 1", "GET d")).toEqual(['"v"', "+OK", "null bulk"]);
  });
});

describe("GETEX", () => {
  test("changes the time only when asked to", async () => {
    await run("SET k v EX 100");
    const { changes } = server.engine.keyspace.store;
    expect(await run("GETEX k")).toEqual(['"v"']);
    expect(dueMs("k")).toBe(START_MS + 100_000);
    expect(server.engine.keyspace.store.changes).toBe(changes);
    await run("GETEX k PX 5");
    expect(dueMs("k")).toBe(START_MS + 5);
    await run("GETEX k PERSIST");
    expect(dueMs("k")).toBe(-1);
    expect(server.engine.keyspace.store.changes).toBe(changes + 2);
    await run("GETEX k PERSIST");
    expect(server.engine.keyspace.store.changes).toBe(changes + 2);
  });

  test("with a time that is past answers the value and deletes the key", async () => {
    await run("SET k v");
    expect(await run("GETEX k PXAT 5", "GETEX k")).toEqual(['"v"', "null bulk"]);
    expect(dueMs("k")).toBe(-2);
  });
});

describe("MSETEX", () => {
  test("sets all keys with one time, or none", async () => {
    expect(await run("MSETEX 2 a 1 b 2 EX 10", "MGET a b")).toEqual([":1", '["1", "2"]']);
    expect([dueMs("a"), dueMs("b")]).toEqual([START_MS + 10_000, START_MS + 10_000]);
    expect(await run("MSETEX 2 b 3 c 3 NX", "MSETEX 2 b 3 c 3 xx px 5", "MGET b c")).toEqual([
      ":0",
      ":0",
      '["2", null bulk]',
    ]);
    expect(dueMs("b")).toBe(START_MS + 10_000);
    expect(await run("MSETEX 2 a 5 b 6 XX KEEPTTL", "MSETEX 1 c 7 NX", "MGET a b c")).toEqual([
      ":1",
      ":1",
      '["5", "6", "7"]',
    ]);
    expect(dueMs("a")).toBe(START_MS + 10_000);
    await run("MSETEX 2 a 5 a 6");
    expect(dueMs("a")).toBe(-1);
    expect(await run("GET a")).toEqual(['"6"']);
  });

  test("counts a change for each key", async () => {
    const { changes } = server.engine.keyspace.store;
    await run("MSETEX 3 a 1 b 2 c 3 EX 10", "MSETEX 1 a 1 NX");
    expect(server.engine.keyspace.store.changes).toBe(changes + 3);
  });

  test.each([
    ["MSETEX", "-ERR wrong number of arguments for 'msetex' command"],
    ["MSETEX 1 k", "-ERR wrong number of arguments for 'msetex' command"],
    ["MSETEX k v ex 10", "-ERR invalid numkeys value"],
    ["MSETEX 0 k v", "-ERR invalid numkeys value"],
    ["MSETEX -1 k v", "-ERR invalid numkeys value"],
    ["MSETEX 1.5 k v", "-ERR invalid numkeys value"],
    ["MSETEX 2147483648 k v EX 10", "-ERR invalid numkeys value"],
    ["MSETEX 9223372036854775807 k v", "-ERR invalid numkeys value"],
    ["MSETEX 2147483647 k v EX 10", "-ERR wrong number of key-value pairs"],
    ["MSETEX 2 k v k2", "-ERR wrong number of key-value pairs"],
    ["MSETEX 1 k v foo", SYNTAX],
    ["MSETEX 1 k v NX XX", SYNTAX],
    ["MSETEX 1 k v EX 10 PX 10", SYNTAX],
    ["MSETEX 1 k v KEEPTTL EX 10", SYNTAX],
    ["MSETEX 1 k v EX", SYNTAX],
    ["MSETEX 1 k v GET", SYNTAX],
    ["MSETEX 1 k v IFEQ v", SYNTAX],
    ["MSETEX 1 k v EX x", NOT_AN_INTEGER],
    ["MSETEX 1 k v EX 0", "-ERR invalid expire time in 'msetex' command"],
  ])("refuses %s", async (line, reply) => {
    expect(await run(line, "GET k")).toEqual([reply, "null bulk"]);
  });
});

describe("DIGEST, DELEX and DELIFEQ", () => {
  test("DIGEST is XXH3 with all its zeros", async () => {
    const zeros =
      "v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd";
    await run("SET a Hello", `SET b ${zeros}`, "SET c ", "SET d 123");
    expect(await run("DIGEST b", "DIGEST c", "DIGEST d", "DIGEST none")).toEqual([
      '"00006c38adf31777"',
      '"2d06800538d394c2"',
      '"404a763b3f4c8c9a"',
      "null bulk",
    ]);
  });

  test("DELEX deletes on its condition only", async () => {
    expect(await run("SET k 12", "DELEX k IFEQ 13", "DELEX k IFNE 12", "DELEX k ifeq 12")).toEqual([
      "+OK",
      ":0",
      ":0",
      ":1",
    ]);
    expect(await run("SET k 12", "DELEX k IFNE 13", "GET k")).toEqual(["+OK", ":1", "null bulk"]);
    await run("SET k hello");
    expect(await run("DELEX k IFDEQ 0000000000000000", "DELEX k IFDNE 9555e8555c62dcfd")).toEqual([
      ":0",
      ":0",
    ]);
    expect(await run("DELEX k IFDEQ 9555E8555C62DCFD", "GET k")).toEqual([":1", "null bulk"]);
  });

  test("DELEX looks at the key before the condition", async () => {
    expect(await run("DELEX none FOO x", "DELEX none IFDEQ x", "SET k v")).toEqual([
      ":0",
      ":0",
      "+OK",
    ]);
    expect(await run("DELEX k FOO v", "DELEX k IFDEQ v", "DELEX k IFEQ", "DELEX k NX v")).toEqual([
      "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE",
      "-ERR must be exactly 16 hexadecimal characters",
      "-ERR wrong number of arguments for 'delex' command",
      "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE",
    ]);
    expect(await run("DELEX k IFEQ v x", "GET k")).toEqual([
      "-ERR wrong number of arguments for 'delex' command",
      '"v"',
    ]);
  });

  test("DELIFEQ deletes an equal string only", async () => {
    expect(await run("DELIFEQ k v", "SET k v", "DELIFEQ k w", "DELIFEQ k v", "GET k")).toEqual([
      ":0",
      "+OK",
      ":0",
      ":1",
      "null bulk",
    ]);
  });
});

describe("encodings", () => {
  test("are those of Redis after each way to make a string", async () => {
    const seen: Record<string, string> = {};
    const note = async (line: string): Promise<void> => {
      await run(line);
      seen[line] = encoding("k");
    };
    await note("SET k 12");
    await note("SET k 012");
    await note(`SET k ${"x".repeat(44)}`);
    await note(`SET k ${"x".repeat(45)}`);
    await note("SET k 9223372036854775808");
    await note("SET k 7");
    await note("INCRBYFLOAT k 1");
    await note("INCR k");
    await note("APPEND k 1");
    await note("DECR k");
    await note("SETRANGE k 0 2");
    await note("INCREX k");
    await note("INCREX k BYFLOAT 1");
    expect(Object.values(seen)).toEqual([
      ...["int", "embstr", "embstr", "raw", "embstr", "int", "embstr", "int", "raw", "int"],
      ...["raw", "int", "embstr"],
    ]);
  });
});

describe("strings as large as they may be", () => {
  test("the limit is proto-max-bulk-len, whatever command makes them grow", async () => {
    const error = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    const { options } = server.engine;
    const before = options.text("proto-max-bulk-len");
    options.set("proto-max-bulk-len", "1048576");
    try {
      expect(await run("SETRANGE k 1048575 ab", "SETRANGE k 1048575 a", "APPEND k b")).toEqual([
        error,
        ":1048576",
        error,
      ]);
      expect(await run("SETRANGE k 9223372036854775807 a", "STRLEN k")).toEqual([
        error,
        ":1048576",
      ]);
      expect(await run("SETRANGE k 4 b", "GETRANGE k 3 5")).toEqual([":1048576", '"\\x00b\\x00"']);
    } finally {
      options.set("proto-max-bulk-len", before);
    }
  });

  test("a limit above what fits into memory does not let a client ask for more", async () => {
    const { options } = server.engine;
    const before = options.text("proto-max-bulk-len");
    options.set("proto-max-bulk-len", "9223372036854775807");
    try {
      expect(await run("SETRANGE k 4294967295 a", "SETRANGE k 2147483647 a", "STRLEN k")).toEqual([
        "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ":0",
      ]);
    } finally {
      options.set("proto-max-bulk-len", before);
    }
  });
});
