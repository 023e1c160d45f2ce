/** The few statistics that the benchmarks print: medians with their range, and exact quantiles. */

/** A figure measured several times. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle value, or the mean of the two middle ones. @param values at least one, in any order */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values to take the median of");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median and range. @param values at least one, in any order */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * The smallest value that at least the share `q` of all values does not exceed.
 * @param sorted ascending, at least one @param q 0 to 1
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) throw new RangeError("no values to take a quantile of");
  const rank = Math.ceil(q * sorted.length);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1]!;
}

/**
 * The ratios of two series that were measured in the same rounds, one for each round: what drifts from round to round
 * (the clock rate, a busy neighbour) is in both and cancels.
 */
export function ratios(values: readonly number[], base: readonly number[]): number[] {
  if (values.length !== base.length) throw new RangeError("series of different rounds");
  return values.map((value, round) => value / base[round]!);
}

/**
 * The order in which a round measures its subjects: forward in even rounds, backward in odd ones (ABBA), so that a drift
 * that is linear in time favours nobody.
 */
export function abba<T>(subjects: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? subjects : subjects.toReversed();
}

/** Counts of durations in steps of a microsecond up to a bound, and the longest exactly; recording allocates nothing. */
export class MicrosecondHistogram {
  readonly #counts: Float64Array;
  count = 0;
  /** The longest duration in microseconds. */
  max = 0;

  constructor(boundUs = 100_000) {
    this.#counts = new Float64Array(boundUs + 1);
  }

  record(us: number): void {
    const index = us | 0;
    const last = this.#counts.length - 1;
    this.#counts[index > last ? last : index]!++;
    this.count++;
    if (us > this.max) this.max = us;
  }

  /** An upper bound, to the microsecond, of the share `q` of all durations; the longest one above the table's bound. */
  quantile(q: number): number {
    let left = Math.max(1, Math.ceil(q * this.count));
    for (let us = 0; us < this.#counts.length - 1; us++) {
      left -= this.#counts[us]!;
      if (left <= 0) return Math.min(us + 1, this.max);
    }
    return this.max;
  }
}
