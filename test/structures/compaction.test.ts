/** The blocks of structures are moved, some at a time, while the structures change: what random commands seldom come upon. */
import { describe, expect, test } from "bun:test";
import { Slice } from "../../src/base/slice.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena, NULL_REF } from "../../src/memory/arena.ts";
import { Dict } from "../../src/structures/dict.ts";
import { Listpack } from "../../src/structures/listpack.ts";
import { QuicklistCompaction } from "../../src/structures/quicklist-compaction.ts";
import { Quicklist } from "../../src/structures/quicklist.ts";
import { rounds, seeded } from "../support/seed.ts";

describe("a dict", () => {
  test("is found in its new table when only that was moved", () => {
    const arena = new Arena(true);
    const dict = new Dict(arena);
    const set = dict.create(1000);
    const entries = Array.from({ length: 1000 }, () => arena.allocate(32));
    for (const [hash, entry] of entries.entries()) dict.insert(set, entry, hash);
    expect(dict.first(set, 7)).toBe(entries[7]!);
    // All spans but those of the dict's own block and of the entries.
    arena.openSpansFrom(0, Infinity, (span, _index, _used, capacity) => {
      if (capacity < 1000) arena.leave(span);
    });
    const { moves } = arena;
    expect(dict.compact(set)).toBe(set);
    expect(arena.moves).toBe(moves + 1);
    for (const [hash, entry] of entries.entries()) expect(dict.first(set, hash)).toBe(entry);
  });
});

describe("a quicklist", () => {
  /** A list whose elements are nodes of their own. */
  function listOf(count: number): {
    arena: Arena;
    lists: Quicklist;
    list: Ref;
    items: () => string[];
  } {
    const arena = new Arena(true);
    const listpack = new Listpack(arena);
    const lists = new Quicklist(arena, listpack);
    lists.countMax = 1;
    const list = lists.create();
    for (let i = 0; i < count; i++) {
      const item = Buffer.from(`item ${i}`);
      lists.push(list, false, item, 0, item.length);
    }
    const out = new Slice();
    const items = (): string[] => {
      const found: string[] = [];
      for (let node = lists.head(list); node !== NULL_REF; node = lists.next(node)) {
        const pack = lists.pack(node);
        listpack.read(pack, listpack.first(pack), out);
        found.push(out.copy().toString());
      }
      return found;
    };
    arena.movesAll = true;
    return { arena, lists, list, items };
  }

  test("keeps its mark when the marked node goes, and is moved to its end", () => {
    const random = seeded("quicklist compaction");
    for (let round = 0; round < 50 * rounds; round++) {
      const { arena, lists, list, items } = listOf(20);
      const model = items();
      const compaction = new QuicklistCompaction(arena);
      compaction.begin(list);
      for (let more = true, steps = 0; more; steps++) {
        expect(steps).toBeLessThan(25);
        more = compaction.moveNode(list);
        if (model.length < 3 || random.below(2) === 0) continue;
        const at = random.below(model.length - 1);
        const count = 1 + random.below(Math.min(3, model.length - at - 1));
        lists.removeRange(list, at, count);
        model.splice(at, count);
        expect(items()).toEqual(model);
      }
      expect(items()).toEqual(model);
      expect(compaction.moveNode(list)).toBe(false);
    }
  });
});
