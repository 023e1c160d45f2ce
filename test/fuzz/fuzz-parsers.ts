/**
 * Fuzzes both request parsers. What must hold for every input: no exception, no hang, nothing allocated beyond what came
 * in, and the same frames and the same refusal whatever pieces it comes in, namely those of the reference.
 */
import { Random } from "../../src/base/random.ts";
import { NativeParser } from "../../src/protocol/native.ts";
import { RespParser } from "../../src/protocol/resp-request.ts";
import type { Fed } from "../protocol/feed.ts";
import { feed } from "../protocol/feed.ts";
import { framesMade, nativeInput, respInput } from "./frames.ts";
import { referenceNative, referenceResp } from "./reference.ts";

/** An input that takes longer is a hang. */
const HANG_MS = 50;
/** Offsets of arguments may take this many bytes beside four for each byte of input. */
const ALLOCATION_SLACK = 64 * 1024;

export interface FuzzResult {
  /** Pipelines, each fed whole and in pieces. */
  readonly inputs: number;
  /** Frames that were made and mutated. */
  readonly frames: number;
  /** Frames that were whole in spite of that. */
  readonly whole: number;
  readonly refused: number;
  readonly incomplete: number;
  readonly slowestMs: number;
}

/** Runs inputs of `count` frames in all. Throws with the input at the first that breaks a promise. */
export function fuzzParsers(
  seed: number,
  count: number,
  progress?: (done: number) => void,
): FuzzResult {
  const random = new Random(seed);
  let inputs = 0;
  let frames = 0;
  let whole = 0;
  let refused = 0;
  let incomplete = 0;
  let slowestMs = 0;
  while (frames < count) {
    const native = inputs % 4 === 3;
    const input = native ? nativeInput(random) : respInput(random);
    inputs++;
    frames += framesMade;
    const bytes = Buffer.from(input, "latin1");
    const begun = Bun.nanoseconds();
    const result = checkInput(bytes, native, random);
    let ms = (Bun.nanoseconds() - begun) / 1e6;
    // A pause of the machine is no hang: an input that hangs does so again.
    for (let again = 0; ms > HANG_MS && again < 3; again++) {
      const start = Bun.nanoseconds();
      checkInput(bytes, native, random);
      ms = Math.min(ms, (Bun.nanoseconds() - start) / 1e6);
    }
    if (ms > HANG_MS) fail(bytes, native, `took ${ms} ms`);
    slowestMs = Math.max(slowestMs, ms);
    whole += result.frames.length;
    if (result.error !== null) refused++;
    else if (result.left > 0) incomplete++;
    if (inputs % 50_000 === 0) progress?.(frames);
  }
  return { inputs, frames, whole, refused, incomplete, slowestMs };
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
  if (parser.args.starts.byteLength * 2 > bytes.length * 4 + ALLOCATION_SLACK) {
    fail(bytes, native, `holds room for ${parser.args.starts.length} arguments`);
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
