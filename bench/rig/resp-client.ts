/** A client for questions of the benchmarks themselves: one command at a time, the answer as the bytes that came. */
import type { Socket } from "bun";

const ANSWER_TIMEOUT_MS = 5_000;
const ERROR: number = "-".charCodeAt(0);
/** Bytes of an error that are shown. */
const SHOWN_MAX = 200;

/** A series of commands, made when they are sent. */
export interface Commands {
  readonly count: number;
  readonly command: (index: number) => readonly string[];
}

export class RespClient {
  #socket: Socket<undefined> | null = null;
  #received: Buffer = Buffer.alloc(0);
  #unsent: Uint8Array = new Uint8Array(0);
  #complete: (bytes: Buffer) => number = respReplyEnd;
  #settle: ((answer: Buffer | Error) => void) | null = null;

  /** Rejects if nobody listens. */
  static async connect(port: number): Promise<RespClient> {
    const client = new RespClient();
    client.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, chunk) => client.#receive(chunk),
        drain: () => client.#send(client.#unsent),
        close: () => client.#settle?.(new Error("the server closed the connection")),
        error: (_socket, error) => client.#settle?.(error),
      },
    });
    return client;
  }

  /** Sends a command and resolves with its whole reply. */
  call(args: readonly string[]): Promise<Buffer> {
    return this.exchange(respFrame(args), respReplyEnd);
  }

  /** Sends commands in batches, and waits for each batch's replies. Throws if one is an error. */
  async callMany(commands: Commands, batch: number): Promise<void> {
    for (let first = 0; first < commands.count; first += batch) {
      const count = Math.min(batch, commands.count - first);
      const frames = Array.from({ length: count }, (_, i) =>
        respFrame(commands.command(first + i)),
      );
      await this.exchange(Buffer.concat(frames), (bytes) => repliesEnd(bytes, count));
    }
  }

  /**
   * Sends bytes and resolves with the reply to them.
   * @param replyEnd gives the length of the first reply in a buffer, or -1 if it is not complete
   */
  exchange(request: Uint8Array, replyEnd: (bytes: Buffer) => number): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const timer = setTimeout(() => reject(new Error("no answer in time")), ANSWER_TIMEOUT_MS);
    this.#complete = replyEnd;
    this.#settle = (answer) => {
      clearTimeout(timer);
      this.#settle = null;
      if (answer instanceof Error) reject(answer);
      else resolve(answer);
    };
    this.#send(request);
    return promise;
  }

  close(): void {
    this.#settle = null;
    this.#socket?.end();
  }

  /** What the system does not take now leaves when it takes more. */
  #send(bytes: Uint8Array): void {
    this.#unsent = bytes.subarray(Math.max(0, this.#socket!.write(bytes)));
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    const end = this.#complete(this.#received);
    if (end === -1) return;
    const answer = this.#received.subarray(0, end);
    this.#received = this.#received.subarray(end);
    this.#settle?.(answer);
  }
}

/** A command as RESP sends it. */
export function respFrame(args: readonly string[]): Buffer {
  const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
  return Buffer.from(`*${args.length}\r\n${parts.join("")}`);
}

/** Length of the RESP2 reply that `bytes` begins with, or -1 if it is not complete. */
export function respReplyEnd(bytes: Buffer, from = 0): number {
  const lineEnd = bytes.indexOf("\r\n", from);
  if (lineEnd === -1) return -1;
  const next = lineEnd + 2;
  const kind = String.fromCharCode(bytes[from]!);
  if (kind !== "$" && kind !== "*") return next;
  const size = Number(bytes.toString("latin1", from + 1, lineEnd));
  if (size < 0) return next;
  if (kind === "$") return bytes.length >= next + size + 2 ? next + size + 2 : -1;
  let end = next;
  for (let i = 0; i < size && end !== -1; i++) end = respReplyEnd(bytes, end);
  return end;
}

/** Length of the first `count` replies in a buffer, or -1 if they are not complete. Throws if one of them is an error. */
function repliesEnd(bytes: Buffer, count: number): number {
  let end = 0;
  for (let i = 0; i < count && end !== -1; i++) {
    if (bytes[end] === ERROR) throw new Error(bytes.toString("latin1", end, end + SHOWN_MAX));
    end = respReplyEnd(bytes, end);
  }
  return end;
}
