/**
 * A turn of the event loop, from the first callback of a socket to the end of the round in which it came.
 *
 * It begins with reading the clock: all commands that arrive in one round see the same time, and only the first of them pays
 * for asking. It ends with the replies, so that all connections of the round are read before the first is answered: a
 * client that serves many connections is woken once, not by each of them.
 */
import type { Engine } from "../commands/engine.ts";

/** Connections that may wait for the end: as many as there are pooled buffers for their replies. */
const WAITING_MAX = 64;

/** Somebody who has replies to send. */
export interface Answerer {
  flush(): void;
}

export class Turn {
  readonly #engine: Engine;
  #begun = false;
  readonly #waiting: Answerer[] = [];
  readonly #end = (): void => {
    this.#begun = false;
    this.#flush();
    this.#engine.deliveries.endTurn();
  };

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Begins a turn unless one is under way. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#engine.beginTurn();
    this.#engine.deliveries.beginTurn();
    setImmediate(this.#end);
  }

  /** Has the replies of a connection leave when the turn ends. */
  answerAtEnd(connection: Answerer): void {
    this.#waiting.push(connection);
    if (this.#waiting.length === WAITING_MAX) this.#flush();
  }

  #flush(): void {
    // What leaves may bring about that others get replies, but not that they wait here.
    for (const connection of this.#waiting) connection.flush();
    this.#waiting.length = 0;
  }
}
