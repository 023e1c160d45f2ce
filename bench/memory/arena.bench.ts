/** The arena among many living blocks, as a server that overwrites its keys in random order uses it. */
import { bench, group } from "mitata";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena } from "../../src/memory/arena.ts";
import { INPUTS, INPUTS_MASK, seeded } from "../rig/inputs.ts";

const BLOCKS = 100_000;

const random = seeded();
const order = Array.from({ length: INPUTS }, () => random.below(BLOCKS));
const sizes = Array.from({ length: INPUTS }, () => 16 + random.below(240));
let at = 0;

function next(): number {
  at = (at + 1) & INPUTS_MASK;
  return at;
}

group("arena, 100 thousand blocks in use", () => {
  bench("free a block, allocate one: 48 bytes", function* () {
    const arena = new Arena();
    const refs = Array.from({ length: BLOCKS }, () => arena.allocate(48));
    yield () => {
      const i = order[next()]!;
      arena.free(refs[i]!);
      refs[i] = arena.allocate(48);
    };
  });
  bench("free a block, allocate one: 16 to 256 bytes", function* () {
    const arena = new Arena();
    const refs = Array.from({ length: BLOCKS }, (_, i) => arena.allocate(sizes[i & INPUTS_MASK]!));
    yield () => {
      const step = next();
      const i = order[step]!;
      arena.free(refs[i]!);
      refs[i] = arena.allocate(sizes[step]!);
    };
  });
  bench("1000 fresh blocks of 48 bytes, and all of them back", function* () {
    const arena = new Arena();
    const refs: Ref[] = [];
    yield () => {
      for (let i = 0; i < 1000; i++) refs.push(arena.allocate(48));
      for (const ref of refs) arena.free(ref);
      refs.length = 0;
    };
  });
});
