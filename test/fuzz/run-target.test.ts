import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMs } from "../support/cpu-time.ts";
import { readCase, writeCase } from "./case-file.ts";
import type { Limits } from "./run-target.ts";
import { replay, runTarget } from "./run-target.ts";
import type { Run, Target } from "./target.ts";

const LIMITS: Limits = { seed: 1, steps: 20, ms: Infinity };

/** Cases of ten random bytes. @param check throws, or takes its time */
function targetOf(check: (bytes: Buffer) => void, more: Partial<Target> = {}): Target {
  const run: Run = {
    make: (random) => Buffer.from(Array.from({ length: 10 }, () => random.below(256))),
    check(bytes) {
      check(bytes);
      return "done";
    },
  };
  return { name: "test", what: "", hangMs: 50, start: () => run, ...more };
}

describe("a run of a target", () => {
  test("counts what came of its cases, which are the same for the same seed", async () => {
    const seen: string[] = [];
    const target = targetOf((bytes) => void seen.push(bytes.toString("hex")));
    const report = await runTarget(target, LIMITS);
    expect(report).toMatchObject({ steps: 20, outcomes: { done: 20 }, failures: [] });
    await runTarget(target, LIMITS);
    expect(seen.slice(20)).toEqual(seen.slice(0, 20));
    await runTarget(target, { ...LIMITS, from: 7, steps: 1 });
    expect(seen.at(-1)).toBe(seen[7]!);
  });

  test("makes a case small that fails, and can run it again", async () => {
    const target = targetOf((bytes) => {
      if (bytes.some((byte) => byte > 200)) throw new Error("too large");
    });
    const { failures } = await runTarget(target, { ...LIMITS, failures: 1 });
    expect(failures).toHaveLength(1);
    const { bytes, problem } = failures[0]!;
    expect(bytes).toHaveLength(1);
    expect(problem).toContain("too large");
    expect(await replay(target, 1, bytes)).toContain("too large");
    expect(await replay(target, 1, Buffer.of(1))).toBeNull();
  });

  test("finds a case that hangs", async () => {
    const hangs = (bytes: Buffer): void => {
      const end = cpuMs() + 10;
      while (bytes[0]! > 200 && cpuMs() < end);
    };
    const target = targetOf(hangs, { hangMs: 5 });
    const { failures } = await runTarget(target, { ...LIMITS, failures: 1 });
    expect(failures[0]?.problem).toContain("took");
  }, 30_000);

  test("finds a case that changes JavaScript's own objects, and takes that back", async () => {
    const target = targetOf((bytes) => {
      if (bytes[0]! > 200) Reflect.set(Object.prototype, "polluted", 1);
    });
    const { failures } = await runTarget(target, { ...LIMITS, failures: 1 });
    expect(failures[0]?.problem).toContain("polluted");
    expect("polluted" in {}).toBe(false);
  });

  test("tells what fails once only from what fails by itself", async () => {
    const failsOnce = (): ((bytes: Buffer) => void) => {
      let cases = 0;
      return () => {
        cases++;
        if (cases === 3) throw new Error("now and then");
      };
    };
    const timed = await runTarget(targetOf(failsOnce(), { isTimed: true }), LIMITS);
    expect(timed.failures).toEqual([]);
    expect(timed.once).toHaveLength(1);
    const { failures } = await runTarget(targetOf(failsOnce()), LIMITS);
    expect(failures[0]?.problem).toContain("only after the steps before it");
  });

  test("keeps a case in a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "hutch-case-"));
    try {
      const bytes = Buffer.from("\n\n\0\xff\n", "latin1");
      const found = { target: "test", seed: 5, step: 7, problem: "a\nb", bytes };
      const path = writeCase(folder, found);
      expect(readCase(path)).toEqual({ ...found, problem: "a b" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("that never returns from a case is killed, and says how to run that again", async () => {
    const program = `
      import { Watchdog } from "${join(import.meta.dir, "watchdog.ts")}";
      const watchdog = new Watchdog("hangs at step #", 1000);
      await Bun.sleep(300);
      watchdog.step(7);
      for (;;);`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    expect(await new Response(child.stdout).text()).toBe("hangs at step 7\n");
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
  }, 20_000);
});
