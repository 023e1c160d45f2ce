/** `hutch import` of files: those of redis-server in every form, and that a failure leaves nothing behind. */
import { describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runImport } from "../../src/cli/import.ts";
import { createServer } from "../../src/create-server.ts";
import { compareData } from "../differential/data-set.ts";
import { everyKind } from "../persistence/values.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

async function run(path: string, directory: string): Promise<{ status: number; text: string }> {
  let text = "";
  const write = (more: string): void => void (text += more);
  const place = { isTerminal: false, write, nowMs: () => 0 };
  const status = await runImport([path, "--dir", directory], "", place);
  return { status, text };
}

/** Runs `use` with a redis-server that keeps a log in `folder` and has values of every kind in two databases. */
async function withRedis(
  folder: string,
  use: (redis: RedisServer, client: RespClient) => Promise<void>,
  ...more: readonly string[]
): Promise<void> {
  const redis = await startRedis(["--dir", folder, "--appendonly", "yes", ...more]);
  const client = await RespClient.connect(redis.port);
  try {
    const random = seeded("import files");
    await client.pipeline([
      ...everyKind(random, ""),
      ["SELECT", 5],
      ...everyKind(random, "other "),
      ["PEXPIRE", "other short", 100_000_000],
      ["SELECT", 0],
    ]);
    await use(redis, client);
  } finally {
    client.close();
    await redis.stop();
  }
}

/** Asserts that a Hutch on the directory holds what the redis-server holds. */
async function expectSame(directory: string, redis: RedisServer): Promise<void> {
  await using server = await createServer({ port: 0, dir: directory, enableDebugCommand: true });
  const differences = await compareData(server.port, redis.port);
  // That a short string was changed in place is in no snapshot.
  expect(differences.filter((text) => !/^encoding of db\d "(other )?raw"/.test(text))).toEqual([]);
}

/** Every file below a folder with its content. */
function contents(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(names.map((name) => [name, readFileSync(name, "latin1")]));
}

describe.skipIf(redisMissing !== null)("hutch import of redis-server's files", () => {
  test("takes a snapshot", async () => {
    await inFolder(async (folder) => {
      await withRedis(folder, async (redis, client) => {
        expect(await client.text("SAVE")).toBe("+OK");
        const target = join(folder, "target");
        const { status, text } = await run(join(folder, "dump.rdb"), target);
        expect(text).toContain(`keys imported from ${join(folder, "dump.rdb")} to ${target}`);
        expect(status).toBe(0);
        await expectSame(target, redis);
      });
    });
  });

  test("takes a log in parts, by its folder, the data directory or the manifest", async () => {
    await inFolder(async (folder) => {
      const use = async (redis: RedisServer, client: RespClient): Promise<void> => {
        await client.call("BGREWRITEAOF");
        while ((await client.text("INFO", "persistence")).includes("_in_progress:1")) {
          await Bun.sleep(5);
        }
        await client.pipeline([
          ["SET", "after", "the rewrite"],
          ["DEL", "hash packed"],
        ]);
        const copy = join(folder, "copy");
        mkdirSync(copy);
        cpSync(join(folder, "appendonlydir"), join(copy, "appendonlydir"), { recursive: true });
        const log = join(copy, "appendonlydir");
        const before = contents(log);
        for (const [index, path] of [copy, log, join(log, "my.aof.manifest")].entries()) {
          const target = join(folder, `target ${index}`);
          const { status, text } = await run(path, target);
          expect(text).toContain("keys imported");
          expect(status).toBe(0);
          await expectSame(target, redis);
        }
        expect(contents(log)).toEqual(before);
      };
      await withRedis(folder, use, "--appendfilename", "my.aof", "--appendfsync", "always");
    });
  });

  test("takes a log in one file, of commands or behind a snapshot", async () => {
    await inFolder(async (folder) => {
      const use = async (redis: RedisServer, client: RespClient): Promise<void> => {
        const increment = join(folder, "appendonlydir", "appendonly.aof.1.incr.aof");
        const commands = join(folder, "commands.aof");
        const wanted = readFileSync(increment);
        writeFileSync(commands, wanted);
        expect((await run(commands, join(folder, "one"))).status).toBe(0);
        await expectSame(join(folder, "one"), redis);
        expect(await client.text("SAVE")).toBe("+OK");
        await client.call("SET", "after", "the snapshot");
        const both = join(folder, "both.aof");
        writeFileSync(
          both,
          Buffer.concat([
            readFileSync(join(folder, "dump.rdb")),
            Buffer.from("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"),
            Buffer.from("*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$12\r\nthe snapshot\r\n"),
          ]),
        );
        expect((await run(both, join(folder, "two"))).status).toBe(0);
        await expectSame(join(folder, "two"), redis);
      };
      await withRedis(folder, use, "--appendfsync", "always");
    });
  });
});

describe("hutch import of a file", () => {
  const SET = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";

  test("that is damaged says where, and leaves the directory without data", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "damaged.aof");
      writeFileSync(path, `${SET}nonsense`);
      const target = join(folder, "target");
      const { status, text } = await run(path, target);
      expect(status).toBe(1);
      expect(text).toContain(`${path} can't be imported`);
      expect(text).toContain(`at offset ${SET.length}`);
      expect(text).toContain(`hutch check --fix ${path}'`);
      expect(text).not.toContain("hutch-import.tmp");
      expect(readdirSync(target)).toEqual(["hutch.lock"]);
      writeFileSync(path, "REDIS0011\xff nonsense", "latin1");
      expect((await run(path, target)).status).toBe(1);
      expect(readdirSync(target)).toEqual(["hutch.lock"]);
    });
  });

  test("whose end is torn says so, and takes what stands before it", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "torn.aof");
      writeFileSync(path, `${SET}${SET}`);
      truncateSync(path, SET.length * 2 - 3);
      const { status, text } = await run(path, join(folder, "target"));
      expect(status).toBe(0);
      expect(text).toContain("short read");
      expect(text).toContain("1 keys imported");
      expect(readFileSync(path).length).toBe(SET.length * 2 - 3);
    });
  });

  test("refuses a directory that has data, and what is no file", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "a.aof");
      writeFileSync(path, SET);
      const target = join(folder, "target");
      expect((await run(path, target)).status).toBe(0);
      const before = contents(target);
      const again = await run(path, target);
      expect(again.status).toBe(1);
      expect(again.text).toContain("exists already");
      expect(contents(target)).toEqual(before);
      const missing = await run(join(folder, "missing"), join(folder, "other"));
      expect(missing.text).toContain("No such file or directory");
      expect(existsSync(join(folder, "other"))).toBe(false);
      expect((await run(folder, join(folder, "other"))).text).toContain("there is no manifest");
    });
  });

  test("refuses a directory that a server has", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "a.aof");
      writeFileSync(path, SET);
      const target = join(folder, "target");
      mkdirSync(target);
      const running = runHutch(["--port", "0", "--dir", target], {
        env: { HUTCH_APPENDONLY: "yes", HUTCH_APPENDDIRNAME: "elsewhere" },
      });
      try {
        await running.port();
        expect((await run(path, target)).text).toContain("in use by another server");
      } finally {
        await running.stop();
      }
    });
  });

  test("is a command of the program", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "a.aof"), SET);
      const imported = runHutch(["import", "a.aof"], { cwd: folder });
      expect(await imported.exited).toBe(0);
      expect(imported.out()).toContain("1 keys imported from a.aof to ./hutch-data");
      await using server = await createServer({ port: 0, dir: join(folder, "hutch-data") });
      expect(await server.call("GET", "a")).toBe("1");
    });
  });
});
