/**
 * Keys of which so many members are due that removing them at once would stall everybody, while somebody waits to use them:
 * housekeeping works at these first, a few members at a time, and says when a key has caught up.
 */
import { NULL_REF } from "../memory/arena.ts";
import type { Database } from "./database.ts";

/** Members that a command may have to remove before it runs: about a millisecond's work. */
export const OVERDUE_MEMBERS_MAX = 512;

interface OverdueKey {
  readonly database: Database;
  readonly key: Buffer;
}

export class OverdueKeys {
  /** Told that there is a first key to work at; null where nobody does housekeeping, and so nobody may wait. */
  onWork: (() => void) | null = null;
  /** Told that the key which somebody waits for has caught up, or is gone. */
  onCaughtUp: () => void = () => {};
  /** The one that was asked for first comes first. */
  readonly #keys: OverdueKey[] = [];

  /** Keys that somebody waits for. */
  get count(): number {
    return this.#keys.length;
  }

  /** Somebody waits for a key, which may be known already. */
  add(database: Database, bytes: Buffer, start: number, end: number): void {
    const same = (one: OverdueKey): boolean =>
      one.database === database && one.key.compare(bytes, start, end) === 0;
    if (this.#keys.some(same)) return;
    // The bytes are those of a command, which are gone before the key has caught up.
    const key = Buffer.allocUnsafeSlow(end - start);
    bytes.copy(key, 0, start, end);
    this.#keys.push({ database, key });
    if (this.#keys.length === 1) this.onWork?.();
  }

  /** Removes up to `limit` members of the first key. Returns true while there is work that need not wait for others. */
  step(limit: number): boolean {
    const first = this.#keys[0];
    if (first === undefined) return false;
    const { database, key } = first;
    const entry = database.overdue(key, 0, key.length);
    if (entry !== NULL_REF) return database.due.removeWhenSeen(entry, limit) > 0;
    this.#keys.shift();
    this.onCaughtUp();
    return this.#keys.length > 0;
  }
}
