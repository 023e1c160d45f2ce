/** The scripts that a server knows, by the SHA1 of their text. What came by EVAL alone is forgotten again when there is too much of it. */
import { SCRIPTS_KEEP } from "../base/limits.ts";
import { removeChunk } from "../scripting/chunk.ts";
import type { Realm } from "../scripting/realm.ts";
import type { LuaFunction } from "../scripting/values.ts";
import type { ScriptFlags } from "./script-flags.ts";
import { readShebang } from "./script-flags.ts";

export interface Script {
  /** 40 hex digits. */
  readonly sha: string;
  /** One character a byte. */
  readonly source: string;
  /** What of it is compiled. */
  readonly body: string;
  readonly flags: ScriptFlags;
  readonly main: LuaFunction;
  readonly chunk: number;
  /** Came by SCRIPT LOAD at least once: stays until SCRIPT FLUSH. */
  isLoaded: boolean;
}

/** Bytes that a script is counted with beside its text. */
const SCRIPT_OVERHEAD = 200;

export function sha1(text: string): string {
  return Bun.SHA1.hash(Buffer.from(text, "latin1"), "hex");
}

export class ScriptCache {
  readonly #realm: Realm;
  readonly #scripts: Map<string, Script> = new Map();
  /** Those that may be forgotten, the one that was used longest ago first. */
  readonly #passing: Set<Script> = new Set();
  evicted = 0;
  /** Bytes of all scripts. */
  memory = 0;

  constructor(realm: Realm) {
    this.#realm = realm;
  }

  get count(): number {
    return this.#scripts.size;
  }

  /** @param sha lower case */
  find(sha: string): Script | undefined {
    const script = this.#scripts.get(sha);
    if (script !== undefined && !script.isLoaded) {
      this.#passing.delete(script);
      this.#passing.add(script);
    }
    return script;
  }

  /** The script of this text, which is compiled if it is not known yet. @returns or an error text */
  add(source: string, isLoaded: boolean): Script | string {
    const sha = sha1(source);
    const known = this.find(sha);
    if (known !== undefined) {
      if (isLoaded && !known.isLoaded) {
        known.isLoaded = true;
        this.#passing.delete(known);
      }
      return known;
    }
    const shebang = readShebang(source);
    if (typeof shebang === "string") return shebang;
    const compiled = this.#realm.compileScript(shebang.body);
    if (typeof compiled === "string") {
      return `ERR Error compiling script (new function): ${compiled}`;
    }
    const { main, number: chunk } = compiled;
    const { body } = shebang;
    const script = { sha, source, body, flags: shebang.flags, main, chunk, isLoaded };
    this.#scripts.set(sha, script);
    this.memory += source.length + SCRIPT_OVERHEAD;
    if (!isLoaded) this.#keep(script);
    return script;
  }

  clear(): void {
    for (const script of this.#scripts.values()) removeChunk(script.chunk);
    this.#scripts.clear();
    this.#passing.clear();
    this.memory = 0;
  }

  #keep(script: Script): void {
    this.#passing.add(script);
    if (this.#passing.size <= SCRIPTS_KEEP) return;
    const [oldest] = this.#passing;
    this.#passing.delete(oldest!);
    this.#scripts.delete(oldest!.sha);
    removeChunk(oldest!.chunk);
    this.memory -= oldest!.source.length + SCRIPT_OVERHEAD;
    this.evicted++;
  }
}
