/**
 * How far a long errand is: on a terminal a bar that is drawn again in place, otherwise a line every few seconds.
 *
 *   [##########----------]  50%  500,000 of 1,000,000 keys, 81,000 a second, 6 s left
 */

/** Where progress is shown. */
export interface ProgressPlace {
  readonly isTerminal: boolean;
  /** Takes text as it is. */
  write(text: string): void;
  /** A time in ms that never goes backwards. */
  nowMs(): number;
}

const DRAW_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 5000;
const BAR_WIDTH = 20;
const ERASE_LINE = "\r\x1b[K";

export class Progress {
  readonly #place: ProgressPlace;
  readonly #unit: string;
  readonly #startMs: number;
  /** What was done before this run, which says nothing of its speed. */
  readonly #before: number;
  #shownMs: number;
  #isDrawn = false;

  /** @param unit what is counted, as "keys" @param before how many were done by an earlier run */
  constructor(place: ProgressPlace, unit: string, before = 0) {
    this.#place = place;
    this.#unit = unit;
    this.#before = before;
    this.#startMs = place.nowMs();
    this.#shownMs = place.isTerminal ? -Infinity : this.#startMs;
  }

  /** Shows how far it is, if that was not shown just now. @param total an estimate: there may be more in the end */
  update(done: number, total: number): void {
    const nowMs = this.#place.nowMs();
    const { isTerminal } = this.#place;
    if (nowMs - this.#shownMs < (isTerminal ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS)) return;
    this.#shownMs = nowMs;
    const text = this.#text(done, Math.max(done, total), nowMs);
    this.#place.write(isTerminal ? `${ERASE_LINE}${text}` : `${text}\n`);
    this.#isDrawn = isTerminal;
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#isDrawn) this.#place.write(ERASE_LINE);
    this.#isDrawn = false;
  }

  /** Writes a line above the bar, or as the next one. */
  line(text: string): void {
    this.#place.write(`${this.#isDrawn ? ERASE_LINE : ""}${text}\n`);
    this.#isDrawn = false;
    if (this.#place.isTerminal) this.#shownMs = -Infinity;
  }

  #text(done: number, total: number, nowMs: number): string {
    const part = total === 0 ? 1 : done / total;
    const seconds = (nowMs - this.#startMs) / 1000;
    const rate = seconds > 0 ? (done - this.#before) / seconds : 0;
    const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : "";
    const percent = `${Math.floor(part * 100)}%`;
    const figures = `${grouped(done)} of ${grouped(total)} ${this.#unit}, ${grouped(Math.round(rate))} a second${left}`;
    if (!this.#place.isTerminal) return `${percent}: ${figures}`;
    const full = Math.floor(part * BAR_WIDTH);
    return `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}] ${percent.padStart(4)}  ${figures}`;
  }
}

/** A whole number with commas between its thousands. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
