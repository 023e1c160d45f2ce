import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  cpuBetween,
  parseResident,
  parseSchedstat,
  parseStatCpu,
  sampleCpu,
  WaitClock,
} from "../../bench/rig/schedstat.ts";

describe("the operating system's accounting", () => {
  test("a schedstat line holds time on a core and time waiting for one", () => {
    expect(parseSchedstat("577253 101640 2\n")).toEqual({ runNs: 577253, waitNs: 101640 });
  });

  test("what is no schedstat line is refused", () => {
    for (const text of ["", "1 2", "1 2 3 4", "a b c", "-1 2 3"]) {
      expect(() => parseSchedstat(text)).toThrow(SyntaxError);
    }
  });

  test("user and system time are found behind a name with spaces and parentheses", () => {
    const rest = "S 1 2 3 0 -1 4194304 10 0 0 0 250 50 7 7 20 0 4 0 100";
    expect(parseStatCpu(`42 (a (b) c) ${rest}`)).toBe(300 * 1e7);
    expect(() => parseStatCpu("42 (x) S 1")).toThrow(SyntaxError);
  });

  test("the time that a thread has waited is read again and again", () => {
    const clock = new WaitClock(process.pid);
    const path = `/proc/self/task/${process.pid}/schedstat`;
    const waited = (): number => parseSchedstat(readFileSync(path, "latin1")).waitNs;
    for (let i = 0; i < 100; i++) {
      const before = waited();
      const read = clock.read();
      expect(read).toBeGreaterThanOrEqual(before);
      expect(read).toBeLessThanOrEqual(waited());
    }
  });

  test("resident memory comes in bytes", () => {
    expect(parseResident("Name:\tx\nVmHWM:\t   900 kB\nVmRSS:\t   512 kB\nRssAnon:\t 1 kB\n")).toBe(
      512 * 1024,
    );
    expect(() => parseResident("Name:\tx\n")).toThrow(SyntaxError);
  });

  test("work done between two samples is counted in the later one", () => {
    const before = sampleCpu(process.pid);
    const end = process.cpuUsage().user + 50_000;
    while (process.cpuUsage().user < end);
    const { ns } = cpuBetween(before, sampleCpu(process.pid));
    expect(ns).toBeGreaterThan(25e6);
  });
});

describe("CPU time between two samples", () => {
  test("is the sum over threads, those that began meanwhile included", () => {
    const before = { threads: new Map([[1, 100e6]]), coarseNs: 100e6 };
    const after = {
      threads: new Map([
        [1, 160e6],
        [2, 5e6],
      ]),
      coarseNs: 170e6,
    };
    expect(cpuBetween(before, after)).toEqual({ ns: 65e6, lostNs: 0 });
  });

  test("tells how much threads that ended took with them", () => {
    const before = {
      threads: new Map([
        [1, 100e6],
        [2, 0],
      ]),
      coarseNs: 100e6,
    };
    const after = { threads: new Map([[1, 110e6]]), coarseNs: 210e6 };
    expect(cpuBetween(before, after)).toEqual({ ns: 10e6, lostNs: 100e6 });
  });
});
