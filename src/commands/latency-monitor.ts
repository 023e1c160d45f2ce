/**
 * The latency monitor: the last times at which something kept the server busy for `latency-monitor-threshold` milliseconds or longer,
 * by event. While the threshold is 0 nothing is measured.
 */
import type { Engine } from "./engine.ts";

/** Samples kept of each event. */
export const SAMPLES_MAX = 160;

export interface LatencySample {
  /** Unix time in seconds. */
  readonly time: number;
  ms: number;
}

export interface LatencySeries {
  /** Oldest first; one a second, the longest of that second. */
  readonly samples: LatencySample[];
  /** The longest since the event was reset. */
  maxMs: number;
}

/**
 * "command" and "fast-command": by whether the command is called fast. "expire-cycle": removing what has outlived its time.
 * "eviction-cycle": making room; "eviction-del": one key of that. "active-defrag-cycle": moving blocks together.
 */
export type LatencyEvent =
  | "command"
  | "fast-command"
  | "expire-cycle"
  | "eviction-cycle"
  | "eviction-del"
  | "active-defrag-cycle";

export class LatencyMonitor {
  readonly events: Map<string, LatencySeries> = new Map();
  readonly #engine: Engine;
  #thresholdMs = 0;

  /** @param changed called when `active` may have changed */
  constructor(engine: Engine, changed: () => void) {
    this.#engine = engine;
    engine.options.onChange("latency-monitor-threshold", (text) => {
      this.#thresholdMs = Number(text);
      changed();
    });
  }

  get active(): boolean {
    return this.#thresholdMs > 0;
  }

  /** Something took so long, which may be too short to be kept. */
  note(event: LatencyEvent, ns: number): void {
    const ms = Math.floor(ns / 1e6);
    if (!this.active || ms < this.#thresholdMs) return;
    let series = this.events.get(event);
    if (series === undefined) {
      series = { samples: [], maxMs: 0 };
      this.events.set(event, series);
    }
    const { samples } = series;
    series.maxMs = Math.max(series.maxMs, ms);
    const time = Math.floor(this.#engine.clock.nowMs / 1000);
    const last = samples.at(-1);
    if (last?.time === time) {
      last.ms = Math.max(last.ms, ms);
      return;
    }
    samples.push({ time, ms });
    if (samples.length > SAMPLES_MAX) samples.shift();
  }
}
