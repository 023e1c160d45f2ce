/** The program with any command line, for tests of its start and its end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BOUND } from "../support/bound.ts";

const SERVER = new URL("../../src/server.ts", import.meta.url).pathname;

export interface Run {
  readonly pid: number;
  /** Standard output and standard error so far. */
  out(): string;
  err(): string;
  /** The exit code, once it has ended and everything it printed was read. */
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
  /** Waits until `text` was printed to standard output. Fails if the program ends first. */
  printed(text: string): Promise<void>;
  /** The port it said it listens on. */
  port(): Promise<number>;
  stop(): Promise<void>;
}

export interface RunSetup {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Runs it within a shell after this command, as "ulimit -n 200". */
  readonly after?: string;
}

export function runHutch(args: readonly string[], setup: RunSetup = {}): Run {
  const command = [...BOUND, process.execPath, "run", SERVER, ...args];
  // A program that ends in order leaves a snapshot where it ran.
  const own = setup.cwd === undefined ? mkdtempSync(join(tmpdir(), "hutch-cli-")) : null;
  const child = Bun.spawn(
    setup.after === undefined
      ? command
      : [...BOUND, "sh", "-c", `${setup.after} && exec "$@"`, "sh", ...command],
    {
      stdin: setup.input === undefined ? "ignore" : Buffer.from(setup.input, "latin1"),
      stdout: "pipe",
      stderr: "pipe",
      // Tests that want a log say so.
      env: { ...process.env, HUTCH_APPENDONLY: "no", ...setup.env },
      cwd: own ?? setup.cwd!,
    },
  );
  const texts = ["", ""];
  const collect = async (index: number, stream: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const chunk of stream) texts[index] += Buffer.from(chunk).toString("latin1");
  };
  const collected = Promise.all([collect(0, child.stdout), collect(1, child.stderr)]);
  const exited = child.exited.then(async (code) => {
    await collected;
    if (own !== null) rmSync(own, { recursive: true, force: true });
    return code;
  });
  const printed = async (text: string): Promise<void> => {
    let ended = false;
    void exited.then(() => (ended = true));
    while (!texts[0]!.includes(text)) {
      if (ended) throw new Error(`ended without "${text}":\n${texts[0]}${texts[1]}`);
      await Bun.sleep(5);
    }
  };
  return {
    pid: child.pid,
    out: () => texts[0]!,
    err: () => texts[1]!,
    exited,
    kill: (signal) => child.kill(signal),
    printed,
    async port() {
      await printed("Ready to accept connections tcp");
      return Number(/Running mode=standalone, port=(\d+)\./.exec(texts[0]!)![1]);
    },
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Runs `use` in a folder of its own, which is gone afterwards. */
export async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hutch-cli-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
