/**
 * Replies of the native protocol, in pieces of any size.
 *
 *   reply    00, status (0 ok, 1 error), u32 length, bytes     big-endian
 */
import { PendingBytes } from "../protocol/pending-bytes.ts";

export interface NativeReply {
  readonly ok: boolean;
  /** The value, or the error's text. */
  readonly body: Buffer;
}

/** What arrived is no reply: the connection is of no use any more. */
export class NativeReplySyntaxError extends Error {
  override name = "NativeReplySyntaxError";
}

const HEADER_SIZE = 6;
const STATUS_AT = 1;
const LENGTH_AT = 2;

export class NativeReplyParser {
  readonly #pending: PendingBytes = new PendingBytes();

  /** Takes bytes; they may change after the calls of `next` that follow. */
  feed(chunk: Uint8Array): void {
    this.#pending.append(chunk);
  }

  /**
   * The next whole reply, or null if there is none yet.
   * @throws {NativeReplySyntaxError} if the bytes are no reply
   */
  next(): NativeReply | null {
    const pending = this.#pending;
    const { buffer, pos, length } = pending;
    if (length === 0) return null;
    const status = length > STATUS_AT ? buffer[pos + STATUS_AT]! : 0;
    if (buffer[pos] !== 0 || status > 1) {
      // A server that turns a connection away may do so in RESP.
      const found = buffer.toString("latin1", pos, Math.min(pending.end, pos + 80));
      throw new NativeReplySyntaxError(
        `the answer is not a native reply: ${JSON.stringify(found)}`,
      );
    }
    if (length < HEADER_SIZE) return null;
    const size = buffer.readUInt32BE(pos + LENGTH_AT);
    if (length < HEADER_SIZE + size) return null;
    pending.pos += HEADER_SIZE;
    return { ok: status === 0, body: pending.take(size) };
  }
}
