import { describe, expect, test } from "bun:test";
import { Batch } from "../../src/net/batch.ts";
import { executeFound } from "../../src/commands/execute.ts";
import { RespParser } from "../../src/protocol/resp-request.ts";
import { TestEngine } from "../support/test-engine.ts";

const MEMBERS = 600;

function integer(value: number): { type: "integer"; value: bigint } {
  return { type: "integer", value: BigInt(value) };
}

/** An engine with a big and a small collection of each type that has members. */
function filled(): TestEngine {
  const engine = new TestEngine();
  for (const [key, count] of [
    ["big", MEMBERS],
    ["small", 3],
  ] as const) {
    for (let i = 0; i < count; i++) {
      engine.run("SADD", `${key}:set`, `member ${i}`);
      engine.run("HSET", `${key}:hash`, `field ${i}`, "value");
      engine.run("ZADD", `${key}:zset`, String(i), `member ${i}`);
    }
  }
  return engine;
}

/** The members that are fetched for a pipeline of commands, each fetch as the list of their numbers among `members`. */
function fetched(
  engine: TestEngine,
  commands: readonly (readonly string[])[],
  members: readonly string[],
): number[][] {
  const { store } = engine.engine.keyspace;
  const { kit } = store;
  const numbers = new Map<number, number>();
  for (const [number, member] of members.entries()) {
    const bytes = Buffer.from(member);
    numbers.set(kit.hash(bytes, 0, bytes.length), number);
  }
  const fetches: number[][] = [];
  const prefetch = kit.dict.prefetch.bind(kit.dict);
  kit.dict.prefetch = (dict, hashes, count) => {
    fetches.push([...hashes.subarray(0, count)].map((hash) => numbers.get(hash) ?? -1));
    prefetch(dict, hashes, count);
  };
  const batch = new Batch(engine.engine);
  const text = commands
    .map(
      (args) => `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`,
    )
    .join("");
  const bytes = Buffer.from(text);
  batch.scan(new RespParser(), bytes, bytes.length, Infinity);
  batch.prefetch(engine.session.db, false);
  expect(batch.count).toBe(commands.length);
  return fetches;
}

describe("members of a pipeline", () => {
  const members = ["member 1", "member 2", "field 3", "new"];

  test("are fetched together as long as the key is the same, whichever argument they are", () => {
    const commands = [
      ["SADD", "big:set", "member 1"],
      ["SISMEMBER", "big:set", "new"],
      ["ZADD", "big:zset", "5", "member 2"],
      ["ZRANK", "big:zset", "member 1"],
      ["ZINCRBY", "big:zset", "1", "new"],
      ["HSET", "big:hash", "field 3", "new"],
      ["HGET", "big:hash", "new"],
    ];
    expect(fetched(filled(), commands, members)).toEqual([
      [0, 3],
      [1, 0, 3],
      [2, 3],
    ]);
  });

  test("are left alone in packed collections, in strings, under missing keys, and where there is one of a key", () => {
    const engine = filled();
    engine.run("SET", "string", "value");
    const commands = ["small:set", "small:zset", "small:hash", "string", "missing"].flatMap(
      (key) => [
        ["SADD", key, "member 1"],
        ["SADD", key, "member 2"],
      ],
    );
    commands.push(["SADD", "big:set", "member 1"], ["PING"], ["HGET", "big:hash", "field 3"]);
    expect(fetched(engine, commands, members)).toEqual([]);
  });

  test("are not hashed ahead if they are long, and of many in one command the first is", () => {
    const commands = [
      ["SADD", "big:set", "x".repeat(65)],
      ["SADD", "big:set", "member 1", "member 2", "new"],
      ["SCARD", "big:set"],
      ["SADD", "big:set", "member 2"],
    ];
    expect(fetched(filled(), commands, members)).toEqual([[0, 1]]);
  });

  test("have the hash of their own bytes, whichever frames and failures lie between them", () => {
    const engine = filled();
    engine.run("SET", "string", "value");
    const { session } = engine;
    const batch = new Batch(engine.engine);
    const parser = new RespParser();
    // Words of inline commands stand at the same offsets of buffers of their own.
    const inline = (member: string): string => `SADD big:set ${member}\r\n`;
    const frame = (...args: string[]): string =>
      `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
    const pipelines = [
      inline("aaaaa") + inline("bbbbb") + inline("ccccc"),
      frame("SADD", "big:set", "ddddd") + inline("eeeee") + frame("SADD", "big:set", "fffff"),
      frame("SADD", "string", "wrong") + frame("SADD", "big:set", "ggggg", "hhhhh", "iiiii"),
      frame("SADD", "big:set") + frame("SADD", "big:set", "jjjjj") + frame("PING"),
      frame("SREM", "big:set", "aaaaa") + frame("SADD", "big:set", "aaaaa", "kkkkk"),
    ];
    // One buffer serves all of them, as a connection's read buffer does.
    const bytes = Buffer.alloc(1024);
    for (const text of pipelines) {
      const end = bytes.write(text, "latin1");
      parser.pos = 0;
      batch.scan(parser, bytes, end, Infinity);
      batch.prefetch(session.db, false);
      for (let i = 0; i < batch.count; i++)
        executeFound(session, batch.commands[i]!, batch.take(i));
      batch.clear();
      session.reply.clear();
    }
    for (const letter of "abcdefghijk") {
      expect(engine.run("SISMEMBER", "big:set", letter.repeat(5))).toEqual(integer(1));
    }
    expect(engine.run("SISMEMBER", "big:set", "wrong")).toEqual(integer(0));
    expect(engine.run("SCARD", "big:set")).toEqual(integer(MEMBERS + 11));
  });
});
