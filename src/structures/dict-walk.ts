/**
 * All entries of a dict, one bucket after another: for scans, samples, copies, and for emptying it. Reads the blocks that
 * dict.ts draws and, apart from `drain`, changes nothing.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import {
  BITS,
  COUNT,
  DRAINED,
  MOVED,
  NEXT,
  TABLE,
  TARGET,
  TARGET_BITS,
  reverseIncrement,
  wordOf,
} from "./dict-layout.ts";

/** What `scan` calls with each entry. */
export type VisitEntry = (entry: Ref) => void;

/** Buckets that a sample of neighbours goes through for each entry that is wanted. */
const RUN_BUCKETS = 10;

export class DictWalk {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /**
   * Calls `release` with entries that are no longer in the dict, bucket after bucket, until it has gone through `limit` entries
   * and empty buckets. Returns true while there are more. A dict that is being drained can only be drained further, counted
   * and destroyed.
   */
  drain(dict: Ref, limit: number, release: VisitEntry): boolean {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const table = words[base + TABLE] as Ref;
    const target = words[base + TARGET] as Ref;
    const size = 2 ** words[base + BITS]!;
    // The buckets of the target count on from those of the table.
    const end = target === NULL_REF ? size : size + 2 ** words[base + TARGET_BITS]!;
    let at = words[base + DRAINED]!;
    for (let left = limit; left > 0 && words[base + COUNT]! > 0 && at < end; at++) {
      let entry = at < size ? this.#bucketHead(table, at) : this.#bucketHead(target, at - size);
      left--;
      while (entry !== NULL_REF) {
        const next = this.#nextOf(entry);
        words[base + COUNT]!--;
        left--;
        release(entry);
        entry = next;
      }
    }
    words[base + DRAINED] = at;
    return words[base + COUNT]! > 0;
  }

  /**
   * Appends the entries of the buckets from `bucket` on to `into`, until there are about `wanted`. Returns the bucket at which
   * to go on, -1 behind the last. For going through a dict that stays as it is until the end: buckets of the target count
   * on from those of the table.
   */
  collect(dict: Ref, bucket: number, wanted: number, into: Ref[]): number {
    const arenaWords = this.#arena.words;
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const size = 2 ** words[base + BITS]!;
    const target = words[base + TARGET] as Ref;
    const inTarget = bucket >= size;
    const end = inTarget ? size + 2 ** words[base + TARGET_BITS]! : size;
    const table = inTarget ? target : (words[base + TABLE] as Ref);
    const tableWords = this.#wordsOf(table);
    const first = wordOf(table) - (inTarget ? size : 0);
    let at = bucket;
    for (let left = wanted; left > 0 && at < end; at++) {
      let entry = tableWords[first + at]!;
      while (entry !== 0) {
        into.push(entry as Ref);
        left--;
        entry = arenaWords[entry >>> SEGMENT_SHIFT]![(entry & SEGMENT_MASK) << 2]!;
      }
    }
    if (at < end) return at;
    return inTarget || target === NULL_REF ? -1 : size;
  }

  /**
   * Calls `visit` with all entries of the cursor's buckets and returns the next cursor, 0 at the end. An entry that is in
   * the dict from the first call to the last is visited at least once, whatever is added, removed or resized between
   * the calls.
   *
   * The cursor counts with its bits in reverse order, the highest bit of the bucket index first. When a table doubles,
   * bucket i becomes buckets i and i + size: they differ in the bit above the old index, the least significant digit of
   * the reversed count, so both stand beside each other exactly where i stood, and what lay before i still lies before
   * both. Halving merges them again. While two tables exist, the bucket of the smaller one is visited together with all
   * buckets of the larger one that it corresponds to. `visit` must not change the dict.
   */
  scan(dict: Ref, cursor: number, visit: VisitEntry): number {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const table = words[base + TABLE] as Ref;
    const target = words[base + TARGET] as Ref;
    const bits = words[base + BITS]!;
    if (target === NULL_REF) {
      this.#visitBucket(table, cursor & (2 ** bits - 1), visit);
      return reverseIncrement(cursor, bits);
    }
    const targetBits = words[base + TARGET_BITS]!;
    const small = bits < targetBits ? table : target;
    const large = bits < targetBits ? target : table;
    const smallBits = Math.min(bits, targetBits);
    const largeBits = Math.max(bits, targetBits);
    this.#visitBucket(small, cursor & (2 ** smallBits - 1), visit);
    let next = cursor;
    do {
      this.#visitBucket(large, next & (2 ** largeBits - 1), visit);
      next = reverseIncrement(next, largeBits);
      // Go on until the bits that only the larger table has are all zero again.
    } while ((next & (2 ** largeBits - 1)) >>> smallBits !== 0);
    return next;
  }

  /** Calls `visit` with every entry, in no order that means anything. `visit` must not change the dict. */
  each(dict: Ref, visit: VisitEntry): void {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const target = words[base + TARGET] as Ref;
    this.#visitTable(words[base + TABLE] as Ref, words[base + BITS]!, visit);
    if (target !== NULL_REF) this.#visitTable(target, words[base + TARGET_BITS]!, visit);
  }

  /**
   * An entry chosen by random bits, or 0 when the dict is empty. Not quite uniform, as in Redis: first a bucket that is not
   * empty, then an entry of its chain.
   * @param random32 yields a fresh random 32-bit integer with every call
   */
  sample(dict: Ref, random32: () => number): Ref {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    if (words[base + COUNT] === 0) return NULL_REF;
    const table = words[base + TABLE] as Ref;
    const target = words[base + TARGET] as Ref;
    const size = 2 ** words[base + BITS]!;
    const targetSize = target === NULL_REF ? 0 : 2 ** words[base + TARGET_BITS]!;
    // Buckets below `moved` of the table are empty for certain: draw among the others and the target's.
    const moved = words[base + MOVED]!;
    let entry = NULL_REF;
    while (entry === NULL_REF) {
      const draw = moved + share(random32(), size - moved + targetSize);
      entry = draw < size ? this.#bucketHead(table, draw) : this.#bucketHead(target, draw - size);
    }
    let length = 0;
    for (let e = entry; e !== NULL_REF; e = this.#nextOf(e)) length++;
    for (let skip = share(random32(), length); skip > 0; skip--) entry = this.#nextOf(entry);
    return entry;
  }

  /**
   * Appends about `wanted` entries to `into`, those of neighbouring buckets from one on that is chosen by random bits: cheaper
   * than as many calls of `sample`, and hashes make neighbours of keys that have nothing to do with each other. How many there are is
   * chance, as it goes through as many buckets as should have them; and fewer, or none, where most buckets are empty: these are
   * RUN_BUCKETS for each entry at most.
   */
  sampleRun(dict: Ref, random32: () => number, wanted: number, into: Ref[]): void {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const table = words[base + TABLE] as Ref;
    const target = words[base + TARGET] as Ref;
    const size = 2 ** words[base + BITS]!;
    const end = target === NULL_REF ? size : size + 2 ** words[base + TARGET_BITS]!;
    const moved = words[base + MOVED]!;
    let at = moved + share(random32(), end - moved);
    const first = into.length;
    const due = Math.ceil((wanted * (end - moved)) / Math.max(1, words[base + COUNT]!));
    const buckets = Math.min(end - moved, due, RUN_BUCKETS * wanted);
    for (let i = 0; i < buckets; i++) {
      const entry = at < size ? this.#bucketHead(table, at) : this.#bucketHead(target, at - size);
      if (entry !== NULL_REF) into.push(entry);
      if (++at === end) at = moved;
    }
    // What stands behind them comes last, so that the first of all are fetched from memory together.
    for (let i = first; i < into.length; i++) {
      const next = this.#nextOf(into[i]!);
      if (next !== NULL_REF) into.push(next);
    }
  }

  /**
   * How many buckets have a chain of 0, 1, 2, ... entries. O(buckets), for DEBUG.
   * @param ofTarget of the table that buckets move to, instead of the one that they come from
   */
  chainLengths(dict: Ref, ofTarget: boolean): number[] {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const table = words[base + (ofTarget ? TARGET : TABLE)] as Ref;
    const lengths: number[] = [];
    if (table === NULL_REF) return lengths;
    const size = 2 ** words[base + (ofTarget ? TARGET_BITS : BITS)]!;
    for (let bucket = 0; bucket < size; bucket++) {
      let length = 0;
      this.#visitBucket(table, bucket, () => length++);
      while (lengths.length <= length) lengths.push(0);
      lengths[length]!++;
    }
    return lengths;
  }

  // ---- inside ----

  #visitTable(table: Ref, bits: number, visit: VisitEntry): void {
    const arenaWords = this.#arena.words;
    const words = this.#wordsOf(table);
    const start = wordOf(table);
    const end = start + 2 ** bits;
    for (let slot = start; slot < end; slot++) {
      let entry = words[slot]!;
      while (entry !== 0) {
        visit(entry as Ref);
        entry = arenaWords[entry >>> SEGMENT_SHIFT]![((entry & SEGMENT_MASK) << 2) + NEXT]!;
      }
    }
  }

  #visitBucket(table: Ref, bucket: number, visit: VisitEntry): void {
    let entry = this.#bucketHead(table, bucket);
    while (entry !== NULL_REF) {
      const next = this.#nextOf(entry);
      visit(entry);
      entry = next;
    }
  }

  #bucketHead(table: Ref, bucket: number): Ref {
    return this.#wordsOf(table)[wordOf(table) + bucket] as Ref;
  }

  #nextOf(entry: Ref): Ref {
    return this.#wordsOf(entry)[wordOf(entry) + NEXT] as Ref;
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}

/** A number below `bound`, as far up as 32 random bits are: a remainder of unsigned words would be one of doubles, which takes long. */
function share(bits: number, bound: number): number {
  return Math.floor(((bits >>> 0) / 4294967296) * bound);
}
