/** `hutch import` from a running redis-server: everything arrives, once, and an import that was stopped goes on. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runImport } from "../../src/cli/import.ts";
import type { ImportState } from "../../src/cli/import-state.ts";
import type { Instance } from "../../src/instance.ts";
import { compareData } from "../differential/data-set.ts";
import { everyKind } from "../persistence/values.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";
import { cutAfter } from "./cutting-proxy.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

/** Keys of the tests that stop in between. */
const MANY = 3000;

interface Outcome {
  readonly status: number;
  readonly text: string;
}

/** Runs the command as without a terminal. @param look called with each line, by a clock that leaps a second a look */
async function run(words: readonly string[], look: () => void = () => {}): Promise<Outcome> {
  let text = "";
  let nowMs = 0;
  const place = {
    isTerminal: false,
    write: (more: string) => {
      text += more;
      look();
    },
    nowMs: () => (nowMs += 1000),
  };
  const status = await runImport(words, "", place);
  return { status, text };
}

describe.skipIf(redisMissing !== null)("hutch import from a running server", () => {
  let redis: RedisServer;
  let hutch: Instance;
  let theirs: RespClient;
  let ours: RespClient;

  beforeAll(async () => {
    redis = await startRedis();
    hutch = startInProcess({ "enable-debug-command": "yes" });
    theirs = await RespClient.connect(redis.port);
    ours = await RespClient.connect(hutch.port);
  });
  afterAll(async () => {
    theirs.close();
    ours.close();
    await redis.stop();
    await hutch.stop();
  });

  const from = (): string => `127.0.0.1:${redis.port}`;
  const to = (): string => `127.0.0.1:${hutch.port}`;

  async function empty(): Promise<void> {
    await theirs.pipeline([["FLUSHALL"], ["SELECT", 0]]);
    emptyAll(hutch);
  }

  /** Makes many keys in the source. */
  async function makeMany(): Promise<void> {
    const keys = Array.from({ length: MANY }, (_, index) => index);
    await theirs.pipeline(keys.map((index) => ["SET", `key:${index}`, `value ${index}`]));
  }

  test("copies every kind of value, of all databases, with the times to live", async () => {
    await empty();
    const random = seeded("import");
    const lines = everyKind(random, "");
    await theirs.pipeline(lines);
    await theirs.pipeline([
      ["SELECT", 7],
      ...everyKind(random, "other "),
      ["PEXPIRE", "other short", 100_000_000],
      ["SET", "\xff\0\r\n", "\x80\xff"],
      ["SELECT", 0],
    ]);
    await inFolder(async (folder) => {
      const state = join(folder, "state");
      const { status, text } = await run([from(), "--to", to(), "--state", state]);
      expect(text).toContain("keys imported");
      expect(text).not.toContain("could not");
      expect(status).toBe(0);
      expect(existsSync(state)).toBe(false);
    });
    // That a short string was changed in place is not in a dump.
    const differences = await compareData(hutch.port, redis.port);
    expect(differences.filter((text) => !/^encoding of db\d "(other )?raw"/.test(text))).toEqual(
      [],
    );
    expect(hutch.engine.keyspace.databases[7]!.size).toBeGreaterThan(20);
  });

  test("copies the times of members between two servers that know them", async () => {
    await empty();
    const source = startInProcess();
    const client = await RespClient.connect(source.port);
    const far = "4000000000000";
    try {
      await client.pipeline([
        ["SADD", "set", "a", "b"],
        ["SPEXPIREAT", "set", far, "MEMBERS", "1", "a"],
        ["ZADD", "zset", "1", "a", "2", "b"],
        ["ZPEXPIREAT", "zset", far, "MEMBERS", "1", "b"],
        ["HSET", "hash", "a", "1", "b", "2"],
        ["HPEXPIREAT", "hash", far, "FIELDS", "1", "a"],
      ]);
      await inFolder(async (folder) => {
        const state = ["--state", join(folder, "state")];
        const done = await run([`127.0.0.1:${source.port}`, "--to", to(), ...state]);
        expect([done.status, done.text]).toEqual([0, expect.stringContaining("3 keys imported")]);
      });
      await ours.call("SELECT", "0");
      const members = await ours.text("SPEXPIRETIME", "set", "MEMBERS", "2", "a", "b");
      const scored = await ours.text("ZPEXPIRETIME", "zset", "MEMBERS", "2", "b", "a");
      const fields = await ours.text("HPEXPIRETIME", "hash", "FIELDS", "2", "a", "b");
      for (const times of [members, scored, fields]) expect(times).toBe(`[:${far}, :-1]`);
    } finally {
      client.close();
      await source.stop();
    }
  });

  test("copies one database, or the keys that match a pattern", async () => {
    await empty();
    await theirs.pipeline([
      ["MSET", "a:1", "x", "b:1", "x"],
      ["SELECT", 2],
      ["MSET", "a:2", "x", "b:2", "x"],
      ["SELECT", 0],
    ]);
    await inFolder(async (folder) => {
      const more = ["--to", to(), "--match", "a:*", "--state", join(folder, "state")];
      expect((await run([`redis://${from()}/2`, ...more])).status).toBe(0);
    });
    expect(await ours.text("KEYS", "*")).toBe("[]");
    await ours.call("SELECT", 2);
    expect(await ours.text("KEYS", "*")).toBe('["a:2"]');
    await ours.call("SELECT", 0);
  });

  test("leaves keys alone that are there already, unless it is to replace them", async () => {
    await empty();
    await theirs.call("MSET", "a", "theirs", "b", "theirs");
    await ours.call("SET", "a", "ours");
    await inFolder(async (folder) => {
      const words = [from(), "--to", to(), "--state", join(folder, "state")];
      const kept = await run(words);
      expect(kept.text).toContain("1 keys imported");
      expect(kept.text).toContain("1 keys were in");
      expect(kept.status).toBe(0);
      expect(await ours.text("MGET", "a", "b")).toBe('["ours", "theirs"]');
      const replaced = await run([...words, "--replace"]);
      expect(replaced.text).toContain("2 keys imported");
      expect(await ours.text("MGET", "a", "b")).toBe('["theirs", "theirs"]');
    });
  });

  test("goes on where it was when the target's connection broke", async () => {
    await empty();
    await makeMany();
    await inFolder(async (folder) => {
      const state = join(folder, "state");
      const proxy = cutAfter(hutch.port, 120_000);
      const words = [from(), "--to", `127.0.0.1:${proxy.port}`, "--state", state];
      try {
        const broken = await run(words);
        expect(broken.status).toBe(1);
        expect(broken.text).toContain("closed the connection");
        const { done } = JSON.parse(readFileSync(state, "utf8")) as ImportState;
        expect(done).toBeGreaterThan(0);
        expect(done).toBeLessThan(MANY);
        // All that is counted as done is there.
        expect(hutch.engine.keyspace.size).toBeGreaterThanOrEqual(done);
        proxy.heal();
        const whole = await run(words);
        expect(whole.text).toContain("Going on from");
        expect(whole.status).toBe(0);
      } finally {
        proxy.stop();
      }
    });
    expect(await compareData(hutch.port, redis.port)).toEqual([]);
  });

  test("keeps its state while it runs, so that it may be killed", async () => {
    await empty();
    await makeMany();
    await inFolder(async (folder) => {
      const state = join(folder, "state");
      let seen = "";
      const look = (): void => {
        if (existsSync(state)) seen = readFileSync(state, "utf8");
      };
      expect((await run([from(), "--to", to(), "--state", state], look)).status).toBe(0);
      expect((JSON.parse(seen) as ImportState).done).toBeGreaterThan(0);
      // As if it had been killed there.
      writeFileSync(state, seen);
      hutch.engine.keyspace.databases[0]!.clear();
      const again = await run([from(), "--to", to(), "--state", state]);
      expect(again.text).toContain("Going on from");
      expect(hutch.engine.keyspace.size).toBeLessThan(MANY);
      expect(hutch.engine.keyspace.size).toBeGreaterThan(0);
    });
  });

  test("begins again when the source was restarted, and refuses the state of another import", async () => {
    await empty();
    await theirs.call("SET", "a", "1");
    await inFolder(async (folder) => {
      const state = join(folder, "state");
      const before = { run: "another", database: 5, cursor: "17", done: 9, copied: 9 };
      const of = (what: string): string =>
        JSON.stringify({ import: what, ...before, kept: 0, failed: 0 });
      writeFileSync(state, of("from here to there"));
      const words = [from(), "--to", to(), "--state", state];
      const refused = await run(words);
      expect(refused.status).toBe(1);
      expect(refused.text).toContain("is of an import from here to there");
      writeFileSync(state, of(`from ${from()} to ${to()}`));
      const begun = await run(words);
      expect(begun.text).toContain("was restarted meanwhile");
      expect(begun.text).toContain("1 keys imported");
      writeFileSync(state, "something else");
      expect((await run(words)).text).toContain("is no file of an import");
      expect(readFileSync(state, "utf8")).toBe("something else");
    });
    expect(await ours.text("GET", "a")).toBe('"1"');
  });

  test("stops at what is no key's fault, and names the keys that can't be taken", async () => {
    await empty();
    await theirs.call("SET", "a", "1");
    await inFolder(async (folder) => {
      const words = [from(), "--to", to(), "--state", join(folder, "state")];
      await ours.pipeline([
        ["CONFIG", "SET", "requirepass", "secret"],
        ["AUTH", "secret"],
      ]);
      try {
        expect((await run(words)).text).toContain("NOAUTH");
        const url = `redis://:secret@${to()}`;
        expect((await run([from(), "--to", url, ...words.slice(3)])).status).toBe(0);
      } finally {
        await ours.call("CONFIG", "SET", "requirepass", "");
      }
      expect((await run([to(), "--to", to(), ...words.slice(3)])).text).toContain(
        "are the same server",
      );
      expect((await run(["127.0.0.1:1", ...words.slice(1)])).text).toContain("can't connect to");
    });
  });

  test("tells the function libraries that the target can't take", async () => {
    await empty();
    const library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
    await theirs.call("FUNCTION", "LOAD", library);
    try {
      await inFolder(async (folder) => {
        const { status, text } = await run([from(), "--to", to(), "--state", join(folder, "s")]);
        const isTaken = (await ours.text("FUNCTION", "LIST")).includes("lib");
        expect(status).toBe(isTaken ? 0 : 1);
        expect(text.includes("function libraries could not be imported")).toBe(!isTaken);
      });
    } finally {
      await theirs.call("FUNCTION", "FLUSH");
    }
  });

  test("is a command of the program", async () => {
    await empty();
    await theirs.call("SET", "a", "1");
    await inFolder(async (folder) => {
      const imported = runHutch(["import", from(), "--to", to()], { cwd: folder });
      expect(await imported.exited).toBe(0);
      expect(imported.out()).toContain("1 keys imported");
    });
    expect(await ours.text("GET", "a")).toBe('"1"');
    const usage = runHutch(["import"]);
    expect(await usage.exited).toBe(1);
    expect(usage.out()).toContain("Usage: hutch import SOURCE");
  });
});
