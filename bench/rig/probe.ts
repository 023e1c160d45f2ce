/**
 * A probe inside the server's process: preloaded before the server (`bun run --preload`), it knows nothing of Hutch. It
 * wraps `Bun.listen`, to see the end of every `data` callback, and keeps a chain of immediates running, one each round of
 * the event loop. Both are steps: moments at which the server has got on. A pause is the time between two steps.
 *
 *   step ... [callback] step [callback] step ... [collection] ... [callback] step ... round, step
 *            |---- pause ---||---- pause ----||------------ pause ------------|
 *
 * A round of the loop serves everybody whose bytes have come, so under load it is as long as that work takes, and no pause.
 *
 * A pause of LONG_MS or more is written to standard error at once, in one line, together with what can have caused it:
 * time inside the callback, time in which the thread waited for a core. The engine's own log of
 * collections (BUN_JSC_logGC=1) goes to the same place, so the lines before a pause tell whether it was one.
 *
 * HUTCH_PROBE_SAMPLES names a file that gets a line every second: the longest round of that second, and how large the
 * JavaScript heap is.
 *
 * SIGUSR2 writes the whole report as JSON to the file that HUTCH_PROBE_REPORT names.
 */
import { heapSize } from "bun:jsc";
import { appendFileSync, writeFileSync, writeSync } from "node:fs";
import { sampleCpu, WaitClock } from "./schedstat.ts";
import { MicrosecondHistogram } from "./statistics.ts";

export const LONG_MARK = "hutch-probe-long ";
const LONG_MS = 2;
/** How often the thread's waiting time is looked at, and how often the other threads' time on a core, which costs more. */
const WAIT_EVERY_NS = 1e6;
const OTHERS_EVERY_NS = 50e6;

export interface LongPause {
  readonly ms: number;
  /** The part of it within a callback. */
  readonly callbackMs: number;
  /** The most that the thread can have waited for a core meanwhile. */
  readonly waitedMs: number;
  /** What the process's other threads (compilation, collection) ran, within and up to 50 ms before. */
  readonly othersMs: number;
  /** Bytes received since the start. */
  readonly receivedBytes: number;
}

export interface Distribution {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p9999Ms: number;
  readonly maxMs: number;
}

export interface ProbeReport {
  readonly pauses: Distribution;
  /** Single `data` callbacks: what one chunk of one client took. */
  readonly callbacks: Distribution;
  /** Rounds of the event loop that ran a callback. */
  readonly rounds: Distribution;
}

/** What a line of the samples holds, about the second before it. */
export interface ProbeSample {
  /** Unix time. */
  readonly atMs: number;
  /** The longest round of the event loop that ran a callback. */
  readonly longestMs: number;
  /** The same without the time in which the thread waited for a core. */
  readonly longestRunMs: number;
  readonly rounds: number;
  readonly heapBytes: number;
}

const SAMPLE_MS = 1000;

/** How long the main thread has waited for a core. */
const waitClock = new WaitClock(process.pid);

const pauses = new MicrosecondHistogram();
const callbacks = new MicrosecondHistogram();
const rounds = new MicrosecondHistogram();
let receivedBytes = 0;
let stepNs = 0;
let roundNs = 0;
let roundCallbacks = 0;
let waitNs = 0;
let waitReadNs = 0;
let othersNs = 0;
let othersReadNs = 0;
// Of the sample under way.
let longestMs = 0;
let longestRunMs = 0;
let sampleRounds = 0;
/** What the thread is known to have waited for a core in the round under way. */
let roundWaitNs = 0;

/** Nanoseconds that all threads but this one were on a core. */
function othersRunNs(): number {
  let ns = 0;
  for (const [tid, runNs] of sampleCpu(process.pid).threads) if (tid !== process.pid) ns += runNs;
  return ns;
}

/** The server has got on. Nothing counts before the first byte has come. @param tookNs of the callback that ended, or 0 */
function step(now: number, tookNs: number): void {
  if (receivedBytes > 0 && stepNs > 0) {
    const ms = (now - stepNs) / 1e6;
    pauses.record(ms * 1000);
    if (ms >= LONG_MS) reportLong(ms, tookNs / 1e6);
    if (now - waitReadNs > WAIT_EVERY_NS) {
      const waitedNs = waitClock.read();
      roundWaitNs += waitedNs - waitNs;
      waitNs = waitedNs;
      waitReadNs = now;
    }
    if (now - othersReadNs > OTHERS_EVERY_NS) {
      othersNs = othersRunNs();
      othersReadNs = now;
    }
  }
  // What this function itself took is no pause.
  stepNs = Bun.nanoseconds();
}

function beat(): void {
  const now = Bun.nanoseconds();
  if (roundCallbacks > 0) roundEnded((now - roundNs) / 1e6);
  roundCallbacks = 0;
  step(now, 0);
  roundNs = stepNs;
  roundWaitNs = 0;
  setImmediate(beat);
}

function roundEnded(ms: number): void {
  rounds.record(ms * 1000);
  sampleRounds++;
  if (ms > longestMs) longestMs = ms;
  if (ms <= longestRunMs) return;
  // The waiting time was read some while before the round, so short ones would seem to have waited for all of it.
  const waitedNs = ms < LONG_MS ? 0 : roundWaitNs + waitClock.read() - waitNs;
  longestRunMs = Math.max(longestRunMs, ms - waitedNs / 1e6);
}

function writeSample(file: string): void {
  const sample: ProbeSample = {
    atMs: Date.now(),
    longestMs,
    longestRunMs,
    rounds: sampleRounds,
    heapBytes: heapSize(),
  };
  appendFileSync(file, `${JSON.stringify(sample)}\n`);
  longestMs = 0;
  longestRunMs = 0;
  sampleRounds = 0;
}

function reportLong(ms: number, callbackMs: number): void {
  const pause: LongPause = {
    ms,
    callbackMs,
    waitedMs: (waitClock.read() - waitNs) / 1e6,
    othersMs: (othersRunNs() - othersNs) / 1e6,
    receivedBytes,
  };
  writeSync(2, `\n${LONG_MARK}${JSON.stringify(pause)}\n`);
}

function distribution(histogram: MicrosecondHistogram): Distribution {
  return {
    count: histogram.count,
    p50Ms: histogram.quantile(0.5) / 1000,
    p99Ms: histogram.quantile(0.99) / 1000,
    p9999Ms: histogram.quantile(0.9999) / 1000,
    maxMs: histogram.max / 1000,
  };
}

function install(reportFile: string): void {
  const { listen } = Bun;
  const timed = (options: Bun.TCPSocketListenOptions<unknown>): unknown => {
    const { data } = options.socket;
    if (data === undefined) return listen(options);
    const socket = {
      ...options.socket,
      data(peer: Bun.Socket<unknown>, chunk: Buffer): void {
        const begin = Bun.nanoseconds();
        void data(peer, chunk);
        const now = Bun.nanoseconds();
        receivedBytes += chunk.length;
        roundCallbacks++;
        callbacks.record((now - begin) / 1000);
        step(now, now - begin);
      },
    };
    return listen({ ...options, socket });
  };
  Object.assign(Bun, { listen: timed });
  process.on("SIGUSR2", () => {
    const report: ProbeReport = {
      pauses: distribution(pauses),
      callbacks: distribution(callbacks),
      rounds: distribution(rounds),
    };
    writeFileSync(reportFile, JSON.stringify(report));
  });
  setImmediate(beat);
}

const samplesFile = process.env["HUTCH_PROBE_SAMPLES"];
if (samplesFile !== undefined) setInterval(() => writeSample(samplesFile), SAMPLE_MS);
const reportFile = process.env["HUTCH_PROBE_REPORT"];
if (reportFile !== undefined) install(reportFile);
