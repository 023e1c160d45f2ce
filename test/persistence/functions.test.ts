/** Function libraries are data: in the log, in snapshots, in both forms of a base, and redis-server reads them there. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import type { EmbeddedServer } from "../../src/create-server.ts";
import { createServer } from "../../src/create-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";
import { inFolder } from "./folder.ts";

const CODE =
  "#!lua name=lib\nredis.register_function('hello', function(keys, args) return 'hello ' .. args[1] end)";
const BYTES = Buffer.concat([Buffer.from(`${CODE}\n-- `), Buffer.from([0xff, 0x80, 0x01])]);

function serve(dir: string, more: Readonly<Record<string, string | boolean>> = {}) {
  return createServer({ port: 0, dir, "enable-debug-command": "yes", ...more });
}

async function hello(server: EmbeddedServer): Promise<unknown> {
  return server.call("FCALL", "hello", 0, "you");
}

describe("function libraries", () => {
  test("are there again after a restart, and gone when they were deleted", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder);
      expect(await server.call("FUNCTION", "LOAD", BYTES)).toBe("lib");
      await server.stop();
      server = await serve(folder);
      expect(await hello(server)).toBe("hello you");
      await server.call("DEBUG", "LOADAOF");
      expect(await hello(server)).toBe("hello you");
      await server.call("FUNCTION", "DELETE", "lib");
      await server.stop();
      server = await serve(folder);
      expect(hello(server)).rejects.toThrow("Function not found");
      await server.stop();
    });
  });

  for (const preamble of ["yes", "no"]) {
    test(`are in the base of a rewritten log (aof-use-rdb-preamble ${preamble})`, async () => {
      await inFolder(async (folder) => {
        let server = await serve(folder, { "aof-use-rdb-preamble": preamble });
        await server.call("FUNCTION", "LOAD", BYTES);
        await server.call("SET", "k", "v");
        await server.call("BGREWRITEAOF");
        await until("the rewrite's end", async () => {
          const info = String(await server.call("INFO", "persistence"));
          return info.includes("aof_rewrites:1") && info.includes("aof_rewrite_in_progress:0");
        });
        await server.stop();
        server = await serve(folder);
        expect(await hello(server)).toBe("hello you");
        expect(await server.call("GET", "k")).toBe("v");
        await server.stop();
      });
    });
  }

  test("are in a snapshot, which redis-server loads", async () => {
    await inFolder(async (folder) => {
      let server = await serve(folder, { appendonly: false });
      await server.call("FUNCTION", "LOAD", BYTES);
      await server.call("SAVE");
      await server.call("DEBUG", "RELOAD");
      expect(await hello(server)).toBe("hello you");
      await server.stop();
      server = await serve(folder, { appendonly: false });
      expect(await hello(server)).toBe("hello you");
      await server.stop();
      if (redisMissing !== null) return;
      expect(readdirSync(folder)).toContain("dump.rdb");
      const theirs = await startRedis(["--dir", folder]);
      const client = await RespClient.connect(theirs.port);
      expect(await client.text("FCALL", "hello", "0", "you")).toBe('"hello you"');
      const payload = await client.call("FUNCTION", "DUMP");
      client.close();
      await theirs.stop();
      server = await serve(folder, { appendonly: false });
      const bytes = Buffer.from((payload as { text: string }).text, "latin1");
      expect(server.call("FUNCTION", "RESTORE", bytes)).rejects.toThrow(
        "Library lib already exists",
      );
      expect(await server.call("FUNCTION", "RESTORE", bytes, "REPLACE")).toBe("OK");
      expect(await server.callBuffer("FUNCTION", "DUMP")).toEqual(bytes);
      await server.stop();
    });
  });
});
