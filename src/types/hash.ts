/**
 * Hashes: fields with a value each.
 *
 *   listpack    field, value, field, value, ... in one block; up to hash-max-listpack-entries fields, none of them and no value
 *               longer than hash-max-listpack-value
 *   hashtable   a dict whose entries hold field and value, see hash-entries.ts
 *
 * A hash that has become a hashtable stays one. Sources of what is written must not lie in the value itself. Slices that are
 * handed out are good until the next change of anything in the arena.
 */
import { INT64_DIGITS_MAX } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { MemberCollection } from "./collection.ts";
import { HashEntries } from "./hash-entries.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from "./kinds.ts";
import type { Kit } from "./kit.ts";
import type { Value } from "./value.ts";

/** Fields that are freed at once. */
const SMALL_MAX = 100;
/** Buckets that a step of an iteration looks at, for each field that it was asked for, if they are empty. */
const BUCKETS_PER_FIELD = 10;

/** What is called with each field and its value. It must not change the arena. */
export type VisitField = (field: Slice, content: Slice) => void;

export class Hashes implements MemberCollection {
  readonly #kit: Kit;
  readonly entries: HashEntries;
  readonly #field: Slice = new Slice();
  readonly #content: Slice = new Slice();
  /** Of a field and a value that are integers. */
  readonly #digits: Buffer = Buffer.alloc(2 * INT64_DIGITS_MAX);
  #visit: VisitField = () => undefined;
  /** Number and bytes of the entries that were looked at. */
  #sampled = 0;
  #weighed = 0;
  /** The dict that `duplicate` and the change of the encoding fill. */
  #target: Ref = NULL_REF;
  readonly #random32 = (): number => this.#kit.random.int32();

  readonly #visitEntry = (entry: Ref): void => {
    this.entries.readField(entry, this.#field);
    this.entries.readValue(entry, this.#content);
    this.#visit(this.#field, this.#content);
  };
  readonly #freeEntry = (entry: Ref): void => this.entries.free(entry);
  readonly #weighEntry = (entry: Ref): void => {
    this.#weighed += this.entries.memory(entry);
    this.#sampled++;
  };
  readonly #countEntry = (): void => void this.#sampled++;
  readonly #copyEntry = (entry: Ref): void => {
    const { dict } = this.#kit;
    dict.insert(this.#target, this.entries.duplicate(entry), dict.hashOf(entry));
  };

  constructor(kit: Kit) {
    this.#kit = kit;
    this.entries = new HashEntries(kit.arena, kit.blobs);
  }

  /** Makes `value` an empty hash. */
  create(value: Value): void {
    value.set(ENCODING_LISTPACK, this.#kit.listpack.create());
  }

  /** Makes `value` an empty hash that will get about `count` fields: a dict at once if it must become one. */
  createFor(value: Value, count: number): void {
    if (count <= this.#kit.limits.hashMaxListpackEntries) this.create(value);
    else value.set(ENCODING_HASHTABLE, this.#kit.dict.create(count));
  }

  /** Makes `value` a hash of a listpack of fields and values, a dict if there are too many of them. */
  settle(value: Value, pack: Ref): void {
    value.set(ENCODING_LISTPACK, pack);
    if (this.length(value) > this.#kit.limits.hashMaxListpackEntries) this.#toDict(value);
  }

  // ---- fields ----

  length(value: Value): number {
    if (value.encoding === ENCODING_LISTPACK) return this.#kit.listpack.count(value.block) >>> 1;
    return this.#kit.dict.count(value.block);
  }

  /** Points `out` at the value of a field. Returns false if there is no such field. */
  get(value: Value, field: Buffer, start: number, end: number, out: Slice): boolean {
    if (value.encoding === ENCODING_LISTPACK) {
      const { listpack } = this.#kit;
      const at = listpack.find(value.block, field, start, end, listpack.first(value.block), 1);
      if (at === 0) return false;
      this.#found = listpack.next(value.block, at);
      listpack.read(value.block, this.#found, out);
      return true;
    }
    const entry = this.#find(value.block, field, start, end);
    if (entry === NULL_REF) return false;
    this.#found = entry;
    this.entries.readValue(entry, out);
    return true;
  }

  has(value: Value, field: Buffer, start: number, end: number): boolean {
    if (value.encoding === ENCODING_LISTPACK) {
      const { listpack } = this.#kit;
      return listpack.find(value.block, field, start, end, listpack.first(value.block), 1) !== 0;
    }
    return this.#find(value.block, field, start, end) !== NULL_REF;
  }

  /** Gives a field a value. Returns true if the field is new. */
  set(
    value: Value,
    field: Buffer,
    fieldStart: number,
    fieldEnd: number,
    content: Buffer,
    start: number,
    end: number,
  ): boolean {
    const { dict, limits, listpack } = this.#kit;
    if (value.encoding === ENCODING_LISTPACK) {
      const valueMax = limits.hashMaxListpackValue;
      const added = fieldEnd - fieldStart + end - start;
      if (
        fieldEnd - fieldStart > valueMax ||
        end - start > valueMax ||
        !listpack.fits(value.block, added)
      ) {
        this.#toDict(value);
      } else {
        const { block } = value;
        const at = listpack.find(block, field, fieldStart, fieldEnd, listpack.first(block), 1);
        if (at === 0) {
          value.block = listpack.append(block, field, fieldStart, fieldEnd);
          value.block = listpack.append(value.block, content, start, end);
        } else {
          value.block = listpack.replace(block, listpack.next(block, at), content, start, end);
        }
        // The limit may have been lowered since the last field was added.
        if (this.length(value) > limits.hashMaxListpackEntries) this.#toDict(value);
        return at === 0;
      }
    }
    const old = this.#find(value.block, field, fieldStart, fieldEnd);
    if (old !== NULL_REF && this.entries.overwrite(old, content, start, end)) return false;
    const entry = this.entries.create(field, fieldStart, fieldEnd, content, start, end);
    if (old === NULL_REF) {
      dict.insert(value.block, entry, this.#hash);
      return true;
    }
    dict.replace(value.block, old, entry);
    this.entries.free(old);
    return false;
  }

  /**
   * Gives the field that `get` has just found another value, if that changes neither the encoding nor the field's entry. Else
   * returns false with nothing changed, and it is up to `set`.
   */
  overwriteFound(value: Value, content: Buffer, start: number, end: number): boolean {
    if (value.encoding === ENCODING_HASHTABLE) {
      return this.entries.overwrite(this.#found as Ref, content, start, end);
    }
    const { limits } = this.#kit;
    if (end - start > limits.hashMaxListpackValue) return false;
    if (this.length(value) > limits.hashMaxListpackEntries) return false;
    value.block = this.#kit.listpack.replace(value.block, this.#found, content, start, end);
    return true;
  }

  /** Takes a field away, and its time. Returns false if there is no such field. */
  remove(value: Value, field: Buffer, start: number, end: number): boolean {
    if (value.timed !== NULL_REF) this.#kit.memberTimes.forget(value.timed, field, start, end);
    if (value.encoding === ENCODING_LISTPACK) {
      const { listpack } = this.#kit;
      const at = listpack.find(value.block, field, start, end, listpack.first(value.block), 1);
      if (at === 0) return false;
      value.block = listpack.removeRange(value.block, at, 2);
      return true;
    }
    const entry = this.#find(value.block, field, start, end);
    if (entry === NULL_REF) return false;
    this.#kit.dict.remove(value.block, entry);
    this.entries.free(entry);
    return true;
  }

  // ---- many fields ----

  /** Calls `visit` with every field and value, in the order of a listpack; that of a hashtable means nothing. */
  forEach(value: Value, visit: VisitField): void {
    if (value.encoding === ENCODING_LISTPACK) {
      const { listpack } = this.#kit;
      const { block } = value;
      const field = this.#field;
      const content = this.#content;
      for (let at = listpack.first(block); at !== 0; at = listpack.next(block, at)) {
        listpack.readApart(block, at, field, this.#digits, 0);
        at = listpack.next(block, at);
        listpack.readApart(block, at, content, this.#digits, INT64_DIGITS_MAX);
        visit(field, content);
      }
      return;
    }
    this.#visit = visit;
    this.#kit.dict.walk.each(value.block, this.#visitEntry);
  }

  /**
   * Calls `visit` with the fields of one step of an iteration and returns the next cursor, 0 at the end: all fields of a
   * listpack, the cursor's buckets of a hashtable. A field that is there from the first call to the last is visited at least
   * once, also if the encoding changes in between: no iteration of a listpack takes more than one call.
   */
  scan(value: Value, cursor: number, visit: VisitField): number {
    if (value.encoding === ENCODING_LISTPACK) {
      this.forEach(value, visit);
      return 0;
    }
    this.#visit = visit;
    return this.#kit.dict.walk.scan(value.block, cursor, this.#visitEntry);
  }

  /**
   * The cursor that a walk with `scan` from `cursor` on has reached when it has seen `count` fields, 0 at the end. Of a dict
   * that is almost empty it looks at no more than ten buckets for each.
   */
  scanEnd(value: Value, cursor: number, count: number): number {
    if (value.encoding === ENCODING_LISTPACK) return 0;
    this.#sampled = 0;
    let at = cursor;
    for (let left = count * BUCKETS_PER_FIELD; left >= 0 && this.#sampled < count; left--) {
      at = this.#kit.dict.walk.scan(value.block, at, this.#countEntry);
      if (at === 0) break;
    }
    return at;
  }

  /** Calls `visit` with a field by chance; the hash is not empty. */
  random(value: Value, visit: VisitField): void {
    if (value.encoding === ENCODING_LISTPACK) {
      const index = this.#kit.random.below(this.length(value));
      this.#visitAt(value.block, this.#kit.listpack.at(value.block, index * 2), visit);
      return;
    }
    this.#visit = visit;
    this.#visitEntry(this.#kit.dict.walk.sample(value.block, this.#random32));
  }

  /** Calls `visit` with `count` different fields, all of them if there are fewer; each selection is about as likely as any other. */
  randomDistinct(value: Value, count: number, visit: VisitField): void {
    const total = this.length(value);
    // Few of many are drawn one by one; else all are gone through, each taken with the chance that leaves enough.
    if (value.encoding !== ENCODING_LISTPACK && count * 3 < total) {
      this.#visit = visit;
      const drawn = new Set<Ref>();
      while (drawn.size < count) {
        const entry = this.#kit.dict.walk.sample(value.block, this.#random32);
        if (drawn.has(entry)) continue;
        drawn.add(entry);
        this.#visitEntry(entry);
      }
      return;
    }
    const { random } = this.#kit;
    let wanted = Math.min(count, total);
    let left = total;
    this.forEach(value, (field, content) => {
      if (random.below(left--) >= wanted) return;
      wanted--;
      visit(field, content);
    });
  }

  // ---- the whole ----

  freeSmall(value: Value): boolean {
    if (value.encoding === ENCODING_LISTPACK) {
      this.#kit.listpack.free(value.block);
      return true;
    }
    if (this.#kit.dict.count(value.block) > SMALL_MAX) return false;
    while (this.freeSome(value, SMALL_MAX));
    return true;
  }

  freeSome(value: Value, limit: number): boolean {
    if (value.encoding === ENCODING_LISTPACK) {
      this.#kit.listpack.free(value.block);
      return false;
    }
    const { dict } = this.#kit;
    if (dict.walk.drain(value.block, limit, this.#freeEntry)) return true;
    dict.destroy(value.block);
    return false;
  }

  duplicate(value: Value, copy: Value): void {
    if (value.encoding === ENCODING_LISTPACK) {
      copy.set(ENCODING_LISTPACK, this.#kit.listpack.duplicate(value.block));
      return;
    }
    const { dict } = this.#kit;
    this.#target = dict.create();
    dict.walk.each(value.block, this.#copyEntry);
    copy.set(ENCODING_HASHTABLE, this.#target);
  }

  memory(value: Value, samples: number): number {
    const { arena, dict } = this.#kit;
    if (value.encoding === ENCODING_LISTPACK) return arena.sizeOf(value.block);
    const count = dict.count(value.block);
    const most = samples === 0 ? count : samples;
    this.#weighed = 0;
    this.#sampled = 0;
    let cursor = 0;
    do cursor = dict.walk.scan(value.block, cursor, this.#weighEntry);
    while (cursor !== 0 && this.#sampled < most);
    const elements = this.#sampled === 0 ? 0 : (this.#weighed * count) / this.#sampled;
    return Math.ceil(elements) + arena.sizeOf(value.block) + 4 * dict.buckets(value.block);
  }

  // ---- inside ----

  /** Where `get` has found a value: its position in the listpack, or its entry. */
  #found = 0;
  /** Hash of the field that was last looked for in a dict. */
  #hash = 0;

  #find(block: Ref, field: Buffer, start: number, end: number): Ref {
    const { dict } = this.#kit;
    const hash = this.#kit.hash(field, start, end);
    this.#hash = hash;
    let entry = dict.first(block, hash);
    while (entry !== NULL_REF && !this.entries.equals(entry, field, start, end)) {
      entry = dict.next(entry, hash);
    }
    return entry;
  }

  #visitAt(block: Ref, at: number, visit: VisitField): void {
    const { listpack } = this.#kit;
    listpack.read(block, at, this.#field);
    listpack.read(block, listpack.next(block, at), this.#content);
    visit(this.#field, this.#content);
  }

  /** Turns a listpack into a hashtable. */
  #toDict(value: Value): void {
    this.#target = this.#kit.dict.create();
    this.forEach(value, this.#addToTarget);
    this.#kit.listpack.free(value.block);
    value.become(ENCODING_HASHTABLE, this.#target);
  }

  readonly #addToTarget = (field: Slice, content: Slice): void => {
    const hash = this.#kit.hash(field.bytes, field.start, field.end);
    const entry = this.entries.create(
      field.bytes,
      field.start,
      field.end,
      content.bytes,
      content.start,
      content.end,
    );
    this.#kit.dict.insert(this.#target, entry, hash);
  };
}
