/**
 * The times at which members of a collection expire: fields of a hash, members of a set or of a sorted set. A collection
 * without such times knows nothing of this. With the first time it is *wrapped*: its entry gets ENCODING_TIMED and names a
 * wrapper, which names the collection as it was and, beside it, the times.
 *
 *   wrapper   0 node     16   wheel node, due at the earliest of the times; the keyspace's
 *            16 owner    Ref  entry that names the wrapper, NULL_REF before there is one
 *            20 codes    u32  bits 0-7 encoding of the collection, 8-15 encoding of the times
 *            24 block    Ref  the collection's
 *            28 times    Ref  the block of the times
 *
 * The times are a sorted set of their own (see sorted-set.ts), the score of a member being its Unix time in milliseconds: so
 * they are found by member, go in order of time, and take, while they are few, one packed block. A timed member of 16 bytes
 * costs about 60 bytes more, or 30 packed; the wrapper 32 bytes once.
 *
 * A `Value` that was loaded from such an entry names the collection inside, and the wrapper in `timed`. Types that remove a
 * member of it say so here (`forget`); what the times are worth is the keyspace's business, which writes the value back.
 */
import { Slice } from "../base/slice.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import type { Kit } from "./kit.ts";
import { SortedSetCursor } from "./sorted-set-cursor.ts";
import { SortedSets } from "./sorted-set.ts";
import { Value } from "./value.ts";

const WRAPPER_SIZE = 32;
// Words.
const OWNER = 4;
const CODES = 5;
const BLOCK = 6;
const TIMES = 7;
const CODE_MASK = 0xff;
const TIMES_CODE_SHIFT = 8;

/** The latest time of a member in ms: Redis keeps two bits of its 48. */
export const MEMBER_TIME_MAX: number = 2 ** 46 - 1;

/** What is called with each member and its time in ms. */
export type VisitTime = (member: Slice, dueMs: number) => void;

export class MemberTimes {
  readonly #arena: Arena;
  /** Not that of the keyspace: what it has found stays as it is when the time of a member is looked at. */
  readonly #sets: SortedSets;
  /** The times of the wrapper at hand. */
  readonly #times: Value = new Value();
  readonly #copy: Value = new Value();
  readonly #cursor: SortedSetCursor = new SortedSetCursor();
  readonly #member: Slice = new Slice();

  constructor(kit: Kit) {
    this.#arena = kit.arena;
    this.#sets = new SortedSets(kit);
  }

  // ---- times of single members ----

  /** Unix time in ms at which a member expires, or -1. */
  of(timed: Ref, bytes: Buffer, start: number, end: number): number {
    this.#open(timed);
    return this.#sets.find(this.#times, bytes, start, end) ? this.#sets.score : -1;
  }

  /**
   * Lets a member of the value expire at a time, whatever time it had. The first one wraps the value; `Database.save` makes
   * its entry know.
   * @param dueMs Unix time in ms, from 0 to MEMBER_TIME_MAX
   */
  put(value: Value, bytes: Buffer, start: number, end: number, dueMs: number): void {
    if (value.timed === NULL_REF) value.timed = this.#wrap();
    this.#open(value.timed);
    this.#sets.put(this.#times, bytes, start, end, dueMs);
    this.#close(value.timed);
  }

  /** Takes the time of a member away; returns whether it had one. */
  forget(timed: Ref, bytes: Buffer, start: number, end: number): boolean {
    this.#open(timed);
    if (!this.#sets.find(this.#times, bytes, start, end)) return false;
    this.#sets.removeFound(this.#times);
    this.#close(timed);
    return true;
  }

  // ---- times in their order ----

  /** Members that have a time. */
  count(timed: Ref): number {
    this.#open(timed);
    return this.#sets.length(this.#times);
  }

  /** Members whose time is not after `nowMs`. */
  countDue(timed: Ref, nowMs: number): number {
    this.#open(timed);
    return this.#sets.rankOfScore(this.#times, nowMs, true);
  }

  /** The earliest time in ms; there must be one. */
  firstMs(timed: Ref): number {
    this.#open(timed);
    this.#sets.seek(this.#times, 0, this.#cursor);
    return this.#sets.scoreAt(this.#cursor);
  }

  /** Points `out` at the member with the earliest time; good until the times change or four more are read. */
  readFirst(timed: Ref, out: Slice): void {
    this.#open(timed);
    this.#sets.seek(this.#times, 0, this.#cursor);
    this.#sets.readMember(this.#cursor, out);
  }

  /** Takes the earliest time away. */
  forgetFirst(timed: Ref): void {
    this.#open(timed);
    this.#sets.removeRange(this.#times, 0, 1);
    this.#close(timed);
  }

  /**
   * Calls `visit` with up to `count` members that have a time, in the order of their times, the first `from` of them left out.
   * `visit` must not change the times.
   */
  forSome(timed: Ref, from: number, count: number, visit: VisitTime): void {
    this.#open(timed);
    const cursor = this.#cursor;
    this.#sets.seek(this.#times, from, cursor);
    for (let left = count; left > 0 && cursor.valid; left--, this.#sets.next(cursor)) {
      this.#sets.readMember(cursor, this.#member);
      visit(this.#member, this.#sets.scoreAt(cursor));
    }
  }

  // ---- the wrapper ----

  /** Makes a value that names a wrapper name what is inside. */
  unwrap(value: Value): void {
    const timed = value.block;
    const words = this.#wordsOf(timed);
    const base = wordOf(timed);
    value.set(words[base + CODES]! & CODE_MASK, words[base + BLOCK] as Ref);
    value.timed = timed;
  }

  /** Writes into its wrapper where a value is now. */
  rewrap(value: Value): void {
    const words = this.#wordsOf(value.timed);
    const base = wordOf(value.timed);
    words[base + CODES] = (words[base + CODES]! & ~CODE_MASK) | value.encoding;
    words[base + BLOCK] = value.block;
  }

  /** The entry that names the wrapper. */
  owner(timed: Ref): Ref {
    return this.#wordsOf(timed)[wordOf(timed) + OWNER] as Ref;
  }

  setOwner(timed: Ref, entry: Ref): void {
    this.#wordsOf(timed)[wordOf(timed) + OWNER] = entry;
  }

  /** Points `times` at the times, as a sorted set; what becomes of its block is to be told to `setTimes`. */
  readTimes(timed: Ref, times: Value): void {
    this.#open(timed);
    times.set(this.#times.encoding, this.#times.block);
  }

  /** The times, the same ones, are in other blocks now. */
  setTimes(timed: Ref, times: Value): void {
    this.#times.set(times.encoding, times.block);
    this.#close(timed);
  }

  /** Takes the wrapper, which has no times any more, from a value that goes on without. */
  dissolve(value: Value): void {
    this.#open(value.timed);
    this.#sets.freeSmall(this.#times);
    this.#arena.free(value.timed);
    value.timed = NULL_REF;
  }

  /** Frees the wrapper alone and points `times` at the times, which are the caller's to free, as a sorted set. */
  release(value: Value, times: Value): void {
    this.#open(value.timed);
    times.set(this.#times.encoding, this.#times.block);
    this.#arena.free(value.timed);
    value.timed = NULL_REF;
  }

  /** Gives a copy of a wrapped value a wrapper of its own, with the same times. */
  duplicate(timed: Ref, copy: Value): void {
    this.#open(timed);
    this.#sets.duplicate(this.#times, this.#copy);
    this.#times.set(this.#copy.encoding, this.#copy.block);
    copy.timed = this.#allocate();
    this.#close(copy.timed);
  }

  /** Bytes of the wrapper and the times; of many an estimate from `samples` of them (0: all). */
  memory(timed: Ref, samples: number): number {
    this.#open(timed);
    return this.#arena.sizeOf(timed) + this.#sets.memory(this.#times, samples);
  }

  // ---- inside ----

  /** A wrapper without times around nothing. */
  #wrap(): Ref {
    this.#sets.create(this.#times);
    const timed = this.#allocate();
    this.#close(timed);
    return timed;
  }

  #allocate(): Ref {
    const timed = this.#arena.allocate(WRAPPER_SIZE);
    const words = this.#wordsOf(timed);
    const base = wordOf(timed);
    words[base + OWNER] = NULL_REF;
    words[base + CODES] = 0;
    words[base + BLOCK] = NULL_REF;
    return timed;
  }

  #open(timed: Ref): void {
    const words = this.#wordsOf(timed);
    const base = wordOf(timed);
    this.#times.set(words[base + CODES]! >>> TIMES_CODE_SHIFT, words[base + TIMES] as Ref);
  }

  #close(timed: Ref): void {
    const words = this.#wordsOf(timed);
    const base = wordOf(timed);
    const { encoding, block } = this.#times;
    words[base + CODES] = (words[base + CODES]! & CODE_MASK) | (encoding << TIMES_CODE_SHIFT);
    words[base + TIMES] = block;
  }

  #wordsOf(timed: Ref): Int32Array {
    return this.#arena.words[timed >>> SEGMENT_SHIFT]!;
  }
}

/** Index of the first word of a wrapper in its segment's word view. */
function wordOf(timed: Ref): number {
  return (timed & SEGMENT_MASK) << 2;
}
