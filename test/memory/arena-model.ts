/** A model of the arena: the blocks in use, each with a content of its own. */
import { expect } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "../../src/memory/arena.ts";
import { UNIT } from "../../src/memory/size-classes.ts";
import { pick } from "../support/seed.ts";

const SEGMENT_SIZE = 64 * 1024 * 1024;
const MIB = 1024 * 1024;

interface Block {
  ref: Ref;
  readonly size: number;
  /** Written to the first and last bytes of the block. */
  readonly mark: number;
}

/** Byte address of a block: where it begins if all segments stood one after another. */
export function address(ref: Ref): number {
  return (ref >>> 0) * UNIT;
}

export function bytesOf(arena: Arena, ref: Ref): { bytes: Buffer; start: number } {
  return { bytes: arena.bytes[ref >>> SEGMENT_SHIFT]!, start: (ref & SEGMENT_MASK) * UNIT };
}

export class Model {
  readonly arena: Arena;
  readonly blocks: Block[] = [];
  used = 0;
  #mark = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  allocate(size: number, zeroed = false): Ref {
    const { arena } = this;
    const ref = zeroed ? arena.allocateZeroed(size) : arena.allocate(size);
    expect(ref).not.toBe(0 as Ref);
    expect(arena.sizeOf(ref)).toBeGreaterThanOrEqual(size);
    expect(arena.sizeOf(ref)).toBe(Arena.blockSize(size));
    const { bytes, start } = bytesOf(arena, ref);
    if (zeroed) {
      for (let i = start; i < start + Math.min(size, 4096); i++) expect(bytes[i]).toBe(0);
      for (let i = start + Math.max(0, size - 4096); i < start + size; i++)
        expect(bytes[i]).toBe(0);
    }
    const mark = ++this.#mark & 0xff;
    bytes.fill(mark, start, start + Math.min(size, 512));
    bytes.fill(mark, start + Math.max(0, size - 512), start + size);
    this.blocks.push({ ref, size, mark });
    this.used += Arena.blockSize(size);
    return ref;
  }

  free(index: number): void {
    const block = this.blocks[index]!;
    this.checkContent(block);
    this.arena.free(block.ref);
    this.used -= Arena.blockSize(block.size);
    this.blocks[index] = this.blocks[this.blocks.length - 1]!;
    this.blocks.pop();
  }

  /** Moves what is worth moving of the block at an index. */
  relocate(index: number): void {
    const block = this.blocks[index]!;
    block.ref = this.arena.relocate(block.ref);
  }

  freeAll(random: Random): void {
    while (this.blocks.length > 0) this.free(random.below(this.blocks.length));
  }

  checkContent({ ref, size, mark }: Block): void {
    const { bytes, start } = bytesOf(this.arena, ref);
    for (let i = start; i < start + Math.min(size, 512); i++) {
      if (bytes[i] !== mark) throw new Error(`block of ${size} bytes: byte ${i - start} changed`);
    }
    for (let i = start + Math.max(0, size - 512); i < start + size; i++) {
      if (bytes[i] !== mark) throw new Error(`block of ${size} bytes: byte ${i - start} changed`);
    }
  }

  check(): void {
    expect(this.arena.usedBytes).toBe(this.used);
    expect(this.arena.blocks).toBe(this.blocks.length);
    expect(this.arena.reservedBytes).toBeGreaterThanOrEqual(this.used);
    expect(this.arena.pageBytes()).toBeGreaterThanOrEqual(this.used);
    expect(this.arena.pageBytes()).toBeLessThanOrEqual(this.arena.reservedBytes);
    const sorted = [...this.blocks].sort((a, b) => address(a.ref) - address(b.ref));
    for (let i = 1; i < sorted.length; i++) {
      const before = sorted[i - 1]!;
      // A block of a segment of its own is larger than the addresses of the segment; nothing else lies in it.
      const end = address(before.ref) + Math.min(Arena.blockSize(before.size), SEGMENT_SIZE);
      if (end > address(sorted[i]!.ref)) throw new Error("two blocks overlap");
    }
    for (const block of this.blocks) this.checkContent(block);
  }
}

/** Sizes of all kinds: each class, runs of pages, and around every border. */
export function someSize(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return 1 + random.below(16);
    case 1:
    case 2:
    case 3:
      return 1 + random.below(600);
    case 4:
      return 1 + random.below(8192);
    case 5:
      return 1 + random.below(140 * 1024);
    case 6:
      return Math.max(
        1,
        pick(random, [16, 512, 4096, 65536, 131072, 262144]) + random.below(3) - 1,
      );
    default:
      return 1 + random.below(random.below(4) === 0 ? 2 * MIB : 300 * 1024);
  }
}
