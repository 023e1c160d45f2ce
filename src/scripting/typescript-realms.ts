/**
 * TypeScript libraries, from the server's side. Each lives in a realm of its own, without any object of the server's, in a thread
 * that they share; the server asks it to run a function, and answers the commands that the function calls meanwhile.
 *
 * A function can be stopped whatever it does: its thread is ended, with all that it had allocated, and a new one loads the
 * libraries again. That is also how memory is bounded: a thread that makes the process grow too much while it runs a function is
 * ended.
 *
 * Realms keep what a library leaves in its variables from call to call, but not when the thread was ended.
 *
 * What this can't promise as surely as Lua's generated code does: a realm of `node:vm` is a separate set of globals in the engine's
 * hands, not code that names nothing but what it is handed. So TypeScript functions are switched off unless the operator asks.
 */
import { Worker } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { nanoseconds } from "../base/clock.ts";
import * as turns from "./typescript-channel.ts";
import { RealmChannel } from "./typescript-channel.ts";

/** A function that a library has registered. */
export interface RealmFunction {
  readonly name: string;
  readonly flags: readonly string[];
  readonly description: string;
}

/** What a function's call is answered with. @param request RESP command, or "!" and a line for the log @returns RESP3 reply */
export type Answer = (request: string) => string;

/** The thread's first answer may take this long: it is started and loads its code. */
const START_MS = 10_000;
/** Time between two looks at the process's memory: one costs as much as ten calls. */
const LOOK_MS = 5;
/** While a function runs, the process may grow by so much beside the data. */
const GROWTH_MAX: number = 256 * 1024 * 1024;

/** Nobody calls commands while a library is loaded. */
const REFUSED = "-ERR commands can't be called while the library is loaded\r\n";

export class TypeScriptRealms {
  /** Code of the libraries, by the number of their realm. */
  readonly #libraries = new Map<number, string>();
  #next = 1;
  #thread: Worker | null = null;
  #isEnding = false;
  /** What the thread is to be asked when there is one. */
  #pending: string | null = null;
  #channel: RealmChannel = new RealmChannel();
  #answer: Answer = () => REFUSED;
  /** Bytes that the server's data takes. */
  readonly #dataBytes: () => number;
  #lookNs = 0;
  /** Resident bytes beside the data at the first look at this function, or -1. */
  #sizeThen = -1;

  readonly #program: URL;

  /**
   * @param program of the thread, `typescript-thread.ts`
   * @param dataBytes gives the bytes that the server's data takes, which functions may let grow
   */
  constructor(program: URL, dataBytes: () => number) {
    this.#program = program;
    this.#dataBytes = dataBytes;
  }

  /** The thread that was ended last still gives back what it had, for which the event loop must turn: no new one starts before. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** A function runs. */
  get running(): boolean {
    return this.#channel.state === turns.REQUEST || this.#channel.state === turns.CALL;
  }

  /**
   * Loads a library into a realm of its own.
   * @param code TypeScript or JavaScript, UTF-8, one character a byte
   * @returns the realm's number and what was registered, or why the library can't be loaded
   */
  load(code: string): { readonly realm: number; readonly functions: RealmFunction[] } | string {
    const script = toScript(code);
    if (script instanceof Error) return script.message;
    const realm = this.#next++;
    if (!this.#start()) return "functions can't be loaded yet: one was stopped just now";
    const answer = this.#load(realm, script.code);
    if (!answer.startsWith("+")) return answer.slice(1);
    this.#libraries.set(realm, script.code);
    return { realm, functions: functionsOf(answer.slice(1)) };
  }

  unload(realm: number): void {
    if (!this.#libraries.delete(realm) || this.#thread === null || this.running) return;
    this.#channel.send(turns.REQUEST, turns.KIND_UNLOAD, `${realm}`);
    this.#await();
  }

  /**
   * Begins to run a function of a loaded library; `advance` does the rest.
   * @param input RESP: the array of the array of keys and the array of arguments
   * @returns false if the input is too long
   */
  begin(realm: number, name: string, input: string, answer: Answer): boolean {
    assert(!this.running, "realms: one function at a time");
    const message = `${realm}\n${name}\n${input}`;
    if (!RealmChannel.fits(message)) return false;
    this.#pending = message;
    this.#answer = answer;
    this.#sizeThen = -1;
    this.#lookNs = nanoseconds() + LOOK_MS * 1e6;
    return true;
  }

  /**
   * Answers the function's calls until it has ended or the time is over.
   * @returns its reply, RESP3, or null if it still runs; an error, if it needed too much memory
   */
  advance(budgetMs: number): string | null {
    if (this.#pending !== null && !this.#send(this.#pending)) return null;
    const deadlineNs = nanoseconds() + budgetMs * 1e6;
    const channel = this.#channel;
    for (;;) {
      const { state } = channel;
      if (state === turns.DONE) {
        channel.reset();
        return channel.message();
      }
      if (state === turns.CALL) this.#serve(channel);
      else if (channel.waitWhile(state, Math.min(LOOK_MS, budgetMs))) continue;
      const nowNs = nanoseconds();
      if (nowNs >= this.#lookNs && this.#hasGrownTooMuch(nowNs)) {
        this.kill();
        return "-ERR the function was stopped: it needs too much memory\r\n";
      }
      if (nowNs >= deadlineNs) return null;
    }
  }

  /** Stops the function that runs, if one does. */
  kill(): void {
    this.#pending = null;
    const thread = this.#thread;
    if (thread === null) return;
    this.#isEnding = true;
    thread.on("exit", () => (this.#isEnding = false));
    void thread.terminate();
    this.#thread = null;
    // The thread may still write into the old one.
    this.#channel = new RealmChannel();
  }

  // ---- inside ----

  /** Asks the thread to run a function. Returns false if there is none yet. */
  #send(message: string): boolean {
    const answer = this.#answer;
    if (!this.#start()) return false;
    // Loading the libraries again has its own.
    this.#answer = answer;
    this.#pending = null;
    return this.#channel.send(turns.REQUEST, turns.KIND_RUN, message);
  }

  #hasGrownTooMuch(nowNs: number): boolean {
    this.#lookNs = nowNs + LOOK_MS * 1e6;
    const size = process.memoryUsage.rss() - this.#dataBytes();
    if (this.#sizeThen === -1) this.#sizeThen = size;
    return size - this.#sizeThen > GROWTH_MAX;
  }

  #serve(channel: RealmChannel): void {
    const answer = this.#answer(channel.message());
    if (channel.send(turns.ANSWER, 0, answer)) return;
    channel.send(turns.ANSWER, 0, "-ERR the reply is too long for a function\r\n");
  }

  #load(realm: number, code: string): string {
    if (!this.#channel.send(turns.REQUEST, turns.KIND_LOAD, `${realm}\n${code}`)) {
      return "-the library is too long";
    }
    return this.#await();
  }

  /** Waits for an answer that can't take long. */
  #await(): string {
    const pending = this.#pending;
    this.#pending = null;
    this.#answer = () => REFUSED;
    const answer = this.advance(START_MS);
    this.#pending = pending;
    if (answer !== null) return answer;
    this.kill();
    return "-the library does not come to an end";
  }

  /** Makes sure that there is a thread with all libraries in it. Returns false if there can't be one yet. */
  #start(): boolean {
    if (this.#thread !== null) return true;
    if (this.#isEnding) return false;
    const thread = new Worker(this.#program);
    // A server that has nothing else to do may end.
    thread.unref();
    thread.postMessage(this.#channel.memory, []);
    this.#thread = thread;
    for (const [realm, code] of this.#libraries) this.#load(realm, code);
    return true;
  }
}

/**
 * TypeScript as JavaScript. Without macros: they would be run here, while the code is read.
 * @param code UTF-8, one character a byte, as is the result
 */
function toScript(code: string): { readonly code: string } | Error {
  const transpiler = new Bun.Transpiler({ loader: "ts", target: "browser", macro: false as never });
  try {
    const script = transpiler.transformSync(Buffer.from(code, "latin1").toString());
    return { code: Buffer.from(script).toString("latin1") };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function functionsOf(lines: string): RealmFunction[] {
  return lines
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [name = "", flags = "", description = ""] = line.split("\t");
      return { name, flags: flags === "" ? [] : flags.split(" "), description };
    });
}
