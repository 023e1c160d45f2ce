/**
 * The function libraries of a server, part of its data: they are in every snapshot and every log. A library is loaded whole or not at
 * all, and names of functions are one for all libraries.
 */
import { FUNCTION_LOAD_NS } from "../base/limits.ts";
import { caughtValue } from "../scripting/base-library.ts";
import { removeChunk } from "../scripting/chunk.ts";
import { readDescription } from "../scripting/function-description.ts";
import { settle } from "../scripting/invoke.ts";
import { meter, ScriptStop } from "../scripting/meter.ts";
import { LuaTable } from "../scripting/table.ts";
import type { LuaFunction } from "../scripting/values.ts";
import { asText } from "../scripting/values.ts";
import type { Engine } from "./engine.ts";
import type { ScriptFlags } from "./script-flags.ts";
import { flagsOf } from "./script-flags.ts";
import { TypeScriptFunctions } from "./typescript-functions.ts";

export interface LibraryFunction {
  readonly name: string;
  /** Undefined if there is none. */
  readonly description: string | undefined;
  readonly flags: ScriptFlags;
  readonly library: Library;
  /** The function itself; null of one in TypeScript, which lives in its library's realm. */
  readonly callback: LuaFunction | null;
}

export interface Library {
  readonly name: string;
  /** The whole text, one character a byte. */
  readonly code: string;
  /** What of it is compiled: all but the first line. */
  readonly body: string;
  /** In the order in which they were registered. */
  readonly functions: readonly LibraryFunction[];
  readonly engine: EngineName;
  /** Where its code is: the number of its chunk, or of its realm. */
  readonly place: number;
}

/** The languages, as FUNCTION LIST shows them. */
export type EngineName = "LUA" | "TS";

const NAME = /^\w+$/;
const BAD_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
const TIMEOUT = "FUNCTION LOAD timeout";

/** Bytes that a library, and a function, are counted with beside their texts. */
const OVERHEAD = 200;

export class FunctionLibraries {
  readonly typescript: TypeScriptFunctions;
  readonly #engine: Engine;
  #libraries: Map<string, Library> = new Map();
  /** By their names in lower case: those who call them may write them as they like. */
  #functions: Map<string, LibraryFunction> = new Map();
  /** Libraries of a file that can't be run here, as they stand there: kept for who can. */
  #foreign: Buffer[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    this.typescript = new TypeScriptFunctions(engine);
  }

  get libraries(): Iterable<Library> {
    return this.#libraries.values();
  }

  get libraryCount(): number {
    return this.#libraries.size;
  }

  get functionCount(): number {
    return this.#functions.size;
  }

  /** Bytes of all libraries. */
  get memory(): number {
    let bytes = 0;
    for (const { code, functions } of this.#libraries.values()) {
      bytes += code.length + OVERHEAD * (1 + functions.length);
    }
    return bytes;
  }

  find(name: string): LibraryFunction | undefined {
    return this.#functions.get(name.toLowerCase());
  }

  /** The texts of all libraries, for files. */
  codes(): Buffer[] {
    const own = [...this.#libraries.values()].map(({ code }) => Buffer.from(code, "latin1"));
    return [...own, ...this.#foreign];
  }

  /**
   * Loads a library.
   * @param replace takes the place of one of the same name
   * @returns its name in an array, or an error text
   */
  load(code: string, replace: boolean): readonly [name: string] | string {
    const library = this.#compile(code);
    if (typeof library === "string") return library;
    const old = this.#libraries.get(library.name);
    const error =
      old !== undefined && !replace
        ? `ERR Library '${library.name}' already exists`
        : this.#collision(library, old);
    if (error !== null) {
      this.#discard(library);
      return error;
    }
    if (old !== undefined) this.#unlink(old);
    this.#link(library);
    return [library.name];
  }

  /** Returns false if there is none of the name. */
  delete(name: string): boolean {
    const library = this.#libraries.get(name);
    if (library === undefined) return false;
    this.#unlink(library);
    return true;
  }

  clear(): void {
    for (const library of this.#libraries.values()) this.#unlink(library);
    this.#foreign = [];
  }

  /**
   * Loads libraries together, or none of them.
   * @returns an error text, or null
   */
  restore(codes: readonly string[], policy: "flush" | "append" | "replace"): string | null {
    const libraries = this.#libraries;
    const functions = this.#functions;
    const foreign = this.#foreign;
    this.#libraries = new Map(policy === "flush" ? [] : libraries);
    this.#functions = new Map(policy === "flush" ? [] : functions);
    if (policy === "flush") this.#foreign = [];
    for (const code of codes) {
      const loaded = this.load(code, policy === "replace");
      if (typeof loaded !== "string") continue;
      this.#libraries = libraries;
      this.#functions = functions;
      this.#foreign = foreign;
      // Only here names stand without quotes.
      return loaded.replace(
        /^ERR Library '(.*)' already exists$/s,
        "ERR Library $1 already exists",
      );
    }
    return null;
  }

  /** Takes the libraries of a file in the place of those that are there. What can't be run is kept as it is. */
  loadFile(codes: readonly Buffer[]): void {
    this.clear();
    for (const code of codes) {
      const loaded = this.load(code.toString("latin1"), false);
      if (typeof loaded !== "string") continue;
      this.#engine.logger.warning(`A function library can't be run here, and is kept: ${loaded}`);
      this.#foreign.push(code);
    }
  }

  #link(library: Library): void {
    this.#libraries.set(library.name, library);
    for (const one of library.functions) this.#functions.set(one.name.toLowerCase(), one);
  }

  #unlink(library: Library): void {
    this.#libraries.delete(library.name);
    for (const { name } of library.functions) this.#functions.delete(name.toLowerCase());
    this.#discard(library);
  }

  /** Gives back what the library's code takes. */
  #discard({ engine, place }: Library): void {
    if (engine === "LUA") removeChunk(place);
    else this.typescript.unload(place);
  }

  /** An error if a function has a name that one of another library has. */
  #collision(library: Library, replaced: Library | undefined): string | null {
    for (const { name } of library.functions) {
      const other = this.find(name);
      if (other !== undefined && other.library !== replaced) {
        return `ERR Function ${name} already exists`;
      }
    }
    return null;
  }

  #compile(code: string): Library | string {
    const header = readHeader(code);
    if (typeof header === "string") return `ERR ${header}`;
    const { engine, name, body } = header;
    return engine === "LUA" ? this.#compileLua(code, name, body) : this.#loadTs(code, name, body);
  }

  #loadTs(code: string, name: string, body: string): Library | string {
    const loaded = this.typescript.load(body);
    if (typeof loaded === "string") return `ERR Error compiling function: ${loaded}`;
    const { realm: place } = loaded;
    const functions: LibraryFunction[] = [];
    const library: Library = { name, code, body, functions, engine: "TS", place };
    for (const one of loaded.functions) {
      const flags = flagsOf(one.flags);
      if (flags === null) {
        this.#discard(library);
        return "ERR Error registering functions: ERR unknown flag given";
      }
      const description = one.description === "" ? undefined : one.description;
      functions.push({ name: one.name, description, flags, library, callback: null });
    }
    if (functions.length > 0) return library;
    this.#discard(library);
    return "ERR No functions registered";
  }

  #compileLua(code: string, name: string, body: string): Library | string {
    const { realm } = this.#engine.scripts;
    const compiled = realm.compileLibrary(body);
    if (typeof compiled === "string") return `ERR Error compiling function: ${compiled}`;
    const functions: LibraryFunction[] = [];
    const library: Library = {
      ...{ name, code, body, functions },
      engine: "LUA",
      place: compiled.number,
    };
    const register = (description: LuaTable): string | null => {
      const read = readFunction(description, library);
      if (typeof read === "string") return read;
      if (functions.some((other) => other.name === read.name)) {
        return "Function already exists in the library";
      }
      functions.push(read);
      return null;
    };
    const error = this.#run(() => settle(compiled.main()), register);
    if (error === null && functions.length > 0) return library;
    removeChunk(compiled.number);
    return error === null
      ? "ERR No functions registered"
      : `ERR Error registering functions: ${error}`;
  }

  /** Runs a library's text, which registers its functions. @returns an error text, or null */
  #run(main: () => unknown, register: (description: LuaTable) => string | null): string | null {
    const { realm } = this.#engine.scripts;
    meter.begin(FUNCTION_LOAD_NS, () => {
      throw new ScriptStop(TIMEOUT);
    });
    realm.holder.registrar = { register };
    try {
      main();
      return null;
    } catch (error) {
      if (error instanceof ScriptStop) return `ERR ${error.message}`;
      const value = caughtValue(error);
      if (value instanceof LuaTable) return asText(value.getKeyed("err")) ?? "ERR unknown error";
      return `ERR ${asText(value) ?? "unknown error"}`;
    } finally {
      realm.holder.registrar = null;
    }
  }
}

function readFunction(table: LuaTable, library: Library): LibraryFunction | string {
  const read = readDescription(table);
  if (typeof read === "string") return read;
  if (!NAME.test(read.name)) return BAD_NAME;
  const flags = flagsOf(read.flags);
  return flags === null ? "unknown flag given" : { ...read, flags, library };
}

const ENGINES: ReadonlyMap<string, EngineName> = new Map([
  ["lua", "LUA"],
  ["ts", "TS"],
]);

interface Header {
  readonly engine: EngineName;
  readonly name: string;
  readonly body: string;
}

/** The first line of a library: "#!lua name=...". @returns or what is wrong with it */
function readHeader(code: string): Header | string {
  if (!code.startsWith("#!")) return "Missing library metadata";
  const end = code.indexOf("\n");
  if (end === -1) return "Invalid library metadata";
  const [engine = "", ...parts] = code
    .slice(2, end)
    .trim()
    .split(/[ \t]+/);
  if (engine === "") return "Invalid library metadata";
  let name: string | undefined;
  for (const part of parts) {
    if (!/^name=/i.test(part)) return `Invalid metadata value given: ${part}`;
    if (name !== undefined) {
      return "Invalid metadata value, name argument was given multiple times";
    }
    name = part.slice("name=".length).replace(/^(["'])(.*)\1$/s, "$2");
  }
  if (name === undefined) return "Library name was not given";
  if (!NAME.test(name)) return BAD_NAME;
  const known = ENGINES.get(engine.toLowerCase());
  if (known === undefined) return `Engine '${engine}' not found`;
  return { engine: known, name, body: code.slice(end) };
}
