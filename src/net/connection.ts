/**
 * A connection: what stands in `socket.data`. Bytes come in, commands are cut out of them and run, replies go out.
 *
 * The walk: `receive` gets a chunk. If nothing was left over, the parser scans it in place; else it is appended to the
 * read buffer. Each whole frame is run at once. What remains is kept in the read buffer, together with how far the
 * parser got. The replies of the whole chunk leave in one write (`Output`), at the end of the turn (`Turn`).
 *
 * Back-pressure: while more than OUTPUT_PAUSE_SIZE bytes of replies wait for the peer, or the session is blocked, no
 * further command of this connection runs and its socket is not read, so a client that never reads costs one reply above
 * that bound and stalls nobody else. What it had sent already stays in the read buffer, in order.
 */
import { Slice } from "../base/slice.ts";
import type { Socket } from "bun";
import { freeLarge } from "../base/bytes.ts";
import {
  CLOSE_TIMEOUT_MS,
  READ_BUFFER_KEEP,
  READ_BUFFER_SIZE,
  REPLY_BUFFER_SIZE,
  REPLY_FLUSH_SIZE,
  UNAUTHENTICATED_INPUT_MAX,
  UNAUTHENTICATED_OUTPUT_MAX,
} from "../base/limits.ts";
import type { CommitGate, Waiter } from "../effects/commit-gate.ts";
import { executeFound, run } from "../commands/execute.ts";
import type { Peer, Session } from "../commands/session.ts";
import { NATIVE_HEADER, NativeParser, nativeError } from "../protocol/native.ts";
import type { Args } from "../protocol/args.ts";
import type { ParseResult } from "../protocol/resp-request.ts";
import { BROKEN, FRAME, MORE, RespParser } from "../protocol/resp-request.ts";
import { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

const NOTHING = Buffer.alloc(0);
const messages = new Slice();

/** Where a connection comes from; addresses as Redis writes them. */
export type Origin = Pick<Peer, "kind" | "address" | "localAddress" | "isLocal">;

export class Connection implements Peer, Waiter {
  readonly session: Session;
  readonly kind: Origin["kind"];
  readonly address: string;
  readonly localAddress: string;
  readonly isLocal: boolean;
  readonly fd: number;
  /** TLS is not agreed upon yet. */
  isHandshaking: boolean;
  received = 0;
  /** Monotonic time in ms at which the unsent replies rose above the soft limit, or -1. */
  softLimitSinceMs = -1;
  readonly #socket: Socket<Connection>;
  readonly #settings: Settings;
  readonly #output: Output;
  readonly #gate: CommitGate;
  /** Stands in the gate's list. */
  waits = false;
  /** Offset of the effect stream before the commands whose replies are not sent or held yet. */
  #offset = 0;
  /** Commands whose replies are not sent or held yet had effects; and the batch ends there with the last of their replies. */
  #wrote = false;
  #repliesEnd = -1;
  /** While the gate discerns: the offset that the replies since the last flush wait for, and where those end that it counts for. */
  #needed = 0;
  #neededEnd = 0;
  /** Chosen by the first byte. */
  #parser: RespParser | NativeParser | null = null;
  /** The read buffer; bytes [0, #end) are those of commands not yet run. */
  #buffer: Buffer = NOTHING;
  #end = 0;
  #paused = false;
  /** The peer sends nothing more: close when all its commands are answered. */
  #peerEnded = false;
  /** No further command runs: close when the replies so far are sent. */
  #closing = false;
  /** The peer closes first: see `finish`. */
  #lingering = false;
  #closed = false;
  #gone = false;

  constructor(socket: Socket<Connection>, session: Session, settings: Settings, origin: Origin) {
    this.#socket = socket;
    this.session = session;
    this.#settings = settings;
    this.#output = new Output(socket, session.reply);
    this.#gate = session.engine.gate;
    this.kind = origin.kind;
    this.address = origin.address;
    this.localAddress = origin.localAddress;
    this.isLocal = origin.isLocal;
    this.isHandshaking = origin.kind === "tls";
    this.fd = session.id;
    session.peer = this;
  }

  get inputBytes(): number {
    return this.#end;
  }

  get inputFreeBytes(): number {
    return this.#buffer.length - this.#end;
  }

  get outputBytes(): number {
    return this.#output.unsent + this.session.reply.pos;
  }

  get sent(): number {
    return this.#output.sent;
  }

  /**
   * Takes a chunk from the socket. Nobody else changes it or uses it afterwards: a large one is freed. Who calls this calls
   * `flush` when all that came together was taken.
   */
  receive(chunk: Buffer): void {
    if (this.#closing) return;
    const { session } = this;
    this.received += chunk.length;
    session.engine.stats.bytesReceived += chunk.length;
    session.engine.stats.reads++;
    session.lastActiveMs = session.engine.clock.nowMs;
    if (this.#end === 0 && !this.#stalled) {
      if (session.keptBytes > 0 && this.#exceeds(chunk.length)) return;
      this.#consume(chunk, chunk.length);
    } else {
      if (this.#exceeds(this.#end + chunk.length)) return;
      this.#append(chunk);
      if (!this.#stalled) this.#consume(this.#buffer, this.#end);
    }
    // What is still needed of it was copied.
    freeLarge(chunk);
    // Large buffers are few.
    if (session.reply.pos > REPLY_BUFFER_SIZE) this.flush();
  }

  /** The peer will send nothing more; replies still owed to it are sent first. */
  peerEnded(): void {
    this.#peerEnded = true;
    this.flush();
  }

  /** The socket takes bytes again. */
  drained(): void {
    if (this.#closed) return;
    this.#output.sendUnsent();
    this.resume();
  }

  resume(): void {
    if (this.#closed) return;
    if (this.#stalled) return this.flush();
    if (this.#end > 0) this.#consume(this.#buffer, this.#end);
    if (this.#paused && !this.#stalled) {
      this.#paused = false;
      this.#socket.resume();
    }
    this.flush();
  }

  closeAfterReplies(): void {
    this.#closing = true;
  }

  /**
   * Like `closeAfterReplies`, and no reply is lost on its way: a socket that is closed with input unread resets the
   * connection, and the peer's system may drop what the peer has not read. So where more input is to be expected, the
   * peer is told that nothing more comes, and closes first. The caller sets it a time.
   */
  finish(): void {
    this.#lingering = this.#paused || this.#end > 0;
    this.#closing = true;
    if (!this.#output.full) this.resume();
    this.flush();
  }

  /** Sends what the system takes at once, and closes. */
  close(): void {
    if (this.#closed) return;
    this.#closing = true;
    this.#closed = true;
    this.#socket.end();
    if (this.#gone) return;
    // TLS has bytes left that are encrypted already, and waits for a peer that may never read them.
    this.#release();
    this.session.engine.removeSession(this.session);
    setTimeout(() => this.abort(), CLOSE_TIMEOUT_MS).unref();
  }

  /** Ends a connection at once: what its peer has not read is lost. */
  abort(): void {
    if (this.#gone) return;
    this.#closing = true;
    this.#closed = true;
    this.#socket.terminate();
  }

  /** The socket is gone. */
  gone(): void {
    this.#gone = true;
    this.#closed = true;
    this.#closing = true;
    this.#release();
  }

  /** Gives the buffers back. */
  #release(): void {
    this.#output.drop();
    this.#buffer = NOTHING;
    this.#end = 0;
  }

  /** Gives back a read buffer that is not in use. */
  trim(): void {
    if (this.#end > 0 || this.#buffer.length === 0) return;
    this.#buffer = NOTHING;
    this.session.engine.clientMemory.count(this.session);
  }

  /** Sends the replies written so far, and closes the connection if it is time to. */
  flush(): void {
    if (this.#closed) return;
    const output = this.#output;
    if (this.session.isPushed && !this.#sendPush()) {
      this.session.reply.sizeMax = this.#settings.outputLimits(this.session).replySizeMax;
      this.session.mergePushes();
    }
    const gate = this.#gate;
    const wrote = this.#hasWritten(gate);
    const needed = this.#neededOffset(gate);
    this.#wrote = false;
    this.#repliesEnd = -1;
    this.#needed = 0;
    if (this.session.reply.pos > 0) {
      if (this.session.reply.overflowed) return this.dropForOutput();
      if (output.holds || (needed > gate.safe && !(gate.failing && !wrote))) {
        output.hold(needed, wrote);
        gate.add(this);
      } else {
        const before = output.sent;
        output.flush();
        this.session.engine.stats.bytesSent += output.sent - before;
        this.session.engine.stats.writes++;
        if (output.unsent > 0 && this.#tooMuchUnsent(output.unsent)) return;
      }
    }
    this.#neededEnd = this.session.reply.pos;
    this.#settle();
  }

  /**
   * Sends the messages that wait from the bytes that all their receivers share, if nothing else is to be sent and nothing has to be
   * waited for: so what is published to many is copied for none of them. Returns whether it was so.
   */
  #sendPush(): boolean {
    const output = this.#output;
    if (this.session.reply.pos > 0 || output.unsent > 0) return false;
    if (output.holds || this.#gate.mustWait) return false;
    if (!this.session.takePushes(messages)) return false;
    const before = output.sent;
    output.sendShared(messages);
    this.session.engine.stats.bytesSent += output.sent - before;
    this.session.engine.stats.writes++;
    if (output.unsent > 0) this.#tooMuchUnsent(output.unsent);
    return true;
  }

  /**
   * Whether replies come with effects of their own; while the log fails, whoever only reads is answered. What others have written
   * since in the same turn does not count, unless a reply was made meanwhile (to a command that waited).
   */
  #hasWritten(gate: CommitGate): boolean {
    return (
      this.#wrote || (this.session.reply.pos !== this.#repliesEnd && gate.offset > this.#offset)
    );
  }

  /** The offset that the replies not sent or held yet wait for. */
  #neededOffset(gate: CommitGate): number {
    const isKnown = gate.discerns && this.session.reply.pos === this.#neededEnd;
    return isKnown ? this.#needed : gate.offset;
  }

  release(safe: number, readers: boolean): boolean {
    if (this.#closed) return false;
    const output = this.#output;
    const { reply } = this.session;
    const { full, sent } = output;
    const { pos } = reply;
    if (output.release(safe, readers)) {
      this.#neededEnd += reply.pos - pos;
      this.session.engine.stats.bytesSent += output.sent - sent;
      this.session.engine.stats.writes++;
      if (output.unsent > 0 && this.#tooMuchUnsent(output.unsent)) return false;
      if (full && !output.full) this.resume();
      else this.#settle();
    }
    return output.holds;
  }

  /** Closes the connection if it is time to: once all its replies are sent. */
  #settle(): void {
    const output = this.#output;
    this.session.engine.clientMemory.count(this.session);
    if (output.unsent > 0 || output.holds) return;
    if (this.#lingering && !this.#peerEnded) this.#socket.shutdown();
    else if (this.#closing || (this.#peerEnded && !this.#stalled)) this.close();
    else if (this.#peerEnded && this.#waits) this.#abandon();
  }

  /** Whether a command waits for keys. */
  get #waits(): boolean {
    return this.session.engine.blocking.isWaiting(this.session);
  }

  /** Closes a connection whose command waits for keys: nothing is taken from the data for a peer that has gone. */
  #abandon(): void {
    this.session.engine.removeSession(this.session);
    this.close();
  }

  /** Whether commands must wait. */
  get #stalled(): boolean {
    return this.session.blocked || this.#output.full;
  }

  // ---- input ----

  /** Runs the frames of bytes[parser position, end) and keeps the rest. */
  #consume(bytes: Buffer, end: number): void {
    const gate = this.#gate;
    this.#offset = gate.offset;
    this.#repliesEnd = -1;
    // What was sent to it meanwhile may show anything.
    if (gate.discerns) this.#needed = this.#neededOffset(gate);
    const parser = this.#parser ?? this.#choose(bytes);
    const { session } = this;
    const { batch } = this.#settings;
    session.reply.sizeMax = this.#settings.outputLimits(session).replySizeMax;
    let result: ParseResult = FRAME;
    while (result === FRAME && !this.#closing && !this.#stalled) {
      // Before authentication each command may change what the next one is allowed.
      parser.restricted = !session.authenticated;
      result = batch.scan(parser, bytes, end, parser.restricted ? 1 : Infinity);
      if (batch.count > 1) batch.prefetch(session.db, session.native);
      if (!this.#runBatch(parser)) result = MORE;
      batch.clear();
    }
    if (result === BROKEN && !this.#closing) this.#refuse(parser.error);
    if (gate.offset > this.#offset) this.#wrote = true;
    this.#repliesEnd = session.reply.pos;
    this.#keep(parser, bytes, end);
  }

  /** Runs the frames of the batch. Returns false if it had to stop before the last: those left are scanned again later. */
  #runBatch(parser: RespParser | NativeParser): boolean {
    const { session } = this;
    const { batch } = this.#settings;
    const { reply } = session;
    const { count } = batch;
    const gate = this.#gate;
    const { discerns } = gate;
    for (let i = 0; i < count; i++) {
      const args = batch.take(i);
      const command = batch.commands[i]!;
      const before = discerns ? gate.offset : 0;
      const done = session.native
        ? run(session, command!, args)
        : executeFound(session, command, args);
      if (discerns) this.#discern(args, before);
      if (reply.pos > (parser.restricted ? UNAUTHENTICATED_OUTPUT_MAX : REPLY_FLUSH_SIZE)) {
        this.flush();
      }
      if (this.#closing) return false;
      if (!this.#stalled) continue;
      // A client that waits for keys is still read, or else nobody would notice when it goes.
      if (!this.#waits) this.#pause();
      const next = done ? i + 1 : i;
      if (next === count) return true;
      parser.rewind(batch.starts[next]!);
      return false;
    }
    return true;
  }

  /** Notes what the reply waits for that was made last. @param before offset before its command */
  #discern(args: Args, before: number): void {
    const { session } = this;
    const gate = this.#gate;
    this.#neededEnd = session.reply.pos;
    if (!gate.mustWait) return;
    const { offset } = gate;
    if (offset !== before) this.#wrote = true;
    const needed = offset === before ? session.engine.unsafeKeys.shownTo(session, args) : offset;
    this.#needed = Math.max(this.#needed, needed);
  }

  #choose(bytes: Buffer): RespParser | NativeParser {
    const native = bytes[0] === NATIVE_HEADER;
    const parser = native ? new NativeParser() : new RespParser();
    this.session.native = native;
    this.#parser = parser;
    parser.bulkSizeMax = this.#settings.bulkSizeMax;
    return parser;
  }

  #refuse(error: string): void {
    const { reply } = this.session;
    if (this.session.native) nativeError(reply, `Protocol error: ${error}`);
    else reply.error(`ERR Protocol error: ${error}`);
    this.closeAfterReplies();
  }

  /** Keeps bytes[first byte still needed, end) in the read buffer for the next time. */
  #keep(parser: RespParser | NativeParser, bytes: Buffer, end: number): void {
    const from = parser.start;
    const left = end - from;
    if (left === 0 || this.#closing) {
      this.#end = 0;
      parser.shift(-from);
      if (this.#buffer.length > READ_BUFFER_KEEP) this.#replaceBuffer(NOTHING);
      return;
    }
    if (bytes !== this.#buffer) {
      if (this.#buffer.length < left) {
        this.#buffer = Buffer.allocUnsafeSlow(Math.max(READ_BUFFER_SIZE, left));
      }
      bytes.copy(this.#buffer, 0, from, end);
    } else if (from > 0) {
      bytes.copyWithin(0, from, end);
    }
    this.#end = left;
    parser.shift(-from);
  }

  /** Whether `size` bytes of commands not yet run are too much, with what it keeps of earlier ones; closes the connection then. */
  #exceeds(size: number): boolean {
    const { engine, keptBytes, authenticated } = this.session;
    const limit = authenticated ? this.#settings.queryBufferMax : UNAUTHENTICATED_INPUT_MAX;
    if (size + keptBytes <= limit) return false;
    engine.stats.clientQueryBufferLimitDisconnections++;
    engine.logger.warning("Closing client that reached max query buffer length");
    this.close();
    return true;
  }

  /** Appends a chunk to the read buffer. */
  #append(chunk: Buffer): void {
    const needed = this.#end + chunk.length;
    if (needed > this.#buffer.length) {
      // Doubling keeps the copying linear. A length that was only announced reserves nothing, but is not exceeded either.
      const announced = this.#parser === null ? 0 : this.#parser.pos + this.#parser.wanted;
      const doubled = Math.max(READ_BUFFER_SIZE, needed * 2);
      const size = announced > needed ? Math.min(doubled, announced) : doubled;
      const grown = Buffer.allocUnsafeSlow(size);
      this.#buffer.copy(grown, 0, 0, this.#end);
      this.#replaceBuffer(grown);
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end = needed;
  }

  /** Nobody refers to the bytes of commands that have run: a large read buffer need not wait for a collection. */
  #replaceBuffer(buffer: Buffer): void {
    freeLarge(this.#buffer);
    this.#buffer = buffer;
  }

  #pause(): void {
    if (this.#paused || this.#peerEnded) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** Closes a connection whose unsent replies exceed what it may hold; the soft limit is watched by the beat. */
  #tooMuchUnsent(unsent: number): boolean {
    const limit = this.session.authenticated
      ? this.#settings.outputLimits(this.session).hard
      : UNAUTHENTICATED_OUTPUT_MAX;
    if (limit === 0 || unsent <= limit) return false;
    this.dropForOutput();
    return true;
  }

  /** Closes a connection that did not read its replies. */
  dropForOutput(): void {
    const { engine, id } = this.session;
    engine.stats.clientOutputBufferLimitDisconnections++;
    engine.logger.warning(
      `Client id=${id} addr=${this.address} closed for overcoming of output buffer limits.`,
    );
    this.#output.drop();
    this.close();
  }
}
