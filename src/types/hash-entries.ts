/**
 * The fields of a hash that is a dict, each with its value in a block of its own.
 *
 *   short   0 next, hash       the dict's
 *           8 field length u8  bytes of the field, below 255
 *           9 value length u8  bytes of the value, below 255
 *          10 ...              the field, then the value
 *
 *   long    0 next, hash       the dict's
 *           8 255          u8  tells that the entry is long
 *           9 apart        u8  1: the value is in a blob
 *          12 field length u32
 *          16 value length u32, or the blob's Ref
 *          20 ...              the field, then the value, if it is not apart
 *
 * An entry is short where both lengths allow it; a value above 1024 bytes is apart. A field of 12 and a value of 10 bytes
 * take 10 + 22 = 32 bytes, and 4 to 8 bytes of the dict's table.
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import type { Slice } from "../base/slice.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import type { Blobs } from "../memory/blobs.ts";
import { UNIT } from "../memory/size-classes.ts";

const FIELD_LENGTH_AT = 8;
const VALUE_LENGTH_AT = 9;
const SHORT_AT = 10;
/** In the place of a short field length: the entry is long. */
const IS_LONG = 255;
const APART_AT = 9;
const LONG_FIELD_LENGTH_AT = 12;
const LONG_VALUE_AT = 16;
const LONG_AT = 20;

/** The longest value that stands in its entry. */
const INLINE_VALUE_MAX = 1024;

export class HashEntries {
  readonly #arena: Arena;
  readonly #blobs: Blobs;

  constructor(arena: Arena, blobs: Blobs) {
    this.#arena = arena;
    this.#blobs = blobs;
  }

  /** Makes an entry that is in no dict. The sources may lie in the arena, in blocks that stay. */
  create(
    field: Buffer,
    fieldStart: number,
    fieldEnd: number,
    content: Buffer,
    start: number,
    end: number,
  ): Ref {
    const fieldLength = fieldEnd - fieldStart;
    const length = end - start;
    const short = fieldLength < IS_LONG && length < IS_LONG;
    const apart = length > INLINE_VALUE_MAX;
    const dataAt = short ? SHORT_AT : LONG_AT;
    const ref = this.#arena.allocate(dataAt + fieldLength + (apart ? 0 : length));
    const blob = apart ? this.#createBlob(content, start, end) : 0;
    const bytes = this.#arena.bytes[ref >>> SEGMENT_SHIFT]!;
    const base = (ref & SEGMENT_MASK) * UNIT;
    if (short) {
      bytes[base + FIELD_LENGTH_AT] = fieldLength;
      bytes[base + VALUE_LENGTH_AT] = length;
    } else {
      const words = this.#arena.words[ref >>> SEGMENT_SHIFT]!;
      bytes[base + FIELD_LENGTH_AT] = IS_LONG;
      bytes[base + APART_AT] = apart ? 1 : 0;
      words[(base + LONG_FIELD_LENGTH_AT) >>> 2] = fieldLength;
      words[(base + LONG_VALUE_AT) >>> 2] = apart ? blob : length;
    }
    copyBytes(bytes, base + dataAt, field, fieldStart, fieldEnd);
    if (!apart) copyBytes(bytes, base + dataAt + fieldLength, content, start, end);
    return ref;
  }

  /** Frees an entry that is in no dict. */
  free(entry: Ref): void {
    const blob = this.#blobOf(entry);
    if (blob !== 0) this.#blobs.free(blob as Ref);
    this.#arena.free(entry);
  }

  /** Makes a copy that is in no dict. */
  duplicate(entry: Ref): Ref {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    const blob = this.#blobOf(entry);
    let size = SHORT_AT + bytes[base + FIELD_LENGTH_AT]! + bytes[base + VALUE_LENGTH_AT]!;
    if (bytes[base + FIELD_LENGTH_AT] === IS_LONG) {
      size = LONG_AT + words[(base + LONG_FIELD_LENGTH_AT) >>> 2]!;
      if (blob === 0) size += words[(base + LONG_VALUE_AT) >>> 2]!;
    }
    const copy = this.#arena.allocate(size);
    const to = (copy & SEGMENT_MASK) * UNIT;
    copyBytes(this.#arena.bytes[copy >>> SEGMENT_SHIFT]!, to, bytes, base, base + size);
    if (blob !== 0) {
      const duplicate = this.#blobs.duplicate(blob as Ref);
      this.#arena.words[copy >>> SEGMENT_SHIFT]![(to + LONG_VALUE_AT) >>> 2] = duplicate;
    }
    return copy;
  }

  /**
   * Puts another value in the place of an entry's, if it can stay in its block without wasting more than half of it.
   * @returns false, with nothing changed, if the field needs another entry
   */
  overwrite(entry: Ref, content: Buffer, start: number, end: number): boolean {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    const length = end - start;
    const fieldLength = bytes[base + FIELD_LENGTH_AT]!;
    if (fieldLength !== IS_LONG) {
      const valueAt = SHORT_AT + fieldLength;
      if (length >= IS_LONG || !this.#fits(entry, valueAt + length)) return false;
      bytes[base + VALUE_LENGTH_AT] = length;
      copyBytes(bytes, base + valueAt, content, start, end);
      return true;
    }
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const longLength = words[(base + LONG_FIELD_LENGTH_AT) >>> 2]!;
    if (bytes[base + APART_AT] === 0) {
      const valueAt = LONG_AT + longLength;
      if (length > INLINE_VALUE_MAX || !this.#fits(entry, valueAt + length)) return false;
      // What would be a short entry becomes one.
      if (longLength < IS_LONG && length < IS_LONG) return false;
      words[(base + LONG_VALUE_AT) >>> 2] = length;
      copyBytes(bytes, base + valueAt, content, start, end);
      return true;
    }
    if (length <= INLINE_VALUE_MAX) return false;
    const blob = words[(base + LONG_VALUE_AT) >>> 2]! as Ref;
    const capacity = this.#blobs.capacity(blob);
    if (length <= capacity && length > capacity >>> 1) {
      this.#blobs.setLength(blob, length);
      this.#blobs.write(blob, 0, content, start, end);
    } else {
      const fresh = this.#createBlob(content, start, end);
      words[(base + LONG_VALUE_AT) >>> 2] = fresh;
      this.#blobs.free(blob);
    }
    return true;
  }

  /** Whether the field is source[start, end). */
  equals(entry: Ref, source: Buffer, start: number, end: number): boolean {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    const length = end - start;
    const short = bytes[base + FIELD_LENGTH_AT]!;
    if (short !== IS_LONG) {
      return short === length && equalBytes(bytes, base + SHORT_AT, source, start, length);
    }
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    if (words[(base + LONG_FIELD_LENGTH_AT) >>> 2] !== length) return false;
    return equalBytes(bytes, base + LONG_AT, source, start, length);
  }

  /** Points `out` at the field. Good as long as the entry is there. */
  readField(entry: Ref, out: Slice): void {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    const short = bytes[base + FIELD_LENGTH_AT]!;
    if (short !== IS_LONG) {
      out.set(bytes, base + SHORT_AT, base + SHORT_AT + short);
      return;
    }
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const start = base + LONG_AT;
    out.set(bytes, start, start + words[(base + LONG_FIELD_LENGTH_AT) >>> 2]!);
  }

  /** Points `out` at the value. Good until the value is changed. */
  readValue(entry: Ref, out: Slice): void {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    const short = bytes[base + FIELD_LENGTH_AT]!;
    if (short !== IS_LONG) {
      const start = base + SHORT_AT + short;
      out.set(bytes, start, start + bytes[base + VALUE_LENGTH_AT]!);
      return;
    }
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const word = words[(base + LONG_VALUE_AT) >>> 2]!;
    if (bytes[base + APART_AT] === 0) {
      const start = base + LONG_AT + words[(base + LONG_FIELD_LENGTH_AT) >>> 2]!;
      out.set(bytes, start, start + word);
      return;
    }
    const blob = word as Ref;
    const start = this.#blobs.start(blob);
    out.set(this.#blobs.bytes(blob), start, start + this.#blobs.length(blob));
  }

  /** Moves the value of an entry, if it is apart and that is worth it. */
  relocateValue(entry: Ref): void {
    const blob = this.#blobOf(entry);
    if (blob === 0) return;
    const at = ((entry & SEGMENT_MASK) * UNIT + LONG_VALUE_AT) >>> 2;
    this.#arena.words[entry >>> SEGMENT_SHIFT]![at] = this.#arena.relocate(blob as Ref);
  }

  /** Bytes of all blocks of an entry. */
  memory(entry: Ref): number {
    const blob = this.#blobOf(entry);
    return this.#arena.sizeOf(entry) + (blob === 0 ? 0 : this.#arena.sizeOf(blob as Ref));
  }

  #fits(entry: Ref, size: number): boolean {
    const capacity = this.#arena.sizeOf(entry);
    return size <= capacity && size > capacity >>> 1;
  }

  #createBlob(content: Buffer, start: number, end: number): Ref {
    const blob = this.#blobs.create(end - start);
    this.#blobs.write(blob, 0, content, start, end);
    return blob;
  }

  /** The blob of a value that is apart, or 0. */
  #blobOf(entry: Ref): number {
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) * UNIT;
    if (bytes[base + FIELD_LENGTH_AT] !== IS_LONG || bytes[base + APART_AT] === 0) return 0;
    return this.#arena.words[entry >>> SEGMENT_SHIFT]![(base + LONG_VALUE_AT) >>> 2]!;
  }
}
