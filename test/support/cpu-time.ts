/**
 * Time on the processor, for tests of what something costs: a machine that runs other programs meanwhile makes it longer on the clock,
 * but hardly here.
 */

/** Milliseconds that this thread has spent on a processor so far. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
