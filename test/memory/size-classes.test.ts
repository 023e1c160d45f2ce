import { expect, test } from "bun:test";
import {
  CLASS_COUNT,
  CLASS_OF_UNITS,
  CLASS_SIZES,
  CLASS_SIZE_MAX,
  UNIT,
} from "../../src/memory/size-classes.ts";

test("size classes grow, are multiples of a unit and end with the largest", () => {
  for (let index = 0; index < CLASS_COUNT; index++) {
    expect(CLASS_SIZES[index]! % UNIT).toBe(0);
    if (index > 0) expect(CLASS_SIZES[index]!).toBeGreaterThan(CLASS_SIZES[index - 1]!);
  }
  expect(CLASS_SIZES[CLASS_COUNT - 1]).toBe(CLASS_SIZE_MAX);
});

test("every size gets the smallest class that holds it, and wastes at most what is promised", () => {
  for (let size = 1; size <= CLASS_SIZE_MAX; size++) {
    const index = CLASS_OF_UNITS[(size + UNIT - 1) >>> 4]!;
    const classSize = CLASS_SIZES[index]!;
    if (classSize < size) throw new Error(`${size} bytes do not fit class ${classSize}`);
    if (index > 0 && CLASS_SIZES[index - 1]! >= size)
      throw new Error(`${size}: a smaller class fits`);
    if (size <= 512 && classSize - size > 15) throw new Error(`${size} wastes more than 15 bytes`);
    if (size > 512 && classSize - size >= size / 8) throw new Error(`${size} wastes an eighth`);
  }
});
