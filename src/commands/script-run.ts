/** Runs scripts: what EVAL and FCALL have in common. One object a server. */
import { settle } from "../scripting/invoke.ts";
import { meter, ScriptStop } from "../scripting/meter.ts";
import { randomState } from "../scripting/math-library.ts";
import { Realm } from "../scripting/realm.ts";
import { scriptErrorText } from "../scripting/script-error.ts";
import { LuaTable } from "../scripting/table.ts";
import type { LuaValue } from "../scripting/values.ts";
import { first } from "../scripting/values.ts";
import { REDIS_VERSION } from "../base/version.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Job } from "./busy-script.ts";
import { BusyScript } from "./busy-script.ts";
import type { Engine } from "./engine.ts";
import { ScriptCache, sha1 } from "./script-cache.ts";
import { keyCountOrReply, PATIENCE, refusalOf, TOO_LONG, warnOfLong } from "./script-arguments.ts";
import { ScriptCaller } from "./script-call.ts";
import type { Runnable } from "./runnable.ts";
import { writeValue } from "./script-reply.ts";
import type { Session } from "./session.ts";

export class Scripts {
  readonly realm: Realm = new Realm(REDIS_VERSION, sha1);
  readonly cache: ScriptCache = new ScriptCache(this.realm);
  readonly caller: ScriptCaller;
  readonly #engine: Engine;
  /** The script that runs may be moved to a thread; and is about to be. */
  #mayMove = false;
  #moves = false;
  #longAfterNs = Infinity;
  /** How often the script that runs was found to take long. */
  #looks = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.caller = new ScriptCaller(engine);
    engine.options.onChange("busy-reply-threshold", (text) => {
      this.#longAfterNs = Number(text) > 0 ? Number(text) * 1e6 : Infinity;
    });
  }

  /**
   * Runs a script with the keys and arguments that a command line has from `countAt` on, and answers what it returns.
   * @param readOnly by EVAL_RO and the like
   */
  run(
    session: Session,
    args: Args,
    reply: Reply,
    script: Runnable,
    countAt: number,
    readOnly: boolean,
  ): void {
    const keyCount = keyCountOrReply(args, countAt, script.isFunction, reply);
    if (Number.isNaN(keyCount)) return;
    const refusal = refusalOf(this.#engine, script.flags, readOnly);
    if (refusal !== null) return reply.error(refusal);
    const keys: LuaValue[] = [];
    const values: LuaValue[] = [];
    const firstValue = countAt + 1 + keyCount;
    for (let at = countAt + 1; at < firstValue; at++) keys.push(args.text(at));
    for (let at = firstValue; at < args.count; at++) values.push(args.text(at));
    const { caller, realm } = this;
    const { effects, blocking } = this.#engine;
    const random = randomState();
    caller.begin(session, readOnly, script.flags);
    realm.holder.host = caller;
    blocking.hold();
    effects.beginBlock();
    this.#moves = false;
    this.#mayMove = session.peer !== null && session.mayWait;
    try {
      const result = this.#execute(script, keys, values, random);
      writeValue(reply, result, caller.session.reply.version);
    } catch (error) {
      if (!this.#moves) reply.error(scriptErrorText(error, script.name));
    } finally {
      realm.end();
      if (this.#moves) this.#move(session, script, args, countAt, keyCount, random);
      else this.#end();
    }
  }

  #execute(script: Runnable, keys: LuaValue[], values: LuaValue[], random: bigint): LuaValue {
    const parameters = [new LuaTable(keys), new LuaTable(values)] as const;
    this.realm.begin(...parameters, random);
    this.#looks = 0;
    meter.begin(this.#longAfterNs, this.#onTime);
    const result = script.isFunction ? script.main(...parameters) : script.main();
    return first(settle(result));
  }

  /** The script has taken long: moves it to a thread of its own, stops it, or lets it go on for a while. */
  readonly #onTime = (): number => {
    const { caller } = this;
    if (this.#mayMove && !caller.hasLostAnswers) {
      this.#moves = true;
      throw new ScriptStop("moved");
    }
    this.#looks++;
    if (!caller.hasWritten || this.#looks === PATIENCE) throw new ScriptStop(TOO_LONG);
    return this.#longAfterNs;
  };

  /** Lets the script go on in a thread; its effects are written as they come from now on, as one block all the same. */
  #move(
    session: Session,
    script: Runnable,
    args: Args,
    countAt: number,
    keyCount: number,
    random: bigint,
  ): void {
    const { caller } = this;
    const engine = this.#engine;
    const firstValue = countAt + 1 + keyCount;
    const texts = Array.from({ length: args.count }, (_, at) => args.text(at));
    engine.effects.openBlock();
    warnOfLong(engine, Math.round(this.#longAfterNs / 1e6), script.isFunction);
    const job: Job = {
      source: script.source,
      name: script.name,
      functionName: script.isFunction ? script.name : null,
      keys: texts.slice(countAt + 1, firstValue),
      values: texts.slice(firstValue),
      record: caller.answers(),
      random,
    };
    const startedMs = engine.clock.monotonicMs - Math.round(this.#longAfterNs / 1e6);
    const run = { commandLine: texts, startedMs };
    engine.busyScript = new BusyScript(engine, session, caller, job, run, () => {
      engine.busyScript = null;
      this.#end();
      if (engine.blocking.pending) engine.blocking.serve();
    });
  }

  #end(): void {
    const { effects, blocking } = this.#engine;
    effects.endBlock();
    blocking.release();
    this.caller.end();
  }
}
