/** Lists against arrays, and where they change from one encoding to the other. */
import { beforeEach, describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { Slice } from "../../src/base/slice.ts";
import { Store } from "../../src/keyspace/store.ts";
import { ENCODING_LISTPACK, ENCODING_NAMES } from "../../src/types/kinds.ts";
import type { Lists } from "../../src/types/list.ts";
import { Value } from "../../src/types/value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

let store: Store;
let lists: Lists;
let list: Value;
const out = new Slice();

beforeEach(() => {
  store = new Store(new Clock(), new Random(1), true);
  ({ lists } = store);
  list = new Value();
  lists.create(list);
});

function push(text: string, front = false): void {
  const bytes = Buffer.from(text);
  lists.grow(list, 1, bytes.length);
  lists.push(list, front, bytes, 0, bytes.length);
}

function removeRange(index: number, count: number): void {
  lists.removeRange(list, index, count);
  lists.shrink(list);
}

function encoding(): string {
  return ENCODING_NAMES[list.encoding]!;
}

/** The elements, walked in a direction. */
function elements(forward = true): string[] {
  const found: string[] = [];
  for (let more = lists.seek(list, forward ? 0 : -1); more; more = lists.step(forward)) {
    lists.read(out);
    found.push(out.copy().toString());
  }
  return found;
}

describe("list-max-listpack-size", () => {
  test("of -2 keeps lists of up to 8 KiB in one listpack, and packs them again at half of that", () => {
    const fill = "x".repeat(1000);
    for (let i = 0; i < 8; i++) push(fill);
    expect(encoding()).toBe("listpack");
    push("y".repeat(200));
    expect(encoding()).toBe("quicklist");
    removeRange(8, 1);
    expect(encoding()).toBe("quicklist");
    removeRange(0, 3);
    expect(encoding()).toBe("quicklist");
    removeRange(1, 1);
    expect([encoding(), ...elements()]).toEqual(["listpack", fill, fill, fill, fill]);
  });

  test("leaves a list of two nodes a quicklist, however short they are", () => {
    push("x".repeat(8180));
    push("y".repeat(8180));
    removeRange(0, 1);
    push("a");
    push("b", true);
    expect([encoding(), ...elements()].map((text) => text.slice(0, 9))).toEqual([
      "quicklist",
      "b",
      "yyyyyyyyy",
      "a",
    ]);
    lists.seek(list, 1);
    lists.remove(list, true);
    lists.shrink(list);
    expect([encoding(), ...elements()]).toEqual(["quicklist", "b", "a"]);
    removeRange(0, 1);
    expect([encoding(), ...elements()]).toEqual(["listpack", "a"]);
  });

  test("of -1 to -5 stands for 4 to 64 KiB, what is below for the same as -5", () => {
    for (const [size, bytes] of [
      [-1, 4096],
      [-2, 8192],
      [-3, 16384],
      [-4, 32768],
      [-5, 65536],
      [-9, 65536],
    ] as const) {
      store.kit.limits.listMaxListpackSize = size;
      lists.create(list);
      // An empty listpack has seven bytes.
      push("x".repeat(bytes - 7));
      expect(encoding()).toBe("listpack");
      lists.create(list);
      push("x".repeat(bytes - 6));
      expect(encoding()).toBe("quicklist");
    }
  });

  test("of 3 keeps up to three elements in one listpack, of 8 KiB at most", () => {
    store.kit.limits.listMaxListpackSize = 3;
    for (const text of "abc") push(text);
    expect(encoding()).toBe("listpack");
    push("d");
    expect(encoding()).toBe("quicklist");
    removeRange(0, 1);
    expect(encoding()).toBe("quicklist");
    removeRange(0, 2);
    expect([encoding(), ...elements()]).toEqual(["listpack", "d"]);
    push("x".repeat(8192));
    expect(encoding()).toBe("quicklist");
  });

  test("of 0 means 1", () => {
    store.kit.limits.listMaxListpackSize = 0;
    push("a");
    expect(encoding()).toBe("listpack");
    push("b");
    expect(encoding()).toBe("quicklist");
    removeRange(0, 1);
    // Half of one is none: such a list is never packed again.
    expect(encoding()).toBe("quicklist");
  });

  test("applies to lists that exist when they next change", () => {
    for (let i = 0; i < 100; i++) push(`${i}`);
    store.kit.limits.listMaxListpackSize = 10;
    expect(encoding()).toBe("listpack");
    push("100");
    expect(encoding()).toBe("quicklist");
    expect(elements()).toEqual(Array.from({ length: 101 }, (_, i) => `${i}`));
    store.kit.limits.listMaxListpackSize = -2;
    lists.seek(list, 100);
    lists.remove(list, true);
    lists.shrink(list);
    expect(encoding()).toBe("listpack");
  });
});

for (const size of [-2, -1, 4, 1, 40]) {
  test(`a list agrees with an array, with nodes of size ${size}`, () => {
    const random = seeded("lists");
    const seen = new Set<string>();
    for (let round = 0; round < 10 * rounds; round++) {
      const before = store.arena.blocks;
      store.kit.limits.listMaxListpackSize = size;
      list = new Value();
      lists.create(list);
      let model: string[] = [];
      const text = (): string =>
        random.below(3) === 0
          ? String(random.int32() >> random.below(32))
          : pick(random, ["a", "b", "", "x".repeat(random.below(900)), "y".repeat(5000)]);
      for (let step = 0; step < 120; step++) {
        const index = random.below(Math.max(1, model.length));
        const item = text();
        const bytes = Buffer.from(item);
        const forward = random.below(2) === 0;
        switch (model.length === 0 ? 0 : random.below(9)) {
          case 1: {
            lists.seek(list, index);
            lists.insert(list, forward, bytes, 0, bytes.length);
            model.splice(index + (forward ? 1 : 0), 0, item);
            break;
          }
          case 2: {
            lists.seek(list, index - model.length);
            lists.replace(list, bytes, 0, bytes.length);
            lists.shrink(list);
            model[index] = item;
            break;
          }
          case 3: {
            // All elements that equal one, in a direction.
            const gone = model[index]!;
            const wanted = Buffer.from(gone);
            let more = lists.seek(list, forward ? 0 : -1);
            while (more) {
              const equal = lists.equals(wanted, 0, wanted.length);
              more = equal ? lists.remove(list, forward) : lists.step(forward);
            }
            lists.shrink(list);
            model = model.filter((one) => one !== gone);
            break;
          }
          case 4: {
            const count = random.below(model.length - index + 1);
            const removed = random.below(4) === 0 ? count : Math.min(count, 2);
            removeRange(index, removed);
            model.splice(index, removed);
            break;
          }
          case 5: {
            const wanted = Buffer.from(item);
            lists.seek(list, index);
            const found = lists.find(wanted, 0, wanted.length);
            expect(found).toBe(model.includes(item, index));
            break;
          }
          default: {
            push(item, forward);
            if (forward) model.unshift(item);
            else model.push(item);
          }
        }
        expect(elements()).toEqual(model);
        seen.add(encoding());
      }
      expect(elements(false)).toEqual(model.toReversed());
      const copy = new Value();
      lists.duplicate(list, copy);
      expect(copy.encoding).toBe(list.encoding);
      if (list.encoding !== ENCODING_LISTPACK) {
        expect(lists.memory(list, 0)).toBeGreaterThan(lists.length(list));
      }
      if (!lists.freeSmall(list)) while (lists.freeSome(list, 7));
      list = copy;
      expect(elements()).toEqual(model);
      while (lists.freeSome(list, 7));
      expect(store.arena.blocks).toBe(before);
    }
    expect([...seen].toSorted()).toEqual(["listpack", "quicklist"]);
  });
}
