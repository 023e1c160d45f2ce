/**
 * How much memory a program takes at most. The system counts what a process had before it became this program too, which is
 * what its parent had: so a small process stands between the tests and the program.
 */

/** Runs what it is told and prints what came of it. */
const BETWEEN = `
const { command, env } = JSON.parse(process.env.MEASURED);
const child = Bun.spawnSync(command, { env, stdout: "pipe", stderr: "pipe" });
const output = child.stdout.toString() + child.stderr.toString();
console.log(JSON.stringify({ status: child.exitCode, output, peakBytes: child.resourceUsage.maxRSS }));
`;

export interface Measured {
  readonly status: number;
  /** Standard output and error. */
  readonly output: string;
  /** Bytes that it had resident at most. */
  readonly peakBytes: number;
}

/** Runs a command to its end. @param env beside that of the tests */
export async function runMeasured(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const told = JSON.stringify({ command, env: { ...process.env, ...env } });
  const child = Bun.spawn([process.execPath, "-e", BETWEEN], {
    env: { ...process.env, MEASURED: told },
    stdin: "ignore",
    stdout: "pipe",
  });
  return JSON.parse(await new Response(child.stdout).text()) as Measured;
}
