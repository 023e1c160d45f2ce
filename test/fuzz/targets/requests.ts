/**
 * Both request parsers. What must hold for every input: no exception, nothing allocated beyond what came in, and the same frames
 * and the same refusal whatever pieces it comes in, namely those of the reference. The first byte of a case says which parser:
 * 0 the native one, 1 that of RESP.
 */
import type { Random } from "../../../src/base/random.ts";
import { NativeParser } from "../../../src/protocol/native.ts";
import { RespParser } from "../../../src/protocol/resp-request.ts";
import type { Fed } from "../../protocol/feed.ts";
import { feed } from "../../protocol/feed.ts";
import type { Run, Target } from "../target.ts";
import { randomOf } from "../target.ts";
import { framesMade, nativeInput, respInput } from "./frames.ts";
import { referenceNative, referenceResp } from "./reference.ts";

/** Offsets of arguments may take this many bytes beside four for each byte of input. */
const ALLOCATION_SLACK = 64 * 1024;

export const requests: Target = {
  name: "requests",
  what: "damaged requests of both protocols, whole and in pieces (S1, S2, S3)",
  hangMs: 50,
  start: () => new RequestRun(),
};

class RequestRun implements Run {
  /** Frames that were made and damaged. */
  #made = 0;
  /** Frames that were whole in spite of that. */
  #whole = 0;

  make(random: Random): Buffer {
    const isNative = random.below(4) === 0;
    const input = isNative ? nativeInput(random) : respInput(random);
    this.#made += framesMade;
    return Buffer.concat([Buffer.of(isNative ? 0 : 1), Buffer.from(input, "latin1")]);
  }

  check(bytes: Buffer): string {
    const result = checkInput(bytes.subarray(1), bytes[0] === 0, randomOf(bytes));
    this.#whole += result.frames.length;
    if (result.error !== null) return "refused";
    return result.left > 0 ? "incomplete" : "complete";
  }

  figures(): Readonly<Record<string, number>> {
    return { "frames made": this.#made, "of them whole": this.#whole };
  }
}

/** Checks one input, whole and in pieces. */
export function checkInput(bytes: Buffer, native: boolean, random: Random): Fed {
  const input = bytes.toString("latin1");
  const expected = native ? referenceNative(input) : referenceResp(input);
  compare(bytes, native, [bytes], expected);
  const cut = random.below(bytes.length + 1);
  compare(bytes, native, [bytes.subarray(0, cut), bytes.subarray(cut)], expected);
  const pieces: Buffer[] = [];
  const longest = random.below(8) === 0 ? 1 : 1 + random.below(12);
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + 1 + random.below(longest));
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  compare(bytes, native, pieces, expected);
  return expected;
}

function compare(bytes: Buffer, native: boolean, pieces: Buffer[], expected: Fed): void {
  const parser = native ? new NativeParser() : new RespParser();
  let fed: Fed;
  try {
    fed = feed(parser, pieces);
  } catch (error) {
    fail(bytes, native, `threw ${error}`);
  }
  const sizes = pieces.map((piece) => piece.length);
  if (fed.error !== expected.error || !sameFrames(fed.frames, expected.frames)) {
    fail(
      bytes,
      native,
      `in pieces of ${sizes}: ${JSON.stringify(fed)}, not ${JSON.stringify(expected)}`,
    );
  }
  // Of a frame that is not complete everything from its first argument on is kept: at most what came in.
  if (fed.left > expected.left) fail(bytes, native, `keeps ${fed.left} bytes of ${expected.left}`);
  if (parser.args.places.byteLength > bytes.length * 4 + ALLOCATION_SLACK) {
    fail(bytes, native, `holds room for ${parser.args.places.length / 2} arguments`);
  }
}

function sameFrames(a: readonly string[][], b: readonly string[][]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const left = a[i]!;
    const right = b[i]!;
    if (left.length !== right.length) return false;
    for (let j = 0; j < left.length; j++) if (left[j] !== right[j]) return false;
  }
  return true;
}

function fail(bytes: Buffer, native: boolean, problem: string): never {
  throw new Error(
    `${native ? "native" : "RESP"} ${JSON.stringify(bytes.toString("latin1"))} ${problem}`,
  );
}
