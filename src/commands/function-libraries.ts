/**
 * The function libraries of a server, part of its data: they are in every snapshot and every log. A library is loaded whole or not at
 * all, and names of functions are one for all libraries.
 */
import { late } from "../base/late.ts";
import type { LuaFunction } from "../scripting/values.ts";
import type { Engine } from "./engine.ts";
import type { LibraryCompiler } from "./library-compiler.ts";
import type { ScriptFlags } from "./script-flags.ts";

// The languages are loaded with the first library.
const compiling = late<{ LibraryCompiler: typeof LibraryCompiler }>(() =>
  require("./library-compiler.ts"),
);

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

/** Bytes that a library, and a function, are counted with beside their texts. */
const OVERHEAD = 200;

export class FunctionLibraries {
  readonly #engine: Engine;
  #compiler: LibraryCompiler | null = null;
  #libraries: Map<string, Library> = new Map();
  /** By their names in lower case: those who call them may write them as they like. */
  #functions: Map<string, LibraryFunction> = new Map();
  /** Libraries of a file that can't be run here, as they stand there: kept for who can. */
  #foreign: Buffer[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** What makes libraries; made with the first of them. */
  get compiler(): LibraryCompiler {
    this.#compiler ??= new (compiling().LibraryCompiler)(this.#engine);
    return this.#compiler;
  }

  /** The server stops. */
  stop(): void {
    this.#compiler?.typescript.stop();
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
    const library = this.compiler.compile(code);
    if (typeof library === "string") return library;
    const old = this.#libraries.get(library.name);
    const error =
      old !== undefined && !replace
        ? `ERR Library '${library.name}' already exists`
        : this.#collision(library, old);
    if (error !== null) {
      this.compiler.discard(library);
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
    this.compiler.discard(library);
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
}
