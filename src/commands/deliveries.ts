/**
 * Messages on their way out: the sessions that were sent something which is no reply to them. At the end of the turn each sends
 * what it has got, all of the turn together, in slices of about a millisecond, so that a message to ten thousand subscribers
 * lets others be answered meanwhile.
 */
import { nanoseconds } from "../base/clock.ts";
import type { Session } from "./session.ts";

/** Sending goes on for about this long, in nanoseconds, ... */
const SLICE_NS = 1_000_000;
/** ... and the time is looked at after so many sessions. */
const STRIDE = 32;

export class Deliveries {
  #sessions: Session[] = [];
  #at = 0;
  #scheduled = false;
  readonly #send = (): void => this.send(SLICE_NS);

  /** A session has got a message, its first since it sent what it had. */
  add(session: Session): void {
    this.#sessions.push(session);
    this.#schedule();
  }

  /** Lets sessions send for at most about `budgetNs` nanoseconds, and goes on in the next turn. */
  send(budgetNs: number): void {
    this.#scheduled = false;
    const deadline = nanoseconds() + budgetNs;
    const sessions = this.#sessions;
    while (this.#at < sessions.length) {
      const session = sessions[this.#at++]!;
      session.peer?.flush();
      if (this.#at % STRIDE === 0 && nanoseconds() > deadline) return this.#schedule();
    }
    this.#sessions = [];
    this.#at = 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#send);
  }
}
