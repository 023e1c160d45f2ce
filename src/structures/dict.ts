/**
 * The one hash table: a chained table over entries in the arena. It knows of an entry only its first two words.
 *
 *   entry            0 next    Ref   the next entry of the same bucket, or 0
 *                    4 hash    u32   the hash of its key
 *                    8 ...           the owner's
 *
 *   dict (32 bytes)  0 table   Ref   the table that lookups start from: 2^bits words, each the first entry of a bucket
 *                    4 target  Ref   while resizing: the table that buckets move to, else 0
 *                    8 bits, 12 target bits
 *                   16 count         entries
 *                   20 moved         while resizing: buckets below this have moved to the target
 *                   24 drained       while it is emptied (`drain`): buckets of both tables that are done
 *
 * Resizing goes bucket by bucket. The rule that keeps everything simple: a hash belongs to exactly one bucket at any
 * time, that of `table` if its bucket there has not moved yet, else that of `target`. So a lookup walks one
 * chain, and an insertion never makes an entry that a scan has passed appear twice.
 *
 * A table doubles when it holds one entry a bucket (or, where memory is short, four) and halves when it holds one entry in eight buckets. Every insertion
 * and removal moves a bounded number of buckets (`STEP_BUCKETS`, empty ones included), which ends the move long before
 * the next one is due; a housekeeping slice (`step`) ends it sooner. Reads move nothing.
 *
 * A dict costs 4 bytes a bucket, so 4 to 8 bytes an entry, beside the 8 bytes inside the entry.
 */
import { assert } from "../base/assert.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import {
  BITS,
  COUNT,
  HASH,
  MOVED,
  NEXT,
  TABLE,
  TARGET,
  TARGET_BITS,
  reverseIncrement,
  wordOf,
} from "./dict-layout.ts";
import { DictWalk } from "./dict-walk.ts";

/** Bytes of a dict's own block. */
const DICT_SIZE = 32;

const BITS_MIN = 2;
/** 2^28 buckets are a table of 1 GiB; above that chains grow longer. */
const BITS_MAX = 28;
/** Buckets moved by one insertion or removal. */
const STEP_BUCKETS = 4;
/** Entries a bucket from which a table grows even if there is no memory for it: chains stay short. */
const LOAD_MAX = 4;

/** Hashes that one `prefetch` takes. */
export const PREFETCH_MAX = 64;

/** Words from an entry's start to where its key ends, if it is short. */
const LINE_WORDS = 8;
const SEGMENT_WORDS_MASK: number = ((SEGMENT_MASK + 1) << 2) - 1;

const NO_WORDS = new Int32Array(0);

export class Dict {
  /** False keeps every dict as large as it is, for tests; a resize under way goes on. */
  mayResize = true;
  /** Whether there is memory for a table of so many bytes; null: always. */
  mayTake: ((size: number) => boolean) | null = null;
  /** Goes through all entries. */
  readonly walk: DictWalk;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.walk = new DictWalk(arena);
  }

  /** Makes an empty dict and returns its block. @param count entries that it will get soon */
  create(count = 0): Ref {
    const bits = bitsFor(count);
    const ref = this.#arena.allocateZeroed(DICT_SIZE);
    const table = this.#arena.allocateZeroed(4 * 2 ** bits);
    const words = this.#wordsOf(ref);
    const base = wordOf(ref);
    words[base + TABLE] = table;
    words[base + BITS] = bits;
    return ref;
  }

  /** Frees the dict's own blocks; its entries must be gone already. */
  destroy(dict: Ref): void {
    this.#lastDict = NULL_REF;
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const target = words[base + TARGET] as Ref;
    this.#arena.free(words[base + TABLE] as Ref);
    if (target !== NULL_REF) this.#arena.free(target);
    this.#arena.free(dict);
  }

  /** Entries in the dict. */
  count(dict: Ref): number {
    return this.#wordsOf(dict)[wordOf(dict) + COUNT]!;
  }

  /** Buckets of both tables. */
  buckets(dict: Ref): number {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const target = words[base + TARGET] === 0 ? 0 : 2 ** words[base + TARGET_BITS]!;
    return 2 ** words[base + BITS]! + target;
  }

  /** True while buckets move from one table to another. */
  resizing(dict: Ref): boolean {
    return this.#wordsOf(dict)[wordOf(dict) + TARGET] !== 0;
  }

  /** The first entry whose hash is `hash`, or 0. The caller compares keys and goes on with `next`. */
  first(dict: Ref, hash: number): Ref {
    if (dict === this.#lastDict) {
      return this.#matching(this.#lastWords[this.#lastBase + (hash & this.#lastMask)]!, hash);
    }
    const slot = this.#slotOf(dict, hash);
    return this.#matching(this.#slotWords[slot]!, hash);
  }

  /**
   * Reads the first entry of the bucket of each of the first `count` hashes, for nothing but to have it in the processor's
   * caches: reads that do not depend on each other wait for memory together.
   */
  prefetch(dict: Ref, hashes: Int32Array, count: number): void {
    // What is in the middle of a resize is fetched when it is needed.
    this.#slotOf(dict, 0);
    if (dict !== this.#lastDict) return;
    const entries = this.#prefetched;
    const table = this.#lastWords;
    const base = this.#lastBase;
    const mask = this.#lastMask;
    for (let i = 0; i < count; i++) entries[i] = table[base + (hashes[i]! & mask)]!;
    const arenaWords = this.#arena.words;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const entry = entries[i]!;
      const words = arenaWords[entry >>> SEGMENT_SHIFT]!;
      const at = (entry & SEGMENT_MASK) << 2;
      // An entry often reaches into the next line of the cache. An index beyond the segment wraps to its start.
      sum ^= words[at + HASH]! ^ words[(at + LINE_WORDS) & SEGMENT_WORDS_MASK]!;
    }
    // Kept, so that no compiler finds the reads useless.
    entries[0] = sum;
  }

  /**
   * Leaves in `found`, for each of `entries`, which are another dict's, the first entry of this one whose hash is the same, or 0:
   * `first` for many, whose waits for memory overlap.
   */
  firstOfEach(dict: Ref, entries: readonly Ref[], found: Ref[]): void {
    const arenaWords = this.#arena.words;
    const count = entries.length;
    this.#slotOf(dict, 0);
    if (dict !== this.#lastDict) {
      for (let i = 0; i < count; i++) found[i] = this.first(dict, this.hashOf(entries[i]!));
      return;
    }
    const table = this.#lastWords;
    const tableBase = this.#lastBase;
    const mask = this.#lastMask;
    for (let i = 0; i < count; i++) {
      const entry = entries[i]!;
      const hash = arenaWords[entry >>> SEGMENT_SHIFT]![((entry & SEGMENT_MASK) << 2) + HASH]!;
      let at = table[tableBase + (hash & mask)]!;
      while (at !== 0) {
        const words = arenaWords[at >>> SEGMENT_SHIFT]!;
        const base = (at & SEGMENT_MASK) << 2;
        if (words[base + HASH] === hash) break;
        at = words[base + NEXT]!;
      }
      found[i] = at as Ref;
    }
  }

  /** The same for the buckets of a scan from `cursor` on. @param count PREFETCH_MAX at most */
  prefetchScan(dict: Ref, cursor: number, count: number): void {
    const bits = this.#wordsOf(dict)[wordOf(dict) + BITS]!;
    const buckets = this.#scanned;
    let next = cursor;
    for (let i = 0; i < count; i++) {
      buckets[i] = next;
      next = reverseIncrement(next, bits);
    }
    this.prefetch(dict, buckets, count);
  }

  /** The next entry after `entry` whose hash is `hash`, or 0. */
  next(entry: Ref, hash: number): Ref {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    return this.#matching(words[((entry & SEGMENT_MASK) << 2) + NEXT]!, hash);
  }

  /** Adds an entry that is not in the dict; writes its first two words. */
  insert(dict: Ref, entry: Ref, hash: number): void {
    const slot = this.#slotOf(dict, hash);
    const table = this.#slotWords;
    const words = this.#wordsOf(entry);
    const base = wordOf(entry);
    words[base + NEXT] = table[slot]!;
    words[base + HASH] = hash;
    table[slot] = entry;
    this.#counted(dict, 1);
  }

  /** Takes an entry of the dict out of it. The entry itself is the caller's to free. */
  remove(dict: Ref, entry: Ref): void {
    const words = this.#wordsOf(entry);
    const base = wordOf(entry);
    this.#relink(dict, entry, words[base + HASH]!, words[base + NEXT]!);
    this.#counted(dict, -1);
  }

  /** Puts `fresh` where `entry` stands, which has the same key; writes the first two words of `fresh`. */
  replace(dict: Ref, entry: Ref, fresh: Ref): void {
    const from = this.#wordsOf(entry);
    const fromBase = wordOf(entry);
    const to = this.#wordsOf(fresh);
    const toBase = wordOf(fresh);
    const hash = from[fromBase + HASH]!;
    to[toBase + NEXT] = from[fromBase + NEXT]!;
    to[toBase + HASH] = hash;
    this.#relink(dict, entry, hash, fresh);
  }

  /** An entry of the dict has moved to `fresh`, its first two words with it. */
  moved(dict: Ref, entry: Ref, fresh: Ref): void {
    this.#relink(dict, entry, this.hashOf(fresh), fresh);
  }

  /** Moves the dict's own blocks where that is worth it. Returns where the dict is then. */
  compact(dict: Ref): Ref {
    this.#lastDict = NULL_REF;
    const arena = this.#arena;
    const at = arena.relocate(dict);
    const words = this.#wordsOf(at);
    const base = wordOf(at);
    words[base + TABLE] = arena.relocate(words[base + TABLE] as Ref);
    const target = words[base + TARGET] as Ref;
    if (target !== NULL_REF) words[base + TARGET] = arena.relocate(target);
    return at;
  }

  /** The hash that an entry was inserted with. */
  hashOf(entry: Ref): number {
    return this.#wordsOf(entry)[wordOf(entry) + HASH]!;
  }

  /**
   * Moves up to `buckets` buckets of a resize that is under way; returns true while there is more to move.
   */
  step(dict: Ref, buckets: number): boolean {
    for (let i = 0; i < buckets && this.resizing(dict); i++) this.#moveBucket(dict);
    return this.resizing(dict);
  }

  // ---- inside ----

  /** View of the table that the last `#slotOf` pointed into. */
  #slotWords: Int32Array = NO_WORDS;

  readonly #prefetched: Int32Array = new Int32Array(PREFETCH_MAX);
  /** Cursors whose buckets are to be fetched. */
  readonly #scanned: Int32Array = new Int32Array(PREFETCH_MAX);

  // The table of the dict that was used last, while it is not resizing: lookups in one dict follow each other. A view of a
  // live block stays valid, and whatever replaces or frees a table forgets it here.
  #lastDict: Ref = NULL_REF;
  #lastWords: Int32Array = NO_WORDS;
  #lastBase = 0;
  #lastMask = 0;

  /** Word index of the bucket that `hash` belongs to; leaves the view in `#slotWords`. */
  #slotOf(dict: Ref, hash: number): number {
    if (dict === this.#lastDict) {
      this.#slotWords = this.#lastWords;
      return this.#lastBase + (hash & this.#lastMask);
    }
    const words = this.#arena.words[dict >>> SEGMENT_SHIFT]!;
    const base = (dict & SEGMENT_MASK) << 2;
    let table = words[base + TABLE]!;
    let mask = (1 << words[base + BITS]!) - 1;
    if (words[base + TARGET] !== 0) {
      if ((hash & mask) < words[base + MOVED]!) {
        table = words[base + TARGET]!;
        mask = (1 << words[base + TARGET_BITS]!) - 1;
      }
    } else {
      this.#lastDict = dict;
      this.#lastWords = this.#arena.words[table >>> SEGMENT_SHIFT]!;
      this.#lastBase = (table & SEGMENT_MASK) << 2;
      this.#lastMask = mask;
    }
    this.#slotWords = this.#arena.words[table >>> SEGMENT_SHIFT]!;
    return ((table & SEGMENT_MASK) << 2) + (hash & mask);
  }

  #matching(start: number, hash: number): Ref {
    const arenaWords = this.#arena.words;
    let entry = start;
    while (entry !== 0) {
      const words = arenaWords[entry >>> SEGMENT_SHIFT]!;
      const base = (entry & SEGMENT_MASK) << 2;
      if (words[base + HASH] === hash) return entry as Ref;
      entry = words[base + NEXT]!;
    }
    return NULL_REF;
  }

  /** Makes whatever points to `entry` point to `to`. */
  #relink(dict: Ref, entry: Ref, hash: number, to: number): void {
    const arenaWords = this.#arena.words;
    let slot = this.#slotOf(dict, hash);
    let words = this.#slotWords;
    while (words[slot] !== entry) {
      const at = words[slot]!;
      assert(at !== 0, "dict: the entry is not in its bucket");
      words = arenaWords[at >>> SEGMENT_SHIFT]!;
      slot = ((at & SEGMENT_MASK) << 2) + NEXT;
    }
    words[slot] = to;
  }

  /** Adjusts the count, and starts or continues a resize. */
  #counted(dict: Ref, change: number): void {
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const count = words[base + COUNT]! + change;
    words[base + COUNT] = count;
    if (words[base + TARGET] !== 0) this.step(dict, STEP_BUCKETS);
    // An insertion never shrinks: a dict that was made for many entries begins with few.
    else if (change < 0 || count > 2 ** words[base + BITS]!) {
      this.#resizeIfDue(dict, count, words[base + BITS]!);
    }
  }

  #resizeIfDue(dict: Ref, count: number, bits: number): void {
    if (count > 2 ** bits && bits < BITS_MAX) {
      const hasMemory = this.mayTake === null || this.mayTake(4 * 2 ** (bits + 1));
      const mayGrow = hasMemory || count > LOAD_MAX * 2 ** bits;
      if (this.mayResize && mayGrow) this.#beginResize(dict, bits + 1);
    } else if (bits > BITS_MIN && count < 2 ** bits / 8) {
      if (this.mayResize) this.#beginResize(dict, bits - 1);
    }
  }

  #beginResize(dict: Ref, bits: number): void {
    this.#lastDict = NULL_REF;
    const target = this.#arena.allocateZeroed(4 * 2 ** bits);
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    words[base + TARGET] = target;
    words[base + TARGET_BITS] = bits;
    words[base + MOVED] = 0;
  }

  /** Moves the next bucket to the target, and ends the resize after the last one. */
  #moveBucket(dict: Ref): void {
    const arenaWords = this.#arena.words;
    const words = this.#wordsOf(dict);
    const base = wordOf(dict);
    const bits = words[base + BITS]!;
    const bucket = words[base + MOVED]!;
    const table = words[base + TABLE] as Ref;
    const target = words[base + TARGET] as Ref;
    const tableWords = this.#wordsOf(table);
    const targetWords = this.#wordsOf(target);
    const targetBase = wordOf(target);
    const targetMask = 2 ** words[base + TARGET_BITS]! - 1;
    const slot = wordOf(table) + bucket;
    let entry = tableWords[slot]!;
    tableWords[slot] = 0;
    while (entry !== 0) {
      const entryWords = arenaWords[entry >>> SEGMENT_SHIFT]!;
      const entryBase = (entry & SEGMENT_MASK) << 2;
      const next = entryWords[entryBase + NEXT]!;
      const to = targetBase + (entryWords[entryBase + HASH]! & targetMask);
      entryWords[entryBase + NEXT] = targetWords[to]!;
      targetWords[to] = entry;
      entry = next;
    }
    words[base + MOVED] = bucket + 1;
    if (bucket + 1 < 2 ** bits) return;
    words[base + TABLE] = target;
    words[base + BITS] = words[base + TARGET_BITS]!;
    words[base + TARGET] = 0;
    words[base + MOVED] = 0;
    // A dict that lost most of its entries while it was shrinking goes on, so that it ends as small as it should be even if
    // nobody touches it again.
    const count = words[base + COUNT]!;
    const newBits = words[base + BITS]!;
    this.#arena.free(table);
    this.#resizeIfDue(dict, count, newBits);
  }

  #wordsOf(ref: Ref): Int32Array {
    return this.#arena.words[ref >>> SEGMENT_SHIFT]!;
  }
}

/** Bits of a table that holds `count` entries without growing. */
function bitsFor(count: number): number {
  let bits = BITS_MIN;
  while (bits < BITS_MAX && count > 2 ** bits) bits++;
  return bits;
}
