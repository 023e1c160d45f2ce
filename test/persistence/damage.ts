/** Damages bytes as disks, networks and enemies do. */
import type { Random } from "../../src/base/random.ts";
import { pick } from "../support/seed.ts";

/** Edge values of a byte in the formats of snapshots and logs. */
const BYTES = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xfe, 0xff, 0x24, 0x2a, 0x0d, 0x0a];

/** A copy with one to three bytes changed, and now and then without its end. @param from bytes before it stay */
export function damage(random: Random, bytes: Buffer, from = 0): Buffer {
  const copy = Buffer.from(bytes);
  const size = copy.length - from;
  if (size === 0) return copy;
  for (let left = 1 + random.below(3); left > 0; left--) {
    // The beginning decides most.
    const at = from + random.below(random.below(3) === 0 ? Math.min(24, size) : size);
    const kind = random.below(3);
    if (kind === 0) copy[at] = pick(random, BYTES);
    else if (kind === 1) copy[at]! ^= 1 << random.below(8);
    else copy[at] = random.below(256);
  }
  return random.below(20) === 0 ? copy.subarray(0, from + random.below(size + 1)) : copy;
}
