import { describe, expect, test } from "bun:test";
import { encodeCommand, RespClient } from "./resp-client.ts";
import { quote, readValue, show } from "./resp-value.ts";

function read(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  const cursor = { bytes, end: bytes.length, pos: 0 };
  const value = readValue(cursor);
  if (value === undefined) return "incomplete";
  expect(cursor.pos).toBe(bytes.length);
  return show(value);
}

const FRAMES: readonly (readonly [string, string])[] = [
  ["+OK\r\n", "+OK"],
  ["-ERR no\r\n", "-ERR no"],
  [":-9223372036854775808\r\n", ":-9223372036854775808"],
  ["$3\r\na\r\n\r\n", '"a\\x0d\\x0a"'],
  ["$0\r\n\r\n", '""'],
  ["$-1\r\n", "null bulk"],
  ["*-1\r\n", "null array"],
  ["_\r\n", "null"],
  ["#t\r\n", "#t"],
  [",1.5\r\n", ",1.5"],
  ["(123456789012345678901\r\n", "(123456789012345678901"],
  ["=5\r\ntxt:x\r\n", '=txt:"x"'],
  ["!5\r\nERR x\r\n", '!"ERR x"'],
  ["*2\r\n*0\r\n~1\r\n:1\r\n", "[[], ~{:1}]"],
  ["%1\r\n+a\r\n%0\r\n", "%{+a: %{}}"],
  [">2\r\n+a\r\n+b\r\n", ">[+a, +b]"],
  ["|1\r\n+a\r\n+b\r\n:1\r\n", "|{+a: +b}:1"],
];

describe("the test client", () => {
  test("reads every type of RESP2 and RESP3", () => {
    for (const [frame, shown] of FRAMES) expect(read(frame)).toBe(shown);
  });

  test("takes no part of a frame for a whole one", () => {
    for (const [frame] of FRAMES) {
      for (let end = 1; end < frame.length; end++) {
        expect(read(frame.slice(0, end))).toBe("incomplete");
      }
    }
  });

  test("refuses what is not RESP", () => {
    const wrong = [
      "x\r\n",
      ":1x\r\n",
      "$1\r\nab\r\n",
      "#x\r\n",
      "+a\n",
      "$-2\r\n",
      "*01\r\n",
      "\r\n",
    ];
    for (const text of wrong) expect(() => read(text)).toThrow();
  });

  test("shows bytes that are not printable", () => {
    expect(quote('\x00a"\\\xff')).toBe('"\\x00a\\"\\\\\\xff"');
  });

  test("takes frames in pieces and fails reads after the end", async () => {
    const pieces = ["$5\r\nhe", "llo\r\n", "*2\r\n:1\r", "\n:2\r\n"];
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        async data(socket) {
          for (const piece of pieces) {
            socket.write(piece);
            socket.flush();
            await new Promise((resolve) => setImmediate(resolve));
          }
          socket.end();
        },
      },
    });
    try {
      const client = await RespClient.connect(server.port);
      client.write(encodeCommand(["GET", Buffer.from([0xff]), 12]));
      expect((await client.readMany(2)).map(show)).toEqual(['"hello"', "[:1, :2]"]);
      await expect(client.read()).rejects.toThrow("closed");
      await client.closed;
    } finally {
      server.stop(true);
    }
  });
});
