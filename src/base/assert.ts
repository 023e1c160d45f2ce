/**
 * Broken invariants. A failed assertion is a defect of Hutch, never an answer to a client: it stops the
 * walk with a message that names what was found. Answers to clients go through the reply instead.
 */

export class BrokenInvariant extends Error {
  override name = "BrokenInvariant";
}

/** Throws `BrokenInvariant` unless `condition` holds. Keep `message` constant: it is built on every call. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message);
}

/** Marks a place that no input may reach. */
export function unreachable(message: string): never {
  throw new BrokenInvariant(message);
}
