import { expect, test } from "bun:test";
import { executeFound } from "../../src/commands/execute.ts";
import { Batch } from "../../src/net/batch.ts";
import { RespParser } from "../../src/protocol/resp-request.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";

const KEYS = ["k", "l", "a longer key", ""] as const;

/** Commands that make, read, move and delete entries; K and L are keys. */
const COMMANDS: readonly string[] = [
  ...["SET K v", "SET K 17", "APPEND K abcdefgh", "SETRANGE K 40 x", "GET K", "GETDEL K", "INCR K"],
  ...["SET K v EX 100", "SET K v KEEPTTL", "EXPIRE K 100", "PEXPIRE K -1", "PERSIST K", "TTL K"],
  ...["LPUSH K a b", "RPUSH K a", "LPOP K", "RPOP K", "LRANGE K 0 -1", "LMOVE K L LEFT RIGHT"],
  ...["SADD K a", "SREM K a", "SMEMBERS K", "SINTERSTORE K L K", "ZADD K 1 a", "ZPOPMIN K"],
  ...[
    "HSET K f v",
    "HDEL K f",
    "HPEXPIRE K 100000 FIELDS 1 f",
    "HGETALL K",
    "PFADD K a",
    "PFCOUNT K",
  ],
  ...["DEL K", "UNLINK K", "RENAME K L", "COPY K L REPLACE", "MOVE K 1", "EXISTS K L", "TYPE K"],
  ...["SELECT 0", "SELECT 1", "SWAPDB 0 1", "FLUSHDB", "FLUSHALL", "PING", "SORT K STORE L"],
  ...["MULTI", "EXEC", "EVAL", "RESTORE K 0 x", "OBJECT ENCODING K"],
];

const SCRIPT = ["EVAL", "return redis.call('DEL', KEYS[1])", "1", "K"];

function frame(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

/** An engine whose clock stands still. */
function stopped(): TestEngine {
  const server = new TestEngine();
  server.engine.clock.freeze(1e12);
  server.engine.beginTurn();
  return server;
}

/** Runs a pipeline as a connection does, `size` frames at a time, and returns the replies' bytes. */
function replies(
  server: TestEngine,
  text: string,
  size: number,
  between: () => void = () => {},
): string {
  const { session } = server;
  const { reply } = session;
  const batch = new Batch(server.engine);
  const parser = new RespParser();
  const bytes = Buffer.from(text, "latin1");
  let shown = "";
  while (parser.pos < bytes.length) {
    batch.scan(parser, bytes, bytes.length, size);
    if (batch.count > 1) batch.prefetch(session.db, false);
    for (let i = 0; i < batch.count; i++) {
      executeFound(session, batch.commands[i]!, batch.take(i));
      shown += reply.buffer.toString("latin1", 0, reply.pos);
      reply.clear();
      between();
    }
    batch.clear();
  }
  return shown;
}

test("a pipeline on few keys has the replies that its commands have one by one, whatever becomes of the entries", () => {
  const random = seeded("pipelines on few keys");
  const together = stopped();
  const apart = stopped();
  const { store, defragmentation } = together.engine.keyspace;
  store.arena.movesAll = true;
  // All blocks are moved between two commands, as commands do that pay for it.
  const move = (): void => {
    defragmentation.walk.begin();
    while (defragmentation.walk.step(100));
  };
  for (let round = 0; round < 100 * rounds; round++) {
    const key = pick(random, KEYS);
    let text = "";
    const lines: string[] = [];
    for (let i = random.below(100); i >= 0; i--) {
      // Runs of one key, now and then another.
      const at = random.below(8) === 0 ? pick(random, KEYS) : key;
      const line = pick(random, COMMANDS);
      const args = (line === "EVAL" ? SCRIPT : line.split(" ")).map((word) =>
        word === "K" ? at : word === "L" ? pick(random, KEYS) : word,
      );
      lines.push(args.join(" "));
      text += frame(args);
    }
    const expected = replies(apart, text, 1);
    const between = random.below(8) === 0 ? move : undefined;
    if (replies(together, text, 64, between) !== expected) throw new Error(lines.join("\n"));
  }
});

test("keys of inline commands, which lie at the same places of different buffers, are not taken for one", () => {
  const server = stopped();
  const lines = "SET a 1\r\nSET b 2\r\nGET a\r\nGET c\r\nGET b\r\n";
  const expected = "+OK\r\n+OK\r\n$1\r\n1\r\n$-1\r\n$1\r\n2\r\n";
  expect(replies(server, lines, 64)).toBe(expected);
  const framed = frame(["GET", "b"]).repeat(2);
  expect(replies(server, framed + lines, 64)).toBe("$1\r\n2\r\n".repeat(2) + expected);
});

test("of a run of commands on one key only the first hashes and looks", () => {
  const server = stopped();
  const { lookahead, dict } = server.engine.keyspace.store;
  replies(server, frame(["RPUSH", "k", "a"]), 64);
  let looks = 0;
  const first = dict.first.bind(dict);
  dict.first = (...args) => {
    looks++;
    return first(...args);
  };
  const push = frame(["RPUSH", "k", "a"]);
  replies(server, push.repeat(10), 64);
  expect(looks).toBe(1);
  replies(server, push + frame(["DEL", "k"]) + push.repeat(3), 64);
  // It is looked for when the entry has gone, and when there is another.
  expect(looks).toBe(4);
  expect(lookahead.foundIn).toBe(null);
});
