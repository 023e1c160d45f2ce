/**
 * Where scripts run: two sets of globals, one for EVAL and one for function libraries, both read-only, so that no script leaves
 * anything to the next. What libraries keep for themselves (random numbers, options of cjson) begins anew with each run.
 */
import { addBaseLibrary } from "./base-library.ts";
import { addBitLibrary } from "./bit-library.ts";
import { removeChunk } from "./chunk.ts";
import { addJsonLibrary, restartJson } from "./cjson-library.ts";
import { addMessagePackLibrary } from "./cmsgpack-library.ts";
import type { CompiledChunk } from "./compile.ts";
import { compile } from "./compile.ts";
import { Coroutine } from "./coroutine.ts";
import { addCoroutineLibrary } from "./coroutine-library.ts";
import { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { addMathLibrary, beginRandom, endRandom } from "./math-library.ts";
import type { Holder } from "./redis-library.ts";
import { addRedisLibrary } from "./redis-library.ts";
import { addStringLibrary } from "./string-library.ts";
import { addStructLibrary } from "./struct-library.ts";
import type { LuaTable } from "./table.ts";
import { addTableLibrary } from "./table-library.ts";
import type { LuaValue } from "./values.ts";
import { restartNames } from "./values.ts";

/** How errors call a script, and a function library. */
const SCRIPT_NAME = "user_script";
const LIBRARY_NAME = "user_function";

export class Realm {
  readonly holder: Holder;
  readonly #scripts: Environment;
  readonly #libraries: Environment;
  /** Chunks that `loadstring` compiled since the run began. */
  readonly #loaded: number[] = [];

  constructor(version: string, sha1: (text: string) => string) {
    this.holder = { host: null, registrar: null, version, sha1 };
    this.#scripts = this.#environment(false);
    this.#libraries = this.#environment(true);
  }

  /** Compiles a script for EVAL. @returns or an error text */
  compileScript(source: string): CompiledChunk | string {
    return compile(source, SCRIPT_NAME, `@${SCRIPT_NAME}`, this.#scripts);
  }

  /** Compiles a function library. @returns or an error text */
  compileLibrary(source: string): CompiledChunk | string {
    return compile(source, LIBRARY_NAME, `@${LIBRARY_NAME}`, this.#libraries);
  }

  /** A script begins. @param random where its random numbers begin: `randomState` */
  begin(keys: LuaTable, values: LuaTable, random: bigint): void {
    this.#scripts.begin(keys, values);
    beginRandom(random);
    restartNames();
    restartJson();
  }

  /** The script has ended. */
  end(): void {
    this.holder.host = null;
    endRandom();
    Coroutine.reset();
    if (this.#loaded.length > 0) for (const number of this.#loaded.splice(0)) removeChunk(number);
  }

  #environment(isLibrary: boolean): Environment {
    const environment = new Environment(!isLibrary);
    addStringLibrary(environment);
    const load = (source: string, name: string, origin: string): LuaValue | LuaError => {
      const compiled = compile(source, name, origin, environment);
      if (typeof compiled === "string") return new LuaError(compiled);
      this.#loaded.push(compiled.number);
      return compiled.main;
    };
    addBaseLibrary(environment, load);
    addMathLibrary(environment);
    addTableLibrary(environment);
    addCoroutineLibrary(environment);
    addBitLibrary(environment);
    addJsonLibrary(environment);
    addMessagePackLibrary(environment);
    addStructLibrary(environment);
    addRedisLibrary(environment, this.holder, isLibrary);
    environment.freeze();
    return environment;
  }
}
