/** The scripts that a server knows, by the SHA1 of their text. What came by EVAL alone is forgotten again when there is too much of it. */
import { SCRIPTS_KEEP } from "../base/limits.ts";
import { removeChunk } from "../scripting/chunk.ts";
import type { Realm } from "../scripting/realm.ts";
import { equalBytes, latin1Text } from "../base/bytes.ts";
import type { Runnable } from "./runnable.ts";
import { readShebang } from "./script-flags.ts";

export interface Script extends Runnable {
  /** 40 hex digits, and the same as bytes. */
  readonly sha: string;
  readonly shaBytes: Buffer;
  /** One character a byte. */
  readonly text: string;
  readonly chunk: number;
  /** Came by SCRIPT LOAD at least once: stays until SCRIPT FLUSH. */
  isLoaded: boolean;
}

export const SHA_LENGTH = 40;

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
  /** The one that was used last. */
  #last: Script | null = null;
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
    if (script !== undefined) this.#use(script);
    return script;
  }

  /** The script whose SHA1 stands at bytes[start, start + 40), letters of either case. */
  findAt(bytes: Buffer, start: number): Script | undefined {
    const last = this.#last;
    // Most clients call the same one again and again.
    if (last !== null && equalBytes(bytes, start, last.shaBytes, 0, SHA_LENGTH)) return last;
    const sha = latin1Text(bytes, start, start + SHA_LENGTH);
    return this.find(sha) ?? this.find(sha.toLowerCase());
  }

  /** Notes that a script is used now. */
  #use(script: Script): void {
    if (script === this.#last) return;
    this.#last = script;
    if (script.isLoaded) return;
    this.#passing.delete(script);
    this.#passing.add(script);
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
    const script: Script = {
      sha,
      shaBytes: Buffer.from(sha),
      text: source,
      source: shebang.body,
      name: sha,
      isFunction: false,
      flags: shebang.flags,
      main,
      chunk,
      isLoaded,
    };
    this.#scripts.set(sha, script);
    this.memory += source.length + SCRIPT_OVERHEAD;
    if (!isLoaded) this.#keep(script);
    return script;
  }

  clear(): void {
    for (const script of this.#scripts.values()) removeChunk(script.chunk);
    this.#scripts.clear();
    this.#passing.clear();
    this.#last = null;
    this.memory = 0;
  }

  #keep(script: Script): void {
    this.#passing.add(script);
    this.#last = script;
    if (this.#passing.size <= SCRIPTS_KEEP) return;
    const [oldest] = this.#passing;
    this.#passing.delete(oldest!);
    if (oldest === this.#last) this.#last = null;
    this.#scripts.delete(oldest!.sha);
    removeChunk(oldest!.chunk);
    this.memory -= oldest!.text.length + SCRIPT_OVERHEAD;
    this.evicted++;
  }
}
