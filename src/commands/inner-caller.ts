/**
 * Commands that are called by a command which is written in JavaScript: they run at once and in the caller's database, and what
 * they change is kept together or not at all, as with EXEC. None of them may wait, and those that make no sense without
 * a connection (the flag "noscript") are refused.
 */
import { Args } from "../protocol/args.ts";
import type { ReplyValue } from "../protocol/resp-reply-decoder.ts";
import { ReplyError, RespReplyDecoder } from "../protocol/resp-reply-decoder.ts";
import { DENY_OOM, MAY_REPLICATE, NO_SCRIPT, WRITE } from "./command.ts";
import type { Engine } from "./engine.ts";
import { execute } from "./execute.ts";
import { OUT_OF_MEMORY } from "./memory-limit.ts";
import type { Session } from "./session.ts";

const byEngine = new WeakMap<Engine, InnerCaller>();

export class InnerCaller {
  readonly #engine: Engine;
  /** Runs the commands; its replies go no further. */
  readonly #session: Session;
  #mayWrite = false;
  #hasWritten = false;
  #depth = 0;

  /** The one of an engine. */
  static of(engine: Engine): InnerCaller {
    let caller = byEngine.get(engine);
    if (caller === undefined) {
      caller = new InnerCaller(engine);
      byEngine.set(engine, caller);
    }
    return caller;
  }

  private constructor(engine: Engine) {
    this.#engine = engine;
    this.#session = engine.createSession();
    this.#session.authenticated = true;
    this.#session.user = null;
    this.#session.mayWait = false;
    this.#session.reply.version = 3;
  }

  /**
   * Runs `work`, whose calls are made for `session`. Nobody is served before it has ended, and its effects are one block.
   * @param mayWrite its calls may change data
   */
  runAsOne<T>(session: Session, mayWrite: boolean, work: () => T): T {
    const { effects, blocking } = this.#engine;
    const inner = this.#session;
    const { db, client } = inner;
    const mightWrite = this.#mayWrite;
    inner.db = session.db;
    inner.client = session.client;
    this.#mayWrite = mayWrite;
    if (this.#depth++ === 0) this.#hasWritten = false;
    blocking.hold();
    effects.beginBlock();
    try {
      return work();
    } finally {
      effects.endBlock();
      blocking.release();
      this.#depth--;
      this.#mayWrite = mightWrite;
      inner.db = db;
      inner.client = client;
    }
  }

  /**
   * Runs a command; `runAsOne` is under way.
   * @throws {ReplyError} the error that it answered
   */
  call(parts: readonly (string | Uint8Array)[], wantsBytes: boolean): ReplyValue {
    const session = this.#session;
    const { reply } = session;
    if (this.#depth === 0) throw new Error("calls can be made only while the command runs");
    if (parts.length === 0) throw new TypeError("a call names at least a command");
    // A command that is called may call others itself.
    const args = new Args();
    args.fill(parts);
    this.#refuse(args);
    const from = reply.pos;
    if (!execute(session, args)) throw new ReplyError("ERR commands are paused");
    if (reply.overflowed) {
      reply.clear();
      throw new ReplyError("ERR the reply of the command is too large");
    }
    const decoder = new RespReplyDecoder(wantsBytes);
    decoder.feed(reply.buffer.subarray(from, reply.pos));
    const value = decoder.next() ?? null;
    reply.takeBack(from);
    if (value instanceof ReplyError) throw value;
    return value;
  }

  /** Throws if the command may not be called here. */
  #refuse(args: Args): void {
    const command = this.#engine.table.find(args);
    if (command === null) return;
    const called = command.subcommands?.get(args.count > 1 ? args.text(1).toUpperCase() : "");
    const { flags } = called ?? command;
    if ((flags & NO_SCRIPT) !== 0) {
      throw new ReplyError("ERR This Redis command is not allowed from script");
    }
    if ((flags & (WRITE | MAY_REPLICATE)) !== 0 && !this.#mayWrite) {
      throw new ReplyError("ERR Write commands are not allowed from read-only scripts.");
    }
    // What has begun to write ends.
    if (!this.#hasWritten && (flags & DENY_OOM) !== 0 && this.#engine.memoryLimit.isFull) {
      throw new ReplyError(OUT_OF_MEMORY);
    }
    if ((flags & WRITE) !== 0) this.#hasWritten = true;
  }
}
