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
  /** Ends it, and gives the times since the start. */
  stop(): Promise<PingTimes>;
}

/** Begins to measure; settles when the connection has been used for a while. */
export async function startPings(port: number, password = ""): Promise<PingProbe> {
  const child = Bun.spawn([process.execPath, "run", import.meta.path, String(port), password], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await lines.read();
  return {
    async stop() {
      void child.stdin.end();
      const { value } = await lines.read();
      await child.exited;
      if (value === undefined) throw new Error("the probe ended before it was stopped");
      return JSON.parse(value) as PingTimes;
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
  const state = { stopped: false };
  void Bun.stdin.text().then(() => (state.stopped = true));
  const ask = async (line: string): Promise<void> => {
    const answer = new Promise<void>((resolve) => (answered = resolve));
    socket.write(`${line}\r\n`);
    await answer;
  };
  if (password !== "") await ask(`AUTH ${password}`);
  let times: number[] = [];
  for (let count = 0; !state.stopped; count++) {
    if (count === WARM_UP) {
      times = [];
      process.stdout.write("ready\n");
    }
    const begin = performance.now();
    await ask("PING");
    times.push(performance.now() - begin);
    await Bun.sleep(PAUSE_MS);
  }
  times.sort((a, b) => a - b);
  const found: PingTimes = {
    count: times.length,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
    maxMs: times.at(-1) ?? 0,
  };
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
}

if (import.meta.main) await measure(Number(process.argv[2]), process.argv[3]!);
