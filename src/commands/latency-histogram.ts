/**
 * How long the calls of a command took: counts by nanoseconds. A bucket is a sixteenth of a power of two, so a figure that is read
 * from it is at most 6 % too high.
 */

const SUB_BITS = 4;
const SUB_BUCKETS: number = 1 << SUB_BITS;
/** Longer calls count as this long: about 18 minutes. */
const OCTAVES = 40;

// The steps of LATENCY HISTOGRAM, as Redis's histograms of two digits have them: 1024 ns, twice that, ...
const STEP_FIRST_BITS = 10;
const STEP_UNIT_BITS = 7;

/** Calls that took at most so long. */
export interface CumulativeStep {
  readonly microseconds: number;
  readonly calls: number;
}

export class LatencyHistogram {
  readonly #counts: Float64Array = new Float64Array(OCTAVES * SUB_BUCKETS);
  /** Calls recorded. */
  calls = 0;

  /** Adds a call. @param calls for how many it stands */
  record(ns: number, calls: number): void {
    this.#counts[bucketOf(ns)]! += calls;
    this.calls += calls;
  }

  /** Nanoseconds that the given percentage of the calls did not exceed. */
  percentile(percent: number): number {
    let left = Math.max(1, Math.ceil((percent / 100) * this.calls));
    for (let i = 0; i < this.#counts.length; i++) {
      left -= this.#counts[i]!;
      if (left <= 0) return upperBound(i);
    }
    return 0;
  }

  /** How many calls took at most so long, for steps of about a power of two; those that add nothing are left out. */
  steps(): CumulativeStep[] {
    const steps: CumulativeStep[] = [];
    let calls = 0;
    let next = 0;
    for (let bits = STEP_FIRST_BITS; calls < this.calls; bits++) {
      const boundNs = 2 ** bits + 2 ** (bits - STEP_UNIT_BITS) - 1;
      let more = 0;
      for (; next < this.#counts.length && upperBound(next) <= boundNs; next++) {
        more += this.#counts[next]!;
      }
      calls += more;
      if (more > 0) steps.push({ microseconds: Math.floor(boundNs / 1000), calls });
      if (next === this.#counts.length) break;
    }
    return steps;
  }
}

function bucketOf(ns: number): number {
  const whole = Math.max(1, Math.floor(ns));
  const octave = Math.floor(Math.log2(whole));
  if (octave >= OCTAVES) return OCTAVES * SUB_BUCKETS - 1;
  const within = Math.floor((whole / 2 ** octave - 1) * SUB_BUCKETS);
  return octave * SUB_BUCKETS + within;
}

/** The longest time, in nanoseconds, that counts in a bucket. */
function upperBound(bucket: number): number {
  const octave = Math.floor(bucket / SUB_BUCKETS);
  const within = bucket % SUB_BUCKETS;
  return Math.ceil(2 ** octave * (1 + (within + 1) / SUB_BUCKETS)) - 1;
}
