/**
 * `maxmemory-clients`: when clients together take more memory than they may, those that take the most are closed until it is no more,
 * but none that has said CLIENT NO-EVICT. That happens between the turns of clients, in slices.
 */
import { nanoseconds } from "../base/clock.ts";
import { describeClient } from "./client-list.ts";
import type { Engine } from "./engine.ts";

/** With a lower limit nobody could talk to the server any more. */
const LIMIT_MIN: number = 128 * 1024;
const SLICE_NS = 1_000_000;

export class ClientEviction {
  readonly #engine: Engine;
  #scheduled = false;
  readonly #evict = (): void => {
    this.#scheduled = false;
    this.evict();
  };

  constructor(engine: Engine) {
    this.#engine = engine;
    const { options, clientMemory } = engine;
    clientMemory.onExcess = () => this.#schedule();
    const update = (): void => {
      const limit = limitOf(options.text("maxmemory-clients"), options.number("maxmemory"));
      if (limit !== clientMemory.limit) clientMemory.setLimit(limit, engine.sessions.values());
    };
    options.onChange("maxmemory-clients", update);
    options.onChange("maxmemory", update);
  }

  /** Closes clients until the others take no more than they may, for about a millisecond. */
  evict(): void {
    const { clientMemory, logger, stats } = this.#engine;
    const deadline = nanoseconds() + SLICE_NS;
    while (clientMemory.total > clientMemory.limit) {
      const session = clientMemory.largest();
      if (session === null) return;
      logger.notice(`Evicting client: ${describeClient(session, 0)}`);
      stats.evictedClients++;
      session.peer?.close();
      clientMemory.forget(session);
      if (nanoseconds() > deadline) return this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#engine.clientMemory.largest() === null) return;
    this.#scheduled = true;
    setImmediate(this.#evict);
  }
}

/** Bytes; Infinity if there is no limit. @param text bytes, or a percentage of `maxmemory` */
function limitOf(text: string, maxmemory: number): number {
  const isShare = text.endsWith("%");
  const bytes = isShare ? (maxmemory * Number(text.slice(0, -1))) / 100 : Number(text);
  return bytes === 0 ? Infinity : Math.max(LIMIT_MIN, bytes);
}
