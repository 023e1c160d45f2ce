/**
 * Writes a stream as commands:
 *
 *   XADD        each entry
 *   XGROUP      each group, each consumer
 *   XCLAIM      the pending entries of each consumer, those together that were delivered at the same time and equally often
 *   XDEL, XTRIM see below
 *   XSETID      the last id, the greatest deleted one, the number of entries ever added
 *
 * Entries may be pending that are deleted. XCLAIM takes only what is there, so these are added, claimed and deleted again. Where none
 * was ever deleted but by trimming, they are trimmed again: XSETID can't take back what XDEL notes as the greatest deleted id.
 * A stream without any entry begins with one that a trim to nothing removes at once.
 */
import { int64 } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Store } from "../keyspace/store.ts";
import type { Listpack } from "../structures/listpack.ts";
import { STREAM_ID_DIGITS_MAX, StreamId } from "../structures/stream-id.ts";
import type { StreamConsumer, StreamGroup } from "../types/stream-groups.ts";
import type { StreamWalk } from "../types/stream-walk.ts";
import type { Value } from "../types/value.ts";
import type { KeyTarget } from "./command-writer.ts";
import type { Pieces } from "./element-walk.ts";
import { PIECE } from "./element-walk.ts";

/** Ids of one XCLAIM at most. */
const IDS_MAX = 64;

const field = new Slice();
const content = new Slice();
const digits = Buffer.alloc(STREAM_ID_DIGITS_MAX);

/** @param listpack with a scratch of its own @param stream must stay as it is until all is written, as the stream itself must */
export function* writeStreamCommands(
  target: KeyTarget,
  store: Store,
  listpack: Listpack,
  stream: Value,
): Pieces {
  const { streams } = store;
  const { words } = target.output;
  const groups = streams.groups.of(stream.block);
  let stubs = 0;
  let entries = 0;
  /** Stubs stand behind entries. */
  let isMixed = false;
  const walk = new StreamMerge(store, listpack, stream, groups);
  yield* walk.run(
    (entry) => {
      entries++;
      begin(target, "XADD", 3 + 2 * entry.fields);
      writeId(target, entry.id);
      writePairs(target, entry);
    },
    (id) => {
      writeStub(target, id);
      stubs++;
      if (entries > 0) isMixed = true;
    },
  );
  if (stubs === 0 && streams.length(stream) === 0) writeNothing(target, walk.lastId);
  for (const group of groups) yield* writeGroup(target, store, group);
  const maxDeletedId = new StreamId();
  streams.maxDeletedId(stream, maxDeletedId);
  if (stubs > 0 && maxDeletedId.isMin() && !isMixed) {
    begin(target, "XTRIM", 4);
    words.text("MAXLEN");
    words.integer(entries);
  } else if (stubs > 0) {
    yield* walk.run(
      () => {},
      (id) => {
        begin(target, "XDEL", 3);
        writeId(target, id);
      },
    );
  }
  begin(target, "XSETID", 7);
  writeId(target, walk.lastId);
  words.text("ENTRIESADDED");
  streams.readAdded(stream);
  words.int64(int64.low, int64.high);
  words.text("MAXDELETEDID");
  writeId(target, maxDeletedId);
}

/** The first pending entry of a group that the merge has not come to. */
interface Head {
  readonly group: StreamGroup;
  readonly id: StreamId;
  /** There is one. */
  valid: boolean;
}

/** Goes through the entries of a stream and what is pending in its groups, in the order of their ids. */
class StreamMerge {
  readonly lastId: StreamId = new StreamId();
  readonly #store: Store;
  readonly #stream: Value;
  readonly #walk: StreamWalk;
  readonly #groups: readonly StreamGroup[];
  readonly #id: StreamId = new StreamId();

  constructor(store: Store, listpack: Listpack, stream: Value, groups: readonly StreamGroup[]) {
    const { streams } = store;
    this.#store = store;
    this.#stream = stream;
    this.#walk = streams.createWalk(listpack);
    this.#groups = groups;
    streams.lastId(stream, this.lastId);
  }

  /** @param onMissing gets the ids that are pending and of no entry any more */
  *run(onEntry: (entry: StreamWalk) => void, onMissing: (id: StreamId) => void): Pieces {
    const walk = this.#walk;
    const start = new StreamId();
    const end = new StreamId();
    end.setMax();
    walk.begin(this.#store.streams.nodes(this.#stream), start, end, false);
    const heads = this.#groups.map((group): Head => {
      const head = { group, id: new StreamId(), valid: true };
      this.#seek(head);
      return head;
    });
    for (let count = 1; walk.next(); count++) {
      yield* this.#missing(heads, walk.id, onMissing);
      onEntry(walk);
      if (count % PIECE === 0) yield;
    }
    // No entry can have been beyond the last id; who says so has made it up.
    if (this.lastId.increment()) yield* this.#missing(heads, this.lastId, onMissing);
    this.lastId.decrement();
  }

  /** Passes over all pending ids up to `bound`, and tells those below it. */
  *#missing(heads: readonly Head[], bound: StreamId, tell: (id: StreamId) => void): Pieces {
    const id = this.#id;
    for (let count = 1; ; count++) {
      let isAny = false;
      for (const head of heads) {
        if (!head.valid || (isAny && head.id.compare(id) >= 0)) continue;
        id.copy(head.id);
        isAny = true;
      }
      const order = isAny ? id.compare(bound) : 1;
      if (order > 0) return;
      for (const head of heads) {
        if (!head.valid || head.id.compare(id) !== 0) continue;
        head.valid = head.id.increment();
        this.#seek(head);
      }
      // Redis has no entry 0-0.
      if (order < 0 && !id.isMin()) tell(id);
      if (count % PIECE === 0) yield;
    }
  }

  /** Moves a head to the first pending id that is not less than its own. */
  #seek(head: Head): void {
    const { groups } = this.#store.streams;
    if (!head.valid) return;
    head.valid = groups.seekPending(head.group, head.id);
    if (head.valid) groups.pendingId(head.id);
  }
}

/** A stream has no key without having had an entry. */
function writeNothing(target: KeyTarget, lastId: StreamId): void {
  const id = new StreamId();
  id.copy(lastId);
  if (id.isMin()) id.increment();
  const { words } = target.output;
  begin(target, "XADD", 7);
  words.text("MAXLEN");
  words.integer(0);
  writeId(target, id);
  words.text("x");
  words.text("y");
}

function writeStub(target: KeyTarget, id: StreamId): void {
  begin(target, "XADD", 5);
  writeId(target, id);
  target.output.words.text("x");
  target.output.words.text("y");
}

function writePairs({ output }: KeyTarget, walk: StreamWalk): void {
  for (let left = walk.fields; left > 0; left--) {
    walk.readPair(field, content);
    output.words.bytes(field.bytes, field.start, field.end);
    output.words.bytes(content.bytes, content.start, content.end);
  }
}

function* writeGroup(target: KeyTarget, store: Store, group: StreamGroup): Pieces {
  const { words } = target.output;
  beginGroup(target, "CREATE", group, 7);
  writeId(target, group.lastId);
  words.text("ENTRIESREAD");
  words.int64(group.readLow, group.readHigh);
  for (const consumer of group.consumers) {
    if (store.streams.groups.pendingOfConsumer(consumer) > 0) {
      yield* writeClaims(target, store, group, consumer);
    } else {
      beginGroup(target, "CREATECONSUMER", group, 5);
      words.bytes(consumer.name, 0, consumer.name.length);
    }
  }
}

function* writeClaims(
  target: KeyTarget,
  store: Store,
  group: StreamGroup,
  consumer: StreamConsumer,
): Pieces {
  const run = new ClaimRun(target, group, consumer);
  const { groups } = store.streams;
  const id = new StreamId();
  for (let count = 1; groups.nextOfConsumer(consumer, id); count++) {
    if (groups.findPending(group, id)) {
      run.add(id, groups.deliveredMs(), groups.deliveriesLow(), groups.deliveriesHigh());
    }
    if (!id.increment()) break;
    if (count % PIECE === 0) yield;
  }
  run.write();
}

/** Pending entries of a consumer that one XCLAIM restores. */
class ClaimRun {
  readonly #target: KeyTarget;
  readonly #group: StreamGroup;
  readonly #consumer: StreamConsumer;
  #ids: Buffer[] = [];
  #deliveredMs = 0;
  #countLow = 0;
  #countHigh = 0;

  constructor(target: KeyTarget, group: StreamGroup, consumer: StreamConsumer) {
    this.#target = target;
    this.#group = group;
    this.#consumer = consumer;
  }

  /** Adds a pending entry, and writes those before it if they were delivered otherwise or are many. */
  add(id: StreamId, deliveredMs: number, countLow: number, countHigh: number): void {
    const isAlike =
      deliveredMs === this.#deliveredMs &&
      countLow === this.#countLow &&
      countHigh === this.#countHigh;
    if (!isAlike || this.#ids.length === IDS_MAX) this.write();
    this.#ids.push(Buffer.from(digits.subarray(0, id.write(digits, 0))));
    this.#deliveredMs = deliveredMs;
    this.#countLow = countLow;
    this.#countHigh = countHigh;
  }

  /** Writes what was added. */
  write(): void {
    if (this.#ids.length === 0) return;
    const { words } = this.#target.output;
    const { name } = this.#group;
    begin(this.#target, "XCLAIM", 11 + this.#ids.length);
    words.bytes(name, 0, name.length);
    words.bytes(this.#consumer.name, 0, this.#consumer.name.length);
    words.integer(0);
    for (const id of this.#ids) words.bytes(id, 0, id.length);
    words.text("TIME");
    words.integer(this.#deliveredMs);
    words.text("RETRYCOUNT");
    words.int64(this.#countLow, this.#countHigh);
    words.text("FORCE");
    words.text("JUSTID");
    this.#ids = [];
  }
}

/** A command on the stream. @param count arguments, name and key included */
function begin({ output, index, key }: KeyTarget, name: string, count: number): void {
  output.begin(index, count);
  output.words.text(name);
  output.words.bytes(key, 0, key.length);
}

/** XGROUP up to the group's name. @param count arguments, name and key included */
function beginGroup(
  { output, index, key }: KeyTarget,
  subcommand: string,
  { name }: StreamGroup,
  count: number,
): void {
  output.begin(index, count);
  output.words.text("XGROUP");
  output.words.text(subcommand);
  output.words.bytes(key, 0, key.length);
  output.words.bytes(name, 0, name.length);
}

function writeId({ output }: KeyTarget, id: StreamId): void {
  output.words.bytes(digits, 0, id.write(digits, 0));
}
