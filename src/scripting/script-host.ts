/** What a script reaches outside of itself: the server that runs it, as far as the engine need know. */
import type { LuaTable } from "./table.ts";
import type { LuaValue } from "./values.ts";

export interface ScriptHost {
  /** The last `call` was answered by an error. */
  readonly failed: boolean;
  /** Runs a command. @returns the reply; an error is a table with the field `err` */
  call(parameters: readonly LuaValue[]): LuaValue;
  /** `call` for two parameters, which is what most calls have: no array is made for them. */
  callPair(name: LuaValue, argument: LuaValue): LuaValue;
  /** Whether the user may run a command, or null if there is none of that name. */
  mayRun(parameters: readonly LuaValue[]): boolean | null;
  /** @param level of Redis: 0 debug, 1 verbose, 2 notice, 3 warning */
  log(level: number, text: string): void;
  /** Which protocol's replies commands give from now on: 2 or 3. */
  setProtocol(version: number): void;
  /** Whether the effects of commands are kept from now on. @param flags 1 the log, 2 replicas */
  setReplication(flags: number): void;
}

/** What `redis.register_function` announces while a library is loaded. */
export interface FunctionRegistrar {
  /** @returns an error text, or null */
  register(description: LuaTable): string | null;
}
