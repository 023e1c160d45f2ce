import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options, UNKNOWN_OPTION } from "../../src/base/options.ts";
import { parseBytes } from "../../src/base/option-values.ts";
import { cpuMs } from "../support/cpu-time.ts";

function create(): Options {
  return new Options(OPTION_ROWS);
}

describe("the option table", () => {
  test("has one row a name, and defaults that are valid and canonical", () => {
    const options = create();
    const names = OPTION_ROWS.flatMap((row) => [row.name, ...(row.aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
    for (const row of OPTION_ROWS) {
      // No line of a file says that there is no primary.
      if (row.name === "replicaof") continue;
      expect([row.name, options.set(row.name, row.default)]).toEqual([row.name, null]);
      expect([row.name, options.text(row.name)]).toEqual([row.name, row.default]);
      expect(row.name).toBe(row.name.toLowerCase());
      expect([row.name, row.help.length > 0]).toEqual([row.name, true]);
    }
  });

  test("marks as inert what no part of the server reads", async () => {
    const root = new URL("../../src/", import.meta.url).pathname;
    let code = "";
    for (const path of new Glob("**/*.ts").scanSync(root)) {
      if (!path.startsWith("base/option")) code += await Bun.file(root + path).text();
    }
    // A name within a call on the options, or in the list of names that one change applies.
    const calls = code.match(/\b(?:text|number|flag|words|onChange|onApply)\(\s*\[?"[a-z-]+"/g)!;
    const read = new Set(calls.map((call) => call.slice(call.indexOf('"') + 1, -1)));
    for (const { name, inert } of OPTION_ROWS) {
      expect([name, inert === true || read.has(name)]).toEqual([name, true]);
    }
  });
});

describe("Options", () => {
  test("keeps sizes in bytes and words in lower case", () => {
    const options = create();
    expect(options.set("proto-max-bulk-len", "64MB")).toBeNull();
    expect(options.text("proto-max-bulk-len")).toBe("67108864");
    expect(options.number("proto-max-bulk-len")).toBe(64 * 1024 * 1024);
    expect(options.set("LogLevel", "DEBUG")).toBeNull();
    expect(options.text("loglevel")).toBe("debug");
    expect(options.set("protected-mode", "No")).toBeNull();
    expect(options.flag("protected-mode")).toBe(false);
    expect(options.set("slave-priority", "7")).toBeNull();
    expect(options.number("replica-priority")).toBe(7);
  });

  test("knows no option that only JavaScript has", () => {
    for (const name of ["__proto__", "constructor", "toString", "valueOf", ""]) {
      expect(create().set(name, "1")).toBe(UNKNOWN_OPTION);
      expect(create().setWords(name, ["1"])).toBe(UNKNOWN_OPTION);
    }
  });

  test("tells a listener now and after changes, not after refusals or the same value", () => {
    const options = create();
    const seen: string[] = [];
    options.onChange("hz", (value) => seen.push(value));
    options.set("hz", "20");
    options.set("hz", "20");
    options.set("hz", "x");
    options.setAll([
      ["hz", "30"],
      ["timeout", "x"],
    ]);
    options.set("hz", "9999");
    expect(seen).toEqual(["10", "20", "500"]);
  });

  test("takes everything back when a change can't be applied", () => {
    const options = create();
    const heard: string[] = [];
    const applied: string[] = [];
    options.onChange("timeout", (value) => heard.push(value));
    options.onApply(["port", "bind"], () => {
      applied.push(`${options.text("bind")} ${options.text("port")}`);
      return options.text("port") === "2" ? "taken" : null;
    });
    const refusal = options.setAll([
      ["timeout", "5"],
      ["port", "2"],
      ["bind", "::1"],
    ]);
    expect(refusal).toEqual({ name: "port", error: "taken" });
    expect(options.text("timeout")).toBe("0");
    expect(options.text("bind")).toBe("127.0.0.1 -::1");
    expect(heard).toEqual(["0"]);
    expect(applied).toEqual(["::1 2", "127.0.0.1 -::1 6379"]);
  });

  test("needs one word in a line, or as many as the option takes", () => {
    const options = create();
    expect(options.setWords("hz", ["1", "2"])).toBe("wrong number of arguments");
    expect(options.setWords("hz", [])).toBe("wrong number of arguments");
    expect(options.setWords("bind", ["a", "b"])).toBeNull();
    expect(options.words("bind")).toEqual(["a", "b"]);
    expect(options.setWords("bind", [])).toBeNull();
    expect(options.words("bind")).toEqual([]);
  });

  test("changes limits of one class of clients and keeps the others", () => {
    const options = create();
    expect(options.set("client-output-buffer-limit", "replica 1kb 2 3")).toBeNull();
    expect(options.text("client-output-buffer-limit")).toBe(
      "normal 268435456 67108864 60 slave 1024 2 3 pubsub 33554432 8388608 60",
    );
  });
});

test("sizes have Redis's units", () => {
  const sizes: readonly (readonly [string, bigint | null])[] = [
    ["1k", 1000n],
    ["1KB", 1024n],
    ["3m", 3_000_000n],
    ["3mb", 3n * 1024n ** 2n],
    ["2g", 2_000_000_000n],
    ["2Gb", 2n * 1024n ** 3n],
    ["7b", 7n],
    ["", 0n],
    ["99999999999999999999999", (1n << 64n) - 1n],
    ["17179869184gb", 0n],
    ["-1", null],
    ["1.5mb", null],
    ["1 kb", null],
    ["1t", null],
  ];
  for (const [text, bytes] of sizes) expect([text, parseBytes(text)]).toEqual([text, bytes]);
  const start = cpuMs();
  expect(parseBytes("9".repeat(1_000_000))).toBe((1n << 64n) - 1n);
  expect(cpuMs() - start).toBeLessThan(1000);
});
