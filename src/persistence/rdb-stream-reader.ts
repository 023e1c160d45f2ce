/**
 * Reads a stream, in the forms that rdb-stream-writer.ts and its predecessor and successor have. Nodes are copied whole after
 * every entry of theirs was looked at: ids grow from entry to entry and node to node, counts are what was counted, and a
 * pending entry belongs to one consumer and no other.
 */
import { int64 } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Store } from "../keyspace/store.ts";
import { Listpack } from "../structures/listpack.ts";
import { StreamId } from "../structures/stream-id.ts";
import type { StreamGroup } from "../types/stream-groups.ts";
import { NodeCheck } from "../types/stream-node-check.ts";
import type { Value } from "../types/value.ts";
import { RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_3 } from "./rdb-format.ts";
import type { RdbInput } from "./rdb-input.ts";
import type { Pieces } from "./element-walk.ts";

const ID_SIZE = 16;
/** Bytes of a pending entry: id, time, deliveries. */
const PENDING_SIZE_MIN: number = ID_SIZE + 9;
/** Pending entries of a piece. */
const PIECE = 256;

const name = new Slice();

export function* readStream(input: RdbInput, store: Store, value: Value, type: number): Pieces {
  const { streams } = store;
  streams.create(value);
  const check = new NodeCheck();
  const nodes = input.count(2);
  for (let left = nodes; left > 0; left--) {
    readNode(input, store, value, check);
    if (input.failed) return;
    yield;
  }
  const id = new StreamId();
  if (input.length() !== streams.length(value)) input.fail("a stream's length is wrong");
  readId(input, id);
  if (id.compare(check.last) < 0) input.fail("a stream's last id is not its last");
  streams.setLastId(value, id);
  if (type === RDB_STREAM_LISTPACKS) {
    streams.setAdded(value, streams.length(value) | 0, 0);
  } else {
    // The first id is known from the nodes.
    readId(input, id);
    readId(input, id);
    streams.setMaxDeletedId(value, id);
    input.length64();
    streams.setAdded(value, int64.low, int64.high);
  }
  for (let left = input.count(4); left > 0 && !input.failed; left--) {
    yield* readGroup(input, store, value, type);
  }
}

function readNode(input: RdbInput, store: Store, value: Value, check: NodeCheck): void {
  const content = name;
  const id = new StreamId();
  input.string(content);
  if (content.length !== ID_SIZE) return input.fail("a stream's node has no id");
  idOf(content.bytes, content.start, id);
  input.string(content);
  if (input.failed) return;
  const { bytes, start, end } = content;
  if (!Listpack.validate(bytes, start, end) || !check.isSound(id, bytes, start, end)) {
    return input.fail("a stream's node is damaged");
  }
  // A node without entries is what no command leaves.
  if (check.live > 0) store.streams.appendNode(value, id, bytes, start, end, check.live);
}

function* readGroup(input: RdbInput, store: Store, value: Value, type: number): Pieces {
  const { groups } = store.streams;
  input.string(name);
  if (input.failed) return;
  if (groups.find(value.block, name.bytes, name.start, name.end) !== null) {
    input.fail("a stream has a group twice");
    return;
  }
  const group = groups.create(value.block, name.copy());
  readId(input, group.lastId);
  if (type !== RDB_STREAM_LISTPACKS) {
    input.length64();
    group.setRead(int64.low, int64.high);
  }
  for (let left = input.count(PENDING_SIZE_MIN); left > 0 && !input.failed; left -= PIECE) {
    readPending(input, store, group, Math.min(left, PIECE));
    yield;
  }
  let owned = 0;
  for (let left = input.count(ID_SIZE / 2); left > 0 && !input.failed; left--) {
    owned += yield* readConsumer(input, store, group, type);
  }
  if (owned !== groups.pendingOf(group)) input.fail("a pending entry has no consumer");
}

function readPending(input: RdbInput, store: Store, group: StreamGroup, count: number): void {
  const { groups } = store.streams;
  const id = new StreamId();
  for (let left = count; left > 0; left--) {
    readRawId(input, id);
    input.int64();
    const { low, high } = int64;
    input.length64();
    if (input.failed) return;
    if (!groups.addOrphan(group, id)) return input.fail("an entry is pending twice");
    groups.setDelivered(low, high);
    groups.setDeliveries(int64.low, int64.high);
  }
}

function* readConsumer(
  input: RdbInput,
  store: Store,
  group: StreamGroup,
  type: number,
): Generator<undefined, number, undefined> {
  const { groups } = store.streams;
  input.string(name);
  if (input.failed) return 0;
  if (groups.findConsumer(group, name.bytes, name.start, name.end) !== null) {
    input.fail("a group has a consumer twice");
    return 0;
  }
  const consumerName = name.copy();
  const seenMs = readTime(input);
  const consumer = groups.createConsumer(group, consumerName, seenMs);
  // Before there was a time of the last success, it is Redis's estimate too.
  consumer.activeMs = type === RDB_STREAM_LISTPACKS_3 ? readTime(input) : seenMs;
  const count = input.count(ID_SIZE);
  const id = new StreamId();
  for (let done = 0; done < count; done++) {
    readRawId(input, id);
    if (input.failed) return 0;
    if (!groups.adopt(group, consumer, id)) {
      input.fail("an entry is pending at two consumers, or at none of its group");
      return 0;
    }
    if (done % PIECE === 0) yield;
  }
  return count;
}

/** A time in ms that may be -1. */
function readTime(input: RdbInput): number {
  input.int64();
  return int64.high * 4294967296 + (int64.low >>> 0);
}

/** An id as two lengths. */
function readId(input: RdbInput, out: StreamId): void {
  input.length64();
  const { low, high } = int64;
  input.length64();
  out.set(high, low, int64.high, int64.low);
}

/** An id in 16 bytes. */
function readRawId(input: RdbInput, out: StreamId): void {
  const at = input.raw(ID_SIZE);
  if (!input.failed) idOf(input.bytes, at, out);
}

function idOf(bytes: Buffer, at: number, out: StreamId): void {
  out.set(
    bytes.readInt32BE(at),
    bytes.readInt32BE(at + 4),
    bytes.readInt32BE(at + 8),
    bytes.readInt32BE(at + 12),
  );
}
