/** Servers that keep a log: what they were told is there after a restart, here and in redis-server. */
import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import { createServer } from "../../src/create-server.ts";
import { startInstance } from "../../src/instance.ts";
import { DataError } from "../../src/persistence/data-error.ts";
import { commandsOf } from "../effects/two-engines.ts";
import type { DocCommand } from "../differential/grammar.ts";
import { randomCommand, readDocs } from "../differential/grammar.ts";
import { compareData } from "../differential/data-set.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { inFolder, incrementPath, logFolder, manifestPath } from "./folder.ts";

const COMMANDS = 2000 * rounds;

function serve(dir: string, more: Readonly<Record<string, string>> = {}) {
  return createServer({ port: 0, dir, "enable-debug-command": "yes", ...more });
}

/** Sends random commands over a connection, half of them in transactions. @param docsPort of the server whose commands they are */
async function sendRandom(port: number, name: string, docsPort = port): Promise<void> {
  const random = seeded(name);
  const knower = await RespClient.connect(docsPort, 3);
  const docs: DocCommand[] = await readDocs(knower, () => true);
  knower.close();
  const client = await RespClient.connect(port, 3);
  const lines = Array.from({ length: COMMANDS }, () => randomCommand(random, docs).line);
  for (let at = 0; at < lines.length; at += 50) {
    const some = lines.slice(at, at + 50);
    const isOne = random.below(2) === 0;
    await client.pipeline(
      isOne ? [["MULTI"], ...some.slice(0, 10), ["EXEC"], ...some.slice(10)] : some,
    );
  }
  client.close();
}

describe("a server with a log", () => {
  for (const policy of ["always", "everysec", "no"]) {
    test(`has after a restart what it had before (appendfsync ${policy})`, async () => {
      await inFolder(async (folder) => {
        let server = await serve(folder, { appendfsync: policy });
        await sendRandom(server.port, `restart, ${policy}`);
        const digest = await server.call("DEBUG", "DIGEST");
        await server.stop();
        server = await serve(folder, { appendfsync: policy });
        expect(await server.call("DEBUG", "DIGEST")).toBe(digest);
        await server.call("SET", "more", "1");
        await server.stop();
        server = await serve(folder);
        expect(await server.call("GET", "more")).toBe("1");
        await server.stop();
      });
    });
  }

  test("refuses to work in the directory of another one, and may when that has stopped", async () => {
    await inFolder(async (folder) => {
      const first = await serve(folder);
      expect(serve(folder)).rejects.toThrow("in use by another server");
      await first.stop();
      await (await serve(folder)).stop();
    });
  });

  test("keeps a key whose time came between commands that changed it", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      // An hour ago, for the server that comes after.
      server.clock.freeze(Date.now() - 3_600_000);
      await server.call("SET", "n", "1", "PX", "50");
      await server.call("INCR", "n");
      await server.call("PERSIST", "n");
      await server.call("SET", "gone", "1", "PX", "50");
      await server.stop();
      server = await serve(folder);
      expect(await server.call("GET", "n")).toBe("2");
      expect(await server.call("GET", "gone")).toBeNull();
      await server.stop();
    });
  });

  test("cuts off a torn end, writes behind it, and loses nothing at the start after (D5)", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      await server.call("SET", "a", "1");
      await server.call("SET", "b", "2");
      await server.stop();
      const path = incrementPath(folder);
      truncateSync(path, statSync(path).size - 20);
      expect(serve(folder, { "aof-load-truncated": "no" })).rejects.toThrow(
        "Unexpected end of file",
      );
      await Bun.sleep(1);
      server = await serve(folder);
      expect(await server.call("MGET", "a", "b")).toEqual(["1", null]);
      await server.call("SET", "c", "3");
      await server.stop();
      server = await serve(folder, { "aof-load-truncated": "no" });
      expect(await server.call("MGET", "a", "b", "c")).toEqual(["1", null, "3"]);
      await server.stop();
    });
  });

  test("has after DEBUG LOADAOF what it had before, and goes on in the same log", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      expect(await server.call("DEBUG", "LOADAOF")).toBe("OK");
      await sendRandom(server.port, "DEBUG LOADAOF");
      await server.call("SET", "expires", "1", "PX", "100000");
      for (let times = 0; times < 2; times++) {
        const digest = await server.call("DEBUG", "DIGEST");
        const { size } = statSync(incrementPath(folder));
        // What is not in the log is gone: here nothing is.
        expect(await server.call("DEBUG", "LOADAOF")).toBe("OK");
        expect(await server.call("DEBUG", "DIGEST")).toBe(digest);
        expect(statSync(incrementPath(folder)).size).toBe(size);
        await server.call("INCR", "after");
      }
      const digest = await server.call("DEBUG", "DIGEST");
      await server.stop();
      server = await serve(folder, { appendonly: "no" });
      expect(await server.call("DBSIZE")).toBe(0);
      expect(await server.call("DEBUG", "LOADAOF")).toBe("OK");
      expect(await server.call("DEBUG", "DIGEST")).toBe(digest);
      await server.stop();
    });
    await inFolder(async (folder) => {
      const server = await serve(folder, { appendonly: "no" });
      await server.call("SET", "stays", "1");
      const reply = server.call("DEBUG", "LOADAOF");
      expect(await reply.catch((error: Error) => error.message)).toBe(
        "ERR There is no AOF to load.",
      );
      expect(await server.call("GET", "stays")).toBe("1");
      await server.stop();
    });
  });

  test("tells the time between writes if it is wished, once a second", async () => {
    await inFolder(async (folder) => {
      const times = (): number[] =>
        [...readFileSync(incrementPath(folder), "latin1").matchAll(/\r\n#TS:(\d+)\r\n[*]/g)].map(
          ([, seconds]) => Number(seconds),
        );
      let server = await serve(folder);
      await server.call("SET", "n", "0");
      expect(times()).toEqual([]);
      await server.call("CONFIG", "SET", "aof-timestamp-enabled", "yes");
      const begin = Math.floor(Date.now() / 1000) - 1;
      let writes = 0;
      await until("a third time", async () => {
        writes = Number(await server.call("INCR", "n"));
        return times().length === 3;
      });
      const [first, second, third] = times();
      expect(first).toBeGreaterThanOrEqual(begin);
      expect(second).toBeGreaterThan(first!);
      expect(third).toBeGreaterThan(second!);
      await server.stop();
      server = await serve(folder, { "aof-timestamp-enabled": "yes" });
      expect(await server.call("GET", "n")).toBe(String(writes));
      await server.call("INCR", "n");
      expect(times().length).toBe(4);
      await server.stop();
      if (redisMissing !== null) return;
      // Redis's own program cuts it at a time.
      const cut = [
        "redis-check-aof",
        "--truncate-to-timestamp",
        String(second),
        manifestPath(folder),
      ];
      const checked = Bun.spawnSync(cut);
      expect(checked.stdout.toString()).toContain("Successfully truncated AOF");
      expect(times()).toEqual([first!, second!]);
      server = await serve(folder);
      expect(Number(await server.call("GET", "n"))).toBeLessThan(writes);
      await server.stop();
    });
  });

  test("does not start from a damaged log, and says where it is damaged", async () => {
    await inFolder(async (folder) => {
      const server = await serve(folder);
      await server.call("SET", "a", "value");
      await server.stop();
      const path = incrementPath(folder);
      const bytes = readFileSync(path);
      const at = bytes.indexOf("value");
      bytes[at]! ^= 1;
      writeFileSync(path, bytes);
      const error = await serve(folder).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(DataError);
      expect(String(error)).toContain(`at offset ${at + "value\r\n".length}`);
      // The directory is free again.
      bytes[at]! ^= 1;
      writeFileSync(path, bytes);
      await (await serve(folder)).stop();
    });
  });

  test("answers that it is loading while it loads, and INFO meanwhile", async () => {
    await inFolder(async (folder) => {
      mkdirSync(logFolder(folder));
      const line = encodeCommand(["INCR", "n"]);
      writeFileSync(incrementPath(folder), Buffer.concat(new Array(300_000).fill(line)));
      writeFileSync(manifestPath(folder), "file appendonly.aof.1.incr.aof seq 1 type i\n");
      const options = new Options(OPTION_ROWS);
      for (const [name, value] of [
        ["port", "0"],
        ["dir", folder],
        ["appendonly", "yes"],
      ] as const) {
        options.set(name, value);
      }
      const instance = startInstance({ options });
      const client = await RespClient.connect(instance.port);
      expect(await client.text("GET", "n")).toBe("-LOADING Redis is loading the dataset in memory");
      const info = await client.text("INFO", "persistence");
      expect(info).toContain("loading:1");
      expect(info).toMatch(/loading_loaded_perc:\d/);
      await instance.loaded;
      expect(await client.text("GET", "n")).toContain("300000");
      client.close();
      await instance.stop();
    });
  });

  test("has nothing to load at its first start, and answers at once", async () => {
    await inFolder(async (folder) => {
      const options = new Options(OPTION_ROWS);
      for (const [name, value] of Object.entries({ port: "0", dir: folder, appendonly: "yes" })) {
        options.set(name, value);
      }
      const instance = startInstance({ options });
      expect(instance.engine.loading).toBeNull();
      await instance.stop();
    });
  });

  test("takes over the one file of an older Redis", async () => {
    await inFolder(async (folder) => {
      const single = join(folder, "appendonly.aof");
      writeFileSync(single, encodeCommand(["SET", "old", "1"]));
      const server = await serve(folder);
      expect(await server.call("GET", "old")).toBe("1");
      await server.stop();
      expect(existsSync(single)).toBe(false);
      expect(readFileSync(manifestPath(folder), "latin1")).toBe(
        "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
      );
    });
  });

  test("needs every file that its manifest names", async () => {
    await inFolder(async (folder) => {
      mkdirSync(logFolder(folder));
      writeFileSync(manifestPath(folder), "file appendonly.aof.1.incr.aof seq 1 type i\n");
      const error = await serve(folder).catch((reason: unknown) => String(reason));
      expect(error).toContain("The AOF file appendonly.aof.1.incr.aof doesn't exist");
    });
  });

  test("does not start where a file is torn that others follow, as later versions of Redis do not", async () => {
    await inFolder(async (folder) => {
      mkdirSync(logFolder(folder));
      const names = [1, 2].map((seq) => `file appendonly.aof.${seq}.incr.aof seq ${seq} type i\n`);
      writeFileSync(manifestPath(folder), names.join(""));
      writeFileSync(incrementPath(folder, 1), encodeCommand(["SET", "a", "1"]).subarray(0, 9));
      writeFileSync(incrementPath(folder, 2), encodeCommand(["SET", "b", "1"]));
      const error = await serve(folder).catch((reason: unknown) => String(reason));
      expect(error).toContain("in the middle of a command, though others follow it");
    });
  });

  test("writes what a client of the native protocol does", async () => {
    const { connect } = await import("../../src/index.ts");
    await inFolder(async (folder) => {
      let server = await serve(folder);
      const client = await connect({ port: server.port });
      await client.set("a", "1");
      await client.set("b", "2");
      await client.clear("a");
      client.close();
      await server.stop();
      const log = readFileSync(incrementPath(folder));
      const text = log.toString("latin1").replaceAll(/#CRC:\w+\r\n/g, "");
      expect(commandsOf(Buffer.from(text, "latin1")).slice(1)).toEqual([
        ["SET", "a", "1"],
        ["SET", "b", "2"],
        ["DEL", "a"],
      ]);
      server = await serve(folder);
      expect(await server.call("MGET", "a", "b")).toEqual([null, "2"]);
      await server.stop();
    });
  });
});

describe.skipIf(redisMissing !== null)("the log of Hutch", () => {
  test("is loaded by redis-server, which goes on in it, and the other way round", async () => {
    await inFolder(async (folder) => {
      let hutch = await serve(folder);
      // Of the commands that the redis-server knows that is installed.
      const reference = await startRedis();
      await sendRandom(hutch.port, "a log for redis-server", reference.port);
      await reference.stop();
      await hutch.stop();
      const check = Bun.spawnSync(["redis-check-aof", manifestPath(folder)]);
      expect(check.stdout.toString()).toContain("All AOF files and manifest are valid");
      const copy = join(folder, "copy");
      mkdirSync(join(copy, "appendonlydir"), { recursive: true });
      copyFileSync(incrementPath(folder), incrementPath(copy));
      copyFileSync(manifestPath(folder), manifestPath(copy));
      const redis = await startRedis(["--appendonly", "yes", "--dir", copy]);
      try {
        hutch = await serve(folder);
        expect(await compareData(hutch.port, redis.port)).toEqual([]);
        await hutch.stop();
        const client = await RespClient.connect(redis.port);
        await client.text("SET", "by-redis", "1");
        await client.text("SPOP", "none");
        client.close();
        await redis.terminate();
        hutch = await serve(copy);
        expect(await hutch.call("GET", "by-redis")).toBe("1");
        await hutch.stop();
      } finally {
        await redis.stop();
      }
    });
  });
});
