import { describe, expect, test } from "bun:test";
import type { NativeReply } from "../../src/client/native-reply-parser.ts";
import { NativeReplyParser, NativeReplySyntaxError } from "../../src/client/native-reply-parser.ts";

function parse(pieces: readonly Uint8Array[]): NativeReply[] {
  const parser = new NativeReplyParser();
  const replies: NativeReply[] = [];
  for (const piece of pieces) {
    parser.feed(piece);
    for (let reply = parser.next(); reply !== null; reply = parser.next()) replies.push(reply);
  }
  return replies;
}

/** A reply's bytes, written out here as the format describes them. */
function frame(ok: boolean, body: Buffer): Buffer {
  const header = Buffer.from([0, ok ? 0 : 1, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

const REPLIES: readonly NativeReply[] = [
  { ok: true, body: Buffer.from("PONG") },
  { ok: true, body: Buffer.alloc(0) },
  { ok: false, body: Buffer.from("Key not found") },
  { ok: true, body: Buffer.from([0, 0, 255, 13, 10, 0]) },
  { ok: true, body: Buffer.alloc(300, "x") },
];

describe("the native reply parser", () => {
  test("gives the same replies however the bytes are cut", () => {
    const bytes = Buffer.concat(REPLIES.map(({ ok, body }) => frame(ok, body)));
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual([...REPLIES]);
    }
    expect(parse(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual([...REPLIES]);
  });

  test("reads a reply of several megabytes that arrives in small pieces", () => {
    const body = Buffer.alloc(5_000_000, "abcdefg");
    const bytes = frame(true, body);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 4096) pieces.push(bytes.subarray(at, at + 4096));
    const replies = parse(pieces);
    expect(replies).toHaveLength(1);
    expect(replies[0]!.body.equals(body)).toBe(true);
  });

  test("gives bodies that the next chunk does not change", () => {
    const chunk = frame(true, Buffer.from("value"));
    const parser = new NativeReplyParser();
    parser.feed(chunk);
    const reply = parser.next();
    chunk.fill(0);
    expect(reply?.body.toString()).toBe("value");
  });

  test("refuses what is no reply at its first wrong byte", () => {
    for (const wrong of ["-ERR max number of clients reached\r\n", "\x01", "\x00\x02"]) {
      expect(() => parse([Buffer.from(wrong, "latin1")])).toThrow(NativeReplySyntaxError);
    }
    expect(() => parse([Buffer.from("-DENIED\r\n")])).toThrow("-DENIED");
  });
});
