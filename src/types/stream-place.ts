/**
 * Where a walk over a stream has stopped, so that another one goes on there and not at the beginning of the node: whoever reads a
 * stream entry by entry would pass over half a node each time.
 *
 * The entries of a node are only marked when they are deleted, and others only follow them. So they stand where they stand, counted
 * from the master entry's fields, until the node goes: a place is good while the stream's count of nodes that went is the same.
 */
import { StreamId } from "../structures/stream-id.ts";

export class StreamPlace {
  /** The least id that comes after what was read. */
  readonly next: StreamId = new StreamId();
  /** The node's own id. */
  readonly nodeId: StreamId = new StreamId();
  /** Bytes from the master entry's fields to the next entry; 0 if this is no place yet. */
  offset = 0;
  /** Nodes that went from the stream before. */
  gone = 0;

  copy(other: StreamPlace): void {
    this.next.copy(other.next);
    this.nodeId.copy(other.nodeId);
    this.offset = other.offset;
    this.gone = other.gone;
  }
}
