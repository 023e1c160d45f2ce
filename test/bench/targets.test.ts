import { describe, expect, test } from "bun:test";
import type { Target } from "../../bench/targets.ts";
import { checkTargets, SECTIONS, TARGETS, targetsOf } from "../../bench/targets.ts";

const TWO: readonly Target[] = [
  { id: "speed", section: "throughput", title: "speed", limit: 0.5 },
  { id: "size", section: "memory", title: "size", limit: 32 },
];

function met(measured: Readonly<Record<string, number>>): boolean[] {
  const figures = new Map(Object.entries(measured));
  return checkTargets(figures, SECTIONS, TWO).map((verdict) => verdict.met);
}

describe("the check of targets", () => {
  test("a figure at its limit meets the target, one above it misses", () => {
    expect(met({ speed: 0.5, size: 32.001 })).toEqual([true, false]);
  });

  test("a figure that is missing or no number misses its target", () => {
    expect(met({ size: 1 })).toEqual([false, true]);
    expect(met({ speed: NaN, size: 1 })).toEqual([false, true]);
  });

  test("targets of sections that were not run are left out", () => {
    const verdicts = checkTargets(new Map([["size", 40]]), ["memory"], TWO);
    expect(verdicts).toEqual([{ target: TWO[1]!, value: 40, met: false }]);
  });
});

test("the targets of a run of some cells are those cells' and those that name no cell", () => {
  const ids = targetsOf(["LPUSH", "one hash"], [16]).map((target) => target.id);
  expect(ids).toContain("types LPUSH 16");
  expect(ids).toContain("elements one hash");
  expect(ids).toContain("memory");
  expect(ids).not.toContain("types LPUSH 64");
  expect(ids).not.toContain("types RPUSH 16");
  expect(ids).not.toContain("cpu SET 16");
  expect(targetsOf(null, [1, 16, 64])).toEqual(TARGETS);
});

test("every section has a target, and no two targets share a figure", () => {
  expect(new Set(TARGETS.map((target) => target.section))).toEqual(new Set(SECTIONS));
  expect(new Set(TARGETS.map((target) => target.id)).size).toBe(TARGETS.length);
});
