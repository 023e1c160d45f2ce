import { describe, expect, test } from "bun:test";
import { BufferPool } from "../../src/protocol/buffer-pool.ts";
import { NativeParser, nativeError, nativeOk } from "../../src/protocol/native.ts";
import { Reply } from "../../src/protocol/reply.ts";
import { MORE } from "../../src/protocol/resp-request.ts";
import { feed } from "./feed.ts";

function frame(command: number, ...strings: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0, command >>> 8, command & 0xff])];
  for (const string of strings) {
    const bytes = typeof string === "string" ? Buffer.from(string, "latin1") : string;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

describe("the native parser", () => {
  test("gives the same strings wherever the input is cut, and byte by byte", () => {
    const bytes = Buffer.concat([
      frame(3, ""),
      frame(1, "key", "value"),
      frame(0, ALL_BYTES),
      frame(2, "k".repeat(300)),
      frame(1, "", ""),
      frame(3, "hello"),
    ]);
    const whole = feed(new NativeParser(), [bytes]);
    expect(whole).toEqual({
      frames: [
        ["3", ""],
        ["1", "key", "value"],
        ["0", ALL_BYTES.toString("latin1")],
        ["2", "k".repeat(300)],
        ["1", "", ""],
        ["3", "hello"],
      ],
      error: null,
      left: 0,
    });
    for (let cut = 1; cut < bytes.length; cut++) {
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(feed(new NativeParser(), parts)).toEqual(whole);
    }
    const drip = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    expect(feed(new NativeParser(), drip)).toEqual(whole);
  });

  for (const [name, bytes, error] of [
    ["another header than 0", Buffer.from([1, 0, 3, 0, 0, 0, 0]), "Invalid header"],
    ["RESP in the middle", Buffer.concat([frame(3, ""), Buffer.from("*1\r\n")]), "Invalid header"],
    ["command 4", frame(4, ""), "Unknown command"],
    ["command 256", frame(256, ""), "Unknown command"],
    ["command 65535", frame(65535, ""), "Unknown command"],
    ["a length of 512 MiB and one", Buffer.from([0, 0, 0, 0x20, 0, 0, 1]), "String too long"],
    ["a length of 2^32 - 1", Buffer.from([0, 0, 0, 255, 255, 255, 255]), "String too long"],
    [
      "a second string of 2^31",
      Buffer.from([0, 0, 1, 0, 0, 0, 0, 128, 0, 0, 0]),
      "String too long",
    ],
  ] as const) {
    test(`refuses ${name}, wherever it is cut`, () => {
      expect(feed(new NativeParser(), [bytes]).error).toBe(error);
      for (let cut = 1; cut < bytes.length; cut++) {
        const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(feed(new NativeParser(), parts).error).toBe(error);
      }
    });
  }

  test("waits for more where more may come, and allocates nothing for what is announced", () => {
    const bytes = Buffer.from([0, 0, 1, 0x20, 0, 0, 0]);
    for (let end = 0; end <= bytes.length; end++) {
      expect(new NativeParser().next(bytes, end)).toBe(MORE);
    }
    const parser = new NativeParser();
    parser.next(bytes, bytes.length);
    expect(parser.wanted).toBe(512 * 1024 * 1024);
  });

  test("keeps a connection that has not authenticated to short strings", () => {
    const parser = new NativeParser();
    parser.restricted = true;
    expect(feed(parser, [frame(3, "x".repeat(16384))]).error).toBeNull();
    expect(feed(parser, [Buffer.from([0, 0, 3, 0, 0, 0x40, 1])]).error).toBe("String too long");
  });
});

describe("native replies", () => {
  test("are a zero byte, a status and a string with its length", () => {
    const reply = new Reply(new BufferPool());
    nativeOk(reply, ALL_BYTES, 10, 13);
    nativeOk(reply, ALL_BYTES, 0, 0);
    nativeError(reply, "no");
    expect([...reply.buffer.subarray(0, reply.pos)]).toEqual([
      ...[0, 0, 0, 0, 0, 3, 10, 11, 12],
      ...[0, 0, 0, 0, 0, 0],
      ...[0, 1, 0, 0, 0, 2, 0x6e, 0x6f],
    ]);
    expect(reply.errors).toBe(1);
  });

  test("may be larger than the buffer they begin in", () => {
    const reply = new Reply(new BufferPool());
    const value = Buffer.alloc(1_000_000, "x");
    nativeOk(reply, value, 0, value.length);
    expect(reply.buffer.readUInt32BE(2)).toBe(1_000_000);
    expect(reply.buffer.subarray(6, reply.pos).equals(value)).toBe(true);
  });
});
