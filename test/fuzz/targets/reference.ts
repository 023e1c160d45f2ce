/**
 * What the request parsers should make of an input, written down a second time: the whole input at once, with strings and
 * regular expressions. Slow, plain, and the model that the fuzzers compare with.
 */
import { ARGUMENTS_MAX, BULK_SIZE_MAX } from "../../../src/base/limits.ts";
import { Args } from "../../../src/protocol/args.ts";
import { splitInline } from "../../../src/protocol/inline.ts";
import type { Fed } from "../../protocol/feed.ts";

const NUMBER = /^(0|-?[1-9][0-9]{0,18})$/;
const NUMBER_BEGUN = /^(|-|0|-?[1-9][0-9]{0,18})$/;

/** Thrown when the input ends before the frame does. */
const INCOMPLETE = Symbol("incomplete");

class Refused {
  readonly error: string;
  constructor(error: string) {
    this.error = error;
  }
}

/** Reads frames off an input until it ends or is refused. */
function readAll(input: string, readFrame: (input: string, pos: number) => Read): Fed {
  const frames: string[][] = [];
  let pos = 0;
  try {
    while (pos < input.length) {
      const read = readFrame(input, pos);
      if (read.frame.length > 0) frames.push(read.frame);
      pos = read.pos;
    }
    return { frames, error: null, left: 0 };
  } catch (problem) {
    if (problem instanceof Refused) return { frames, error: problem.error, left: 0 };
    if (problem !== INCOMPLETE) throw problem;
    return { frames, error: null, left: input.length - pos };
  }
}

interface Read {
  readonly frame: string[];
  readonly pos: number;
}

/** What RespParser makes of the input. `left` counts from the first byte of the frame that is not complete. */
export function referenceResp(input: string): Fed {
  return readAll(input, (text, start) => {
    if (text[start] !== "*") return readLine(text, start);
    const count = readHeader(text, start, "invalid multibulk length", -Infinity, ARGUMENTS_MAX);
    const frame: string[] = [];
    let { pos } = count;
    for (let i = 0; i < count.value; i++) {
      if (pos >= text.length) throw INCOMPLETE;
      if (text[pos] !== "$") throw new Refused(`expected '$', got '${text[pos]}'`);
      const size = readHeader(text, pos, "invalid bulk length", 0, BULK_SIZE_MAX);
      const end = size.pos + size.value;
      const crlf = text.slice(end, end + 2);
      if (!"\r\n".startsWith(crlf)) throw new Refused("expected CRLF after an argument");
      if (crlf.length < 2) throw INCOMPLETE;
      frame.push(text.slice(size.pos, end));
      pos = end + 2;
    }
    return { frame, pos };
  });
}

function readHeader(
  text: string,
  start: number,
  error: string,
  min: number,
  max: number,
): { value: number; pos: number } {
  const cr = text.indexOf("\r", start);
  const digits = text.slice(start + 1, cr === -1 ? text.length : cr);
  if (cr === -1) {
    if (NUMBER_BEGUN.test(digits)) throw INCOMPLETE;
    throw new Refused(error);
  }
  if (!NUMBER.test(digits) || BigInt(digits) !== BigInt.asIntN(64, BigInt(digits))) {
    throw new Refused(error);
  }
  const value = Number(digits);
  if (value < min || value > max) throw new Refused(error);
  if (cr + 1 === text.length) throw INCOMPLETE;
  if (text[cr + 1] !== "\n") throw new Refused("expected LF after CR");
  return { value, pos: cr + 2 };
}

function readLine(text: string, start: number): Read {
  const lf = text.indexOf("\n", start);
  if (lf === -1) throw INCOMPLETE;
  const line = Buffer.from(text.slice(start, lf).replace(/\r$/, ""), "latin1");
  const args = new Args();
  // How a line is split has a test of its own, against redis-server.
  const error = splitInline(line, 0, line.length, args);
  if (error !== null) throw new Refused(error);
  return { frame: Array.from({ length: args.count }, (_, index) => args.text(index)), pos: lf + 1 };
}

/** What NativeParser makes of the input. */
export function referenceNative(input: string): Fed {
  return readAll(input, (text, start) => {
    if (text[start] !== "\0") throw new Refused("Invalid header");
    const number = text.slice(start + 1, start + 3);
    if (number !== "" && number[0] !== "\0") throw new Refused("Unknown command");
    if (number.length < 2) throw INCOMPLETE;
    const command = number.charCodeAt(1);
    if (command > 3) throw new Refused("Unknown command");
    const frame = [`${command}`];
    let pos = start + 3;
    for (let strings = command === 1 ? 2 : 1; strings > 0; strings--) {
      if (pos + 4 > text.length) throw INCOMPLETE;
      const size = Buffer.from(text.slice(pos, pos + 4), "latin1").readUInt32BE();
      if (size > BULK_SIZE_MAX) throw new Refused("String too long");
      pos += 4;
      if (pos + size > text.length) throw INCOMPLETE;
      frame.push(text.slice(pos, pos + size));
      pos += size;
    }
    return { frame, pos };
  });
}
