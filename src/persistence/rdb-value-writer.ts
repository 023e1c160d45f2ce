/**
 * Writes values in the RDB format, straight from the arena. Each type and encoding has one form, the lowest that holds it, which
 * Redis 7.0 loads:
 *
 *   string                 STRING               hash, listpack      HASH_LISTPACK, the block
 *   list                   LIST_QUICKLIST_2     hash, dict          HASH
 *   set, intset            SET_INTSET, block    sorted, listpack    ZSET_LISTPACK, the block
 *   set, listpack or dict  SET                  sorted, skiplist    ZSET_2, the greatest member first
 *                                               hash with times     HASH_METADATA, which Redis 7.4 loads
 *                                               stream              see rdb-stream-writer.ts
 *
 * What is short is written at once. Of anything else the caller gets a generator and writes it a piece at a time; the value must
 * not change until it is done, other values may.
 */
import { Slice } from "../base/slice.ts";
import type { Database } from "../keyspace/database.ts";
import type { Entries } from "../keyspace/entry.ts";
import type { Store } from "../keyspace/store.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Listpack } from "../structures/listpack.ts";
import {
  ENCODING_HASHTABLE,
  ENCODING_INT,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { Pieces } from "./element-walk.ts";
import { copyOf, ElementWalk } from "./element-walk.ts";
import {
  NODE_PACKED,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_METADATA,
  RDB_LIST_QUICKLIST_2,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_STREAM_LISTPACKS_2,
  RDB_STRING,
  RDB_ZSET_2,
  RDB_ZSET_LISTPACK,
} from "./rdb-format.ts";
import type { RdbOutput } from "./rdb-output.ts";
import { writeStream } from "./rdb-stream-writer.ts";

export class RdbValueWriter {
  readonly #store: Store;
  readonly #entries: Entries;
  /** With a scratch of its own: a snapshot writes in the middle of commands. */
  readonly #listpack: Listpack;
  readonly #value: Value = new Value();
  readonly #walk: ElementWalk;
  readonly #content: Slice = new Slice();

  constructor(store: Store) {
    this.#store = store;
    this.#entries = store.entries;
    this.#listpack = new Listpack(store.arena);
    this.#walk = new ElementWalk(store, this.#listpack);
  }

  /** The RDB type of an entry's value. */
  typeOf(database: Database, entry: Ref): number {
    const type = this.#entries.type(entry);
    if (type === TYPE_STRING) return RDB_STRING;
    database.load(entry, this.#value);
    const { encoding, timed } = this.#value;
    const packed = encoding === ENCODING_LISTPACK;
    switch (type) {
      case TYPE_LIST:
        return RDB_LIST_QUICKLIST_2;
      case TYPE_SET:
        return encoding === ENCODING_INTSET ? RDB_SET_INTSET : RDB_SET;
      case TYPE_HASH:
        if (timed !== NULL_REF) return RDB_HASH_METADATA;
        return packed ? RDB_HASH_LISTPACK : RDB_HASH;
      case TYPE_STREAM:
        return RDB_STREAM_LISTPACKS_2;
      default:
        return packed ? RDB_ZSET_LISTPACK : RDB_ZSET_2;
    }
  }

  /** Writes an entry's value, without its type. @returns null if that was all, else what writes the rest */
  write(output: RdbOutput, database: Database, entry: Ref): Pieces | null {
    const entries = this.#entries;
    const type = entries.type(entry);
    if (type === TYPE_STRING) {
      if (entries.encoding(entry) === ENCODING_INT) {
        output.integer(entries.low(entry), entries.high(entry));
      } else {
        const content = this.#content;
        database.readString(entry, content);
        output.string(content.bytes, content.start, content.end);
      }
      return null;
    }
    const value = this.#value;
    database.load(entry, value);
    switch (type) {
      case TYPE_LIST:
        return this.#list(output, value);
      case TYPE_SET:
        return this.#set(output, value);
      case TYPE_HASH:
        return this.#hash(output, value);
      case TYPE_STREAM:
        return writeStream(output, this.#store, copyOf(value));
      default:
        return this.#sortedSet(output, value);
    }
  }

  /** A block that is the same in memory and in the file. */
  #block(output: RdbOutput, pack: Ref): void {
    const content = this.#content;
    this.#listpack.whole(pack, content);
    output.string(content.bytes, content.start, content.end);
  }

  #list(output: RdbOutput, { encoding, block }: Value): Pieces | null {
    if (encoding !== ENCODING_LISTPACK) return this.#nodes(output, block);
    output.length(1);
    output.length(NODE_PACKED);
    this.#block(output, block);
    return null;
  }

  *#nodes(output: RdbOutput, list: Ref): Pieces {
    const { quicklist } = this.#store.lists;
    output.length(quicklist.nodes(list));
    for (let node = quicklist.head(list); node !== NULL_REF; node = quicklist.next(node)) {
      output.length(NODE_PACKED);
      this.#block(output, quicklist.pack(node));
      yield;
    }
  }

  #set(output: RdbOutput, value: Value): Pieces | null {
    const { sets } = this.#store;
    if (value.encoding === ENCODING_INTSET) {
      const content = this.#content;
      sets.intset.whole(value.block, content);
      output.string(content.bytes, content.start, content.end);
      return null;
    }
    const { block } = value;
    output.length(sets.length(value));
    const write = (member: Slice): void => {
      output.string(member.bytes, member.start, member.end);
    };
    if (value.encoding === ENCODING_HASHTABLE) return this.#walk.members(copyOf(value), write);
    this.#walk.packed(block, write);
    return null;
  }

  /** The times of an entry's members, if RDB has no place for them: those of sets and sorted sets. Else NULL_REF. */
  timedOf(database: Database, entry: Ref): Ref {
    if (!this.#entries.isTimed(entry) || this.#entries.type(entry) === TYPE_HASH) return NULL_REF;
    database.load(entry, this.#value);
    return this.#value.timed;
  }

  /** Writes up to `count` of such times, the first `from` left out, as AUX_MEMBER_TIMES wants them. Compresses nothing. */
  times(output: RdbOutput, timed: Ref, from: number, count: number): void {
    this.#store.kit.memberTimes.forSome(timed, from, count, ({ bytes, start, end }, dueMs) => {
      output.string(bytes, start, end);
      output.time(dueMs);
    });
  }

  #hash(output: RdbOutput, value: Value): Pieces | null {
    if (value.timed !== NULL_REF) return this.#timedFields(output, copyOf(value), value.timed);
    if (value.encoding !== ENCODING_LISTPACK) return this.#fields(output, copyOf(value));
    this.#block(output, value.block);
    return null;
  }

  *#fields(output: RdbOutput, hash: Value): Pieces {
    output.length(this.#store.hashes.length(hash));
    yield* this.#walk.pairs(hash, (field, content) => {
      output.string(field.bytes, field.start, field.end);
      output.string(content.bytes, content.start, content.end);
    });
  }

  *#timedFields(output: RdbOutput, hash: Value, timed: Ref): Pieces {
    const { hashes, kit } = this.#store;
    const firstMs = kit.memberTimes.firstMs(timed);
    output.time(firstMs);
    output.length(hashes.length(hash));
    yield* this.#walk.pairs(hash, (field, content) => {
      const dueMs = kit.memberTimes.of(timed, field.bytes, field.start, field.end);
      output.length(dueMs === -1 ? 0 : dueMs - firstMs + 1);
      output.string(field.bytes, field.start, field.end);
      output.string(content.bytes, content.start, content.end);
    });
  }

  #sortedSet(output: RdbOutput, value: Value): Pieces | null {
    if (value.encoding !== ENCODING_LISTPACK) return this.#scoredMembers(output, copyOf(value));
    this.#block(output, value.block);
    return null;
  }

  *#scoredMembers(output: RdbOutput, value: Value): Pieces {
    output.length(this.#store.sortedSets.length(value));
    yield* this.#walk.scored(value, (member, score) => {
      output.string(member.bytes, member.start, member.end);
      output.double(score);
    });
  }
}
