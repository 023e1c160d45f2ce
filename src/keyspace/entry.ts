/**
 * An entry: one key, its value or the name of its value, and what expiry and eviction need; one block of the arena.
 *
 *    0  next     Ref   dict
 *    4  hash     u32   dict
 *    8  head     u32   bits 0-2 type, 3-6 encoding, 7 expires, 8-31 access clock (LRU seconds, or LFU)
 *   12  sizes    u32   bits 0-15 key length, 16-27 length of an inline value, 28-31 snapshot epoch
 *   16  [node    16    wheel node with the expiry time, only if it expires]
 *    .  [payload       int: low and high word; block in the arena: its Ref; else nothing]
 *    .  [length  u32   the key's length, only if it is LONG_KEY or more]
 *    .  key
 *    .  [value         an inline string]
 *
 * The arithmetic: 16-byte key and 16-byte value take 16 + 32 = 48 bytes, a multiple of the arena's unit, and 4 to 8 bytes
 * of the dict's table, so 20 to 24 bytes beyond key and value; with an expiry time 16 more.
 */
import { assert } from "../base/assert.ts";
import { copyBytes, equalBytes } from "../base/bytes.ts";
import { HASH_WORDS } from "../base/hash.ts";
import type { Ref } from "../memory/arena.ts";
import { Arena, NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";
import { WHEEL_NODE_SIZE } from "../structures/wheel.ts";
import {
  ENCODING_BLOB,
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  ENCODING_TIMED,
} from "../types/kinds.ts";

// Words.
const HEAD = 2;
const SIZES = 3;

const HEADER_SIZE = 16;
const TYPE_MASK = 7;
const ENCODING_SHIFT = 3;
const ENCODING_MASK = 15;
const EXPIRES = 1 << 7;
const SHAPE_MASK = 0xff;
/** Shapes from here on have to do with the clock: the entry expires, or, its encoding being the highest, members of it do. */
const CLOCKED_FROM: number = ENCODING_TIMED << ENCODING_SHIFT;
const ACCESS_SHIFT = 8;
const KEY_LENGTH_MASK = 0xffff;
const LONG_KEY = 0xffff;
const VALUE_SHIFT = 16;
const VALUE_MASK = 0xfff;
const EPOCH_SHIFT = 28;
/** Epochs go from 1 to this and begin again. */
export const EPOCH_MAX = 15;

/** Keys up to this many bytes are compared by the words that their hash was computed from. */
const WORD_COMPARE_MAX = HASH_WORDS * 4;

/** The longest value that stands inside its entry. */
export const INLINE_SIZE_MAX = 1024;

/** Byte offset of the payload by shape (the low byte of the head). */
const PAYLOAD_OFFSET = new Uint8Array(256);
/** Byte offset of the key (or, of a long key, its length) by shape. */
const KEY_OFFSET = new Uint8Array(256);
for (let shape = 0; shape < 256; shape++) {
  const encoding = (shape >>> ENCODING_SHIFT) & ENCODING_MASK;
  const payload = HEADER_SIZE + (shape & EXPIRES ? WHEEL_NODE_SIZE : 0);
  PAYLOAD_OFFSET[shape] = payload;
  KEY_OFFSET[shape] = payload + payloadSize(encoding);
}

function payloadSize(encoding: number): number {
  if (encoding === ENCODING_INT) return 8;
  return encoding === ENCODING_EMBSTR || encoding === ENCODING_RAW ? 0 : 4;
}

assert(
  CLOCKED_FROM === EXPIRES - (1 << ENCODING_SHIFT),
  "no encoding lies above that of timed collections",
);

/** Whether values of the encoding stand inside the entry as bytes. */
function isInline(encoding: number): boolean {
  return encoding === ENCODING_EMBSTR || encoding === ENCODING_RAW;
}

/** Functions over entries; one object a server. */
export class Entries {
  readonly #arena: Arena;
  /** The epoch that entries are written with, in place. */
  #epochBits = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Bytes that an entry of this form needs. @param valueLength bytes of an inline value, else 0 */
  static size(keyLength: number, encoding: number, valueLength: number, expires: boolean): number {
    return (
      HEADER_SIZE +
      (expires ? WHEEL_NODE_SIZE : 0) +
      payloadSize(encoding) +
      (keyLength >= LONG_KEY ? 4 : 0) +
      keyLength +
      valueLength
    );
  }

  /**
   * Writes head, sizes and key of a block; next, hash and wheel node are left to dict and wheel, the payload or inline value
   * to the caller. The key must not lie in the block itself.
   */
  write(
    entry: Ref,
    type: number,
    encoding: number,
    expires: boolean,
    access: number,
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    valueLength: number,
  ): void {
    const segment = entry >>> SEGMENT_SHIFT;
    const words = this.#arena.words[segment]!;
    const bytes = this.#arena.bytes[segment]!;
    const base = (entry & SEGMENT_MASK) << 2;
    const shape = type | (encoding << ENCODING_SHIFT) | (expires ? EXPIRES : 0);
    const keyLength = keyEnd - keyStart;
    words[base + HEAD] = shape | (access << ACCESS_SHIFT);
    let at = (base << 2) + KEY_OFFSET[shape]!;
    if (keyLength < LONG_KEY) {
      words[base + SIZES] = keyLength | (valueLength << VALUE_SHIFT) | this.#epochBits;
    } else {
      words[base + SIZES] = LONG_KEY | (valueLength << VALUE_SHIFT) | this.#epochBits;
      words[at >>> 2] = keyLength;
      at += 4;
    }
    copyBytes(bytes, at, key, keyStart, keyEnd);
  }

  /**
   * Makes an entry that holds an inline value and does not expire ready for another inline value, if that fits its block.
   * @returns whether it did; else nothing has changed
   */
  refit(entry: Ref, encoding: number, valueLength: number): boolean {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) << 2;
    const head = words[base + HEAD]!;
    const old = (head & SHAPE_MASK) >>> ENCODING_SHIFT;
    // With the expiry bit set this is no encoding at all, and so no inline one.
    if (old !== ENCODING_EMBSTR && old !== ENCODING_RAW) return false;
    const sizes = words[base + SIZES]!;
    const length = (sizes >>> VALUE_SHIFT) & VALUE_MASK;
    if (length !== valueLength) {
      const rest = this.valueStart(entry) - (base << 2);
      if (Arena.blockSize(rest + length) !== Arena.blockSize(rest + valueLength)) return false;
      words[base + SIZES] = (sizes & ~(VALUE_MASK << VALUE_SHIFT)) | (valueLength << VALUE_SHIFT);
    }
    if (old !== encoding) {
      words[base + HEAD] =
        (head & ~(ENCODING_MASK << ENCODING_SHIFT)) | (encoding << ENCODING_SHIFT);
    }
    return true;
  }

  /** The epoch of the snapshot that is under way, or was last: 0 before the first. Entries that are made get it. */
  get epoch(): number {
    return this.#epochBits >>> EPOCH_SHIFT;
  }

  set epoch(value: number) {
    this.#epochBits = value << EPOCH_SHIFT;
  }

  /** Whether the entry is of the present epoch: a snapshot has nothing to do with it any more. */
  isCurrent(entry: Ref): boolean {
    const sizes =
      this.#arena.words[entry >>> SEGMENT_SHIFT]![((entry & SEGMENT_MASK) << 2) + SIZES]!;
    return (sizes ^ this.#epochBits) >>> EPOCH_SHIFT === 0;
  }

  /** Puts the entry into the present epoch. */
  makeCurrent(entry: Ref): void {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const at = ((entry & SEGMENT_MASK) << 2) + SIZES;
    words[at] = (words[at]! & ((1 << EPOCH_SHIFT) - 1)) | this.#epochBits;
  }

  type(entry: Ref): number {
    return this.#head(entry) & TYPE_MASK;
  }

  encoding(entry: Ref): number {
    return (this.#head(entry) >>> ENCODING_SHIFT) & ENCODING_MASK;
  }

  expires(entry: Ref): boolean {
    return (this.#head(entry) & EXPIRES) !== 0;
  }

  /** Whether members of the entry's value expire. */
  isTimed(entry: Ref): boolean {
    return this.encoding(entry) === ENCODING_TIMED;
  }

  /** Whether the entry expires, or members of its value do. */
  isClocked(entry: Ref): boolean {
    return (this.#head(entry) & SHAPE_MASK) >= CLOCKED_FROM;
  }

  /** 24 bits whose meaning eviction decides: seconds of last use, or an LFU counter with its time. */
  access(entry: Ref): number {
    return this.#head(entry) >>> ACCESS_SHIFT;
  }

  setAccess(entry: Ref, access: number): void {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const at = ((entry & SEGMENT_MASK) << 2) + HEAD;
    const head = (words[at]! & SHAPE_MASK) | (access << ACCESS_SHIFT);
    // A store to a line that is only read otherwise costs more than the comparison.
    if (words[at] !== head) words[at] = head;
  }

  /** Changes the encoding in place. @param encoding one of the same payload size */
  setEncoding(entry: Ref, encoding: number): void {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const at = ((entry & SEGMENT_MASK) << 2) + HEAD;
    words[at] = (words[at]! & ~(ENCODING_MASK << ENCODING_SHIFT)) | (encoding << ENCODING_SHIFT);
  }

  /** The wheel node of an entry that expires. */
  node(entry: Ref): Ref {
    return (entry + HEADER_SIZE / UNIT) as Ref;
  }

  /** The entry that a wheel node lies in. */
  ofNode(node: Ref): Ref {
    return (node - HEADER_SIZE / UNIT) as Ref;
  }

  /** Segment of the arena that holds the entry: index of its views. */
  segment(entry: Ref): number {
    return entry >>> SEGMENT_SHIFT;
  }

  keyLength(entry: Ref): number {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) << 2;
    const length = words[base + SIZES]! & KEY_LENGTH_MASK;
    if (length !== LONG_KEY) return length;
    return words[base + (KEY_OFFSET[words[base + HEAD]! & SHAPE_MASK]! >>> 2)]!;
  }

  /** Byte index of the key in its segment. */
  keyStart(entry: Ref): number {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) << 2;
    const at = (base << 2) + KEY_OFFSET[words[base + HEAD]! & SHAPE_MASK]!;
    return (words[base + SIZES]! & KEY_LENGTH_MASK) === LONG_KEY ? at + 4 : at;
  }

  /**
   * Whether the entry's key is key[start, end).
   * @param words from `wordsAt` on, the whole words of the key's first 64 bytes, as `hashBytes` leaves them
   */
  keyEquals(
    entry: Ref,
    key: Buffer,
    start: number,
    end: number,
    words: Int32Array,
    wordsAt: number,
  ): boolean {
    const segment = entry >>> SEGMENT_SHIFT;
    const stored = this.#arena.words[segment]!;
    const base = (entry & SEGMENT_MASK) << 2;
    const length = end - start;
    if (length > WORD_COMPARE_MAX) return this.#longKeyEquals(entry, key, start, end);
    if ((stored[base + SIZES]! & KEY_LENGTH_MASK) !== length) return false;
    // The key begins at a multiple of four.
    let at = base + (KEY_OFFSET[stored[base + HEAD]! & SHAPE_MASK]! >>> 2);
    const whole = length >>> 2;
    for (let i = 0; i < whole; i++, at++) if (stored[at] !== words[wordsAt + i]) return false;
    let tail = stored[at]!;
    for (let pos = start + (whole << 2); pos < end; pos++, tail >>>= 8) {
      if ((tail & 0xff) !== key[pos]) return false;
    }
    return true;
  }

  #longKeyEquals(entry: Ref, key: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (this.keyLength(entry) !== length) return false;
    const bytes = this.#arena.bytes[entry >>> SEGMENT_SHIFT]!;
    return equalBytes(bytes, this.keyStart(entry), key, start, length);
  }

  /** Length of an inline value. */
  valueLength(entry: Ref): number {
    return (
      (this.#arena.words[entry >>> SEGMENT_SHIFT]![((entry & SEGMENT_MASK) << 2) + SIZES]! >>>
        VALUE_SHIFT) &
      VALUE_MASK
    );
  }

  setValueLength(entry: Ref, length: number): void {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const at = ((entry & SEGMENT_MASK) << 2) + SIZES;
    words[at] = (words[at]! & ~(VALUE_MASK << VALUE_SHIFT)) | (length << VALUE_SHIFT);
  }

  /** Byte index of an inline value in its segment. */
  valueStart(entry: Ref): number {
    return this.keyStart(entry) + this.keyLength(entry);
  }

  /** Bytes of the block that the entry's form needs: what its size class was chosen by. */
  sizeOf(entry: Ref): number {
    const encoding = this.encoding(entry);
    const valueLength = isInline(encoding) ? this.valueLength(entry) : 0;
    return Entries.size(this.keyLength(entry), encoding, valueLength, this.expires(entry));
  }

  /** Low word of an integer. */
  low(entry: Ref): number {
    return this.#arena.words[entry >>> SEGMENT_SHIFT]![this.#payload(entry)]!;
  }

  /** High word of an integer. */
  high(entry: Ref): number {
    return this.#arena.words[entry >>> SEGMENT_SHIFT]![this.#payload(entry) + 1]!;
  }

  setInteger(entry: Ref, low: number, high: number): void {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const at = this.#payload(entry);
    words[at] = low;
    words[at + 1] = high;
  }

  /** The block that holds the value: a blob or the root of a collection. NULL_REF of an inline value or integer. */
  block(entry: Ref): Ref {
    const encoding = this.encoding(entry);
    if (encoding < ENCODING_BLOB) return NULL_REF;
    return this.#arena.words[entry >>> SEGMENT_SHIFT]![this.#payload(entry)] as Ref;
  }

  setBlock(entry: Ref, block: Ref): void {
    this.#arena.words[entry >>> SEGMENT_SHIFT]![this.#payload(entry)] = block;
  }

  /** Copies what stands in the place of the value: an integer, an inline value or the name of a block. */
  copyPayload(from: Ref, to: Ref, encoding: number): void {
    if (encoding === ENCODING_INT) {
      this.setInteger(to, this.low(from), this.high(from));
    } else if (isInline(encoding)) {
      const start = this.valueStart(from);
      const source = this.#arena.bytes[from >>> SEGMENT_SHIFT]!;
      const target = this.#arena.bytes[to >>> SEGMENT_SHIFT]!;
      source.copy(target, this.valueStart(to), start, start + this.valueLength(from));
    } else {
      this.setBlock(to, this.block(from));
    }
  }

  #payload(entry: Ref): number {
    const words = this.#arena.words[entry >>> SEGMENT_SHIFT]!;
    const base = (entry & SEGMENT_MASK) << 2;
    return base + (PAYLOAD_OFFSET[words[base + HEAD]! & SHAPE_MASK]! >>> 2);
  }

  #head(entry: Ref): number {
    return this.#arena.words[entry >>> SEGMENT_SHIFT]![((entry & SEGMENT_MASK) << 2) + HEAD]!;
  }
}
