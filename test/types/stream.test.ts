/** Streams against a sorted list of entries, with nodes of several sizes, in verify mode. */
import { expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Slice } from "../../src/base/slice.ts";
import { Store } from "../../src/keyspace/store.ts";
import { StreamId } from "../../src/structures/stream-id.ts";
import { ENCODING_STREAM } from "../../src/types/kinds.ts";
import { StreamPlace } from "../../src/types/stream-place.ts";
import { NodeCheck } from "../../src/types/stream-node-check.ts";
import { Trim } from "../../src/types/stream.ts";
import { Value } from "../../src/types/value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

interface Entry {
  readonly ms: number;
  readonly words: readonly string[];
}

function pairsOf(words: readonly string[]) {
  const bytes = Buffer.from(words.join(""));
  const starts = new Int32Array(words.length);
  const ends = new Int32Array(words.length);
  let at = 0;
  for (const [i, word] of words.entries()) {
    starts[i] = at;
    ends[i] = at += word.length;
  }
  return { bytes, start: (index: number) => starts[index]!, end: (index: number) => ends[index]! };
}

function idOf(ms: number): StreamId {
  const id = new StreamId();
  id.setTime(ms);
  return id;
}

function read(store: Store, value: Value, from: number, to: number, reverse: boolean): Entry[] {
  const { walk } = store.streams;
  const entries: Entry[] = [];
  const field = new Slice();
  const content = new Slice();
  walk.begin(store.streams.nodes(value), idOf(from), idOf(to), reverse);
  while (walk.next()) {
    const words: string[] = [];
    for (let i = 0; i < walk.fields; i++) {
      walk.readPair(field, content);
      for (const slice of [field, content]) {
        words.push(slice.bytes.toString("latin1", slice.start, slice.end));
      }
    }
    entries.push({ ms: walk.id.msHigh * 2 ** 32 + (walk.id.msLow >>> 0), words });
  }
  return entries;
}

for (const [bytes, count] of [
  [4096, 100],
  [100, 100],
  [0, 3],
  [4096, 1],
  [0, 0],
] as const) {
  test(`nodes of ${bytes} bytes and ${count} entries hold what a list holds`, () => {
    const random = seeded(`streams ${bytes} ${count}`);
    for (let round = 0; round < 8 * rounds; round++) {
      const store = new Store(new Clock(), random, true);
      const { streams } = store;
      store.kit.limits.streamNodeMaxBytes = bytes;
      store.kit.limits.streamNodeMaxEntries = count;
      const before = store.arena.usedBytes;
      const value = new Value();
      streams.create(value);
      expect(value.encoding).toBe(ENCODING_STREAM);
      let model: Entry[] = [];
      let ms = 2 ** 32 - 500;
      // A reader that goes on where it has stopped, like a consumer group.
      const place = new StreamPlace();
      let readMs = ms;
      for (let step = 0; step < 700; step++) {
        const choice = random.below(100);
        if (choice < 70) {
          ms += 1 + random.below(3);
          const words = Array.from({ length: 1 + random.below(3) }, (_, i) => [
            random.below(5) === 0 ? `other${i}` : `field${i}`,
            pick(random, ["", "7", "-300", "70000", "x".repeat(random.below(90))]),
          ]).flat();
          streams.append(value, idOf(ms), pairsOf(words), 0, words.length / 2);
          model.push({ ms, words });
        } else if (choice < 95) {
          const target = ms - random.below(60);
          const rest = model.filter((entry) => entry.ms !== target);
          expect(streams.delete(value, idOf(target))).toBe(rest.length < model.length);
          model = rest;
        } else {
          const trim = new Trim();
          trim.approximate = random.below(2) === 0;
          if (random.below(2) === 0) trim.maxLength = Math.max(0, model.length - random.below(40));
          else trim.minId.copy(idOf(ms - random.below(500)));
          const wanted =
            trim.maxLength >= 0
              ? model.length - trim.maxLength
              : model.filter((entry) => idOf(entry.ms).compare(trim.minId) < 0).length;
          const deleted = streams.trim(value, trim);
          expect(trim.approximate ? deleted <= wanted : deleted === wanted).toBe(true);
          model = model.slice(deleted);
        }
        if (random.below(3) === 0) {
          const unread = model.filter((entry) => entry.ms > readMs).map((entry) => entry.ms);
          const wanted = unread.slice(0, 1 + random.below(4));
          const next = idOf(readMs);
          next.increment();
          streams.beginFrom(value, next, place);
          const { walk } = streams;
          for (const expected of wanted) {
            expect(walk.next()).toBe(true);
            expect(walk.id.compare(idOf(expected))).toBe(0);
            readMs = expected;
          }
          if (wanted.length > 0) streams.keepPlace(value, place);
          if (unread.length === 0) expect(walk.next()).toBe(false);
        }
        if (step % 50 !== 0) continue;
        expect(streams.length(value)).toBe(model.length);
        const from = ms - random.below(400);
        const to = from + random.below(400);
        const inside = model.filter((entry) => entry.ms >= from && entry.ms <= to);
        expect(read(store, value, from, to, false)).toEqual(inside);
        expect(read(store, value, from, to, true)).toEqual(inside.toReversed());
      }
      const copy = new Value();
      streams.duplicate(value, copy);
      while (streams.freeSome(value, 30));
      expect(read(store, copy, 0, ms, false)).toEqual(model);
      expect(streams.memory(copy, 0)).toBeLessThanOrEqual(store.arena.usedBytes - before);
      while (streams.freeSome(copy, 30));
      expect(store.arena.usedBytes).toBe(before);
    }
  });
}

test("flags in a longer form than they need are marked in place: nothing behind them moves", () => {
  const store = new Store(new Clock(), seeded("long flags"), true);
  const { streams } = store;
  const integer = (number: number) => [number, 1];
  const text = (string: string) => [
    0x80 + string.length,
    ...Buffer.from(string),
    string.length + 1,
  ];
  const long = [0xf1, 2, 0, 3];
  const longer = [0xf4, 2, 0, 0, 0, 0, 0, 0, 0, 9];
  const wide = [0xc0, 2, 2];
  const entries = [long, longer, wide, integer(2)].flatMap((flags, i) => {
    return [...flags, ...integer(i), ...integer(0), ...text(`value${i}`), ...integer(4)];
  });
  const body = [...integer(4), ...integer(0), ...integer(1), ...text("field"), ...integer(0)];
  const bytes = Buffer.from([0, 0, 0, 0, 25, 0, ...body, ...entries, 0xff]);
  bytes.writeUInt32LE(bytes.length, 0);
  const check = new NodeCheck();
  expect(check.isSound(idOf(7), bytes, 0, bytes.length)).toBe(true);
  const value = new Value();
  streams.create(value);
  streams.appendNode(value, idOf(7), bytes, 0, bytes.length, 4);
  const trim = new Trim();
  trim.maxLength = 2;
  expect(streams.trim(value, trim)).toBe(2);
  expect(read(store, value, 0, 100, false).map((entry) => entry.ms)).toEqual([9, 10]);
  expect(streams.delete(value, idOf(9))).toBe(true);
  expect(read(store, value, 0, 100, true)).toEqual([{ ms: 10, words: ["field", "value3"] }]);
});
