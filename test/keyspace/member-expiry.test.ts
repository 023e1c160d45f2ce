/** Many members that expire at once, of one key and of many: in bounded steps, without anybody looking, their memory given back. */
import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { TYPE_HASH, TYPE_SET, TYPE_ZSET } from "../../src/types/kinds.ts";
import { Value } from "../../src/types/value.ts";
import { rounds } from "../support/seed.ts";

const NOW_MS = 1.8e12;
/** A wheel hands out at the end of its tick. */
const LATE_MS = 16;
const STEP = 256;
/** 200 thousand with `npm run test:long`. */
const MEMBERS = 10_000 * rounds;
const VALUE = Buffer.from("v");
const name = Buffer.alloc(32);

function createKeyspace(): Keyspace {
  const clock = new Clock();
  clock.freeze(NOW_MS);
  return new Keyspace(clock, new Random(1), 2);
}

/** Makes a key with members, those from `timedFrom` on with a time. */
function fill(
  database: Database,
  keyspace: Keyspace,
  key: string,
  type: number,
  count: number,
  timedFrom: number,
  dueMs: (index: number) => number,
): void {
  const { hashes, sets, sortedSets, kit } = keyspace.store;
  const value = new Value();
  if (type === TYPE_HASH) hashes.create(value);
  else if (type === TYPE_SET) sets.createIntset(value);
  else sortedSets.create(value);
  for (let i = 0; i < count; i++) {
    const end = name.write(`member:${i}`, "latin1");
    if (type === TYPE_HASH) hashes.set(value, name, 0, end, VALUE, 0, 1);
    else if (type === TYPE_SET) sets.add(value, name, 0, end);
    else sortedSets.put(value, name, 0, end, i % 100);
    if (i >= timedFrom) kit.memberTimes.put(value, name, 0, end, dueMs(i));
  }
  const bytes = Buffer.from(key);
  expect(database.find(bytes, 0, bytes.length)).toBe(NULL_REF);
  database.create(bytes, 0, bytes.length, type, value);
}

function lengthOf(database: Database, keyspace: Keyspace, key: string): number {
  const bytes = Buffer.from(key);
  const entry = database.peek(bytes, 0, bytes.length);
  return entry === NULL_REF ? 0 : rawLength(database, keyspace, entry);
}

/** Members of a value as it is, those included whose time has come. */
function rawLength(database: Database, keyspace: Keyspace, entry: Ref): number {
  const { collections, entries } = keyspace.store;
  const value = new Value();
  database.load(entry, value);
  return collections[entries.type(entry)]!.length(value);
}

describe.each([
  ["hash", TYPE_HASH],
  ["set", TYPE_SET],
  ["sorted set", TYPE_ZSET],
] as const)("many members of a %s", (_name, type) => {
  test("of which some stay go in steps of bounded size", () => {
    const keyspace = createKeyspace();
    const { store } = keyspace;
    const [database] = keyspace.databases;
    fill(database!, keyspace, "k", type, MEMBERS, MEMBERS / 2, (i) => NOW_MS + 1 + (i % 1000));
    store.clock.advance(1000 + LATE_MS);
    let steps = 0;
    let before = 0;
    while (database!.due.expireMembers(STEP)) {
      expect(store.expiredMembers - before).toBeLessThanOrEqual(STEP);
      before = store.expiredMembers;
      steps++;
    }
    expect(steps).toBeGreaterThanOrEqual(MEMBERS / 2 / STEP - 1);
    expect(store.expiredMembers).toBe(MEMBERS / 2);
    expect(database!.expiringMembers).toBe(0);
    expect(lengthOf(database!, keyspace, "k")).toBe(MEMBERS / 2);
    keyspace.release();
  });

  test("that all go take one step and leave their memory to housekeeping", () => {
    const keyspace = createKeyspace();
    const { store, reclaimer } = keyspace;
    const [database] = keyspace.databases;
    const { usedBytes } = store.arena;
    fill(database!, keyspace, "k", type, MEMBERS, 0, (i) => NOW_MS + 1 + (i % 1000));
    // A look at the key does it as well as housekeeping.
    store.clock.advance(1000);
    expect(database!.size).toBe(1);
    expect(lengthOf(database!, keyspace, "k")).toBe(0);
    expect(database!.size).toBe(0);
    expect(store.expiredMembers).toBe(MEMBERS);
    expect(store.expired).toBe(0);
    // The members and their times.
    expect(reclaimer.pending).toBe(2 * MEMBERS);
    while (keyspace.housekeep(1e6));
    expect(reclaimer.pending).toBe(0);
    // What stays is the wheel.
    expect(store.arena.usedBytes - usedBytes).toBe(database!.wheelBytes);
    keyspace.release();
  });

  test("of many keys go in steps of bounded size, whole keys and parts of them", () => {
    const keyspace = createKeyspace();
    const { store } = keyspace;
    const [database] = keyspace.databases;
    const keys = MEMBERS / 100;
    for (let i = 0; i < keys; i++) {
      const first = i % 2 === 0 ? 0 : 10;
      fill(database!, keyspace, `k${i}`, type, 100, first, () => NOW_MS + 5 + (i % 7));
    }
    expect(database!.expiringMembers).toBe(keys);
    store.clock.advance(5 + 7 + LATE_MS);
    let size = database!.size;
    let members = 0;
    while (database!.due.expireMembers(STEP)) {
      // A whole key is one step, however many members it has.
      const gone = size - database!.size;
      expect(gone).toBeLessThanOrEqual(STEP);
      expect(store.expiredMembers - members - 100 * gone).toBeLessThanOrEqual(STEP);
      size = database!.size;
      members = store.expiredMembers;
    }
    expect(database!.size).toBe(keys / 2);
    expect(store.expiredMembers).toBe(50 * keys + 45 * keys);
    expect(database!.expiringMembers).toBe(0);
    keyspace.release();
  });
});

test("a clock that is set back lets no member go, and loses none", () => {
  const keyspace = createKeyspace();
  const { store } = keyspace;
  const { clock } = store;
  const [database] = keyspace.databases;
  clock.advance(100_000);
  fill(database!, keyspace, "k", TYPE_SET, 100, 0, (i) => NOW_MS + 100_001 + i * 1000);
  database!.due.expireMembers(STEP);
  clock.freeze(NOW_MS);
  database!.due.expireMembers(STEP);
  expect(lengthOf(database!, keyspace, "k")).toBe(100);
  clock.freeze(NOW_MS + 100_001 + 50_000 + LATE_MS);
  while (database!.due.expireMembers(STEP));
  expect(store.expiredMembers).toBe(51);
  expect(lengthOf(database!, keyspace, "k")).toBe(49);
  keyspace.release();
});
