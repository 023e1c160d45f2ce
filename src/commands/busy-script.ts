/**
 * A script that has run for longer than `busy-reply-threshold`. It goes on in a thread of its own, and its commands are run here as
 * they come. Meanwhile nobody else's commands run, but for those that ask about it or end it: a script is one change, however
 * long it takes.
 */
import type { MessagePort } from "node:worker_threads";
import { MessageChannel, Worker } from "node:worker_threads";
import { REDIS_VERSION } from "../base/version.ts";
import { checkBytes } from "../scripting/answers.ts";
import type { Assignment, Request } from "../scripting/worker-messages.ts";
import { unpackValue } from "../scripting/worker-messages.ts";
import type { Busy } from "./busy.ts";
import { BUSY_FUNCTION, BUSY_SCRIPT, endBusy } from "./busy.ts";
import type { Engine } from "./engine.ts";
import type { ScriptCaller } from "./script-call.ts";
import { writeValue } from "./script-reply.ts";
import type { Session } from "./session.ts";

export type Job = Omit<Assignment, "version" | "signal">;

export class BusyScript implements Busy {
  readonly session: Session;
  readonly job: Job;
  /** The command that runs it. */
  readonly commandLine: readonly string[];
  /** Monotonic time in ms at which it began. */
  readonly startedMs: number;
  readonly #engine: Engine;
  readonly #caller: ScriptCaller;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  /** Called when the script has ended, before its client is answered. */
  readonly #onEnd: () => void;
  #hasEnded = false;

  /** @param session of the client that waits for it */
  constructor(
    engine: Engine,
    session: Session,
    caller: ScriptCaller,
    job: Job,
    run: { readonly commandLine: readonly string[]; readonly startedMs: number },
    onEnd: () => void,
  ) {
    this.#engine = engine;
    this.session = session;
    this.job = job;
    this.commandLine = run.commandLine;
    this.startedMs = run.startedMs;
    this.#caller = caller;
    this.#onEnd = onEnd;
    session.blocked = true;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(engine.hooks.scriptThread);
    const assignment: Assignment = { ...job, version: REDIS_VERSION, signal: this.#signal };
    port1.on("message", (request: Request) => {
      const answer = this.#answer(request);
      if (answer === null) return;
      port1.postMessage(answer, []);
      Atomics.store(this.#signal, 0, 1);
      Atomics.notify(this.#signal, 0);
    });
    this.#worker.on("error", (error) => this.#fail(String(error)));
    this.#worker.on("exit", () => this.#fail("its thread has ended"));
    this.#worker.postMessage({ port: port2, assignment }, [port2]);
  }

  /** It has run a command that writes. */
  get hasWritten(): boolean {
    return this.#caller.hasWritten;
  }

  /** Ends it. */
  kill(): void {
    this.#finish(() => {
      const { name } = this.job;
      this.session.reply.error(`ERR Script killed by user with SCRIPT KILL... script: ${name}`);
    });
  }

  get name(): string {
    return this.job.name;
  }

  get isFunction(): boolean {
    return this.job.functionName !== null;
  }

  /** What others are told meanwhile. */
  get refusal(): string {
    return this.isFunction ? BUSY_FUNCTION : BUSY_SCRIPT;
  }

  /** The server stops, or the script has ended: nobody is answered any more. */
  stop(): void {
    this.#hasEnded = true;
    this.#port.close();
    void this.#worker.terminate();
  }

  #answer(request: Request): Buffer | null {
    if (this.#hasEnded) return null;
    this.#engine.beginTurn();
    switch (request.kind) {
      case "call":
        return this.#caller.answer(request.parameters, request.state);
      case "may-run":
        return checkBytes(this.#caller.mayRun(request.parameters));
      case "log":
        this.#caller.log(request.level, request.text);
        return null;
      case "error":
        this.#finish(() => this.session.reply.error(request.text));
        return null;
      case "value":
        this.#finish(() => {
          writeValue(this.session.reply, unpackValue(request.value), request.protocol);
        });
        return null;
    }
  }

  #fail(reason: string): void {
    this.#finish(() => this.session.reply.error(`ERR Error running script: ${reason}`));
  }

  /** The script has ended: everybody goes on. */
  #finish(answer: () => void): void {
    if (this.#hasEnded) return;
    this.stop();
    this.#onEnd();
    endBusy(this.#engine, this.session, answer);
  }
}
