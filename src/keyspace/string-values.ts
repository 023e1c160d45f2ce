/**
 * The bytes of string values, wherever they lie: inside the entry, in a block of their own, or nowhere, of an integer,
 * whose digits are written when they are asked for.
 */
import { INT64_DIGITS_MAX, writeInt64 } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { SEGMENT_SHIFT } from "../memory/arena.ts";
import { Blobs } from "../memory/blobs.ts";
import { ENCODING_BLOB, ENCODING_INT } from "../types/kinds.ts";
import type { Entries } from "./entry.ts";
import type { Store } from "./store.ts";

/** Digits of the integer that was read last. */
const digits = Buffer.alloc(INT64_DIGITS_MAX);

export class StringValues {
  readonly #arena: Arena;
  readonly #blobs: Blobs;
  readonly #entries: Entries;

  constructor(store: Store) {
    this.#arena = store.arena;
    this.#blobs = store.blobs;
    this.#entries = store.entries;
  }

  /** Points `out` at the bytes of an entry's string; valid until the next allocation or call of `read`. */
  read(entry: Ref, out: Slice): void {
    const entries = this.#entries;
    const encoding = entries.encoding(entry);
    if (encoding === ENCODING_INT) {
      const end = writeInt64(digits, 0, entries.low(entry), entries.high(entry));
      out.set(digits, 0, end);
    } else if (encoding === ENCODING_BLOB) {
      const blobs = this.#blobs;
      const blob = entries.block(entry);
      const start = blobs.start(blob);
      out.set(blobs.bytes(blob), start, start + blobs.length(blob));
    } else {
      const start = entries.valueStart(entry);
      const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
      out.set(bytes, start, start + entries.valueLength(entry));
    }
  }

  /** Bytes of an entry's string. */
  length(entry: Ref): number {
    const entries = this.#entries;
    const encoding = entries.encoding(entry);
    if (encoding === ENCODING_BLOB) return this.#blobs.length(entries.block(entry));
    if (encoding !== ENCODING_INT) return entries.valueLength(entry);
    return writeInt64(digits, 0, entries.low(entry), entries.high(entry));
  }

  // ---- strings that grow ----

  /** A blob of `length` bytes, those behind `content` zero, with room to grow. */
  createBlob(content: Buffer, length: number): Ref {
    const blobs = this.#blobs;
    const blob = blobs.create(length, length + Blobs.roomToGrow(length));
    blobs.write(blob, 0, content, 0, content.length);
    const start = blobs.start(blob);
    blobs.bytes(blob).fill(0, start + content.length, start + length);
    return blob;
  }

  /** Makes the blob of an entry, of `old` bytes, `length` bytes long, those behind the old ones zero. */
  growBlob(entry: Ref, old: number, length: number): void {
    const blobs = this.#blobs;
    let blob = this.#entries.block(entry);
    if (blobs.capacity(blob) < length) {
      const grown = blobs.create(length, length + Blobs.roomToGrow(length));
      const start = blobs.start(blob);
      blobs.write(grown, 0, blobs.bytes(blob), start, start + old);
      blobs.free(blob);
      this.#entries.setBlock(entry, grown);
      blob = grown;
    }
    blobs.setLength(blob, length);
    const start = blobs.start(blob);
    blobs.bytes(blob).fill(0, start + old, start + length);
  }

  /** Writes the string inside an entry: `content`, and zeros behind it. */
  fill(entry: Ref, content: Buffer): void {
    const start = this.#entries.valueStart(entry);
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    content.copy(bytes, start);
    bytes.fill(0, start + content.length, start + this.#entries.valueLength(entry));
  }
}
