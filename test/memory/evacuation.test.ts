import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Evacuation } from "../../src/memory/evacuation.ts";
import { rounds, seeded } from "../support/seed.ts";
import { Model, someSize } from "./arena-model.ts";

const MIB = 1024 * 1024;

/** Chooses spans, moves all blocks that are worth it, and lets the rest of the spans stay. */
function compact(model: Model): void {
  const evacuation = new Evacuation(model.arena);
  evacuation.begin();
  while (evacuation.step());
  for (let i = 0; i < model.blocks.length; i++) model.relocate(i);
  while (model.arena.stay(100));
}

/** A model with many blocks of mixed sizes, of which a third is left. */
function sparse(random: Random, arena: Arena): Model {
  const model = new Model(arena);
  for (let i = 0; i < 60_000; i++) model.allocate(1 + random.below(400));
  for (let i = 0; i < 3000; i++) model.allocate(1 + random.below(12_000));
  for (let i = 0; i < 42_000; i++) model.free(random.below(model.blocks.length));
  return model;
}

describe("an evacuation", () => {
  test("moves sparse spans together", () => {
    const random = seeded("evacuation");
    const model = sparse(random, new Arena());
    const { arena } = model;
    const before = arena.pageBytes() / arena.usedBytes;
    expect(before).toBeGreaterThan(2);
    compact(model);
    model.check();
    // A class of large blocks may have a span of a megabyte that is nearly empty.
    expect((arena.pageBytes() - 40 * MIB) / arena.usedBytes).toBeLessThan(1.1);
    expect(arena.pageBytes() / arena.usedBytes).toBeLessThan(before / 1.5);
    expect(arena.leavingPages).toBe(0);
    expect(arena.moves).toBeGreaterThan(1000);
    // Nothing is left to be gained.
    const { moves } = arena;
    compact(model);
    expect(arena.moves - moves).toBeLessThan(moves / 4);
  });

  test("keeps every block intact while others come and go", () => {
    const random = seeded("evacuation churn");
    const arena = new Arena(true);
    const model = new Model(arena);
    const evacuation = new Evacuation(arena);
    for (let round = 0; round < 12 * rounds; round++) {
      const growing = random.below(2) === 0;
      arena.movesAll = random.below(4) === 0;
      evacuation.begin();
      for (let i = 0; i < 800; i++) {
        if (random.below(4) === 0) evacuation.step();
        if (model.blocks.length > 0) model.relocate(random.below(model.blocks.length));
        if (model.blocks.length === 0 || random.below(10) < (growing ? 7 : 3)) {
          model.allocate(random.below(3) > 0 ? 1 + random.below(5000) : someSize(random));
        } else model.free(random.below(model.blocks.length));
      }
      while (evacuation.step());
      while (arena.stay(3));
      expect(arena.leavingPages).toBe(0);
      model.check();
    }
    model.freeAll(random);
    expect(arena.usedBytes).toBe(0);
  });

  test("a class that runs out of room takes a leaving span back before it takes pages", () => {
    const arena = new Arena(true);
    const model = new Model(arena);
    const perSpan = 65536 / 64;
    for (let i = 0; i < 8 * perSpan; i++) model.allocate(64);
    const random = seeded("evacuation back");
    for (let i = 0; i < 5 * perSpan; i++) model.free(random.below(model.blocks.length));
    const evacuation = new Evacuation(arena);
    evacuation.begin();
    while (evacuation.step());
    expect(arena.leavingPages).toBeGreaterThan(2);
    const pages = arena.pageBytes();
    while (model.blocks.length < 8 * perSpan) model.allocate(64);
    expect(arena.pageBytes()).toBe(pages);
    expect(arena.leavingPages).toBe(0);
    model.check();
  });
});

describe("memory that free pages hold", () => {
  /** Blocks of half a segment, and small ones in between that keep the segments. */
  function fill(arena: Arena): Model {
    const model = new Model(arena);
    for (let i = 0; i < 4096; i++) {
      model.allocate(60_000);
      if (i % 256 === 0) model.allocate(16);
    }
    return model;
  }

  function freeLarge(model: Model): void {
    for (let i = model.blocks.length - 1; i >= 0; i--) {
      if (model.blocks[i]!.size > 16) model.free(i);
    }
  }

  test("goes back to the system when somebody asks for it", () => {
    const arena = new Arena(true);
    const model = fill(arena);
    freeLarge(model);
    expect(arena.heldBytes).toBeGreaterThan(50 * MIB);
    const before = process.memoryUsage.rss();
    const held = arena.heldBytes;
    arena.releaseHeld();
    while (arena.trim());
    expect(arena.heldBytes).toBe(0);
    expect(before - process.memoryUsage.rss()).toBeGreaterThan(held / 2);
    model.check();
    for (let i = 0; i < 1000; i++) model.allocate(60_000);
    model.check();
    arena.release();
    expect(arena.heldBytes).toBe(0);
  });

  test("goes back when it was not needed for a while, but for a little", () => {
    const arena = new Arena();
    const model = fill(arena);
    arena.releaseIdle();
    freeLarge(model);
    const held = arena.heldBytes;
    // It was needed a moment ago.
    arena.releaseIdle();
    while (arena.trim());
    expect(arena.heldBytes).toBe(held);
    const needed = 100;
    for (let i = 0; i < needed; i++) model.allocate(60_000);
    for (let i = 0; i < needed; i++) model.free(model.blocks.length - 1);
    arena.releaseIdle();
    while (arena.trim());
    expect(arena.heldBytes).toBeLessThan(held);
    expect(arena.heldBytes).toBeGreaterThan(needed * 60_000);
    arena.releaseIdle();
    while (arena.trim());
    expect(arena.heldBytes).toBe(64 * 65536);
    arena.release();
  });
});
