/**
 * How much memory clients take: buffers of what they send and of replies that they have not read, and what a session keeps besides.
 * A connection has itself counted whenever its buffers may have changed, so the sum is always at hand and nobody goes through all
 * clients for it.
 */
import type { Session } from "./session.ts";

/** Bytes of a session and its connection on the JavaScript heap, measured over ten thousand of them. */
const SESSION_SIZE = 1300;

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

  /** Takes a client as it is now. */
  count(session: Session): void {
    const bytes = clientBytes(session);
    this.total += bytes - session.countedBytes;
    session.countedBytes = bytes;
  }

  /** The client has gone. */
  forget(session: Session): void {
    this.total -= session.countedBytes;
    session.countedBytes = 0;
  }
}
