/** The index of pending entries by time, made bit by bit while entries come, go and are delivered again. */
import { expect, test } from "bun:test";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { StreamId } from "../../src/structures/stream-id.ts";
import { StreamGroups } from "../../src/types/stream-groups.ts";
import { rounds, seeded } from "../support/seed.ts";

const STREAM = 16 as Ref;
const IDS = 400;

test("an index that is made in steps agrees with a model, whatever happens in between", () => {
  const random = seeded("index of pending entries");
  for (let round = 0; round < 40 * rounds; round++) {
    const arena = new Arena(true);
    const groups = new StreamGroups(arena);
    const blocks = arena.blocks;
    const group = groups.create(STREAM, Buffer.from("g"));
    const consumers = ["a", "b"].map((name) => groups.createConsumer(group, Buffer.from(name), 0));
    /** Time of delivery by the milliseconds of an id. */
    const model = new Map<number, number>();
    const id = new StreamId();
    let now = 1000;

    const deliver = (ms: number): void => {
      id.set(0, ms, 0, 0);
      const consumer = consumers[random.below(2)]!;
      if (!groups.addPending(group, consumer, id)) {
        groups.findPending(group, id);
        groups.reassign(group, consumer, id);
      }
      groups.setDeliveredMs(group, id, now);
      model.set(ms, now);
    };
    for (let n = 0; n < IDS / 2; n++) deliver(1 + random.below(IDS));
    let complete = false;
    while (!complete) {
      now += random.below(3);
      const kind = random.below(10);
      const ms = 1 + random.below(IDS);
      if (kind < 4) deliver(ms);
      else if (kind < 8) {
        id.set(0, ms, 0, 0);
        expect(groups.removePending(group, id)).toBe(model.delete(ms));
      } else complete = groups.index(group, 1 + random.below(10));
    }
    const expected = [...model].toSorted((a, b) => a[1] - b[1] || a[0] - b[0]);
    expect(groups.oldestMs(group)).toBe(expected[0]?.[1] ?? Infinity);
    expect(groups.countUntil(group, now)).toBe(expected.length);
    const found = new Int32Array(4 * expected.length);
    groups.copyOldest(group, expected.length, found);
    expect(expected.map((_, i) => found[4 * i + 1])).toEqual(expected.map(([ms]) => ms));
    groups.destroy(STREAM, group);
    expect(arena.blocks).toBe(blocks);
  }
});
