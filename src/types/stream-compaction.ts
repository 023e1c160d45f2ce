/** Moves the blocks of streams where that is worth it: their nodes, and what is pending in their consumer groups. */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { IdTreeCompaction } from "../structures/id-tree-compaction.ts";
import { OrderedTreeCompaction } from "../structures/ordered-tree-compaction.ts";
import { StreamId } from "../structures/stream-id.ts";
import type { StreamConsumer, StreamGroup } from "./stream-groups.ts";
import { PENDING_WORDS } from "./stream-groups.ts";
import { NODES, TAIL, type Streams } from "./stream.ts";
import type { Value } from "./value.ts";
import type { Compacting } from "./value-compaction.ts";

export class StreamCompaction {
  readonly #arena: Arena;
  readonly #streams: Streams;
  readonly #nodes: IdTreeCompaction;
  readonly #pending: IdTreeCompaction;
  readonly #ids: IdTreeCompaction;
  readonly #idle: OrderedTreeCompaction;
  /** The stream whose nodes are being moved. */
  #stream: Ref = NULL_REF;

  readonly #move = (block: Ref): Ref => this.#arena.relocate(block);
  readonly #moveNode = (node: Ref): Ref => {
    const fresh = this.#arena.relocate(node);
    if (fresh === node) return node;
    const words = this.#wordsOf(this.#stream);
    const tail = wordOf(this.#stream) + TAIL;
    if (words[tail] === node) words[tail] = fresh;
    return fresh;
  };

  constructor(arena: Arena, streams: Streams) {
    this.#arena = arena;
    this.#streams = streams;
    this.#nodes = new IdTreeCompaction(arena, 1);
    this.#pending = new IdTreeCompaction(arena, PENDING_WORDS);
    this.#ids = new IdTreeCompaction(arena, 0);
    this.#idle = new OrderedTreeCompaction(arena);
  }

  /** Moves all blocks of a stream. @param value names the stream whenever the work goes on */
  *run(value: Value): Compacting {
    const fresh = this.#arena.relocate(value.block);
    if (fresh !== value.block) this.#streams.groups.moved(value.block, fresh);
    value.block = fresh;
    const words = this.#wordsOf(fresh);
    words[wordOf(fresh) + NODES] = this.#arena.relocate(words[wordOf(fresh) + NODES] as Ref);
    const id = new StreamId();
    while (this.#moveNodes(value, id)) yield;
    // Groups and consumers may come and go meanwhile: one may be passed over then, until the next time.
    for (let i = 0; i < this.#groupsOf(value).length; i++) yield* this.#group(value, i);
  }

  #moveNodes(value: Value, id: StreamId): boolean {
    this.#stream = value.block;
    return this.#nodes.moveLeaf(this.#streams.nodes(value), id, this.#moveNode);
  }

  *#group(value: Value, index: number): Compacting {
    const groupAt = (): StreamGroup | undefined => this.#groupsOf(value)[index];
    let group = groupAt()!;
    group.pending = this.#arena.relocate(group.pending);
    const id = new StreamId();
    let more = this.#pending.moveLeaf(group.pending, id, null);
    for (; more; more = this.#pending.moveLeaf(group.pending, id, null)) {
      yield;
      const next = groupAt();
      if (next === undefined) return;
      group = next;
    }
    yield;
    let rank = 0;
    for (let next = groupAt(); next !== undefined; next = groupAt()) {
      rank = this.#moveIdle(next, rank);
      if (rank === -1) break;
      yield;
    }
    for (let i = 0; i < (groupAt()?.consumers.length ?? 0); i++) {
      yield;
      yield* this.#consumer(() => groupAt()?.consumers[i]);
    }
  }

  /** Moves a leaf of a group's index by time, from a rank on. Returns the next rank, or -1 at the end. */
  #moveIdle(group: StreamGroup, rank: number): number {
    const { groups } = this.#streams;
    if (group.idle === NULL_REF) return -1;
    if (rank === 0) group.idle = this.#arena.relocate(group.idle);
    if (rank >= groups.indexed(group)) return -1;
    return this.#idle.moveLeaf(group.idle, rank, this.#move);
  }

  *#consumer(consumerAt: () => StreamConsumer | undefined): Compacting {
    const first = consumerAt();
    if (first !== undefined) first.pending = this.#arena.relocate(first.pending);
    const id = new StreamId();
    for (let one = first; one !== undefined; one = consumerAt()) {
      if (!this.#ids.moveLeaf(one.pending, id, null)) return;
      yield;
    }
  }

  #groupsOf(value: Value): readonly StreamGroup[] {
    return this.#streams.groups.of(value.block);
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}

function wordOf(ref: Ref): number {
  return (ref & SEGMENT_MASK) << 2;
}
