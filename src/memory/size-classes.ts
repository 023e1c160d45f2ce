/**
 * Block sizes of the arena. Sizes up to 512 bytes go in steps of one unit (16 bytes), so a small block wastes at most
 * 15 bytes; above that eight steps a doubling, so a block wastes at most an eighth. The largest class is 128 KiB.
 */
import { assert } from "../base/assert.ts";

/** Bytes of a unit: every block starts at a multiple of it and a `Ref` counts in it. */
export const UNIT = 16;

/** The largest block that comes from a size class; larger ones are runs of pages. */
export const CLASS_SIZE_MAX = 128 * 1024;

const FINE_SIZE_MAX = 512;
const STEPS_PER_DOUBLING = 8;

function listSizes(): number[] {
  const sizes: number[] = [];
  for (let size = UNIT; size <= FINE_SIZE_MAX; size += UNIT) sizes.push(size);
  for (let base = FINE_SIZE_MAX; base < CLASS_SIZE_MAX; base *= 2) {
    for (let step = 1; step <= STEPS_PER_DOUBLING; step++) {
      sizes.push(base + (base / STEPS_PER_DOUBLING) * step);
    }
  }
  return sizes;
}

/** Bytes of a block by class index, growing. */
export const CLASS_SIZES: Int32Array = Int32Array.from(listSizes());
export const CLASS_COUNT: number = CLASS_SIZES.length;

/** Class index by size in units, rounded up: `CLASS_OF_UNITS[(bytes + 15) >>> 4]`. */
export const CLASS_OF_UNITS: Uint8Array = new Uint8Array(CLASS_SIZE_MAX / UNIT + 1);
for (let units = 0, index = 0; units < CLASS_OF_UNITS.length; units++) {
  if (units * UNIT > CLASS_SIZES[index]!) index++;
  CLASS_OF_UNITS[units] = index;
}

assert(CLASS_SIZES[CLASS_COUNT - 1] === CLASS_SIZE_MAX, "the last size class is the largest");
assert(CLASS_COUNT < 250, "a class index fits a byte with room for the page kinds");
