/**
 * CPU time of a process as the operating system counts it: user and system time of all its threads, in nanoseconds.
 *
 *   /proc/<pid>/task/<tid>/schedstat    "<ns on a core> <ns waiting for a core> <times put on a core>"
 *
 * `/proc/<pid>/stat` counts in ticks of 10 ms and has the time of threads that have ended, too; schedstat is exact but
 * forgets a thread with its end. So the exact sum is used, and `lostNs` tells by how much the coarse one exceeds it. The
 * kernel brings a running thread's figure up to date at its own ticks only: sample a server while it is idle.
 */
import { openSync, readdirSync, readFileSync, readSync } from "node:fs";

export interface Schedstat {
  /** Nanoseconds on a core. */
  readonly runNs: number;
  /** Nanoseconds ready to run, but waiting for a core. */
  readonly waitNs: number;
}

export interface CpuSample {
  /** Nanoseconds on a core by thread id. */
  readonly threads: ReadonlyMap<number, number>;
  /** User and system time of the process in nanoseconds, ended threads included; in steps of 10 ms. */
  readonly coarseNs: number;
}

/** Linux counts in USER_HZ towards programs, which is 100 on every architecture that Bun runs on. */
const TICK_NS = 1e7;

/** The difference between the two counts that rounding alone explains. */
const COARSE_ERROR_NS: number = 3 * TICK_NS;

export function parseSchedstat(text: string): Schedstat {
  const fields = text.trim().split(/\s+/).map(Number);
  const [runNs, waitNs] = fields;
  if (fields.length !== 3 || fields.some((field) => !Number.isSafeInteger(field) || field < 0)) {
    throw new SyntaxError(`not a schedstat line: ${JSON.stringify(text)}`);
  }
  return { runNs: runNs!, waitNs: waitNs! };
}

/** Longer than any schedstat line: three numbers of up to 20 digits. */
const LINE_MAX = 64;
const SPACE: number = " ".charCodeAt(0);
const ZERO: number = "0".charCodeAt(0);

/**
 * Reads again and again how long a thread of this process has waited for a core: from one open file into one buffer, so that nothing
 * is left for the garbage collector.
 */
export class WaitClock {
  readonly #file: number;
  readonly #line: Buffer = Buffer.alloc(LINE_MAX);

  /** @param tid of the thread; the main thread has the process's own number */
  constructor(tid: number) {
    this.#file = openSync(`/proc/self/task/${tid}/schedstat`, "r");
  }

  /** Nanoseconds ready to run, but waiting for a core. */
  read(): number {
    const line = this.#line;
    readSync(this.#file, line, 0, LINE_MAX, 0);
    let at = line.indexOf(SPACE) + 1;
    let ns = 0;
    for (; line[at] !== SPACE; at++) ns = ns * 10 + line[at]! - ZERO;
    return ns;
  }
}

/** User plus system time in nanoseconds out of `/proc/<pid>/stat`. The program's name may hold spaces and parentheses. */
export function parseStatCpu(text: string): number {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // Fields 14 and 15 of the whole line; the first one after the name is field 3.
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isSafeInteger(ticks)) {
    throw new SyntaxError(`not a stat line: ${JSON.stringify(text)}`);
  }
  return ticks * TICK_NS;
}

/** Reads the CPU time that a process has used so far. */
export function sampleCpu(pid: number): CpuSample {
  const threads = new Map<number, number>();
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "latin1");
      threads.set(Number(tid), parseSchedstat(text).runNs);
    } catch (error) {
      // The thread ended between the two reads.
      if (error instanceof SyntaxError) throw error;
    }
  }
  return { threads, coarseNs: parseStatCpu(readFileSync(`/proc/${pid}/stat`, "latin1")) };
}

/** What a process used between two samples. `lostNs` is 0 unless threads took time with them when they ended. */
export function cpuBetween(
  before: CpuSample,
  after: CpuSample,
): { readonly ns: number; readonly lostNs: number } {
  let ns = 0;
  for (const [tid, runNs] of after.threads) ns += runNs - (before.threads.get(tid) ?? 0);
  const excess = after.coarseNs - before.coarseNs - ns;
  return { ns, lostNs: excess > COARSE_ERROR_NS ? excess : 0 };
}

/** Resident bytes of a process: VmRSS. */
export function residentBytes(pid: number): number {
  return parseResident(readFileSync(`/proc/${pid}/status`, "latin1"));
}

/** VmRSS in bytes out of `/proc/<pid>/status`. */
export function parseResident(status: string): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (match === null) throw new SyntaxError("no VmRSS in the status of the process");
  return Number(match[1]) * 1024;
}
