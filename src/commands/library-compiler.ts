/** Makes function libraries of their texts: reads the first line, compiles the rest, and runs it, so that it registers its functions. */
import { FUNCTION_LOAD_NS } from "../base/limits.ts";
import { caughtValue } from "../scripting/base-library.ts";
import { removeChunk } from "../scripting/chunk.ts";
import { readDescription } from "../scripting/function-description.ts";
import { settle } from "../scripting/invoke.ts";
import { meter, ScriptStop } from "../scripting/meter.ts";
import { LuaTable } from "../scripting/table.ts";
import { asText } from "../scripting/values.ts";
import type { Engine } from "./engine.ts";
import type { EngineName, Library, LibraryFunction } from "./function-libraries.ts";
import { flagsOf } from "./script-flags.ts";
import { TypeScriptFunctions } from "./typescript-functions.ts";

const NAME = /^\w+$/;
const BAD_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
const TIMEOUT = "FUNCTION LOAD timeout";

export class LibraryCompiler {
  readonly typescript: TypeScriptFunctions;
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.typescript = new TypeScriptFunctions(engine);
  }

  /** Gives back what the library's code takes. */
  discard({ engine, place }: Library): void {
    if (engine === "LUA") removeChunk(place);
    else this.typescript.unload(place);
  }

  /** Makes a library of its whole text. @returns or an error text */
  compile(code: string): Library | string {
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
        this.discard(library);
        return "ERR Error registering functions: ERR unknown flag given";
      }
      const description = one.description === "" ? undefined : one.description;
      functions.push({ name: one.name, description, flags, library, callback: null });
    }
    if (functions.length > 0) return library;
    this.discard(library);
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
