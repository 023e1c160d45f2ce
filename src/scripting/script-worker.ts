/**
 * The thread in which a script goes on that has taken too long: it runs from its beginning, is given the answers again that it got
 * before, and asks the server for the rest. The server stays free meanwhile, and ends a script by ending its thread.
 */
import type { MessagePort } from "node:worker_threads";
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { AnswerReader, CHECK_SIZE, readCheck } from "./answers.ts";
import { readDescription } from "./function-description.ts";
import { settle } from "./invoke.ts";
import { meter } from "./meter.ts";
import { Realm } from "./realm.ts";
import { scriptErrorText } from "./script-error.ts";
import type { ScriptHost } from "./script-host.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaValue } from "./values.ts";
import { first } from "./values.ts";
import type { Assignment, Request } from "./worker-messages.ts";
import { packValue } from "./worker-messages.ts";

/** What the server is, seen from the thread. */
class RemoteHost implements ScriptHost {
  failed = false;
  protocol = 2;
  #replication = 3;
  readonly #port: MessagePort;
  readonly #signal: Int32Array;
  /** Answers that were given before, of which those from `#at` on are to be given again. */
  readonly #record: Buffer;
  #at = 0;
  readonly #reader: AnswerReader = new AnswerReader();

  constructor(port: MessagePort, assignment: Assignment) {
    this.#port = port;
    this.#signal = assignment.signal;
    this.#record = Buffer.from(assignment.record);
  }

  call(parameters: readonly LuaValue[]): LuaValue {
    if (this.#isAgain) {
      const value = this.#take(this.#record, this.#at);
      this.#at = this.#reader.end;
      return value;
    }
    // What is neither string nor number is refused there as it would be here.
    const sent = parameters.map((value) => (typeof value === "object" ? undefined : value));
    const plain = sent.map((value) => (typeof value === "function" ? undefined : value));
    const state = { protocol: this.protocol, replication: this.#replication };
    return this.#take(this.#ask({ kind: "call", parameters: plain, state }), 0);
  }

  callPair(name: LuaValue, argument: LuaValue): LuaValue {
    return this.call([name, argument]);
  }

  mayRun(parameters: readonly LuaValue[]): boolean | null {
    if (this.#isAgain) {
      const at = this.#at;
      this.#at = at + CHECK_SIZE;
      return readCheck(this.#record, at);
    }
    return readCheck(this.#ask({ kind: "may-run", parameters }), 0);
  }

  log(level: number, text: string): void {
    // What was logged before is not logged again.
    if (!this.#isAgain) {
      this.#port.postMessage({ kind: "log", level, text } satisfies Request, []);
    }
  }

  setProtocol(version: number): void {
    this.protocol = version;
  }

  setReplication(flags: number): void {
    this.#replication = flags;
  }

  /** The script has not come as far yet as it was. */
  get #isAgain(): boolean {
    return this.#at < this.#record.length;
  }

  #take(bytes: Buffer, start: number): LuaValue {
    const value = this.#reader.read(bytes, start);
    this.failed = this.#reader.failed;
    return value;
  }

  /** Sends a request and waits for its answer. */
  #ask(request: Request): Buffer {
    const signal = this.#signal;
    Atomics.store(signal, 0, 0);
    this.#port.postMessage(request, []);
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: Uint8Array } | undefined;
      if (received !== undefined) return Buffer.from(received.message);
      Atomics.wait(signal, 0, 0, WAIT_MS);
    }
  }
}

/** A thread that waits for long can't be ended meanwhile. */
const WAIT_MS = 50;

function run(port: MessagePort, assignment: Assignment): void {
  const realm = new Realm(assignment.version, sha1);
  const host = new RemoteHost(port, assignment);
  const { keys, values, name } = assignment;
  let request: Request;
  try {
    const main = prepare(realm, assignment);
    const parameters = [new LuaTable([...keys]), new LuaTable([...values])] as const;
    realm.holder.host = host;
    realm.begin(...parameters, assignment.random);
    meter.begin(Infinity, () => Infinity);
    const result = assignment.functionName === null ? main() : main(...parameters);
    const value = packValue(first(settle(result)));
    request = { kind: "value", value, protocol: host.protocol };
  } catch (error) {
    request = { kind: "error", text: scriptErrorText(error, name) };
  }
  port.postMessage(request, []);
}

function prepare(realm: Realm, assignment: Assignment): LuaFunction {
  const { source, functionName } = assignment;
  const compiled =
    functionName === null ? realm.compileScript(source) : realm.compileLibrary(source);
  if (typeof compiled === "string") throw new Error(compiled);
  if (functionName === null) return compiled.main;
  let found: LuaFunction | null = null;
  realm.holder.registrar = {
    register: (table) => {
      const description = readDescription(table);
      if (typeof description === "string") return description;
      if (description.name === functionName) found = description.callback;
      return null;
    },
  };
  settle(compiled.main());
  realm.holder.registrar = null;
  if (found === null) throw new Error(`the library has no function ${functionName}`);
  return found;
}

function sha1(text: string): string {
  return Bun.SHA1.hash(Buffer.from(text, "latin1"), "hex");
}

parentPort!.on("message", ({ port, assignment }: { port: MessagePort; assignment: Assignment }) => {
  run(port, assignment);
});
