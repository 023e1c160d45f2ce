/**
 * The pages that the arena's blocks lie in: 64 KiB each, 1024 of them in a segment of 64 MiB. A segment whose pages are all free
 * goes back to the system, except that one of them stays while almost no page of the others is free, so that a server that works
 * near the edge of a segment does not take it from the system and give it back with every key. Segment 0 always stays.
 *
 * Memory that nobody has written to costs nothing. So there are two kinds of free pages: those that cost nothing, and those
 * that were used and still *hold* memory. Who takes pages gets the lowest free ones of either kind. What free pages hold goes
 * back to the system when it was not needed for a while (`releaseIdle`), or when somebody asks for it; in slices, as everything
 * that goes back (`trim`).
 *
 * Caveat: `words[]`, `bytes[]` and `doubles[]` of a segment are replaced when it is given back.
 */
import { assert } from "../base/assert.ts";
import { UNIT } from "./size-classes.ts";
import { SystemMemory } from "./system-memory.ts";

/** Units of a segment as a shift: `ref >>> SEGMENT_SHIFT` is its number. */
export const SEGMENT_SHIFT = 22;
/** `ref & SEGMENT_MASK` is the unit within the segment. */
export const SEGMENT_MASK: number = (1 << SEGMENT_SHIFT) - 1;
export const SEGMENT_SIZE: number = (1 << SEGMENT_SHIFT) * UNIT;
const SEGMENTS_MAX = 1024;

export const PAGE_SIZE: number = 64 * 1024;
/** Units of a page as a shift: `ref >>> PAGE_UNIT_SHIFT` is its number. */
export const PAGE_UNIT_SHIFT = 12;
/** Pages of a segment as a shift: `page >>> PAGES_SHIFT` is the number of its segment. */
export const PAGES_SHIFT = 10;
export const PAGES_PER_SEGMENT: number = 1 << PAGES_SHIFT;

/** Kinds of a page. A smaller value is the size class of the span that the page belongs to; the arena sets it. */
export const PAGE_RUN = 253;
/** Free, and holds memory. */
const PAGE_HELD = 254;
/** Free, and costs nothing. */
const PAGE_FREE = 255;

/** A wholly free segment goes back to the system if at least this many pages are free in the others. */
const SPARE_PAGES = 64;
/** Pages that are populated together. */
const POPULATED_PAGES = 4;
/** Free pages that may always hold memory. */
const HELD_MIN = 64;
/** Pages, and stretches of them, whose memory one `trim` gives back: about 0.1 ms. */
const TRIMMED_PAGES = 16;
const TRIMMED_STRETCHES = 8;

const NO_WORDS = new Int32Array(0);
const NO_BYTES = Buffer.alloc(0);
const NO_DOUBLES = new Float64Array(0);

assert(SEGMENT_SIZE === PAGES_PER_SEGMENT * PAGE_SIZE, "page numbers are split by a shift");
assert(PAGE_SIZE === UNIT << PAGE_UNIT_SHIFT, "a page is a power of two units");

export class Pages {
  /** 32-bit views of the segments, by segment number. */
  readonly words: Int32Array[] = [NO_WORDS];
  /** Byte views of the segments, by segment number. */
  readonly bytes: Buffer[] = [NO_BYTES];
  /** The same memory once more, for doubles that lie at multiples of eight. */
  readonly doubles: Float64Array[] = [NO_DOUBLES];
  /** Kinds by page number (segment number * 1024 + page in segment); a larger array after segments were added. */
  kinds: Uint8Array = new Uint8Array(0);
  /** Bytes of all segments held, touched or not. */
  reservedBytes = 0;
  /** Free pages that hold memory. */
  held = 0;

  readonly #system: SystemMemory = new SystemMemory();
  // Per segment.
  readonly #freePages: Int32Array = new Int32Array(SEGMENTS_MAX);
  readonly #heldPages: Int32Array = new Int32Array(SEGMENTS_MAX);
  /** No run of free pages longer than this exists in the segment. */
  readonly #runBound: Int32Array = new Int32Array(SEGMENTS_MAX);
  /** No free page lies below this page of the segment. */
  readonly #hint: Int32Array = new Int32Array(SEGMENTS_MAX);
  /** Bytes of a segment that is one block, else 0. */
  readonly #block: Float64Array = new Float64Array(SEGMENTS_MAX);

  /** Free pages of all segments. */
  #free = 0;
  /** A wholly free segment that was kept because the others are full, or -1. */
  #spare = -1;
  /** The fewest `held` since `releaseIdle` looked last. */
  #heldLeast = 0;
  /** Of the free pages that hold memory, how many are to be given back. */
  #surplus = 0;

  // ---- figures ----

  /** Bytes of pages that are not free. */
  get usedBytes(): number {
    let bytes = 0;
    for (let segment = 0; segment < this.words.length; segment++) {
      if (this.words[segment]!.length === 0) continue;
      if (this.#block[segment] !== 0) bytes += this.#block[segment]!;
      else bytes += (PAGES_PER_SEGMENT - this.#freePages[segment]!) * PAGE_SIZE;
    }
    return bytes;
  }

  /** Bytes of the block that is the whole segment, or 0 for a segment of pages. */
  blockOf(segment: number): number {
    return this.#block[segment]!;
  }

  // ---- taking and giving ----

  /** Takes a page, and has the system populate it and a few more if it holds no memory: cheaper than one fault each. */
  takeOne(): number {
    const page = this.#find(1);
    if (this.kinds[page] === PAGE_FREE) this.#populate(page);
    return this.#claim(page >>> PAGES_SHIFT, page, 1);
  }

  /** Takes `count` pages in a row, up to half a segment, and returns the first one's number. */
  take(count: number): number {
    const page = this.#find(count);
    return this.#claim(page >>> PAGES_SHIFT, page, count);
  }

  /** Takes a segment of its own for a block of so many bytes, all of them zero, and returns its number. */
  takeSegment(bytes: number): number {
    // Not segment 0: a block at its start would have the null ref for a name.
    const segment = this.#addSegment(bytes, 1);
    this.#block[segment] = bytes;
    this.#freePages[segment] = 0;
    this.kinds[segment << PAGES_SHIFT] = PAGE_RUN;
    return segment;
  }

  give(page: number, count: number): void {
    const segment = page >>> PAGES_SHIFT;
    this.kinds.fill(PAGE_HELD, page, page + count);
    this.held += count;
    this.#heldPages[segment]! += count;
    const free = this.#freePages[segment]! + count;
    this.#freePages[segment] = free;
    this.#free += count;
    this.#runBound[segment] = PAGES_PER_SEGMENT;
    const local = page & (PAGES_PER_SEGMENT - 1);
    if (local < this.#hint[segment]!) this.#hint[segment] = local;
    // Segment 0 never becomes wholly free: its first page is taken.
    if (free === PAGES_PER_SEGMENT) {
      if (this.#spare !== -1) this.dropSegment(this.#spare);
      this.#spare = segment;
    }
    if (this.#spare !== -1 && this.#free >= PAGES_PER_SEGMENT + SPARE_PAGES) {
      this.dropSegment(this.#spare);
      this.#spare = -1;
    }
  }

  /** Gives a whole segment back to the system. */
  dropSegment(segment: number): void {
    const words = this.words[segment]!;
    if (words.length === 0) return;
    this.reservedBytes -= words.byteLength;
    this.#system.give(words.buffer as ArrayBuffer);
    this.words[segment] = NO_WORDS;
    this.bytes[segment] = NO_BYTES;
    this.doubles[segment] = NO_DOUBLES;
    const base = segment << PAGES_SHIFT;
    this.kinds.fill(PAGE_FREE, base, base + PAGES_PER_SEGMENT);
    this.#block[segment] = 0;
    this.#free -= this.#freePages[segment]!;
    this.#freePages[segment] = 0;
    this.#noteHeld(segment, -this.#heldPages[segment]!);
  }

  /** Gives everything back to the system. */
  release(): void {
    for (let segment = 0; segment < this.words.length; segment++) this.dropSegment(segment);
    this.words.length = 1;
    this.bytes.length = 1;
    this.doubles.length = 1;
    this.#spare = -1;
    while (this.trim());
  }

  // ---- what goes back to the system ----

  /** Has `trim` give back what free pages held all the time since the last call. */
  releaseIdle(): void {
    this.#surplus = Math.max(this.#surplus, this.#heldLeast - HELD_MIN);
    this.#heldLeast = this.held;
  }

  /** Has `trim` give back what free pages hold beyond `kept` bytes. */
  releaseHeld(kept: number): void {
    this.#surplus = Math.max(this.#surplus, this.held - Math.floor(kept / PAGE_SIZE));
  }

  /** Gives a bounded part of what was freed back to the system. Returns true while there is more. */
  trim(): boolean {
    if (this.#system.step()) return true;
    this.#surplus = Math.min(this.#surplus, this.held);
    if (this.#surplus <= 0) return false;
    // Pages of high addresses are needed last.
    let segment = this.words.length - 1;
    while (this.#heldPages[segment] === 0) segment--;
    this.#trimSegment(segment);
    return this.#surplus > 0;
  }

  #trimSegment(segment: number): void {
    const { kinds } = this;
    const buffer = this.words[segment]!.buffer as ArrayBuffer;
    const base = segment << PAGES_SHIFT;
    let left = Math.min(this.#surplus, TRIMMED_PAGES);
    let end = base + PAGES_PER_SEGMENT;
    for (let stretches = TRIMMED_STRETCHES; stretches > 0 && left > 0; stretches--) {
      while (end > base && kinds[end - 1] !== PAGE_HELD) end--;
      if (end === base) return;
      let start = end;
      while (start > base && left > 0 && kinds[start - 1] === PAGE_HELD) {
        start--;
        left--;
      }
      this.#system.discard(buffer, (start - base) * PAGE_SIZE, (end - start) * PAGE_SIZE);
      kinds.fill(PAGE_FREE, start, end);
      this.#surplus -= end - start;
      this.#noteHeld(segment, start - end);
      end = start;
    }
  }

  // ---- inside ----

  /** The lowest `count` free pages in a row, of a new segment if there are none. */
  #find(count: number): number {
    for (let segment = 0; segment < this.words.length; segment++) {
      if (this.#freePages[segment]! < count) continue;
      if (this.#runBound[segment]! < count) continue;
      const page = this.#findRun(segment, count);
      if (page !== -1) return page;
      this.#runBound[segment] = count - 1;
    }
    const segment = this.#addSegment(SEGMENT_SIZE, 0);
    this.#free += PAGES_PER_SEGMENT;
    if (segment > 0) return segment << PAGES_SHIFT;
    // Unit 0 of segment 0 would be the null ref: its page is never handed out.
    return this.#claim(0, 0, 1) + 1;
  }

  #findRun(segment: number, count: number): number {
    const { kinds } = this;
    const base = segment << PAGES_SHIFT;
    const end = base + PAGES_PER_SEGMENT;
    let length = 0;
    for (let page = base + this.#hint[segment]!; page < end; page++) {
      length = kinds[page]! >= PAGE_HELD ? length + 1 : 0;
      if (length === count) return page - count + 1;
    }
    return -1;
  }

  #claim(segment: number, page: number, count: number): number {
    let held = 0;
    for (let at = page; at < page + count; at++) {
      if (this.kinds[at] === PAGE_HELD) held++;
      this.kinds[at] = PAGE_RUN;
    }
    if (held > 0) this.#noteHeld(segment, -held);
    this.#freePages[segment]! -= count;
    this.#free -= count;
    if (segment === this.#spare) this.#spare = -1;
    const local = page & (PAGES_PER_SEGMENT - 1);
    if (local === this.#hint[segment]) this.#hint[segment] = local + count;
    return page;
  }

  #noteHeld(segment: number, change: number): void {
    this.held += change;
    this.#heldPages[segment]! += change;
    if (this.held < this.#heldLeast) this.#heldLeast = this.held;
  }

  /** Has the system provide a free page that holds no memory, and those behind it that are alike. */
  #populate(page: number): void {
    const segment = page >>> PAGES_SHIFT;
    const base = segment << PAGES_SHIFT;
    const limit = Math.min(base + PAGES_PER_SEGMENT, page + POPULATED_PAGES);
    let end = page;
    while (end < limit && this.kinds[end] === PAGE_FREE) this.kinds[end++] = PAGE_HELD;
    this.#noteHeld(segment, end - page);
    const { buffer } = this.words[segment]!;
    const from = (page - base) * PAGE_SIZE;
    this.#system.populate(buffer as ArrayBuffer, from, (end - page) * PAGE_SIZE);
  }

  /** Takes a segment from the system. @param lowest the lowest number that it may have */
  #addSegment(size: number, lowest: number): number {
    let segment = lowest;
    while (segment < this.words.length && this.words[segment]!.length !== 0) segment++;
    assert(segment < SEGMENTS_MAX, "the arena is full: 64 GiB of addresses are in use");
    const buffer = this.#system.take(size);
    this.words[segment] = new Int32Array(buffer);
    this.bytes[segment] = Buffer.from(buffer);
    this.doubles[segment] = new Float64Array(buffer);
    this.reservedBytes += size;
    if ((segment + 1) << PAGES_SHIFT > this.kinds.length) this.#growKinds(segment + 1);
    const base = segment << PAGES_SHIFT;
    this.kinds.fill(PAGE_FREE, base, base + PAGES_PER_SEGMENT);
    this.#freePages[segment] = PAGES_PER_SEGMENT;
    this.#runBound[segment] = PAGES_PER_SEGMENT;
    this.#hint[segment] = 0;
    this.#heldPages[segment] = 0;
    this.#block[segment] = 0;
    return segment;
  }

  #growKinds(segments: number): void {
    const pages = Math.max(4, segments + (segments >>> 1)) << PAGES_SHIFT;
    const kinds = new Uint8Array(pages).fill(PAGE_FREE);
    kinds.set(this.kinds);
    this.kinds = kinds;
  }
}
