/** Keys and values of any bytes. */
import type { Argument } from "../../support/resp-client.ts";
import type { Case, Step } from "../case.ts";

const ALL_BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));

/** Bytes that a server which takes them for text would change. */
const STRINGS: readonly string[] = [
  ALL_BYTES,
  "\xff".repeat(100),
  "\xc3\x28",
  "\xed\xa0\x80",
  "\xf0\x9f\x98",
  "\xef\xbb\xbfbom",
  "\x00",
  "a\x00b",
  "\r\n",
  "$5\r\nhello\r\n",
  "\x80",
];

function bothWays(text: string): Argument[][] {
  return [
    ["SET", text, text],
    ["GET", text],
    ["GETRANGE", text, 1, -1],
    ["APPEND", text, text],
    ["STRLEN", text],
    ["EXISTS", text],
    ["RENAME", text, `${text}2`],
    ["GET", `${text}2`],
    ["DEL", text],
    ["ECHO", text],
    ["PING", text],
  ];
}

/** Every type, with the text in each place that takes bytes; the second time in the form that large values have. */
function inEveryType(text: string): Argument[][] {
  const long = `${text}${"\xfe".repeat(300)}`;
  return [text, long].flatMap((bytes) => [
    ["RPUSH", "l", bytes, "\x00", bytes],
    ["LRANGE", "l", 0, -1],
    ["LPOS", "l", bytes],
    ["LINSERT", "l", "BEFORE", bytes, `${bytes}\x80`],
    ["LREM", "l", -1, bytes],
    ["LINDEX", "l", 0],
    ["HSET", "h", bytes, bytes, `${bytes}\xff`, ""],
    ["HGET", "h", bytes],
    ["HMGET", "h", bytes, `${bytes}\xff`, `${bytes}\xfe`],
    ["HSTRLEN", "h", bytes],
    ["HDEL", "h", `${bytes}\xff`],
    ["SADD", "s", bytes, `${bytes}\x00`],
    ["SISMEMBER", "s", bytes],
    ["SMISMEMBER", "s", bytes, `${bytes}\x00`, `${bytes}\x01`],
    ["SREM", "s", `${bytes}\x00`],
    ["ZADD", "z", 1, bytes, 1, `${bytes}\x00`, 1, `\xff${bytes}`],
    ["ZRANGE", "z", 0, -1, "WITHSCORES"],
    ["ZSCORE", "z", bytes],
    ["ZRANK", "z", `\xff${bytes}`],
    ["ZRANGEBYLEX", "z", `[${bytes}`, "+"],
    ["ZREM", "z", `${bytes}\x00`],
    ["XADD", "x", "*", bytes, bytes],
    ["XLEN", "x"],
    ["PFADD", "p", bytes],
    ["PFCOUNT", "p"],
    ["GEOADD", "g", 13, 38, bytes],
    ["GEOPOS", "g", bytes],
    ["SORT", "l", "ALPHA"],
    ["COPY", "h", bytes, "REPLACE"],
    ["HGET", bytes, bytes],
    ["DEL", bytes, "l", "h", "s", "z", "x", "p", "g"],
  ]);
}

/** redis-server sorts by strcoll, which ends at a zero byte: what is equal up to there comes in any order. */
function compared(run: Argument[]): Step {
  if (run[0] === "SORT") return { run, compare: "unordered" };
  return run[0] === "XADD" ? { run, compare: "type" } : run;
}

export const cases: readonly Case[] = [
  {
    name: "strings that are not valid UTF-8 are elements, fields, members and names as any other",
    data: false,
    steps: STRINGS.flatMap(inEveryType).map(compared),
  },
  {
    name: "names of consumer groups and consumers may hold any bytes",
    steps: STRINGS.flatMap((text) => [
      ["XADD", text, "1-1", text, text],
      ["XGROUP", "CREATE", text, text, "0"],
      ["XGROUP", "CREATE", text, `${text}2`, "$"],
      ["XREADGROUP", "GROUP", text, text, "STREAMS", text, ">"],
      ["XPENDING", text, text],
      ["XPENDING", text, text, "-", "+", 10, "none"],
      ["XACK", text, text, "1-1"],
      ["XGROUP", "DELCONSUMER", text, text, text],
      ["XGROUP", "DESTROY", text, `${text}2`],
      ["XRANGE", text, "-", "+"],
    ]),
  },
  {
    name: "each of the 256 bytes is a key and a value of its own",
    steps: Array.from({ length: 256 }, (_, byte) => {
      const text = String.fromCharCode(byte);
      return [
        ["SET", text, `value ${text}`],
        ["GET", text],
      ];
    }).flat(),
  },
  {
    name: "strings that are not valid UTF-8 come back as they were sent",
    steps: STRINGS.flatMap(bothWays),
  },
  {
    name: "bytes in KEYS patterns are compared as bytes",
    compare: "unordered",
    steps: [
      ...["\xc3\xa4", "\xc3", "\xff\x00", "\xa4"].map((key) => ["SET", key, "v"]),
      ["KEYS", "\xc3*"],
      ["KEYS", "?"],
      ["KEYS", "[\xa0-\xff]"],
      ["KEYS", "\xff\x00"],
    ],
  },
  {
    name: "errors show the bytes of an unknown command",
    steps: [
      ["\xff\xfe", "\x80"],
      ["foo\r\nbar", "a\nb"],
    ],
  },
];
