/**
 * A blob: bytes in a block of their own.
 *
 *   0  length  u32
 *   4  bytes
 *
 * The block may be larger than its content; what is left over is room to grow in.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Ref } from "./arena.ts";
import { Arena, BLOCK_SIZE_MAX, RUN_SIZE_MAX, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import { UNIT } from "./size-classes.ts";

const HEADER_SIZE = 4;
const ROOM_MAX: number = 1 << 20;

export class Blobs {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Bytes that a blob of `length` bytes takes in the arena. */
  static blockSize(length: number): number {
    return Arena.blockSize(HEADER_SIZE + length);
  }

  /**
   * Bytes that a blob of `length` bytes is worth growing by before it moves: as in Redis as much again, at most 1 MiB; but an
   * eighth of one in a segment of its own, whose room costs nothing until it is touched. It would be copied for every megabyte
   * that is appended.
   */
  static roomToGrow(length: number): number {
    if (length <= RUN_SIZE_MAX) return Math.min(length, ROOM_MAX);
    return Math.min(length >>> 3, BLOCK_SIZE_MAX - HEADER_SIZE - length);
  }

  /** Makes a blob with room for `capacity` bytes; content undefined. */
  create(length: number, capacity: number = length): Ref {
    const blob = this.#arena.allocate(HEADER_SIZE + capacity);
    this.setLength(blob, length);
    return blob;
  }

  /** Makes a blob with the content of another, without its room to grow. */
  duplicate(blob: Ref): Ref {
    const length = this.length(blob);
    const copy = this.create(length);
    const start = this.start(blob);
    this.write(copy, 0, this.bytes(blob), start, start + length);
    return copy;
  }

  free(blob: Ref): void {
    this.#arena.free(blob);
  }

  length(blob: Ref): number {
    return this.#arena.words[blob >>> SEGMENT_SHIFT]![(blob & SEGMENT_MASK) << 2]! >>> 0;
  }

  setLength(blob: Ref, length: number): void {
    this.#arena.words[blob >>> SEGMENT_SHIFT]![(blob & SEGMENT_MASK) << 2] = length;
  }

  /** Bytes that fit without moving. */
  capacity(blob: Ref): number {
    return this.#arena.sizeOf(blob) - HEADER_SIZE;
  }

  /** The segment's bytes that the blob lies in; not to be kept across an allocation. */
  bytes(blob: Ref): Buffer {
    return this.#arena.bytes[blob >>> SEGMENT_SHIFT]!;
  }

  /** Byte index of the content in `bytes(blob)`. */
  start(blob: Ref): number {
    return (blob & SEGMENT_MASK) * UNIT + HEADER_SIZE;
  }

  /** Overwrites the content from `offset` on with source[start, end). */
  write(blob: Ref, offset: number, source: Buffer, start: number, end: number): void {
    copyBytes(this.bytes(blob), this.start(blob) + offset, source, start, end);
  }
}
