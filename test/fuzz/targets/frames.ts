/**
 * Makes request frames for the fuzzers: pipelines of valid frames in which something is wrong more often than not. The
 * grammar decides where to be wrong, so that most inputs get past the first byte.
 */
import type { Random } from "../../../src/base/random.ts";
import { pick } from "../../support/seed.ts";

const WORDS = [
  "PING",
  "ECHO",
  "GET",
  "SET",
  "nosuch",
  "",
  "k",
  "value",
  "\r\n",
  "*1\r\n",
  "$4\r\nPING\r\n",
  "\0\xff\r",
  "12345678901234567890",
];

/** What may stand in a header in the place of a number. */
const WRONG_NUMBERS = [
  ...[
    "-1",
    "-2",
    "-10",
    "-0",
    "",
    "+5",
    " 5",
    "5 ",
    "05",
    "00",
    "5.0",
    "0x5",
    "1e3",
    "x",
    "-",
    "--1",
    "\0",
    "5\0",
  ],
  ...["1048576", "1048577", "536870912", "536870913", "2147483647", "2147483648", "4294967296"],
  ...["9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616"],
  ...["-9223372036854775808", "-9223372036854775809", "99999999999999999999999999"],
];

const WRONG_ENDS = ["\r", "\n", "\n\r", "\r\r\n", "", "\0\r\n", "\r\n\r\n", "\rx", " \r\n"];

const INLINE_PIECES = [
  "PING",
  "ECHO",
  "a",
  " ",
  " ",
  "\t",
  "\v",
  '"',
  '"',
  "'",
  "\\",
  "\\x41",
  "\\n",
  "\r",
  "\n",
  "\0",
  "\xff",
];

/** Chance in 100 that one place of a frame is wrong. */
const WRONG = 4;

/** Frames that the last input began as. */
export let framesMade = 0;

/** A pipeline of RESP requests as a string of one character a byte. */
export function respInput(random: Random): string {
  let input = "";
  framesMade = 1 + random.below(3);
  for (let frames = framesMade; frames > 0; frames--) {
    const kind = random.below(20);
    if (kind < 14) input += multibulk(random, 0);
    else if (kind < 17) input += inline(random);
    else if (kind < 18) input += pick(random, ["*0\r\n", "*-1\r\n", "\r\n", "\n", "*-10\r\n"]);
    else if (kind < 19)
      input += pick(random, [
        "+OK\r\n",
        ":1\r\n",
        "_\r\n",
        "%1\r\n$1\r\na\r\n$1\r\nb\r\n",
        "POST / HTTP/1.1\r\n",
      ]);
    else input += noise(random);
  }
  return mutate(random, input);
}

function multibulk(random: Random, depth: number): string {
  const count = random.below(4) === 0 ? random.below(20) : 1 + random.below(3);
  let frame = header(random, "*", count);
  for (let i = 0; i < count; i++) {
    if (depth < 3 && random.below(150) === 0) {
      frame += multibulk(random, depth + 1);
      continue;
    }
    const word = random.below(8) === 0 ? noise(random) : pick(random, WORDS);
    const type =
      random.below(250) === 0 ? pick(random, ["*", ":", "+", "-", "%", " ", "\r", "\n"]) : "$";
    frame += header(random, type, word.length) + word + end(random);
  }
  return frame;
}

function header(random: Random, type: string, value: number): string {
  if (random.below(100) >= WRONG) return `${type}${value}\r\n`;
  switch (random.below(4)) {
    case 0:
      return `${type}${value + 1}\r\n`;
    case 1:
      return `${type}${value - 1}\r\n`;
    case 2:
      return `${type}${value}${end(random)}`;
    default:
      return `${type}${pick(random, WRONG_NUMBERS)}\r\n`;
  }
}

function end(random: Random): string {
  return random.below(100) < WRONG / 2 ? pick(random, WRONG_ENDS) : "\r\n";
}

function inline(random: Random): string {
  let line = "";
  for (let pieces = random.below(8); pieces >= 0; pieces--) line += pick(random, INLINE_PIECES);
  return line + (random.below(10) === 0 ? "\n" : "\r\n");
}

function noise(random: Random): string {
  let bytes = "";
  for (let left = random.below(12); left > 0; left--)
    bytes += String.fromCharCode(random.below(256));
  return bytes;
}

/** A pipeline of native requests as a string of one character a byte. */
export function nativeInput(random: Random): string {
  let input = "";
  framesMade = 1 + random.below(4);
  for (let frames = framesMade; frames > 0; frames--) {
    const command = random.below(50) === 0 ? random.below(65536) : random.below(4);
    input += random.below(80) === 0 ? String.fromCharCode(random.below(256)) : "\0";
    input += String.fromCharCode(command >>> 8, command & 0xff);
    for (let strings = command === 1 ? 2 : 1; strings > 0; strings--) {
      const word = random.below(6) === 0 ? noise(random) : pick(random, WORDS);
      let length = word.length;
      if (random.below(100) < WRONG) {
        length = pick(random, [
          length + 1,
          length - 1,
          0,
          536870912,
          536870913,
          2 ** 31,
          2 ** 32 - 1,
        ]);
      }
      input += String.fromCharCode(
        (length >>> 24) & 255,
        (length >>> 16) & 255,
        (length >>> 8) & 255,
        length & 255,
      );
      input += word;
    }
  }
  return mutate(random, input);
}

/** Now and then changes, drops, doubles or adds bytes anywhere, or cuts the input off. */
function mutate(random: Random, input: string): string {
  if (random.below(3) > 0 || input.length === 0) return input;
  const at = random.below(input.length);
  switch (random.below(6)) {
    case 0:
      return input.slice(0, at) + String.fromCharCode(random.below(256)) + input.slice(at + 1);
    case 1:
      return input.slice(0, at) + input.slice(at + 1 + random.below(3));
    case 2:
      return (
        input.slice(0, at) +
        pick(random, ["\r", "\n", "\0", "*", "$", "0", "-", '"']) +
        input.slice(at)
      );
    case 3:
      return input.slice(0, at) + input.slice(Math.max(0, at - random.below(20)));
    default:
      return input.slice(0, at);
  }
}
