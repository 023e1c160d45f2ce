/** `hutch check`: what it says of sound and of damaged files, and what it makes of them. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "../../src/cli/check.ts";
import { createServer } from "../../src/create-server.ts";
import {
  inFolder,
  incrementPath,
  journalPath,
  logFolder,
  manifestPath,
} from "../persistence/folder.ts";
import { until } from "../support/until.ts";
import { runHutch } from "./run-hutch.ts";

/** A log of three writes. */
async function log(folder: string): Promise<Buffer> {
  const server = await createServer({ port: 0, dir: folder });
  for (const key of ["a", "b", "c"]) await server.call("SET", key, "value");
  await server.stop();
  return readFileSync(incrementPath(folder));
}

function say(...words: readonly string[]): { status: number; text: string } {
  const lines: string[] = [];
  const status = check(words, (line) => lines.push(line));
  return { status, text: lines.join("\n") };
}

describe("hutch check", () => {
  test("says that a log is valid", async () => {
    await inFolder(async (folder) => {
      const bytes = await log(folder);
      const { status, text } = say(incrementPath(folder));
      expect(status).toBe(0);
      expect(text).toContain(`${bytes.length} bytes with checksums, 4 commands`);
      expect(text).toContain("is valid");
    });
  });

  test("says where a log is damaged, and makes a sound copy of what stands before", async () => {
    await inFolder(async (folder) => {
      const bytes = await log(folder);
      const second = bytes.indexOf("value", bytes.indexOf("value") + 1);
      bytes[second]! ^= 4;
      const path = join(folder, "damaged");
      writeFileSync(path, bytes);
      const found = say(path);
      expect(found.status).toBe(1);
      expect(found.text).toContain(`is damaged at offset ${second + 7}`);
      expect(existsSync(`${path}.fixed`)).toBe(false);
      expect(say(path, "--fix").status).toBe(0);
      expect(bytes.equals(readFileSync(path))).toBe(true);
      const copy = readFileSync(`${path}.fixed`, "latin1");
      expect(copy).toContain("\r\na\r\n");
      expect(copy).not.toContain("\r\nb\r\n");
      expect(say(`${path}.fixed`).status).toBe(0);
    });
  });

  test("cuts a torn end off the copy", async () => {
    await inFolder(async (folder) => {
      const bytes = await log(folder);
      const path = join(folder, "torn");
      writeFileSync(path, bytes.subarray(0, bytes.length - 20));
      expect(say(path).text).toContain("its end is cut off");
      expect(say("--fix", path).status).toBe(0);
      expect(readFileSync(`${path}.fixed`, "latin1")).toContain("\r\nb\r\n");
    });
  });

  test("examines snapshots too", async () => {
    await inFolder(async (folder) => {
      const server = await createServer({ port: 0, dir: folder, appendonly: "no" });
      await server.call("SET", "a", "value");
      await server.call("SAVE");
      await server.stop();
      const path = join(folder, "dump.rdb");
      expect(say(path)).toEqual({ status: 0, text: `${path} is valid` });
      const bytes = readFileSync(path);
      bytes[bytes.indexOf("value")]! ^= 1;
      writeFileSync(path, bytes);
      const { status, text } = say(path, "--fix");
      expect(status).toBe(1);
      expect(text).toContain("is damaged at offset");
      expect(text).toContain("Nothing of it can be kept.");
    });
  });

  test("examines all files that a manifest names, in their order", async () => {
    await inFolder(async (folder) => {
      const server = await createServer({ port: 0, dir: folder });
      await server.call("SET", "a", "value");
      await server.call("BGREWRITEAOF");
      await until("the rewrite", async () => {
        const info = String(await server.call("INFO", "persistence"));
        return info.includes("aof_rewrites:1") && info.includes("aof_rewrite_in_progress:0");
      });
      await server.call("APPEND", "a", "more");
      await server.stop();
      const path = manifestPath(folder);
      const base = join(logFolder(folder), "appendonly.aof.1.base.rdb");
      const increment = incrementPath(folder, 2);
      const sound = say(path);
      expect(sound.status).toBe(0);
      expect(sound.text).toContain(`${base} is valid`);
      expect(sound.text).toContain(`${increment} is valid`);
      expect(sound.text).toEndWith(`${path}: all 2 files are valid`);
      expect(sound.text).not.toContain("journal");
      writeFileSync(journalPath(folder), "");
      expect(say(path).text).toContain(`${journalPath(folder)} was left by a server`);
      expect(say(path).status).toBe(0);

      const whole = readFileSync(increment);
      writeFileSync(increment, whole.subarray(0, whole.length - 20));
      const torn = say(path);
      expect(torn.status).toBe(1);
      expect(torn.text).toContain(`${increment} is damaged at offset`);
      expect(say(path, "--fix").status).toBe(0);
      expect(say(`${increment}.fixed`).status).toBe(0);
      writeFileSync(increment, whole);

      const bytes = readFileSync(base);
      bytes[bytes.indexOf("value")]! ^= 1;
      writeFileSync(base, bytes);
      const damaged = say(path, "--fix");
      expect(damaged.status).toBe(1);
      expect(damaged.text).toContain(`${base} is damaged at offset`);
      expect(damaged.text).toContain(`1 more of ${path} count on it`);
      rmSync(base);
      const missing = say(path);
      expect(missing.status).toBe(1);
      expect(missing.text).toContain("No such file or directory");
    });
  });

  test("says which line of a manifest is damaged", async () => {
    await inFolder((folder) => {
      const path = join(folder, "m");
      writeFileSync(path, "# what\nfile a seq 1 type i\nfile b seq 1 type i\n");
      const { status, text } = say(path);
      expect(status).toBe(1);
      expect(text).toContain("non-monotonic sequence number: line 3");
      return Promise.resolve();
    });
  });

  test("is a command of the program", async () => {
    const run = runHutch(["check", "/nowhere/at/all"]);
    expect(await run.exited).toBe(1);
    expect(run.out()).toContain("No such file or directory");
    const usage = runHutch(["check"]);
    expect(await usage.exited).toBe(1);
    expect(usage.out()).toContain("hutch check FILE [--fix]");
  });
});
