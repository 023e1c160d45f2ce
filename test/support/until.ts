/** Waiting for a condition instead of for a time. */

const TIMEOUT_MS = 10_000;

/** Settles when `condition` holds; fails if it does not within 10 s. @param what completes "waited in vain for ..." */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(1);
  }
}
