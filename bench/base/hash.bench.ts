/** The keyed hash of the dict against the runtime's own, which needs a view of the key first. */
import { bench, do_not_optimize, group } from "mitata";
import { HASH_WORDS, hashBytes } from "../../src/base/hash.ts";
import { INPUTS_MASK, keyBytes, seeded } from "../rig/inputs.ts";
import { KEY_SIZE } from "../rig/requests.ts";

const random = seeded();
const seed = { k0: random.int32(), k1: random.int32() };
const words = new Int32Array(HASH_WORDS);
const keys = keyBytes();
let at = 0;

function next(): number {
  at = (at + 1) & INPUTS_MASK;
  return at * KEY_SIZE;
}

group("hash of a 16-byte key", () => {
  bench("hashBytes, keyed", () => {
    const start = next();
    do_not_optimize(hashBytes(keys, start, start + KEY_SIZE, seed, words));
  });
  bench("Bun.hash.wyhash of a subarray", () => {
    const start = next();
    do_not_optimize(Bun.hash.wyhash(keys.subarray(start, start + KEY_SIZE)));
  });
  bench("Bun.hash.xxHash32 of a subarray", () => {
    const start = next();
    do_not_optimize(Bun.hash.xxHash32(keys.subarray(start, start + KEY_SIZE)));
  });
});
