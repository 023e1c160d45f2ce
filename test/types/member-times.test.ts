/**
 * Hashes, sets and sorted sets whose members have times, beside Maps: whatever removes a member takes its time along, whatever
 * moves the collection into another encoding keeps the times, and nothing is left in memory that is verified.
 */
import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { Store } from "../../src/keyspace/store.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import type { MemberCollection } from "../../src/types/collection.ts";
import { ENCODING_TIMED, TYPE_HASH, TYPE_SET, TYPE_ZSET } from "../../src/types/kinds.ts";
import type { MemberTimes } from "../../src/types/member-times.ts";
import { MEMBER_TIME_MAX } from "../../src/types/member-times.ts";
import { SortedSetCursor } from "../../src/types/sorted-set-cursor.ts";
import { Value } from "../../src/types/value.ts";
import { Slice } from "../../src/base/slice.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

const TIMES = [0, 1, 1000, 1.8e12, 1.8e12 + 1, 2 ** 45, MEMBER_TIME_MAX - 1, MEMBER_TIME_MAX];
const VALUE = Buffer.from("v");

class Model {
  readonly store = new Store(new Clock(), new Random(1), true);
  readonly times: MemberTimes = this.store.kit.memberTimes;
  readonly collection: MemberCollection;
  readonly value = new Value();
  /** Time by member, -1 for none. */
  readonly dues = new Map<string, number>();
  readonly type: number;

  constructor(type: number, packedMax: number) {
    this.type = type;
    const { limits } = this.store.kit;
    limits.hashMaxListpackEntries = packedMax;
    limits.setMaxListpackEntries = packedMax;
    limits.setMaxIntsetEntries = packedMax;
    limits.zsetMaxListpackEntries = packedMax;
    this.collection = this.store.memberCollections[type]!;
    if (type === TYPE_HASH) this.store.hashes.create(this.value);
    else if (type === TYPE_SET) this.store.sets.createIntset(this.value);
    else this.store.sortedSets.create(this.value);
  }

  add(member: string): void {
    const bytes = Buffer.from(member, "latin1");
    const { length } = bytes;
    const { store, value } = this;
    if (this.type === TYPE_HASH) store.hashes.set(value, bytes, 0, length, VALUE, 0, 1);
    else if (this.type === TYPE_SET) store.sets.add(value, bytes, 0, length);
    else store.sortedSets.put(value, bytes, 0, length, member.length);
    if (!this.dues.has(member)) this.dues.set(member, -1);
  }

  setTime(member: string, dueMs: number): void {
    const bytes = Buffer.from(member, "latin1");
    expect(this.collection.has(this.value, bytes, 0, bytes.length)).toBe(this.dues.has(member));
    if (!this.dues.has(member)) return;
    this.times.put(this.value, bytes, 0, bytes.length, dueMs);
    this.dues.set(member, dueMs);
  }

  forget(member: string): void {
    const bytes = Buffer.from(member, "latin1");
    const { timed } = this.value;
    if (timed === NULL_REF) return;
    const had = (this.dues.get(member) ?? -1) !== -1;
    expect(this.times.forget(timed, bytes, 0, bytes.length)).toBe(had);
    if (had) this.dues.set(member, -1);
  }

  remove(member: string): void {
    const bytes = Buffer.from(member, "latin1");
    const removed = this.collection.remove(this.value, bytes, 0, bytes.length);
    expect(removed).toBe(this.dues.delete(member));
  }

  /** Removes without naming the member: one by chance, or a range. */
  removeAnyhow(random: Random): void {
    if (this.dues.size === 0) return;
    const { sets, sortedSets } = this.store;
    const { value } = this;
    if (this.type === TYPE_SET) {
      sets.walk.random(value);
      this.dues.delete(sets.walk.member.copy().toString("latin1"));
      sets.removeAt(value, sets.walk);
    } else if (this.type === TYPE_ZSET) {
      const count = 1 + random.below(Math.min(5, this.dues.size));
      const rank = random.below(this.dues.size - count + 1);
      const cursor = new SortedSetCursor();
      const member = new Slice();
      sortedSets.seek(value, rank, cursor);
      for (let left = count; left > 0; left--, sortedSets.next(cursor)) {
        sortedSets.readMember(cursor, member);
        this.dues.delete(member.copy().toString("latin1"));
      }
      sortedSets.removeRange(value, rank, count);
    }
  }

  get timed(): [string, number][] {
    return [...this.dues]
      .filter(([, due]) => due !== -1)
      .toSorted(
        ([a, x], [b, y]) => x - y || Buffer.from(a, "latin1").compare(Buffer.from(b, "latin1")),
      );
  }

  timesOf(value: Value): [string, number][] {
    const list: [string, number][] = [];
    if (value.timed === NULL_REF) return list;
    this.times.forSome(value.timed, 0, Infinity, (member, dueMs) => {
      list.push([member.copy().toString("latin1"), dueMs]);
    });
    return list;
  }

  check(): void {
    const { timed, times, value } = this;
    expect(this.collection.length(value)).toBe(this.dues.size);
    expect(this.timesOf(value)).toEqual(timed);
    if (value.timed === NULL_REF) return;
    expect(times.count(value.timed)).toBe(timed.length);
    if (timed.length > 0) expect(times.firstMs(value.timed)).toBe(timed[0]![1]);
    for (const nowMs of TIMES) {
      const due = timed.filter(([, dueMs]) => dueMs <= nowMs).length;
      expect(times.countDue(value.timed, nowMs)).toBe(due);
    }
    for (const [member, dueMs] of this.dues) {
      const bytes = Buffer.from(member, "latin1");
      expect(times.of(value.timed, bytes, 0, bytes.length)).toBe(dueMs);
    }
    // The wrapper tells where the value is, whatever became of it.
    times.rewrap(value);
    const read = new Value();
    read.set(ENCODING_TIMED, value.timed);
    times.unwrap(read);
    expect(read).toEqual(value);
  }

  free(value: Value): void {
    const times = new Value();
    const { sortedSets } = this.store;
    if (value.timed !== NULL_REF) {
      this.times.release(value, times);
      if (!sortedSets.freeSmall(times)) while (sortedSets.freeSome(times, 50));
    }
    if (!this.collection.freeSmall(value)) while (this.collection.freeSome(value, 50));
  }
}

describe.each([
  ["hash", TYPE_HASH],
  ["set", TYPE_SET],
  ["sorted set", TYPE_ZSET],
] as const)("the times of a %s's members", (name, type) => {
  test.each([
    ["always packed", 10_000],
    ["never packed", 0],
    ["packed while there are few", 15],
  ] as const)("are those of a map, %s", (layout, packedMax) => {
    const random = seeded(`times of a ${name}, ${layout}`);
    for (let round = 0; round < 6 * rounds; round++) {
      const model = new Model(type, packedMax);
      const integers = random.below(2) === 0;
      const names = Array.from({ length: 80 }, (_, i) => (integers ? `${i * 97 - 50}` : `m${i}`));
      for (let i = 0; i < 500; i++) {
        const member = pick(random, names);
        const kind = random.below(10);
        if (kind < 4) model.add(member);
        else if (kind < 7) model.setTime(member, pick(random, TIMES));
        else if (kind < 8) model.remove(member);
        else if (kind < 9) model.forget(member);
        else model.removeAnyhow(random);
        // Something that fits no packed encoding, half way.
        if (i === 250 && packedMax === 15) model.add("x".repeat(70));
        if (i % 25 === 0) model.check();
      }
      model.check();
      const copy = new Value();
      model.collection.duplicate(model.value, copy);
      const { timed } = model;
      if (model.value.timed !== NULL_REF) model.times.duplicate(model.value.timed, copy);
      for (const member of model.dues.keys()) model.remove(member);
      model.check();
      expect(model.timesOf(copy)).toEqual(timed);
      if (model.value.timed !== NULL_REF) model.times.dissolve(model.value);
      model.free(copy);
      model.free(model.value);
      expect(model.store.arena.blocks).toBe(0);
    }
  });
});
