import { expect, test } from "bun:test";
import { late, loadNext } from "../../src/base/late.ts";

test("a part is loaded when it is first asked for, and once", () => {
  let loads = 0;
  const part = late(() => ({ number: ++loads }));
  expect(loads).toBe(0);
  expect(part().number).toBe(1);
  expect(part()).toBe(part());
  expect(loads).toBe(1);
});

test("what nobody has asked for is loaded ahead, one part at a time, in order", () => {
  const loaded: string[] = [];
  const parts = ["a", "b", "c"].map((name) => late(() => loaded.push(name)));
  parts[1]!();
  expect(loaded).toEqual(["b"]);
  let most = 0;
  for (let more = true; more;) {
    const before = loaded.length;
    more = loadNext();
    most = Math.max(most, loaded.length - before);
  }
  expect(loaded).toEqual(["b", "a", "c"]);
  expect(most).toBe(1);
  expect(loadNext()).toBe(false);
});

test("a part that can't be loaded ahead is tried again", () => {
  let fails = true;
  const loaded: string[] = [];
  late(() => {
    if (fails) throw new Error("EMFILE");
    loaded.push("first");
  });
  late(() => loaded.push("second"));
  expect(loadNext()).toBe(true);
  expect(loadNext()).toBe(true);
  expect(loaded).toEqual(["second"]);
  fails = false;
  expect(loadNext()).toBe(false);
  expect(loaded).toEqual(["second", "first"]);
});
