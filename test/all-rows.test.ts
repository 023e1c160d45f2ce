/** The commands of a server, and how much of the program it loads before it serves them. */
import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { allNames, allRows, FIRST_ROWS, LATE_ROWS } from "../src/all-rows.ts";
import { OPTION_ROWS } from "../src/base/option-table.ts";
import { Options } from "../src/base/options.ts";
import { CommandTable } from "../src/commands/table.ts";
import type { Instance } from "../src/instance.ts";
import { startInstance } from "../src/instance.ts";
import { Args } from "../src/protocol/args.ts";
import { RespClient } from "./support/resp-client.ts";

const SOURCE = join(import.meta.dir, "../src");
/** Files, and bytes of code without comments and types, that are loaded before the first client is served: 0.1 ms each, and 36 µs a KiB. */
const FILES_MAX = 205;
const CODE_MAX = 750_000;

const args = new Args();

function find(table: CommandTable, name: string): string | undefined {
  args.bytes = Buffer.from(name);
  args.clear();
  args.push(0, name.length);
  return table.find(args)?.fullName;
}

test("the names of the commands that are loaded late are those of their rows", () => {
  for (const { names, rows } of LATE_ROWS) {
    expect(rows().map(({ name }) => name)).toEqual([...names]);
  }
  expect(allRows().map(({ name }) => name)).toEqual(allNames());
  expect(new Set(allNames()).size).toBe(allNames().length);
});

test("a command is found by its name, with all that are loaded with it and no other", () => {
  const table = new CommandTable(FIRST_ROWS, LATE_ROWS);
  expect(find(table, "get")).toBe("get");
  expect(find(table, "no-such-command")).toBeUndefined();
  expect(find(table, "x".repeat(1000))).toBeUndefined();
  expect(table.loaded.length).toBe(FIRST_ROWS.length);
  const group = LATE_ROWS.find(({ names }) => names.includes("zadd"))!;
  expect(find(table, "zAdD")).toBe("zadd");
  expect(table.loaded.length).toBe(FIRST_ROWS.length + group.names.length);
  expect(table.byName("zscore")?.fullName).toBe("zscore");
  expect(table.byName("config|get")?.fullName).toBe("config|get");
  expect(table.byName("zscor")).toBeNull();
  expect(table.commands.map(({ fullName }) => fullName).toSorted()).toEqual(allNames().toSorted());
  expect(new Set(table.commands.map(({ id }) => id)).size).toBe(allNames().length);
  expect(table.loaded).toEqual(table.commands);
});

test("commands that could not be loaded are found the next time", () => {
  const group = LATE_ROWS.find(({ names }) => names.includes("zadd"))!;
  let fails = true;
  const rows = (): ReturnType<typeof group.rows> => {
    if (fails) throw new Error("EMFILE");
    return group.rows();
  };
  const table = new CommandTable(FIRST_ROWS, [{ names: group.names, rows }]);
  expect(() => find(table, "zadd")).toThrow("EMFILE");
  fails = false;
  expect(find(table, "zadd")).toBe("zadd");
});

test("every command is found by its name alone", () => {
  for (const name of allNames()) {
    expect(find(new CommandTable(FIRST_ROWS, LATE_ROWS), name.toUpperCase())).toBe(name);
  }
});

test("a server loads little before it serves its first client", () => {
  const files = reachable(join(SOURCE, "server.ts"));
  const code = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
  const names = [...files.keys()].map((path) => relative(SOURCE, path));
  expect(names.some((name) => name.startsWith("scripting/"))).toBe(false);
  expect(files.size).toBeLessThanOrEqual(FILES_MAX);
  expect(code).toBeLessThanOrEqual(CODE_MAX);
});

/** The files that a file needs from the beginning, itself included, with the bytes of their code. */
function reachable(entry: string): Map<string, number> {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const files = new Map<string, number>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue;
    const text = readFileSync(path, "utf8").replace(/^#!.*/, "");
    files.set(path, transpiler.transformSync(text).length);
    for (const { path: target, kind } of transpiler.scanImports(text)) {
      if (kind === "import-statement" && target.startsWith(".")) {
        waiting.push(join(dirname(path), target));
      }
    }
  }
  return files;
}

let hutch: Instance | null = null;

afterEach(async () => {
  await hutch?.stop();
  hutch = null;
});

test("rules of users hold for commands that were not yet loaded when the rules were made", async () => {
  const options = new Options(OPTION_ROWS);
  for (const [name, value] of Object.entries({ port: "0", bind: "127.0.0.1", save: "" })) {
    options.set(name, value);
  }
  hutch = startInstance({ options });
  const admin = await RespClient.connect(hutch.port);
  const make = async (name: string, ...rules: string[]): Promise<RespClient> => {
    await admin.text("ACL", "SETUSER", name, "on", "nopass", "~*", ...rules);
    const client = await RespClient.connect(hutch!.port);
    await client.text("AUTH", name, "any");
    return client;
  };
  const reader = await make("reader", "-@all", "+get", "+sismember");
  const writer = await make("writer", "+@all", "-sadd");
  const denied = expect.stringContaining("no permissions");
  expect(await reader.text("SMEMBERS", "s")).toEqual(denied);
  expect(await reader.text("SISMEMBER", "s", "a")).toBe(":0");
  expect(await writer.text("SADD", "s", "a")).toEqual(denied);
  expect(await writer.text("ZADD", "z", "1", "a")).toBe(":1");
  for (const client of [admin, reader, writer]) client.close();
});
