/**
 * Lua's patterns: matching by backtracking, as the manual describes them (www.lua.org/manual/5.1/manual.html#5.4.1), on strings of
 * one character a byte. Every step counts on the meter, since a pattern may take a time that is exponential in its length.
 */
import { LuaError } from "./errors.ts";
import { meter } from "./meter.ts";
import type { LuaValue } from "./values.ts";

export const CAPTURES_MAX = 32;

// What the length of a capture says where it is none.
const UNFINISHED = -1;
const POSITION = -2;

const PERCENT = 0x25;
const OPEN = 0x28;
const CLOSE = 0x29;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const QUESTION = 0x3f;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const CARET = 0x5e;
const DOLLAR = 0x24;

const NO_MATCH = -1;

/** Classes of characters by letter, as C's locale has them: one bit a class. */
const CLASSES: Readonly<Record<string, (code: number) => boolean>> = {
  a: isAlpha,
  c: (code) => code < 32 || code === 127,
  d: isDigit,
  l: (code) => code >= 97 && code <= 122,
  p: (code) => code > 32 && code < 127 && !isAlpha(code) && !isDigit(code),
  s: (code) => code === 32 || (code >= 9 && code <= 13),
  u: (code) => code >= 65 && code <= 90,
  w: (code) => isAlpha(code) || isDigit(code),
  x: (code) => isDigit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70),
  z: (code) => code === 0,
};

const CODES: readonly number[] = Array.from({ length: 256 }, (_, code) => code);

/** By code of a letter in either case: which codes are in the class. */
const CLASS_TABLES: readonly (Uint8Array | undefined)[] = Array.from(
  { length: 128 },
  (_, letter) => {
    const name = String.fromCharCode(letter);
    const lower = name.toLowerCase();
    const test = Object.hasOwn(CLASSES, lower) ? CLASSES[lower] : undefined;
    if (test === undefined) return undefined;
    return Uint8Array.from(CODES, (code) => Number(test(code) === (name === lower)));
  },
);

function isAlpha(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export class Matcher {
  readonly subject: string;
  readonly pattern: string;
  /** Captures so far. */
  level = 0;
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];

  constructor(subject: string, pattern: string) {
    this.subject = subject;
    this.pattern = pattern;
  }

  /** Matches at one place. @param from index in the pattern to begin at @returns index behind the match, or -1 */
  matchAt(at: number, from: number): number {
    this.level = 0;
    return this.#match(at, from);
  }

  /** A capture; the whole match if there are none. */
  capture(index: number, start: number, end: number): LuaValue {
    if (index >= this.level) {
      if (index !== 0) throw LuaError.here("invalid capture index");
      return this.subject.slice(start, end);
    }
    const length = this.#lengths[index]!;
    const from = this.#starts[index]!;
    if (length === UNFINISHED) throw LuaError.here("unfinished capture");
    return length === POSITION ? from + 1 : this.subject.slice(from, from + length);
  }

  /** All captures. @param wholeIfNone gives the whole match where there are none */
  captures(start: number, end: number, wholeIfNone: boolean): LuaValue[] {
    const count = this.level === 0 && wholeIfNone ? 1 : this.level;
    const values: LuaValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.capture(i, start, end));
    return values;
  }

  // ---- inside: `s` is an index in the subject, `p` one in the pattern ----

  #match(sStart: number, pStart: number): number {
    const { pattern, subject } = this;
    let s = sStart;
    let p = pStart;
    for (;;) {
      if (--meter.steps < 0) meter.look();
      if (p === pattern.length) return s;
      const code = pattern.charCodeAt(p);
      switch (code) {
        case OPEN: {
          const isPosition = pattern.charCodeAt(p + 1) === CLOSE;
          return isPosition ? this.#open(s, p + 2, POSITION) : this.#open(s, p + 1, UNFINISHED);
        }
        case CLOSE:
          return this.#close(s, p + 1);
        case DOLLAR:
          // Only at the end of the pattern it is more than a character.
          if (p + 1 === pattern.length) return s === subject.length ? s : NO_MATCH;
          break;
        case PERCENT: {
          const next = pattern.charCodeAt(p + 1);
          if (next === 0x62) {
            s = this.#balance(s, p + 2);
            if (s === NO_MATCH) return NO_MATCH;
            p += 4;
            continue;
          }
          if (next === 0x66) {
            p += 2;
            if (pattern.charCodeAt(p) !== BRACKET) {
              throw LuaError.here("missing '[' after '%f' in pattern");
            }
            const end = this.#classEnd(p);
            const before = s === 0 ? 0 : subject.charCodeAt(s - 1);
            const here = s < subject.length ? subject.charCodeAt(s) : 0;
            if (this.#inSet(before, p, end - 1) || !this.#inSet(here, p, end - 1)) return NO_MATCH;
            p = end;
            continue;
          }
          if (isDigit(next)) {
            s = this.#backReference(s, next);
            if (s === NO_MATCH) return NO_MATCH;
            p += 2;
            continue;
          }
          break;
        }
      }
      const end = this.#classEnd(p);
      const matches = s < subject.length && this.#single(subject.charCodeAt(s), p, end);
      switch (pattern.charCodeAt(end)) {
        case QUESTION: {
          if (matches) {
            const found = this.#match(s + 1, end + 1);
            if (found !== NO_MATCH) return found;
          }
          p = end + 1;
          continue;
        }
        case STAR:
          return this.#longest(s, p, end);
        case PLUS:
          return matches ? this.#longest(s + 1, p, end) : NO_MATCH;
        case MINUS:
          return this.#shortest(s, p, end);
        default:
          if (!matches) return NO_MATCH;
          s++;
          p = end;
      }
    }
  }

  #open(s: number, p: number, what: number): number {
    const { level } = this;
    if (level >= CAPTURES_MAX) throw LuaError.here("too many captures");
    this.#starts[level] = s;
    this.#lengths[level] = what;
    this.level = level + 1;
    const end = this.#match(s, p);
    if (end === NO_MATCH) this.level--;
    return end;
  }

  #close(s: number, p: number): number {
    let level = this.level - 1;
    while (level >= 0 && this.#lengths[level] !== UNFINISHED) level--;
    if (level < 0) throw LuaError.here("invalid pattern capture");
    this.#lengths[level] = s - this.#starts[level]!;
    const end = this.#match(s, p);
    if (end === NO_MATCH) this.#lengths[level] = UNFINISHED;
    return end;
  }

  #backReference(s: number, code: number): number {
    const index = code - 0x31;
    if (index < 0 || index >= this.level || this.#lengths[index] === UNFINISHED) {
      throw LuaError.here("invalid capture index");
    }
    const from = this.#starts[index]!;
    const length = Math.max(0, this.#lengths[index]!);
    const text = this.subject.slice(from, from + length);
    return this.subject.startsWith(text, s) ? s + length : NO_MATCH;
  }

  #balance(start: number, p: number): number {
    const { pattern, subject } = this;
    if (p + 1 >= pattern.length) throw LuaError.here("unbalanced pattern");
    const open = pattern.charCodeAt(p);
    const close = pattern.charCodeAt(p + 1);
    if (start >= subject.length || subject.charCodeAt(start) !== open) return NO_MATCH;
    let depth = 1;
    for (let s = start + 1; s < subject.length; s++) {
      const code = subject.charCodeAt(s);
      if (code === close) {
        if (--depth === 0) {
          meter.charge(s - start);
          return s + 1;
        }
      } else if (code === open) {
        depth++;
      }
    }
    meter.charge(subject.length - start);
    return NO_MATCH;
  }

  /** Index behind the class of one character that begins at `p`. */
  #classEnd(p: number): number {
    const { pattern } = this;
    const code = pattern.charCodeAt(p);
    if (code === PERCENT) {
      if (p + 1 >= pattern.length) {
        throw LuaError.here("malformed pattern (ends with '%')");
      }
      return p + 2;
    }
    if (code !== BRACKET) return p + 1;
    let at = p + 1;
    if (pattern.charCodeAt(at) === CARET) at++;
    do {
      if (at >= pattern.length) throw LuaError.here("malformed pattern (missing ']')");
      const skipped = pattern.charCodeAt(at++);
      if (skipped === PERCENT && at < pattern.length) at++;
    } while (pattern.charCodeAt(at) !== BRACKET_END);
    return at + 1;
  }

  #single(code: number, p: number, end: number): boolean {
    const { pattern } = this;
    const kind = pattern.charCodeAt(p);
    switch (kind) {
      case DOT:
        return true;
      case PERCENT:
        return inClass(code, pattern.charCodeAt(p + 1));
      case BRACKET:
        return this.#inSet(code, p, end - 1);
      default:
        return kind === code;
    }
  }

  /** @param end index of the closing bracket */
  #inSet(code: number, start: number, end: number): boolean {
    const { pattern } = this;
    const isNegated = pattern.charCodeAt(start + 1) === CARET;
    for (let p = isNegated ? start + 2 : start + 1; p < end; p++) {
      const item = pattern.charCodeAt(p);
      if (item === PERCENT) {
        p++;
        if (inClass(code, pattern.charCodeAt(p))) return !isNegated;
      } else if (pattern.charCodeAt(p + 1) === MINUS && p + 2 < end) {
        if (item <= code && code <= pattern.charCodeAt(p + 2)) return !isNegated;
        p += 2;
      } else if (item === code) {
        return !isNegated;
      }
    }
    return isNegated;
  }

  #longest(s: number, p: number, end: number): number {
    const { subject } = this;
    let count = 0;
    while (s + count < subject.length && this.#single(subject.charCodeAt(s + count), p, end))
      count++;
    meter.steps -= count >> 3;
    for (; count >= 0; count--) {
      const found = this.#match(s + count, end + 1);
      if (found !== NO_MATCH) return found;
    }
    return NO_MATCH;
  }

  #shortest(start: number, p: number, end: number): number {
    const { subject } = this;
    for (let s = start; ; s++) {
      const found = this.#match(s, end + 1);
      if (found !== NO_MATCH) return found;
      if (s >= subject.length || !this.#single(subject.charCodeAt(s), p, end)) return NO_MATCH;
    }
  }
}

function inClass(code: number, letter: number): boolean {
  const table = CLASS_TABLES[letter];
  return table === undefined ? letter === code : table[code] === 1;
}
