/** Runs scripts: what EVAL and FCALL have in common. One object a server. */
import { caughtValue } from "../scripting/base-library.ts";
import { LuaError } from "../scripting/errors.ts";
import { settle } from "../scripting/invoke.ts";
import { meter, ScriptStop } from "../scripting/meter.ts";
import { Realm } from "../scripting/realm.ts";
import { LuaTable } from "../scripting/table.ts";
import type { LuaFunction, LuaValue } from "../scripting/values.ts";
import { asText, first } from "../scripting/values.ts";
import { REDIS_VERSION } from "../base/version.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Engine } from "./engine.ts";
import { positionOrReply } from "./guards.ts";
import { ScriptCache, sha1 } from "./script-cache.ts";
import { ScriptCaller } from "./script-call.ts";
import type { ScriptFlags } from "./script-flags.ts";
import { writeValue } from "./script-reply.ts";
import type { Session } from "./session.ts";

/** What is to be run. */
export interface Runnable {
  /** SHA1 of a script, or name of a function: as errors call it. */
  readonly name: string;
  readonly flags: ScriptFlags;
  readonly main: LuaFunction;
  /** Takes KEYS and ARGV as parameters, and does not find them among the globals. */
  readonly isFunction: boolean;
}

const WRITES_BLOCKED =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
  "Writable scripts are blocked. Use 'no-writes' flag for read only scripts.";

export class Scripts {
  readonly realm: Realm = new Realm(REDIS_VERSION, sha1);
  readonly cache: ScriptCache = new ScriptCache(this.realm);
  readonly caller: ScriptCaller;
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.caller = new ScriptCaller(engine);
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
    const keyCount = keyCountOrReply(args, countAt, reply);
    if (Number.isNaN(keyCount)) return;
    const refusal = this.#refusal(script.flags, readOnly);
    if (refusal !== null) return reply.error(refusal);
    const keys: LuaValue[] = [];
    const values: LuaValue[] = [];
    const firstValue = countAt + 1 + keyCount;
    for (let at = countAt + 1; at < firstValue; at++) keys.push(args.text(at));
    for (let at = firstValue; at < args.count; at++) values.push(args.text(at));
    const { caller, realm } = this;
    const { effects, blocking } = this.#engine;
    const protocolOfClient = reply.version;
    caller.begin(session, readOnly || script.flags.noWrites);
    realm.holder.host = caller;
    blocking.hold();
    effects.beginBlock();
    try {
      const result = this.#execute(script, keys, values);
      writeValue(reply, result, caller.session.reply.version);
    } catch (error) {
      reply.error(errorText(error, script.name));
    } finally {
      effects.endBlock();
      blocking.release();
      realm.end();
      caller.end();
      reply.version = protocolOfClient;
    }
  }

  #execute(script: Runnable, keys: LuaValue[], values: LuaValue[]): LuaValue {
    this.realm.begin(keys, values);
    meter.begin(Infinity, () => Infinity);
    if (!script.isFunction) return first(settle(script.main()));
    return first(settle(script.main(new LuaTable(keys), new LuaTable(values))));
  }

  /** Why the server's state does not let the script run, or null. */
  #refusal(flags: ScriptFlags, readOnly: boolean): string | null {
    if (flags.isCompatible || flags.noWrites) return null;
    if (this.#engine.writeRefusal !== null) return WRITES_BLOCKED;
    if (readOnly) return "ERR Can not execute a script with write flag using *_ro command.";
    return null;
  }
}

function keyCountOrReply(args: Args, at: number, reply: Reply): number {
  const count = positionOrReply(args, at, reply);
  if (Number.isNaN(count)) return NaN;
  let error: string | null = null;
  if (count > args.count - at - 1) {
    error = "ERR Number of keys can't be greater than number of args";
  } else if (count < 0) error = "ERR Number of keys can't be negative";
  if (error === null) return count;
  reply.error(error);
  return NaN;
}

/** The error that a script ends with: its own, and where it happened. */
function errorText(error: unknown, name: string): string {
  if (error instanceof ScriptStop) return `ERR ${error.message} script: ${name}`;
  const value = caughtValue(error);
  let text: string;
  const place = error instanceof LuaError ? error.place : null;
  let source = place?.origin ?? null;
  if (value instanceof LuaTable) {
    text = asText(value.getKeyed("err")) ?? "ERR unknown error";
    const ownSource = asText(value.getKeyed("source"));
    if (place === null && ownSource !== undefined) source = ownSource;
  } else {
    text = `ERR ${asText(value) ?? (value === undefined ? "nil" : String(value))}`;
  }
  if (source === null) return text;
  return `${text} script: ${name}, on ${source}:${place?.line ?? 0}.`;
}
