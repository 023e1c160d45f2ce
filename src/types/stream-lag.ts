/**
 * How far a consumer group has read: the number of entries, deleted ones included, that the stream had up to an id. It is
 * known for certain ids only, and counts up while no entry was deleted behind the group.
 */
import { int64, setInt64, toBigInt } from "../base/numbers.ts";
import { StreamId } from "../structures/stream-id.ts";
import type { StreamGroup } from "./stream-groups.ts";
import type { Streams } from "./stream.ts";
import type { Value } from "./value.ts";

const first = new StreamId();
const deleted = new StreamId();
const last = new StreamId();

/** The group was given the entry of this id, which is greater than its last one. */
export function countRead(streams: Streams, stream: Value, group: StreamGroup, id: StreamId): void {
  if (group.readIsKnown && !hasDeletedFrom(streams, stream, id)) {
    const low = (group.readLow + 1) | 0;
    group.setRead(low, (group.readHigh + (low === 0 ? 1 : 0)) | 0);
  } else {
    streams.readAdded(stream);
    if ((int64.low | int64.high) !== 0) {
      if (readUpTo(streams, stream, id)) group.setRead(int64.low, int64.high);
      else group.setRead(-1, -1);
    }
  }
  group.lastId.copy(id);
}

/** Leaves how many entries the group has still to read in `int64`. Returns false if that is not known. */
export function readLag(streams: Streams, stream: Value, group: StreamGroup): boolean {
  streams.readAdded(stream);
  const { low, high } = int64;
  if ((low | high) === 0) return true;
  let readLow = group.readLow;
  let readHigh = group.readHigh;
  if (!group.readIsKnown || hasDeletedFrom(streams, stream, group.lastId)) {
    if (!readUpTo(streams, stream, group.lastId)) return false;
    readLow = int64.low;
    readHigh = int64.high;
  }
  setInt64(toBigInt(low, high) - toBigInt(readLow, readHigh));
  return true;
}

/** Whether an entry was deleted at the id or behind it, and not from before the first one. */
function hasDeletedFrom(streams: Streams, stream: Value, id: StreamId): boolean {
  streams.maxDeletedId(stream, deleted);
  if (deleted.isMin() || streams.length(stream) === 0) return false;
  streams.edgeId(stream, false, first);
  return first.compare(deleted) <= 0 && id.compare(deleted) <= 0;
}

/** Leaves the number of entries up to the id in `int64`. Returns false if it can't be known. */
function readUpTo(streams: Streams, stream: Value, id: StreamId): boolean {
  streams.readAdded(stream);
  const { low, high } = int64;
  if ((low | high) === 0) return true;
  streams.lastId(stream, last);
  const length = streams.length(stream);
  const toLast = id.compare(last);
  if (toLast === 0 || (toLast < 0 && length === 0)) return true;
  if (toLast > 0) return false;
  streams.edgeId(stream, false, first);
  streams.maxDeletedId(stream, deleted);
  if (!deleted.isMin() && deleted.compare(first) >= 0) return false;
  const toFirst = id.compare(first);
  if (toFirst > 0) return false;
  setInt64(toBigInt(low, high) - BigInt(length) + (toFirst === 0 ? 1n : 0n));
  return true;
}
