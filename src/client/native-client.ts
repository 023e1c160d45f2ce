/**
 * The client of the native protocol: get, set, clear, ping over one connection. Requests are pipelined: they are sent
 * without waiting for earlier answers, those of one turn of the event loop together, and answered in order. Keys and
 * values are bytes; a string stands for its UTF-8.
 *
 * The format of requests and replies is described in `native-requests.ts` and `native-reply-parser.ts`.
 */
import type { Socket } from "bun";
import { nanoseconds } from "../base/clock.ts";
import { NATIVE_CLEAR, NATIVE_GET, NATIVE_PING, NATIVE_SET } from "../protocol/native.ts";
import { ConnectionClosedError, ServerError, TimeoutError } from "./errors.ts";
import type { NativeReply } from "./native-reply-parser.ts";
import { NativeReplyParser } from "./native-reply-parser.ts";
import { NativeRequests } from "./native-requests.ts";

export interface ConnectOptions {
  /** TCP port of the server. */
  readonly port: number;
  /** Name or address of the server. Default: "127.0.0.1". */
  readonly host?: string;
  /** Milliseconds that connecting, and each request, may take; 0 for no limit. Default: 5000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5000;
const KEY_NOT_FOUND = "Key not found";
const STRING_MAX = 0xffff_ffff;

/** A request that was sent, or waits to be. */
interface Request {
  readonly name: string;
  readonly deadlineMs: number;
  /** Null once the request has timed out: its answer, when it comes, is dropped. */
  settle: { resolve(reply: NativeReply): void; reject(error: Error): void } | null;
}

/**
 * Connects to a server.
 * @throws {ConnectionClosedError} (as a rejection) nobody listens there
 * @throws {TimeoutError} (as a rejection) no connection within `timeoutMs`
 */
export async function connect(options: ConnectOptions): Promise<NativeClient> {
  const { port, host = "127.0.0.1", timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const client = new NativeClient(timeoutMs);
  await client.open(host, port);
  return client;
}

export class NativeClient {
  readonly #timeoutMs: number;
  readonly #requests: NativeRequests = new NativeRequests();
  readonly #replies: NativeReplyParser = new NativeReplyParser();
  /** Requests without an answer, oldest first: #unanswered[#oldest] and those behind it. */
  #unanswered: Request[] = [];
  #oldest = 0;
  #socket: Socket | null = null;
  #sendScheduled = false;
  /** Runs while there are requests that may time out. */
  #timer: Timer | null = null;
  /** Why there is no connection any more. */
  #closedBy: ConnectionClosedError | null = null;

  /** @internal use `connect` */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** @internal use `connect` */
  async open(host: string, port: number): Promise<void> {
    const where = `${host}:${port}`;
    const connecting = Bun.connect({
      hostname: host,
      port,
      socket: {
        open: (socket) => {
          socket.setNoDelay(true);
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
    let timer: Timer | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      if (this.#timeoutMs === 0) return;
      timer = setTimeout(
        () => reject(new TimeoutError(`connecting to ${where}`, this.#timeoutMs)),
        this.#timeoutMs,
      );
    });
    try {
      this.#socket = await Promise.race([connecting, late]);
    } catch (cause) {
      if (cause instanceof TimeoutError) {
        void connecting.then(
          (socket) => socket.terminate(),
          () => {},
        );
        throw cause;
      }
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ConnectionClosedError(`can't connect to ${where}: ${reason}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether requests can still be made. */
  get connected(): boolean {
    return this.#closedBy === null;
  }

  /**
   * The value of a key, or null if there is no such key.
   * @throws {ServerError | TimeoutError | ConnectionClosedError} (as a rejection), as every request does
   */
  async get(key: string | Uint8Array): Promise<Buffer | null> {
    const { ok, body } = await this.#request("get", NATIVE_GET, [toBuffer(key)]);
    if (ok) return body;
    const text = body.toString("latin1");
    if (text === KEY_NOT_FOUND) return null;
    throw new ServerError(text);
  }

  /** Makes a key hold a value; an expiry time that it had is gone. */
  async set(key: string | Uint8Array, value: string | Uint8Array): Promise<void> {
    orThrow(await this.#request("set", NATIVE_SET, [toBuffer(key), toBuffer(value)]));
  }

  /** Removes a key. Gives its value, empty if there was no such key. */
  async clear(key: string | Uint8Array): Promise<Buffer> {
    return orThrow(await this.#request("clear", NATIVE_CLEAR, [toBuffer(key)]));
  }

  /** Asks for a sign of life. Gives the message back, `PONG` if it is empty. */
  async ping(message: string | Uint8Array = ""): Promise<Buffer> {
    return orThrow(await this.#request("ping", NATIVE_PING, [toBuffer(message)]));
  }

  /** Closes the connection; requests without an answer are rejected. May be called again. */
  close(): void {
    this.#fail(new ConnectionClosedError("the client was closed"));
  }

  /** `using client = await connect(...)` closes it at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #request(name: string, command: number, strings: readonly Buffer[]): Promise<NativeReply> {
    if (this.#closedBy !== null) return Promise.reject(this.#closedBy);
    for (const string of strings) {
      if (string.length > STRING_MAX) {
        return Promise.reject(new RangeError(`${name}: ${string.length} bytes are too many`));
      }
    }
    const { promise, resolve, reject } = Promise.withResolvers<NativeReply>();
    const deadlineMs = this.#timeoutMs === 0 ? Infinity : nowMs() + this.#timeoutMs;
    this.#unanswered.push({ name, deadlineMs, settle: { resolve, reject } });
    this.#requests.append(command, strings);
    if (this.#timer === null && this.#timeoutMs !== 0) this.#startTimer(this.#timeoutMs);
    if (!this.#sendScheduled) {
      this.#sendScheduled = true;
      queueMicrotask(() => this.#send());
    }
    return promise;
  }

  #send(): void {
    this.#sendScheduled = false;
    const socket = this.#socket;
    if (socket === null || this.#closedBy !== null) return;
    this.#requests.send((buffer, from, size) => socket.write(buffer, from, size));
  }

  #receive(chunk: Buffer): void {
    if (this.#closedBy !== null) return;
    try {
      this.#replies.feed(chunk);
      for (let reply = this.#replies.next(); reply !== null; reply = this.#replies.next()) {
        const request = this.#takeOldest();
        if (request === null) throw new Error("an answer without a request");
        request.settle?.resolve(reply);
      }
    } catch (cause) {
      this.#fail(new ConnectionClosedError((cause as Error).message, { cause }));
    }
  }

  #takeOldest(): Request | null {
    const request = this.#unanswered[this.#oldest] ?? null;
    if (request === null) return null;
    this.#oldest++;
    if (this.#oldest === this.#unanswered.length) {
      this.#unanswered.length = 0;
      this.#oldest = 0;
    } else if (this.#oldest > 1024 && this.#oldest * 2 > this.#unanswered.length) {
      this.#unanswered = this.#unanswered.slice(this.#oldest);
      this.#oldest = 0;
    }
    return request;
  }

  #startTimer(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#rejectLate();
    }, ms);
  }

  /** Rejects requests whose time is over. All have the same limit, so those that come later have more time. */
  #rejectLate(): void {
    const now = nowMs();
    for (let at = this.#oldest; at < this.#unanswered.length; at++) {
      const request = this.#unanswered[at]!;
      if (request.settle === null) continue;
      const left = request.deadlineMs - now;
      if (left > 0) {
        this.#startTimer(Math.ceil(left));
        return;
      }
      const { reject } = request.settle;
      request.settle = null;
      reject(new TimeoutError(request.name, this.#timeoutMs));
    }
  }

  /** Ends the connection, once, and rejects what waits. */
  #fail(error: ConnectionClosedError): void {
    if (this.#closedBy !== null) return;
    this.#closedBy = error;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiting = this.#unanswered.slice(this.#oldest);
    this.#unanswered = [];
    this.#oldest = 0;
    for (const request of waiting) request.settle?.reject(error);
    this.#socket?.end();
  }
}

function orThrow(reply: NativeReply): Buffer {
  if (!reply.ok) throw new ServerError(reply.body.toString("latin1"));
  return reply.body;
}

function toBuffer(value: string | Uint8Array): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function nowMs(): number {
  return nanoseconds() / 1e6;
}
