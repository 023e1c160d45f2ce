/**
 * Debian's redis-server as the reference for behaviour: a process of its own on a free port, in an empty folder of its own,
 * without persistence, killed by its pid.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { awaitPing } from "./await-ping.ts";
import { BOUND } from "./bound.ts";
import { freePort } from "./free-port.ts";

/** The binary: REDIS_SERVER, or what the PATH has; null if there is none. */
export const redisBinary: string | null =
  process.env.REDIS_SERVER ?? Bun.which("redis-server") ?? null;

/** Why tests against redis-server can't run, or null if they can. */
export const redisMissing: string | null =
  redisBinary === null ? "redis-server is not installed (apt-get install redis-server)" : null;

if (redisMissing !== null) {
  // Where tests are to prove something, what they skip they can't prove.
  if (process.env.CI === "true") throw new Error(redisMissing);
  console.warn(`Skipping tests: ${redisMissing}`);
}

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
  /** Lets it end in order. */
  terminate(): Promise<void>;
}

/** Starts it and waits until it answers. @param extra further command-line arguments */
export async function startRedis(extra: readonly string[] = []): Promise<RedisServer> {
  if (redisBinary === null) throw new Error(redisMissing!);
  const folder = mkdtempSync(join(tmpdir(), "hutch-redis-"));
  for (let attempt = 0; ; attempt++) {
    const port = freePort();
    const child = Bun.spawn(
      [
        ...BOUND,
        redisBinary,
        ...["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        ...["--enable-debug-command", "yes", "--loglevel", "warning"],
        ...extra,
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
    try {
      await awaitPing(port, () => child.exitCode !== null, child.pid);
    } catch (error) {
      child.kill("SIGKILL");
      await child.exited;
      if (attempt < 2) continue;
      rmSync(folder, { recursive: true });
      throw error;
    }
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal);
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    };
    return { port, pid: child.pid, stop: () => end("SIGKILL"), terminate: () => end("SIGTERM") };
  }
}
