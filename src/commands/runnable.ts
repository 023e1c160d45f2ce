/** A script or a function, as far as running it goes. */
import type { LuaFunction } from "../scripting/values.ts";
import type { ScriptFlags } from "./script-flags.ts";

export interface Runnable {
  /** SHA1 of a script, or name of a function: as errors call it. */
  readonly name: string;
  readonly flags: ScriptFlags;
  readonly main: LuaFunction;
  /** Takes KEYS and ARGV as parameters, and does not find them among the globals. */
  readonly isFunction: boolean;
  /** Text of the script, or of the function's library. */
  readonly source: string;
}
