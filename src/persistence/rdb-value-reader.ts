/**
 * Reads values in every form that RDB files have had, and makes them as they stand in memory here. A block that is the same in
 * both (listpack, intset) is checked and copied as a whole; everything else is rebuilt from its elements.
 *
 * A value comes out whole or not at all: after a defect, which stands in the input's `error`, nothing of it is left in memory.
 * What passes could have been made by commands: no member twice, no score that is not a number, nothing empty.
 */
import { int64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Reclaimer } from "../keyspace/reclaim.ts";
import type { Store } from "../keyspace/store.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Intset } from "../structures/intset.ts";
import { Listpack } from "../structures/listpack.ts";
import {
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
} from "../types/kinds.ts";
import { MEMBER_TIME_MAX } from "../types/member-times.ts";
import type { Value } from "../types/value.ts";
import { hasScores, isDistinct, isOrdered, isPairs } from "./packed-check.ts";
import * as format from "./rdb-format.ts";
import type { RdbInput } from "./rdb-input.ts";
import { ReadTimes } from "./read-times.ts";
import { readStream } from "./rdb-stream-reader.ts";
import type { Pieces } from "./element-walk.ts";
import { packZiplist } from "./ziplist.ts";
import { packZipmap } from "./zipmap.ts";

/** Elements of a piece. */
const PIECE = 256;
const TIME_SIZE = 8;
/** An element that is longer can't stand in a listpack. */
const ELEMENT_SIZE_MAX: number = 1024 * 1024 * 1024;

/** The type of the values that an RDB type stands for, -1 if there is no such type. */
export function typeOfRdb(type: number): number {
  switch (type) {
    case format.RDB_STRING:
      return TYPE_STRING;
    case format.RDB_LIST:
    case format.RDB_LIST_ZIPLIST:
    case format.RDB_LIST_QUICKLIST:
    case format.RDB_LIST_QUICKLIST_2:
      return TYPE_LIST;
    case format.RDB_SET:
    case format.RDB_SET_INTSET:
    case format.RDB_SET_LISTPACK:
      return TYPE_SET;
    case format.RDB_ZSET:
    case format.RDB_ZSET_2:
    case format.RDB_ZSET_ZIPLIST:
    case format.RDB_ZSET_LISTPACK:
      return TYPE_ZSET;
    case format.RDB_HASH:
    case format.RDB_HASH_ZIPMAP:
    case format.RDB_HASH_ZIPLIST:
    case format.RDB_HASH_LISTPACK:
    case format.RDB_HASH_METADATA_PRE_GA:
    case format.RDB_HASH_LISTPACK_EX_PRE_GA:
    case format.RDB_HASH_METADATA:
    case format.RDB_HASH_LISTPACK_EX:
    case format.RDB_HASH_TIMED:
      return TYPE_HASH;
    case format.RDB_STREAM_LISTPACKS:
    case format.RDB_STREAM_LISTPACKS_2:
    case format.RDB_STREAM_LISTPACKS_3:
      return TYPE_STREAM;
    default:
      return -1;
  }
}

export class RdbValueReader {
  /** The times of the members of the value that was read last; for whoever puts it under a key. */
  times: ReadTimes = new ReadTimes();
  readonly #store: Store;
  readonly #reclaimer: Reclaimer;
  readonly #listpack: Listpack;
  readonly #first: Slice = new Slice();
  readonly #second: Slice = new Slice();

  constructor(store: Store, reclaimer: Reclaimer) {
    this.#store = store;
    this.#reclaimer = reclaimer;
    this.#listpack = store.kit.listpack;
  }

  /**
   * Reads a value that is no string. Of one without elements, which no command leaves behind, nothing is made: its block is
   * NULL_REF then, as after an error.
   * @param type an RDB type that `typeOfRdb` knows
   * @returns null if it was read whole, else what reads the rest
   */
  read(input: RdbInput, type: number, value: Value): Pieces | null {
    value.set(0, NULL_REF);
    this.times = new ReadTimes();
    const rest = this.#begin(input, type, value);
    if (rest !== null) return this.#readRest(input, type, value, rest);
    if (input.failed) this.#drop(type, value);
    return null;
  }

  *#readRest(input: RdbInput, type: number, value: Value, rest: Pieces): Pieces {
    yield* rest;
    if (input.failed) this.#drop(type, value);
  }

  #drop(type: number, value: Value): void {
    if (value.block === NULL_REF) return;
    this.#reclaimer.freeCollection(this.#store.collections[typeOfRdb(type)]!, value);
    value.block = NULL_REF;
  }

  #begin(input: RdbInput, type: number, value: Value): Pieces | null {
    const { hashes, sets, sortedSets } = this.#store;
    switch (type) {
      case format.RDB_LIST:
        return this.#list(input, value);
      case format.RDB_LIST_ZIPLIST:
        return this.#nodes(input, value, 1, type);
      case format.RDB_LIST_QUICKLIST:
      case format.RDB_LIST_QUICKLIST_2:
        return this.#nodes(input, value, input.count(1), type);
      case format.RDB_SET:
        return this.#set(input, value);
      case format.RDB_SET_INTSET:
        return this.#intset(input, value);
      case format.RDB_SET_LISTPACK: {
        const pack = this.#pack(input, type);
        if (pack === NULL_REF) return null;
        if (!isDistinct(this.#store.kit, pack, 1)) return this.#refuse(input, pack);
        sets.settle(value, ENCODING_LISTPACK, pack);
        return null;
      }
      case format.RDB_ZSET:
      case format.RDB_ZSET_2:
        return this.#sortedSet(input, value, type === format.RDB_ZSET_2);
      case format.RDB_ZSET_ZIPLIST:
      case format.RDB_ZSET_LISTPACK: {
        const pack = this.#pairs(input, type);
        if (pack === NULL_REF) return null;
        value.set(ENCODING_LISTPACK, pack);
        if (!hasScores(this.#listpack, pack) || !isOrdered(sortedSets, value)) {
          input.fail("a sorted set is damaged");
        } else sortedSets.settle(value, pack);
        return null;
      }
      case format.RDB_HASH:
        return this.#hash(input, value);
      case format.RDB_HASH_ZIPMAP:
      case format.RDB_HASH_ZIPLIST:
      case format.RDB_HASH_LISTPACK: {
        const pack = this.#pairs(input, type);
        if (pack !== NULL_REF) hashes.settle(value, pack);
        return null;
      }
      case format.RDB_HASH_METADATA_PRE_GA:
      case format.RDB_HASH_METADATA:
        return this.#timedHash(input, value, type === format.RDB_HASH_METADATA);
      case format.RDB_HASH_TIMED:
        return this.#timedFields(input, value, 2 + TIME_SIZE, () =>
          this.#fieldWithTime(input, value),
        );
      case format.RDB_HASH_LISTPACK_EX_PRE_GA:
      case format.RDB_HASH_LISTPACK_EX:
        if (type === format.RDB_HASH_LISTPACK_EX) input.int64();
        this.#triples(input, value, type);
        return null;
      default:
        return readStream(input, this.#store, value, type);
    }
  }

  // ---- packed values ----

  /** Reads a listpack, or what becomes one. Returns NULL_REF if it is empty, or with an error in the input. */
  #pack(input: RdbInput, type: number): Ref {
    const content = this.#first;
    input.string(content);
    if (input.failed) return NULL_REF;
    const pack = this.#packOf(content, type);
    if (pack === NULL_REF) {
      input.fail("a packed value is damaged");
      return NULL_REF;
    }
    if (this.#listpack.count(pack) > 0) return pack;
    this.#listpack.free(pack);
    return NULL_REF;
  }

  #packOf({ bytes, start, end }: Slice, type: number): Ref {
    switch (type) {
      case format.RDB_LIST_ZIPLIST:
      case format.RDB_LIST_QUICKLIST:
      case format.RDB_ZSET_ZIPLIST:
      case format.RDB_HASH_ZIPLIST:
        return packZiplist(this.#listpack, bytes, start, end);
      case format.RDB_HASH_ZIPMAP:
        return packZipmap(this.#listpack, bytes, start, end);
      default:
        if (!Listpack.validate(bytes, start, end)) return NULL_REF;
        return this.#listpack.load(bytes, start, end);
    }
  }

  /** Reads a packed value of pairs whose first elements differ. */
  #pairs(input: RdbInput, type: number): Ref {
    const pack = this.#pack(input, type);
    if (pack === NULL_REF) return NULL_REF;
    if (isPairs(this.#listpack, pack) && isDistinct(this.#store.kit, pack, 2)) return pack;
    this.#refuse(input, pack);
    return NULL_REF;
  }

  #refuse(input: RdbInput, pack: Ref): null {
    this.#listpack.free(pack);
    input.fail("a packed value has an element twice, or too few");
    return null;
  }

  #intset(input: RdbInput, value: Value): null {
    const content = this.#first;
    const { sets } = this.#store;
    input.string(content);
    if (input.failed) return null;
    const { bytes, start, end } = content;
    if (Intset.validate(bytes, start, end)) {
      sets.settle(value, ENCODING_INTSET, sets.intset.load(bytes, start, end));
    } else input.fail("a set of integers is damaged");
    return null;
  }

  // ---- values that come element by element ----

  *#list(input: RdbInput, value: Value): Pieces {
    const { lists } = this.#store;
    const element = this.#first;
    const count = input.count(1);
    if (count === 0) return;
    lists.create(value);
    for (let i = 0; i < count; i++) {
      input.string(element);
      if (this.#isTooLong(input, element)) return;
      lists.grow(value, 1, element.length);
      lists.push(value, false, element.bytes, element.start, element.end);
      if (i % PIECE === 0) yield;
    }
  }

  /** Whether reading has failed, be it because the element is too long for a listpack. */
  #isTooLong(input: RdbInput, element: Slice): boolean {
    if (element.length > ELEMENT_SIZE_MAX) input.fail("an element is too long");
    return input.failed;
  }

  *#nodes(input: RdbInput, value: Value, count: number, type: number): Pieces {
    if (input.failed) return;
    const { lists } = this.#store;
    const list = lists.quicklist.create();
    for (let left = count; left > 0; left--) {
      const pack = this.#node(input, type);
      if (pack !== NULL_REF) lists.quicklist.appendPack(list, pack);
      if (input.failed) break;
      if (left > 1) yield;
    }
    if (input.failed || lists.quicklist.nodes(list) === 0) lists.quicklist.freeSome(list, Infinity);
    else lists.settle(value, list);
  }

  /** Reads the listpack of a node. Returns NULL_REF for one that is empty, or after an error. */
  #node(input: RdbInput, type: number): Ref {
    const content = this.#first;
    const container = type === format.RDB_LIST_QUICKLIST_2 ? input.length() : format.NODE_PACKED;
    input.string(content);
    if (this.#isTooLong(input, content)) return NULL_REF;
    const { bytes, start, end } = content;
    // Redis packs elements that are empty.
    if (container === format.NODE_PLAIN && start < end) {
      return this.#listpack.append(this.#listpack.create(), bytes, start, end);
    }
    const pack = container === format.NODE_PACKED ? this.#packOf(content, type) : NULL_REF;
    if (pack === NULL_REF) input.fail("a node of a list is damaged");
    else if (this.#listpack.count(pack) > 0) return pack;
    else this.#listpack.free(pack);
    return NULL_REF;
  }

  *#set(input: RdbInput, value: Value): Pieces {
    const count = input.count(1);
    if (count === 0) return;
    this.#store.sets.createFor(value, count);
    for (let left = count; left > 0 && !input.failed; left -= PIECE) {
      this.#members(input, value, Math.min(left, PIECE));
      if (left > PIECE) yield;
    }
  }

  #members(input: RdbInput, value: Value, count: number): void {
    const { sets } = this.#store;
    const member = this.#first;
    for (let left = count; left > 0; left--) {
      input.string(member);
      if (input.failed) return;
      if (!sets.add(value, member.bytes, member.start, member.end)) {
        return input.fail("a set has a member twice");
      }
    }
  }

  *#hash(input: RdbInput, value: Value): Pieces {
    const count = input.count(2);
    if (count === 0) return;
    this.#store.hashes.createFor(value, count);
    for (let left = count; left > 0 && !input.failed; left -= PIECE) {
      this.#fields(input, value, Math.min(left, PIECE));
      if (left > PIECE) yield;
    }
  }

  #fields(input: RdbInput, value: Value, count: number): void {
    const field = this.#first;
    const content = this.#second;
    for (let left = count; left > 0; left--) {
      input.mark();
      input.string(field);
      input.string(content);
      if (!input.hold()) {
        input.string(field);
        input.string(content);
      }
      if (input.failed) return;
      if (!this.#put(input, value, field, content)) return;
    }
  }

  /** Sets a field that must be new. Returns whether it was; else nothing more is read. */
  #put(input: RdbInput, value: Value, field: Slice, content: Slice): boolean {
    const { bytes, start, end } = field;
    const { bytes: text, start: from, end: to } = content;
    const isNew = this.#store.hashes.set(value, bytes, start, end, text, from, to);
    if (!isNew) input.fail("a hash has a field twice");
    return isNew;
  }

  /** @param relative times count from the earliest, which stands first */
  *#timedHash(input: RdbInput, value: Value, relative: boolean): Pieces {
    let firstMs = 0;
    if (relative) {
      input.int64();
      firstMs = toNumber(int64.low, int64.high);
    }
    const baseMs = relative ? firstMs - 1 : 0;
    yield* this.#timedFields(input, value, 3, () => this.#timedField(input, value, baseMs));
  }

  /** @param sizeMin bytes of a field with its value and time @param readField reads one of them */
  *#timedFields(input: RdbInput, value: Value, sizeMin: number, readField: () => void): Pieces {
    const count = input.count(sizeMin);
    if (count === 0) return;
    this.#store.hashes.createFor(value, count);
    for (let done = 0; done < count && !input.failed; done++) {
      readField();
      if (done % PIECE === 0) yield;
    }
  }

  #timedField(input: RdbInput, value: Value, baseMs: number): void {
    const time = input.length();
    const field = this.#ownField(input);
    const content = this.#second;
    input.string(content);
    if (input.failed || !this.#put(input, value, field, content)) return;
    if (time !== 0 && !this.times.add(field, baseMs + time)) input.fail("a time is out of range");
  }

  /** Valkey's form: the time of a field stands behind its value. */
  #fieldWithTime(input: RdbInput, value: Value): void {
    const field = this.#ownField(input);
    const content = this.#second;
    input.string(content);
    if (input.failed || !this.#put(input, value, field, content)) return;
    input.int64();
    const dueMs = toNumber(int64.low, int64.high);
    // Theirs may be later than any of ours.
    if (dueMs >= 0) this.times.add(field, Math.min(dueMs, MEMBER_TIME_MAX));
  }

  /** Reads a string and gives a copy of it, good until the next field. */
  #ownField(input: RdbInput): Slice {
    const field = this.#first;
    input.string(field);
    const copy = field.copy();
    field.set(copy, 0, copy.length);
    return field;
  }

  /** Fields, values and times in one listpack. */
  #triples(input: RdbInput, value: Value, type: number): void {
    const pack = this.#pack(input, type);
    if (pack === NULL_REF) return;
    const { hashes } = this.#store;
    const listpack = this.#listpack;
    const field = this.#first;
    const content = this.#second;
    const count = listpack.count(pack);
    if (count % 3 !== 0) {
      this.#refuse(input, pack);
      return;
    }
    hashes.createFor(value, count / 3);
    for (let at = listpack.first(pack); at !== 0 && !input.failed; at = listpack.next(pack, at)) {
      listpack.read(pack, at, field);
      at = listpack.next(pack, at);
      listpack.read(pack, at, content);
      at = listpack.next(pack, at);
      const isTime = listpack.readInteger(pack, at);
      const dueMs = toNumber(int64.low, int64.high);
      // What lies in the arena may move when the hash grows.
      const name = field.copy();
      const text = content.copy();
      field.set(name, 0, name.length);
      content.set(text, 0, text.length);
      if (!isTime) input.fail("a field's time is no number");
      else if (this.#put(input, value, field, content) && dueMs !== 0) {
        if (!this.times.add(field, dueMs)) input.fail("a time is out of range");
      }
    }
    listpack.free(pack);
  }

  *#sortedSet(input: RdbInput, value: Value, binary: boolean): Pieces {
    const count = input.count(2);
    if (count === 0) return;
    this.#store.sortedSets.create(value, count);
    for (let left = count; left > 0 && !input.failed; left -= PIECE) {
      this.#scoredMembers(input, value, Math.min(left, PIECE), binary);
      if (left > PIECE) yield;
    }
  }

  #scoredMembers(input: RdbInput, value: Value, count: number, binary: boolean): void {
    const { sortedSets } = this.#store;
    const member = this.#first;
    for (let left = count; left > 0; left--) {
      let score = this.#scoredMember(input, member, binary);
      if (!input.hold()) score = this.#scoredMember(input, member, binary);
      if (input.failed) return;
      const { bytes, start, end } = member;
      if (Number.isNaN(score)) return input.fail("a score is not a number");
      if (sortedSets.find(value, bytes, start, end)) {
        return input.fail("a sorted set has a member twice");
      }
      sortedSets.insert(value, bytes, start, end, score);
    }
  }

  #scoredMember(input: RdbInput, member: Slice, binary: boolean): number {
    input.mark();
    input.string(member);
    return binary ? input.double() : input.textDouble();
  }
}
