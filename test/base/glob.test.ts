import { describe, expect, test } from "bun:test";
import { matchesGlob } from "../../src/base/glob.ts";
import { seeded } from "../support/seed.ts";
import { cpuMs } from "../support/cpu-time.ts";

function matches(pattern: string, text: string, nocase = false): boolean {
  // Inside larger buffers, so that reading past either end shows.
  const left = Buffer.from(`*${pattern}*`, "latin1");
  const right = Buffer.from(`*${text}*`, "latin1");
  return matchesGlob(left, 1, left.length - 1, right, 1, right.length - 1, nocase);
}

describe("glob patterns", () => {
  const YES: readonly (readonly [pattern: string, text: string])[] = [
    ["", ""],
    ["*", "anything"],
    ["**", "a"],
    ["a*", "a"],
    ["h?llo", "hello"],
    ["h*llo", "hllo"],
    ["h*l*o", "hello world hello"],
    ["h[ae]llo", "hallo"],
    ["h[^e]llo", "hallo"],
    ["h[a-b]llo", "hbllo"],
    ["h[b-a]llo", "hallo"],
    ["[a-]", "^"],
    ["[\\]]", "]"],
    ["[\\-a]", "a"],
    ["\\*", "*"],
    ["a\\", "a\\"],
    ["[abc", "b"],
    ["[^", "x"],
    ["*[0-9]", "key:7"],
    ["a*b?c", "aXbbYc"],
    ["\xff*", "\xff\x00"],
    ["[\x80-\xff]", "\xc0"],
  ];
  const NO: readonly (readonly [pattern: string, text: string])[] = [
    ["", "a"],
    ["a", ""],
    ["?", ""],
    // Callers that take a lone star for everything do so before they come here, as in Redis.
    ["*", ""],
    ["**", ""],
    ["h?llo", "hllo"],
    ["h[ae]llo", "hillo"],
    ["h[^e]llo", "hello"],
    ["[]", "]"],
    ["[a-]", "-"],
    ["[", "["],
    ["a*b", "ab "],
    ["*abc", "abcabd"],
    ["\\", ""],
    ["[a-\xff]", "z"],
    ["A", "a"],
  ];

  test.each([...YES])("%p matches %p", (pattern, text) => {
    expect(matches(pattern, text)).toBe(true);
  });

  test.each([...NO])("%p does not match %p", (pattern, text) => {
    expect(matches(pattern, text)).toBe(false);
  });

  test("letters of either case are the same if asked for", () => {
    expect(matches("MAX*[A-Z]olicy", "maxmemory-policy", true)).toBe(true);
    // The ends of a range are put in order before their case is ignored.
    expect(matches("MAX*[S-a]amples", "maxmemory-samples", true)).toBe(false);
    expect(matches("mAx\\Memory", "MaXmEmORY", true)).toBe(true);
    // An escaped byte of a class is compared as it is.
    expect(matches("[\\M]ax", "max", true)).toBe(false);
    expect(matches("[^M]ax", "max", true)).toBe(false);
  });

  test("random patterns match what a plain recursive matcher matches", () => {
    const random = seeded("glob patterns");
    const draw = (letters: string, length: number): string =>
      Array.from({ length }, () => letters[random.below(letters.length)]!).join("");
    let matched = 0;
    for (let i = 0; i < 20_000; i++) {
      const pattern = draw("ab*?", random.below(9));
      const text = draw("ab", 1 + random.below(8));
      const expected = recursive(pattern, text);
      if (expected) matched++;
      if (matches(pattern, text) !== expected) throw new Error(`"${pattern}" on "${text}"`);
    }
    expect(matched).toBeGreaterThan(1000);
  });

  test("more than a thousand stars match nothing, as in redis-server", () => {
    const text = "a".repeat(5000);
    expect(matches("*?".repeat(1000), text)).toBe(true);
    expect(matches("*?".repeat(1001), text)).toBe(false);
    expect(matches("*".repeat(100_000), text)).toBe(true);
  });
});

describe("patterns made to be slow (S9)", () => {
  const SIZE = 1024 * 1024;
  const text = "a".repeat(SIZE);
  const PATTERNS: readonly (readonly [name: string, pattern: string])[] = [
    ["thirty stars", `${"*a".repeat(30)}b`],
    ["a megabyte of stars and bytes", `${"*a".repeat(SIZE / 2)}b`],
    ["a megabyte of stars and question marks", "*?".repeat(SIZE / 2)],
    ["half a megabyte of bytes between two stars", `*${"a".repeat(SIZE / 2)}b*`],
    ["a class of a megabyte", `*[${"a".repeat(SIZE)}]b`],
    ["a megabyte of classes that never end", "*[".repeat(SIZE / 2)],
    ["a megabyte of question marks", `*${"?".repeat(SIZE / 2)}b*`],
    ["a megabyte of backslashes", `*${"\\a".repeat(SIZE / 2)}`],
  ];

  test.each([...PATTERNS])("%s end soon on a text of a megabyte", (_name, pattern) => {
    const begin = cpuMs();
    const found = matches(pattern, text);
    const ms = cpuMs() - begin;
    expect(found).toBe(false);
    // About 30 ms each on an idle machine, hours without the guard.
    expect(ms).toBeLessThan(1000);
  });

  test("thirty stars take less than 50 ms on a key of ordinary length", () => {
    const pattern = Buffer.from(`${"*a".repeat(30)}b`);
    const key = Buffer.from("a".repeat(1000));
    const begin = cpuMs();
    expect(matchesGlob(pattern, 0, pattern.length, key, 0, key.length)).toBe(false);
    expect(cpuMs() - begin).toBeLessThan(50);
  });

  test("long texts are still searched to their end", () => {
    const end = `${"a".repeat(4 * SIZE)}needle`;
    expect(matches("*[m-o]ee?le", end)).toBe(true);
    expect(matches("*needle*", end)).toBe(true);
  });
});

/** Only for `*`, `?` and plain bytes, and texts that are not empty. */
function recursive(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const rest = pattern.slice(1);
  if (pattern[0] === "*") {
    for (let i = 0; i <= text.length; i++) if (recursive(rest, text.slice(i))) return true;
    return false;
  }
  if (text === "") return false;
  return (pattern[0] === "?" || pattern[0] === text[0]) && recursive(rest, text.slice(1));
}
