/** The hash table over entries of 48 bytes; what it costs beyond the comparison of keys, which is the caller's. */
import { bench, do_not_optimize, group } from "mitata";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Dict } from "../../src/structures/dict.ts";
import { INPUTS, INPUTS_MASK, seeded } from "../rig/inputs.ts";

const ENTRY_SIZE = 48;
const GROWN = 1000;

let at = 0;

function next(): number {
  at = (at + 1) & INPUTS_MASK;
  return at;
}

/** A dict of `count` entries with random hashes. */
function filled(count: number): {
  dict: Dict;
  table: Ref;
  hashes: Int32Array;
  order: number[];
  entries: Ref[];
} {
  const random = seeded();
  const arena = new Arena();
  const dict = new Dict(arena);
  const table = dict.create();
  const hashes = Int32Array.from({ length: count }, () => random.int32());
  const entries = Array.from(hashes, (hash) => {
    const entry = arena.allocate(ENTRY_SIZE);
    dict.insert(table, entry, hash);
    return entry;
  });
  while (dict.step(table, count));
  const order = Array.from({ length: INPUTS }, () => random.below(count));
  return { dict, table, hashes, order, entries };
}

for (const [name, count] of [
  ["100 thousand", 100_000],
  ["1 million", 1_000_000],
] as const) {
  group(`dict of ${name} entries`, () => {
    bench("find one that is there", function* () {
      const { dict, table, hashes, order } = filled(count);
      yield () => do_not_optimize(dict.first(table, hashes[order[next()]!]!));
    });
    bench("find one that is not", function* () {
      const { dict, table } = filled(count);
      const random = seeded();
      for (let i = 0; i < count; i++) random.int32();
      const missing = Int32Array.from({ length: INPUTS }, () => random.int32());
      yield () => do_not_optimize(dict.first(table, missing[next()]!));
    });
    bench("remove one, insert it", function* () {
      const { dict, table, hashes, order, entries } = filled(count);
      yield () => {
        const i = order[next()]!;
        dict.remove(table, entries[i]!);
        dict.insert(table, entries[i]!, hashes[i]!);
      };
    });
  });
}

group("dict that grows", () => {
  bench("1000 entries into an empty one", function* () {
    const random = seeded();
    const arena = new Arena();
    const dict = new Dict(arena);
    const entries = Array.from({ length: GROWN }, () => arena.allocate(ENTRY_SIZE));
    const hashes = Int32Array.from({ length: GROWN }, () => random.int32());
    yield () => {
      const table = dict.create();
      for (let i = 0; i < GROWN; i++) dict.insert(table, entries[i]!, hashes[i]!);
      dict.destroy(table);
    };
  });
});
