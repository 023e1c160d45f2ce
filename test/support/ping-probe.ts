/**
 * How long a server keeps its clients waiting: PINGs, one a millisecond, from a process of its own, so that what the test itself
 * does in the meantime does not count. The longest answer is an upper bound of the longest turn of the server's event loop.
 */
const WARM_UP = 200;
const PAUSE_MS = 1;

export interface PingTimes {
  readonly count: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface PingProbe {
  /** The times since the start, or since this was asked the last time. */
  take(): Promise<PingTimes>;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Begins to measure; settles when the connection has been used for a while. */
export async function startPings(port: number, password = ""): Promise<PingProbe> {
  const child = Bun.spawn([process.execPath, "run", import.meta.path, String(port), password], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await answers.read();
  return {
    async take() {
      void child.stdin.write("take\n");
      void child.stdin.flush();
      const { value } = await answers.read();
      if (value === undefined) throw new Error("the probe has ended");
      return JSON.parse(value) as PingTimes;
    },
    async stop() {
      void child.stdin.end();
      await child.exited;
    },
  };
}

async function measure(port: number, password: string): Promise<void> {
  let answered: (() => void) | undefined;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: () => answered?.(),
      close: () => process.exit(1),
    },
  });
  const ask = async (line: string): Promise<void> => {
    const answer = new Promise<void>((resolve) => (answered = resolve));
    socket.write(`${line}\r\n`);
    await answer;
  };
  const askForTime = async (): Promise<number> => {
    const begin = performance.now();
    await ask("PING");
    return performance.now() - begin;
  };
  if (password !== "") await ask(`AUTH ${password}`);
  for (let i = 0; i < WARM_UP; i++) await askForTime();
  let times: number[] = [];
  process.stdin.on("data", () => {
    const sorted = times.toSorted((a, b) => a - b);
    times = [];
    const found: PingTimes = {
      count: sorted.length,
      p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      maxMs: sorted.at(-1) ?? 0,
    };
    process.stdout.write(JSON.stringify(found));
  });
  process.stdin.on("end", () => process.exit(0));
  process.stdout.write("ready");
  for (;;) {
    times.push(await askForTime());
    await Bun.sleep(PAUSE_MS);
  }
}

if (import.meta.main) await measure(Number(process.argv[2]), process.argv[3]!);
