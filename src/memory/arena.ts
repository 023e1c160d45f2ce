/**
 * The arena: all data of a server, outside the JavaScript heap.
 *
 *   Ref (32 bits)    segment (10 bits) | unit in the segment (22 bits); 0 names nothing
 *   segment          64 MiB in one ArrayBuffer = 1024 pages of 64 KiB, or one block larger than 32 MiB
 *   page             part of a span (a span is cut into blocks of one size class), or part of a run (one large block)
 *
 * A block comes from one of three places: up to 128 KiB from a span of its size class, up to 32 MiB from a run of
 * whole pages, above that from a segment of its own, as tables of a megabyte and more do, since fresh memory of the
 * system is zero without being touched. Freed blocks of a span form a list inside themselves, one list a span, so a
 * span whose blocks are all free gives its pages back, and a segment whose pages are all free goes back to the system.
 *
 * Fresh segments cost no resident memory until they are written to; the pages of new spans of a page are populated a few at a time,
 * which is cheaper than one fault each. What is given back to the system goes in slices (`trim`). Control data (what a page is, how many of its
 * blocks are in use) stands apart from the data, in `#page...` arrays of 24 bytes a page.
 *
 * What stays when everything was freed: segment 0, with at most one empty span a class in it; and one more segment while
 * almost no page of the others is free, so that a server that works near the edge of a segment does not take it from the
 * system and give it back with every key.
 *
 * Caveat: `words[]` and `bytes[]` of a segment may be replaced when it is given back, so a view taken from them
 * does not outlive the next call of `allocate` or `free`.
 */
import { assert } from "../base/assert.ts";
import { CLASS_COUNT, CLASS_OF_UNITS, CLASS_SIZES, CLASS_SIZE_MAX, UNIT } from "./size-classes.ts";
import { SystemMemory } from "./system-memory.ts";

/** Names a block: its address in units of 16 bytes, as a signed 32-bit integer. 0 names nothing. */
export type Ref = number & { readonly brand: "Ref" };

export const NULL_REF: Ref = 0 as Ref;

/** Units of a segment as a shift: `ref >>> SEGMENT_SHIFT` is its number. */
export const SEGMENT_SHIFT = 22;
/** `ref & SEGMENT_MASK` is the unit within the segment. */
export const SEGMENT_MASK: number = (1 << SEGMENT_SHIFT) - 1;

const SEGMENT_SIZE = (1 << SEGMENT_SHIFT) * UNIT;
const SEGMENTS_MAX = 1024;
const PAGE_SIZE = 64 * 1024;
const PAGE_UNIT_SHIFT = 12;
const PAGES_PER_SEGMENT: number = SEGMENT_SIZE / PAGE_SIZE;
const PAGES_SHIFT = 10;
/** Classes above 4 KiB are cut from spans of 16 pages, so that a span holds at least eight blocks. */
const SMALL_SPAN_CLASS_MAX = 4096;
const LARGE_SPAN_PAGES = 16;
/** Above this a block gets a segment of its own. */
export const RUN_SIZE_MAX: number = SEGMENT_SIZE / 2;
/** Zeroed blocks from this size on get a segment of their own, since zeroing a recycled run would stall the turn. */
const ZERO_BY_HAND_MAX: number = 1024 * 1024;
/** A wholly free segment goes back to the system if at least this many pages are free in the others. */
const SPARE_PAGES = 64;
/** Pages that are populated together. */
const POPULATED_PAGES = 4;
/** The largest block: `Uint8Array` access slows twentyfold above index 2^31. */
export const BLOCK_SIZE_MAX: number = 2 ** 31 - PAGE_SIZE;

/** Kinds of a page; a smaller value is the size class of the span that the page belongs to. */
const PAGE_RUN = 253;
const PAGE_FREE = 255;

const NO_WORDS = new Int32Array(0);
const NO_BYTES = Buffer.alloc(0);

assert(PAGES_PER_SEGMENT === 1 << PAGES_SHIFT, "page numbers are split by a shift");
assert(CLASS_SIZES[CLASS_COUNT - 1]! * 8 <= LARGE_SPAN_PAGES * PAGE_SIZE, "a span holds 8 blocks");
assert(CLASS_COUNT < PAGE_RUN, "page kinds and class indexes differ");

export class Arena {
  /** 32-bit views of the segments, by segment number. */
  readonly words: Int32Array[] = [NO_WORDS];
  /** Byte views of the segments, by segment number. */
  readonly bytes: Buffer[] = [NO_BYTES];

  /** Bytes of all blocks in use, rounded up to their classes. */
  usedBytes = 0;
  /** Bytes of all segments held, touched or not. */
  reservedBytes = 0;
  /** Blocks in use. */
  blocks = 0;

  // Per page, indexed by global page number (segment number * 1024 + page in segment).
  #pageKind = new Uint8Array(0);
  /** First page of the span or run that the page belongs to. */
  #pageHead = new Int32Array(0);
  // The following are valid at the first page of a span (or run) only.
  #spanFreeList = new Int32Array(0);
  #spanUsed = new Int32Array(0);
  /** Units handed out from the never used end of the span. For a run: its pages. */
  #spanFresh = new Int32Array(0);
  #spanNext = new Int32Array(0);
  #spanPrev = new Int32Array(0);

  /** First span with a free block by class, or -1. */
  readonly #openSpans: Int32Array = new Int32Array(CLASS_COUNT).fill(-1);

  readonly #system: SystemMemory = new SystemMemory();

  // Per segment.
  readonly #segmentFreePages: Int32Array = new Int32Array(SEGMENTS_MAX);
  /** No run of free pages longer than this exists in the segment. */
  readonly #segmentRunBound: Int32Array = new Int32Array(SEGMENTS_MAX);
  /** No free page lies below this page of the segment. */
  readonly #segmentHint: Int32Array = new Int32Array(SEGMENTS_MAX);
  /** Pages from this one on were never used. */
  readonly #segmentFresh: Int32Array = new Int32Array(SEGMENTS_MAX);
  /** Bytes of a segment that is one block, else 0. */
  readonly #segmentBlock: Float64Array = new Float64Array(SEGMENTS_MAX);

  /** Free pages of all segments. */
  #freePages = 0;
  /** A wholly free segment that was kept because the others are full, or -1. */
  #spareSegment = -1;

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
    if (++this.#spanUsed[span]! === spanCapacity(index)) this.#closeSpan(span, index);
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
    const own = this.#segmentBlock[ref >>> SEGMENT_SHIFT]!;
    return own !== 0 ? own : this.#spanFresh[page]! * PAGE_SIZE;
  }

  /** Bytes that `allocate(size)` takes. */
  static blockSize(size: number): number {
    if (size <= CLASS_SIZE_MAX) return CLASS_SIZES[CLASS_OF_UNITS[(size + UNIT - 1) >>> 4]!]!;
    return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
  }

  /** Bytes of pages that hold at least one block, the free blocks of these pages included. */
  pageBytes(): number {
    let bytes = 0;
    for (let segment = 0; segment < this.words.length; segment++) {
      if (this.words[segment]!.length === 0) continue;
      if (this.#segmentBlock[segment] !== 0) bytes += this.#segmentBlock[segment]!;
      else bytes += (PAGES_PER_SEGMENT - this.#segmentFreePages[segment]!) * PAGE_SIZE;
    }
    return bytes;
  }

  /** Gives every segment back to the system; all refs become invalid. */
  release(): void {
    for (let segment = 0; segment < this.words.length; segment++) this.#dropSegment(segment);
    this.words.length = 1;
    this.bytes.length = 1;
    this.usedBytes = 0;
    this.blocks = 0;
    this.#spareSegment = -1;
    this.#openSpans.fill(-1);
    this.#live?.clear();
    while (this.trim());
  }

  /** Gives a bounded part of what was freed back to the system. Returns true while there is more. */
  trim(): boolean {
    return this.#system.step();
  }

  // ---- spans: blocks of one size class ----

  #openSpan(index: number): number {
    const pages = spanPages(index);
    const span = this.#takePages(pages);
    // The large ones may never be filled: a table of the dict is alone in its class.
    if (pages === 1) this.#populate(span);
    for (let page = span; page < span + pages; page++) {
      this.#pageKind[page] = index;
      this.#pageHead[page] = span;
    }
    this.#spanFreeList[span] = 0;
    this.#spanUsed[span] = 0;
    this.#spanFresh[span] = 0;
    this.#linkSpan(span, index);
    return span;
  }

  /** Has the system provide the page of a new span and a few more, if they were never used. */
  #populate(page: number): void {
    const segment = page >>> PAGES_SHIFT;
    const local = page & (PAGES_PER_SEGMENT - 1);
    const fresh = this.#segmentFresh[segment]!;
    if (local < fresh) return;
    const end = Math.min(PAGES_PER_SEGMENT, local + POPULATED_PAGES);
    const from = Math.max(fresh, local);
    this.#segmentFresh[segment] = end;
    const { buffer } = this.words[segment]!;
    this.#system.populate(buffer as ArrayBuffer, from * PAGE_SIZE, (end - from) * PAGE_SIZE);
  }

  #linkSpan(span: number, index: number): void {
    const first = this.#openSpans[index]!;
    this.#spanNext[span] = first;
    this.#spanPrev[span] = -1;
    if (first !== -1) this.#spanPrev[first] = span;
    this.#openSpans[index] = span;
  }

  #closeSpan(span: number, index: number): void {
    const next = this.#spanNext[span]!;
    const prev = this.#spanPrev[span]!;
    if (prev === -1) this.#openSpans[index] = next;
    else this.#spanNext[prev] = next;
    if (next !== -1) this.#spanPrev[next] = prev;
  }

  /** Opens a span that was full. An empty one that was kept while it was the only one is no longer needed then. */
  #reopenSpan(span: number, index: number): void {
    const kept = this.#openSpans[index]!;
    this.#linkSpan(span, index);
    if (kept !== -1 && this.#spanUsed[kept] === 0) this.#dropSpan(kept, index);
  }

  /**
   * A span without a block in use gives its pages back, unless it is the last open one of its class and lies in segment 0,
   * which stays anyway: elsewhere it would keep a whole segment from going back.
   */
  #dropSpan(span: number, index: number): void {
    const last = this.#openSpans[index] === span && this.#spanNext[span] === -1;
    if (last && span < PAGES_PER_SEGMENT) return;
    this.#closeSpan(span, index);
    this.#givePages(span, spanPages(index));
  }

  // ---- runs of pages and segments of their own ----

  #allocateLarge(size: number, fresh: boolean): Ref {
    assert(size <= BLOCK_SIZE_MAX, "allocate: larger than the largest block");
    const bytes = Arena.blockSize(size);
    let ref: Ref;
    if (fresh || bytes > RUN_SIZE_MAX) {
      // Not segment 0: a block at its start would have the null ref for a name.
      const segment = this.#addSegment(bytes, 1);
      this.#segmentBlock[segment] = bytes;
      this.#segmentFreePages[segment] = 0;
      this.#pageKind[segment << PAGES_SHIFT] = PAGE_RUN;
      ref = ((segment << SEGMENT_SHIFT) | 0) as Ref;
    } else {
      const pages = bytes / PAGE_SIZE;
      const run = this.#takePages(pages);
      this.#pageKind.fill(PAGE_RUN, run, run + pages);
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
    if (this.#segmentBlock[segment] !== 0) this.#dropSegment(segment);
    else this.#givePages(page, this.#spanFresh[page]!);
  }

  // ---- pages ----

  /** Takes `count` free pages in a row, lowest address first, and returns the first one's number. */
  #takePages(count: number): number {
    for (let segment = 0; segment < this.words.length; segment++) {
      if (this.#segmentFreePages[segment]! < count) continue;
      if (this.#segmentRunBound[segment]! < count) continue;
      const page = this.#findRun(segment, count);
      if (page !== -1) return this.#claim(segment, page, count);
      this.#segmentRunBound[segment] = count - 1;
    }
    const segment = this.#addSegment(SEGMENT_SIZE, 0);
    this.#freePages += PAGES_PER_SEGMENT;
    // Unit 0 of segment 0 would be the null ref: its page is never handed out.
    const page = (segment << PAGES_SHIFT) + (segment === 0 ? 1 : 0);
    if (segment === 0) this.#claim(0, 0, 1);
    return this.#claim(segment, page, count);
  }

  #findRun(segment: number, count: number): number {
    const base = segment << PAGES_SHIFT;
    const end = base + PAGES_PER_SEGMENT;
    let length = 0;
    for (let page = base + this.#segmentHint[segment]!; page < end; page++) {
      length = this.#pageKind[page] === PAGE_FREE ? length + 1 : 0;
      if (length === count) return page - count + 1;
    }
    return -1;
  }

  #claim(segment: number, page: number, count: number): number {
    this.#pageKind.fill(PAGE_RUN, page, page + count);
    this.#segmentFreePages[segment]! -= count;
    this.#freePages -= count;
    if (segment === this.#spareSegment) this.#spareSegment = -1;
    const local = page & (PAGES_PER_SEGMENT - 1);
    if (local === this.#segmentHint[segment]) this.#segmentHint[segment] = local + count;
    return page;
  }

  #givePages(page: number, count: number): void {
    const segment = page >>> PAGES_SHIFT;
    this.#pageKind.fill(PAGE_FREE, page, page + count);
    const free = this.#segmentFreePages[segment]! + count;
    this.#segmentFreePages[segment] = free;
    this.#freePages += count;
    this.#segmentRunBound[segment] = PAGES_PER_SEGMENT;
    const local = page & (PAGES_PER_SEGMENT - 1);
    if (local < this.#segmentHint[segment]!) this.#segmentHint[segment] = local;
    // Segment 0 never becomes wholly free: its first page is taken.
    if (free === PAGES_PER_SEGMENT) {
      if (this.#spareSegment !== -1) this.#dropSegment(this.#spareSegment);
      this.#spareSegment = segment;
    }
    if (this.#spareSegment !== -1 && this.#freePages >= PAGES_PER_SEGMENT + SPARE_PAGES) {
      this.#dropSegment(this.#spareSegment);
      this.#spareSegment = -1;
    }
  }

  // ---- segments ----

  /** Takes a segment from the system. @param lowest the lowest number that it may have */
  #addSegment(size: number, lowest: number): number {
    let segment = lowest;
    while (segment < this.words.length && this.words[segment]!.length !== 0) segment++;
    assert(segment < SEGMENTS_MAX, "the arena is full: 64 GiB of addresses are in use");
    const buffer = this.#system.take(size);
    this.words[segment] = new Int32Array(buffer);
    this.bytes[segment] = Buffer.from(buffer);
    this.reservedBytes += size;
    if ((segment + 1) << PAGES_SHIFT > this.#pageKind.length) this.#growPageTables(segment + 1);
    const base = segment << PAGES_SHIFT;
    this.#pageKind.fill(PAGE_FREE, base, base + PAGES_PER_SEGMENT);
    this.#segmentFreePages[segment] = PAGES_PER_SEGMENT;
    this.#segmentRunBound[segment] = PAGES_PER_SEGMENT;
    this.#segmentHint[segment] = 0;
    this.#segmentFresh[segment] = 0;
    this.#segmentBlock[segment] = 0;
    return segment;
  }

  #dropSegment(segment: number): void {
    const words = this.words[segment]!;
    if (words.length === 0) return;
    this.reservedBytes -= words.byteLength;
    this.#system.give(words.buffer as ArrayBuffer);
    this.words[segment] = NO_WORDS;
    this.bytes[segment] = NO_BYTES;
    const base = segment << PAGES_SHIFT;
    this.#pageKind.fill(PAGE_FREE, base, base + PAGES_PER_SEGMENT);
    this.#segmentBlock[segment] = 0;
    this.#freePages -= this.#segmentFreePages[segment]!;
    this.#segmentFreePages[segment] = 0;
  }

  #growPageTables(segments: number): void {
    const pages = Math.max(4, segments + (segments >>> 1)) << PAGES_SHIFT;
    const kinds = new Uint8Array(pages).fill(PAGE_FREE);
    kinds.set(this.#pageKind);
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
