import { describe, expect, test } from "bun:test";
import { HASH_WORDS, hashBytes } from "../../src/base/hash.ts";
import type { Named } from "../../src/base/name-map.ts";
import { NameMap } from "../../src/base/name-map.ts";
import { Random } from "../../src/base/random.ts";
import { pick, seed } from "../support/seed.ts";

const SEED = { k0: 1, k1: 2 };
const STEPS = 5000;

function item(text: string): Named {
  return { name: Buffer.from(text, "latin1") };
}

/** Two names with the same hash. */
function equalHashes(): [string, string] {
  const words = new Int32Array(HASH_WORDS);
  const seen = new Map<number, string>();
  for (let i = 0; ; i++) {
    const name = `name${i}`;
    const hash = hashBytes(Buffer.from(name), 0, name.length, SEED, words);
    const other = seen.get(hash);
    if (other !== undefined) return [other, name];
    seen.set(hash, name);
  }
}

describe("objects by their names", () => {
  test("are those of a plain Map, names with the same hash included", () => {
    const random = new Random(seed);
    const names = [...equalHashes(), "", "a", "b", "\xff\0", "x".repeat(100)];
    const map = new NameMap<Named>(SEED);
    const model = new Map<string, Named>();
    for (let step = 0; step < STEPS; step++) {
      const name = pick(random, names);
      const bytes = Buffer.from(`<${name}>`, "latin1");
      expect(map.get(bytes, 1, bytes.length - 1)).toBe(model.get(name));
      const old = model.get(name);
      if (old === undefined) {
        const added = item(name);
        map.add(added);
        model.set(name, added);
      } else {
        map.delete(old);
        model.delete(name);
      }
      expect(map.size).toBe(model.size);
      expect(new Set(map.values())).toEqual(new Set(model.values()));
    }
    map.clear();
    expect(map.size).toBe(0);
    expect([...map.values()]).toEqual([]);
  });

  test("can be taken away while they are walked, and are not if they were never there", () => {
    const map = new NameMap<Named>(SEED);
    const [first, second] = equalHashes();
    for (const name of ["a", first, second, "b"]) map.add(item(name));
    map.delete(item(first));
    map.delete(item(second));
    map.delete(item("c"));
    expect(map.size).toBe(4);
    for (const one of map.values()) map.delete(one);
    expect(map.size).toBe(0);
  });
});
