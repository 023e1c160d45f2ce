/**
 * Consumer groups of streams. A group and a consumer are objects, since there are few; what is pending, delivered but not
 * acknowledged, lies in the arena: of a group a tree with all that is known of each pending entry, of each consumer a tree of
 * the ids only.
 *
 *   pending entry of a group   id   0 time    ms of the last delivery, i64
 *                                   8 count   deliveries, u64
 *                                  16 number  of the consumer
 *
 * That is 36 bytes in the group's tree and 16 in the consumer's. A group that is asked for the oldest of them has an index by
 * time too (stream-idle.ts).
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { IdCursor, IdTree } from "../structures/id-tree.ts";
import { StreamId } from "../structures/stream-id.ts";
import { StreamIdle } from "./stream-idle.ts";
import { StreamPlace } from "./stream-place.ts";

const TIME = 0;
const COUNT = 2;
const CONSUMER = 4;
export const PENDING_WORDS = 5;
/** In the place of a consumer's number. */
const NOBODY = 0;

export class StreamConsumer {
  readonly name: Buffer;
  /** Names the consumer in the group's pending entries. */
  readonly number: number;
  /** The tree of the ids that are pending here. */
  pending: Ref;
  /** When it last asked for something. */
  seenMs: number;
  /** When it was last given something; -1 if never. */
  activeMs = -1;

  constructor(name: Buffer, number: number, pending: Ref, seenMs: number) {
    this.name = name;
    this.number = number;
    this.pending = pending;
    this.seenMs = seenMs;
  }
}

export class StreamGroup {
  readonly name: Buffer;
  readonly lastId: StreamId = new StreamId();
  /** Entries of the stream up to `lastId`, those deleted included, as two words; -1 if that is not known. */
  readLow = -1;
  readHigh = -1;
  /** Where the entry behind `lastId` stands, as far as that is known. */
  readonly place: StreamPlace = new StreamPlace();
  /** The tree of pending entries. */
  pending: Ref;
  /** The index of its pending entries by time, or 0 while nobody has asked for it. */
  idle: Ref = NULL_REF;
  /** While the index is being made: it has the pending entries up to this id. */
  indexedTo: StreamId | null = null;
  /** Ordered by name. */
  readonly consumers: StreamConsumer[] = [];
  readonly byNumber: Map<number, StreamConsumer> = new Map();
  nextNumber = 1;

  constructor(name: Buffer, pending: Ref) {
    this.name = name;
    this.pending = pending;
  }

  get readIsKnown(): boolean {
    return this.readHigh !== -1 || this.readLow !== -1;
  }

  setRead(low: number, high: number): void {
    this.readLow = low;
    this.readHigh = high;
  }
}

export class StreamGroups {
  /** A pending entry by id, for `time`, `deliveries` and their kin. */
  readonly cursor: IdCursor = new IdCursor();
  readonly #pending: IdTree;
  readonly #ids: IdTree;
  readonly #idle: StreamIdle;
  /** By the stream's block; ordered by name. */
  readonly #groups: Map<Ref, StreamGroup[]> = new Map();
  readonly #idCursor: IdCursor = new IdCursor();
  readonly #id: StreamId = new StreamId();

  constructor(arena: Arena) {
    this.#pending = new IdTree(arena, PENDING_WORDS);
    this.#ids = new IdTree(arena, 0);
    this.#idle = new StreamIdle(arena);
  }

  // ---- groups ----

  /** The groups of a stream, ordered by name. */
  of(stream: Ref): readonly StreamGroup[] {
    return this.#groups.get(stream) ?? [];
  }

  find(stream: Ref, bytes: Buffer, start: number, end: number): StreamGroup | null {
    const groups = this.#groups.get(stream);
    if (groups === undefined) return null;
    return findNamed(groups, bytes, start, end);
  }

  /** A stream's block has moved. */
  moved(stream: Ref, fresh: Ref): void {
    const groups = this.#groups.get(stream);
    if (groups === undefined) return;
    this.#groups.delete(stream);
    this.#groups.set(fresh, groups);
  }

  /** Makes a group of a name that the stream has not. */
  create(stream: Ref, name: Buffer): StreamGroup {
    const group = new StreamGroup(name, this.#pending.create());
    const groups = this.#groups.get(stream);
    if (groups === undefined) this.#groups.set(stream, [group]);
    else groups.splice(placeOf(groups, name, 0, name.length), 0, group);
    return group;
  }

  /** Takes a group away; its pending entries go at once. */
  destroy(stream: Ref, group: StreamGroup): void {
    for (const consumer of group.consumers) this.#ids.destroy(consumer.pending);
    this.#pending.destroy(group.pending);
    if (group.idle !== NULL_REF) while (this.#idle.freeSome(group.idle, Infinity));
    const groups = this.#groups.get(stream)!;
    groups.splice(groups.indexOf(group), 1);
    if (groups.length === 0) this.#groups.delete(stream);
  }

  // ---- consumers ----

  findConsumer(
    group: StreamGroup,
    bytes: Buffer,
    start: number,
    end: number,
  ): StreamConsumer | null {
    return findNamed(group.consumers, bytes, start, end);
  }

  createConsumer(group: StreamGroup, name: Buffer, nowMs: number): StreamConsumer {
    const consumer = new StreamConsumer(name, group.nextNumber++, this.#ids.create(), nowMs);
    group.consumers.splice(placeOf(group.consumers, name, 0, name.length), 0, consumer);
    group.byNumber.set(consumer.number, consumer);
    return consumer;
  }

  /** Takes a consumer away with all that is pending there. Returns how many entries that were. */
  deleteConsumer(group: StreamGroup, consumer: StreamConsumer): number {
    const count = this.#ids.count(consumer.pending);
    const cursor = this.#idCursor;
    let more = this.#ids.first(consumer.pending, cursor);
    for (; more; more = this.#ids.next(cursor)) {
      this.#ids.id(cursor, this.#id);
      if (isIndexed(group, this.#id) && this.findPending(group, this.#id)) {
        this.#idle.remove(group.idle, this.deliveredMs(), this.#id);
      }
      this.#pending.remove(group.pending, this.#id);
    }
    this.#ids.destroy(consumer.pending);
    group.consumers.splice(group.consumers.indexOf(consumer), 1);
    group.byNumber.delete(consumer.number);
    return count;
  }

  // ---- pending entries ----

  pendingOf(group: StreamGroup): number {
    return this.#pending.count(group.pending);
  }

  pendingOfConsumer(consumer: StreamConsumer): number {
    return this.#ids.count(consumer.pending);
  }

  /** Whether the id is pending in the group; `cursor` is at it then. */
  findPending(group: StreamGroup, id: StreamId): boolean {
    return this.#pending.find(group.pending, id, this.cursor);
  }

  /** Points `cursor` at the group's first pending entry that is not less than `id`. Returns whether there is one. */
  seekPending(group: StreamGroup, id: StreamId): boolean {
    return this.#pending.seekAtLeast(group.pending, id, this.cursor);
  }

  nextPending(): boolean {
    return this.#pending.next(this.cursor);
  }

  /** The id of the group's pending entry at `cursor`. */
  pendingId(out: StreamId): void {
    this.#pending.id(this.cursor, out);
  }

  /** The first or the last pending id of a group that has some. */
  edge(group: StreamGroup, last: boolean, out: StreamId): void {
    if (last) this.#pending.last(group.pending, this.#idCursor);
    else this.#pending.first(group.pending, this.#idCursor);
    this.#pending.id(this.#idCursor, out);
  }

  /** The first id pending at a consumer that is not less than `id`; false if there is none. `id` becomes it. */
  nextOfConsumer(consumer: StreamConsumer, id: StreamId): boolean {
    if (!this.#ids.seekAtLeast(consumer.pending, id, this.#idCursor)) return false;
    this.#ids.id(this.#idCursor, id);
    return true;
  }

  /** Unix time in ms of the last delivery of the entry at `cursor`. */
  deliveredMs(): number {
    const high = this.#pending.get(this.cursor, TIME + 1);
    return high * 4294967296 + (this.#pending.get(this.cursor, TIME) >>> 0);
  }

  /** Sets the time of the last delivery of the entry at `cursor`, whose id is `id`. */
  setDeliveredMs(group: StreamGroup, id: StreamId, ms: number): void {
    if (isIndexed(group, id)) this.#idle.move(group.idle, this.deliveredMs(), ms, id);
    this.setDelivered(ms | 0, Math.floor(ms / 4294967296));
  }

  /** The same with the time in two words, in a group that has no index by time. */
  setDelivered(low: number, high: number): void {
    this.#pending.set(this.cursor, TIME, low);
    this.#pending.set(this.cursor, TIME + 1, high);
  }

  deliveriesLow(): number {
    return this.#pending.get(this.cursor, COUNT);
  }

  deliveriesHigh(): number {
    return this.#pending.get(this.cursor, COUNT + 1);
  }

  setDeliveries(low: number, high: number): void {
    this.#pending.set(this.cursor, COUNT, low);
    this.#pending.set(this.cursor, COUNT + 1, high);
  }

  countDelivery(): void {
    const low = (this.deliveriesLow() + 1) | 0;
    this.setDeliveries(low, this.deliveriesHigh() + (low === 0 ? 1 : 0));
  }

  /** Who the entry at `cursor` was delivered to. */
  consumerAt(group: StreamGroup): StreamConsumer {
    return group.byNumber.get(this.#pending.get(this.cursor, CONSUMER))!;
  }

  /** Makes the id pending at a consumer, if it is not pending in the group. Returns whether it was not; `cursor` is at it. */
  addPending(group: StreamGroup, consumer: StreamConsumer, id: StreamId): boolean {
    if (!this.#pending.insert(group.pending, id, this.cursor)) return false;
    this.#pending.set(this.cursor, CONSUMER, consumer.number);
    this.#ids.insert(consumer.pending, id, this.#idCursor);
    return true;
  }

  /** Makes the id pending in the group, at nobody yet. Returns whether it was not; `cursor` is at it. */
  addOrphan(group: StreamGroup, id: StreamId): boolean {
    if (!this.#pending.insert(group.pending, id, this.cursor)) return false;
    this.#pending.set(this.cursor, CONSUMER, NOBODY);
    return true;
  }

  /** Gives an id that is pending at nobody to a consumer. Returns whether there was one. */
  adopt(group: StreamGroup, consumer: StreamConsumer, id: StreamId): boolean {
    if (!this.findPending(group, id)) return false;
    if (this.#pending.get(this.cursor, CONSUMER) !== NOBODY) return false;
    this.#pending.set(this.cursor, CONSUMER, consumer.number);
    this.#ids.insert(consumer.pending, id, this.#idCursor);
    return true;
  }

  /** Gives the entry at `cursor`, whose id is `id`, to a consumer. */
  reassign(group: StreamGroup, consumer: StreamConsumer, id: StreamId): void {
    const old = this.consumerAt(group);
    if (old === consumer) return;
    this.#ids.remove(old.pending, id);
    this.#pending.set(this.cursor, CONSUMER, consumer.number);
    this.#ids.insert(consumer.pending, id, this.#idCursor);
  }

  /** Takes a pending entry away: it is acknowledged. Returns whether there was one. */
  removePending(group: StreamGroup, id: StreamId): boolean {
    if (!this.findPending(group, id)) return false;
    this.#ids.remove(this.consumerAt(group).pending, id);
    if (isIndexed(group, id)) this.#idle.remove(group.idle, this.deliveredMs(), id);
    this.#pending.removeFound(group.pending, this.cursor);
    return true;
  }

  // ---- pending entries by time: once there is an index ----

  /** Works at the group's index by time, for about `limit` pending entries. Returns whether it is there. */
  index(group: StreamGroup, limit: number): boolean {
    if (group.idle === NULL_REF) {
      group.idle = this.#idle.create();
      // No entry has the least id.
      group.indexedTo = new StreamId();
    }
    const { idle, indexedTo } = group;
    if (indexedTo === null) return true;
    const id = this.#id;
    id.copy(indexedTo);
    id.increment();
    let more = this.seekPending(group, id);
    for (let left = limit; more && left > 0; left--, more = this.nextPending()) {
      this.pendingId(id);
      this.#idle.add(idle, this.deliveredMs(), id);
      indexedTo.copy(id);
    }
    if (!more) group.indexedTo = null;
    return !more;
  }

  /** Pending entries in the index. */
  indexed(group: StreamGroup): number {
    return this.#idle.count(group.idle);
  }

  /** When the oldest pending entry was delivered, Unix ms; Infinity if nothing is pending. */
  oldestMs(group: StreamGroup): number {
    return this.#idle.oldestMs(group.idle);
  }

  /** Pending entries that were delivered at that time, Unix ms, or before. */
  countUntil(group: StreamGroup, ms: number): number {
    return this.#idle.countUntil(group.idle, ms);
  }

  /** Copies the ids of the oldest pending entries, four words each. @param count not more than there are */
  copyOldest(group: StreamGroup, count: number, out: Int32Array): void {
    this.#idle.copyOldest(group.idle, count, out);
  }

  // ---- for the keyspace ----

  /** Pending entries of all groups of a stream. */
  pending(stream: Ref): number {
    return this.of(stream).reduce((sum, group) => sum + this.#pending.count(group.pending), 0);
  }

  /** Frees about `limit` pending entries. Returns true while the stream has groups. */
  freeSome(stream: Ref, limit: number): boolean {
    const groups = this.#groups.get(stream);
    if (groups === undefined) return false;
    const group = groups.at(-1)!;
    if (group.idle !== NULL_REF) {
      if (this.#idle.freeSome(group.idle, limit)) return true;
      group.idle = NULL_REF;
    }
    let left = limit;
    while (left > 0 && this.#pending.count(group.pending) > 0) {
      left -= this.#pending.dropLastLeaf(group.pending);
    }
    for (let last = group.consumers.at(-1); left > 0 && last !== undefined;) {
      if (this.#ids.count(last.pending) > 0) {
        left -= this.#ids.dropLastLeaf(last.pending);
      } else {
        this.#ids.destroy(last.pending);
        group.consumers.pop();
        last = group.consumers.at(-1);
        left--;
      }
    }
    if (left > 0) this.destroy(stream, group);
    return true;
  }

  duplicate(stream: Ref, copy: Ref): void {
    for (const group of this.of(stream)) {
      const twin = this.create(copy, group.name);
      twin.lastId.copy(group.lastId);
      twin.setRead(group.readLow, group.readHigh);
      for (const consumer of group.consumers) {
        const other = this.createConsumer(twin, consumer.name, consumer.seenMs);
        other.activeMs = consumer.activeMs;
      }
      this.#copyPending(group, twin);
    }
  }

  memory(stream: Ref): number {
    let bytes = 0;
    for (const group of this.of(stream)) {
      bytes += this.#pending.memory(group.pending);
      if (group.idle !== NULL_REF) bytes += this.#idle.memory(group.idle);
      for (const consumer of group.consumers) bytes += this.#ids.memory(consumer.pending);
    }
    return bytes;
  }

  #copyPending(group: StreamGroup, twin: StreamGroup): void {
    const from = new IdCursor();
    let more = this.#pending.first(group.pending, from);
    for (; more; more = this.#pending.next(from)) {
      this.#pending.id(from, this.#id);
      const { name } = group.byNumber.get(this.#pending.get(from, CONSUMER))!;
      const consumer = this.findConsumer(twin, name, 0, name.length)!;
      this.addPending(twin, consumer, this.#id);
      for (let word = 0; word < CONSUMER; word++) {
        this.#pending.set(this.cursor, word, this.#pending.get(from, word));
      }
    }
  }
}

interface Named {
  readonly name: Buffer;
}

function findNamed<T extends Named>(
  list: readonly T[],
  bytes: Buffer,
  start: number,
  end: number,
): T | null {
  const found = list[placeOf(list, bytes, start, end)];
  if (found === undefined) return null;
  return compareName(found.name, bytes, start, end) === 0 ? found : null;
}

/** Index of the first that is not less than the name. */
function placeOf(list: readonly Named[], bytes: Buffer, start: number, end: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareName(list[middle]!.name, bytes, start, end) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareName(name: Buffer, bytes: Buffer, start: number, end: number): number {
  const length = Math.min(name.length, end - start);
  for (let i = 0; i < length; i++) {
    const difference = name[i]! - bytes[start + i]!;
    if (difference !== 0) return difference;
  }
  return name.length - (end - start);
}

/** Whether a pending id belongs into the group's index by time, as far as that has been made. */
function isIndexed(group: StreamGroup, id: StreamId): boolean {
  if (group.idle === NULL_REF) return false;
  return group.indexedTo === null || id.compare(group.indexedTo) <= 0;
}
