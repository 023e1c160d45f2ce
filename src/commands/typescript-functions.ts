/**
 * Functions in TypeScript: `FUNCTION LOAD "#!ts name=lib ..."`. They run in realms of their own, in a thread
 * (`scripting/typescript-realms.ts`); the commands that they call are run here, for the client and with its permissions, as those of
 * a script in Lua are. Everybody waits until the function has ended, or, if it takes long, is told BUSY.
 */
import { BROKEN, FRAME, RespParser } from "../protocol/resp-request.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ReplyError, RespReplyDecoder } from "../protocol/resp-reply-decoder.ts";
import type { ReplyValue } from "../protocol/resp-reply-decoder.ts";
import type { RealmFunction } from "../scripting/typescript-realms.ts";
import { TypeScriptRealms } from "../scripting/typescript-realms.ts";
import { REFUSED, refusalText } from "../scripting/answers.ts";
import type { Busy } from "./busy.ts";
import { BUSY_FUNCTION, endBusy } from "./busy.ts";
import type { Engine } from "./engine.ts";
import { keyCountOrReply, PATIENCE, refusalOf, TOO_LONG, warnOfLong } from "./script-arguments.ts";
import type { ScriptFlags } from "./script-flags.ts";
import type { Session } from "./session.ts";
import type { AnswerValue } from "./value-reply.ts";
import { replyValue, StatusReply } from "./value-reply.ts";

const OFF =
  "TypeScript functions are switched off: a realm of the engine is not as surely closed as a script in Lua. " +
  "Trust those who may load functions, and start the server with enable-typescript-functions yes";
const NOT_YET = "ERR functions can't be called yet: one was stopped just now";
const TOO_LARGE = "ERR the arguments are too large for a function";

/** A function that takes long is looked after so long, and left alone so long. */
const SLICE_MS = 1;

/** What is to be run. */
interface Runnable {
  readonly name: string;
  readonly flags: ScriptFlags;
  /** Where it lives. */
  readonly realm: number;
}

export class TypeScriptFunctions {
  readonly #engine: Engine;
  #realms: TypeScriptRealms | null = null;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Loads a library. @returns its realm and what it has registered, or an error text */
  load(body: string): { readonly realm: number; readonly functions: RealmFunction[] } | string {
    const { options, hooks, keyspace } = this.#engine;
    if (!options.flag("enable-typescript-functions")) return OFF;
    const { arena } = keyspace.store;
    this.#realms ??= new TypeScriptRealms(hooks.typescriptThread, () => arena.usedBytes);
    return this.#realms.load(body);
  }

  unload(realm: number): void {
    this.#realms?.unload(realm);
  }

  /** The server stops. */
  stop(): void {
    this.#realms?.kill();
  }

  /** Runs a function with the keys and arguments that a command line has from its third word on. */
  run(session: Session, args: Args, reply: Reply, script: Runnable, readOnly: boolean): void {
    const keyCount = keyCountOrReply(args, 2, true, reply);
    if (Number.isNaN(keyCount)) return;
    const engine = this.#engine;
    const refusal = refusalOf(engine, script.flags, readOnly);
    if (refusal !== null) return reply.error(refusal);
    const { effects, blocking, scripts, options } = engine;
    const realms = this.#realms!;
    const input = pack(args, 3, keyCount);
    scripts.caller.begin(session, readOnly, script.flags);
    blocking.hold();
    effects.beginBlock();
    let goesOn = false;
    try {
      const answer = (request: string): string => this.#answer(request);
      if (!realms.begin(script.realm, script.name, input, answer)) return reply.error(TOO_LARGE);
      const thresholdMs = options.number("busy-reply-threshold") || Infinity;
      let result = realms.advance(thresholdMs);
      goesOn = result === null && session.peer !== null && session.mayWait;
      if (goesOn) return this.#goOn(session, args, script, thresholdMs);
      for (
        let looks = 1;
        result === null && scripts.caller.hasWritten && looks < PATIENCE;
        looks++
      ) {
        result = realms.advance(thresholdMs);
      }
      if (result !== null) return writeResult(reply, result);
      if (realms.isEnding) {
        realms.kill();
        return reply.error(NOT_YET);
      }
      realms.kill();
      reply.error(`ERR ${TOO_LONG} script: ${script.name}`);
    } finally {
      if (!goesOn) this.#end();
    }
  }

  #end(): void {
    const { effects, blocking, scripts } = this.#engine;
    effects.endBlock();
    blocking.release();
    scripts.caller.end();
  }

  /** The function goes on in later turns. */
  #goOn(session: Session, args: Args, script: Runnable, thresholdMs: number): void {
    const engine = this.#engine;
    engine.effects.openBlock();
    warnOfLong(engine, thresholdMs, true);
    const words = Array.from({ length: args.count }, (_, at) => args.text(at));
    engine.busyScript = new BusyFunction(engine, this.#realms!, session, script.name, words, () => {
      engine.busyScript = null;
      this.#end();
      if (engine.blocking.pending) engine.blocking.serve();
    });
  }

  /** Runs a command that the function calls. @param request RESP, or "!" and a line for the log; see the prelude */
  #answer(request: string): string {
    const { scripts, logger } = this.#engine;
    if (request.startsWith("!")) {
      logger.notice(request.slice(1));
      return "+OK\r\n";
    }
    const words = unpack(request);
    if (words === null) return "-ERR the call is no command\r\n";
    const bytes = scripts.caller.answer(words, { protocol: 3, replication: 3 });
    if (bytes[0] !== REFUSED) return bytes.toString("latin1");
    return `-ERR ${refusalText(bytes, 0)}\r\n`;
  }
}

/** A function that has run for longer than `busy-reply-threshold`: it is looked after between the turns of clients. */
class BusyFunction implements Busy {
  readonly isFunction = true;
  readonly refusal = BUSY_FUNCTION;
  readonly session: Session;
  readonly name: string;
  readonly commandLine: readonly string[];
  readonly startedMs: number;
  readonly #engine: Engine;
  readonly #realms: TypeScriptRealms;
  /** Called when the function has ended, before its client is answered. */
  readonly #onEnd: () => void;
  #hasEnded = false;

  constructor(
    engine: Engine,
    realms: TypeScriptRealms,
    session: Session,
    name: string,
    commandLine: readonly string[],
    onEnd: () => void,
  ) {
    this.#engine = engine;
    this.#realms = realms;
    this.session = session;
    this.name = name;
    this.commandLine = commandLine;
    this.#onEnd = onEnd;
    this.startedMs = engine.clock.monotonicMs;
    session.blocked = true;
    this.#wait();
  }

  get hasWritten(): boolean {
    return this.#engine.scripts.caller.hasWritten;
  }

  kill(): void {
    this.#realms.kill();
    this.#finish(`-ERR Script killed by user with FUNCTION KILL. script: ${this.name}\r\n`);
  }

  stop(): void {
    this.#hasEnded = true;
    this.#realms.kill();
  }

  #wait(): void {
    setTimeout(() => {
      if (this.#hasEnded) return;
      this.#engine.beginTurn();
      const result = this.#realms.advance(SLICE_MS);
      if (result === null) this.#wait();
      else this.#finish(result);
    }, SLICE_MS);
  }

  /** The function has ended: everybody goes on. */
  #finish(result: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
    endBusy(this.#engine, this.session, () => writeResult(this.session.reply, result));
  }
}

/** What a realm is given: the array of the array of keys and the array of the other arguments. */
function pack(args: Args, from: number, keyCount: number): string {
  const list = (start: number, end: number): string => {
    let text = `*${end - start}\r\n`;
    for (let at = start; at < end; at++) text += `$${args.length(at)}\r\n${args.text(at)}\r\n`;
    return text;
  };
  return `*2\r\n${list(from, from + keyCount)}${list(from + keyCount, args.count)}`;
}

/** The words of a command in RESP, or null if it is none: a library may have spoilt what makes them. */
function unpack(request: string): string[] | null {
  const bytes = Buffer.from(request, "latin1");
  const parser = new RespParser();
  const result = parser.next(bytes, bytes.length);
  if (result === BROKEN || result !== FRAME) return null;
  const { args } = parser;
  return Array.from({ length: args.count }, (_, at) => args.text(at));
}

/** Writes the reply of a function, RESP3, in the protocol of the client. */
function writeResult(reply: Reply, result: string): void {
  const decoder = new RespReplyDecoder(true);
  decoder.feed(Buffer.from(result, "latin1"));
  const from = reply.pos;
  try {
    const value = decoder.next();
    if (value === undefined) return reply.error("ERR the function gave no reply");
    replyValue(reply, toAnswer(value));
  } catch {
    // A library that has spoilt what makes replies gets no other in.
    reply.takeBack(from);
    reply.error("ERR the reply of the function can't be read");
  }
}

/** A decoded reply as a value to be answered: text that came as a simple string is to leave as one. */
function toAnswer(value: ReplyValue): AnswerValue {
  if (typeof value === "string") return new StatusReply(value);
  if (Array.isArray(value)) return value.map(toAnswer);
  if (value instanceof Set) return new Set([...value].map(toAnswer));
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [toAnswer(key), toAnswer(item)]));
  }
  if (value instanceof ReplyError || value === null || typeof value !== "object") return value;
  return value instanceof Uint8Array ? value : null;
}
