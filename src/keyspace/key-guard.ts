/**
 * Only in verify mode: sees to it that a command looks up no other keys than those it was checked for. Whoever runs a command says which
 * these are; any other lookup is a broken invariant, because access control would have let it pass unseen.
 */
import { BrokenInvariant } from "../base/assert.ts";
import { Database } from "./database.ts";
import type { Reclaimer } from "./reclaim.ts";
import type { Store } from "./store.ts";
import type { Ref } from "../memory/arena.ts";

export class KeyGuard {
  /** Names of keys, one character a byte; null: any. */
  #allowed: ReadonlySet<string> | null = null;

  /** Runs `work`, which may look up these keys only. @param allowed null: any */
  during(allowed: ReadonlySet<string> | null, work: () => void): void {
    const before = this.#allowed;
    this.#allowed = allowed;
    try {
      work();
    } finally {
      this.#allowed = before;
    }
  }

  check(key: Buffer, start: number, end: number): void {
    if (this.#allowed === null) return;
    const name = key.toString("latin1", start, end);
    if (this.#allowed.has(name)) return;
    const allowed = [...this.#allowed].map((one) => JSON.stringify(one)).join(", ");
    throw new BrokenInvariant(
      `a command looked up ${JSON.stringify(name)}, and the keys of its line are [${allowed}]`,
    );
  }
}

/** A database whose lookups are guarded. */
export class GuardedDatabase extends Database {
  readonly #guard: KeyGuard;

  constructor(index: number, store: Store, reclaimer: Reclaimer, guard: KeyGuard) {
    super(index, store, reclaimer);
    this.#guard = guard;
  }

  override peek(key: Buffer, start: number, end: number): Ref {
    this.#guard.check(key, start, end);
    return super.peek(key, start, end);
  }
}
