/**
 * Commands without a socket: the library's `call`. They pass through the same `execute` as those of a connection, with a
 * session of their own, one after another in the order of the calls. A call that CLIENT PAUSE holds back waits, and those
 * behind it wait as well. One that waits for keys goes on waiting on a session of its own, and lets the next ones pass.
 */
import type { Engine } from "./commands/engine.ts";
import { execute } from "./commands/execute.ts";
import type { Session } from "./commands/session.ts";
import { Args } from "./protocol/args.ts";
import type { ReplyValue } from "./protocol/resp-reply-decoder.ts";
import { PushMessage, ReplyError, RespReplyDecoder } from "./protocol/resp-reply-decoder.ts";

/** An argument of a command: a string is sent as UTF-8, a number in decimal, bytes as they are. */
export type CallArgument = string | number | bigint | Uint8Array;

interface Call {
  readonly args: readonly (string | Uint8Array)[];
  readonly wantsBytes: boolean;
  resolve(value: ReplyValue): void;
  reject(error: Error): void;
}

export class LocalCaller {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #args: Args = new Args();
  /** Calls that wait, the one that was held back first. */
  readonly #waiting: Call[] = [];
  /** Calls that wait for keys. */
  readonly #parked: Map<Session, Call> = new Map();
  #stopped = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#session = engine.createSession();
    // Whoever holds the engine in his hands needs no password, and nothing is denied to him.
    this.#session.authenticated = true;
    this.#session.user = null;
    this.#session.reply.version = 3;
    engine.beatTasks.push(() => this.#runWaiting());
  }

  /** Runs a command. An error that it answers rejects the promise as a `ReplyError`. */
  call(args: readonly CallArgument[], wantsBytes: boolean): Promise<ReplyValue> {
    if (args.length === 0) return Promise.reject(new TypeError("a call names at least a command"));
    const { promise, resolve, reject } = Promise.withResolvers<ReplyValue>();
    const parts = args.map((arg) => (arg instanceof Uint8Array ? arg : String(arg)));
    this.#waiting.push({ args: parts, wantsBytes, resolve, reject });
    if (this.#waiting.length === 1) this.#runWaiting();
    return promise;
  }

  /** Refuses all calls from now on, those that wait included. */
  stop(): void {
    this.#stopped = true;
    for (const call of this.#waiting.splice(0)) call.reject(stoppedError());
    for (const [session, call] of this.#parked) {
      this.#engine.blocking.forget(session);
      call.reject(stoppedError());
    }
    this.#parked.clear();
  }

  #runWaiting(): void {
    const session = this.#session;
    while (this.#waiting.length > 0) {
      if (session.blocked) return;
      const call = this.#waiting[0]!;
      if (this.#stopped) {
        this.stop();
        return;
      }
      this.#engine.beginTurn();
      // It may have logged in as somebody who has changed since.
      session.userChanged();
      this.#args.fill(call.args);
      // Held back: it has not run, and is run again when the pause has ended.
      if (!execute(session, this.#args)) return;
      this.#waiting.shift();
      if (session.blocked) this.#park(call);
      else this.#settle(call, session);
    }
  }

  /** Moves a call that waits for keys to a session of its own. */
  #park(call: Call): void {
    const parked = this.#engine.createSession();
    parked.authenticated = true;
    parked.user = this.#session.user;
    parked.db = this.#session.db;
    parked.noTouch = this.#session.noTouch;
    parked.lastCommand = this.#session.lastCommand;
    parked.reply.version = this.#session.reply.version;
    parked.onResume = () => {
      if (this.#parked.delete(parked)) this.#settle(call, parked);
    };
    this.#parked.set(parked, call);
    this.#engine.blocking.hand(this.#session, parked);
  }

  /** Decodes the reply of a call. A command that answers nothing (CLIENT REPLY OFF) gives null. */
  #settle(call: Call, session: Session): void {
    const { reply } = session;
    if (reply.overflowed) {
      reply.clear();
      return call.reject(new Error(`the reply exceeds ${reply.sizeMax} bytes`));
    }
    const decoder = new RespReplyDecoder(call.wantsBytes);
    decoder.feed(reply.buffer.subarray(0, reply.pos));
    let answer: ReplyValue = null;
    for (let value = decoder.next(); value !== undefined; value = decoder.next()) {
      if (!(value instanceof PushMessage)) answer = value;
    }
    reply.clear();
    const { gate } = this.#engine;
    if (!gate.mustWait) return finish(call, answer);
    void gate.whenSafe().then(() => finish(call, answer));
  }
}

/** Gives a call its answer. */
function finish(call: Call, answer: ReplyValue): void {
  if (answer instanceof ReplyError) call.reject(answer);
  else call.resolve(answer);
}

function stoppedError(): Error {
  return new Error("the server is stopped");
}
