import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Args } from "../../src/protocol/args.ts";
import { splitInline } from "../../src/protocol/inline.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";

/** The words of a line, or why it has none. */
function split(line: string): string[] | string {
  const bytes = Buffer.from(line, "latin1");
  const args = new Args();
  const error = splitInline(bytes, 0, bytes.length, args);
  return error ?? Array.from({ length: args.count }, (_, index) => args.text(index));
}

const UNBALANCED = "unbalanced quotes in request";

const CASES: readonly (readonly [line: string, words: string[] | string])[] = [
  ["", []],
  ["  \t ", []],
  ["a", ["a"]],
  [" a  b\tc ", ["a", "b", "c"]],
  ['""', [""]],
  ["''", [""]],
  ['"a b" c', ["a b", "c"]],
  ["'a b' c", ["a b", "c"]],
  [String.raw`"\n\r\t\b\a\\\""`, ['\n\r\t\b\x07\\"']],
  [String.raw`"\x00\xff\xAb"`, ["\x00\xff\xab"]],
  [String.raw`"\xg0\x1"`, ["xg0x1"]],
  [String.raw`"\q\0"`, ["q0"]],
  [String.raw`'\n\'\x41'`, ["\\n'\\x41"]],
  [String.raw`a\nb`, [String.raw`a\nb`]],
  ['a"b c"', ["ab c"]],
  ["a'b c' d", ["ab c", "d"]],
  ['"a"b', UNBALANCED],
  ['"a""b"', UNBALANCED],
  ["'a''b'", UNBALANCED],
  ['"a', UNBALANCED],
  ["'a", UNBALANCED],
  ['"a\\', UNBALANCED],
  ['"a\\"', UNBALANCED],
  ["a\vb\fc", ["a\vb\fc"]],
  ["a \v\f b", ["a", "b"]],
  ['"a"\vb', ["a", "b"]],
  ["caf\xe9 \xff", ["caf\xe9", "\xff"]],
];

describe("inline commands", () => {
  for (const [line, words] of CASES) {
    test(`splits ${JSON.stringify(line)}`, () => expect(split(line)).toEqual(words));
  }
});

describe.skipIf(redisMissing !== null)("inline commands beside redis-server", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("are split as it splits them", async () => {
    const random = seeded("inline");
    const pieces = [
      "a",
      "b",
      " ",
      " ",
      "\t",
      "\v",
      "\f",
      "\r",
      '"',
      '"',
      "'",
      "'",
      "\\",
      "\\",
      "\\x41",
      "\\n",
      "x",
      "0",
      "\xff",
    ];
    const lines = CASES.map(([line]) => line);
    for (let i = 0; i < 1500 * rounds; i++) {
      lines.push(Array.from({ length: 1 + random.below(10) }, () => pick(random, pieces)).join(""));
    }
    let client = await RespClient.connect(redis.port);
    for (const line of lines) {
      const words = split(line);
      // The lengths of at most two words, by the one command that takes any number and shows them.
      client.write(`DEL z\r\nRPUSH z . ${line}\r\nLRANGE z 0 -1\r\n`);
      await client.read();
      const pushed = await client.read();
      if (pushed.type === "error") {
        if (typeof words !== "string") throw new Error(`${JSON.stringify(line)}: ${pushed.text}`);
        expect(pushed.text).toBe(`ERR Protocol error: ${words}`);
        await client.closed;
        client = await RespClient.connect(redis.port);
        continue;
      }
      const list = await client.read();
      if (list.type !== "array") throw new Error("LRANGE gives an array");
      const got = list.items.map((item) => ("text" in item ? item.text : "?"));
      expect([line, got]).toEqual([line, [".", ...words]]);
    }
    client.close();
  }, 30_000);
});
