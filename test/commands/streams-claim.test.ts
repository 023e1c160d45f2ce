/** XREADGROUP CLAIM, from Redis's documentation: redis-server 7.0 does not have it. Time is stopped, and moved by the tests. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";

let server: Instance;
let client: RespClient;
let other: RespClient;
let third: RespClient;

beforeAll(async () => {
  server = startInProcess();
  client = await RespClient.connect(server.port);
  other = await RespClient.connect(server.port);
  third = await RespClient.connect(server.port);
  server.engine.clock.freeze();
});

afterAll(async () => {
  client.close();
  other.close();
  third.close();
  await server.stop();
});

beforeEach(async () => {
  await client.call("FLUSHALL");
});

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

async function one(line: string): Promise<string> {
  return (await run(line))[0]!;
}

/** Lets time pass, and the server notice it. */
function pass(ms: number): void {
  server.engine.clock.advance(ms);
  server.engine.beginTurn();
  server.engine.beat();
}

/** Makes a stream with the entries 1-0 to N-0, all of them given to the consumer c of the group g. */
async function fill(count: number, key = "s"): Promise<void> {
  for (let i = 1; i <= count; i++) await run(`XADD ${key} ${i}-0 f v${i}`);
  await run(`XGROUP CREATE ${key} g 0`, `XREADGROUP GROUP g c STREAMS ${key} >`);
}

/** An entry of the reply. */
function entry(id: number, idleMs: number, deliveries: number): string {
  return `["${id}-0", ["f", "v${id}"], :${idleMs}, :${deliveries}]`;
}

/** A reply with the entries of the stream "s". */
function reply(...entries: readonly string[]): string {
  return `[["s", [${entries.join(", ")}]]]`;
}

/** Sends a command that has to wait. */
async function wait(line: string, waiter = other): Promise<void> {
  const { engine } = server;
  const blocked = () => [...engine.sessions.values()].filter((session) => session.blocked).length;
  const before = blocked();
  waiter.write(encodeCommand(line.split(" ")));
  await until("the command to wait", () => blocked() === before + 1);
}

async function answer(waiter = other): Promise<string> {
  return show(await waiter.read());
}

test("what has been pending for long enough changes hands, with its idle time and earlier deliveries", async () => {
  await fill(2);
  pass(100);
  expect(await one("XREADGROUP GROUP g d CLAIM 101 STREAMS s >")).toBe("null array");
  expect(await one("XREADGROUP GROUP g d CLAIM 100 STREAMS s >")).toBe(
    reply(entry(1, 100, 1), entry(2, 100, 1)),
  );
  expect(await one("XPENDING s g - + 9")).toBe('[["1-0", "d", :0, :2], ["2-0", "d", :0, :2]]');
  pass(7);
  expect(await one("XREADGROUP GROUP g d CLAIM 0 COUNT 1 STREAMS s >")).toBe(reply(entry(1, 7, 2)));
});

test("entries that are new to the group come behind, with zeros", async () => {
  await fill(2);
  await run("XADD s 3-0 f v3", "XADD s 4-0 f v4");
  pass(50);
  expect(await one("XREADGROUP GROUP g d COUNT 3 CLAIM 50 STREAMS s >")).toBe(
    reply(entry(1, 50, 1), entry(2, 50, 1), entry(3, 0, 0)),
  );
  expect(await one("XREADGROUP GROUP g d CLAIM 50 STREAMS s >")).toBe(reply(entry(4, 0, 0)));
  expect(await one("XREADGROUP GROUP g d CLAIM 50 STREAMS s >")).toBe("null array");
  expect(await one("XPENDING s g")).toBe('[:4, "1-0", "4-0", [["d", "4"]]]');
});

test("in RESP3 the numbers are integers in the same places", async () => {
  await fill(1);
  await client.call("HELLO", 3);
  pass(5);
  expect(await one("XREADGROUP GROUP g d CLAIM 5 STREAMS s >")).toBe(
    '%{"s": [["1-0", ["f", "v1"], :5, :1]]}',
  );
  await client.call("HELLO", 2);
});

test("the oldest delivery comes first, of one millisecond the least id", async () => {
  await fill(6);
  const nowMs = server.engine.clock.nowMs;
  await run(
    ...[
      `XCLAIM s g c 0 1-0 TIME ${nowMs - 2000} JUSTID`,
      `XCLAIM s g c 0 2-0 TIME ${nowMs - 50000} JUSTID`,
      `XCLAIM s g c 0 3-0 IDLE 50000 JUSTID`,
      `XCLAIM s g c 0 6-0 4-0 IDLE 30000 JUSTID`,
      `XCLAIM s g c 0 5-0 IDLE 60000`,
    ],
  );
  const ids = [...(await one("XREADGROUP GROUP g d CLAIM 1 STREAMS s >")).matchAll(/"(\d)-0"/g)];
  expect(ids.map((match) => match[1]).join("")).toBe("523461");
});

test("NOACK holds for what is new only", async () => {
  await fill(1);
  await run("XADD s 2-0 f v2");
  pass(10);
  expect(await one("XREADGROUP GROUP g d NOACK CLAIM 10 STREAMS s >")).toBe(
    reply(entry(1, 10, 1), entry(2, 0, 0)),
  );
  expect(await one("XPENDING s g - + 9")).toBe('[["1-0", "d", :0, :2]]');
});

test("CLAIM is ignored where the history of a consumer is read", async () => {
  await fill(2);
  pass(10);
  expect(await one("XREADGROUP GROUP g c CLAIM 5 STREAMS s 0")).toBe(
    '[["s", [["1-0", ["f", "v1"]], ["2-0", ["f", "v2"]]]]]',
  );
  expect(await one("XREADGROUP GROUP g d CLAIM 5 STREAMS s 0")).toBe('[["s", []]]');
});

test("COUNT and CLAIM hold for each stream", async () => {
  await fill(2);
  await fill(2, "t");
  await run("XADD t 3-0 f v3");
  pass(10);
  expect(await one("XREADGROUP GROUP g d COUNT 3 CLAIM 10 STREAMS t s > >")).toBe(
    `[["t", [${entry(1, 10, 1)}, ${entry(2, 10, 1)}, ${entry(3, 0, 0)}]], ` +
      `["s", [${entry(1, 10, 1)}, ${entry(2, 10, 1)}]]]`,
  );
});

test("entries that were deleted are not given, and are pending no longer", async () => {
  await fill(3);
  await run("XDEL s 1-0 2-0");
  pass(10);
  expect(await one("XREADGROUP GROUP g d COUNT 1 CLAIM 10 STREAMS s >")).toBe(
    reply(entry(3, 10, 1)),
  );
  expect(await one("XPENDING s g")).toBe('[:1, "3-0", "3-0", [["d", "1"]]]');
  await run("XTRIM s MAXLEN 0");
  pass(10);
  expect(await one("XREADGROUP GROUP g d CLAIM 10 STREAMS s >")).toBe("null array");
  expect(await one("XPENDING s g")).toBe("[:0, null bulk, null bulk, null array]");
});

test("entries that are delivered anew, claimed with force or acknowledged count by what they are now", async () => {
  await fill(3);
  pass(100);
  await run("XREADGROUP GROUP g d CLAIM 100 STREAMS s >", "XGROUP SETID s g 0");
  pass(100);
  expect(await one("XREADGROUP GROUP g d CLAIM 100 STREAMS s >")).toBe(
    reply(
      ...[entry(1, 100, 2), entry(2, 100, 2), entry(3, 100, 2)],
      ...[entry(1, 0, 0), entry(2, 0, 0), entry(3, 0, 0)],
    ),
  );
  await run("XACK s g 2-0", "XCLAIM s g e 0 2-0 FORCE JUSTID", "XACK s g 3-0");
  pass(50);
  expect(await one("XREADGROUP GROUP g d CLAIM 50 STREAMS s >")).toBe(
    reply(entry(1, 50, 1), entry(2, 50, 1)),
  );
  await run("XGROUP DELCONSUMER s g d");
  pass(50);
  expect(await one("XREADGROUP GROUP g d CLAIM 0 STREAMS s >")).toBe("null array");
});

const REFUSED: readonly (readonly [string, string])[] = [
  ...["test", "5.5", "10e", "+10", "-0", "(-10)*2", "9223372036854775808", "STREAMS"].map(
    (number): [string, string] => [
      `XREADGROUP GROUP g c CLAIM ${number} STREAMS s >`,
      "ERR min-idle-time is not an integer or out of range",
    ],
  ),
  ["XREADGROUP GROUP g c CLAIM -1 STREAMS s >", "ERR min-idle-time must be a positive integer"],
  ["XREADGROUP GROUP g CLAIM 50 c STREAMS s >", "ERR syntax error"],
  ["XREADGROUP GROUP none c CLAIM 50 STREAMS s >", "NOGROUP"],
  [
    "XREAD COUNT 2 CLAIM 10 STREAMS s 0-0",
    "ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.",
  ],
];

for (const [line, message] of REFUSED) {
  test(`${line} is refused`, async () => {
    await fill(1);
    expect(await one(line)).toStartWith(`-${message}`);
  });
}

test("the last CLAIM counts, wherever it stands", async () => {
  await fill(1);
  pass(100);
  expect(await one("XREADGROUP CLAIM 10 GROUP g d CLAIM 200 STREAMS s >")).toBe("null array");
  expect(
    await one("XREADGROUP CLAIM 9223372036854775807 COUNT 1 GROUP g d CLAIM 10 STREAMS s >"),
  ).toBe(reply(entry(1, 100, 1)));
  expect(await one("XREADGROUP GROUP g d CLAIM 9223372036854775807 STREAMS s >")).toBe(
    "null array",
  );
});

describe("a client that waits", () => {
  const BLOCKED = "XREADGROUP GROUP g d BLOCK 0 CLAIM 1000 STREAMS s >";

  test("is served when something has been pending for long enough", async () => {
    await fill(2);
    await wait(BLOCKED);
    pass(999);
    expect(await one("PING")).toBe("+PONG");
    expect(server.engine.blocking.keys).toBe(1);
    pass(1);
    expect(await answer()).toBe(reply(entry(1, 1000, 1), entry(2, 1000, 1)));
    expect(server.engine.blocking.keys).toBe(0);
  });

  test("is served without waiting for a beat", async () => {
    const real = startInProcess({ hz: "1" });
    const reader = await RespClient.connect(real.port);
    await reader.call("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
    await reader.call("XADD", "s", "1-0", "f", "v1");
    await reader.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
    const line = "XREADGROUP GROUP g d BLOCK 0 CLAIM 20 STREAMS s >";
    expect(await reader.text(...line.split(" "))).toMatch(
      /^\[\["s", \[\["1-0", \["f", "v1"\], :\d+, :1\]\]\]\]$/,
    );
    reader.close();
    await real.stop();
  });

  test("is served by a new entry before that", async () => {
    await fill(1);
    await wait(BLOCKED);
    pass(500);
    await run("XADD s 2-0 f v2");
    expect(await answer()).toBe(reply(entry(2, 0, 0)));
  });

  test("waits on when what it waited for is acknowledged, or taken over by somebody else", async () => {
    await fill(2);
    await wait(BLOCKED);
    pass(500);
    await run("XACK s g 1-0", "XCLAIM s g e 0 2-0");
    pass(500);
    expect(server.engine.blocking.keys).toBe(1);
    pass(500);
    expect(await answer()).toBe(reply(entry(2, 1000, 2)));
  });

  test("is served by what others are given while it waits", async () => {
    await run("XGROUP CREATE s g 0 MKSTREAM");
    await wait("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", third);
    await wait(BLOCKED);
    pass(400);
    await run("XADD s 1-0 f v1");
    expect(await answer(third)).toBe('[["s", [["1-0", ["f", "v1"]]]]]');
    pass(999);
    expect(server.engine.blocking.keys).toBe(1);
    pass(1);
    expect(await answer()).toBe(reply(entry(1, 1000, 1)));
  });

  test("is served at once when an entry is made old enough, or pending by force", async () => {
    await run("XGROUP CREATE s g 9-0 MKSTREAM", "XADD s 1-0 f v1");
    await wait(BLOCKED);
    await run("XCLAIM s g c 0 1-0 FORCE IDLE 400");
    pass(300);
    expect(server.engine.blocking.keys).toBe(1);
    await run("XCLAIM s g c 0 1-0 IDLE 5000 JUSTID");
    expect(await answer()).toBe(reply(entry(1, 5000, 2)));
  });

  test("of two, the one with the shorter idle time is served first, and the other by what it got", async () => {
    await fill(1);
    await wait(BLOCKED);
    await wait("XREADGROUP GROUP g e BLOCK 0 CLAIM 300 STREAMS s >", third);
    pass(300);
    expect(await answer(third)).toBe(reply(entry(1, 300, 1)));
    pass(999);
    expect(server.engine.blocking.keys).toBe(1);
    pass(1);
    expect(await answer()).toBe(reply(entry(1, 1000, 2)));
  });

  test("gets nothing when its time is over, and is not in the way of others then", async () => {
    await fill(1);
    await wait("XREADGROUP GROUP g d BLOCK 600 CLAIM 1000 STREAMS s >");
    expect(server.engine.blocking.timed).toBe(1);
    pass(600);
    expect(await answer()).toBe("null array");
    expect([server.engine.blocking.keys, server.engine.blocking.timed]).toEqual([0, 0]);
    await wait(BLOCKED);
    expect(server.engine.blocking.timed).toBe(0);
    await run("XGROUP DESTROY s g");
    expect(await answer()).toStartWith("-NOGROUP ");
  });

  test("is not served by entries that were deleted", async () => {
    await fill(2);
    await run("XDEL s 1-0 2-0");
    await wait(BLOCKED);
    pass(5000);
    expect(await one("XPENDING s g")).toBe("[:0, null bulk, null bulk, null array]");
    expect(server.engine.blocking.keys).toBe(1);
    await run("XADD s 3-0 f v3");
    expect(await answer()).toBe(reply(entry(3, 0, 0)));
  });
});

test("the index by time takes no memory when the group or the stream is gone", async () => {
  const { arena } = server.engine.keyspace.store;
  const { keyspace } = server.engine;
  await until("all to be freed", () => keyspace.reclaimer.pending === 0);
  while (keyspace.housekeep(1_000_000));
  await run("SET warm up", "DEL warm");
  const before = arena.usedBytes;
  for (const end of ["DEL s", "XGROUP DESTROY s g", "XGROUP DELCONSUMER s g d"]) {
    await run("XGROUP CREATE s g 0 MKSTREAM");
    const lines = Array.from({ length: 700 }, (_, i) => ["XADD", "s", `${i + 1}-1`, "f", "v"]);
    await client.pipeline(lines);
    await run("XREADGROUP GROUP g c COUNT 300 STREAMS s >", "COPY s t");
    pass(10);
    await run("XREADGROUP GROUP g d CLAIM 10 STREAMS s >", "XACK s g 5-1 90-1", end, "DEL s t");
    await until("all to be freed", () => keyspace.reclaimer.pending === 0);
    while (keyspace.housekeep(1_000_000));
    expect(arena.usedBytes).toBe(before);
  }
});

test("random commands claim what a list of pending entries says", async () => {
  const random = seeded("streams and CLAIM");
  for (let round = 0; round < 5 * rounds; round++) {
    await run("FLUSHALL", "XGROUP CREATE s g 0 MKSTREAM");
    const pending = new Map<number, { ms: number; count: number; who: string }>();
    const entries = new Set<number>();
    let last = 0;
    let given = 0;
    for (let step = 0; step < 200; step++) {
      const nowMs = server.engine.clock.nowMs;
      const who = pick(random, ["c", "d", "e"]);
      const id = 1 + random.below(last + 1);
      const choice = random.below(100);
      if (choice < 25) {
        entries.add(++last);
        await run(`XADD s ${last}-0 f v${last}`);
      } else if (choice < 35) {
        pending.delete(id);
        await run(`XACK s g ${id}-0`);
      } else if (choice < 40) {
        entries.delete(id);
        await run(`XDEL s ${id}-0`);
      } else if (choice < 55) {
        const idle = random.below(60);
        if (!entries.has(id)) pending.delete(id);
        else if (pending.has(id) || random.below(2) === 0) {
          pending.set(id, { ms: nowMs - idle, count: (pending.get(id)?.count ?? 1) + 1, who });
          await run(`XCLAIM s g ${who} 0 ${id}-0 FORCE IDLE ${idle}`);
          continue;
        }
        await run(`XCLAIM s g ${who} 0 ${id}-0 IDLE ${idle}`);
      } else if (choice < 70) {
        pass(random.below(40));
      } else {
        const count = 1 + random.below(6);
        const idle = random.below(50);
        const old = [...pending]
          .filter(([, { ms }]) => ms <= nowMs - idle)
          .toSorted(([a, known], [b, next]) => known.ms - next.ms || a - b);
        const wanted: string[] = [];
        // Those that were deleted go, as many as are looked at.
        for (let at = 0; at < old.length && wanted.length === 0; at += count) {
          for (const [found, known] of old.slice(at, at + count)) {
            pending.delete(found);
            if (!entries.has(found)) continue;
            wanted.push(entry(found, nowMs - known.ms, known.count));
            pending.set(found, { ms: nowMs, count: known.count + 1, who });
          }
        }
        const fresh = [...entries].filter((key) => key > given).slice(0, count - wanted.length);
        for (const key of fresh) {
          wanted.push(entry(key, 0, 0));
          pending.set(key, { ms: nowMs, count: 1, who });
          given = key;
        }
        const line = `XREADGROUP GROUP g ${who} COUNT ${count} CLAIM ${idle} STREAMS s >`;
        expect(await one(line)).toBe(wanted.length === 0 ? "null array" : reply(...wanted));
      }
      if (step % 20 > 0) continue;
      const known = [...pending]
        .toSorted(([a], [b]) => a - b)
        .map(([key, value]) => {
          const idle = server.engine.clock.nowMs - value.ms;
          return `["${key}-0", "${value.who}", :${idle}, :${value.count}]`;
        });
      expect(await one("XPENDING s g - + 999")).toBe(`[${known.join(", ")}]`);
    }
  }
});
