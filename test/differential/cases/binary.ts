/** Keys and values of any bytes. */
import type { Argument } from "../../support/resp-client.ts";
import type { Case } from "../case.ts";

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

export const cases: readonly Case[] = [
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
