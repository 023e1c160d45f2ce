/** How fast a counter grows: the mean of the last 16 samples, as Redis's `instantaneous_...` fields. */

const SAMPLES = 16;
/** Samples are at least this far apart. */
const INTERVAL_MS = 100;

export class Rate {
  readonly #samples: Float64Array = new Float64Array(SAMPLES);
  #next = 0;
  #lastValue = 0;
  #lastMs = -1;

  /** Takes a sample, if it is time for one. @param nowMs of a clock that never goes backwards */
  sample(value: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (this.#lastMs >= 0 && elapsedMs < INTERVAL_MS) return;
    if (this.#lastMs >= 0) {
      // A counter that was set back has grown by nothing.
      const growth = Math.max(0, value - this.#lastValue);
      this.#samples[this.#next] = (growth * 1000) / elapsedMs;
      this.#next = (this.#next + 1) % SAMPLES;
    }
    this.#lastValue = value;
    this.#lastMs = nowMs;
  }

  get perSecond(): number {
    let sum = 0;
    for (const sample of this.#samples) sum += sample;
    return sum / SAMPLES;
  }

  reset(): void {
    this.#samples.fill(0);
    this.#lastMs = -1;
  }
}
