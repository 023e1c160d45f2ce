/** How busy the machine is, for tests of how long somebody waits: where more wants to run than there are cores, everybody waits longer. */
import { availableParallelism, loadavg } from "node:os";

/** Programs that want to run for each core, a mean of the last minute; at least 1. */
export function crowding(): number {
  return Math.max(1, loadavg()[0]! / availableParallelism());
}
