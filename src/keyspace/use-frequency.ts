/**
 * How often keys are used of late: the 24 bits of an entry while an LFU policy is chosen, in Redis's form.
 *
 *   bits 8-23  minutes of Unix time at which the counter was right, the low 16 bits of them
 *   bits 0-7   a counter of uses on a logarithmic scale
 *
 * The higher the counter, the less likely a use adds to it: 1 in (counter - 5) * factor + 1. With each period without a use it
 * loses one. A new key begins with 5, so that it is not the first to go.
 */
import type { Random } from "../base/random.ts";

const INITIAL = 5;
export const COUNTER_MAX = 255;
const MINUTES_MASK = 0xffff;
const MINUTE_MS = 60_000;

export class UseFrequency {
  /** The option `lfu-log-factor`. */
  logFactor = 10;
  /** The option `lfu-decay-time`: minutes of a period, 0 if counters never lose. */
  decayMinutes = 1;
  readonly #random: Random;
  #minutes = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes the time. @param nowMs Unix time */
  refresh(nowMs: number): void {
    this.#minutes = Math.floor(nowMs / MINUTE_MS) & MINUTES_MASK;
  }

  /** The bits of a key with that counter, now. */
  of(counter: number): number {
    return (this.#minutes << 8) | counter;
  }

  /** The bits of a new key. */
  get initial(): number {
    return this.of(INITIAL);
  }

  /** What is left of the counter of a key now. @param bits of the key */
  counter(bits: number): number {
    const counter = bits & COUNTER_MAX;
    if (this.decayMinutes === 0) return counter;
    const elapsed = (this.#minutes - (bits >>> 8)) & MINUTES_MASK;
    return Math.max(0, counter - Math.floor(elapsed / this.decayMinutes));
  }

  /** The bits of a key that is used now. @param bits that it had */
  used(bits: number): number {
    const counter = this.counter(bits);
    if (counter === COUNTER_MAX) return this.of(counter);
    const odds = Math.max(0, counter - INITIAL) * this.logFactor + 1;
    return this.of(this.#random.fraction() * odds < 1 ? counter + 1 : counter);
  }
}
