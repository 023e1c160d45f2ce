import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";

describe("the clock", () => {
  test("stands still between refreshes, and shows the system's time after one", () => {
    const clock = new Clock();
    const before = clock.nowMs;
    const start = performance.now();
    while (performance.now() - start < 3);
    expect(clock.nowMs).toBe(before);
    clock.refresh();
    expect(clock.nowMs).toBeGreaterThan(before);
    expect(Math.abs(clock.nowMs - Date.now())).toBeLessThan(1000);
  });

  test("can be moved forward while it runs", () => {
    const clock = new Clock();
    const monotonic = clock.monotonicMs;
    clock.advance(3_600_000);
    expect(Math.abs(clock.nowMs - Date.now() - 3_600_000)).toBeLessThan(1000);
    expect(clock.monotonicMs - monotonic).toBeGreaterThanOrEqual(3_600_000);
  });

  test("moves only by hand once it is frozen", () => {
    const clock = new Clock();
    clock.freeze(1_800_000_000_000);
    clock.refresh();
    expect(clock.nowMs).toBe(1_800_000_000_000);
    const monotonic = clock.monotonicMs;
    clock.advance(250);
    clock.refresh();
    expect(clock.nowMs).toBe(1_800_000_000_250);
    expect(clock.monotonicMs - monotonic).toBe(250);
    expect(clock.unixMicroseconds()).toBe(1_800_000_000_250_000);
  });

  test("never shows microseconds that do not belong to the system's time", () => {
    const clock = new Clock();
    for (let i = 0; i < 1000; i++) {
      const before = Date.now();
      const microseconds = clock.unixMicroseconds();
      expect(Number.isInteger(microseconds)).toBe(true);
      expect(microseconds).toBeGreaterThanOrEqual(before * 1000);
      expect(microseconds).toBeLessThan((Date.now() + 1) * 1000);
    }
  });
});
