import { describe, expect, test } from "bun:test";
import { ARGUMENTS_MAX, BULK_SIZE_MAX, LINE_SIZE_MAX } from "../../src/base/limits.ts";
import { BROKEN, FRAME, MORE, RespParser } from "../../src/protocol/resp-request.ts";
import { rounds, seeded } from "../support/seed.ts";
import { feed } from "./feed.ts";
import { cpuMs } from "../support/cpu-time.ts";

function command(...args: (string | Buffer)[]): Buffer {
  const parts = args.map((arg) => {
    const bytes = typeof arg === "string" ? Buffer.from(arg, "latin1") : arg;
    return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
  });
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...parts]);
}

function text(value: string): Buffer {
  return Buffer.from(value, "latin1");
}

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

/** Pipelines of every kind of frame. */
const PIPELINES: readonly (readonly [name: string, bytes: Buffer, frames: readonly string[][]])[] =
  [
    ["one command", command("PING"), [["PING"]]],
    [
      "two commands",
      Buffer.concat([command("SET", "k", "v"), command("GET", "k")]),
      [
        ["SET", "k", "v"],
        ["GET", "k"],
      ],
    ],
    ["empty arguments", command("SET", "", ""), [["SET", "", ""]]],
    [
      "binary arguments",
      command("SET", "\r\n$3\r\n", ALL_BYTES),
      [["SET", "\r\n$3\r\n", ALL_BYTES.toString("latin1")]],
    ],
    [
      "lengths of one to four digits",
      command(
        "MSET",
        "a",
        "b".repeat(9),
        "c".repeat(10),
        "d".repeat(99),
        "e".repeat(100),
        "f".repeat(1000),
      ),
      [
        [
          "MSET",
          "a",
          "b".repeat(9),
          "c".repeat(10),
          "d".repeat(99),
          "e".repeat(100),
          "f".repeat(1000),
        ],
      ],
    ],
    [
      "more arguments than there is room for at first",
      command(...Array.from({ length: 120 }, (_, i) => `${i}`)),
      [Array.from({ length: 120 }, (_, i) => `${i}`)],
    ],
    [
      "empty frames",
      Buffer.concat([text("*0\r\n*-1\r\n*-10\r\n"), command("PING"), text("*0\r\n")]),
      [["PING"]],
    ],
    [
      "a count below -2^53",
      Buffer.concat([text("*-9223372036854775808\r\n"), command("PING")]),
      [["PING"]],
    ],
    ["empty lines", Buffer.concat([text("\r\n\n\r\n   \r\n"), command("PING")]), [["PING"]]],
    [
      "inline commands",
      text('PING\r\nGET  key \nSET a "b c"\r\n'),
      [["PING"], ["GET", "key"], ["SET", "a", "b c"]],
    ],
    [
      "inline and multibulk by turns",
      Buffer.concat([
        text("PING\r\n"),
        command("GET", "x"),
        text("ECHO 'y'\r\n"),
        command("GET", "z"),
      ]),
      [["PING"], ["GET", "x"], ["ECHO", "y"], ["GET", "z"]],
    ],
    [
      "an inline command after a frame with long headers",
      Buffer.concat([
        command("ECHO", "0123456789"),
        text("PING\r\nPING\r\n"),
        text("*-1\r\nPING\r\n"),
      ]),
      [["ECHO", "0123456789"], ["PING"], ["PING"], ["PING"]],
    ],
    [
      "RESP3 and transactions",
      Buffer.concat([
        command("HELLO", "3"),
        command("MULTI"),
        command("BLPOP", "k", "0"),
        command("EXEC"),
      ]),
      [["HELLO", "3"], ["MULTI"], ["BLPOP", "k", "0"], ["EXEC"]],
    ],
  ];

describe("the request parser", () => {
  for (const [name, bytes, frames] of PIPELINES) {
    test(`gives the same arguments wherever the input is cut: ${name}`, () => {
      const whole = feed(new RespParser(), [bytes]);
      expect(whole).toEqual({ frames: frames.map((frame) => [...frame]), error: null, left: 0 });
      for (let cut = 1; cut < bytes.length; cut++) {
        const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(feed(new RespParser(), parts)).toEqual(whole);
      }
      const drip = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
      expect(feed(new RespParser(), drip)).toEqual(whole);
    });
  }

  test("gives the same arguments for two cuts anywhere in a pipeline of all kinds", () => {
    const random = seeded("resp cuts");
    const bytes = Buffer.concat(PIPELINES.map(([, part]) => part));
    const whole = feed(new RespParser(), [bytes]);
    expect(whole.error).toBeNull();
    const cuts = Array.from({ length: 60 * rounds }, () => random.below(bytes.length));
    for (const first of cuts) {
      for (const second of cuts) {
        if (second <= first) continue;
        const parts = [
          bytes.subarray(0, first),
          bytes.subarray(first, second),
          bytes.subarray(second),
        ];
        expect(Bun.deepEquals(feed(new RespParser(), parts), whole)).toBe(true);
      }
    }
  });

  test("does not join two inline commands after a header that came in two pieces", () => {
    const bytes = Buffer.concat([command("ECHO", "0123456789"), text("PING\r\nPING\r\n")]);
    const cut = bytes.indexOf("$10") + 2;
    const end = bytes.indexOf("PING");
    const parts = [bytes.subarray(0, cut), bytes.subarray(cut, end), bytes.subarray(end)];
    expect(feed(new RespParser(), parts).frames).toEqual([
      ["ECHO", "0123456789"],
      ["PING"],
      ["PING"],
    ]);
  });

  const BROKEN_INPUTS: readonly (readonly [input: string, error: string])[] = [
    ["*2147483648\r\n", "invalid multibulk length"],
    [`*${ARGUMENTS_MAX + 1}\r\n`, "invalid multibulk length"],
    ["*9223372036854775808\r\n", "invalid multibulk length"],
    ["*99999999999999999999999\r\n", "invalid multibulk length"],
    ["*\r\n", "invalid multibulk length"],
    ["*x\r\n", "invalid multibulk length"],
    ["*+1\r\n", "invalid multibulk length"],
    ["* 1\r\n", "invalid multibulk length"],
    ["*01\r\n", "invalid multibulk length"],
    ["*-0\r\n", "invalid multibulk length"],
    ["*1x\r\n", "invalid multibulk length"],
    ["*1.0\r\n", "invalid multibulk length"],
    ["*\0\r\n", "invalid multibulk length"],
    ["*1\n$4\nPING\n", "invalid multibulk length"],
    ["*3\r\nfooz", "expected '$', got 'f'"],
    ["*1\r\n*1\r\n", "expected '$', got '*'"],
    ["*1\r\n:1\r\n", "expected '$', got ':'"],
    ["*2\r\n$4\r\nPING\r\n\r\n", "expected '$', got '\r'"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$-2\r\n", "invalid bulk length"],
    ["*1\r\n$9223372036854775808\r\n", "invalid bulk length"],
    [`*1\r\n$${BULK_SIZE_MAX + 1}\r\n`, "invalid bulk length"],
    ["*1\r\n$\r\n", "invalid bulk length"],
    ["*1\r\n$4x\r\nPING\r\n", "invalid bulk length"],
    ["*1\r\n$04\r\nPING\r\n", "invalid bulk length"],
    ["*1\r\n$+4\r\nPING\r\n", "invalid bulk length"],
    ["*1\r\n$ 4\r\nPING\r\n", "invalid bulk length"],
    ["*1\r\n$00000\r\n\r\n", "invalid bulk length"],
    ["*1\rx", "expected LF after CR"],
    ["*1\r\n$4\rxPING\r\n", "expected LF after CR"],
    ["*1\r\n$4\r\nPINGx\n", "expected CRLF after an argument"],
    ["*1\r\n$4\r\nPING\rx", "expected CRLF after an argument"],
    ["*1\r\n$3\r\nPING\r\n", "expected CRLF after an argument"],
    ["*1\r\n$5\r\nPING\r\n\r\n", "expected CRLF after an argument"],
    ["*1\r\n$0\r\nPING\r\n", "expected CRLF after an argument"],
    ['GET "a\r\n', "unbalanced quotes in request"],
    ["GET 'a\r\n", "unbalanced quotes in request"],
    ['GET "a"b\r\n', "unbalanced quotes in request"],
    ["GET a\0b\r\n", "zero byte in inline request"],
    ["x".repeat(LINE_SIZE_MAX + 1), "too big inline request"],
    [`${"x".repeat(LINE_SIZE_MAX + 1)}\r\n`, "too big inline request"],
  ];

  for (const [input, error] of BROKEN_INPUTS) {
    const shown =
      input.length > 40 ? `${input.length} bytes without an end` : JSON.stringify(input);
    test(`refuses ${shown} with "${JSON.stringify(error).slice(1, -1)}", wherever it is cut`, () => {
      const bytes = text(input);
      const whole = feed(new RespParser(), [bytes]);
      expect([whole.frames.length, whole.error]).toEqual([0, error]);
      // A valid command in front changes nothing, and is answered.
      const after = Buffer.concat([command("PING"), bytes]);
      expect(feed(new RespParser(), [after])).toEqual({ ...whole, frames: [["PING"]] });
      const step = bytes.length > 100 ? 9999 : 1;
      for (let cut = 1; cut < bytes.length; cut += step) {
        const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(feed(new RespParser(), parts).error).toBe(error);
      }
    });
  }

  test("refuses at the first byte that can't be right, without waiting for more", () => {
    for (const input of [
      "*x",
      "*-x",
      "*00",
      "*-0",
      "*1x",
      "*1\rx",
      "*1\r\nP",
      "*1\r\n$x",
      "*1\r\n$1\r\naX",
      "*1\r\n$1\r\na\rX",
      `*${"1".repeat(20)}`,
    ]) {
      expect(feed(new RespParser(), [text(input)]).error).not.toBeNull();
      const shorter = feed(new RespParser(), [text(input.slice(0, -1))]);
      expect([input, shorter.error]).toEqual([input, null]);
    }
  });

  test("waits for more where more may come", () => {
    for (const input of [
      "",
      "*",
      "*-",
      "*1",
      "*1\r",
      "*1\r\n",
      "*1\r\n$",
      "*1\r\n$4",
      "*1\r\n$4\r\nPING",
      "*1\r\n$4\r\nPING\r",
      "PING",
      "PING\r",
      '"',
    ]) {
      expect(feed(new RespParser(), [text(input)])).toMatchObject({ frames: [], error: null });
    }
  });

  test("takes the longest argument, line and count that the limits allow", () => {
    const parser = new RespParser();
    parser.bulkSizeMax = 1000;
    expect(feed(parser, [command("GET", "x".repeat(1000))]).frames.length).toBe(1);
    expect(feed(parser, [text("*1\r\n$1001\r\n")]).error).toBe("invalid bulk length");
    const line = `ECHO ${"x".repeat(LINE_SIZE_MAX - 6)}`;
    expect(feed(new RespParser(), [text(`${line}\r\n`)]).frames[0]![1]!.length).toBe(
      LINE_SIZE_MAX - 6,
    );
    const many = Buffer.concat([
      text(`*${ARGUMENTS_MAX}\r\n`),
      Buffer.alloc(ARGUMENTS_MAX * 6, "$0\r\n\r\n"),
    ]);
    const large = new RespParser();
    expect(large.next(many, many.length)).toBe(FRAME);
    expect(large.args.count).toBe(ARGUMENTS_MAX);
    expect([large.args.start(0), large.args.end(ARGUMENTS_MAX - 1)]).toEqual([
      text(`*${ARGUMENTS_MAX}\r\n$0\r\n`).length,
      many.length - 2,
    ]);
    // The room for a million arguments is let go with the next frame.
    large.pos = 0;
    const ping = command("PING");
    expect(large.next(ping, ping.length)).toBe(FRAME);
    expect(large.args.places.length).toBeLessThan(2000);
  });

  test("keeps a connection that has not authenticated to few and short arguments", () => {
    const restricted = (bytes: Buffer): string | null => {
      const parser = new RespParser();
      parser.restricted = true;
      return feed(parser, [bytes]).error;
    };
    expect(restricted(command(...Array.from({ length: 10 }, () => "x")))).toBeNull();
    expect(restricted(text("*11\r\n"))).toBe("unauthenticated multibulk length");
    expect(restricted(command("AUTH", "x".repeat(16384)))).toBeNull();
    expect(restricted(text("*1\r\n$16385\r\n"))).toBe("unauthenticated bulk length");
    expect(restricted(text("*1\r\n$536870913\r\n"))).toBe("invalid bulk length");
    expect(restricted(text("*1000000000\r\n"))).toMatch(/invalid multibulk|unauthenticated/);
  });

  test("allocates nothing for what is only announced (S3)", () => {
    const parser = new RespParser();
    const bytes = text(`*${ARGUMENTS_MAX}\r\n$${BULK_SIZE_MAX}\r\nxy`);
    expect(parser.next(bytes, bytes.length)).toBe(MORE);
    expect(parser.args.places.length).toBeLessThan(100);
    expect(parser.wanted).toBe(BULK_SIZE_MAX + 2);
  });

  test("does not look again at what it has scanned: a value that drips in costs as much as one that comes at once", () => {
    const size = 4_000_000;
    const bytes = command("SET", "key", Buffer.alloc(size, "\r\n"));
    const parser = new RespParser();
    const start = cpuMs();
    for (let end = 1; end < bytes.length; end++) {
      if (parser.next(bytes, end) !== MORE)
        throw new Error("a frame that is not complete was handed out");
    }
    expect(parser.next(bytes, bytes.length)).toBe(FRAME);
    expect(parser.args.length(2)).toBe(size);
    // Quadratic work would be 8 * 10^12 bytes looked at.
    expect(cpuMs() - start).toBeLessThan(5000);
  });

  test("does not search the rest of a large buffer for the end of a line that has not come yet", () => {
    const buffer = Buffer.alloc(64 * 1024 * 1024, "x");
    for (const prefix of ["*12", "*1\r\n$12", "PING with some words"]) {
      buffer.write(prefix, 0, "latin1");
      const parser = new RespParser();
      const start = cpuMs();
      for (let i = 0; i < 1000; i++) expect(parser.next(buffer, prefix.length)).toBe(MORE);
      expect(cpuMs() - start).toBeLessThan(1000);
    }
  });

  test("finds a long line that drips in without searching it again and again", () => {
    const line = text(`ECHO ${"x".repeat(60_000)}\r\n`);
    const parser = new RespParser();
    for (let end = 1; end < line.length; end++) expect(parser.next(line, end)).toBe(MORE);
    expect(parser.next(line, line.length)).toBe(FRAME);
    expect(parser.args.length(1)).toBe(60_000);
  });

  test("says nothing but BROKEN once it is broken, if it is asked again", () => {
    const parser = new RespParser();
    const bytes = text("*1\r\nx");
    expect(parser.next(bytes, bytes.length)).toBe(BROKEN);
    expect(parser.next(bytes, bytes.length)).toBe(BROKEN);
  });
});
