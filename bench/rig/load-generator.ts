/** Starts a load generator on its core and gives it orders, one at a time. What the orders mean stands in `load.ts`. */
import { fileURLToPath } from "node:url";
import { LOAD_CORE, onCore } from "./machine.ts";
import type { Operation, Protocol } from "./requests.ts";

/** Connections of every load; redis-benchmark's default too. */
export const CONNECTIONS = 50;
const FILL_DEPTH = 64;

const PROGRAM: string = fileURLToPath(new URL("./load.ts", import.meta.url));

export interface ClosedOrder {
  readonly kind: "closed";
  readonly operation: Operation;
  readonly depth: number;
  readonly requests: number;
}

export interface FillOrder {
  readonly kind: "fill";
  /** Number of the first key. */
  readonly first: number;
  readonly count: number;
  /** After this many keys the first one comes again. */
  readonly range: number;
  readonly depth: number;
}

export interface OpenOrder {
  readonly kind: "open";
  readonly operation: Operation;
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
}

export type Order = ClosedOrder | FillOrder | OpenOrder;

export interface ClosedResult {
  readonly requests: number;
  readonly seconds: number;
}

export interface FillResult extends ClosedResult {
  /** The longest time in ms from sending a batch to its last reply. */
  readonly longestMs: number;
}

/** Latencies in microseconds from the moment at which a request was due. */
export interface OpenResult extends ClosedResult {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** How late the generator itself sent: the part of the latency that is not the server's. */
  readonly lagP999Us: number;
  /**
   * From sending to the reply, without what passed between two steps of the generator that were further apart than a step
   * takes: what the server, the system and nobody else is answerable for.
   */
  readonly serverP999Us: number;
}

export type Answer =
  { readonly result: ClosedResult | FillResult | OpenResult | null } | { readonly error: string };

export class LoadGenerator {
  readonly #process: Bun.Subprocess;
  #settle: ((answer: Answer) => void) | null = null;

  private constructor(protocol: Protocol, port: number, connections: number) {
    const args = [protocol, String(port), String(connections)];
    this.#process = Bun.spawn(onCore(LOAD_CORE, [process.execPath, "run", PROGRAM, ...args]), {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
      ipc: (message: Answer) => this.#settle?.(message),
      onExit: (_process, code) => this.#settle?.({ error: `the generator ended with ${code}` }),
    });
  }

  /** Resolves when all connections stand. */
  static async start(
    protocol: Protocol,
    port: number,
    connections: number = CONNECTIONS,
  ): Promise<LoadGenerator> {
    const generator = new LoadGenerator(protocol, port, connections);
    await generator.#answer();
    return generator;
  }

  closed(operation: Operation, depth: number, requests: number): Promise<ClosedResult> {
    return this.#order({ kind: "closed", operation, depth, requests });
  }

  /** Sends `count` SETs of the keys from number `first` on; after `range` keys the first one comes again. */
  fill(first: number, count: number, range: number = count): Promise<FillResult> {
    const order = { kind: "fill", first, count, range, depth: FILL_DEPTH } as const;
    return this.#order(order) as Promise<FillResult>;
  }

  open(operation: Operation, rate: number, seconds: number): Promise<OpenResult> {
    return this.#order({ kind: "open", operation, rate, seconds }) as Promise<OpenResult>;
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
  }

  #order(order: Order): Promise<ClosedResult> {
    const answer = this.#answer();
    this.#process.send(order);
    return answer as Promise<ClosedResult>;
  }

  async #answer(): Promise<ClosedResult | null> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#settle = resolve;
    const answer = await promise;
    this.#settle = null;
    if ("error" in answer) throw new Error(answer.error);
    return answer.result;
  }
}

/** Sets `count` keys from number `first` on, with a generator of its own. */
export async function fillKeys(port: number, first: number, count: number): Promise<void> {
  const generator = await LoadGenerator.start("resp", port);
  try {
    await generator.fill(first, count);
  } finally {
    await generator.stop();
  }
}
