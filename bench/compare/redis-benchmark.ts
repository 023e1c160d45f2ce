/** The load of Redis's own tool, as everybody measures Redis. */
import { CONNECTIONS } from "../rig/load-generator.ts";
import { LOAD_CORE, onCore } from "../rig/machine.ts";
import { KEY_RANGE, VALUE_SIZE } from "../rig/requests.ts";
import type { LoadResult } from "./grid.ts";

/** What is sent: a test of the tool's own by its name, or a command with `__rand_int__` where random digits go. */
export interface Test {
  readonly name: string;
  readonly command: readonly string[] | null;
  /** Random digits are below it. */
  readonly range: number;
}

/** SET and GET, by the tool's own tests. */
export function ownTest(name: string): Test {
  return { name, command: null, range: KEY_RANGE };
}

/** Runs redis-benchmark once with about so many requests. @param user logs in, with any password @param words more of its options */
export async function redisBenchmark(
  port: number,
  test: Test,
  depth: number,
  requests: number,
  user?: string,
  words: readonly string[] = [],
): Promise<LoadResult> {
  // All connections get the same number of whole pipelines: redis-benchmark sends no partial one.
  const round = CONNECTIONS * depth;
  const count = Math.max(1, Math.round(requests / round)) * round;
  const child = Bun.spawn(
    onCore(LOAD_CORE, [
      ...["redis-benchmark", "-h", "127.0.0.1", "-p", String(port), "--csv"],
      ...["-P", String(depth), "-n", String(count), "-c", String(CONNECTIONS)],
      ...["-r", String(test.range), "-d", String(VALUE_SIZE)],
      ...(user === undefined ? [] : ["--user", user, "-a", "x"]),
      ...words,
      ...(test.command ?? ["-t", test.name.toLowerCase()]),
    ]),
    { stdin: "ignore", stdout: "pipe", stderr: "ignore" },
  );
  const output = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`redis-benchmark failed: ${output}`);
  return {
    requests: count,
    seconds: count / parseRate(output, test.command?.join(" ") ?? test.name),
  };
}

/** Requests per second of a test out of redis-benchmark's CSV: `"SET","123456.78",...`. */
export function parseRate(csv: string, title: string): number {
  const line = csv.split("\n").find((one) => one.startsWith(`"${title}",`)) ?? "";
  const rate = Number(/^"([0-9.]+)"/.exec(line.slice(title.length + 3))?.[1]);
  if (!(rate > 0)) throw new SyntaxError(`no ${title} in: ${csv}`);
  return rate;
}
