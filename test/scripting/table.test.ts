/** Tables of Lua against a Map: random keys and values, traversal, length, deletion while a traversal goes on. */
import { describe, expect, test } from "bun:test";
import { LuaTable } from "../../src/scripting/table.ts";
import type { LuaValue } from "../../src/scripting/values.ts";
import { seeded } from "../support/seed.ts";

describe("a table", () => {
  test("holds what a Map holds", () => {
    const random = seeded("tables of Lua");
    for (let round = 0; round < 40; round++) {
      const table = new LuaTable();
      const model = new Map<LuaValue, LuaValue>();
      for (let i = 0; i < 400; i++) {
        const key = randomKey(random.below(3), random.below(40));
        const value = random.below(3) === 0 ? undefined : i;
        table.set(key, value);
        if (value === undefined) model.delete(key);
        else model.set(key, value);
        expect(table.get(key)).toBe(value);
      }
      expect(pairsOf(table)).toEqual(new Map(model));
      const { length } = table;
      if (length > 0) expect(model.has(length)).toBe(true);
      expect(model.has(length + 1)).toBe(false);
    }
  });

  test("that is made with one key takes others", () => {
    const table = LuaTable.of("ok", "PONG");
    expect(pairsOf(table)).toEqual(new Map<LuaValue, LuaValue>([["ok", "PONG"]]));
    table.set("ok", undefined);
    expect(pairsOf(table)).toEqual(new Map());
    for (let i = 1; i < 20; i++) table.set(`k${i}`, i);
    table.set(1, "first");
    expect([table.get("k19"), table.length, table.get("ok")]).toEqual([19, 1, undefined]);
  });

  test("is traversed whole though each key is deleted when it comes", () => {
    const table = new LuaTable([1, 2, 3, 4]);
    for (let i = 0; i < 50; i++) table.set(`k${i}`, i);
    let count = 0;
    for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place)) {
      const key = table.keyAt(place);
      table.set(key, undefined);
      count++;
      const next = table.placeAfter(key);
      if (next === -1) break;
    }
    expect(count).toBeGreaterThan(0);
  });

  test("keeps names of JavaScript's objects as keys like any other", () => {
    const table = new LuaTable();
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(table.get(name)).toBeUndefined();
      table.set(name, 1);
      expect(table.get(name)).toBe(1);
    }
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

function randomKey(kind: number, n: number): LuaValue {
  if (kind === 0) return n + 1;
  return kind === 1 ? `key${n}` : n + 0.5;
}

function pairsOf(table: LuaTable): Map<LuaValue, LuaValue> {
  const pairs = new Map<LuaValue, LuaValue>();
  for (let place = table.nextPlace(0); place !== -1; place = table.nextPlace(place + 1)) {
    pairs.set(table.keyAt(place), table.valueAt(place));
  }
  return pairs;
}
