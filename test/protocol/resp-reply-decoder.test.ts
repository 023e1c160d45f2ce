import { describe, expect, test } from "bun:test";
import type { ReplyValue } from "../../src/protocol/resp-reply-decoder.ts";
import {
  PushMessage,
  ReplyError,
  ReplySyntaxError,
  RespReplyDecoder,
} from "../../src/protocol/resp-reply-decoder.ts";

/** Decodes everything, in the given pieces. */
function decode(pieces: readonly (string | Uint8Array)[], wantsBytes = false): ReplyValue[] {
  const decoder = new RespReplyDecoder(wantsBytes);
  const values: ReplyValue[] = [];
  for (const piece of pieces) {
    decoder.feed(Buffer.from(piece as string));
    for (let value = decoder.next(); value !== undefined; value = decoder.next())
      values.push(value);
  }
  return values;
}

const REPLIES: readonly (readonly [string, ReplyValue])[] = [
  ["+OK\r\n", "OK"],
  ["+\r\n", ""],
  ["-ERR no\r\n", new ReplyError("ERR no")],
  [":42\r\n", 42],
  [":-9007199254740993\r\n", -9007199254740993n],
  ["$0\r\n\r\n", ""],
  ["$4\r\na\r\nb\r\n", "a\r\nb"],
  ["$2\r\né\r\n", "é"],
  ["$-1\r\n", null],
  ["*-1\r\n", null],
  ["_\r\n", null],
  ["#t\r\n", true],
  ["#f\r\n", false],
  [",1.5e+300\r\n", 1.5e300],
  [",-inf\r\n", -Infinity],
  [",inf\r\n", Infinity],
  [",nan\r\n", NaN],
  ["(123456789012345678901234\r\n", 123456789012345678901234n],
  ["=8\r\ntxt:text\r\n", "text"],
  ["!5\r\nERR x\r\n", new ReplyError("ERR x")],
  ["*0\r\n", []],
  ["*3\r\n:1\r\n*2\r\n$1\r\na\r\n_\r\n-ERR x\r\n", [1, ["a", null], new ReplyError("ERR x")]],
  ["~2\r\n+a\r\n+b\r\n", new Set(["a", "b"])],
  ["%0\r\n", new Map()],
  ["%2\r\n+a\r\n%1\r\n+b\r\n:1\r\n+c\r\n*1\r\n:2\r\n", mapOf(["a", mapOf(["b", 1])], ["c", [2]])],
  [">2\r\n+message\r\n+x\r\n", new PushMessage(["message", "x"])],
  ["|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n", "v"],
  ["*2\r\n|1\r\n+ttl\r\n:9\r\n:1\r\n:2\r\n", [1, 2]],
  ["|0\r\n:7\r\n", 7],
];

function mapOf(...pairs: [ReplyValue, ReplyValue][]): Map<ReplyValue, ReplyValue> {
  return new Map(pairs);
}

describe("the reply decoder", () => {
  test("decodes every type of RESP2 and RESP3", () => {
    for (const [text, value] of REPLIES) expect(decode([text])).toEqual([value]);
  });

  test("gives the same values however the bytes are cut", () => {
    const text = Buffer.from(REPLIES.map(([reply]) => reply).join(""));
    const values = REPLIES.map(([, value]) => value);
    for (let cut = 0; cut <= text.length; cut++) {
      expect(decode([text.subarray(0, cut), text.subarray(cut)])).toEqual(values);
    }
    expect(decode(Array.from(text, (byte) => Uint8Array.of(byte)))).toEqual(values);
  });

  test("gives bulk strings as bytes if asked to", () => {
    const [value] = decode([Buffer.from([0x24, 0x32, 13, 10, 0xff, 0x00, 13, 10])], true);
    expect(value).toEqual(Buffer.from([0xff, 0x00]));
    expect(decode(["+OK\r\n"], true)).toEqual(["OK"]);
  });

  test("keeps nothing of the bytes that it was fed", () => {
    const decoder = new RespReplyDecoder(true);
    const chunk = Buffer.from("$3\r\nabc\r\n");
    decoder.feed(chunk);
    const value = decoder.next() as Buffer;
    chunk.fill(0);
    expect(value.toString()).toBe("abc");
  });

  test("names the code of an error", () => {
    const [error] = decode(["-WRONGTYPE Operation against\r\n"]);
    expect((error as ReplyError).code).toBe("WRONGTYPE");
    expect((error as ReplyError).message).toBe("WRONGTYPE Operation against");
  });

  test("takes a large string in small pieces in linear time", () => {
    const size = 4_000_000;
    const decoder = new RespReplyDecoder(true);
    decoder.feed(Buffer.from(`$${size}\r\n`));
    const piece = Buffer.alloc(1000, "x");
    for (let sent = 0; sent < size; sent += piece.length) {
      expect(decoder.next()).toBeUndefined();
      decoder.feed(piece);
    }
    decoder.feed(Buffer.from("\r\n"));
    expect((decoder.next() as Buffer).length).toBe(size);
  });

  test("refuses what is not RESP", () => {
    const wrong = [
      "hello\r\n",
      "\r\n",
      "\n",
      "+a\n",
      ":\r\n",
      ":1x\r\n",
      ":0x10\r\n",
      "(1.5\r\n",
      ",\r\n",
      ",abc\r\n",
      "#x\r\n",
      "_x\r\n",
      "$-2\r\n",
      "$x\r\n",
      "$1\r\nabc\r\n",
      "*1e3\r\n",
      "%-5\r\n",
      "*1\r\n".repeat(200),
    ];
    for (const text of wrong) expect(() => decode([text])).toThrow(ReplySyntaxError);
    expect(() => decode([`+${"x".repeat(2_000_000)}`])).toThrow(ReplySyntaxError);
  });
});
