/** `rename-command`: clients know commands by other names or not at all, and the log, which knows the right ones, can be loaded either way. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchange, native } from "../support/native-requests.ts";
import { RespClient } from "../support/resp-client.ts";
import type { Run } from "./run-hutch.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

const RENAMED = `
rename-command set XSET
rename-command LPUSH push
rename-command eval run
rename-command auth login
rename-command config cfg
rename-command xgroup groups
rename-command get put
rename-command put FETCH
rename-command client ""
rename-command HSET ""
rename-command del ""
rename-command select ""
rename-command multi ""
rename-command exec ""
rename-command ping ""
`;

function start(folder: string, ...args: readonly string[]): Run {
  return runHutch(
    [
      ...args,
      "--dir",
      ".",
      "--port",
      "0",
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "yes",
    ],
    { cwd: folder, env: { HUTCH_APPENDONLY: "yes" } },
  );
}

async function use(run: Run, ask: (client: RespClient) => Promise<void>): Promise<void> {
  try {
    const client = await RespClient.connect(await run.port());
    await ask(client);
    client.close();
    run.kill("SIGTERM");
    await run.exited;
  } finally {
    await run.stop();
  }
}

const DATA: readonly (readonly [string, string])[] = [
  ["LRANGE l 0 -1", '["b", "a"]'],
  ["LRANGE fromScript 0 -1", '["y"]'],
  ["STRLEN s", ":1"],
  ["STRLEN other", ":1"],
  ["EXISTS gone", ":0"],
  ["XINFO STREAM x", expect.stringContaining('"groups"')],
];

async function checkData(client: RespClient): Promise<void> {
  for (const [line, reply] of DATA) {
    expect([line, await client.text(...line.split(" "))]).toEqual([line, reply]);
  }
}

describe("rename-command", () => {
  test("gives other names to clients and scripts, and the log keeps the right ones", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "x.conf"), RENAMED);
      await use(start(folder, "x.conf"), async (client) => {
        const text = (line: string): Promise<string> => client.text(...line.split(" "));
        expect(await text("XSET s 1")).toBe("+OK");
        expect(await text("fetch s")).toBe('"1"');
        expect(await text("xset other 2 EX 1000")).toBe("+OK");
        expect(await text("PUSH l a b")).toBe(":2");
        expect(await text("GROUPS CREATE x g $ MKSTREAM")).toBe("+OK");
        for (const line of [
          ...["SET s 2", "GET s", "PUT s", "LPUSH l a", "HSET h f v", "DEL s", "SELECT 1"],
          ...["MULTI", "EVAL x 0", "AUTH x", "CONFIG GET x", "XGROUP HELP", "CLIENT ID"],
        ]) {
          const name = line.split(" ")[0]!;
          expect(await text(line)).toStartWith(`-ERR unknown command '${name}'`);
        }
        const script = "redis.call('push', 'fromScript', 'y'); return redis.call('set', 's', '3')";
        expect(await client.text("RUN", script, 0)).toContain("Unknown Redis command");
        expect(await client.text("RUN", "return redis.call('fetch', 's')", 0)).toBe('"1"');
        expect(await text("XSET gone 1")).toBe("+OK");
        expect(await text("GETDEL gone")).toBe('"1"');
        await checkData(client);
        expect(await text("COMMAND INFO set hset client")).toBe(
          "[null bulk, null bulk, null bulk]",
        );
        expect(await text("COMMAND INFO xset")).toStartWith('[["xset", :-3, ');
        expect(await text("COMMAND DOCS groups")).toContain('"groups|create"');
        expect(await text("COMMAND LIST")).not.toMatch(/"(set|hset|get|client|put)"/);
        expect(await text("INFO commandstats")).toContain("cmdstat_xset:calls=3");
        expect(await text("ACL SETUSER u on nopass +xset +groups|create ~*")).toBe("+OK");
        expect(await text("ACL SETUSER u +set")).toContain("Unknown command");
        expect(await text("ACL DRYRUN u xset k v")).toBe("+OK");
      });
      const log = join(folder, "appendonlydir");
      const file = readdirSync(log).find((name) => name.endsWith(".incr.aof"));
      const written = readFileSync(join(log, file!), "latin1");
      expect(written).not.toMatch(/\r\n(xset|push|groups|fetch)\r\n/i);
      // With the names and without them.
      await use(start(folder, "x.conf"), checkData);
      await use(start(folder), checkData);
    });
  });

  test("keeps secret what is secret by the right name, and takes commands from the native protocol too", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "x.conf"), RENAMED.replace("set XSET", 'set ""'));
      const run = start(folder, "x.conf", "--slowlog-log-slower-than", "0");
      await use(run, async (client) => {
        await client.text("LOGIN", "default", "open-sesame");
        await client.text("CFG", "SET", "requirepass", "open-sesame");
        const shown = await client.text("SLOWLOG", "GET", "-1");
        expect(shown).toContain('["LOGIN", "(redacted)", "(redacted)"]');
        expect(shown).not.toContain("open-sesame");
        expect(await client.text("CFG", "SET", "requirepass", "")).toBe("+OK");
        const replies = await exchange(await run.port(), [
          native.set("a", "b"),
          native.ping("x"),
          native.get("a"),
        ]);
        expect(replies.toString("latin1")).toMatch(
          /Unknown command.*Unknown command.*Key not found/s,
        );
      });
    });
  });
});
