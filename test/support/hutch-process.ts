/** The program as its users start it: a process of its own on a free port. The caller stops it in a `finally` or `afterAll`. */
import { awaitPing } from "./await-ping.ts";
import { BOUND } from "./bound.ts";
import { freePort } from "./free-port.ts";

export const SERVER: string = new URL("../../src/server.ts", import.meta.url).pathname;

export interface HutchProcess {
  readonly port: number;
  readonly pid: number;
  /** What it has printed so far, standard output and error together. */
  output(): string;
  /** The exit code, once it has ended. */
  readonly exited: Promise<number>;
  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void;
  /** Kills it and waits until it is gone. */
  stop(): Promise<void>;
}

export interface HutchOptions {
  /** Further command-line arguments. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Directory to start in. */
  readonly cwd?: string;
}

/** Starts it and waits until it answers. */
export async function startHutch(options: HutchOptions = {}): Promise<HutchProcess> {
  for (let attempt = 0; ; attempt++) {
    const port = freePort();
    const hutch = spawnHutch(port, options);
    try {
      let ended = false;
      void hutch.exited.then(() => (ended = true));
      await awaitPing(port, () => ended, hutch.pid);
      return hutch;
    } catch (error) {
      await hutch.stop();
      if (attempt === 2) throw new Error(hutch.output(), { cause: error });
    }
  }
}

/** Starts it without waiting for anything. */
export function spawnHutch(port: number, options: HutchOptions = {}): HutchProcess {
  let printed = "";
  const { args = [] } = options;
  // A test that says nothing of snapshots leaves none behind.
  const quiet = args.includes("--save") ? [] : ["--save", ""];
  const child = Bun.spawn(
    [...BOUND, process.execPath, "run", SERVER, "--port", `${port}`, ...quiet, ...args],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // Tests that want a log say so.
      env: { ...process.env, HUTCH_APPENDONLY: "no", ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) printed += decoder.decode(chunk, { stream: true });
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const exited = child.exited.then(async (code) => {
    await collected;
    return code;
  });
  return {
    port,
    pid: child.pid,
    output: () => printed,
    exited,
    kill: (signal) => child.kill(signal),
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
