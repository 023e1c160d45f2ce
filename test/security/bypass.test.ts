/**
 * A user limited to keys of one prefix tries every command of the table to get at others (S10): with one key in the place of another at
 * each position, and with lines of words at random, right or wrong. The engine runs in verify mode, where a lookup of a key that key
 * extraction does not know is a broken invariant.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import type { Command } from "../../src/commands/command.ts";
import { extractKeys, KeyList } from "../../src/commands/key-extraction.ts";
import type { CommandRow } from "../../src/commands/row.ts";
import { Args } from "../../src/protocol/args.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";

const SECRET = "s3cr3t";

/** What the user must neither see nor change. */
const HIDDEN: readonly (readonly string[])[] = [
  ["SET", "b:string", SECRET],
  ["RPUSH", "b:list", SECRET, "2"],
  ["HSET", "b:hash", SECRET, SECRET],
  ["SADD", "b:set", SECRET, "2"],
  ["ZADD", "b:zset", "1", SECRET, "2", "m"],
  ["XADD", "b:stream", "1-1", SECRET, SECRET],
  ["GEOADD", "b:geo", "1", "1", SECRET],
  ["PFADD", "b:log", SECRET],
];
const HIDDEN_KEYS = HIDDEN.map((line) => line[1]!);
const OWN: readonly (readonly string[])[] = [
  ["SET", "a:string", "1"],
  ["RPUSH", "a:list", "1", "2"],
  ["HSET", "a:hash", "f", "1"],
  ["SADD", "a:set", "1", "2"],
  ["ZADD", "a:zset", "1", "m", "2", "n"],
  ["XADD", "a:stream", "1-1", "f", "v"],
];
const OWN_KEYS = OWN.map((line) => line[1]!);

/** What has to do with all data by its nature, or with other servers. */
const DENIED = ["-@admin", "-flushall", "-flushdb", "-swapdb", "-migrate"];

let engine: TestEngine;
let words: readonly string[];

beforeAll(() => {
  engine = new TestEngine();
  engine.run("ACL", "SETUSER", "alice", "on", "nopass", "+@all", ...DENIED, "~a:*");
  // Nobody serves a client that waits here.
  engine.session.mayWait = false;
  const options = new Set<string>();
  const gather = (row: CommandRow): void => {
    for (const word of row.syntax?.match(/\b[A-Z][A-Z0-9_-]+\b/g) ?? []) options.add(word);
    row.subcommands?.forEach(gather);
  };
  for (const { row } of engine.engine.table.commands) gather(row);
  words = [...options, "0", "1", "2", "-1", "1-1", "$", "*", ">", "m", "f", "", "b:*", "*->f", "#"];
});

/** Puts the data there afresh, and makes the session the user's. */
function begin(): void {
  const { session } = engine;
  session.user = null;
  session.authenticated = true;
  session.endTransaction();
  session.replyMode = "on";
  session.reply.version = 2;
  session.db = engine.engine.keyspace.databases[0]!;
  engine.run("FLUSHALL");
  for (const line of [...HIDDEN, ...OWN]) engine.run(...line);
}

/** Runs a line as the user. Returns the reply as text. */
function asUser(line: readonly string[]): string {
  const { session } = engine;
  session.user = engine.engine.access.users.find("alice");
  session.db = engine.engine.keyspace.databases[0]!;
  session.authenticated = true;
  session.replyMode = "on";
  session.endTransaction();
  // CLIENT REPLY may leave it without one.
  const reply = engine.run(...line) as RespValue | undefined;
  session.user = null;
  // Or in a transaction, in which nothing would be looked at.
  session.endTransaction();
  return reply === undefined ? "" : show(reply);
}

function digest(): string {
  return show(engine.run("DEBUG", "DIGEST-VALUE", ...HIDDEN_KEYS));
}

/** All commands that take keys, with the words that begin them. */
function commandsWithKeys(): { command: Command; name: string[] }[] {
  return engine.engine.table.commands
    .flatMap((command) => [command, ...command.children])
    .filter(({ keySpecs, row }) => keySpecs.length > 0 && row.handler !== undefined)
    .map((command) => ({ command, name: command.fullName.split("|") }));
}

function keysOf(command: Command, line: readonly string[]): number[] {
  const args = new Args();
  args.fill(line);
  const list = new KeyList();
  extractKeys(command, args, 0, list);
  return list.positions.slice(0, list.count);
}

test("no command takes a key of others in any position (S10)", () => {
  const random = seeded("keys of others in each position");
  begin();
  const before = digest();
  const tried = new Set<string>();
  for (const { command, name } of commandsWithKeys()) {
    // Of some commands few lines have the form that shows where the keys are.
    let found = 0;
    for (let round = 0; found < 20 * rounds && round < 5000 * rounds; round++) {
      const line = [...name, ...randomWords(OWN_KEYS)];
      const { arity } = command;
      if (arity > 0 ? line.length !== arity : line.length < -arity) continue;
      for (const at of keysOf(command, line)) {
        const other = line.with(at, pick(random, HIDDEN_KEYS));
        expect(`${other.join(" ")}: ${asUser(other)}`).toContain("-NOPERM");
        tried.add(command.fullName);
        found++;
      }
    }
    expect(`${command.fullName}: ${digest()}`).toBe(`${command.fullName}: ${before}`);
  }
  const untried = commandsWithKeys()
    .map(({ command }) => command.fullName)
    .filter((name) => !tried.has(name));
  expect(untried).toEqual([]);

  /** Words among which the numbers of keys are right now and then. */
  function randomWords(keys: readonly string[]): string[] {
    return Array.from({ length: 1 + random.below(8) }, () => {
      const kind = random.below(10);
      if (kind < 5) return pick(random, keys);
      if (kind < 8) return pick(random, ["0", "1", "2"]);
      return pick(random, ["STREAMS", "KEYS", "STORE", "GET", pick(random, words)]);
    });
  }
});

test("no line of words, right or wrong, shows or changes keys of others (S10)", () => {
  const random = seeded("lines of words");
  begin();
  const before = digest();
  const keys = [...OWN_KEYS, ...HIDDEN_KEYS, "a:new", "b:new"];
  for (const command of engine.engine.table.commands) {
    for (const { fullName } of command.subcommands === null ? [command] : command.children) {
      for (let round = 0; round < 150 * rounds; round++) {
        const line = [
          ...fullName.split("|"),
          ...Array.from({ length: random.below(8) }, () =>
            random.below(2) === 0 ? pick(random, keys) : pick(random, words),
          ),
        ];
        const reply = asUser(line);
        expect(`${line.join(" ")}: ${reply}`).not.toContain(SECRET);
      }
      expect(`${fullName}: ${digest()}`).toBe(`${fullName}: ${before}`);
      expect(show(engine.run("EXISTS", "b:new"))).toBe(":0");
      // What the own keys have become by now teaches nothing new.
      for (const line of OWN) engine.run("DEL", line[1]!);
      for (const line of OWN) engine.run(...line);
    }
  }
});

describe("ways around (S10)", () => {
  const DENIED_KEY = "-NOPERM No permissions to access a key";

  test("SORT and its patterns", () => {
    begin();
    for (const line of [
      "SORT a:list BY b:*",
      "SORT a:list GET b:string",
      "SORT a:list GET b:*->f",
      "SORT_RO a:list BY b:*",
    ]) {
      expect(asUser(line.split(" "))).toContain("denied due to insufficient ACL permissions");
    }
    expect(asUser("SORT a:list STORE a:x STORE b:x".split(" "))).toBe(DENIED_KEY);
    expect(asUser("SORT a:list STORE b:x STORE a:x".split(" "))).toStartWith(":");
  });

  test("STORE and STOREDIST, once and again", () => {
    begin();
    engine.run("GEOADD", "a:geo", "1", "1", "m");
    for (const start of ["GEORADIUS a:geo 1 1 9 km", "GEORADIUSBYMEMBER a:geo m 9 km"]) {
      for (const end of [
        "STORE b:x",
        "STOREDIST b:x",
        "STORE a:x STORE b:x",
        "STOREDIST a:x STORE b:x",
        "STORE a:x STOREDIST b:x",
        "STORE STORE STORE b:x",
        "COUNT 1 STORE b:x",
      ]) {
        expect(`${start} ${end}: ${asUser(`${start} ${end}`.split(" "))}`).toEndWith(DENIED_KEY);
      }
      expect(asUser(`${start} STORE a:x STORE a:y`.split(" "))).toBe(":1");
    }
  });

  test("scripts, which get the user's permissions", () => {
    begin();
    const script = (text: string) => asUser(["EVAL", text, "0"]);
    expect(script("return redis.call('GET', 'a:string')")).toBe('"1"');
    expect(script("return redis.call('GET', 'b:string')")).toStartWith(
      "-ERR ACL failure in script: No permissions to access a key",
    );
    expect(script("return redis.pcall('FLUSHALL')")).toStartWith(
      "-ERR ACL failure in script: User alice has no permissions to run the 'flushall' command",
    );
    expect(script("return redis.acl_check_cmd('GET', 'a:x')")).toBe(":1");
    expect(script("return redis.acl_check_cmd('GET', 'b:x')")).toBe("null bulk");
    expect(script("return redis.call('SORT', 'a:list', 'BY', 'b:*')")).toContain("insufficient");
    expect(asUser(["EVAL", "return 1", "1", "b:string"])).toBe(DENIED_KEY);
    expect(show(engine.run("ACL", "LOG", "1"))).toContain('"context", "toplevel"');
    expect(show(engine.run("ACL", "LOG"))).toContain('"context", "lua"');
    const code =
      "redis.register_function('peek', function() return redis.call('GET', 'b:string') end)";
    engine.run("FUNCTION", "LOAD", "REPLACE", `#!lua name=peeking\n${code}`);
    expect(asUser(["FCALL", "peek", "0"])).toStartWith(
      "-ERR ACL failure in script: No permissions to access a key",
    );
    engine.run("FUNCTION", "FLUSH");
  });

  test("transactions, other databases, names of JavaScript", () => {
    begin();
    engine.session.user = engine.engine.access.users.find("alice");
    const run = (line: string) => show(engine.run(...line.split(" ")));
    expect(run("MULTI")).toBe("+OK");
    expect(run("GET b:string")).toBe(DENIED_KEY);
    expect(run("EXEC")).toStartWith("-EXECABORT");
    expect(run("SELECT 1")).toBe("+OK");
    expect(run("SET b:x 1")).toBe(DENIED_KEY);
    expect(run("COPY a:string b:x DB 0")).toBe(DENIED_KEY);
    expect(run("MOVE b:string 1")).toBe(DENIED_KEY);
    expect(run("GET __proto__")).toBe(DENIED_KEY);
    expect(run("WATCH b:string")).toBe(DENIED_KEY);
    expect(run("MIGRATE 127.0.0.1 1 b:string 0 1")).toContain("run the 'migrate' command");
    engine.session.user = null;
    engine.run("ACL", "SETUSER", "alice", "+migrate");
    expect(asUser("MIGRATE 127.0.0.1 1 b:string 0 1".split(" "))).toBe(DENIED_KEY);
    expect(asUser(["MIGRATE", "127.0.0.1", "1", "", "0", "1"])).toBe(DENIED_KEY);
    expect(asUser(["MIGRATE", "127.0.0.1", "1", "", "0", "1", "KEYS", "a:x", "b:string"])).toBe(
      DENIED_KEY,
    );
    expect(
      asUser(["MIGRATE", "127.0.0.1", "1", "", "0", "1", "AUTH", "KEYS", "KEYS", "b:string"]),
    ).toBe(DENIED_KEY);
    engine.run("ACL", "SETUSER", "alice", "-migrate");
  });
});
