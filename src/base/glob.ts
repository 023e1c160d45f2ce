/**
 * Glob patterns over bytes, as KEYS and CONFIG GET know them: `*` any run, `?` any byte, `[a-c]` and `[^ab]` one byte of a
 * class, backslash before a byte that means itself.
 *
 * Only the last star is ever tried again: what an earlier one might take instead, the last one can take as well. So a
 * match costs at most the product of both lengths, whatever the pattern, and there is no recursion.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;
const BACKSLASH = 0x5c;

/** Whether text[start, end) matches pattern[patternStart, patternEnd). @param anyCase ASCII letters match either case */
export function matchesGlob(
  pattern: Uint8Array,
  patternStart: number,
  patternEnd: number,
  text: Uint8Array,
  start: number,
  end: number,
  anyCase = false,
): boolean {
  let at = patternStart;
  let pos = start;
  /** After the last star, and where what it takes ends at present. */
  let afterStar = -1;
  let starEnd = 0;
  while (pos < end) {
    if (at < patternEnd && pattern[at] === STAR) {
      afterStar = ++at;
      starEnd = pos;
      if (at === patternEnd) return true;
      continue;
    }
    const next = at < patternEnd ? matchOne(pattern, at, patternEnd, text[pos]!, anyCase) : -1;
    if (next >= 0) {
      at = next;
      pos++;
    } else if (afterStar >= 0) {
      at = afterStar;
      pos = ++starEnd;
    } else {
      return false;
    }
  }
  while (at < patternEnd && pattern[at] === STAR) at++;
  return at === patternEnd;
}

/** Matches one byte against the element at pattern[at]. @returns the position after the element, or -1 */
function matchOne(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  anyCase: boolean,
): number {
  const first = pattern[at]!;
  if (first === QUESTION) return at + 1;
  if (first === OPEN) return matchClass(pattern, at + 1, end, byte, anyCase);
  const literalAt = first === BACKSLASH && at + 1 < end ? at + 1 : at;
  return same(pattern[literalAt]!, byte, anyCase) ? literalAt + 1 : -1;
}

/** A class whose bracket stands before `at`. One that is never closed ends with the pattern. */
function matchClass(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  anyCase: boolean,
): number {
  let pos = at;
  const negated = pos < end && pattern[pos] === CARET;
  if (negated) pos++;
  let found = false;
  while (pos < end && pattern[pos] !== CLOSE) {
    if (pattern[pos] === BACKSLASH && pos + 1 < end) {
      found ||= pattern[pos + 1] === byte;
      pos += 2;
    } else if (pos + 2 < end && pattern[pos + 1] === DASH) {
      found ||= inRange(pattern[pos]!, pattern[pos + 2]!, byte, anyCase);
      pos += 3;
    } else {
      found ||= same(pattern[pos]!, byte, anyCase);
      pos++;
    }
  }
  return found === negated ? -1 : Math.min(pos + 1, end);
}

function inRange(from: number, to: number, byte: number, anyCase: boolean): boolean {
  const [low, high] = from <= to ? [from, to] : [to, from];
  if (!anyCase) return byte >= low && byte <= high;
  const lower = lowerCase(byte);
  return lower >= lowerCase(low) && lower <= lowerCase(high);
}

function same(a: number, b: number, anyCase: boolean): boolean {
  return a === b || (anyCase && lowerCase(a) === lowerCase(b));
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
