import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Listpack } from "../../src/structures/listpack.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { Model, change, packOf, randomItem } from "./listpack-model.ts";

describe("validate", () => {
  const arena = new Arena(true);

  /** A listpack of random elements. */
  function randomBytes(random: Random): Buffer {
    const model = new Model(arena);
    const count = random.below(12);
    while (model.items.length < count) {
      const item = randomItem(random);
      if (item.length < 5000) model.push(item);
    }
    const bytes = model.bytes();
    model.pack.free(model.ref);
    return bytes;
  }

  function corrupt(random: Random, bytes: Buffer): Buffer {
    let result = Buffer.from(bytes);
    for (let n = random.below(3); n >= 0; n--) {
      const at = random.below(result.length);
      const kind = random.below(6);
      if (kind === 0) result[at]! ^= 1 << random.below(8);
      else if (kind === 1)
        result[at] = pick(random, [0, 0x7f, 0x80, 0xc0, 0xe0, 0xf0, 0xf4, 0xf5, 255]);
      else if (kind === 2) result[at] = random.below(256);
      else if (kind === 3)
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1)]);
      else if (kind === 4)
        result = Buffer.concat([result.subarray(0, at), result.subarray(at - 1)]);
      else result = Buffer.from(result.subarray(0, at + 1));
      // A right size in the header leads to the deeper checks.
      if (result.length >= 6 && random.below(2) === 0) result.writeUInt32LE(result.length, 0);
      if (result.length >= 6 && random.below(4) === 0) result.writeUInt16LE(65535, 4);
      if (result.length === 0) return result;
    }
    return result;
  }

  /** The bytes as [start, end) of a buffer that throws when something else is read of it. */
  function guard(bytes: Buffer): { guarded: Buffer; start: number; end: number } {
    const start = 10;
    const end = start + bytes.length;
    const guarded = new Proxy(Buffer.alloc(0), {
      get(_target, key): number {
        const index = Number(key as string);
        if (!(index >= start && index < end)) throw new Error(`read ${String(key)} of ${end}`);
        return bytes[index - start]!;
      },
    });
    return { guarded, start, end };
  }

  test("accepts what the listpack makes, wherever it stands", () => {
    const random = seeded("listpack validate");
    for (let round = 0; round < 200 * rounds; round++) {
      const bytes = randomBytes(random);
      const framed = Buffer.concat([Buffer.from("abc"), bytes, Buffer.from("def")]);
      expect(Listpack.validate(framed, 3, 3 + bytes.length)).toBe(true);
      expect(Listpack.validate(framed, 2, 3 + bytes.length)).toBe(false);
      expect(Listpack.validate(framed, 3, 4 + bytes.length)).toBe(false);
    }
  });

  test("refuses every listpack that is cut", () => {
    const model = packOf(["a", "-5", "300000", "b".repeat(64), "c".repeat(200)]);
    const bytes = model.bytes();
    const between: number[] = [];
    for (let i = 0; i < 5; i++) between.push(model.pack.at(model.ref, i));
    for (let end = 0; end < bytes.length; end++) {
      const cut = Buffer.from(bytes.subarray(0, end));
      expect(Listpack.validate(cut, 0, end)).toBe(false);
      if (end < 7) continue;
      cut.writeUInt32LE(end, 0);
      expect(Listpack.validate(cut, 0, end)).toBe(false);
      // With an end byte in the place of the last one and no count, a cut between two elements leaves a listpack.
      cut[end - 1] = 255;
      cut.writeUInt16LE(65535, 4);
      expect(Listpack.validate(cut, 0, end)).toBe(between.includes(end - 1));
    }
  });

  const faults: [string, string][] = [
    ["a wrong size", "080000000000ff"],
    ["no end byte", "07000000000000"],
    ["a count that is too small", "0900000000000501ff"],
    ["a count that is too large", "0900000002000501ff"],
    ["an unused head", "090000000100f501ff"],
    ["an end before the end", "090000000000ffffff"],
    ["a wrong backlen", "0900000001000502ff"],
    ["a backlen that goes on", "0900000001000581ff"],
    ["a string that passes the end", "0a000000010083616103ff"],
    ["a length that passes the end", "0d0000000100f0ffffffff0601ff"],
    ["a head that is cut", "080000000100f0ff"],
  ];
  for (const [name, hex] of faults) {
    test(`refuses ${name}`, () => {
      const { guarded, start, end } = guard(Buffer.from(hex, "hex"));
      expect(Listpack.validate(guarded, start, end)).toBe(false);
    });
  }

  test("refuses a backlen with any bit flipped", () => {
    for (const length of [5, 126, 16378]) {
      const bytes = packOf(["x".repeat(length)]).bytes();
      const body = length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
      for (let at = 6 + body; at < bytes.length - 1; at++) {
        for (let bit = 0; bit < 8; bit++) {
          bytes[at]! ^= 1 << bit;
          expect(Listpack.validate(bytes, 0, bytes.length)).toBe(false);
          bytes[at]! ^= 1 << bit;
        }
      }
      expect(Listpack.validate(bytes, 0, bytes.length)).toBe(true);
    }
  });

  test("never reads outside of the bytes it was given", () => {
    const random = seeded("listpack validate reads");
    for (let round = 0; round < 1000 * rounds; round++) {
      const bytes = corrupt(random, randomBytes(random));
      const { guarded, start, end } = guard(bytes);
      expect(Listpack.validate(guarded, start, end)).toBe(
        Listpack.validate(bytes, 0, bytes.length),
      );
    }
  });

  test("survives a hundred thousand corruptions, and what it accepts can be used", () => {
    const random = seeded("listpack corruptions");
    let accepted = 0;
    let whole = randomBytes(random);
    for (let round = 0; round < 100_000 * rounds; round++) {
      if (round % 20 === 0) whole = randomBytes(random);
      const bytes = corrupt(random, whole);
      if (!Listpack.validate(bytes, 0, bytes.length)) continue;
      accepted++;
      if (accepted % 10 > 0) continue;
      const model = new Model(arena);
      model.pack.free(model.ref);
      model.ref = model.pack.load(bytes, 0, bytes.length);
      model.items = model.list();
      model.check();
      for (let n = 0; n < 3; n++) change(model, random, model.items.length);
      model.check();
      model.pack.free(model.ref);
    }
    expect(accepted).toBeGreaterThan(1000);
  });
});
