/** Integers to bytes and back, against the way through strings. */
import { bench, do_not_optimize, group } from "mitata";
import { int64, INT64_DIGITS_MAX, parseInt64, writeInteger } from "../../src/base/numbers.ts";
import { INPUTS, INPUTS_MASK, seeded } from "../rig/inputs.ts";

const random = seeded();
const out = Buffer.alloc(INT64_DIGITS_MAX);
const lengths = Array.from({ length: INPUTS }, () => random.below(1024));
const counters = Array.from({ length: INPUTS }, () => random.below(1e9));
const stamps = Array.from({ length: INPUTS }, () => 1.7e12 + random.below(1e11));
const digits = digitsOf(counters);
const stampDigits = digitsOf(stamps);
let at = 0;

function next(): number {
  at = (at + 1) & INPUTS_MASK;
  return at;
}

/** Decimal digits, and where each number begins and ends. */
function digitsOf(values: readonly number[]): { bytes: Buffer; starts: Int32Array } {
  const starts = new Int32Array(values.length + 1);
  for (const [i, value] of values.entries()) starts[i + 1] = starts[i]! + String(value).length;
  return { bytes: Buffer.from(values.join("")), starts };
}

group("an integer to bytes", () => {
  bench("writeInteger, below 1024", () => {
    do_not_optimize(writeInteger(out, 0, lengths[next()]!));
  });
  bench("writeInteger, below 10^9", () => {
    do_not_optimize(writeInteger(out, 0, counters[next()]!));
  });
  bench("writeInteger, time in ms", () => {
    do_not_optimize(writeInteger(out, 0, stamps[next()]!));
  });
  bench("through a string, below 10^9", () => {
    do_not_optimize(out.write(String(counters[next()]!), 0, "latin1"));
  });
});

group("bytes to an integer", () => {
  bench("parseInt64, below 10^9", () => {
    const i = next();
    parseInt64(digits.bytes, digits.starts[i]!, digits.starts[i + 1]!);
    do_not_optimize(int64.low);
  });
  bench("parseInt64, time in ms", () => {
    const i = next();
    parseInt64(stampDigits.bytes, stampDigits.starts[i]!, stampDigits.starts[i + 1]!);
    do_not_optimize(int64.low);
  });
  bench("through a string, below 10^9", () => {
    const i = next();
    do_not_optimize(
      Number(digits.bytes.toString("latin1", digits.starts[i]!, digits.starts[i + 1]!)),
    );
  });
});
