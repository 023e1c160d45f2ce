/**
 * The arena: all data of a server, outside the JavaScript heap.
 *
 *   Ref (32 bits)    segment (10 bits) | unit in the segment (22 bits); 0 names nothing
 *   segment          64 MiB in one ArrayBuffer = 1024 pages of 64 KiB, or one block larger than 32 MiB: see pages.ts
 *   page             part of a span (a span is cut into blocks of one size class), or part of a run (one large block)
 *
 * A block comes from one of three places: up to 128 KiB from a span of its size class, up to 32 MiB from a run of
 * whole pages, above that from a segment of its own, as tables of a megabyte and more do, since fresh memory of the
 * system is zero without being touched. Freed blocks of a span form a list inside themselves, one list a span, so a
 * span whose blocks are all free gives its pages back.
 *
 * Where blocks of a size became fewer, their spans are left with few blocks each. Some of them can be told to *leave*: no block is
 * allocated from them any more, and whoever knows who names their blocks moves these to other spans of the class (`relocate`);
 * with the last block a span is gone. evacuation.ts chooses them. If a class needs room meanwhile, it takes a leaving span back
 * before it takes pages.
 *
 * Fresh segments cost no resident memory until they are written to. Control data (what a page is, how many of its
 * blocks are in use) stands apart from the data, in arrays of 26 bytes a page.
 *
 * What stays when everything was freed: segment 0, with at most one empty span a class in it; and perhaps one more segment.
 *
 * Caveat: `words[]` and `bytes[]` of a segment may be replaced when it is given back, so a view taken from them
 * does not outlive the next call of `allocate` or `free`.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import {
  PAGE_RUN,
  PAGE_SIZE,
  PAGE_UNIT_SHIFT,
  PAGES_PER_SEGMENT,
  Pages,
  SEGMENT_MASK,
  SEGMENT_SHIFT,
  SEGMENT_SIZE,
} from "./pages.ts";
import { CLASS_COUNT, CLASS_OF_UNITS, CLASS_SIZES, CLASS_SIZE_MAX, UNIT } from "./size-classes.ts";

export { PAGE_SIZE, SEGMENT_MASK, SEGMENT_SHIFT };

/** Names a block: its address in units of 16 bytes, as a signed 32-bit integer. 0 names nothing. */
export type Ref = number & { readonly brand: "Ref" };

export const NULL_REF: Ref = 0 as Ref;

/** Classes above 4 KiB are cut from spans of 16 pages, so that a span holds at least eight blocks. */
const SMALL_SPAN_CLASS_MAX = 4096;
const LARGE_SPAN_PAGES = 16;
const LARGE_SPANS_FROM: number = CLASS_SIZES.indexOf(SMALL_SPAN_CLASS_MAX) + 1;
/** Above this a block gets a segment of its own. */
export const RUN_SIZE_MAX: number = SEGMENT_SIZE / 2;
/** Zeroed blocks from this size on get a segment of their own, since zeroing a recycled run would stall the turn. */
const ZERO_BY_HAND_MAX: number = 1024 * 1024;
/** The largest block: `Uint8Array` access slows twentyfold above index 2^31. */
export const BLOCK_SIZE_MAX: number = 2 ** 31 - PAGE_SIZE;

assert(CLASS_SIZES[CLASS_COUNT - 1]! * 8 <= LARGE_SPAN_PAGES * PAGE_SIZE, "a span holds 8 blocks");
assert(CLASS_COUNT < PAGE_RUN, "page kinds and class indexes differ");

/** Is told of a span: its first page, its class, its blocks in use and those that it holds. */
export type VisitSpan = (span: number, index: number, used: number, capacity: number) => void;

export class Arena {
  readonly #pages: Pages = new Pages();
  /** 32-bit views of the segments, by segment number. */
  readonly words: Int32Array[] = this.#pages.words;
  /** Byte views of the segments, by segment number. */
  readonly bytes: Buffer[] = this.#pages.bytes;
  /** Double views by segment. */
  readonly doubles: Float64Array[] = this.#pages.doubles;

  /** Bytes of all blocks in use, rounded up to their classes. */
  usedBytes = 0;
  /** Blocks in use. */
  blocks = 0;
  /** Every block but those in a segment of their own is worth moving, for tests. */
  movesAll = false;
  /** Blocks that `relocate` has moved, and those that it has left where they were. */
  moves = 0;
  stays = 0;
  /** Bytes of those that it has moved. */
  movedBytes = 0;
  /** Pages of spans that are leaving. */
  leavingPages = 0;

  // Per page, indexed by page number.
  #pageKind = this.#pages.kinds;
  /** First page of the span or run that the page belongs to. */
  #pageHead = new Int32Array(0);
  /** 1 for the pages of a span that is leaving. */
  #pageLeaving = new Uint8Array(0);
  // The following are valid at the first page of a span (or run) only.
  #spanFreeList = new Int32Array(0);
  #spanUsed = new Int32Array(0);
  /** Units handed out from the never used end of the span. For a run: its pages. */
  #spanFresh = new Int32Array(0);
  #spanNext = new Int32Array(0);
  #spanPrev = new Int32Array(0);

  /** First span with a free block by class, or -1. */
  readonly #openSpans: Int32Array = new Int32Array(CLASS_COUNT).fill(-1);
  /** First span by class of those that are leaving, or -1. */
  readonly #leavingSpans: Int32Array = new Int32Array(CLASS_COUNT).fill(-1);

  /** In verify mode: the blocks in use, to catch double frees. */
  readonly #live: Set<Ref> | null;

  /** @param verify poisons blocks on allocation and on free, and checks that only live blocks are freed */
  constructor(verify = false) {
    this.#live = verify ? new Set() : null;
  }

  /**
   * Returns a block of at least `size` bytes, content undefined.
   * @param size bytes, 1 to BLOCK_SIZE_MAX
   */
  allocate(size: number): Ref {
    if (size > CLASS_SIZE_MAX) return this.#allocateLarge(size, false);
    const index = CLASS_OF_UNITS[(size + UNIT - 1) >>> 4]!;
    let span = this.#openSpans[index]!;
    if (span === -1) span = this.#openSpan(index);
    let ref = this.#spanFreeList[span]!;
    const classSize = CLASS_SIZES[index]!;
    if (ref !== 0) {
      const words = this.words[ref >>> SEGMENT_SHIFT]!;
      this.#spanFreeList[span] = words[(ref & SEGMENT_MASK) << 2]!;
    } else {
      const fresh = this.#spanFresh[span]!;
      ref = ((span << PAGE_UNIT_SHIFT) + fresh) | 0;
      this.#spanFresh[span] = fresh + (classSize >>> 4);
    }
    if (++this.#spanUsed[span]! === spanCapacity(index))
      this.#unlinkSpan(this.#openSpans, span, index);
    this.usedBytes += classSize;
    this.blocks++;
    if (this.#live !== null) this.#poison(ref as Ref, classSize, 0xa5, true);
    return ref as Ref;
  }

  /** Like `allocate`, all bytes zero. Large tables cost nothing until they are touched. */
  allocateZeroed(size: number): Ref {
    if (size > ZERO_BY_HAND_MAX) return this.#allocateLarge(size, true);
    const ref = this.allocate(size);
    const start = (ref & SEGMENT_MASK) << 2;
    this.words[ref >>> SEGMENT_SHIFT]!.fill(0, start, start + ((size + 3) >>> 2));
    return ref;
  }

  /** Gives a block back. The size is known from the page it lies in. */
  free(ref: Ref): void {
    const page = ref >>> PAGE_UNIT_SHIFT;
    const kind = this.#pageKind[page]!;
    if (kind >= CLASS_COUNT) return this.#freeLarge(ref, page, kind);
    const span = this.#pageHead[page]!;
    const classSize = CLASS_SIZES[kind]!;
    const used = this.#spanUsed[span]!;
    assert(used > 0, "free: no block of this span is in use");
    if (this.#live !== null) {
      const offset = (ref - (span << PAGE_UNIT_SHIFT)) * UNIT;
      assert(offset % classSize === 0, "free: not the start of a block");
      this.#poison(ref, classSize, 0x5a, false);
    }
    this.words[ref >>> SEGMENT_SHIFT]![(ref & SEGMENT_MASK) << 2] = this.#spanFreeList[span]!;
    this.#spanFreeList[span] = ref;
    this.#spanUsed[span] = used - 1;
    this.usedBytes -= classSize;
    this.blocks--;
    if (used === spanCapacity(kind)) this.#reopenSpan(span, kind);
    else if (used === 1) this.#dropSpan(span, kind);
  }

  /** Bytes that the block at `ref` really has: at least what was asked for. */
  sizeOf(ref: Ref): number {
    const page = ref >>> PAGE_UNIT_SHIFT;
    const kind = this.#pageKind[page]!;
    if (kind < CLASS_COUNT) return CLASS_SIZES[kind]!;
    const own = this.#pages.blockOf(ref >>> SEGMENT_SHIFT);
    return own !== 0 ? own : this.#spanFresh[page]! * PAGE_SIZE;
  }

  /** Bytes that `allocate(size)` takes. */
  static blockSize(size: number): number {
    if (size <= CLASS_SIZE_MAX) return CLASS_SIZES[CLASS_OF_UNITS[(size + UNIT - 1) >>> 4]!]!;
    return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
  }

  /** Bytes of all segments held, touched or not. */
  get reservedBytes(): number {
    return this.#pages.reservedBytes;
  }

  /**
   * Bytes of pages that hold at least one block, the free blocks of these pages included, but not those pages at the end of large
   * spans that nobody has touched yet. Looks at all large spans that are not full.
   */
  pageBytes(): number {
    let untouched = 0;
    for (let index = LARGE_SPANS_FROM; index < CLASS_COUNT; index++) {
      untouched += this.#untouchedPages(this.#openSpans[index]!);
      untouched += this.#untouchedPages(this.#leavingSpans[index]!);
    }
    return this.#pages.usedBytes - untouched * PAGE_SIZE;
  }

  /** Pages that nobody has touched of a large span and those linked behind it. */
  #untouchedPages(first: number): number {
    let pages = 0;
    for (let span = first; span !== -1; span = this.#spanNext[span]!) {
      pages += LARGE_SPAN_PAGES - Math.ceil((this.#spanFresh[span]! * UNIT) / PAGE_SIZE);
    }
    return pages;
  }

  /** Bytes of free pages that hold memory all the same. */
  get heldBytes(): number {
    return this.#pages.held * PAGE_SIZE;
  }

  /** Gives every segment back to the system; all refs become invalid. */
  release(): void {
    this.#pages.release();
    this.usedBytes = 0;
    this.blocks = 0;
    this.leavingPages = 0;
    this.#pageLeaving.fill(0);
    this.#openSpans.fill(-1);
    this.#leavingSpans.fill(-1);
    this.#live?.clear();
  }

  /** Gives a bounded part of what was freed back to the system. Returns true while there is more. */
  trim(): boolean {
    return this.#pages.trim();
  }

  /** Has `trim` give back what free pages held all the time since the last call. */
  releaseIdle(): void {
    this.#pages.releaseIdle();
  }

  /** Has `trim` give back what free pages hold beyond `kept` bytes. */
  releaseHeld(kept = 0): void {
    this.#pages.releaseHeld(kept);
  }

  // ---- moving blocks together ----

  /**
   * Moves a block if it is worth it. Returns where it is then: whoever names it must name that place instead, before anything
   * else is done. Its content is the same, and the old place is free.
   */
  relocate(ref: Ref): Ref {
    if (this.#pageLeaving[ref >>> PAGE_UNIT_SHIFT] === 0 && !this.#movesAnyway(ref)) {
      this.stays++;
      return ref;
    }
    this.moves++;
    const size = this.sizeOf(ref);
    this.movedBytes += size;
    const fresh = this.allocate(size);
    const from = this.bytes[ref >>> SEGMENT_SHIFT]!;
    const start = (ref & SEGMENT_MASK) * UNIT;
    const to = this.bytes[fresh >>> SEGMENT_SHIFT]!;
    copyBytes(to, (fresh & SEGMENT_MASK) * UNIT, from, start, start + size);
    this.free(ref);
    return fresh;
  }

  #movesAnyway(ref: Ref): boolean {
    return this.movesAll && this.#pages.blockOf(ref >>> SEGMENT_SHIFT) === 0;
  }

  /**
   * Calls `visit`, which may let it leave, with each span that has free blocks and is not leaving, of `count` pages from `page` on.
   * Returns the page behind them, or -1 behind the last.
   */
  openSpansFrom(page: number, count: number, visit: VisitSpan): number {
    const last = Math.min(page + count, this.words.length * PAGES_PER_SEGMENT);
    for (let span = page; span < last; span++) {
      const index = this.#pageKind[span]!;
      if (index >= CLASS_COUNT || this.#pageHead[span] !== span) continue;
      const used = this.#spanUsed[span]!;
      const capacity = spanCapacity(index);
      if (used === capacity || this.#pageLeaving[span] !== 0) continue;
      visit(span, index, used, capacity);
    }
    return last < page + count ? -1 : last;
  }

  /** Lets a span leave that has free blocks. */
  leave(span: number): void {
    const index = this.#pageKind[span]!;
    this.#unlinkSpan(this.#openSpans, span, index);
    // An empty one is of no use then.
    if (this.#spanUsed[span] === 0) return this.#pages.give(span, spanPages(index));
    this.#linkSpan(this.#leavingSpans, span, index);
    this.#pageLeaving.fill(1, span, span + spanPages(index));
    this.leavingPages += spanPages(index);
  }

  /** Lets up to `limit` of the spans stay that are leaving. Returns true while there are more. */
  stay(limit: number): boolean {
    let left = limit;
    for (let index = 0; index < CLASS_COUNT && this.leavingPages > 0; index++) {
      for (let span = this.#leavingSpans[index]!; span !== -1; span = this.#leavingSpans[index]!) {
        if (left-- === 0) return true;
        this.#unleave(span, index);
        this.#linkSpan(this.#openSpans, span, index);
      }
    }
    return false;
  }

  #unleave(span: number, index: number): void {
    this.#unlinkSpan(this.#leavingSpans, span, index);
    this.#pageLeaving.fill(0, span, span + spanPages(index));
    this.leavingPages -= spanPages(index);
  }

  // ---- spans: blocks of one size class ----

  #openSpan(index: number): number {
    const leaving = this.#leavingSpans[index]!;
    if (leaving !== -1) {
      this.#unleave(leaving, index);
      this.#linkSpan(this.#openSpans, leaving, index);
      return leaving;
    }
    const pages = spanPages(index);
    // The large ones may never be filled: a table of the dict is alone in its class.
    const span = pages === 1 ? this.#pages.takeOne() : this.#pages.take(pages);
    this.#growTables();
    for (let page = span; page < span + pages; page++) {
      this.#pageKind[page] = index;
      this.#pageHead[page] = span;
    }
    this.#spanFreeList[span] = 0;
    this.#spanUsed[span] = 0;
    this.#spanFresh[span] = 0;
    this.#linkSpan(this.#openSpans, span, index);
    return span;
  }

  #linkSpan(firsts: Int32Array, span: number, index: number): void {
    const first = firsts[index]!;
    this.#spanNext[span] = first;
    this.#spanPrev[span] = -1;
    if (first !== -1) this.#spanPrev[first] = span;
    firsts[index] = span;
  }

  #unlinkSpan(firsts: Int32Array, span: number, index: number): void {
    const next = this.#spanNext[span]!;
    const prev = this.#spanPrev[span]!;
    if (prev === -1) firsts[index] = next;
    else this.#spanNext[prev] = next;
    if (next !== -1) this.#spanPrev[next] = prev;
  }

  /** Opens a span that was full. An empty one that was kept while it was the only one is no longer needed then. */
  #reopenSpan(span: number, index: number): void {
    const kept = this.#openSpans[index]!;
    this.#linkSpan(this.#openSpans, span, index);
    if (kept !== -1 && this.#spanUsed[kept] === 0) this.#dropSpan(kept, index);
  }

  /**
   * A span without a block in use gives its pages back, unless it is the last open one of its class and lies in segment 0,
   * which stays anyway: elsewhere it would keep a whole segment from going back.
   */
  #dropSpan(span: number, index: number): void {
    if (this.#pageLeaving[span] !== 0) this.#unleave(span, index);
    else {
      const last = this.#openSpans[index] === span && this.#spanNext[span] === -1;
      if (last && span < PAGES_PER_SEGMENT) return;
      this.#unlinkSpan(this.#openSpans, span, index);
    }
    this.#pages.give(span, spanPages(index));
  }

  // ---- runs of pages and segments of their own ----

  #allocateLarge(size: number, fresh: boolean): Ref {
    assert(size <= BLOCK_SIZE_MAX, "allocate: larger than the largest block");
    const bytes = Arena.blockSize(size);
    let ref: Ref;
    if (fresh || bytes > RUN_SIZE_MAX) {
      const segment = this.#pages.takeSegment(bytes);
      this.#growTables();
      ref = ((segment << SEGMENT_SHIFT) | 0) as Ref;
    } else {
      const pages = bytes / PAGE_SIZE;
      const run = this.#pages.take(pages);
      this.#growTables();
      this.#spanFresh[run] = pages;
      ref = ((run << PAGE_UNIT_SHIFT) | 0) as Ref;
    }
    this.usedBytes += bytes;
    this.blocks++;
    if (this.#live !== null && !fresh) this.#poison(ref, bytes, 0xa5, true);
    else this.#live?.add(ref);
    return ref;
  }

  #freeLarge(ref: Ref, page: number, kind: number): void {
    assert(kind === PAGE_RUN, "free: this page is not in use");
    const bytes = this.sizeOf(ref);
    if (this.#live !== null) this.#poison(ref, bytes, 0x5a, false);
    this.usedBytes -= bytes;
    this.blocks--;
    const segment = ref >>> SEGMENT_SHIFT;
    if (this.#pages.blockOf(segment) !== 0) this.#pages.dropSegment(segment);
    else this.#pages.give(page, this.#spanFresh[page]!);
  }

  // ---- inside ----

  /** Makes the tables as large as that of the kinds, which grows as segments are added. */
  #growTables(): void {
    const { kinds } = this.#pages;
    if (kinds === this.#pageKind) return;
    const pages = kinds.length;
    const leaving = new Uint8Array(pages);
    leaving.set(this.#pageLeaving);
    this.#pageLeaving = leaving;
    this.#pageKind = kinds;
    this.#pageHead = grown(this.#pageHead, pages);
    this.#spanFreeList = grown(this.#spanFreeList, pages);
    this.#spanUsed = grown(this.#spanUsed, pages);
    this.#spanFresh = grown(this.#spanFresh, pages);
    this.#spanNext = grown(this.#spanNext, pages);
    this.#spanPrev = grown(this.#spanPrev, pages);
  }

  #poison(ref: Ref, size: number, byte: number, allocated: boolean): void {
    if (allocated) this.#live!.add(ref);
    else assert(this.#live!.delete(ref), "free: not a block in use");
    const start = (ref & SEGMENT_MASK) * UNIT;
    this.bytes[ref >>> SEGMENT_SHIFT]!.fill(byte, start, start + size);
  }
}

function spanPages(index: number): number {
  return CLASS_SIZES[index]! <= SMALL_SPAN_CLASS_MAX ? 1 : LARGE_SPAN_PAGES;
}

const SPAN_CAPACITY: Int32Array = Int32Array.from({ length: CLASS_COUNT }, (_, index) =>
  Math.floor((spanPages(index) * PAGE_SIZE) / CLASS_SIZES[index]!),
);

/** Blocks that a span of the class holds. */
function spanCapacity(index: number): number {
  return SPAN_CAPACITY[index]!;
}

function grown(old: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const array = new Int32Array(length);
  array.set(old);
  return array;
}
