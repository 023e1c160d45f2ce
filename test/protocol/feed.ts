/** Feeds a request parser with pieces, as a connection does: what is not used up yet is kept and moved to the front. */
import type { NativeParser } from "../../src/protocol/native.ts";
import type { RespParser } from "../../src/protocol/resp-request.ts";
import { BROKEN, FRAME } from "../../src/protocol/resp-request.ts";

export interface Fed {
  /** Arguments of each frame, as strings of one character a byte. Of a native frame its command's number first. */
  readonly frames: string[][];
  readonly error: string | null;
  /** Bytes that were not part of a whole frame. */
  readonly left: number;
}

/** Stands behind the content, and must never be looked at: it would complete any frame. */
const TAIL = Buffer.from("\r\n$1\r\n\r\n");

/** The result of feeding all pieces one after another. */
export function feed(parser: RespParser | NativeParser, pieces: readonly Buffer[]): Fed {
  const frames: string[][] = [];
  let size = TAIL.length;
  for (const piece of pieces) size += piece.length;
  const buffer = Buffer.allocUnsafe(size);
  let end = 0;
  const { args } = parser;
  for (const piece of pieces) {
    piece.copy(buffer, end);
    end += piece.length;
    TAIL.copy(buffer, end);
    for (;;) {
      const result = parser.next(buffer, end);
      if (result === BROKEN) return { frames, error: parser.error, left: 0 };
      if (result !== FRAME) break;
      const frame = "command" in parser ? [`${parser.command}`] : [];
      for (let index = 0; index < args.count; index++) frame.push(args.text(index));
      frames.push(frame);
    }
    const from = parser.start;
    end -= from;
    if (end === 0) {
      // Nothing is left, and a connection begins with its next chunk at 0.
      parser.shift(-from);
      continue;
    }
    buffer.copyWithin(0, from);
    parser.shift(-from);
  }
  return { frames, error: null, left: end };
}
