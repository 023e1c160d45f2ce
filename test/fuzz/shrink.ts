/** Makes a case smaller as long as it still fails: parts are left out, many at a time at first. */

/** How long is tried, in ms. */
const SHRINK_MS = 20_000;

/**
 * @param parts of the case, in order
 * @param fails whether the case of these bytes fails
 * @returns the bytes of the smallest case that was found to fail
 */
export async function shrink(
  parts: readonly Buffer[],
  fails: (bytes: Buffer) => Promise<boolean>,
  ms: number = SHRINK_MS,
): Promise<Buffer> {
  const deadline = performance.now() + ms;
  let smallest = parts;
  for (let size = parts.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < smallest.length && performance.now() < deadline;) {
      const smaller = smallest.toSpliced(at, size);
      if (await fails(Buffer.concat(smaller))) smallest = smaller;
      else at += size;
    }
  }
  return Buffer.concat(smallest);
}

/** Every byte by itself. */
export function byteParts(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.of(byte));
}
