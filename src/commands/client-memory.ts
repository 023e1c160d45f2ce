/**
 * How much memory clients take: buffers of what they send and of replies that they have not read, and what a session keeps besides.
 * A connection has itself counted whenever its buffers may have changed, so the sum is always at hand and nobody goes through all
 * clients for it.
 */
import type { Session } from "./session.ts";

/** Bytes of a session and its connection on the JavaScript heap, measured over ten thousand of them. */
const SESSION_SIZE = 1300;

/** The buckets end at 32 KiB, 64 KiB and so on; the last one has no end. */
const FIRST_BUCKET_BITS = 15;
const BUCKETS = 19;
const NO_BUCKET = -1;

/** Bytes that a client takes now. */
export function clientBytes(session: Session): number {
  const { peer, reply } = session;
  if (peer === null) return 0;
  return (
    SESSION_SIZE +
    peer.inputBytes +
    peer.inputFreeBytes +
    reply.buffer.length +
    unsentBytes(session) +
    session.keptBytes
  );
}

/** Bytes of replies that the system did not take yet; those of this turn stand in the reply's own buffer. */
export function unsentBytes({ peer, reply }: Session): number {
  return peer === null ? 0 : Math.max(0, peer.outputBytes - reply.pos);
}

export class ClientMemory {
  /** Bytes of all clients, each as it was counted last. */
  total = 0;
  /** Bytes that all may take together; Infinity if there is no limit. */
  limit = Infinity;
  /** Called whenever they take more. */
  onExcess: () => void = () => {};
  /**
   * While there is a limit: the clients that may be closed for it, by the order of magnitude of what they take (Redis's buckets). Each
   * holds at most twice as much as another one of its bucket, but for those of the first and the last.
   */
  readonly #buckets: readonly Set<Session>[] = Array.from({ length: BUCKETS }, () => new Set());

  /** Takes a client as it is now. */
  count(session: Session): void {
    const bytes = clientBytes(session);
    this.total += bytes - session.countedBytes;
    session.countedBytes = bytes;
    if (this.limit === Infinity) return;
    const stays = session.noEvict || session.peer === null;
    this.#place(session, stays ? NO_BUCKET : bucketOf(bytes));
    if (this.total > this.limit) this.onExcess();
  }

  /** The client has gone. */
  forget(session: Session): void {
    this.total -= session.countedBytes;
    session.countedBytes = 0;
    this.#place(session, NO_BUCKET);
  }

  /** Puts a limit in force. @param sessions all clients */
  setLimit(limit: number, sessions: Iterable<Session>): void {
    this.limit = limit;
    for (const session of sessions) {
      if (limit === Infinity) this.#place(session, NO_BUCKET);
      else this.count(session);
    }
  }

  /** One of those that take the most and may be closed, or null. */
  largest(): Session | null {
    for (let bucket = BUCKETS - 1; bucket >= 0; bucket--) {
      for (const session of this.#buckets[bucket]!) return session;
    }
    return null;
  }

  #place(session: Session, bucket: number): void {
    const before = session.memoryBucket;
    if (bucket === before) return;
    if (before !== NO_BUCKET) this.#buckets[before]!.delete(session);
    if (bucket !== NO_BUCKET) this.#buckets[bucket]!.add(session);
    session.memoryBucket = bucket;
  }
}

function bucketOf(bytes: number): number {
  const bits = Math.floor(Math.log2(bytes)) + 1;
  return Math.min(Math.max(bits - FIRST_BUCKET_BITS, 0), BUCKETS - 1);
}
