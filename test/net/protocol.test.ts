import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Random } from "../../src/base/random.ts";
import type { Instance } from "../../src/instance.ts";
import { RespParser } from "../../src/protocol/resp-request.ts";
import { respInput } from "../fuzz/targets/frames.ts";
import { feed } from "../protocol/feed.ts";
import { startInProcess } from "../support/in-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { readValue } from "../support/resp-value.ts";
import { rounds, seed, seeded } from "../support/seed.ts";
import { exchange } from "./raw-exchange.ts";

let hutch: Instance;
beforeAll(() => {
  hutch = startInProcess();
});
afterAll(() => hutch.stop());

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

/** Waits until the server has received everything that the newest connection sent. */
async function settle(sentBytes: number): Promise<void> {
  for (;;) {
    const newest = [...hutch.engine.sessions.values()].at(-1);
    if (newest === undefined || (newest.peer?.received ?? 0) >= sentBytes) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function command(...args: (string | Buffer)[]): Buffer {
  return Buffer.from(encodeCommand(args));
}

function native(number: number, ...strings: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0, 0, number])];
  for (const string of strings) {
    const bytes = Buffer.from(string as string, "latin1");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

function nativeReply(status: number, text: string | Buffer): Buffer {
  const bytes = Buffer.from(text as string, "latin1");
  const head = Buffer.alloc(6);
  head[1] = status;
  head.writeUInt32BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}

/** A pipeline of about 2 KB with frames of every kind. */
const PIPELINE = Buffer.concat([
  Buffer.from("PING\r\n"),
  command("SET", "key", "value"),
  command("GET", "key"),
  command("SET", "", ""),
  command("GET", ""),
  Buffer.from('*0\r\n\r\nECHO "a \\x41 \\n" \r\n*-1\r\n'),
  command("SET", "binary", ALL_BYTES),
  command("GET", "binary"),
  command("NOSUCHCOMMAND", "a", "b"),
  command("GET"),
  command("HELLO", "3"),
  command("GET", "missing"),
  Buffer.from("echo inline\r\n"),
  command("SET", "long", "x".repeat(900)),
  command("GET", "long"),
  command("SET", "number", "12345678901234567890"),
  command("MULTI"),
  command("ECHO", "\r\n$5\r\n*1\r\n"),
  command("SET", "binary", ALL_BYTES),
  command("BLPOP", "missing", "0"),
  Buffer.from("echo queued\r\n"),
  command("EXEC"),
  Buffer.from("multi\r\n"),
  command("SET", "key", "never"),
  command("DISCARD"),
  command("RPUSH", "list", "element"),
  command("BLPOP", "list", "0"),
  command("DEL", "key", "", "binary", "long", "number"),
  command("PING", "the end"),
]);

/** The answers, without what differs from one connection to another: its id. */
function normal(bytes: Buffer): string {
  return bytes.toString("latin1").replace(/\$2\r\nid\r\n:\d+/, "$2\r\nid\r\n:0");
}

describe("a pipeline", () => {
  test("gets the same bytes wherever a packet of it ends (S1)", async () => {
    const whole = normal(await exchange(hutch.port, [PIPELINE]));
    expect(whole.endsWith("$7\r\nthe end\r\n")).toBe(true);
    for (let cut = 1; cut < PIPELINE.length; cut++) {
      const pieces = [PIPELINE.subarray(0, cut), PIPELINE.subarray(cut)];
      expect([cut, normal(await exchange(hutch.port, pieces, { settle }))]).toEqual([cut, whole]);
    }
  }, 60_000);

  test(
    "gets the same bytes when it comes in three packets, and in packets of one byte (S1)",
    async () => {
      const random = seeded("pipeline cuts");
      const whole = normal(await exchange(hutch.port, [PIPELINE]));
      for (let i = 0; i < 200 * rounds; i++) {
        const [first = 0, second = 0] = [
          random.below(PIPELINE.length),
          random.below(PIPELINE.length),
        ].sort((a, b) => a - b);
        const pieces = [
          PIPELINE.subarray(0, first),
          PIPELINE.subarray(first, second),
          PIPELINE.subarray(second),
        ];
        expect(normal(await exchange(hutch.port, pieces, { settle }))).toBe(whole);
      }
      const drip = Array.from(PIPELINE, (_, index) => PIPELINE.subarray(index, index + 1));
      expect(normal(await exchange(hutch.port, drip, { settle }))).toBe(whole);
    },
    60_000 * rounds,
  );

  test("may be far larger than any buffer", async () => {
    const count = 100_000;
    const parts: Buffer[] = [];
    for (let i = 0; i < count; i++) parts.push(command("ECHO", `message ${i}`));
    const answer = (await exchange(hutch.port, [Buffer.concat(parts)])).toString("latin1");
    const expected: string[] = [];
    for (let i = 0; i < count; i++) expected.push(`$${`message ${i}`.length}\r\nmessage ${i}\r\n`);
    expect(answer === expected.join("")).toBe(true);
  }, 30_000);

  test("is answered to the end for a client that has said that it will send no more", async () => {
    const value = Buffer.alloc(300_000, "0123456789");
    const reads = Array.from({ length: 100 }, () => command("GET", "large"));
    const answer = await exchange(hutch.port, [
      command("SET", "large", value),
      ...reads,
      command("DEL", "large"),
    ]);
    expect(answer.length).toBe(5 + 100 * (9 + value.length + 2) + 4);
    expect(answer.subarray(-6).toString()).toBe("\r\n:1\r\n");
  }, 30_000);
});

/** Input, and what is answered before the connection is closed; null where it stays open. */
const LENGTHS: readonly (readonly [input: string, answer: string, closes: boolean])[] = [
  ["*-1\r\n*1\r\n$4\r\nPING\r\n", "+PONG\r\n", false],
  ["*-10\r\n*1\r\n$4\r\nPING\r\n", "+PONG\r\n", false],
  ["*0\r\n*1\r\n$4\r\nPING\r\n", "+PONG\r\n", false],
  ["\r\nPING\r\n", "+PONG\r\n", false],
  ["\r\n*1\r\n$4\r\nPING\r\n", "+PONG\r\n", false],
  ["*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n", true],
  ["*blabla\r\n", "-ERR Protocol error: invalid multibulk length\r\n", true],
  ["*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n", true],
  ["*1\r\n$-2\r\n", "-ERR Protocol error: invalid bulk length\r\n", true],
  ["*1\r\n$9223372036854775808\r\n", "-ERR Protocol error: invalid bulk length\r\n", true],
  ["*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n", true],
  [
    "*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n",
    "-ERR Protocol error: expected '$', got 'f'\r\n",
    true,
  ],
  ["*3\r\nfooz\r\n", "-ERR Protocol error: expected '$', got 'f'\r\n", true],
  ["*1\r\n\r\r\n", "-ERR Protocol error: expected '$', got ' '\r\n", true],
  ['SET a "b\r\n', "-ERR Protocol error: unbalanced quotes in request\r\n", true],
  ["PING\r\n*1\r\n$-1\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n", true],
  ["POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET crossed 1\r\n", "", true],
  ["Host: localhost\r\nSET crossed 1\r\n", "", true],
  ["PING\r\npost /\r\nPING\r\n", "", true],
];

function describeLengths(name: string, port: () => number): void {
  describe(name, () => {
    for (const [input, answer, closes] of LENGTHS) {
      test(`answers ${JSON.stringify(input)} as it should and goes on with the next client (S3)`, async () => {
        // Where it closes by itself it is not told that the client ends.
        const got = await exchange(port(), [input], { end: !closes });
        expect(got.toString("latin1")).toBe(answer);
        const client = await RespClient.connect(port());
        expect(await client.text("PING")).toBe("+PONG");
        expect(await client.text("GET", "crossed")).toBe("null bulk");
        client.close();
      });
    }
  });
}

describeLengths("Hutch", () => hutch.port);

describe.skipIf(redisMissing !== null)("as a reference", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  describeLengths("redis-server", () => redis.port);
});

describe("values", () => {
  test("of 100 MB go in and come out byte for byte, on both protocols", async () => {
    const value = Buffer.alloc(100_000_000);
    const random = new Random(1);
    for (let i = 0; i < value.length; i += 4096) value.writeInt32LE(random.int32(), i);
    const answer = await exchange(hutch.port, [
      command("SET", "huge", value),
      command("GET", "huge"),
    ]);
    const head = `+OK\r\n$${value.length}\r\n`;
    expect(answer.subarray(0, head.length).toString()).toBe(head);
    expect(answer.subarray(head.length, -2).equals(value)).toBe(true);
    const cleared = await exchange(hutch.port, [native(2, "huge")]);
    expect(cleared.readUInt32BE(2)).toBe(value.length);
    expect(cleared.subarray(6).equals(value)).toBe(true);
    const set = await exchange(hutch.port, [
      native(1, "huge", value),
      native(0, "huge"),
      native(2, "huge"),
    ]);
    expect(set.length).toBe(6 + 4 + 2 * (6 + value.length));
    expect(set.subarray(16, 16 + value.length).equals(value)).toBe(true);
    expect(hutch.engine.keyspace.size).toBe(0);
  }, 60_000);

  test("and keys may hold any bytes, and be named as anything", async () => {
    const names = [
      ...Array.from(ALL_BYTES, (byte) => Buffer.from([byte])),
      ALL_BYTES,
      Buffer.from("\r\n$-1\r\n", "latin1"),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.alloc(1000, 0xff),
      ...["", "__proto__", "constructor", "toString", "hasOwnProperty", "__defineGetter__"].map(
        (name) => Buffer.from(name),
      ),
    ];
    const client = await RespClient.connect(hutch.port);
    for (const [index, name] of names.entries()) {
      await client.call("SET", name, Buffer.concat([name, Buffer.from(`:${index}`), name]));
    }
    expect(await client.text("DBSIZE")).toBe(`:${names.length}`);
    for (const [index, name] of names.entries()) {
      const expected = Buffer.concat([name, Buffer.from(`:${index}`), name]);
      expect(await client.call("GET", name)).toEqual({
        type: "bulk",
        text: expected.toString("latin1"),
      });
      expect((await exchange(hutch.port, [native(2, name)])).equals(nativeReply(0, expected))).toBe(
        true,
      );
    }
    expect(await client.text("DBSIZE")).toBe(":0");
    client.close();
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  }, 30_000);
});

describe("the native protocol", () => {
  test("works on the port of RESP, on the same data", async () => {
    const client = await RespClient.connect(hutch.port);
    const answer = await exchange(hutch.port, [
      ...[
        native(3, ""),
        native(3, "hello"),
        native(0, "both"),
        native(1, "both", "1"),
        native(0, "both"),
      ],
    ]);
    const expected = [
      [0, "PONG"],
      [0, "hello"],
      [1, "Key not found"],
      [0, "both"],
      [0, "1"],
    ] as const;
    expect(
      answer.equals(Buffer.concat(expected.map(([status, text]) => nativeReply(status, text)))),
    ).toBe(true);
    expect(await client.text("INCR", "both")).toBe(":2");
    const cleared = await exchange(hutch.port, [native(2, "both"), native(2, "both")]);
    expect(cleared.equals(Buffer.concat([nativeReply(0, "2"), nativeReply(0, "")]))).toBe(true);
    expect(await client.text("GET", "both")).toBe("null bulk");
    client.close();
  });

  test("gets the same bytes wherever a packet ends", async () => {
    const bytes = Buffer.concat([
      native(1, "", ""),
      native(0, ""),
      native(1, "key", ALL_BYTES),
      native(0, "key"),
      native(2, "key"),
      native(2, ""),
      native(3, "x".repeat(50)),
    ]);
    const whole = await exchange(hutch.port, [bytes]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      const answer = await exchange(hutch.port, pieces, { settle });
      expect([cut, answer.equals(whole)]).toEqual([cut, true]);
    }
    const drip = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    expect((await exchange(hutch.port, drip, { settle })).equals(whole)).toBe(true);
  }, 30_000);

  for (const [name, bytes, error] of [
    ["an unknown command", native(4, ""), "Protocol error: Unknown command"],
    ["another header than 0", Buffer.from([1]), "Protocol error: Invalid header"],
    [
      "a string above the limit",
      Buffer.from([0, 0, 3, 0xff, 0xff, 0xff, 0xff]),
      "Protocol error: String too long",
    ],
  ] as const) {
    test(`answers an error to ${name}, and closes`, async () => {
      const answer = await exchange(hutch.port, [native(3, "first"), bytes, native(3, "last")], {
        end: false,
      });
      const expected = Buffer.concat([nativeReply(0, "first"), nativeReply(1, error)]);
      expect(answer.toString("latin1")).toBe(expected.toString("latin1"));
    });
  }

  test("answers in its own form where a password is missing", async () => {
    const locked = startInProcess({ requirepass: "secret" });
    try {
      const answer = await exchange(locked.port, [native(0, "key"), native(3, "x")]);
      const error = nativeReply(1, "NOAUTH Authentication required.");
      expect(answer.toString("latin1")).toBe(Buffer.concat([error, error]).toString("latin1"));
    } finally {
      await locked.stop();
    }
  });
});

test("once it has authenticated, a client may send as much as any other", async () => {
  const locked = startInProcess({ requirepass: "secret" });
  try {
    const many = ["DEL", ...Array.from({ length: 20 }, (_, index) => `key ${index}`)];
    const long = Buffer.alloc(20_000, "x");
    const pieces = [
      command("AUTH", "secret"),
      command(...many),
      command("SET", "long", long),
      command("STRLEN", "long"),
    ];
    expect((await exchange(locked.port, pieces)).toString()).toBe("+OK\r\n:0\r\n+OK\r\n:20000\r\n");
    expect((await exchange(locked.port, [Buffer.concat(pieces)])).toString()).toBe(
      "+OK\r\n:0\r\n+OK\r\n:20000\r\n",
    );
  } finally {
    await locked.stop();
  }
});

test(
  "every whole frame of mutated input gets one reply, and a refusal one more (S18)",
  async () => {
    const random = new Random(seed);
    console.log(`mutated frames: HUTCH_SEED=${seed}`);
    for (let round = 0; round < 60 * rounds; round++) {
      const inputs = Array.from({ length: 20 }, () => respInput(random)).filter(
        (input) => input !== "" && input[0] !== "\0" && !/POST|Host:/i.test(input),
      );
      await Promise.all(
        inputs.map(async (input) => {
          const expected = feed(new RespParser(), [Buffer.from(input, "latin1")]);
          const answer = await exchange(hutch.port, [input]);
          const cursor = { bytes: answer, end: answer.length, pos: 0 };
          let replies = 0;
          while (cursor.pos < cursor.end && readValue(cursor) !== undefined) replies++;
          const wanted = expected.frames.length + (expected.error === null ? 0 : 1);
          expect([input, replies]).toEqual([input, wanted]);
        }),
      );
    }
    const client = await RespClient.connect(hutch.port);
    expect(await client.text("ECHO", "token")).toBe('"token"');
    client.close();
  },
  60_000 * rounds,
);
