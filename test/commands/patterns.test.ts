/** Patterns that are made to be slow, wherever a client can put one (S9): no match keeps the server for long. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PATTERN } from "../../src/commands/channels.ts";
import { cpuMs } from "../support/cpu-time.ts";
import type { Argument } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";

const MIB = 1024 * 1024;
const NAME = "a".repeat(1000);
const STARS = `${"*a".repeat(30)}b`;
/** A match of a pattern of ordinary size on a name of ordinary size, in ms. */
const ORDINARY_MS = 50;
/** The same where both have a megabyte: the search gives up. */
const LARGE_MS = 1000;

let server: TestEngine;

beforeAll(() => {
  server = new TestEngine();
  server.run("SET", NAME, "v");
  server.run("SADD", "set", NAME);
  server.run("HSET", "hash", NAME, "v");
  server.run("ZADD", "zset", "1", NAME);
  server.run("RPUSH", "list", NAME);
  for (let i = 0; i < 1000; i++) server.run("SET", `${NAME}${i}`, "v");
});
afterAll(() => {
  server.engine.keyspace.release();
});

/** Runs a command and expects it to be quick. @returns its reply */
function quickly(ms: number, ...line: readonly Argument[]): string {
  server.engine.beginTurn();
  const begun = cpuMs();
  const reply = show(server.run(...line));
  expect(cpuMs() - begun).toBeLessThan(ms);
  return reply;
}

/** Commands that match a name against a pattern, which # stands for. */
const LINES: readonly (readonly string[])[] = [
  ["KEYS", "#"],
  ["SCAN", "0", "MATCH", "#", "COUNT", "1000"],
  ["SSCAN", "set", "0", "MATCH", "#"],
  ["HSCAN", "hash", "0", "MATCH", "#"],
  ["ZSCAN", "zset", "0", "MATCH", "#"],
  ["CONFIG", "GET", "#"],
  ["PUBSUB", "CHANNELS", "#"],
  ["COMMAND", "LIST", "FILTERBY", "PATTERN", "#"],
  ["FUNCTION", "LIST", "LIBRARYNAME", "#"],
  ["SORT", "list", "ALPHA", "BY", "#"],
];

describe("a pattern made to be slow", () => {
  for (const line of LINES) {
    const run = (ms: number, pattern: string): string =>
      quickly(ms, ...line.map((word) => (word === "#" ? pattern : word)));
    test(`keeps nobody waiting: ${line.join(" ")} (S9)`, () => {
      for (const pattern of [STARS, "*".repeat(1000), "[".repeat(1000), "\\".repeat(1001)]) {
        run(ORDINARY_MS, pattern);
      }
      run(LARGE_MS, "*a".repeat(MIB / 2));
      run(LARGE_MS, `*[${"a".repeat(MIB)}]b`);
    });
  }

  test("of a user's keys and channels keeps nobody waiting (S9)", () => {
    for (const pattern of [STARS, "*a".repeat(MIB / 2)]) {
      expect(
        quickly(LARGE_MS, "ACL", "SETUSER", "u", "reset", "+@all", `~${pattern}`, `&${pattern}`),
      ).toBe("+OK");
      const ms = pattern === STARS ? ORDINARY_MS : LARGE_MS;
      expect(quickly(ms, "ACL", "DRYRUN", "u", "GET", NAME)).toContain("no permissions");
      expect(quickly(ms, "ACL", "DRYRUN", "u", "PUBLISH", NAME, "x")).toContain("no permissions");
    }
    server.run("ACL", "DELUSER", "u");
  });
});

test("a message meets slow patterns of subscribers quickly (S9)", () => {
  const { engine } = server;
  const session = engine.createSession();
  for (const pattern of [STARS, "*[a-b".repeat(200), "?*".repeat(900)]) {
    engine.channels.subscribe(session, PATTERN, Buffer.from(pattern));
  }
  expect(quickly(ORDINARY_MS, "PUBLISH", NAME, "x")).toStartWith(":");
  engine.channels.forget(session);
});
