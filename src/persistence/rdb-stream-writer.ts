/**
 * Writes a stream in the form STREAM_LISTPACKS_2:
 *
 *   number of nodes, { id of the node as a string of 16 bytes, its listpack as a string }
 *   length, last id, first id, greatest deleted id, entries ever added     ids as two lengths
 *   number of groups, {
 *     name, last id, entries read
 *     number of pending entries, { id in 16 bytes, time i64, deliveries }
 *     number of consumers, { name, time seen i64, number of pending entries, { id in 16 bytes } } }
 *
 * The 16 bytes of an id are its time and its number, the high bytes first.
 */
import { int64 } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Store } from "../keyspace/store.ts";
import { NULL_REF } from "../memory/arena.ts";
import { IdCursor } from "../structures/id-tree.ts";
import { StreamId } from "../structures/stream-id.ts";
import type { StreamConsumer, StreamGroup } from "../types/stream-groups.ts";
import type { Value } from "../types/value.ts";
import type { RdbOutput } from "./rdb-output.ts";
import type { Pieces } from "./element-walk.ts";

/** Bytes of an id. */
const ID_SIZE = 16;
/** Pending entries of a piece. */
const PIECE = 32;

const idBytes = Buffer.alloc(ID_SIZE);

/** @param stream must stay as it is until all is written, as the stream itself must */
export function* writeStream(output: RdbOutput, store: Store, stream: Value): Pieces {
  const { streams } = store;
  const id = new StreamId();
  const cursor = new IdCursor();
  const pack = new Slice();
  output.length(streams.nodeCount(stream));
  let node = streams.firstNode(stream, cursor, id);
  for (; node !== NULL_REF; node = streams.nextNode(cursor, id)) {
    output.length(ID_SIZE);
    rawId(output, id);
    store.kit.listpack.whole(node, pack);
    output.string(pack.bytes, pack.start, pack.end);
    yield;
  }
  output.length(streams.length(stream));
  streams.lastId(stream, id);
  lengthId(output, id);
  streams.edgeId(stream, false, id);
  lengthId(output, id);
  streams.maxDeletedId(stream, id);
  lengthId(output, id);
  streams.readAdded(stream);
  output.length64(int64.low, int64.high);
  const groups = streams.groups.of(stream.block);
  output.length(groups.length);
  for (const group of groups) yield* writeGroup(output, store, group);
}

function* writeGroup(output: RdbOutput, store: Store, group: StreamGroup): Pieces {
  const { groups } = store.streams;
  output.string(group.name, 0, group.name.length);
  lengthId(output, group.lastId);
  output.length64(group.readLow, group.readHigh);
  output.length(groups.pendingOf(group));
  const id = new StreamId();
  for (let more = true; more;) {
    more = writePending(output, store, group, id);
    yield;
  }
  output.length(group.consumers.length);
  for (const consumer of group.consumers) {
    output.string(consumer.name, 0, consumer.name.length);
    output.time(consumer.seenMs);
    output.length(groups.pendingOfConsumer(consumer));
    id.setMin();
    for (let more = true; more;) {
      more = writeIds(output, store, consumer, id);
      yield;
    }
  }
}

/** Writes some of a group's pending entries from `id` on, which becomes the one to go on with. Returns whether there are more. */
function writePending(output: RdbOutput, store: Store, group: StreamGroup, id: StreamId): boolean {
  const { groups } = store.streams;
  let more = groups.seekPending(group, id);
  for (let left = PIECE; more && left > 0; left--) {
    groups.pendingId(id);
    rawId(output, id);
    output.time(groups.deliveredMs());
    output.length64(groups.deliveriesLow(), groups.deliveriesHigh());
    more = groups.nextPending();
  }
  if (more) groups.pendingId(id);
  return more;
}

/** The same for the ids that are pending at a consumer. */
function writeIds(
  output: RdbOutput,
  store: Store,
  consumer: StreamConsumer,
  id: StreamId,
): boolean {
  const { groups } = store.streams;
  for (let left = PIECE; left > 0; left--) {
    if (!groups.nextOfConsumer(consumer, id)) return false;
    rawId(output, id);
    if (!id.increment()) return false;
  }
  return true;
}

function rawId(output: RdbOutput, id: StreamId): void {
  idBytes.writeInt32BE(id.msHigh, 0);
  idBytes.writeInt32BE(id.msLow, 4);
  idBytes.writeInt32BE(id.seqHigh, 8);
  idBytes.writeInt32BE(id.seqLow, 12);
  output.raw(idBytes, 0, ID_SIZE);
}

function lengthId(output: RdbOutput, id: StreamId): void {
  output.length64(id.msLow, id.msHigh);
  output.length64(id.seqLow, id.seqHigh);
}
