/**
 * A walk over the entries of a stream whose ids are in a range, in either direction. What changes the stream makes the walk
 * end before its time: it is to be begun again then.
 */
import { int64 } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { IdTree } from "../structures/id-tree.ts";
import { IdCursor } from "../structures/id-tree.ts";
import type { Listpack } from "../structures/listpack.ts";
import { StreamId } from "../structures/stream-id.ts";
import type { StreamNodes } from "./stream-node.ts";
import { NodeEntry } from "./stream-node.ts";
import type { StreamPlace } from "./stream-place.ts";

export class StreamWalk {
  /** The id of the entry that the walk is at. */
  readonly id: StreamId = new StreamId();
  /** Pairs of a field and a value that the entry has. */
  fields = 0;
  /** The node of the entry in the tree, and where the entry begins in it. */
  readonly cursor: IdCursor = new IdCursor();
  node: Ref = NULL_REF;
  pos = 0;

  readonly #tree: IdTree;
  readonly #nodes: StreamNodes;
  readonly #listpack: Listpack;
  readonly #start: StreamId = new StreamId();
  readonly #end: StreamId = new StreamId();
  readonly #master: StreamId = new StreamId();
  readonly #entry: NodeEntry = new NodeEntry();
  #reverse = false;
  #more = false;
  #masterFields = 0;
  #masterPos = 0;
  /** Where the next field stands that is read. */
  #fieldPos = 0;
  /** Where the next value stands; after the last one, the entry's size. */
  #bodyPos = 0;
  #unread = 0;

  constructor(tree: IdTree, nodes: StreamNodes, listpack: Listpack) {
    this.#tree = tree;
    this.#nodes = nodes;
    this.#listpack = listpack;
  }

  /** Begins a walk over the ids from `start` to `end`, both included. @param nodes the stream's tree */
  begin(nodes: Ref, start: StreamId, end: StreamId, reverse: boolean): void {
    this.#start.copy(start);
    this.#end.copy(end);
    this.#reverse = reverse;
    const tree = this.#tree;
    // The first node is the last one that may have the id to begin with.
    this.#more =
      tree.seekAtMost(nodes, reverse ? end : start, this.cursor) ||
      (!reverse && tree.first(nodes, this.cursor));
    if (this.#more) this.#enter();
  }

  /** Begins a walk over the ids from a place on that is still good. */
  beginAt(nodes: Ref, place: StreamPlace): void {
    this.#start.copy(place.next);
    this.#end.setMax();
    this.#reverse = false;
    this.#more = this.#tree.seekAtMost(nodes, place.nodeId, this.cursor);
    this.#enter();
    this.#bodyPos = this.#masterPos + place.offset;
  }

  /** Keeps the place behind the entry that the walk, a forward one, is at. */
  keep(place: StreamPlace): void {
    place.next.copy(this.id);
    place.nodeId.copy(this.#master);
    const end = this.#nodes.skip(this.node, this.#bodyPos, this.#unread + 1);
    place.offset = place.next.increment() ? end - this.#masterPos : 0;
  }

  /** Moves to the next entry that is not deleted. Returns false if there is none in the range. */
  next(): boolean {
    while (this.#more) {
      if (!this.#step()) {
        const { cursor } = this;
        this.#more = this.#reverse ? this.#tree.prev(cursor) : this.#tree.next(cursor);
        if (this.#more) this.#enter();
        continue;
      }
      if (this.#reverse) {
        if (this.id.compare(this.#start) < 0) this.#more = false;
        else if (!this.#entry.deleted && this.id.compare(this.#end) <= 0) return true;
      } else if (this.id.compare(this.#end) > 0) this.#more = false;
      else if (!this.#entry.deleted && this.id.compare(this.#start) >= 0) return true;
    }
    return false;
  }

  /** The id of the node that the walk is in. */
  nodeId(out: StreamId): void {
    out.copy(this.#master);
  }

  /** Entries of the node that the walk is in. */
  liveInNode(): number {
    return this.#nodes.live(this.node);
  }

  /** Reads the next field and value of the entry, of which it has `fields`. */
  readPair(field: Slice, value: Slice): void {
    const listpack = this.#listpack;
    const nodes = this.#nodes;
    if (this.#entry.sameFields) {
      listpack.read(this.node, this.#fieldPos, field);
      this.#fieldPos = nodes.skip(this.node, this.#fieldPos, 1);
      this.#unread--;
    } else {
      listpack.read(this.node, this.#bodyPos, field);
      this.#bodyPos = nodes.skip(this.node, this.#bodyPos, 1);
      this.#unread -= 2;
    }
    listpack.read(this.node, this.#bodyPos, value);
    this.#bodyPos = nodes.skip(this.node, this.#bodyPos, 1);
  }

  #enter(): void {
    this.node = this.#tree.get(this.cursor, 0) as Ref;
    this.#tree.id(this.cursor, this.#master);
    this.#masterPos = this.#nodes.fieldsPos(this.node);
    this.#masterFields = int64.low;
    this.#unread = -1;
    if (this.#reverse) this.pos = this.#nodes.endPos(this.node);
    else this.#bodyPos = this.#nodes.skip(this.node, this.#masterPos, this.#masterFields + 1);
  }

  /** Reads the node's next entry, whatever it is. Returns false if there is none. */
  #step(): boolean {
    const nodes = this.#nodes;
    const entry = this.#entry;
    if (this.#reverse) {
      this.pos = nodes.entryBefore(this.node, this.pos);
      if (this.pos === 0) return false;
    } else {
      // Beyond what was not read of the last entry, and its size.
      this.pos = nodes.skip(this.node, this.#bodyPos, this.#unread + 1);
      if (nodes.isEnd(this.node, this.pos)) return false;
    }
    nodes.readEntry(this.node, this.pos, this.#master, this.#masterFields, this.id, entry);
    this.fields = entry.fields;
    this.#fieldPos = this.#masterPos;
    this.#bodyPos = entry.body;
    this.#unread = entry.sameFields ? entry.fields : 2 * entry.fields;
    return true;
  }
}
