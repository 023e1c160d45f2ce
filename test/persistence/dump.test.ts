/** DUMP here and RESTORE there, and the other way round: values of every type and encoding, beside redis-server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { everyKind } from "./values.ts";

/** What redis-server 7.0 keeps in another encoding or order, or with the time of the day: equal data, not equal bytes. */
const OTHER_BYTES = /set|hash large|hash long|stream|hll/;
/** By how much a value's dump may be larger or smaller than redis-server's, as a part of it. */
const SIZE_TOLERANCE = 0.05;

describe("dumps", () => {
  test("give the same value back, whose dump is the same", () => {
    const random = seeded("dump");
    const server = new TestEngine();
    const before = server.blocksWhenEmpty();
    for (let round = 0; round < 5 * rounds; round++) {
      const lines = everyKind(random, "");
      for (const line of lines) server.run(...line);
      for (const key of new Set(
        lines.map((line) => (line[0] === "XGROUP" ? line[2]! : line[1]!)),
      )) {
        if (key === "GROUP") continue;
        const dump = server.bytes("DUMP", key);
        expect(show(server.run("RESTORE", "twin", "0", dump, "REPLACE"))).toBe("+OK");
        const digests = server.run("DEBUG", "DIGEST-VALUE", key, "twin");
        if (digests.type !== "array") throw new Error(show(digests));
        expect([key, show(digests.items[1]!)]).toEqual([key, show(digests.items[0]!)]);
        expect(show(server.run("OBJECT", "ENCODING", "twin"))).toBe(
          key === "raw" ? '"embstr"' : show(server.run("OBJECT", "ENCODING", key)),
        );
        // The order of a dict's entries is another one in each.
        if (!/large|long/.test(key)) expect(server.bytes("DUMP", "twin").equals(dump)).toBe(true);
        if (key.startsWith("stream")) {
          for (const what of ["GROUPS", "STREAM"]) {
            const twin = show(server.run("XINFO", what, "twin"));
            expect(twin).toBe(show(server.run("XINFO", what, key)));
          }
        }
      }
      expect(server.blocksWhenEmpty()).toBe(before);
    }
  });

  test("of a missing key are null, and RESTORE keeps to its options", () => {
    const server = new TestEngine();
    server.engine.clock.freeze(1_700_000_000_000);
    server.engine.beginTurn();
    const run = (...line: string[]): string => show(server.run(...line));
    expect(run("DUMP", "nokey")).toBe("null bulk");
    server.run("SET", "k", "v");
    const dump = server.bytes("DUMP", "k").toString("latin1");
    expect(run("RESTORE", "k", "0", dump)).toBe("-BUSYKEY Target key name already exists.");
    expect(run("RESTORE", "k", "1500", dump, "REPLACE")).toBe("+OK");
    expect(run("PTTL", "k")).toBe(":1500");
    expect(run("RESTORE", "k", "1700000005000", dump, "REPLACE", "ABSTTL")).toBe("+OK");
    expect(run("PTTL", "k")).toBe(":5000");
    expect(run("RESTORE", "k", "0", dump, "replace", "idletime", "1000")).toBe("+OK");
    expect(run("OBJECT", "IDLETIME", "k")).toBe(":1000");
    const { store } = server.engine.keyspace;
    const { changes } = store;
    expect(run("RESTORE", "past", "1000", dump, "ABSTTL")).toBe("+OK");
    expect(run("EXISTS", "past")).toBe(":0");
    expect(store.changes).toBe(changes);
    expect(run("RESTORE", "k", "1000", dump, "ABSTTL", "REPLACE")).toBe("+OK");
    expect(run("EXISTS", "k")).toBe(":0");
    expect(store.changes).toBe(changes + 1);
    expect(run("RESTORE", "k", "9223372036854775807", dump)).toStartWith("-ERR Invalid TTL");
  });
});

test("a payload that was restored for some time is recorded until when", () => {
  const server = new TestEngine();
  server.engine.clock.freeze(1_700_000_000_000);
  server.engine.beginTurn();
  server.run("SET", "k", "v");
  const dump = server.bytes("DUMP", "k").toString("latin1");
  const { effects } = server.engine;
  server.engine.record(true);
  const recorded = (...line: string[]): string => {
    const from = effects.pos;
    expect(show(server.run(...line))).toBe("+OK");
    return effects.buffer
      .toString("latin1", from, effects.pos)
      .replaceAll(/[*$]\d+\r\n|\r\n/g, " ");
  };
  expect(recorded("RESTORE", "a", "0", dump)).toContain(` RESTORE  a  0  ${dump} `);
  const until = recorded("RESTORE", "b", "5000", dump, "IDLETIME", "5");
  expect(until).toContain(` RESTORE  b  1700000005000  ${dump}  REPLACE  ABSTTL `);
  expect(recorded("RESTORE", "a", "5", dump, "REPLACE", "ABSTTL")).toContain(" DEL  a ");
  expect(recorded("RESTORE", "a", "5", dump, "ABSTTL")).toBe("");
});

describe.skipIf(redisMissing !== null)("beside redis-server", () => {
  let redis: RedisServer;
  let client: RespClient;
  beforeAll(async () => {
    redis = await startRedis();
    client = await RespClient.connect(redis.port);
  });
  afterAll(async () => {
    client.close();
    await redis.stop();
  });

  test(
    "each takes the other's dumps, and most of them are byte for byte the same",
    async () => {
      const random = seeded("dumps both ways");
      const server = new TestEngine();
      let same = 0;
      let compared = 0;
      for (let round = 0; round < 5 * rounds; round++) {
        server.run("FLUSHALL");
        await client.call("FLUSHALL");
        const lines = everyKind(random, "");
        for (const line of lines) server.run(...line);
        await client.pipeline(lines);
        const keys = await client.call("KEYS", "*");
        if (keys.type !== "array") throw new Error(show(keys));
        for (const item of keys.items) {
          const key = item.type === "bulk" ? item.text : "";
          const ours = server.bytes("DUMP", key);
          const reply = await client.call("DUMP", key);
          const theirs = Buffer.from(reply.type === "bulk" ? reply.text : "", "latin1");
          expect([key, show(server.run("RESTORE", "twin", "0", theirs, "REPLACE"))]).toEqual([
            key,
            "+OK",
          ]);
          expect([key, show(await client.call("RESTORE", "twin", "0", ours, "REPLACE"))]).toEqual([
            key,
            "+OK",
          ]);
          const digest = show(server.run("DEBUG", "DIGEST-VALUE", key, "twin"));
          expect([key, show(await client.call("DEBUG", "DIGEST-VALUE", key, "twin"))]).toEqual([
            key,
            digest,
          ]);
          if (OTHER_BYTES.test(key)) continue;
          compared++;
          if (ours.equals(theirs)) same++;
          // What hardly compresses is looked at less closely here.
          else expect(Math.abs(ours.length / theirs.length - 1)).toBeLessThan(SIZE_TOLERANCE);
        }
      }
      expect(same / compared).toBeGreaterThan(0.7);
    },
    { timeout: 60_000 * rounds },
  );
});
