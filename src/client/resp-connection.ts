/**
 * A connection to a server that speaks Redis's protocol, for the program's own errands: commands go out in pipelines, and the
 * replies of one come back together, in order. Bulk strings are Buffers, since keys and values are bytes.
 */
import type { Socket, TLSOptions } from "bun";
import { RespReplyDecoder } from "../protocol/resp-reply-decoder.ts";
import type { ReplyValue } from "../protocol/resp-reply-decoder.ts";
import { ConnectionClosedError } from "./errors.ts";

/** A command's name and arguments; a string stands for its UTF-8. */
export type Command = readonly (string | Buffer)[];

/** How a connection by TLS finds out who it talks to. */
export interface TlsTrust {
  /** Certificates in PEM form of those who may vouch for the server, or null for those that the system trusts. */
  readonly authorities: string | null;
  /** Takes any certificate. */
  readonly insecure: boolean;
}

const LINE_END = Buffer.from("\r\n");

/** A server that speaks no TLS may just wait. */
const HANDSHAKE_MS = 5000;

/** A pipeline whose replies are still arriving. */
interface Waiter {
  readonly replies: ReplyValue[];
  readonly count: number;
  resolve(replies: ReplyValue[]): void;
  reject(error: Error): void;
}

export class RespConnection {
  readonly #where: string;
  readonly #decoder: RespReplyDecoder = new RespReplyDecoder(true);
  /** Pipelines without all their replies, oldest first. */
  readonly #waiters: Waiter[] = [];
  /** What the socket did not take yet. */
  readonly #unsent: Buffer[] = [];
  #socket: Socket | null = null;
  #closedBy: ConnectionClosedError | null = null;
  /** Settles with the handshake of TLS. */
  readonly #secured = Promise.withResolvers<void>();

  private constructor(where: string) {
    this.#where = where;
    // Only who speaks TLS waits for it.
    this.#secured.promise.catch(() => {});
  }

  /**
   * Connects; by TLS if that says whom to trust, and then nothing is sent before the server has shown who it is.
   * @throws {ConnectionClosedError} (as a rejection) nobody listens there, or somebody else
   */
  static async open(
    host: string,
    port: number,
    trust: TlsTrust | null = null,
  ): Promise<RespConnection> {
    const connection = new RespConnection(`${host}:${port}`);
    await connection.#open(host, port, trust);
    if (trust !== null) await connection.#shakeHands();
    return connection;
  }

  /**
   * Sends commands and gives their replies, errors among them as values.
   * @throws {ConnectionClosedError} (as a rejection) the connection is gone; the commands may have been carried out or not
   */
  pipeline(commands: readonly Command[]): Promise<ReplyValue[]> {
    if (this.#closedBy !== null) return Promise.reject(this.#closedBy);
    if (commands.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<ReplyValue[]>();
    this.#waiters.push({ replies: [], count: commands.length, resolve, reject });
    this.#unsent.push(Buffer.concat(commands.flatMap(partsOf)));
    if (this.#unsent.length === 1) this.#send();
    return promise;
  }

  /** Sends one command and gives its reply. */
  async call(...command: Command): Promise<ReplyValue> {
    const [reply] = await this.pipeline([command]);
    return reply!;
  }

  close(): void {
    this.#fail(new ConnectionClosedError(`the connection to ${this.#where} was closed`));
    this.#socket?.end();
  }

  async #open(hostname: string, port: number, trust: TlsTrust | null): Promise<void> {
    const where = this.#where;
    try {
      this.#socket = await Bun.connect({
        hostname,
        port,
        ...(trust === null ? {} : { tls: tlsOf(trust) }),
        socket: {
          open: (socket) => {
            socket.setNoDelay(true);
            socket.setKeepAlive(true);
          },
          handshake: (_socket, isTrusted, problem) => {
            if (isTrusted) return this.#secured.resolve();
            const code =
              problem === null
                ? ""
                : ` (${(problem as { code?: string }).code ?? problem.message})`;
            this.#fail(
              new ConnectionClosedError(`the certificate of ${where} is not trusted${code}`),
            );
          },
          data: (_socket, chunk) => this.#receive(chunk),
          drain: () => this.#send(),
          close: () => this.#fail(new ConnectionClosedError(`${where} closed the connection`)),
          error: (_socket, cause) => {
            this.#fail(new ConnectionClosedError(`the connection to ${where} broke`, { cause }));
          },
          connectError: () => {},
        },
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ConnectionClosedError(`can't connect to ${where}: ${reason}`, { cause });
    }
  }

  async #shakeHands(): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const error = new ConnectionClosedError(`${this.#where} does not answer in TLS`);
    const timer = setTimeout(() => reject(error), HANDSHAKE_MS);
    try {
      await Promise.race([this.#secured.promise, promise]);
    } catch (cause) {
      this.#socket?.terminate();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  #send(): void {
    while (this.#unsent.length > 0) {
      const first = this.#unsent[0]!;
      const taken = Math.max(0, this.#socket!.write(first));
      if (taken < first.length) {
        this.#unsent[0] = first.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#decoder.feed(chunk);
      for (;;) {
        const value = this.#decoder.next();
        if (value === undefined) return;
        const waiter = this.#waiters[0];
        if (waiter === undefined) continue;
        waiter.replies.push(value);
        if (waiter.replies.length < waiter.count) continue;
        this.#waiters.shift();
        waiter.resolve(waiter.replies);
      }
    } catch (cause) {
      const what = `what ${this.#where} answered is not Redis's protocol`;
      this.#fail(new ConnectionClosedError(what, { cause }));
      this.#socket?.terminate();
    }
  }

  #fail(error: ConnectionClosedError): void {
    this.#closedBy ??= error;
    this.#secured.reject(this.#closedBy);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

function tlsOf({ authorities, insecure }: TlsTrust): TLSOptions {
  return {
    rejectUnauthorized: !insecure,
    ...(authorities === null ? {} : { ca: authorities }),
  };
}

function partsOf(command: Command): Buffer[] {
  const parts: Buffer[] = [Buffer.from(`*${command.length}\r\n`)];
  for (const argument of command) {
    const bytes = typeof argument === "string" ? Buffer.from(argument) : argument;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, LINE_END);
  }
  return parts;
}
