/** Seeded input of the microbenchmarks: many different keys, in an order that no predictor learns. */
import { Random } from "../../src/base/random.ts";
import type { Operation, Protocol } from "./requests.ts";
import { KEY_RANGE, KEY_SIZE, keyOf, RequestRing } from "./requests.ts";

const SEED = 20_240_601;

/** How many inputs a benchmark goes round in: more than caches and predictors remember. */
export const INPUTS: number = 1 << 14;
/** For `index = (index + 1) & INPUTS_MASK`. */
export const INPUTS_MASK: number = INPUTS - 1;

/** A generator that yields the same in every run. */
export function seeded(): Random {
  return new Random(SEED);
}

/** Numbers of random keys. */
function randomKeys(count: number = INPUTS): number[] {
  const random = seeded();
  return Array.from({ length: count }, () => random.below(KEY_RANGE));
}

/** Random keys of 16 bytes, one after another: key i is bytes[i * 16, i * 16 + 16). */
export function keyBytes(count: number = INPUTS): Buffer {
  const bytes = Buffer.alloc(count * KEY_SIZE);
  for (const [i, key] of randomKeys(count).entries())
    bytes.write(keyOf(key), i * KEY_SIZE, "latin1");
  return bytes;
}

/** Chunks as a connection receives them, of `depth` requests each. */
export function chunks(protocol: Protocol, operation: Operation, depth: number): Buffer[] {
  const ring = new RequestRing(protocol, operation, randomKeys());
  const size = depth * ring.size;
  return Array.from({ length: Math.floor(INPUTS / depth) }, (_, i) =>
    ring.bytes.subarray(i * size, (i + 1) * size),
  );
}
