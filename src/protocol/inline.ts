/**
 * Inline commands: words between white space, as a person types them. Within double quotes \n \r \t \b \a, \xHH and
 * backslash before any other byte are escapes; within single quotes only \' is (Redis's sdssplitargs). Vertical tab and
 * form feed are white space between words and after a closing quote, but do not end a word.
 */
import { findByte } from "../base/bytes.ts";
import type { Args } from "./args.ts";

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;

const ESCAPES: Readonly<Record<number, number>> = {
  0x6e: 10,
  0x72: 13,
  0x74: 9,
  0x62: 8,
  0x61: 7,
};

const ZERO_BYTE = "zero byte in inline request";
const UNBALANCED = "unbalanced quotes in request";

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 9 && byte <= 13);
}

function endsWord(byte: number): boolean {
  return byte === 0x20 || byte === 9 || byte === 10 || byte === 13;
}

/**
 * Splits bytes[start, end) into `args`. Words without quotes, as nearly all are, stay where they are; else the bytes of `args` become
 * a fresh buffer with the words unescaped.
 * @returns null, or why the line can't be split
 */
export function splitInline(bytes: Buffer, start: number, end: number, args: Args): string | null {
  let at = start;
  args.clear();
  args.bytes = bytes;
  for (;;) {
    while (at < end && isSpace(bytes[at]!)) at++;
    if (at >= end) return null;
    const wordStart = at;
    for (; at < end && !endsWord(bytes[at]!); at++) {
      const byte = bytes[at]!;
      if (byte === 0) return ZERO_BYTE;
      if (byte === QUOTE || byte === APOSTROPHE) return splitQuoted(bytes, start, end, args);
    }
    args.push(wordStart, at);
  }
}

/** The same for a line with quotes somewhere. */
function splitQuoted(bytes: Buffer, start: number, end: number, args: Args): string | null {
  // Unescaping only shortens, so the words fit where the line was.
  const words = Buffer.allocUnsafe(end - start);
  let out = 0;
  let at = start;
  args.clear();
  args.bytes = words;
  if (findByte(bytes, 0, start, end) !== -1) return ZERO_BYTE;
  for (;;) {
    while (at < end && isSpace(bytes[at]!)) at++;
    if (at >= end) return null;
    const wordStart = out;
    let quote = 0;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (quote === 0) {
        if (endsWord(byte)) break;
        if (byte === QUOTE || byte === APOSTROPHE) quote = byte;
        else words[out++] = byte;
      } else if (byte === quote) {
        // A closing quote must be followed by white space or the end.
        if (at + 1 < end && !isSpace(bytes[at + 1]!)) return UNBALANCED;
        quote = 0;
        at++;
        break;
      } else if (byte === BACKSLASH && at + 1 < end) {
        const next = bytes[at + 1]!;
        if (quote === APOSTROPHE) {
          if (next === APOSTROPHE) at++;
          words[out++] = next === APOSTROPHE ? next : byte;
        } else if (next === 0x78 && at + 3 < end && hexPair(bytes, at + 2) >= 0) {
          words[out++] = hexPair(bytes, at + 2);
          at += 3;
        } else {
          words[out++] = ESCAPES[next] ?? next;
          at++;
        }
      } else words[out++] = byte;
    }
    if (quote !== 0) return UNBALANCED;
    args.push(wordStart, out);
  }
}

function hexPair(bytes: Buffer, at: number): number {
  const high = hexDigit(bytes[at]!);
  const low = hexDigit(bytes[at + 1]!);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
