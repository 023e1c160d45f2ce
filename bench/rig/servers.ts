/** The servers under test: which there are, how each is started, and how one is stopped. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ALL_CORES, capture, onCore, SERVER_CORE } from "./machine.ts";
import { RespClient } from "./resp-client.ts";

/** A program that can serve. */
export interface Product {
  readonly name: string;
  readonly version: string;
  /** Started with the arguments of `SERVER_ARGUMENTS` after it. */
  readonly command: readonly string[];
}

/** How long a server may take until it answers. */
const START_TIMEOUT_MS = 10_000;
/** How long a server may take to stop before it is killed. */
const STOP_TIMEOUT_MS = 5_000;

const SERVER_SOURCE: string = fileURLToPath(new URL("../../src/server.ts", import.meta.url));
const THREAD_SOURCE: string = fileURLToPath(
  new URL("../../src/scripting/script-worker.ts", import.meta.url),
);

/** Hutch, run from its source as users run it. */
export function hutch(): Product {
  const { version } = JSON.parse(
    readFileSync(join(import.meta.dir, "../../package.json"), "utf8"),
  ) as { version: string };
  return { name: "hutch", version, command: [process.execPath, "run", SERVER_SOURCE] };
}

/** Hutch with a module that runs before it, in its process. */
export function hutchWithPreload(module: string): Product {
  return { ...hutch(), command: [process.execPath, "run", "--preload", module, SERVER_SOURCE] };
}

/** Hutch as a single executable, built into `directory`. */
export function hutchCompiled(directory: string): Product {
  const outfile = join(directory, "hutch");
  capture([
    ...[process.execPath, "build", "--compile", "--bytecode", "--format=esm"],
    ...[SERVER_SOURCE, THREAD_SOURCE, "--outfile", outfile],
  ]);
  return { ...hutch(), name: "hutch, compiled", command: [outfile] };
}

/** The servers of Redis's kind that stand on the PATH. */
export function findServers(): Product[] {
  const products: Product[] = [];
  for (const name of ["redis-server", "valkey-server"]) {
    const path = Bun.which(name);
    if (path === null) continue;
    const version = /v=(\S+)/.exec(capture([path, "--version"]))?.[1] ?? "unknown";
    products.push({ name, version, command: [path] });
  }
  return products;
}

/** When a server's log is synced, or that it has none. */
export type LogPolicy = "none" | "everysec" | "always";

/** Everybody listens on the loopback interface only and keeps nothing on disk but a log that is asked for. */
function serverArguments(port: number, directory: string, log: LogPolicy): string[] {
  return [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", directory],
    ...["--save", "", "--appendonly", log === "none" ? "no" : "yes"],
    ...(log === "none" ? [] : ["--appendfsync", log, "--auto-aof-rewrite-percentage", "0"]),
  ];
}

export interface StartOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The log that the server keeps; none unless it is said. */
  readonly log?: LogPolicy;
  /** More arguments of its command line. */
  readonly words?: readonly string[];
  /** Lets the server's threads run on every core, instead of the server's one. */
  readonly allCores?: boolean;
}

/** A server's process, bound to the server's core unless the options say otherwise. */
export class RunningServer {
  readonly product: Product;
  readonly port: number;
  /** When the process was started, in ns of `Bun.nanoseconds`. */
  readonly startedNs: number;
  readonly #process: Bun.Subprocess;
  readonly #directory: string;

  constructor(product: Product, options: StartOptions = {}) {
    const directory = mkdtempSync(join(tmpdir(), "hutch-bench-"));
    this.product = product;
    this.port = freePort();
    this.#directory = directory;
    this.startedNs = Bun.nanoseconds();
    const core = options.allCores === true ? ALL_CORES : SERVER_CORE;
    this.#process = Bun.spawn(
      onCore(core, [
        ...product.command,
        ...serverArguments(this.port, directory, options.log ?? "none"),
        ...(options.words ?? []),
      ]),
      {
        cwd: directory,
        env: { ...process.env, ...options.env },
        stdin: "ignore",
        stdout: Bun.file(join(directory, "stdout")),
        stderr: Bun.file(join(directory, "stderr")),
      },
    );
    running.add(this);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What the server has written to its standard error so far. */
  get errorOutput(): string {
    return readFileSync(join(this.#directory, "stderr"), "utf8");
  }

  /** Sends a signal. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Resolves with the exit code when the process has ended. */
  get exited(): Promise<number> {
    return this.#process.exited;
  }

  async stop(): Promise<void> {
    running.delete(this);
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#process.exited;
    clearTimeout(timer);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Ends the process at once; for the exit of this one. */
  abandon(): void {
    this.#process.kill("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const running: Set<RunningServer> = new Set();
process.on("exit", () => {
  for (const server of running) server.abandon();
});
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(130));

/** Starts a server and waits for its first answer. */
export async function start(product: Product, options: StartOptions = {}): Promise<RunningServer> {
  const server = new RunningServer(product, options);
  try {
    await firstPong(server);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Asks until the server answers PING. Throws, with what it printed, if it ends or takes too long. */
export async function firstPong(server: RunningServer): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let ended = false;
  void server.exited.then(() => (ended = true));
  for (;;) {
    const client = await RespClient.connect(server.port).catch(() => null);
    if (client !== null) {
      const answer = await client.call(["PING"]);
      client.close();
      if (answer.toString("latin1") === "+PONG\r\n") return;
    }
    if (ended || performance.now() > deadline) {
      throw new Error(`${server.product.name} does not answer: ${server.errorOutput}`);
    }
    await Bun.sleep(1);
  }
}

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
