/**
 * Glob patterns over bytes, by the rules of Redis: `*` any run, `?` any byte, `[abc]`, `[a-z]`, `[^a]` one of a class,
 * `\` takes the next byte as it is. An unclosed class ends with the pattern.
 *
 * Matching needs no recursion and no table. Only the last `*` passed can ever have to take one byte more: whatever
 * follows an earlier `*` was matched as far left as possible, and starting it later leaves less text for the rest. So the
 * work is at most the text's length times that of the longest part between two stars. Where even that is too much (a
 * pattern and a text of megabytes), the search gives up after a number of steps that no pattern of ordinary size needs.
 * Most of these steps are there once for all searches of a turn, since one command may search a million names.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BACKSLASH = 0x5c;
const CARET = 0x5e;
const DASH = 0x2d;

/** Stars (runs of them) that a search passes before it gives up, as Redis does. */
const STARS_MAX = 1000;

/** Steps that any search may take, about 20 us of work, ... */
const STEPS_MIN: number = 2 ** 13;
/** ... and how many for a byte of the text beyond that: reading a long text once is never too much. */
const STEPS_PER_BYTE = 8;
/** Steps that all searches of a turn may take beyond theirs, about 10 ms of work. */
const STEPS_SPARE: number = 2 ** 21;
/** So many bytes of a class, 2 to this power, are one step more. */
const CLASS_SHIFT = 1;
/** A class of this size is always read whole. */
const CLASS_SIZE_MIN = 64;

/** 1 for bytes that stand for themselves. */
const PLAIN: Uint8Array = new Uint8Array(256).fill(1);
for (const sign of [STAR, QUESTION, OPEN, BACKSLASH]) PLAIN[sign] = 0;

/** Index of the byte after the class that `inClass` read last. */
let classEnd = 0;

/** What is left of `STEPS_SPARE`. */
let spare = STEPS_SPARE;

/** Gives the searches that follow their spare steps again: a turn begins. */
export function renewSearches(): void {
  spare = STEPS_SPARE;
}

/**
 * Whether text[textStart, textEnd) as a whole matches pattern[start, end).
 * @param nocase takes ASCII letters of either case as the same
 */
export function matchesGlob(
  pattern: Uint8Array,
  start: number,
  end: number,
  text: Uint8Array,
  textStart: number,
  textEnd: number,
  nocase = false,
): boolean {
  let at = start;
  let pos = textStart;
  /** Where the pattern goes on after the last star, and the first byte of text that this star has not taken. */
  let afterStar = -1;
  let starEnd = 0;
  let stars = 0;
  let steps = spare + STEPS_MIN + STEPS_PER_BYTE * (textEnd - textStart);
  while (pos < textEnd) {
    if (--steps < spare) {
      spare = Math.max(0, steps);
      if (steps < 0) return false;
    }
    if (at < end) {
      const sign = pattern[at]!;
      if (sign === STAR) {
        const from = at;
        while (at < end && pattern[at] === STAR) at++;
        if (at === end) return true;
        steps -= at - from;
        if (++stars > STARS_MAX) return false;
        afterStar = at;
        starEnd = pos;
        continue;
      }
      if (PLAIN[sign] === 1 && !nocase) {
        if (at === afterStar) {
          // The star takes all up to the first byte that may begin the rest.
          while (pos < textEnd && text[pos] !== sign) pos++;
          starEnd = pos;
        }
        const from = pos;
        while (at < end && pos < textEnd && pattern[at] === text[pos] && PLAIN[text[pos]!] === 1) {
          at++;
          pos++;
        }
        steps -= pos - from;
        if (pos > from) continue;
      } else {
        let matches: boolean;
        let next = at + 1;
        if (sign === QUESTION) {
          matches = true;
        } else if (sign === OPEN) {
          // Of a class that is too long no more is read than the search may.
          const last = Math.min(end, at + CLASS_SIZE_MIN + Math.max(0, steps));
          matches = inClass(pattern, at + 1, last, text[pos]!, nocase);
          next = classEnd;
          steps -= (next - at) >> CLASS_SHIFT;
        } else {
          let literal = sign;
          if (sign === BACKSLASH && next < end) literal = pattern[next++]!;
          matches = literal === text[pos] || (nocase && lower(literal) === lower(text[pos]!));
        }
        if (matches) {
          at = next;
          pos++;
          continue;
        }
      }
    }
    if (afterStar === -1) return false;
    at = afterStar;
    pos = ++starEnd;
  }
  // Stars at the end match nothing too, though never an empty text: Redis looks at no pattern then.
  if (textStart !== textEnd) {
    for (; at < end && pattern[at] === STAR; at++) if (--steps < 0) return false;
  }
  return at === end;
}

/** Whether `byte` is in the class whose content begins at `at`; leaves the index after the class in `classEnd`. */
function inClass(
  pattern: Uint8Array,
  start: number,
  end: number,
  byte: number,
  nocase: boolean,
): boolean {
  let at = start;
  const negated = at < end && pattern[at] === CARET;
  if (negated) at++;
  let found = false;
  for (; at < end; at++) {
    const sign = pattern[at]!;
    if (sign === BACKSLASH && at + 1 < end) {
      if (pattern[++at] === byte) found = true;
    } else if (sign === CLOSE) {
      classEnd = at + 1;
      return found !== negated;
    } else if (at + 2 < end && pattern[at + 1] === DASH) {
      if (inRange(sign, pattern[at + 2]!, byte, nocase)) found = true;
      at += 2;
    } else if (sign === byte || (nocase && lower(sign) === lower(byte))) {
      found = true;
    }
  }
  classEnd = end;
  return found !== negated;
}

/**
 * Bytes compare as signed ones, as they do in Redis on x86. The ends of a range may stand in either order, which is that of
 * the bytes as they were written, before their case is ignored.
 */
function inRange(from: number, to: number, byte: number, nocase: boolean): boolean {
  const first = Math.min(signed(from), signed(to));
  const last = Math.max(signed(from), signed(to));
  const value = signed(byte);
  if (!nocase) return value >= first && value <= last;
  return lower(value) >= lower(first) && lower(value) <= lower(last);
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
