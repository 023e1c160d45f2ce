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
  /** Changes when all messages so far have been sent. */
  epoch = 0;
  #sessions: Session[] = [];
  #at = 0;
  #scheduled = false;
  /** Somebody will call `endTurn`. */
  #inTurn = false;
  readonly #send = (): void => {
    this.#scheduled = false;
    this.send(SLICE_NS);
  };

  /** A turn begins that will end with `endTurn`. */
  beginTurn(): void {
    this.#inTurn = true;
  }

  endTurn(): void {
    this.#inTurn = false;
    if (this.#sessions.length > 0 && !this.#scheduled) this.send(SLICE_NS);
  }

  /** A session has got a message, its first since it sent what it had. */
  add(session: Session): void {
    this.#sessions.push(session);
    if (!this.#inTurn) this.#schedule();
  }

  /** Lets sessions send for at most about `budgetNs` nanoseconds, and goes on in the next turn. */
  send(budgetNs: number): void {
    const sessions = this.#sessions;
    const deadline = sessions.length <= STRIDE ? Infinity : nanoseconds() + budgetNs;
    while (this.#at < sessions.length) {
      sessions[this.#at++]!.peer?.flush();
      if (this.#at % STRIDE === 0 && nanoseconds() > deadline) return this.#schedule();
    }
    sessions.length = 0;
    this.#at = 0;
    this.epoch++;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#send);
  }
}
