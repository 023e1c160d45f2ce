/**
 * How the resident memory of a process goes up with time. The first third of what was seen is warming up; a line through the
 * rest says how fast it grows.
 */
import { readFileSync } from "node:fs";

const PAGE_SIZE = 4096;
const EVERY_MS = 1000;
const WINDOW_MS = 600_000;

export class MemoryWatch {
  #pid = 0;
  #times: number[] = [];
  #bytes: number[] = [];

  /** Looks, if it has not for a second. Another process than the last time begins anew. */
  look(pid: number): void {
    const now = performance.now();
    if (pid !== this.#pid) {
      this.#pid = pid;
      this.#times = [];
      this.#bytes = [];
    }
    if (now - (this.#times.at(-1) ?? -Infinity) < EVERY_MS) return;
    const pages = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1];
    this.#times.push(now);
    this.#bytes.push(Number(pages) * PAGE_SIZE);
  }

  /** Bytes resident when it looked last. */
  get bytes(): number {
    return this.#bytes.at(-1) ?? 0;
  }

  /** How long it has watched, in ms. */
  get ms(): number {
    return (this.#times.at(-1) ?? 0) - (this.#times[0] ?? 0);
  }

  /** Growth in ten minutes, in percent of the mean; NaN if too little was seen. */
  get slope(): number {
    const from = Math.floor(this.#times.length / 3);
    const times = this.#times.slice(from);
    const bytes = this.#bytes.slice(from);
    const meanTime = mean(times);
    const meanBytes = mean(bytes);
    let both = 0;
    let square = 0;
    for (const [i, time] of times.entries()) {
      both += (time - meanTime) * (bytes[i]! - meanBytes);
      square += (time - meanTime) ** 2;
    }
    return ((both / square) * WINDOW_MS * 100) / meanBytes;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
