/**
 * Glob patterns: small ones beside a plain recursive matcher, and ones of up to a megabyte that are made to be slow, on long texts.
 * A case is a byte of switches (1: letters of either case are the same, 2: both parts are repeated), the pattern's length in two
 * bytes, the pattern, and the text.
 */
import { matchesGlob, renewSearches } from "../../../src/base/glob.ts";
import type { Random } from "../../../src/base/random.ts";
import { pick } from "../../support/seed.ts";
import type { Run, Target } from "../target.ts";

const HEADER_SIZE = 3;
/** Bytes of a repeated pattern and of a repeated text. */
const LARGE_SIZE = 64 * 1024;
/** One of so many cases is large. */
const LARGE_ONE_IN = 500;

const PIECES = [
  "*",
  "*",
  "?",
  "a",
  "b",
  "A",
  "z",
  "[ab]",
  "[^a]",
  "[a-z]",
  "[z-a]",
  "[",
  "]",
  "^",
  "-",
];
const MORE_PIECES = ["\\", "\\*", "\\a", "[\\]]", "[a-", "[^", "**", "\xff", "[\x80-\x7f]", "\0"];

export const patterns: Target = {
  name: "patterns",
  what: "glob patterns beside a plain matcher, and slow ones (S9)",
  hangMs: 50,
  start: () => new PatternRun(),
};

class PatternRun implements Run {
  make(random: Random): Buffer {
    const isLarge = random.below(LARGE_ONE_IN) === 0;
    const pieces = [...PIECES, ...MORE_PIECES];
    const pattern = Array.from({ length: random.below(isLarge ? 4 : 9) }, () =>
      pick(random, pieces),
    ).join("");
    const text = Array.from({ length: random.below(9) }, () =>
      pick(random, [..."aaabAz]-^[*\\\xff\0"]),
    ).join("");
    const header = Buffer.of(
      random.below(2) | (isLarge ? 2 : 0),
      pattern.length >> 8,
      pattern.length & 255,
    );
    return Buffer.concat([header, Buffer.from(pattern + text, "latin1")]);
  }

  check(bytes: Buffer): string {
    if (bytes.length < HEADER_SIZE) return "empty";
    const nocase = (bytes[0]! & 1) !== 0;
    const end = Math.min(bytes.length, HEADER_SIZE + bytes.readUInt16BE(1));
    let pattern = bytes.subarray(HEADER_SIZE, end);
    let text = bytes.subarray(end);
    const isLarge = (bytes[0]! & 2) !== 0;
    if (isLarge) {
      pattern = Buffer.alloc(pattern.length === 0 ? 0 : LARGE_SIZE, pattern);
      text = Buffer.alloc(text.length === 0 ? 0 : LARGE_SIZE, text);
    }
    renewSearches();
    const found = matchesGlob(pattern, 0, pattern.length, text, 0, text.length, nocase);
    if (isLarge) return "large";
    const expected =
      text.length === 0 ? pattern.length === 0 : matches([...pattern], [...text], nocase);
    if (found !== expected) {
      throw new Error(
        `${JSON.stringify([pattern.toString("latin1"), text.toString("latin1"), nocase])}: ${found}`,
      );
    }
    return found ? "matches" : "does not match";
  }
}

/** The rules of Redis, tried in every way. */
function matches(pattern: readonly number[], text: readonly number[], nocase: boolean): boolean {
  const [sign, ...rest] = pattern;
  if (sign === undefined) return text.length === 0;
  if (sign === 0x2a) {
    return (
      matches(rest, text, nocase) || (text.length > 0 && matches(pattern, text.slice(1), nocase))
    );
  }
  const [byte, ...after] = text;
  if (byte === undefined) return false;
  if (sign === 0x3f) return matches(rest, after, nocase);
  if (sign === 0x5b) {
    const read = readClass(rest, byte, nocase);
    return read.found && matches(rest.slice(read.size), after, nocase);
  }
  const isEscape = sign === 0x5c && rest.length > 0;
  const literal = isEscape ? rest[0]! : sign;
  if (!isSame(literal, byte, nocase)) return false;
  return matches(isEscape ? rest.slice(1) : rest, after, nocase);
}

/** Whether a byte is in the class that begins here, and the bytes that the class takes. */
function readClass(
  pattern: readonly number[],
  byte: number,
  nocase: boolean,
): { readonly found: boolean; readonly size: number } {
  const isNegated = pattern[0] === 0x5e;
  let at = isNegated ? 1 : 0;
  let found = false;
  for (; at < pattern.length && pattern[at] !== 0x5d; at++) {
    const sign = pattern[at]!;
    if (sign === 0x5c && at + 1 < pattern.length) {
      // An escaped byte is compared as it is.
      at++;
      found ||= pattern[at] === byte;
    } else if (pattern[at + 1] === 0x2d && at + 2 < pattern.length) {
      found ||= isBetween(sign, pattern[at + 2]!, byte, nocase);
      at += 2;
    } else {
      found ||= isSame(sign, byte, nocase);
    }
  }
  return { found: found !== isNegated, size: Math.min(at + 1, pattern.length) };
}

function isBetween(a: number, b: number, byte: number, nocase: boolean): boolean {
  const fold = nocase ? lower : (value: number): number => value;
  const [first, last] = [signed(a), signed(b)].toSorted((x, y) => x - y);
  const value = fold(signed(byte));
  return value >= fold(first!) && value <= fold(last!);
}

function isSame(a: number, b: number, nocase: boolean): boolean {
  return a === b || (nocase && lower(a) === lower(b));
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte;
}
