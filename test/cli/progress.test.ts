/** How progress looks on a terminal and in a file. */
import { describe, expect, test } from "bun:test";
import { grouped, Progress } from "../../src/cli/progress.ts";

function place(isTerminal: boolean) {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  return {
    written,
    clock,
    place: { isTerminal, write: (text: string) => written.push(text), nowMs: () => clock.nowMs },
  };
}

describe("progress", () => {
  test("is a bar that is drawn in place, on a terminal", () => {
    const { written, clock, place: terminal } = place(true);
    const progress = new Progress(terminal, "keys");
    progress.update(0, 2000);
    clock.nowMs = 50;
    progress.update(10, 2000);
    clock.nowMs = 1000;
    progress.update(1000, 2000);
    progress.line("done");
    expect(written).toEqual([
      "\r\x1b[K[--------------------]   0%  0 of 2,000 keys, 0 a second",
      "\r\x1b[K[##########----------]  50%  1,000 of 2,000 keys, 1,000 a second, 1 s left",
      "\r\x1b[Kdone\n",
    ]);
  });

  test("is a line now and then where there is no terminal", () => {
    const { written, clock, place: file } = place(false);
    const progress = new Progress(file, "bytes", 100);
    progress.update(100, 200);
    clock.nowMs = 10_000;
    progress.update(150, 200);
    clock.nowMs = 11_000;
    progress.update(160, 200);
    progress.line("done");
    expect(written).toEqual(["75%: 150 of 200 bytes, 5 a second, 10 s left\n", "done\n"]);
  });

  test("never shows more than everything, when there was more than was known", () => {
    const { written, clock, place: terminal } = place(true);
    const progress = new Progress(terminal, "keys");
    clock.nowMs = 1000;
    progress.update(12, 10);
    expect(written).toEqual([
      "\r\x1b[K[####################] 100%  12 of 12 keys, 12 a second, 0 s left",
    ]);
  });

  test("groups digits by three", () => {
    expect([0, 999, 1000, 1234567].map(grouped)).toEqual(["0", "999", "1,000", "1,234,567"]);
  });
});
