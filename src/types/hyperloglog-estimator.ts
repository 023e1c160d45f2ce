/**
 * The estimate of a HyperLogLog from how often each value occurs among its registers: Otmar Ertl, "New cardinality
 * estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284), the improved raw estimator. It needs no tables of
 * corrections and is without bias from no element on.
 */
import { int64 } from "../base/numbers.ts";
import { REGISTER_COUNT } from "./hyperloglog-hash.ts";

/** Bits of a hash that are left for the zeros. */
const REST_BITS = 50;
/** 1 / (2 ln 2). */
const ALPHA = 0.7213475204444817;
const INT64_LIMIT = 2 ** 63;

/** Leaves the estimate in `int64`. @param histogram registers by value, 64 of them */
export function estimate(histogram: Int32Array): void {
  const m = REGISTER_COUNT;
  let z = m * tau((m - histogram[REST_BITS + 1]!) / m);
  for (let value = REST_BITS; value >= 1; value--) z = (z + histogram[value]!) * 0.5;
  z += m * sigma(histogram[0]! / m);
  const count = Math.round((ALPHA * m * m) / z);
  // Registers that no element can have set; what Redis makes of infinity.
  const tooLarge = count >= INT64_LIMIT;
  int64.low = tooLarge ? 0 : count | 0;
  int64.high = tooLarge ? 1 << 31 : Math.floor(count / 4294967296);
}

/** x + the sum of x^(2^k) * 2^(k - 1) for k from 1 on. */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x;
  let weight = 1;
  let sum = x;
  for (let before = NaN; before !== sum;) {
    power *= power;
    before = sum;
    sum += power * weight;
    weight += weight;
  }
  return sum;
}

/** A third of 1 - x - the sum of (1 - x^(2^-k))^2 * 2^-k for k from 1 on. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let weight = 1;
  let sum = 1 - x;
  for (let before = NaN; before !== sum;) {
    root = Math.sqrt(root);
    before = sum;
    weight *= 0.5;
    sum -= (1 - root) * (1 - root) * weight;
  }
  return sum / 3;
}
