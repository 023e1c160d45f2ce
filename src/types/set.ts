/**
 * Sets. A set is laid out in one of three ways, and turns to the next when it outgrows one or gets a member that does not
 * fit; it never turns back.
 *
 *   intset      sorted integers in one block, up to `set-max-intset-entries`
 *   listpack    members one after another in one block, up to `set-max-listpack-entries` of `set-max-listpack-value` bytes
 *   hashtable   a dict, its entries as set-entries.ts describes them
 *
 * Members are bytes; an integer in its canonical form is the same member whichever encoding holds it. Other types walk over
 * a set with a `SetWalk` (`newWalk`), which stands at one member after the other and gives its bytes.
 */
import { int64, parseInt64, writeInt64 } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Intset } from "../structures/intset.ts";
import type { MemberCollection } from "./collection.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } from "./kinds.ts";
import type { Kit } from "./kit.ts";
import { SetEntries } from "./set-entries.ts";
import { SetWalk } from "./set-walk.ts";
import { Value } from "./value.ts";

/** An intset has no more members, whatever the option says: every insertion moves half of them. */
const INTSET_COUNT_MAX: number = 1 << 26;
/** Sets up to this size are freed at once. */
const SMALL = 128;
/** Buckets of a dict that is freed at once; most may be empty. */
const SMALL_BUCKETS = 1024;

/** Digits of the integers at both ends of an intset. */
const digits = Buffer.alloc(20);

export class Sets implements MemberCollection {
  readonly intset: Intset;
  readonly entries: SetEntries;
  /** A walk for whoever needs one no longer than for a command on one set. */
  readonly walk: SetWalk;
  readonly #kit: Kit;
  /** The walk of what is done in here. */
  readonly #walk: SetWalk;
  readonly #converted = new Value();
  readonly #freeEntry = (entry: Ref): void => this.#kit.arena.free(entry);

  constructor(kit: Kit) {
    this.#kit = kit;
    this.intset = new Intset(kit.arena);
    this.entries = new SetEntries(kit.arena);
    this.walk = this.newWalk();
    this.#walk = this.newWalk();
  }

  /** A walk over sets, to be kept and used again. */
  newWalk(): SetWalk {
    return new SetWalk(this.#kit, this.intset, this.entries);
  }

  // ---- making ----

  /** Makes an empty set that is to hold bytes[start, end) first and about `hint` members in all. */
  create(value: Value, bytes: Buffer, start: number, end: number, hint: number): void {
    const { limits } = this.#kit;
    if (parseInt64(bytes, start, end) && hint <= this.#intsetCountMax()) this.createIntset(value);
    else if (hint <= limits.setMaxListpackEntries) {
      value.set(ENCODING_LISTPACK, this.#kit.listpack.create());
    } else this.createDict(value);
  }

  /** Makes an empty set of integers, which turns into what it needs. */
  createIntset(value: Value): void {
    value.set(ENCODING_INTSET, this.intset.create());
  }

  /** Makes an empty set that will get at least `count` members: a dict at once if it can be nothing else. */
  createFor(value: Value, count: number): void {
    if (count > Math.max(this.#intsetCountMax(), this.#kit.limits.setMaxListpackEntries)) {
      this.createDict(value, count);
    } else this.createIntset(value);
  }

  /** Makes an empty set that is a dict. @param count members that it will get soon */
  createDict(value: Value, count = 0): void {
    value.set(ENCODING_HASHTABLE, this.#kit.dict.create(count));
  }

  /** Makes an empty set of the encoding of a packed one. */
  createLike(value: Value, packed: Value): void {
    if (packed.encoding === ENCODING_INTSET) this.createIntset(value);
    else value.set(ENCODING_LISTPACK, this.#kit.listpack.create());
  }

  /** Turns a set into a dict at once if it is about to get more members than it may have as it is. */
  expect(value: Value, hint: number): void {
    const { encoding } = value;
    if (encoding === ENCODING_HASHTABLE) return;
    const { setMaxListpackEntries } = this.#kit.limits;
    const max = encoding === ENCODING_INTSET ? this.#intsetCountMax() : setMaxListpackEntries;
    if (hint > max) this.#toDict(value);
  }

  /** Makes `value` a set of an intset or of a listpack of different members, a dict if there are too many of them. */
  settle(value: Value, encoding: number, block: Ref): void {
    value.set(encoding, block);
    this.expect(value, this.length(value));
  }

  // ---- members ----

  has(value: Value, bytes: Buffer, start: number, end: number): boolean {
    const { encoding, block } = value;
    if (encoding === ENCODING_HASHTABLE) {
      return this.#find(block, this.#kit.hash(bytes, start, end), bytes, start, end) !== NULL_REF;
    }
    if (encoding === ENCODING_INTSET) {
      return parseInt64(bytes, start, end) && this.intset.has(block, int64.low, int64.high);
    }
    const { listpack } = this.#kit;
    return listpack.find(block, bytes, start, end, listpack.first(block), 0) !== 0;
  }

  /** Adds a member; returns whether it is new. The bytes must not lie in a packed block of this set. */
  add(value: Value, bytes: Buffer, start: number, end: number): boolean {
    const { encoding } = value;
    if (encoding === ENCODING_HASHTABLE) {
      return this.#addToDict(value.block, this.#kit.hash(bytes, start, end), bytes, start, end);
    }
    if (encoding === ENCODING_LISTPACK) return this.#addToListpack(value, bytes, start, end);
    if (parseInt64(bytes, start, end)) return this.#addInteger(value, int64.low, int64.high);
    this.#leaveIntset(value, end - start);
    return this.add(value, bytes, start, end);
  }

  /** Removes a member, and its time; returns whether it was there. */
  remove(value: Value, bytes: Buffer, start: number, end: number): boolean {
    const { encoding, block, timed } = value;
    if (timed !== NULL_REF) this.#kit.memberTimes.forget(timed, bytes, start, end);
    if (encoding === ENCODING_HASHTABLE) {
      const entry = this.#find(block, this.#kit.hash(bytes, start, end), bytes, start, end);
      if (entry === NULL_REF) return false;
      this.#removeEntry(block, entry);
      return true;
    }
    if (encoding === ENCODING_INTSET) {
      return parseInt64(bytes, start, end) && this.#removeInteger(value, int64.low, int64.high);
    }
    const { listpack } = this.#kit;
    const pos = listpack.find(block, bytes, start, end, listpack.first(block), 0);
    if (pos === 0) return false;
    value.block = listpack.remove(block, pos);
    return true;
  }

  // ---- members at which a walk over another set stands ----

  /** Whether the set has the member at which `walk` stands. */
  hasWalked(value: Value, walk: SetWalk): boolean {
    const { encoding, block } = value;
    if (encoding === ENCODING_HASHTABLE) return this.#findWalked(block, walk) !== NULL_REF;
    if (encoding === ENCODING_INTSET && walk.isInteger) {
      return this.intset.has(block, walk.low, walk.high);
    }
    const { bytes, start, end } = walk.member;
    return this.has(value, bytes, start, end);
  }

  /** Adds the member at which `walk` stands; returns whether it is new. */
  addWalked(value: Value, walk: SetWalk): boolean {
    if (value.encoding === ENCODING_INTSET && walk.isInteger) {
      return this.#addInteger(value, walk.low, walk.high);
    }
    const { bytes, start, end } = walk.member;
    if (value.encoding !== ENCODING_HASHTABLE) return this.add(value, bytes, start, end);
    if (this.#findWalked(value.block, walk) !== NULL_REF) return false;
    this.#insert(value.block, walk.hash, bytes, start, end);
    return true;
  }

  /** Adds the member at which `walk` stands to a set that is known not to have it. */
  addNewWalked(value: Value, walk: SetWalk): void {
    const { encoding } = value;
    if (encoding === ENCODING_INTSET) {
      this.addWalked(value, walk);
      return;
    }
    const { bytes, start, end } = walk.member;
    if (encoding === ENCODING_LISTPACK) this.#appendToListpack(value, bytes, start, end);
    else this.#insert(value.block, walk.hash, bytes, start, end);
  }

  /** Appends the member at which a walk over a packed set stands to a new one of its encoding, which no member is in yet. */
  appendWalked(value: Value, walk: SetWalk): void {
    if (walk.isInteger) {
      value.block = this.intset.add(value.block, walk.low, walk.high);
      return;
    }
    const { bytes, start, end } = walk.member;
    value.block = this.#kit.listpack.append(value.block, bytes, start, end);
  }

  /** Removes the member at which a walk over another set stands; returns whether it was there. */
  removeWalked(value: Value, walk: SetWalk): boolean {
    if (value.timed !== NULL_REF) this.#forgetWalked(value.timed, walk);
    if (value.encoding === ENCODING_INTSET && walk.isInteger) {
      return this.#removeInteger(value, walk.low, walk.high);
    }
    if (value.encoding === ENCODING_HASHTABLE) {
      const entry = this.#findWalked(value.block, walk);
      if (entry !== NULL_REF) this.#removeEntry(value.block, entry);
      return entry !== NULL_REF;
    }
    const { bytes, start, end } = walk.member;
    return this.remove(value, bytes, start, end);
  }

  /** Removes the member of this set at which `walk` stands. The walk ends with that. */
  removeAt(value: Value, walk: SetWalk): void {
    const { encoding, block, timed } = value;
    if (timed !== NULL_REF) this.#forgetWalked(timed, walk);
    if (encoding === ENCODING_HASHTABLE) this.#removeEntry(block, walk.entry);
    else if (encoding === ENCODING_INTSET) value.block = this.intset.removeAt(block, walk.pos);
    else value.block = this.#kit.listpack.remove(block, walk.pos);
  }

  #forgetWalked(timed: Ref, walk: SetWalk): void {
    const { bytes, start, end } = walk.member;
    this.#kit.memberTimes.forget(timed, bytes, start, end);
  }

  /**
   * Calls `visit` with the entries of the cursor's buckets and returns the next cursor, 0 at the end: see `Dict.scan`.
   * @param value a dict
   */
  scan(value: Value, cursor: number, visit: (entry: Ref) => void): number {
    return this.#kit.dict.walk.scan(value.block, cursor, visit);
  }

  // ---- what every collection can ----

  length(value: Value): number {
    const { encoding, block } = value;
    if (encoding === ENCODING_HASHTABLE) return this.#kit.dict.count(block);
    if (encoding === ENCODING_INTSET) return this.intset.count(block);
    return this.#kit.listpack.count(block);
  }

  freeSmall(value: Value): boolean {
    const { dict, arena } = this.#kit;
    const { block } = value;
    if (value.encoding !== ENCODING_HASHTABLE) {
      arena.free(block);
      return true;
    }
    if (dict.count(block) > SMALL || dict.buckets(block) > SMALL_BUCKETS) return false;
    dict.walk.drain(block, Infinity, this.#freeEntry);
    dict.destroy(block);
    return true;
  }

  freeSome(value: Value, limit: number): boolean {
    const { dict } = this.#kit;
    const { block } = value;
    if (dict.walk.drain(block, limit, this.#freeEntry)) return true;
    dict.destroy(block);
    return false;
  }

  duplicate(value: Value, copy: Value): void {
    const { encoding, block } = value;
    if (encoding === ENCODING_INTSET) return copy.set(encoding, this.intset.duplicate(block));
    const { listpack, dict } = this.#kit;
    if (encoding === ENCODING_LISTPACK) return copy.set(encoding, listpack.duplicate(block));
    this.createDict(copy);
    const walk = this.#walk;
    walk.begin(value);
    while (walk.next()) dict.insert(copy.block, this.entries.duplicate(walk.entry), walk.hash);
  }

  memory(value: Value, samples: number): number {
    const { arena, dict } = this.#kit;
    const { block } = value;
    if (value.encoding !== ENCODING_HASHTABLE) return arena.sizeOf(block);
    const count = dict.count(block);
    let looked = 0;
    let bytes = 0;
    const walk = this.#walk;
    walk.begin(value);
    const enough = samples === 0 ? count : samples;
    for (; looked < enough && walk.next(); looked++) {
      bytes += arena.sizeOf(walk.entry);
    }
    const members = looked === 0 ? 0 : Math.round((bytes / looked) * count);
    return arena.sizeOf(block) + 4 * dict.buckets(block) + members;
  }

  // ---- inside: dicts ----

  #find(dict: Ref, hash: number, bytes: Buffer, start: number, end: number): Ref {
    const { dict: dicts } = this.#kit;
    let entry = dicts.first(dict, hash);
    while (entry !== NULL_REF && !this.entries.equals(entry, bytes, start, end)) {
      entry = dicts.next(entry, hash);
    }
    return entry;
  }

  #findWalked(dict: Ref, walk: SetWalk): Ref {
    const { entry: wanted } = walk;
    if (wanted === NULL_REF) {
      const { bytes, start, end } = walk.member;
      return this.#find(dict, walk.hash, bytes, start, end);
    }
    // The member is in a dict too: no need to hash it, and words are compared instead of bytes.
    const { dict: dicts } = this.#kit;
    const hash = dicts.hashOf(wanted);
    let entry = dicts.first(dict, hash);
    while (entry !== NULL_REF && !this.entries.same(entry, wanted)) {
      entry = dicts.next(entry, hash);
    }
    return entry;
  }

  #addToDict(dict: Ref, hash: number, bytes: Buffer, start: number, end: number): boolean {
    if (this.#find(dict, hash, bytes, start, end) !== NULL_REF) return false;
    this.#insert(dict, hash, bytes, start, end);
    return true;
  }

  #insert(dict: Ref, hash: number, bytes: Buffer, start: number, end: number): void {
    this.#kit.dict.insert(dict, this.entries.create(bytes, start, end), hash);
  }

  #removeEntry(dict: Ref, entry: Ref): void {
    this.#kit.dict.remove(dict, entry);
    this.#kit.arena.free(entry);
  }

  // ---- inside: packed sets ----

  #addToListpack(value: Value, bytes: Buffer, start: number, end: number): boolean {
    const { listpack } = this.#kit;
    const { block } = value;
    if (listpack.find(block, bytes, start, end, listpack.first(block), 0) !== 0) return false;
    this.#appendToListpack(value, bytes, start, end);
    return true;
  }

  #appendToListpack(value: Value, bytes: Buffer, start: number, end: number): void {
    const { listpack, limits } = this.#kit;
    const { block } = value;
    const length = end - start;
    const fits =
      length <= limits.setMaxListpackValue &&
      listpack.count(block) < limits.setMaxListpackEntries &&
      listpack.fits(block, length);
    if (fits) {
      value.block = listpack.append(block, bytes, start, end);
      return;
    }
    this.#toDict(value);
    this.#insert(value.block, this.#kit.hash(bytes, start, end), bytes, start, end);
  }

  #addInteger(value: Value, low: number, high: number): boolean {
    const { intset } = this;
    const count = intset.count(value.block);
    value.block = intset.add(value.block, low, high);
    if (intset.count(value.block) === count) return false;
    if (count >= this.#intsetCountMax()) this.#toDict(value);
    return true;
  }

  #removeInteger(value: Value, low: number, high: number): boolean {
    const { intset } = this;
    const count = intset.count(value.block);
    value.block = intset.remove(value.block, low, high);
    return intset.count(value.block) !== count;
  }

  #intsetCountMax(): number {
    return Math.min(this.#kit.limits.setMaxIntsetEntries, INTSET_COUNT_MAX);
  }

  /** Turns an intset into what can hold a member of `length` bytes that is no integer. */
  #leaveIntset(value: Value, length: number): void {
    const { limits, listpack } = this.#kit;
    const { block } = value;
    const count = this.intset.count(block);
    const fits =
      count < limits.setMaxListpackEntries &&
      length <= limits.setMaxListpackValue &&
      this.#longest(block, count) <= limits.setMaxListpackValue;
    if (!fits) return this.#toDict(value);
    let pack = listpack.create(this.intset.byteLength(block));
    for (let index = 0; index < count; index++) {
      this.intset.read(block, index);
      pack = listpack.appendInteger(pack, int64.low, int64.high);
    }
    this.intset.free(block);
    value.become(ENCODING_LISTPACK, pack);
  }

  /** Digits of the longest integer, which is at one of the ends. */
  #longest(block: Ref, count: number): number {
    if (count === 0) return 0;
    this.intset.read(block, 0);
    const first = writeInt64(digits, 0, int64.low, int64.high);
    this.intset.read(block, count - 1);
    return Math.max(first, writeInt64(digits, 0, int64.low, int64.high));
  }

  #toDict(value: Value): void {
    const target = this.#converted;
    this.createDict(target);
    const walk = this.#walk;
    walk.begin(value);
    while (walk.next()) {
      const { bytes, start, end } = walk.member;
      this.#insert(target.block, walk.hash, bytes, start, end);
    }
    this.#kit.arena.free(value.block);
    value.become(target.encoding, target.block);
  }
}
