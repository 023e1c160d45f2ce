/**
 * The only clock. Time is read from the operating system once per turn (`refresh`) and is a plain field for
 * everybody else, so all commands of one turn see the same time and none of them pays for a system call
 * (about 50 ns). Tests make it stand still and move it by hand.
 */
export class Clock {
  /** Unix time in milliseconds as of the last refresh. */
  nowMs = Date.now();
  #offsetMs = 0;
  /** What Unix time has jumped by; durations have not. */
  #jumpedMs = 0;
  #frozenAtMs = -1;
  /** `monotonicMs` when the flow of time stopped. */
  #ranMs = 0;
  readonly #startMs = performance.now();

  /** Reads the system's clock. */
  refresh(): void {
    if (this.#frozenAtMs >= 0) {
      this.nowMs = this.#frozenAtMs + this.#offsetMs + this.#jumpedMs;
      return;
    }
    this.nowMs = Date.now() + this.#offsetMs + this.#jumpedMs;
  }

  /** Milliseconds since the last refresh. Read from the system at each call. */
  get sinceRefreshMs(): number {
    if (this.#frozenAtMs >= 0) return 0;
    return Date.now() + this.#offsetMs + this.#jumpedMs - this.nowMs;
  }

  /** Milliseconds since the clock was made, never going backwards; for durations. Read from the system at each call. */
  get monotonicMs(): number {
    if (this.#frozenAtMs >= 0) return this.#ranMs + this.#offsetMs;
    return performance.now() - this.#startMs + this.#offsetMs;
  }

  /** Unix time in microseconds, read from the system at each call, never ahead of the next millisecond of the clock. */
  unixMicroseconds(): number {
    if (this.#frozenAtMs >= 0) return this.nowMs * 1000;
    // The fine clock may have drifted from the system's, which was set meanwhile; it only fills in the last digits.
    const coarseMs = Date.now();
    const fineMs = performance.timeOrigin + performance.now();
    const withinMs = Math.min(0.999, Math.max(0, fineMs - coarseMs));
    return Math.round(
      (coarseMs + this.#offsetMs + this.#jumpedMs) * 1000 + Math.floor(withinMs * 1000),
    );
  }

  /** Whether only `advance` moves time. */
  get isFrozen(): boolean {
    return this.#frozenAtMs >= 0;
  }

  /** Moves time forward by `ms` milliseconds. */
  advance(ms: number): void {
    this.#offsetMs += ms;
    this.refresh();
  }

  /** Moves Unix time only, forward or back, as when somebody sets the system's clock. */
  jump(ms: number): void {
    this.#jumpedMs += ms;
    this.refresh();
  }

  /** Stops the flow of time at `unixMs`; from then on only `advance` moves it. */
  freeze(unixMs: number = Date.now()): void {
    this.#ranMs = this.monotonicMs;
    this.#frozenAtMs = unixMs;
    this.#offsetMs = 0;
    this.#jumpedMs = 0;
    this.refresh();
  }
}

/** Nanoseconds of the monotonic clock, for measuring how long something took; costs about 50 ns. */
export function nanoseconds(): number {
  return Bun.nanoseconds();
}
