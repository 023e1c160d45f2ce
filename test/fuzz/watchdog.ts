/**
 * Ends a run that hangs for good: a case that never returns can't be measured by the thread that runs it. A second thread looks
 * whether the steps go on, says which one does not and how to run it again, and kills the process.
 */

/** A step may take so long, the making of a small case included. */
const PATIENCE_MS = 120_000;

const CODE = `
onmessage = ({ data: { shared, text, patience } }) => {
  const steps = new Int32Array(shared);
  let last = -1;
  let since = Date.now();
  setInterval(() => {
    const step = Atomics.load(steps, 0);
    if (step !== last) {
      last = step;
      since = Date.now();
    } else if (Date.now() - since > patience) {
      require("node:fs").writeSync(1, text.replace("#", step) + "\\n");
      process.kill(process.pid, "SIGKILL");
    }
  }, 500);
};`;

export class Watchdog {
  readonly #steps: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker = new Worker(URL.createObjectURL(new Blob([CODE])));

  /** @param text what is said of a step that hangs; # stands for its number */
  constructor(text: string, patience: number = PATIENCE_MS) {
    this.#worker.unref();
    this.#worker.postMessage({ shared: this.#steps.buffer, text, patience }, []);
  }

  /** The step that begins now. */
  step(step: number): void {
    Atomics.store(this.#steps, 0, step);
  }

  stop(): void {
    this.#worker.terminate();
  }
}
