import { expect, test } from "bun:test";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Blobs } from "../../src/memory/blobs.ts";
import { rounds, seeded } from "../support/seed.ts";

test("blobs keep their content, length and room under random use", () => {
  const random = seeded("blobs");
  const arena = new Arena(true);
  const blobs = new Blobs(arena);
  const model: { blob: Ref; content: Buffer }[] = [];
  const read = (blob: Ref): Buffer => {
    const start = blobs.start(blob);
    return Buffer.from(blobs.bytes(blob).subarray(start, start + blobs.length(blob)));
  };
  for (let step = 0; step < 2000 * rounds; step++) {
    const index = random.below(model.length + 1);
    const known = model[index];
    const action = random.below(10);
    if (known === undefined || action < 3) {
      const content = Buffer.alloc(random.below(random.below(10) === 0 ? 300_000 : 3000));
      for (let i = 0; i < content.length; i += 1 + random.below(50)) content[i] = random.below(256);
      const capacity = content.length + random.below(1000);
      const blob = blobs.create(content.length, capacity);
      blobs.write(blob, 0, content, 0, content.length);
      expect(blobs.capacity(blob)).toBeGreaterThanOrEqual(capacity);
      model.push({ blob, content });
    } else if (action < 5) {
      blobs.free(known.blob);
      model.splice(index, 1);
    } else if (action < 6) {
      model.push({ blob: blobs.duplicate(known.blob), content: Buffer.from(known.content) });
    } else if (known.content.length > 0) {
      const from = random.below(known.content.length);
      const patch = Buffer.alloc(random.below(known.content.length - from + 1), step & 0xff);
      patch.copy(known.content, from);
      blobs.write(known.blob, from, patch, 0, patch.length);
    }
    for (const { blob, content } of model.slice(-5)) expect(read(blob).equals(content)).toBe(true);
  }
  for (const { blob, content } of model) {
    expect(read(blob).equals(content)).toBe(true);
    blobs.free(blob);
  }
  expect(arena.usedBytes).toBe(0);
});

test("a blob grows in place within its room", () => {
  const blobs = new Blobs(new Arena(true));
  const blob = blobs.create(3, 1000);
  blobs.write(blob, 0, Buffer.from("abc"), 0, 3);
  blobs.setLength(blob, 1000);
  blobs.write(blob, 997, Buffer.from("xyz"), 0, 3);
  const start = blobs.start(blob);
  expect(blobs.bytes(blob).toString("latin1", start, start + 3)).toBe("abc");
  expect(blobs.bytes(blob).toString("latin1", start + 997, start + 1000)).toBe("xyz");
  expect(Blobs.blockSize(1000)).toBe(1024);
});
