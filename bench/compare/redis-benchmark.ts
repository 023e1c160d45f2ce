/** The load of Redis's own tool, as everybody measures Redis. */
import { CONNECTIONS } from "../rig/load-generator.ts";
import { LOAD_CORE, onCore } from "../rig/machine.ts";
import type { Operation } from "../rig/requests.ts";
import { KEY_RANGE, VALUE_SIZE } from "../rig/requests.ts";
import type { LoadResult } from "./grid.ts";

/** Runs redis-benchmark once with about so many requests. */
export async function redisBenchmark(
  port: number,
  operation: Operation,
  depth: number,
  requests: number,
): Promise<LoadResult> {
  // All connections get the same number of whole pipelines: redis-benchmark sends no partial one.
  const round = CONNECTIONS * depth;
  const count = Math.max(1, Math.round(requests / round)) * round;
  const child = Bun.spawn(
    onCore(LOAD_CORE, [
      ...["redis-benchmark", "-h", "127.0.0.1", "-p", String(port), "--csv"],
      ...["-t", operation.toLowerCase(), "-P", String(depth), "-n", String(count)],
      ...["-c", String(CONNECTIONS), "-r", String(KEY_RANGE), "-d", String(VALUE_SIZE)],
    ]),
    { stdin: "ignore", stdout: "pipe", stderr: "ignore" },
  );
  const output = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`redis-benchmark failed: ${output}`);
  return { requests: count, seconds: count / parseRate(output, operation) };
}

/** Requests per second of a test out of redis-benchmark's CSV: `"SET","123456.78",...`. */
export function parseRate(csv: string, operation: Operation): number {
  const match = new RegExp(`^"${operation}","([0-9.]+)"`, "m").exec(csv);
  const rate = Number(match?.[1]);
  if (!(rate > 0)) throw new SyntaxError(`no ${operation} in: ${csv}`);
  return rate;
}
