/**
 * `redis.call`: a command of a script takes the way that every command takes, with a session that has no connection, and its reply
 * becomes a value of Lua.
 */
import { freeBuffer, freeLarge, writeLatin1 } from "../base/bytes.ts";
import { REPLY_BUFFER_SIZE } from "../base/limits.ts";
import { Args } from "../protocol/args.ts";
import { checkBytes, refusalBytes, refusalTable } from "../scripting/answers.ts";
import { formatArgument } from "../scripting/number-text.ts";
import { ReplyReader } from "../scripting/reply-reader.ts";
import { ReplyRecord } from "../scripting/reply-record.ts";
import type { ScriptHost } from "../scripting/script-host.ts";
import type { LuaValue } from "../scripting/values.ts";
import type { CallState } from "../scripting/worker-messages.ts";
import type { Command } from "./command.ts";
import { DENY_OOM, MAY_REPLICATE, NO_SCRIPT, WRITE } from "./command.ts";
import type { Engine } from "./engine.ts";
import { runFromScript } from "./execute.ts";
import { OUT_OF_MEMORY } from "./memory-limit.ts";
import { askPermission, denialInScript, permissionOf } from "./permission.ts";
import { ALLOWED } from "../security/inquiry.ts";
import type { ScriptFlags } from "./script-flags.ts";
import type { Session } from "./session.ts";

const ARGUMENTS_FIRST = 1024;
/** A larger buffer of arguments is let go when the script ends. */
const ARGUMENTS_KEEP: number = 64 * 1024;

/** Arguments of up to so many characters are written one by one. */
const LOOP_MAX = 16;

/** So many bytes of answers stay where they were written: half of the buffer that there is for them. */
const ANSWERS_MAX: number = REPLY_BUFFER_SIZE / 2;

/** So many arguments are compared with those of the call before. */
const WRITTEN_MAX = 4;

/** Where names of commands end, so that a key behind one stays where it is when another command is called with it. */
const NAME_END = 32;

const NO_ARGUMENTS = "Please specify at least one argument for this redis lib call";
const TOO_LARGE = "The reply of the command is too large";
const WRONG_ARGUMENTS = "Lua redis lib command arguments must be strings or integers";

export class ScriptCaller implements ScriptHost {
  failed = false;
  readonly session: Session;
  /** The script has run a command that writes: it can't be stopped any more. */
  hasWritten = false;
  /** What the script has got from the server, but for the answers that stand in the session's reply. */
  readonly #record: ReplyRecord = new ReplyRecord();
  #readOnly = false;
  /** It may take memory where there is none. */
  #mayExceed = false;
  #replication = 3;
  #buffer: Buffer = Buffer.allocUnsafeSlow(ARGUMENTS_FIRST);
  readonly #engine: Engine;
  readonly #args: Args = new Args();
  readonly #reader: ReplyReader = new ReplyReader();
  /** The command without subcommands that was called last, by its name as the script wrote it. */
  #lastName: string | undefined;
  #lastCommand: Command | null = null;
  /** The first arguments that stand in the buffer. */
  readonly #written: string[] = [];
  /** The command that was called last, if it may be run once more just as it was without asking again whether it may. */
  #repeatable: Command | null = null;
  /** The second argument is the key that the lookahead keeps. */
  #keepsKey = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.session = engine.createSession();
    this.session.mayWait = false;
  }

  /** A script of a client begins. @param readOnly commands that write are refused @param flags that it has declared */
  begin(client: Session, readOnly: boolean, flags: ScriptFlags): void {
    const { session } = this;
    session.db = client.db;
    session.client = client.client;
    session.user = client.user;
    session.authenticated = client.authenticated;
    session.reply.version = 2;
    this.hasWritten = false;
    this.#repeatable = null;
    this.#record.clear();
    this.#readOnly = readOnly || flags.noWrites;
    this.#mayExceed = flags.allowOom;
    this.#replication = 3;
  }

  end(): void {
    this.#letGoOfKey();
    this.session.client = this.session;
    this.session.reply.clear();
    if (this.#buffer.length > ARGUMENTS_KEEP) {
      freeBuffer(this.#buffer);
      this.#buffer = Buffer.allocUnsafeSlow(ARGUMENTS_FIRST);
      this.#written.length = 0;
    }
  }

  call(parameters: readonly LuaValue[]): LuaValue {
    const from = this.session.reply.pos;
    return this.#take(from, this.#run(parameters));
  }

  callPair(name: LuaValue, argument: LuaValue): LuaValue {
    const { session } = this;
    const args = this.#args;
    const written = this.#written;
    const command = this.#repeatable;
    if (command === null || written[1] !== argument || written[0] !== name || args.count !== 2) {
      return this.call([name, argument]);
    }
    // The same as the last time, and nothing that it may depend on has changed.
    const from = session.reply.pos;
    runFromScript(session, command, args);
    return this.#take(from, this.#lossOfReply());
  }

  /** What a call gives. @param from where its reply begins @param refusal why there is none, or null */
  #take(from: number, refusal: string | null): LuaValue {
    if (refusal !== null) {
      this.#note(refusalBytes(refusal));
      this.failed = true;
      return refusalTable(refusal);
    }
    const { reply } = this.session;
    const value = this.#reader.read(reply.buffer, from);
    this.failed = this.#reader.failed;
    if (reply.pos > ANSWERS_MAX) this.#moveAnswers();
    return value;
  }

  /** Not all answers that the script has got are known any more. */
  get hasLostAnswers(): boolean {
    return this.#record.overflowed;
  }

  /** A copy of all answers that the script has got. */
  answers(): Buffer {
    this.#moveAnswers();
    return this.#record.copy();
  }

  /** Runs a command for a script that runs in a thread of its own. @returns the answer, as `answers.ts` has it */
  answer(parameters: readonly LuaValue[], state: CallState): Buffer {
    const { reply } = this.session;
    reply.version = state.protocol;
    this.#replication = state.replication;
    const refusal = this.#run(parameters);
    if (refusal !== null) return refusalBytes(refusal);
    const bytes = Buffer.from(reply.buffer.subarray(0, reply.pos));
    reply.pos = 0;
    return bytes;
  }

  mayRun(parameters: readonly LuaValue[]): boolean | null {
    this.#repeatable = null;
    const command = this.#fill(parameters) ? this.#find(this.#args) : null;
    const { user } = this.session;
    const may =
      command === null
        ? null
        : user === null || permissionOf(user, command, this.#args, 0) === ALLOWED;
    this.#note(checkBytes(may));
    return may;
  }

  /** Notes an answer that is no reply. */
  #note(answer: Buffer): void {
    this.#moveAnswers();
    this.#record.append(answer, answer.length);
  }

  /** Moves the answers that stand in the session's reply to the record. */
  #moveAnswers(): void {
    const { reply } = this.session;
    this.#record.append(reply.buffer, reply.pos);
    reply.pos = 0;
  }

  /** Runs a command and leaves its reply in the session's. @returns why it was refused, or null */
  #run(parameters: readonly LuaValue[]): string | null {
    this.#repeatable = null;
    if (!this.#fill(parameters)) {
      return parameters.length === 0 ? NO_ARGUMENTS : WRONG_ARGUMENTS;
    }
    const { session } = this;
    const args = this.#args;
    const command = this.#find(args);
    const refusal = this.#refusal(command, args);
    if (refusal !== null) return refusal;
    if (command!.soleKeyAt === 1 && !this.#keepsKey) this.#keepKey();
    if ((command!.flags & WRITE) !== 0) this.hasWritten = true;
    if (this.#replication === 0) this.#runUnheard(command!, args);
    else {
      runFromScript(session, command!, args);
      if ((command!.flags & (WRITE | MAY_REPLICATE | DENY_OOM)) === 0) this.#repeatable = command;
    }
    return this.#lossOfReply();
  }

  /** Why the reply of a command that has run can't be given, or null. */
  #lossOfReply(): string | null {
    const { reply } = this.session;
    if (!reply.overflowed) return null;
    // With the answers before it.
    this.#record.lose();
    reply.clear();
    return TOO_LARGE;
  }

  /** What is kept nowhere is told nobody; one log stands for both of Redis's ways. */
  #runUnheard(command: Command, args: Args): void {
    const { effects } = this.#engine;
    const { active } = effects;
    effects.active = false;
    runFromScript(this.session, command, args);
    effects.active = active;
  }

  log(level: number, text: string): void {
    const { logger } = this.#engine;
    if (level === 0) logger.debug(text);
    else if (level === 1) logger.verbose(text);
    else if (level === 2) logger.notice(text);
    else logger.warning(text);
  }

  setProtocol(version: number): void {
    this.session.reply.version = version;
  }

  setReplication(flags: number): void {
    this.#repeatable = null;
    this.#replication = flags;
  }

  #find(args: Args): Command | null {
    // The first argument as it stands in the buffer; undefined where the buffer has just grown.
    const name = this.#written[0];
    if (name !== undefined && name === this.#lastName) return this.#lastCommand;
    const command = this.#engine.table.find(args);
    if (name !== undefined && command !== null && command.subcommands === null) {
      this.#lastName = name;
      this.#lastCommand = command;
    }
    if (command === null || command.subcommands === null || args.count < 2) return command;
    return command.subcommands.get(args.text(1).toUpperCase()) ?? null;
  }

  /** Why the script may not run the command, or null. */
  #refusal(command: Command | null, args: Args): string | null {
    if (command === null) return "Unknown Redis command called from script";
    const { arity, flags } = command;
    if (arity > 0 ? args.count !== arity : args.count < -arity) {
      return "Wrong number of args calling Redis command from script";
    }
    if ((flags & NO_SCRIPT) !== 0) return "This Redis command is not allowed from script";
    const denied = askPermission(this.session, command, args, "lua");
    if (denied !== ALLOWED) return denialInScript(this.session, denied, command);
    if (this.#readOnly && (flags & (WRITE | MAY_REPLICATE)) !== 0) {
      return "Write commands are not allowed from read-only scripts.";
    }
    // What has begun to write ends.
    const mayExceed = this.hasWritten || this.#mayExceed || (flags & DENY_OOM) === 0;
    if (!mayExceed && this.#engine.memoryLimit.isFull) return `-${OUT_OF_MEMORY}`;
    return null;
  }

  /** Puts the arguments into the buffer. Returns false if one of them is no string and no number. */
  #fill(parameters: readonly LuaValue[]): boolean {
    const args = this.#args;
    const written = this.#written;
    const { length } = parameters;
    if (length === 0) return false;
    if (length === args.count && length <= WRITTEN_MAX && this.#isWritten(parameters)) return true;
    const before = args.count;
    args.clear();
    let buffer = this.#buffer;
    let at = 0;
    for (let i = 0; i < length; i++) {
      let text = parameters[i];
      if (typeof text === "number") text = formatArgument(text);
      else if (typeof text !== "string") {
        this.#letGoOfKey();
        args.clear();
        return false;
      }
      if (i === 0 && text.length < NAME_END) at = NAME_END - text.length;
      const end = at + text.length;
      if (end > buffer.length) buffer = this.#grow(at, end);
      // Scripts call the same commands again and again, often with the same keys: what stands there already is not written again.
      if (i >= before || args.start(i) !== at || written[i] !== text) {
        if (i === 1) this.#letGoOfKey();
        if (text.length > LOOP_MAX) writeLatin1(buffer, at, text);
        else for (let c = 0; c < text.length; c++) buffer[at + c] = text.charCodeAt(c);
        if (i < WRITTEN_MAX) written[i] = text;
      }
      args.push(at, end);
      at = end;
    }
    args.bytes = buffer;
    return true;
  }

  /** Whether just these arguments stand in the buffer: few scripts call so much else in a loop. */
  #isWritten(parameters: readonly LuaValue[]): boolean {
    const written = this.#written;
    for (let i = 0; i < parameters.length; i++) if (parameters[i] !== written[i]) return false;
    return true;
  }

  #grow(used: number, needed: number): Buffer {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, needed));
    this.#buffer.copy(larger, 0, 0, used);
    freeLarge(this.#buffer);
    this.#buffer = larger;
    this.#written.length = 0;
    this.#letGoOfKey();
    return larger;
  }

  /** Commands of a script are often on one key: the second argument is hashed and looked up once, until it is another. */
  #keepKey(): void {
    const args = this.#args;
    this.#engine.keyspace.store.lookahead.keep(args.bytes, args.start(1), args.end(1));
    this.#keepsKey = true;
  }

  #letGoOfKey(): void {
    if (!this.#keepsKey) return;
    this.#engine.keyspace.store.lookahead.letGo();
    this.#keepsKey = false;
  }
}
