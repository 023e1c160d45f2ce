import { describe, expect, test } from "bun:test";
import { REPLY_BUFFER_LARGE_SIZE, REPLY_BUFFER_SIZE } from "../../src/base/limits.ts";
import { BufferPool } from "../../src/protocol/buffer-pool.ts";
import { Reply } from "../../src/protocol/reply.ts";

function written(version: number, write: (reply: Reply) => void): string {
  const reply = new Reply(new BufferPool());
  reply.version = version;
  write(reply);
  return reply.buffer.toString("latin1", 0, reply.pos);
}

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

const CASES: readonly (readonly [
  name: string,
  write: (reply: Reply) => void,
  resp2: string,
  resp3?: string,
])[] = [
  ["ok", (r) => r.ok(), "+OK\r\n"],
  ["pong", (r) => r.pong(), "+PONG\r\n"],
  ["a simple string", (r) => r.simple("Background saving"), "+Background saving\r\n"],
  ["an error", (r) => r.error("ERR no"), "-ERR no\r\n"],
  ["0", (r) => r.integer(0), ":0\r\n"],
  ["-1", (r) => r.integer(-1), ":-1\r\n"],
  ["2^31", (r) => r.integer(2 ** 31), ":2147483648\r\n"],
  ["2^53 - 1", (r) => r.integer(2 ** 53 - 1), ":9007199254740991\r\n"],
  ["-2^53 + 1", (r) => r.integer(-(2 ** 53) + 1), ":-9007199254740991\r\n"],
  ["the smallest 64-bit integer", (r) => r.int64(0, -0x80000000), ":-9223372036854775808\r\n"],
  ["the largest 64-bit integer", (r) => r.int64(-1, 0x7fffffff), ":9223372036854775807\r\n"],
  ["-1 in two words", (r) => r.int64(-1, -1), ":-1\r\n"],
  ["a BigInt", (r) => r.bigInteger(18446744073709551615n), ":18446744073709551615\r\n"],
  ["true", (r) => r.boolean(true), ":1\r\n", "#t\r\n"],
  ["false", (r) => r.boolean(false), ":0\r\n", "#f\r\n"],
  ["3.25", (r) => r.double(3.25), "$4\r\n3.25\r\n", ",3.25\r\n"],
  ["0.1", (r) => r.double(0.1), "$3\r\n0.1\r\n", ",0.1\r\n"],
  ["infinity", (r) => r.double(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n"],
  ["no number", (r) => r.double(NaN), "$3\r\nnan\r\n", ",nan\r\n"],
  ["null", (r) => r.null(), "$-1\r\n", "_\r\n"],
  ["no array", (r) => r.nullArray(), "*-1\r\n", "_\r\n"],
  ["a bulk string", (r) => r.bulk(ALL_BYTES, 9, 14), "$5\r\n\t\n\v\f\r\r\n"],
  ["an empty bulk string", (r) => r.bulk(ALL_BYTES, 7, 7), "$0\r\n\r\n"],
  ["text", (r) => r.text("caf\xe9"), "$4\r\ncaf\xe9\r\n"],
  ["empty text", (r) => r.text(""), "$0\r\n\r\n"],
  ["text in UTF-8", (r) => r.utf8("café"), "$5\r\ncaf\xc3\xa9\r\n"],
  ["the digits of an integer", (r) => r.bulkInteger(-17), "$3\r\n-17\r\n"],
  ["verbatim text", (r) => r.verbatim("hi", "txt"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"],
  ["an array", (r) => r.array(3), "*3\r\n"],
  ["an empty array", (r) => r.array(0), "*0\r\n"],
  ["a map", (r) => r.map(3), "*6\r\n", "%3\r\n"],
  ["a set", (r) => r.set(3), "*3\r\n", "~3\r\n"],
  ["a push", (r) => r.push(3), "*3\r\n", ">3\r\n"],
  ["attributes", (r) => r.attribute(1), "|1\r\n"],
  ["a reply made elsewhere", (r) => r.raw(ALL_BYTES, 65, 70), "ABCDE"],
];

describe("the reply writer", () => {
  for (const [name, write, resp2, resp3 = resp2] of CASES) {
    test(`writes ${name} in RESP2 and RESP3`, () => {
      expect(written(2, write)).toBe(resp2);
      expect(written(3, write)).toBe(resp3);
      // At every distance from the end of the buffer, where it has to grow.
      for (let room = 0; room <= resp3.length + 24; room++) {
        const filler = Buffer.alloc(REPLY_BUFFER_SIZE - room, "f");
        const bytes = written(3, (reply) => {
          reply.raw(filler, 0, filler.length);
          write(reply);
        });
        expect(bytes.length).toBe(filler.length + resp3.length);
        expect(bytes.slice(filler.length)).toBe(resp3);
        expect(bytes.slice(0, filler.length)).toBe(filler.toString("latin1"));
      }
    });
  }

  test("lets no error and no simple string end its line early", () => {
    for (const bad of ["\r", "\n", "\r\n+OK\r\n", "\0"]) {
      const line = (write: (reply: Reply) => void): string => written(2, write);
      const blank = bad.replaceAll(/[\r\n\0]/g, " ");
      expect(line((reply) => reply.error(`ERR a${bad}b`))).toBe(`-ERR a${blank}b\r\n`);
      expect(line((reply) => reply.simple(`a${bad}b`))).toBe(`+a${blank}b\r\n`);
    }
    expect(written(2, (reply) => reply.error("ERR \xff"))).toBe("-ERR \xff\r\n");
  });

  test("counts errors", () => {
    const reply = new Reply(new BufferPool());
    reply.error("ERR 1");
    reply.ok();
    reply.error("ERR 2");
    expect(reply.errors).toBe(2);
  });

  test("writes a length that is known later, with nothing, little and much behind it", () => {
    for (const items of [0, 1, 9, 10, 99, 100, 5000]) {
      const bytes = written(2, (reply) => {
        reply.ok();
        const place = reply.reserveLength();
        for (let i = 0; i < items; i++) reply.text(`item ${i}`);
        reply.patchLength(place, 0x2a, items);
        reply.ok();
      });
      const body = Array.from({ length: items }, (_, i) => {
        const item = `item ${i}`;
        return `$${item.length}\r\n${item}\r\n`;
      });
      expect(bytes).toBe(`+OK\r\n*${items}\r\n${body.join("")}+OK\r\n`);
    }
  });

  test("writes lengths that are known later inside each other", () => {
    const bytes = written(3, (reply) => {
      const outer = reply.reserveLength();
      for (let i = 0; i < 3; i++) {
        const inner = reply.reserveLength();
        for (let j = 0; j < i; j++) reply.integer(j);
        reply.patchLength(inner, 0x2a, i);
      }
      reply.patchLength(outer, 0x7e, 3);
    });
    expect(bytes).toBe("~3\r\n*0\r\n*1\r\n:0\r\n*2\r\n:0\r\n:1\r\n");
  });

  test("takes values far larger than its buffer", () => {
    const value = Buffer.alloc(5_000_000, "v");
    const bytes = written(2, (reply) => {
      reply.ok();
      reply.bulk(value, 0, value.length);
      reply.bulk(value, 10, 11);
    });
    expect(bytes.length).toBe(5 + 10 + value.length + 2 + 7);
    expect(bytes.endsWith("v\r\n$1\r\nv\r\n")).toBe(true);
  });

  test("holds no buffer while it is empty, and takes one that others gave back", () => {
    const pool = new BufferPool();
    const first = new Reply(pool);
    const second = new Reply(pool);
    expect(first.buffer.length).toBe(0);
    first.ok();
    const { buffer } = first;
    first.clear();
    expect([first.buffer.length, first.pos]).toEqual([0, 0]);
    second.pong();
    expect(second.buffer).toBe(buffer);
    expect(second.buffer.toString("latin1", 0, second.pos)).toBe("+PONG\r\n");
  });

  test("what was detached is not written to any more", () => {
    const reply = new Reply(new BufferPool());
    reply.ok();
    const bytes = reply.detach();
    reply.pong();
    reply.clear();
    reply.error("ERR x");
    expect(bytes.toString()).toBe("+OK\r\n");
  });
});

describe("the buffer pool", () => {
  test("lends the same large buffer to one batch after the other, and to none that waits with little in it", () => {
    const pool = new BufferPool();
    const reply = new Reply(pool);
    const bytes = Buffer.alloc(REPLY_BUFFER_SIZE, "x");
    reply.bulk(bytes, 0, bytes.length);
    const { buffer } = reply;
    expect(buffer.length).toBe(REPLY_BUFFER_LARGE_SIZE);
    const first = reply.detach();
    expect(first.buffer.byteLength).toBeLessThan(2 * REPLY_BUFFER_SIZE);
    reply.bulk(bytes, 0, bytes.length);
    expect(reply.buffer).toBe(buffer);
    expect(reply.detach()).toEqual(first);
  });

  test("keeps buffers of its own size only, and not too many", () => {
    const pool = new BufferPool();
    pool.give(Buffer.alloc(0));
    pool.give(Buffer.alloc(REPLY_BUFFER_SIZE * 2));
    expect(pool.take().length).toBe(REPLY_BUFFER_SIZE);
    const buffers = Array.from({ length: 1000 }, () => Buffer.alloc(REPLY_BUFFER_SIZE));
    for (const buffer of buffers) pool.give(buffer);
    const kept = new Set<Buffer>(buffers);
    let again = 0;
    for (let i = 0; i < 1000; i++) if (kept.has(pool.take())) again++;
    expect(again).toBeLessThan(100);
  });
});
