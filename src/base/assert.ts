/**
 * Broken invariants. A failed assertion is a defect of Hutch, never an answer to a client: it stops the
 * walk with a message that names what was found. Answers to clients go through the reply instead.
 */

export class BrokenInvariant extends Error {
  override name = "BrokenInvariant";
}

/** What code throws that does what it should not; errors of sockets and files are plain ones with a code. */
const DEFECTS = [BrokenInvariant, TypeError, RangeError, ReferenceError, SyntaxError] as const;

/** Whether an error is a defect of the program, and not what the system or a peer has done. */
export function isDefect(error: unknown): boolean {
  return DEFECTS.some((kind) => error instanceof kind);
}

/** Throws `BrokenInvariant` unless `condition` holds. Keep `message` constant: it is built on every call. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message);
}

/** Marks a place that no input may reach. */
export function unreachable(message: string): never {
  throw new BrokenInvariant(message);
}
