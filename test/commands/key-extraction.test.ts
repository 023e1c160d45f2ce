import { describe, expect, test } from "bun:test";
import { Command } from "../../src/commands/command.ts";
import { extractKeys, hasKeys, KeyList } from "../../src/commands/key-extraction.ts";
import type { KeySpec } from "../../src/commands/row.ts";
import { Args } from "../../src/protocol/args.ts";

function command(keys: readonly KeySpec[]): Command {
  return new Command({
    name: "c",
    arity: -1,
    flags: "",
    keys,
    since: "",
    group: "",
    summary: "",
    complexity: "",
    handler: () => {},
  });
}

/** The keys of the line, each with its flags; null if the line has the wrong form. */
function keysOf(keys: readonly KeySpec[], line: string, from = 0): string[] | null {
  const args = new Args();
  args.fill(line.split(" "));
  const list = new KeyList();
  if (!extractKeys(command(keys), args, from, list)) {
    expect(list.count).toBe(0);
    return null;
  }
  return list.positions
    .slice(0, list.count)
    .map((position, index) => `${args.text(position)} ${list.flags[index]}`);
}

const first: KeySpec = { flags: "RO", begin: 1, find: { last: 0, step: 1 } };
const all: KeySpec = { flags: "RM", begin: 1, find: { last: -1, step: 1 } };
const pairs: KeySpec = { flags: "OW", begin: 1, find: { last: -1, step: 2 } };
const counted: KeySpec = { flags: "RO", begin: 1, find: { countAt: 0, firstKey: 1, step: 1 } };
const countedPairs: KeySpec = { flags: "OW", begin: 1, find: { countAt: 0, firstKey: 1, step: 2 } };
/** As XREAD: the first half of what follows STREAMS. */
const streams: KeySpec = {
  flags: "RO",
  begin: { keyword: "STREAMS", from: 1 },
  find: { last: -1, step: 1, limit: 2 },
};
/** As MIGRATE: what follows KEYS, searched from the end. */
const fromEnd: KeySpec = {
  flags: "RW",
  begin: { keyword: "KEYS", from: -2 },
  find: { last: -1, step: 1 },
};

describe("key extraction", () => {
  test("finds keys at fixed places", () => {
    expect(keysOf([first], "c a b")).toEqual(["a RO"]);
    expect(keysOf([all], "c a b c")).toEqual(["a RM", "b RM", "c RM"]);
    expect(keysOf([pairs], "c a 1 b 2")).toEqual(["a OW", "b OW"]);
    expect(keysOf([first, { ...first, begin: 2, flags: "OW" }], "c a b")).toEqual(["a RO", "b OW"]);
  });

  test("finds keys by their count", () => {
    expect(keysOf([counted], "c 2 a b x")).toEqual(["a RO", "b RO"]);
    expect(keysOf([countedPairs], "c 2 a 1 b 2 x")).toEqual(["a OW", "b OW"]);
    for (const count of ["0", "-1", "4", "2147483648", "9223372036854775807", "x", "0x1"]) {
      expect(keysOf([counted], `c ${count} a b x`)).toBeNull();
    }
    expect(keysOf([counted], "c")).toBeNull();
  });

  test("a line with another number of keys than it has names none, its destination neither", () => {
    const stored = [first, { ...counted, begin: 2 }];
    expect(keysOf(stored, "c d 1 a")).toEqual(["d RO", "a RO"]);
    for (const count of ["0", "2", "100", "x"]) expect(keysOf(stored, `c d ${count} a`)).toBeNull();
    expect(keysOf([countedPairs], "c 2 a 1 b")).toEqual(["a OW", "b OW"]);
    expect(keysOf([countedPairs], "c 3 a 1 b 2")).toBeNull();
  });

  test("a number of keys is read as far as it is one, and of too great a one the low half", () => {
    for (const count of ["1x", "1.5", "+1", "01", "\t1", "4294967297", "-4294967295"]) {
      expect(keysOf([counted], `c ${count} a b`)).toEqual(["a RO"]);
    }
    for (const count of ["18446744073709551617", "-18446744073709551615", "--1", "+-1"]) {
      expect(keysOf([counted], `c ${count} a b`)).toBeNull();
    }
  });

  test("finds keys after a keyword", () => {
    expect(keysOf([streams], "c COUNT 1 streams a b 0 0")).toEqual(["a RO", "b RO"]);
    expect(keysOf([streams], "c a b")).toBeNull();
    expect(keysOf([streams], "c STREAMS")).toBeNull();
    expect(keysOf([fromEnd], "c h p x KEYS KEYS a b")).toEqual(["a RW", "b RW"]);
    expect(keysOf([fromEnd], "c h p x")).toBeNull();
  });

  test("looks at the line from the given argument on", () => {
    expect(keysOf([all], "command getkeys c a b", 2)).toEqual(["a RM", "b RM"]);
    expect(keysOf([counted], "command getkeys c 1 a", 2)).toEqual(["a RO"]);
    expect(keysOf([streams], "command streams c STREAMS a 0", 2)).toEqual(["a RO"]);
  });

  test("gives nothing for a line that is too short", () => {
    expect(keysOf([first], "c")).toBeNull();
    expect(keysOf([all], "c")).toBeNull();
    expect(keysOf([first, { ...first, begin: 3 }], "c")).toBeNull();
  });

  test("gives the keys that are there if others are not: PFMERGE without sources writes all the same", () => {
    expect(keysOf([first, { ...first, begin: 2, find: { last: -1, step: 1 } }], "c a")).toEqual([
      "a RO",
    ]);
  });

  test("leaves out what is no key, and gives up where there may be more", () => {
    const channel: KeySpec = { ...first, flags: "not_key" };
    expect(keysOf([channel], "c a")).toBeNull();
    expect(hasKeys(command([channel]))).toBe(false);
    expect(hasKeys(command([channel, first]))).toBe(true);
    expect(keysOf([{ ...first, flags: "RO incomplete" }], "c a")).toBeNull();
  });
});
