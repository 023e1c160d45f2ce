/** The base of a rewritten log as commands (`aof-use-rdb-preamble no`): it holds what a snapshot does, and redis-server takes it. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "../../src/create-server.ts";
import type { EmbeddedServer } from "../../src/create-server.ts";
import { startSnapshot } from "../../src/persistence/snapshot.ts";
import { compareData } from "../differential/data-set.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { until } from "../support/until.ts";
import { inFolder, logFolder, manifestPath } from "./folder.ts";
import { MemorySink } from "./memory-file.ts";
import { everyKind } from "./values.ts";

const BASE = "appendonly.aof.1.base.aof";

function serve(dir: string): Promise<EmbeddedServer> {
  const more = { "enable-debug-command": "yes", "aof-use-rdb-preamble": "no" };
  return createServer({ port: 0, dir, save: "", ...more });
}

async function fill(server: EmbeddedServer, name: string): Promise<void> {
  const random = seeded(name);
  const client = await RespClient.connect(server.port);
  await client.pipeline(everyKind(random, ""));
  await client.pipeline([["SELECT", "9"], ...everyKind(random, "other ")]);
  await client.pipeline([
    ["PEXPIREAT", "other short", "4000000000000"],
    ["EXPIRE", "other stream", "100000"],
    // What is pending is not there any more.
    ["XTRIM", "other stream", "MAXLEN", "30"],
    ["XGROUP", "CREATECONSUMER", "other stream", "g1", "idle"],
    ["XSETID", "other stream", "999999-1"],
    ["XADD", "gone", "5-1", "f", "v"],
    ["XGROUP", "CREATE", "gone", "g", "0"],
    ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "gone", ">"],
    ["XDEL", "gone", "5-1"],
    ["XGROUP", "CREATE", "bare", "g", "$", "MKSTREAM"],
  ]);
  client.close();
}

async function streamOf(client: RespClient, key: string): Promise<string> {
  const full = show(await client.call("XINFO", "STREAM", key, "FULL", "COUNT", "0"));
  // How entries lie in nodes, and when consumers were last seen, commands do not tell.
  return full.replace(/"(radix-tree-\w+|seen-time|active-time)", :-?\d+/g, "");
}

/** What the digest does not see of streams. */
async function streamsOf(server: EmbeddedServer): Promise<unknown[]> {
  const client = await RespClient.connect(server.port);
  const found: unknown[] = [];
  for (const database of ["0", "9"]) {
    await client.call("SELECT", database);
    for (const key of [
      "stream",
      "stream empty",
      "other stream",
      "other stream empty",
      "gone",
      "bare",
    ]) {
      found.push(await streamOf(client, key));
    }
  }
  client.close();
  return found;
}

async function rewritten(server: EmbeddedServer): Promise<void> {
  await server.call("BGREWRITEAOF");
  await until("the rewrite", async () => {
    const info = String(await server.call("INFO", "persistence"));
    return info.includes("aof_rewrites:1") && info.includes("aof_rewrite_in_progress:0");
  });
}

describe("a base of commands", () => {
  test("is the data again, whole streams included", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      await fill(server, "command base");
      const digest = await server.call("DEBUG", "DIGEST");
      const streams = await streamsOf(server);
      await rewritten(server);
      await server.call("SET", "after", "1");
      await server.call("DEL", "after");
      await server.stop();
      expect(readFileSync(manifestPath(folder), "latin1").split("\n")[0]).toBe(
        `file ${BASE} seq 1 type b`,
      );
      expect(readFileSync(join(logFolder(folder), BASE), "latin1")).toStartWith(
        "#CRC:00000000\r\n*2\r\n",
      );
      server = await serve(folder);
      expect(await server.call("DEBUG", "DIGEST")).toBe(digest);
      expect(await streamsOf(server)).toEqual(streams);
      await server.stop();
    });
  });

  test("of a stream of which only a trim took entries says that none was deleted", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      for (let i = 1; i <= 9; i++) await server.call("XADD", "stream", `${i}-1`, "f", "v");
      await server.call("XGROUP", "CREATE", "stream", "g", "0");
      await server.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">");
      await server.call("XTRIM", "stream", "MAXLEN", "4");
      let client = await RespClient.connect(server.port);
      const before = await streamOf(client, "stream");
      client.close();
      expect(before).toContain('"max-deleted-entry-id", "0-0"');
      await rewritten(server);
      await server.stop();
      server = await serve(folder);
      client = await RespClient.connect(server.port);
      expect(await streamOf(client, "stream")).toBe(before);
      client.close();
      await server.stop();
    });
  });

  test("keeps the times of fields and members, and keys whose time has come meanwhile", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      // What expires at this time has done so long ago when the log is read.
      server.clock.freeze(1_700_000_000_000);
      const far = "4000000000000";
      for (let i = 0; i < 150; i++) {
        await server.call("HSET", "hash", `f${i}`, "v");
        await server.call("SADD", "set", `m${i}`);
        await server.call("ZADD", "zset", String(i), `m${i}`);
      }
      await server.call("HPEXPIREAT", "hash", far, "FIELDS", "2", "f7", "f149");
      await server.call("SPEXPIREAT", "set", far, "MEMBERS", "2", "m7", "m149");
      await server.call("ZPEXPIREAT", "zset", far, "MEMBERS", "2", "m7", "m149");
      await server.call("HSET", "small", "a", "1", "b", "2");
      await server.call("HPEXPIRE", "small", "20000", "FIELDS", "1", "a");
      await server.call("SET", "short", "v", "PX", "20000");
      await rewritten(server);
      // The increment still writes to what the base says expires.
      await server.call("APPEND", "short", "w");
      await server.call("HSET", "small", "c", "3");
      await server.stop();
      server = await serve(folder);
      for (const [command, key, word, prefix] of [
        ["HPEXPIRETIME", "hash", "FIELDS", "f"],
        ["SPEXPIRETIME", "set", "MEMBERS", "m"],
        ["ZPEXPIRETIME", "zset", "MEMBERS", "m"],
      ] as const) {
        const asked = [`${prefix}7`, `${prefix}149`, `${prefix}1`];
        expect(await server.call(command, key, word, "3", ...asked)).toEqual([
          Number(far),
          Number(far),
          -1,
        ]);
      }
      expect(await server.call("HKEYS", "small")).toEqual(["b", "c"]);
      expect(await server.call("EXISTS", "short")).toBe(0);
      await server.stop();
    });
  });

  test("is the state at which it began, though everything changes while it is written", () => {
    const random = seeded("command snapshot");
    for (let round = 0; round < 5 * rounds; round++) {
      const server = new TestEngine();
      for (const line of everyKind(random, "")) server.run(...line);
      const keys = server.run("KEYS", "*");
      if (keys.type !== "array") throw new Error(show(keys));
      const wanted = show(server.run("DEBUG", "DIGEST"));
      const sink = new MemorySink();
      const snapshot = startSnapshot(server.engine, sink, () => {}, { asCommands: true });
      let more = true;
      for (const key of keys.items) {
        more = snapshot.step(random.below(20_000));
        server.run("DEL", "text" in key ? key.text : "");
        server.run("SET", `new ${random.below(10)}`, "v");
      }
      if (more) snapshot.step(Infinity);
      const copy = new TestEngine();
      for (const line of commandsOf(sink.bytes)) {
        expect([line[0], show(copy.run(...line))]).toEqual([
          line[0],
          expect.not.stringMatching(/^-/),
        ]);
      }
      expect(show(copy.run("DEBUG", "DIGEST"))).toBe(wanted);
    }
  });

  test("that is damaged refuses the start", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      await server.call("SET", "key", "a value that changes");
      await rewritten(server);
      await server.stop();
      const path = join(logFolder(folder), BASE);
      const bytes = readFileSync(path);
      bytes[bytes.indexOf("changes")]! ^= 1;
      await Bun.write(path, bytes);
      let reason = "";
      try {
        server = await serve(folder);
        await server.stop();
      } catch (error) {
        reason = String(error);
      }
      expect(reason).toContain("checksum");
    });
  });

  test.skipIf(redisMissing !== null)(
    "is accepted by redis-check-aof and loaded by redis-server",
    async () => {
      await inFolder(async (folder) => {
        let server = await serve(folder);
        await fill(server, "command base for redis");
        await rewritten(server);
        await server.call("SET", "after", "1");
        await server.stop();
        const check = Bun.spawnSync(["redis-check-aof", manifestPath(folder)]);
        expect(check.stdout.toString()).toContain("All AOF files and manifest are valid");
        const redis = await startRedis(["--appendonly", "yes", "--dir", folder]);
        server = await serve(folder);
        expect(await compareData(server.port, redis.port)).toEqual([]);
        await redis.stop();
        await server.stop();
      });
    },
  );
});

/** The commands of a file without its marks. */
function* commandsOf(file: Buffer): Generator<string[]> {
  const text = file.toString("latin1");
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (text[at] === "#") {
      at = lineEnd + 2;
      continue;
    }
    const line: string[] = [];
    const count = Number(text.slice(at + 1, lineEnd));
    at = lineEnd + 2;
    for (let i = 0; i < count; i++) {
      const end = text.indexOf("\r\n", at);
      const size = Number(text.slice(at + 1, end));
      line.push(text.slice(end + 2, end + 2 + size));
      at = end + 4 + size;
    }
    yield line;
  }
}
