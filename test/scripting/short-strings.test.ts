import { expect, test } from "bun:test";
import { ShortStrings } from "../../src/scripting/short-strings.ts";
import { seeded } from "../support/seed.ts";

test("short strings are those of their bytes, whatever came before", () => {
  const random = seeded("short strings");
  const strings = new ShortStrings();
  const bytes = Buffer.alloc(64);
  for (let i = 0; i < 20_000; i++) {
    const start = random.below(8);
    const end = start + random.below(26);
    // Few different bytes: many strings share a slot, and many come again.
    for (let at = start; at < end; at++) bytes[at] = [0, 97, 98, 255][random.below(4)]!;
    expect(strings.text(bytes, start, end)).toBe(bytes.toString("latin1", start, end));
  }
});
