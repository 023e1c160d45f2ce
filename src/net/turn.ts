/**
 * A turn of the event loop, from the first callback of a socket to the end of the round in which it came. The clock is
 * read at its beginning: all commands that arrive in one round see the same time, and only the first of them pays for
 * asking.
 */
import type { Engine } from "../commands/engine.ts";

export class Turn {
  readonly #engine: Engine;
  #begun = false;
  readonly #end = (): void => {
    this.#begun = false;
  };

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Begins a turn unless one is under way. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#engine.beginTurn();
    setImmediate(this.#end);
  }
}
