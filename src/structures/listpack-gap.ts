/**
 * The gap: room in front of the first element of a listpack, for whoever adds and removes elements there without moving all
 * that follow.
 *
 *   0  total   u32   bytes from here to the end byte, the gap counted
 *   4  count   u16   stale
 *   6  gap           undefined
 *      entries, end byte
 *
 * A block with a gap is no listpack. Elements can be read by their positions, walked over forwards, added and removed at the
 * end; anything else has to wait until `close` has made it a listpack again, in the time of moving its bytes. The owner
 * remembers how large the gap is, and counts the elements.
 */
import { copyBytes } from "../base/bytes.ts";
import { Arena, SEGMENT_MASK, SEGMENT_SHIFT, type Ref } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";
import { COUNT_AT, COUNT_UNKNOWN, HEADER_SIZE } from "./listpack-check.ts";
import {
  SHORT_MAX,
  SHORT_OVERHEAD,
  backSize,
  beginsAsText,
  entrySize,
  formOf,
  formSize,
  putBytes,
  putShort,
} from "./listpack-entry.ts";

export class ListpackGap {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /**
   * Adds source[start, end), which does not lie in the block, in front of the first element.
   * @returns the size of the gap that is left, 1 at least: there is none only in a listpack; or -1 if the gap is too small: then
   * nothing was done
   */
  push(pack: Ref, gap: number, source: Buffer, start: number, end: number): number {
    const bytes = this.#arena.bytes[pack >>> SEGMENT_SHIFT]!;
    const first = (pack & SEGMENT_MASK) * UNIT + HEADER_SIZE;
    const length = end - start;
    if (length > 0 && length <= SHORT_MAX && beginsAsText(source[start]!)) {
      const left = gap - length - SHORT_OVERHEAD;
      if (left <= 0) return -1;
      putShort(bytes, first + left, source, start, end);
      return left;
    }
    const size = formSize(formOf(source, start, end), length);
    const left = gap - size - backSize(size);
    if (left <= 0) return -1;
    putBytes(bytes, first + left, source, start, end);
    return left;
  }

  /** Leaves the element at `pos`, the first one, to the gap. Returns the gap's new size. */
  pop(pack: Ref, pos: number): number {
    const bytes = this.#arena.bytes[pack >>> SEGMENT_SHIFT]!;
    const size = entrySize(bytes, (pack & SEGMENT_MASK) * UNIT + pos);
    return pos + size - HEADER_SIZE;
  }

  /**
   * Moves the elements to the end of a larger block; the old one is freed.
   * @param gap size of the present gap, 0 for a listpack @param room bytes that the new gap has at least
   * @returns the block, whose total tells how large the gap has become
   */
  open(pack: Ref, gap: number, room: number): Ref {
    const arena = this.#arena;
    const total = this.#total(pack);
    const entries = total - HEADER_SIZE - gap;
    const wider = arena.allocate(HEADER_SIZE + room + entries);
    const size = arena.sizeOf(wider);
    const from = arena.bytes[pack >>> SEGMENT_SHIFT]!;
    const base = (pack & SEGMENT_MASK) * UNIT;
    const to = arena.bytes[wider >>> SEGMENT_SHIFT]!;
    const end = (wider & SEGMENT_MASK) * UNIT + size;
    copyBytes(to, end - entries, from, base + total - entries, base + total);
    this.#setTotal(wider, size);
    arena.free(pack);
    return wider;
  }

  /** Makes a listpack of `count` elements out of a block with a gap. Returns it: in a smaller block, if one is enough. */
  close(pack: Ref, gap: number, count: number): Ref {
    const arena = this.#arena;
    const oldTotal = this.#total(pack);
    const total = oldTotal - gap;
    const smaller = Arena.blockSize(total) < arena.sizeOf(pack);
    const result = smaller ? arena.allocate(total) : pack;
    const from = arena.bytes[pack >>> SEGMENT_SHIFT]!;
    const base = (pack & SEGMENT_MASK) * UNIT;
    const to = arena.bytes[result >>> SEGMENT_SHIFT]!;
    const toBase = (result & SEGMENT_MASK) * UNIT;
    from.copy(to, toBase + HEADER_SIZE, base + HEADER_SIZE + gap, base + oldTotal);
    this.#setTotal(result, total);
    to.writeUInt16LE(Math.min(count, COUNT_UNKNOWN), toBase + COUNT_AT);
    if (smaller) arena.free(pack);
    return result;
  }

  #total(pack: Ref): number {
    return this.#arena.words[pack >>> SEGMENT_SHIFT]![(pack & SEGMENT_MASK) << 2]! >>> 0;
  }

  #setTotal(pack: Ref, total: number): void {
    this.#arena.words[pack >>> SEGMENT_SHIFT]![(pack & SEGMENT_MASK) << 2] = total;
  }
}
