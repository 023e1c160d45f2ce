import { describe, expect, test } from "bun:test";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena, BLOCK_SIZE_MAX, SEGMENT_MASK, SEGMENT_SHIFT } from "../../src/memory/arena.ts";
import { UNIT } from "../../src/memory/size-classes.ts";
import { rounds, seeded } from "../support/seed.ts";
import { bytesOf, Model, someSize } from "./arena-model.ts";

const SEGMENT_SIZE = 64 * 1024 * 1024;
const MIB = 1024 * 1024;

describe("the arena", () => {
  test("keeps every block intact and apart from the others under random use", () => {
    const random = seeded("arena");
    const model = new Model(new Arena(true));
    for (let round = 0; round < 12 * rounds; round++) {
      const growing = random.below(2) === 0;
      for (let i = 0; i < 600; i++) {
        if (model.blocks.length === 0 || random.below(10) < (growing ? 7 : 3)) {
          model.allocate(someSize(random), random.below(6) === 0);
        } else model.free(random.below(model.blocks.length));
      }
      model.check();
    }
    model.freeAll(random);
    model.check();
    expect(model.arena.usedBytes).toBe(0);
  });

  test("reuses memory: churn at a constant size does not make it grow", () => {
    const random = seeded("arena churn");
    const model = new Model(new Arena(true));
    for (let i = 0; i < 2000; i++) model.allocate(1 + random.below(2000));
    const before = model.arena.pageBytes();
    for (let i = 0; i < 20_000; i++) {
      model.free(random.below(model.blocks.length));
      model.allocate(1 + random.below(2000));
    }
    // Every size class may hold one page more that is not full.
    expect(model.arena.pageBytes()).toBeLessThan(before + 96 * 65536);
  });

  test("gives every segment but the first back when all blocks are freed", () => {
    const random = seeded("arena back");
    const model = new Model(new Arena(true));
    for (let round = 0; round < 3; round++) {
      while (model.arena.usedBytes < 200 * MIB) {
        model.allocate(random.below(3) === 0 ? 200 * 1024 + random.below(MIB) : someSize(random));
      }
      expect(model.arena.reservedBytes).toBeGreaterThan(3 * SEGMENT_SIZE);
      model.freeAll(random);
      expect(model.arena.usedBytes).toBe(0);
      expect(model.arena.blocks).toBe(0);
      expect(model.arena.reservedBytes).toBe(SEGMENT_SIZE);
    }
  });

  test("is not kept from giving segments back by empty spans of many classes", () => {
    const random = seeded("arena spans");
    const arena = new Arena();
    // One class after another, so that each has its last span in another place; then all of them go.
    const refs: Ref[] = [];
    for (let size = 64; size <= 128 * 1024; size = Math.ceil((size * 5) / 4 / 16) * 16) {
      for (let bytes = 0; bytes < 7 * MIB; bytes += size) refs.push(arena.allocate(size));
    }
    expect(arena.reservedBytes).toBeGreaterThanOrEqual(4 * SEGMENT_SIZE);
    for (let i = refs.length - 1; i > 0; i--) {
      const other = random.below(i + 1);
      [refs[i], refs[other]] = [refs[other]!, refs[i]!];
    }
    for (const ref of refs) arena.free(ref);
    expect(arena.reservedBytes).toBe(SEGMENT_SIZE);
  });

  test("gives most segments back while a few blocks live on", () => {
    const arena = new Arena();
    const refs: Ref[] = [];
    for (let i = 0; i < 1_500_000; i++) refs.push(arena.allocate(200));
    expect(arena.reservedBytes).toBeGreaterThan(4 * SEGMENT_SIZE);
    for (let i = 1000; i < refs.length; i++) arena.free(refs[i]!);
    expect(arena.reservedBytes).toBe(SEGMENT_SIZE);
    expect(arena.usedBytes).toBe(1000 * 208);
  });

  test("does not take a segment from the system and give it back with every key", () => {
    const arena = new Arena();
    const refs: Ref[] = [];
    while (arena.reservedBytes === 0 || arena.reservedBytes === SEGMENT_SIZE) {
      refs.push(arena.allocate(128 * 1024));
    }
    const words = arena.words[1]!;
    for (let i = 0; i < 100; i++) {
      arena.free(refs.pop()!);
      refs.push(arena.allocate(128 * 1024));
      expect(arena.words[1]).toBe(words);
    }
    for (const ref of refs) arena.free(ref);
    expect(arena.reservedBytes).toBe(SEGMENT_SIZE);
  });

  test("gives blocks above 32 MiB segments of their own, and the system gets them back at once", () => {
    const model = new Model(new Arena(true));
    for (const size of [32 * MIB + 1, 64 * MIB, 64 * MIB + 1, 100 * MIB]) {
      model.allocate(16);
      model.allocate(size);
      model.allocate(48);
      model.check();
    }
    expect(model.arena.reservedBytes).toBeGreaterThan(260 * MIB);
    for (let i = model.blocks.length - 1; i >= 0; i--) model.free(i);
    model.check();
    expect(model.arena.reservedBytes).toBe(SEGMENT_SIZE);
  });

  test("never names a block 0, even if a large one is the first", () => {
    for (const [size, zeroed] of [
      [33 * MIB, false],
      [2 * MIB, true],
    ] as const) {
      const model = new Model(new Arena(true));
      model.allocate(size, zeroed);
      model.allocate(16);
      model.allocate(size, zeroed);
      model.check();
      model.arena.release();
      expect(model.arena.allocate(size)).not.toBe(0 as Ref);
    }
  });

  test("hands out zeroed blocks even where the memory was used before", () => {
    const random = seeded("arena zeroed");
    const arena = new Arena();
    for (const size of [16, 17, 500, 4096, 100_000, 131_073, MIB, MIB + 1, 3 * MIB]) {
      for (let i = 0; i < 5; i++) {
        const dirty = arena.allocate(size);
        const { bytes, start } = bytesOf(arena, dirty);
        bytes.fill(0xff, start, start + size);
        arena.free(dirty);
        const ref = arena.allocateZeroed(size - random.below(Math.min(size, 4)));
        const view = bytesOf(arena, ref);
        expect(
          view.bytes.subarray(view.start, view.start + size - 3).some((byte) => byte !== 0),
        ).toBe(false);
        arena.free(ref);
      }
    }
  });

  test("catches a double free and refs that are no block, in verify mode", () => {
    const arena = new Arena(true);
    for (const size of [16, 48, 500, 5000, 100_000, 200_000, 5 * MIB, 40 * MIB]) {
      const ref = arena.allocate(size);
      arena.allocate(size);
      const units = Math.ceil(size / UNIT);
      for (const inside of new Set([1, units >>> 1, units - 1])) {
        if (inside === 0 || inside >= units) continue;
        expect(() => arena.free((ref + inside) as Ref)).toThrow("free:");
      }
      arena.free(ref);
      expect(() => arena.free(ref)).toThrow("free:");
    }
    expect(() => arena.free(0 as Ref)).toThrow("free:");
  });

  test("poisons blocks in verify mode when they are handed out and when they come back", () => {
    const arena = new Arena(true);
    for (const size of [16, 1000, 200_000]) {
      arena.allocate(size);
      const ref = arena.allocate(size);
      const { bytes, start } = bytesOf(arena, ref);
      expect(bytes[start + size - 1]).toBe(0xa5);
      bytes.fill(1, start, start + size);
      arena.free(ref);
      expect(bytes[start + size - 1]).toBe(0x5a);
    }
  });

  test("refuses a block above the largest", () => {
    expect(() => new Arena().allocate(BLOCK_SIZE_MAX + 1)).toThrow("larger than the largest block");
  });

  test("works with refs above 2^31, which are negative numbers", () => {
    // Segments of their own are cheap as long as nobody touches them, so they fill the lower half of the addresses.
    const arena = new Arena();
    const fillers: Ref[] = [];
    for (let i = 0; i < 600; i++) fillers.push(arena.allocateZeroed(MIB + 1));
    const model = new Model(arena);
    model.used = arena.usedBytes;
    const small: Ref[] = [];
    while (small.length === 0 || small[small.length - 1]! > 0) {
      small.push(arena.allocate(128 * 1024));
      if (small.length > 1000) break;
    }
    const last = small[small.length - 1]!;
    expect(last).toBeLessThan(0);
    expect(arena.sizeOf(last)).toBe(128 * 1024);
    const tiny = Array.from({ length: 10_000 }, () => arena.allocate(48));
    expect(new Set(tiny).size).toBe(tiny.length);
    for (const [index, ref] of tiny.entries()) {
      arena.words[ref >>> SEGMENT_SHIFT]![(ref & SEGMENT_MASK) << 2] = index;
    }
    for (const [index, ref] of tiny.entries()) {
      expect(arena.words[ref >>> SEGMENT_SHIFT]![(ref & SEGMENT_MASK) << 2]).toBe(index);
      arena.free(ref);
    }
    const again = arena.allocate(48);
    expect(tiny).toContain(again);
    arena.free(again);
    for (const ref of [...small, ...fillers]) arena.free(ref);
    expect(arena.usedBytes).toBe(0);
    expect(arena.reservedBytes).toBe(SEGMENT_SIZE);
  });

  test("a block alone in a large class costs its own size, not that of its span", () => {
    const arena = new Arena();
    arena.allocate(16);
    const before = process.memoryUsage.rss();
    const used = arena.usedBytes;
    // Every dict of some thousand entries has a table of such a size, and leaves those of the sizes before it.
    for (let size = 8 * 1024; size <= 128 * 1024; size += 8 * 1024) arena.allocateZeroed(size);
    expect(arena.usedBytes - used).toBeGreaterThan(MIB);
    expect(process.memoryUsage.rss() - before).toBeLessThan(4 * MIB);
    arena.release();
  });

  test("gives everything back on release", () => {
    const arena = new Arena(true);
    for (const size of [16, 300_000, 40 * MIB]) arena.allocate(size);
    arena.release();
    expect([arena.usedBytes, arena.blocks, arena.reservedBytes, arena.pageBytes()]).toEqual([
      0, 0, 0, 0,
    ]);
  });
});
