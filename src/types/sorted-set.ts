/**
 * Sorted sets: members with a score each, ordered by score and then by member. Two encodings:
 *
 *   listpack    one packed block, see sorted-set-packed.ts
 *   skiplist    (Redis's name) entries in a dict, which finds a member, and in an ordered tree, which knows ranks
 *
 * The block of the second kind is the tree's, with the dict behind it:
 *
 *   0 root, 4 height, 8 count      see ordered-tree.ts
 *   12 dict                        Ref
 *
 *   entry   0 next, 4 hash         the dict's
 *           8 score, 16 length, 20 member
 *
 * So a member of 16 bytes takes an entry of 48 bytes, 4 to 8 in the dict's table, 8 to 13 in the tree: 60 to 69.
 *
 * A set turns from listpack to skiplist with the first member that is too long or one too many, and never back. `find` comes
 * before what is done to a member: `insert` where it found none, `setScore`, `removeFound` and `rankFound` where it did.
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import { INT64_DIGITS_MAX } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";
import { entrySize, MEMBER_AT } from "../structures/ordered-tree-entries.ts";
import { OrderedTree, OWNER_WORD } from "../structures/ordered-tree.ts";
import type { MemberCollection } from "./collection.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "./kinds.ts";
import type { Kit } from "./kit.ts";
import { SortedSetCursor } from "./sorted-set-cursor.ts";
import { PackedSortedSet } from "./sorted-set-packed.ts";
import type { Value } from "./value.ts";

/** Members that are freed at once. */
const SMALL = 100;
/** Members that are put in order by sorting: a key of 32 bits and an index below this are a double without loss. */
const SORTED_MAX: number = 2 ** 21;
/** Bytes of a bucket in a dict's table. */
const BUCKET_BYTES = 4;

export class SortedSets implements MemberCollection {
  readonly #kit: Kit;
  readonly #packed: PackedSortedSet;
  readonly #tree: OrderedTree;
  readonly #cursor: SortedSetCursor = new SortedSetCursor();
  readonly #member: Slice = new Slice();
  readonly #digits: Buffer = Buffer.alloc(INT64_DIGITS_MAX);

  /** The score of the member that `find` found. */
  score = 0;
  // What `find` found: a position, or an entry, and the hash of the member in a dict.
  #pos = 0;
  #entry: Ref = NULL_REF;
  #hash = 0;

  readonly #freeEntry = (entry: Ref): void => this.#kit.arena.free(entry);

  constructor(kit: Kit) {
    this.#kit = kit;
    this.#packed = new PackedSortedSet(kit.listpack);
    this.#tree = new OrderedTree(kit.arena);
  }

  /** Makes an empty sorted set. @param hint members that it will have at least */
  create(value: Value, hint = 0): void {
    if (hint > this.#kit.limits.zsetMaxListpackEntries) {
      value.set(ENCODING_SKIPLIST, this.#createTree(hint));
    } else {
      value.set(ENCODING_LISTPACK, this.#kit.listpack.create());
    }
  }

  /** Makes `value` a sorted set of a listpack of members and scores in order, a tree if there are too many of them. */
  settle(value: Value, pack: Ref): void {
    value.set(ENCODING_LISTPACK, pack);
    if (this.length(value) > this.#kit.limits.zsetMaxListpackEntries) this.#unpack(value);
  }

  // ---- members ----

  /** Finds a member; leaves its score in `score`. */
  find(value: Value, bytes: Buffer, start: number, end: number): boolean {
    const { block } = value;
    if (value.encoding === ENCODING_LISTPACK) {
      this.#pos = this.#packed.find(block, bytes, start, end);
      if (this.#pos === 0) return false;
      this.score = this.#packed.score(block, this.#pos);
      return true;
    }
    const hash = this.#kit.hash(bytes, start, end);
    this.#hash = hash;
    const { dict } = this.#kit;
    let entry = dict.first(this.dictOf(block), hash);
    while (entry !== NULL_REF && !this.#isMember(entry, bytes, start, end)) {
      entry = dict.next(entry, hash);
    }
    this.#entry = entry;
    if (entry === NULL_REF) return false;
    this.score = this.#tree.entries.score(entry);
    return true;
  }

  /** Adds a member that `find` has just not found. The bytes must not lie in a packed block of this set. */
  insert(value: Value, bytes: Buffer, start: number, end: number, score: number): void {
    if (value.encoding === ENCODING_LISTPACK) {
      const { zsetMaxListpackEntries, zsetMaxListpackValue } = this.#kit.limits;
      if (
        end - start <= zsetMaxListpackValue &&
        this.#packed.count(value.block) < zsetMaxListpackEntries &&
        this.#kit.listpack.fits(value.block, end - start + UNIT)
      ) {
        this.#packed.insert(value.block, bytes, start, end, score);
        value.block = this.#packed.block;
        return;
      }
      this.#unpack(value);
      this.#hash = this.#kit.hash(bytes, start, end);
    }
    this.#addEntry(value.block, this.#hash, bytes, start, end, score);
  }

  // ---- building: members are known by their hash alone until all are there, and then put in order at once ----

  /** Adds a member that `find` has just not found. @param value no listpack */
  insertLoose(value: Value, bytes: Buffer, start: number, end: number, score: number): void {
    const entry = this.#createEntry(bytes, start, end, score);
    this.#kit.dict.insert(this.dictOf(value.block), entry, this.#hash);
  }

  /** Gives the member that `find` found another score. */
  setLooseScore(score: number): void {
    this.#tree.entries.setScore(this.#entry, score);
  }

  /** Ends the building: puts the members in order. */
  arrange(value: Value): void {
    const { dict } = this.#kit;
    const members = this.dictOf(value.block);
    const entries: Ref[] = [];
    for (let bucket = 0; bucket !== -1;) {
      bucket = dict.walk.collect(members, bucket, dict.count(members), entries);
    }
    const { length } = entries;
    if (length > SORTED_MAX) {
      for (const entry of entries) this.#tree.insert(value.block, entry);
      return;
    }
    // Sorted by the keys that the tree compares, each with the index of its entry. Where keys are equal the tree finds the
    // order, as always; all others are added behind the last one.
    const keys = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      keys[i] = this.#tree.entries.keyOf(this.#tree.entries.score(entries[i]!)) * SORTED_MAX + i;
    }
    keys.sort();
    for (let i = 0; i < length; i++) {
      const key = keys[i]!;
      const index = key - Math.floor(key / SORTED_MAX) * SORTED_MAX;
      this.#tree.insert(value.block, entries[index]!);
    }
  }

  /** Gives the member that `find` found another score. The bytes are the member. */
  setScore(value: Value, bytes: Buffer, start: number, end: number, score: number): void {
    if (value.encoding === ENCODING_SKIPLIST) {
      this.#tree.update(value.block, this.#entry, score);
      return;
    }
    this.#packed.remove(value.block, this.#pos, 1);
    this.#packed.insert(this.#packed.block, bytes, start, end, score);
    value.block = this.#packed.block;
  }

  /** Adds a member or gives it another score, whichever is due. */
  put(value: Value, bytes: Buffer, start: number, end: number, score: number): void {
    if (!this.find(value, bytes, start, end)) this.insert(value, bytes, start, end, score);
    else if (this.score !== score) this.setScore(value, bytes, start, end, score);
  }

  /** Finds a member; the same as `find`. */
  has(value: Value, bytes: Buffer, start: number, end: number): boolean {
    return this.find(value, bytes, start, end);
  }

  /** Removes a member, and its time; returns whether it was there. */
  remove(value: Value, bytes: Buffer, start: number, end: number): boolean {
    if (!this.find(value, bytes, start, end)) return false;
    this.removeFound(value);
    return true;
  }

  /** Removes the member that `find` found, and its time. */
  removeFound(value: Value): void {
    if (value.timed !== NULL_REF) this.#forgetFound(value);
    if (value.encoding === ENCODING_LISTPACK) {
      this.#packed.remove(value.block, this.#pos, 1);
      value.block = this.#packed.block;
      return;
    }
    this.#removeEntry(value.block, this.#entry);
  }

  /** Members before the one that `find` found. */
  rankFound(value: Value): number {
    return value.encoding === ENCODING_LISTPACK
      ? this.#packed.rank(value.block, this.#pos)
      : this.#tree.rank(value.block, this.#entry);
  }

  // ---- ranges, as ranks ----

  /** Members with a score below `score`; with `inclusive` those of the score itself too. */
  rankOfScore(value: Value, score: number, inclusive: boolean): number {
    return value.encoding === ENCODING_LISTPACK
      ? this.#packed.rankOfScore(value.block, score, inclusive)
      : this.#tree.rankOfScore(value.block, score, inclusive);
  }

  /** Members below bytes[start, end), or `inclusive` equal to it, where all scores are the same. */
  rankOfMember(
    value: Value,
    bytes: Buffer,
    start: number,
    end: number,
    inclusive: boolean,
  ): number {
    return value.encoding === ENCODING_LISTPACK
      ? this.#packed.rankOfMember(value.block, bytes, start, end, inclusive)
      : this.#tree.rankOfMember(value.block, bytes, start, end, inclusive);
  }

  /** Removes `count` members from a rank on, and their times; that many there must be. */
  removeRange(value: Value, rank: number, count: number): void {
    if (count === 0) return;
    if (value.timed !== NULL_REF) this.#forgetRange(value, rank, count);
    if (value.encoding === ENCODING_LISTPACK) {
      this.#packed.remove(value.block, this.#packed.at(value.block, rank), count);
      value.block = this.#packed.block;
      return;
    }
    for (let left = count; left > 0; left--) {
      this.#dropEntry(value.block, this.#tree.removeAt(value.block, rank));
    }
  }

  // ---- walking ----

  /** Points the cursor at the member of a rank. */
  seek(value: Value, rank: number, cursor: SortedSetCursor): void {
    if (value.encoding === ENCODING_LISTPACK) {
      cursor.block = value.block;
      cursor.pos = this.#packed.at(value.block, rank);
      cursor.valid = cursor.pos !== 0;
      return;
    }
    cursor.block = NULL_REF;
    cursor.valid = rank < this.#tree.count(value.block);
    if (cursor.valid) cursor.entry = this.#tree.select(value.block, rank, cursor.tree);
  }

  /** Points the cursor at the first member whose score is not below `score`. */
  seekScore(value: Value, score: number, cursor: SortedSetCursor): void {
    if (value.encoding === ENCODING_LISTPACK) {
      return this.seek(value, this.#packed.rankOfScore(value.block, score, false), cursor);
    }
    cursor.block = NULL_REF;
    cursor.entry = this.#tree.selectScore(value.block, score, cursor.tree);
    cursor.valid = cursor.entry !== NULL_REF;
  }

  next(cursor: SortedSetCursor): void {
    if (cursor.block === NULL_REF) {
      cursor.entry = this.#tree.next(cursor.tree);
      cursor.valid = cursor.entry !== NULL_REF;
    } else {
      cursor.pos = this.#packed.next(cursor.block, cursor.pos);
      cursor.valid = cursor.pos !== 0;
    }
  }

  prev(cursor: SortedSetCursor): void {
    if (cursor.block === NULL_REF) {
      cursor.entry = this.#tree.prev(cursor.tree);
      cursor.valid = cursor.entry !== NULL_REF;
    } else {
      cursor.pos = this.#packed.prev(cursor.block, cursor.pos);
      cursor.valid = cursor.pos !== 0;
    }
  }

  /** The bytes of the member at which the cursor stands; good until the set changes or four more are read. */
  readMember(cursor: SortedSetCursor, out: Slice): void {
    if (cursor.block === NULL_REF) this.readEntry(cursor.entry, out);
    else this.#kit.listpack.read(cursor.block, cursor.pos, out);
  }

  /** The score of the member at which the cursor stands. */
  scoreAt(cursor: SortedSetCursor): number {
    return cursor.block === NULL_REF
      ? this.#tree.entries.score(cursor.entry)
      : this.#packed.score(cursor.block, cursor.pos);
  }

  /**
   * Calls `visit` with the entries of the cursor's buckets and returns the next cursor, 0 at the end: see `Dict.scan`.
   * @param value a set that is no listpack
   */
  scan(value: Value, cursor: number, visit: (entry: Ref) => void): number {
    return this.#kit.dict.walk.scan(this.dictOf(value.block), cursor, visit);
  }

  /** The member of an entry that `scan` gave. */
  readEntry(entry: Ref, out: Slice): void {
    const start = (entry & SEGMENT_MASK) * UNIT + MEMBER_AT;
    out.set(
      this.#kit.arena.bytes[entry >>> SEGMENT_SHIFT]!,
      start,
      start + this.#tree.entries.length(entry),
    );
  }

  /** The score of an entry that `scan` gave. */
  scoreOfEntry(entry: Ref): number {
    return this.#tree.entries.score(entry);
  }

  // ---- what the keyspace needs ----

  length(value: Value): number {
    return value.encoding === ENCODING_LISTPACK
      ? this.#packed.count(value.block)
      : this.#tree.count(value.block);
  }

  freeSmall(value: Value): boolean {
    if (value.encoding === ENCODING_LISTPACK) {
      this.#kit.listpack.free(value.block);
      return true;
    }
    if (this.#tree.count(value.block) > SMALL) return false;
    while (this.freeSome(value, SMALL));
    return true;
  }

  freeSome(value: Value, limit: number): boolean {
    const { block } = value;
    const until = this.#tree.count(block) - limit;
    // The dict goes as a whole at the end: entries are not taken out of it.
    while (this.#tree.dropLeaf(block, this.#freeEntry)) {
      if (this.#tree.count(block) <= until) return true;
    }
    this.#kit.dict.destroy(this.dictOf(block));
    this.#kit.arena.free(block);
    return false;
  }

  duplicate(value: Value, copy: Value): void {
    if (value.encoding === ENCODING_LISTPACK) {
      copy.set(ENCODING_LISTPACK, this.#kit.listpack.duplicate(value.block));
      return;
    }
    const { arena, dict } = this.#kit;
    const block = this.#createTree();
    const cursor = this.#cursor;
    for (this.seek(value, 0, cursor); cursor.valid; this.next(cursor)) {
      const { entry } = cursor;
      const size = entrySize(this.#tree.entries.length(entry));
      const fresh = arena.allocate(size);
      const start = (entry & SEGMENT_MASK) * UNIT;
      const target = arena.bytes[fresh >>> SEGMENT_SHIFT]!;
      const source = arena.bytes[entry >>> SEGMENT_SHIFT]!;
      copyBytes(target, (fresh & SEGMENT_MASK) * UNIT, source, start, start + size);
      dict.insert(this.dictOf(block), fresh, dict.hashOf(entry));
      this.#tree.insert(block, fresh);
    }
    copy.set(ENCODING_SKIPLIST, block);
  }

  memory(value: Value, samples: number): number {
    const { arena, dict } = this.#kit;
    const { block } = value;
    if (value.encoding === ENCODING_LISTPACK) return arena.sizeOf(block);
    const count = this.#tree.count(block);
    const cursor = this.#cursor;
    let looked = 0;
    let bytes = 0;
    this.seek(value, 0, cursor);
    const most = samples === 0 ? count : samples;
    for (; cursor.valid && looked < most; this.next(cursor)) {
      bytes += arena.sizeOf(cursor.entry);
      looked++;
    }
    const entries = looked === 0 ? 0 : Math.round((bytes / looked) * count);
    const table =
      arena.sizeOf(this.dictOf(block)) + dict.buckets(this.dictOf(block)) * BUCKET_BYTES;
    return arena.sizeOf(block) + entries + table + Math.round(OrderedTree.nodeBytes(count));
  }

  // ---- inside ----

  /** Takes away the time of the member that `find` found. */
  #forgetFound(value: Value): void {
    const member = this.#member;
    if (value.encoding === ENCODING_LISTPACK) {
      this.#kit.listpack.read(value.block, this.#pos, member);
    } else {
      this.readEntry(this.#entry, member);
    }
    this.#kit.memberTimes.forget(value.timed, member.bytes, member.start, member.end);
  }

  #forgetRange(value: Value, rank: number, count: number): void {
    const member = this.#member;
    const cursor = this.#cursor;
    this.seek(value, rank, cursor);
    for (let left = count; left > 0; left--, this.next(cursor)) {
      this.readMember(cursor, member);
      this.#kit.memberTimes.forget(value.timed, member.bytes, member.start, member.end);
    }
  }

  #createTree(count = 0): Ref {
    const block = this.#tree.create(1);
    const dict = this.#kit.dict.create(count);
    this.#kit.arena.words[block >>> SEGMENT_SHIFT]![((block & SEGMENT_MASK) << 2) + OWNER_WORD] =
      dict;
    return block;
  }

  /** The dict of a set's members. @param block of a set that is no listpack */
  dictOf(block: Ref): Ref {
    const words = this.#kit.arena.words[block >>> SEGMENT_SHIFT]!;
    return words[((block & SEGMENT_MASK) << 2) + OWNER_WORD] as Ref;
  }

  /** Moves the blocks of that dict, but its entries, where that is worth it. */
  compactDict(block: Ref): void {
    const dict = this.#kit.dict.compact(this.dictOf(block));
    this.#kit.arena.words[block >>> SEGMENT_SHIFT]![((block & SEGMENT_MASK) << 2) + OWNER_WORD] =
      dict;
  }

  #isMember(entry: Ref, bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (this.#tree.entries.length(entry) !== length) return false;
    const own = this.#kit.arena.bytes[entry >>> SEGMENT_SHIFT]!;
    return equalBytes(own, (entry & SEGMENT_MASK) * UNIT + MEMBER_AT, bytes, start, length);
  }

  #addEntry(
    block: Ref,
    hash: number,
    bytes: Buffer,
    start: number,
    end: number,
    score: number,
  ): void {
    const entry = this.#createEntry(bytes, start, end, score);
    this.#kit.dict.insert(this.dictOf(block), entry, hash);
    this.#tree.insert(block, entry);
  }

  /** Makes an entry that is in no dict and no tree. */
  #createEntry(bytes: Buffer, start: number, end: number, score: number): Ref {
    const { arena } = this.#kit;
    const entry = arena.allocate(entrySize(end - start));
    this.#tree.entries.setScore(entry, score);
    this.#tree.entries.setLength(entry, end - start);
    const own = arena.bytes[entry >>> SEGMENT_SHIFT]!;
    copyBytes(own, (entry & SEGMENT_MASK) * UNIT + MEMBER_AT, bytes, start, end);
    return entry;
  }

  #removeEntry(block: Ref, entry: Ref): void {
    this.#tree.remove(block, entry);
    this.#dropEntry(block, entry);
  }

  /** Frees an entry that is no longer in the tree. */
  #dropEntry(block: Ref, entry: Ref): void {
    this.#kit.dict.remove(this.dictOf(block), entry);
    this.#kit.arena.free(entry);
  }

  /** Turns a listpack into a dict and a tree. */
  #unpack(value: Value): void {
    const packed = this.#packed;
    const { listpack } = this.#kit;
    const from = value.block;
    const block = this.#createTree();
    const member = this.#member;
    for (let pos = packed.first(from); pos !== 0; pos = packed.next(from, pos)) {
      const score = packed.score(from, pos);
      // The member that makes the set unpack may be one that was read from a listpack.
      listpack.readApart(from, pos, member, this.#digits, 0);
      const hash = this.#kit.hash(member.bytes, member.start, member.end);
      this.#addEntry(block, hash, member.bytes, member.start, member.end, score);
    }
    listpack.free(from);
    value.become(ENCODING_SKIPLIST, block);
  }
}
