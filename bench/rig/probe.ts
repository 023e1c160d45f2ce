/**
 * A probe inside the server's process: preloaded before the server (`bun run --preload`), it knows nothing of Hutch. It wraps
 * `Bun.listen`, to time every `data` callback, and keeps a chain of immediates running, one each round of the event loop;
 * the gap between two of them is the time for which the loop served nobody who came in between.
 *
 * A gap of LONG_MS or more is written to standard error at once, in one line, together with what can have caused it: time
 * inside callbacks, time in which the thread waited for a core, large buffers made. The engine's own log of
 * collections (BUN_JSC_logGC=1) goes to the same place, so the lines before a gap tell whether it was one.
 *
 * SIGUSR2 writes the whole report as JSON to the file that HUTCH_PROBE_REPORT names.
 */
import { readFileSync, writeFileSync, writeSync } from "node:fs";
import type { Schedstat } from "./schedstat.ts";
import { parseSchedstat, sampleCpu } from "./schedstat.ts";
import { MicrosecondHistogram } from "./statistics.ts";

export const LONG_MARK = "hutch-probe-long ";
const LONG_MS = 2;
/** Buffers from this size on are segments and tables. */
const LARGE_BUFFER: number = 1 << 20;
/** How often the thread's waiting time is looked at, and how often the other threads' time on a core, which costs more. */
const WAIT_EVERY_NS = 1e6;
const OTHERS_EVERY_NS = 50e6;

export interface LongGap {
  readonly ms: number;
  /** The longest of the callbacks within. */
  readonly callbackMs: number;
  /** The most that the thread can have waited for a core meanwhile. */
  readonly waitedMs: number;
  /** What the process's other threads (compilation, collection) ran, within and up to 50 ms before. */
  readonly othersMs: number;
  /** Bytes received since the start. */
  readonly receivedBytes: number;
  /** Sizes of the large buffers made within. */
  readonly buffers: readonly number[];
}

export interface Distribution {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p9999Ms: number;
  readonly maxMs: number;
}

export interface ProbeReport {
  /** Gaps between two rounds of the event loop, those without work left out unless they are long. */
  readonly gaps: Distribution;
  /** Single `data` callbacks: what one chunk of one client took. */
  readonly callbacks: Distribution;
}

const gaps = new MicrosecondHistogram();
const callbacks = new MicrosecondHistogram();
let callbackNs = 0;
let receivedBytes = 0;
let buffers: number[] = [];
let lastNs = 0;
let waitNs = 0;
let waitReadNs = 0;
let othersNs = 0;
let othersReadNs = 0;

/** The main thread's task directory has the process's own number. */
function schedstatOf(tid: number | string): Schedstat {
  return parseSchedstat(readFileSync(`/proc/self/task/${tid}/schedstat`, "latin1"));
}

/** Nanoseconds that all threads but this one were on a core. */
function othersRunNs(): number {
  let ns = 0;
  for (const [tid, runNs] of sampleCpu(process.pid).threads) if (tid !== process.pid) ns += runNs;
  return ns;
}

/** One round of the event loop. Nothing counts before the first byte has come. */
function beat(): void {
  const now = Bun.nanoseconds();
  if (receivedBytes > 0 && lastNs > 0) {
    const ms = (now - lastNs) / 1e6;
    // Most rounds find nothing to do; they would make every quantile a zero.
    if (callbackNs > 0 || ms >= LONG_MS) gaps.record(ms * 1000);
    if (ms >= LONG_MS) reportLong(ms);
    if (now - waitReadNs > WAIT_EVERY_NS) {
      waitNs = schedstatOf(process.pid).waitNs;
      waitReadNs = now;
    }
    if (now - othersReadNs > OTHERS_EVERY_NS) {
      othersNs = othersRunNs();
      othersReadNs = now;
    }
  }
  callbackNs = 0;
  if (buffers.length > 0) buffers = [];
  // What this function itself took is no gap.
  lastNs = Bun.nanoseconds();
  setImmediate(beat);
}

function reportLong(ms: number): void {
  const gap: LongGap = {
    ms,
    callbackMs: callbackNs / 1e6,
    waitedMs: (schedstatOf(process.pid).waitNs - waitNs) / 1e6,
    othersMs: (othersRunNs() - othersNs) / 1e6,
    receivedBytes,
    buffers,
  };
  writeSync(2, `\n${LONG_MARK}${JSON.stringify(gap)}\n`);
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
        const took = Bun.nanoseconds() - begin;
        receivedBytes += chunk.length;
        callbacks.record(took / 1000);
        if (took > callbackNs) callbackNs = took;
      },
    };
    return listen({ ...options, socket });
  };
  Object.assign(Bun, { listen: timed });
  globalThis.ArrayBuffer = new Proxy(ArrayBuffer, {
    construct(target, args: [number], newTarget: new () => ArrayBuffer): ArrayBuffer {
      if (args[0] >= LARGE_BUFFER) buffers.push(args[0]);
      return Reflect.construct(target, args, newTarget) as ArrayBuffer;
    },
  });
  process.on("SIGUSR2", () => {
    const report: ProbeReport = { gaps: distribution(gaps), callbacks: distribution(callbacks) };
    writeFileSync(reportFile, JSON.stringify(report));
  });
  setImmediate(beat);
}

const reportFile = process.env["HUTCH_PROBE_REPORT"];
if (reportFile !== undefined) install(reportFile);
