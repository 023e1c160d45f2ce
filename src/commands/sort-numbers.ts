/**
 * Sorting by integers, as most lists are sorted: number and index together make one double, and doubles are sorted by the runtime
 * without calling back for each comparison.
 *
 *   key = number * 2^bits + index        exact as long as it is below 2^53
 */
const EXACT_MAX: number = 2 ** 53;

/**
 * Fills `order` with the indexes of the numbers in ascending order, or in descending order if `sign` is -1.
 * @param compare decides between two indexes whose numbers are the same
 * @returns false, `order` being untouched, if the numbers are no integers, or too large
 */
export function sortIntegers(
  order: Uint32Array,
  numbers: Float64Array,
  sign: number,
  compare: (a: number, b: number) => number,
): boolean {
  const { length } = numbers;
  const scale = 2 ** Math.ceil(Math.log2(Math.max(length, 2)));
  const most = EXACT_MAX / scale - 1;
  const keys = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const number = numbers[i]!;
    if (!(Math.abs(number) < most) || number !== Math.floor(number)) return false;
    keys[i] = number * sign * scale + i;
  }
  keys.sort();
  for (let i = 0; i < length; i++) {
    const key = keys[i]!;
    order[i] = key - Math.floor(key / scale) * scale;
  }
  for (let from = 0; from < length;) {
    const number = numbers[order[from]!]!;
    let end = from + 1;
    while (end < length && numbers[order[end]!] === number) end++;
    if (end - from > 1) order.subarray(from, end).sort(compare);
    from = end;
  }
  return true;
}
