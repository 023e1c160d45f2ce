/**
 * A raw client for tests: sends commands or any bytes, and gives every frame that comes back, types included. It does
 * not match pushes to anything: what arrives is what `read` gives, in order.
 */
import type { Socket } from "bun";
import type { Cursor, RespValue } from "./resp-value.ts";
import { readValue, show } from "./resp-value.ts";

/** An argument: bytes, a string of one character a byte, or a number in decimal. */
export type Argument = string | Uint8Array | number | bigint;

const READ_TIMEOUT_MS = 10_000;

/** What `read` fails with when the server has closed the connection and everything before that was read. */
export class ConnectionClosed extends Error {
  constructor() {
    super("the server closed the connection");
  }
}

/** Where to connect to: a port of 127.0.0.1 if it is a number. */
export type Target =
  | number
  | { readonly hostname: string; readonly port: number; readonly tls?: Bun.TLSOptions }
  | { readonly unix: string };

interface Waiter {
  resolve(value: RespValue): void;
  reject(error: Error): void;
  timer: Timer;
}

export class RespClient {
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  /** Bytes received so far. */
  received = 0;
  #socket: Socket | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #cursor: Cursor = { bytes: this.#bytes, end: 0, pos: 0 };
  readonly #values: RespValue[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #unsent: Buffer[] = [];
  #failure: Error | null = null;
  readonly #setClosed: () => void;

  private constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#setClosed = resolve;
  }

  /** Connects. @param protocol 3 sends HELLO 3 and takes its reply */
  static async connect(target: Target, protocol: 2 | 3 = 2): Promise<RespClient> {
    const client = new RespClient();
    const where = typeof target === "number" ? { hostname: "127.0.0.1", port: target } : target;
    client.#socket = await Bun.connect({
      ...(where as { hostname: string; port: number }),
      allowHalfOpen: true,
      socket: {
        data: (_socket, chunk) => client.#receive(chunk),
        drain: () => client.#send(),
        end: (socket) => {
          socket.end();
        },
        close: () => client.#fail(new ConnectionClosed()),
        error: () => client.#fail(new ConnectionClosed()),
      },
    });
    if (protocol === 3) {
      const hello = await client.call("HELLO", 3);
      if (hello.type !== "map") throw new Error(`HELLO 3 was answered with ${show(hello)}`);
    }
    return client;
  }

  /** Sends one command and gives its reply. */
  async call(...args: readonly Argument[]): Promise<RespValue> {
    this.write(encodeCommand(args));
    return await this.read();
  }

  /** Like `call`, with the reply as `show` prints it. */
  async text(...args: readonly Argument[]): Promise<string> {
    return show(await this.call(...args));
  }

  /** Sends all commands in one write and gives as many replies. */
  async pipeline(commands: readonly (readonly Argument[])[]): Promise<RespValue[]> {
    this.write(Buffer.concat(commands.map(encodeCommand)));
    return await this.readMany(commands.length);
  }

  /** Sends bytes as they are. @param bytes a string is taken as one character a byte */
  write(bytes: Uint8Array | string): void {
    const buffer = Buffer.from(bytes as string, "latin1");
    if (buffer.length === 0) return;
    this.#unsent.push(buffer);
    if (this.#unsent.length === 1) this.#send();
  }

  /** The next frame. Fails if the connection ends first, what arrives is not RESP, or nothing arrives for 10 s. */
  read(): Promise<RespValue> {
    const ready = this.#values.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<RespValue>();
    const timer = setTimeout(
      () => this.#fail(new Error(`no reply within ${READ_TIMEOUT_MS} ms`)),
      READ_TIMEOUT_MS,
    );
    this.#waiters.push({ resolve, reject, timer });
    return promise;
  }

  /** The next `count` frames. */
  async readMany(count: number): Promise<RespValue[]> {
    const values: RespValue[] = [];
    while (values.length < count) values.push(await this.read());
    return values;
  }

  get localPort(): number {
    return this.#socket!.localPort;
  }

  /** Frames that have arrived and were not read. */
  get unread(): number {
    return this.#values.length;
  }

  /** Says that nothing more will be sent; replies still arrive. */
  endWriting(): void {
    this.#socket!.shutdown();
  }

  /** Stops reading from the socket, until `resume`. */
  pause(): void {
    this.#socket!.pause();
  }

  resume(): void {
    this.#socket!.resume();
  }

  /** Ends the connection. */
  close(): void {
    this.#socket!.terminate();
    this.#fail(new ConnectionClosed());
  }

  #send(): void {
    while (this.#unsent.length > 0) {
      const first = this.#unsent[0]!;
      const taken = this.#socket!.write(first);
      if (taken < first.length) {
        if (taken > 0) this.#unsent[0] = first.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
  }

  #receive(chunk: Buffer): void {
    this.received += chunk.length;
    this.#append(chunk);
    try {
      for (;;) {
        const start = this.#cursor.pos;
        const value = start < this.#cursor.end ? readValue(this.#cursor) : undefined;
        if (value === undefined) {
          this.#cursor.pos = start;
          return;
        }
        const waiter = this.#waiters.shift();
        if (waiter === undefined) this.#values.push(value);
        else {
          clearTimeout(waiter.timer);
          waiter.resolve(value);
        }
      }
    } catch (error) {
      this.#fail(error as Error);
      this.#socket!.terminate();
    }
  }

  #append(chunk: Buffer): void {
    const { pos, end } = this.#cursor;
    const left = end - pos;
    if (left === 0) {
      this.#cursor = { bytes: chunk, end: chunk.length, pos: 0 };
      return;
    }
    const needed = left + chunk.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(needed * 2);
      this.#cursor.bytes.copy(grown, 0, pos, end);
      this.#bytes = grown;
    } else {
      this.#cursor.bytes.copy(this.#bytes, 0, pos, end);
    }
    chunk.copy(this.#bytes, left);
    this.#cursor = { bytes: this.#bytes, end: needed, pos: 0 };
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(failure);
    }
    if (failure instanceof ConnectionClosed) this.#setClosed();
  }
}

/** The bytes of one argument. */
export function toBytes(argument: Argument): Buffer {
  if (argument instanceof Uint8Array) return Buffer.from(argument);
  return Buffer.from(String(argument), "latin1");
}

/** The command as an array of bulk strings. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  let text = `*${args.length}\r\n`;
  for (const argument of args) {
    // A string is its bytes already, and many short buffers take most of the time of those who send much.
    const word = typeof argument === "string" ? argument : toBytes(argument).toString("latin1");
    text += `$${word.length}\r\n${word}\r\n`;
  }
  return Buffer.from(text, "latin1");
}
