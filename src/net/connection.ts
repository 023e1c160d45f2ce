/**
 * A connection: what stands in `socket.data`. Bytes come in, commands are cut out of them and run, replies go out.
 *
 * The walk: `receive` gets a chunk. If nothing was left over, the parser scans it in place; else it is appended to the
 * read buffer. Each whole frame is run at once. What remains is kept in the read buffer, together with how far the
 * parser got. Then the replies of the whole chunk leave in one write.
 *
 * Back-pressure: what the system does not take waits in `#unsent` until `drain`. While more than OUTPUT_PAUSE_SIZE
 * waits, no further command of this connection runs and its socket is not read, so a client that never reads costs one
 * reply above that bound and stalls nobody else.
 */
import type { Socket } from "bun";
import {
  OUTPUT_PAUSE_SIZE,
  READ_BUFFER_KEEP,
  READ_BUFFER_SIZE,
  REPLY_FLUSH_SIZE,
} from "../base/limits.ts";
import type { Command } from "../commands/command.ts";
import { execute, run } from "../commands/execute.ts";
import type { Peer, Session } from "../commands/session.ts";
import { NATIVE_HEADER, NativeParser, nativeError } from "../protocol/native.ts";
import { BROKEN, MORE, RespParser } from "../protocol/resp-request.ts";

const NOTHING = Buffer.alloc(0);

export class Connection implements Peer {
  readonly session: Session;
  readonly address: string;
  readonly localAddress: string;
  readonly fd = -1;
  received = 0;
  sent = 0;
  readonly #socket: Socket<Connection>;
  readonly #nativeCommands: readonly Command[];
  /** Chosen by the first byte. */
  #parser: RespParser | NativeParser | null = null;
  /** Bytes of an unfinished command: #buffer[parser.pos or frame start, #end). */
  #buffer: Buffer = NOTHING;
  #end = 0;
  /** Replies that the system did not take yet; [#unsentFrom, length) of the first are left. */
  readonly #unsent: Buffer[] = [];
  #unsentFrom = 0;
  #unsentBytes = 0;
  #closing = false;
  #closed = false;
  #peerEnded = false;

  constructor(socket: Socket<Connection>, session: Session, commands: readonly Command[]) {
    this.#socket = socket;
    this.session = session;
    this.#nativeCommands = commands;
    this.address = `${socket.remoteAddress}:${socket.remotePort}`;
    this.localAddress = `${socket.localAddress}:${socket.localPort}`;
    session.peer = this;
  }

  get inputBytes(): number {
    return this.#end;
  }

  get inputFreeBytes(): number {
    return this.#buffer.length - this.#end;
  }

  get outputBytes(): number {
    return this.#unsentBytes + this.session.reply.pos;
  }

  /** Takes a chunk from the socket. The chunk is not changed by anybody afterwards. */
  receive(chunk: Buffer): void {
    if (this.#closing) return;
    this.received += chunk.length;
    if (this.#end === 0 && !this.#stalled) {
      this.#consume(chunk, chunk.length);
    } else {
      this.#append(chunk);
      if (!this.#stalled) this.#consume(this.#buffer, this.#end);
    }
    this.flush();
  }

  /** The peer will send nothing more; replies still owed to it are sent first. */
  peerEnded(): void {
    this.#peerEnded = true;
    this.closeAfterReplies();
    this.flush();
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.#sendUnsent();
    if (this.#unsentBytes === 0) this.resume();
    this.flush();
  }

  /** Runs commands that were held back, if nothing holds them back any more. */
  resume(): void {
    if (this.#closed || this.#stalled) return;
    if (this.#end > 0) this.#consume(this.#buffer, this.#end);
    if (!this.#stalled) this.#socket.resume();
    this.flush();
  }

  closeAfterReplies(): void {
    this.#closing = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#socket.terminate();
  }

  /** The socket is gone. */
  gone(): void {
    this.#closed = true;
    this.#closing = true;
    this.session.reply.clear();
    this.#unsent.length = 0;
    this.#buffer = NOTHING;
  }

  /** Whether commands must wait. */
  get #stalled(): boolean {
    return this.session.blocked || this.#unsentBytes > OUTPUT_PAUSE_SIZE;
  }

  // ---- input ----

  /** Runs the frames of bytes[parser position, end) and keeps the rest. */
  #consume(bytes: Buffer, end: number): void {
    const parser = this.#parser ?? this.#choose(bytes);
    const { session } = this;
    const { reply } = session;
    while (!this.#closing) {
      // Where the frame under way began, to keep it whole: the parser's own start while it stands between frames.
      const result = parser.next(bytes, end);
      if (result === MORE) break;
      if (result === BROKEN) {
        this.#refuse(parser.error);
        break;
      }
      if (parser instanceof RespParser) execute(session, parser.args);
      else run(session, this.#nativeCommands[parser.command]!, parser.args);
      if (reply.pos > REPLY_FLUSH_SIZE) this.flush();
      if (this.#stalled) {
        this.#socket.pause();
        break;
      }
    }
    this.#keep(parser, bytes, end);
  }

  #choose(bytes: Buffer): RespParser | NativeParser {
    const native = bytes[0] === NATIVE_HEADER;
    const parser = native ? new NativeParser() : new RespParser();
    this.session.native = native;
    this.#parser = parser;
    const { engine } = this.session;
    parser.bulkSizeMax = engine.options.number("proto-max-bulk-len");
    parser.restricted = !this.session.authenticated;
    return parser;
  }

  #refuse(error: string): void {
    const { reply } = this.session;
    if (this.session.native) nativeError(reply, `Protocol error: ${error}`);
    else reply.error(`ERR Protocol error: ${error}`);
    this.closeAfterReplies();
  }

  /** Keeps bytes[first byte still needed, end) for the next chunk. */
  #keep(parser: RespParser | NativeParser, bytes: Buffer, end: number): void {
    const from = parser.idle || parser.args.count === 0 ? parser.pos : parser.args.start(0);
    const left = end - from;
    if (left === 0 || this.#closing) {
      this.#end = 0;
      parser.pos = 0;
      if (this.#buffer.length > READ_BUFFER_KEEP) this.#buffer = NOTHING;
      return;
    }
    if (bytes !== this.#buffer) {
      if (this.#buffer.length < left) {
        this.#buffer = Buffer.allocUnsafeSlow(Math.max(READ_BUFFER_SIZE, left));
      }
      bytes.copy(this.#buffer, 0, from, end);
    } else if (from > 0) {
      bytes.copyWithin(0, from, end);
    } else {
      return;
    }
    this.#end = left;
    parser.shift(-from);
  }

  #append(chunk: Buffer): void {
    const needed = this.#end + chunk.length;
    if (needed > this.#buffer.length) {
      // Doubling keeps the copying linear; a length that was only announced reserves nothing.
      const grown = Buffer.allocUnsafeSlow(Math.max(READ_BUFFER_SIZE, needed * 2));
      this.#buffer.copy(grown, 0, 0, this.#end);
      this.#buffer = grown;
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end = needed;
  }

  // ---- output ----

  /** Sends the replies written so far. */
  flush(): void {
    const { reply } = this.session;
    if (this.#closed) return;
    if (reply.pos > 0) {
      if (this.#unsentBytes > 0) {
        this.#queue(reply.detach());
      } else {
        const size = reply.pos;
        const taken = Math.max(0, this.#socket.write(reply.buffer, 0, size));
        this.sent += taken;
        if (taken === size) reply.clear();
        else {
          this.#unsentFrom = taken;
          this.#unsentBytes = -taken;
          this.#queue(reply.detach());
        }
      }
    }
    if (this.#closing && this.#unsentBytes === 0 && !this.#closed) {
      this.#closed = true;
      this.#socket.end();
    }
  }

  #queue(bytes: Buffer): void {
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
  }

  #sendUnsent(): void {
    while (this.#unsent.length > 0) {
      const first = this.#unsent[0]!;
      const left = first.length - this.#unsentFrom;
      const taken = this.#socket.write(first, this.#unsentFrom, left);
      if (taken <= 0) return;
      this.sent += taken;
      this.#unsentBytes -= taken;
      this.#unsentFrom += taken;
      if (taken < left) return;
      this.#unsent.shift();
      this.#unsentFrom = 0;
    }
  }
}
