/** Waiting for a condition instead of for a time. */

const TIMEOUT_MS = 10_000;

/** Settles when `condition` holds; fails if it does not in time. @param what completes "waited in vain for ..." */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number = TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(1);
  }
}
