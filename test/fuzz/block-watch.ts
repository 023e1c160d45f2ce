/**
 * Whether a case leaves blocks in the arena when all keys are gone. Some structures come into being with the first key that needs
 * them, and stay: so a case leaks only if it leaves more each time that it runs.
 */
import type { TestEngine } from "../support/test-engine.ts";

export class BlockWatch {
  readonly #server: TestEngine;
  #blocks: number;

  constructor(server: TestEngine) {
    this.#server = server;
    this.#blocks = server.blocksWhenEmpty();
  }

  /** Empties the server. Throws if the case has left something for good. @param again runs the case once more */
  check(again: () => void): void {
    const before = this.#blocks;
    this.#blocks = this.#server.blocksWhenEmpty();
    if (this.#blocks <= before) return;
    again();
    const left = this.#server.blocksWhenEmpty() - this.#blocks;
    if (left > 0) throw new Error(`${left} blocks are left`);
  }
}
